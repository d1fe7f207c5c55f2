"""Teach a model more pictures, of new taxa or of known ones, from the features beside its bundle.

A taxon is added without the library's pictures, and on another machine too. Arrays only: what
reads a library is left to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from berlese.classify.heads.registry import DEFAULT_HEAD, HEADS
from berlese.classify.library.new_class import add_pictures
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.training import FeatureOrigin, train_bundle
from berlese.errors import BundleError, LibraryError


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFeatures:
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

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> "LabelledFeatures":
        """Take what a bundle was trained on.

        Raises
        ------
        BundleError
            If the bundle was loaded without its rows, or has none.
        """
        if bundle.rows is None:
            raise BundleError(
                "the model's bundle has no library.safetensors, so that it cannot learn more: an "
                "older berlese made it. Train it again with `berlese train`."
            )
        groups = bundle.rows.groups
        return cls(
            bundle.rows.features,
            np.asarray(bundle.classes)[bundle.rows.codes],
            None if groups is None else groups.astype(np.str_),
        )

    def without(self, known: "LabelledFeatures") -> "LabelledFeatures":
        """Leave out pictures that `known` has under the same name."""
        there = set(zip(_keys(known.features), known.labels.tolist(), strict=True))
        mine = zip(_keys(self.features), self.labels.tolist(), strict=True)
        new = np.array([each not in there for each in mine], bool)
        groups = None if self.groups is None else self.groups[new]
        return LabelledFeatures(self.features[new], self.labels[new], groups)

    def joined(self, more: "LabelledFeatures") -> "LabelledFeatures":
        """Put `more` behind; a picture without a group gets one of its own."""
        groups = None
        if self.groups is not None or more.groups is not None:
            groups = np.concatenate([_own_groups(self, "old"), _own_groups(more, "added")])
        return LabelledFeatures(
            np.concatenate([self.features, more.features]),
            np.concatenate([self.labels, more.labels]),
            groups,
        )


def _keys(features: NDArray[np.float32]) -> list[bytes]:
    return [row.tobytes() for row in features]


def _own_groups(part: LabelledFeatures, start: str) -> NDArray[np.str_]:
    if part.groups is not None:
        return part.groups
    return np.array([f"{start} {number}" for number in range(len(part.labels))])


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A model that learned more.

    Attributes
    ----------
    bundle : Bundle
        With the features that it stands on now.
    added : tuple of str
        Taxa that it did not know before.
    n_added, n_known : int
        Pictures that were new, and that it had learned from already.
    renamed : float
        Share of the earlier pictures that it names otherwise than before.
    """

    bundle: Bundle
    added: tuple[str, ...]
    n_added: int
    n_known: int
    renamed: float


def grow(
    bundle: Bundle, more: LabelledFeatures, backbone: FeatureOrigin, *, random_state: int
) -> Grown:
    """Teach a model more pictures, of new taxa or of known ones.

    The head goes on from the weights and the scale that it has, so that its scores of the taxa
    that it knew stay comparable; what judges unknowns is made anew. Heads other than the linear one
    are trained again on all features.

    Raises
    ------
    BundleError
        If the bundle does not hold what it was trained on, or was adapted.
    LibraryError
        If all pictures are known already, or a name differs from a known one by case only.
    """
    if bundle.head not in HEADS:
        raise BundleError(
            f"the model was adapted to other photos ({bundle.head}) and cannot learn more; teach "
            "the model that it was adapted from, then adapt again (`berlese adapt`)."
        )
    learned = LabelledFeatures.of_bundle(bundle)
    added = _new_names(bundle.classes, more.labels.tolist())
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
        taxonomy=bundle.taxonomy,
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
        tuple(added),
        len(new.labels),
        len(more.labels) - len(new.labels),
        float(np.mean(before != after)),
    )


def _new_names(known: Sequence[str], names: Sequence[str]) -> list[str]:
    """List names that are not known; another case of a known one would be a taxon twice."""
    new = sorted(set(names) - set(known))
    spelled = {name.casefold(): name for name in known}
    for name in new:
        if name.casefold() in spelled:
            raise LibraryError(
                f"{name!r} and the model's {spelled[name.casefold()]!r} differ by case only; "
                "spell them in one way."
            )
    return new
