"""What a model learned from, kept beside its bundle, so that it can learn more.

``library.safetensors`` in the bundle's folder holds the features of the library's pictures, their
names and their groups: a taxon is added without the pictures, and on another machine too. The
bundle itself (and its hash) does not depend on it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from berlese.classify.bundle import Bundle
from berlese.classify.heads import DEFAULT_HEAD
from berlese.classify.new_class import add_pictures
from berlese.classify.training import FeatureOrigin, train_bundle
from berlese.errors import BundleError, LibraryError
from berlese.photos.writing import atomic_write

LEARNED_NAME = "library.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Features of labelled pictures.

    Attributes
    ----------
    features : ndarray of float32 of shape (n, dim)
    labels : ndarray of str of shape (n,)
    groups : ndarray of str of shape (n,), optional
        What must not be split.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None

    def save(self, bundle: Path) -> None:
        """Put it into a bundle's folder."""
        groups = None if self.groups is None else self.groups.tolist()
        words = {"labels": json.dumps(self.labels.tolist()), "groups": json.dumps(groups)}
        content = save({"features": np.ascontiguousarray(self.features)}, metadata=words)
        with atomic_write(bundle / LEARNED_NAME) as path:
            path.write_bytes(content)

    @classmethod
    def load(cls, bundle: Path) -> "Learned":
        """Take it from a bundle's folder.

        Raises
        ------
        BundleError
            If the bundle has none, or it is damaged.
        """
        path = bundle / LEARNED_NAME
        if not path.is_file():
            raise BundleError(
                f"{path}: is not there, so that the model cannot learn more: an older berlese made "
                "it. Train it again with `berlese train`."
            )
        try:
            with safe_open(path, framework="np") as file:
                words = file.metadata()
                features = file.get_tensor("features")
            labels, groups = np.array(json.loads(words["labels"])), json.loads(words["groups"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: is damaged ({error}); train the model again.") from error
        return cls(features, labels, None if groups is None else np.array(groups))

    def without(self, known: "Learned") -> "Learned":
        """Leave out pictures that `known` has under the same name."""
        there = set(zip(_keys(known.features), known.labels.tolist(), strict=True))
        mine = zip(_keys(self.features), self.labels.tolist(), strict=True)
        new = np.array([each not in there for each in mine], bool)
        groups = None if self.groups is None else self.groups[new]
        return Learned(self.features[new], self.labels[new], groups)

    def joined(self, more: "Learned") -> "Learned":
        """Put `more` behind; a picture without a group gets one of its own."""
        groups = None
        if self.groups is not None or more.groups is not None:
            groups = np.concatenate([_own_groups(self, "old"), _own_groups(more, "added")])
        return Learned(
            np.concatenate([self.features, more.features]),
            np.concatenate([self.labels, more.labels]),
            groups,
        )


def _keys(features: NDArray[np.float32]) -> list[bytes]:
    return [row.tobytes() for row in features]


def _own_groups(part: Learned, start: str) -> NDArray[np.str_]:
    if part.groups is not None:
        return part.groups
    return np.array([f"{start} {number}" for number in range(len(part.labels))])


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A model that learned more.

    Attributes
    ----------
    bundle : Bundle
    learned : Learned
        All that it stands on now.
    added : tuple of str
        Taxa that it did not know before.
    n_added, n_known : int
        Pictures that were new, and that it had learned from already.
    renamed : float
        Share of the earlier pictures that it names otherwise than before.
    """

    bundle: Bundle
    learned: Learned
    added: tuple[str, ...]
    n_added: int
    n_known: int
    renamed: float


def grow(
    bundle: Bundle, learned: Learned, more: Learned, backbone: FeatureOrigin, *, random_state: int
) -> Grown:
    """Teach a model more pictures, of new taxa or of known ones.

    The head goes on from the weights and the scale that it has, so that its scores of the taxa
    that it knew stay comparable; what judges unknowns is made anew. Heads other than the linear one
    are trained again on all features.

    Raises
    ------
    LibraryError
        If all pictures are known already.
    """
    new = more.without(learned)
    if not len(new.labels):
        raise LibraryError(
            f"nothing to add: the model has learned from all {len(more.labels)} pictures already."
        )
    whole = learned.joined(new)
    trained = train_bundle(
        whole.features,
        whole.labels,
        whole.groups,
        head=bundle.head,
        backbone=backbone,
        rank=bundle.rank,
        random_state=random_state,
    )
    if bundle.head == DEFAULT_HEAD:
        extended = add_pictures(
            bundle.classifier, learned.features, learned.labels, new.features, new.labels
        )
        trained = replace(trained, classifier=extended.classifier)
    before = bundle.classifier.predict(np.asarray(learned.features, np.float64))
    after = trained.classifier.predict(np.asarray(learned.features, np.float64))
    return Grown(
        trained,
        whole,
        tuple(_new_names(bundle.classes, new.labels.tolist())),
        len(new.labels),
        len(more.labels) - len(new.labels),
        float(np.mean(before != after)),
    )


def _new_names(known: Sequence[str], names: Sequence[str]) -> list[str]:
    return sorted(set(names) - set(known))
