"""A trained model as a folder: safetensors and JSON, nothing that can run code.

::

    model/
      bundle.json           classes, rank, backbone, head, training summary
      arrays.safetensors    what the head learned, scores of the unknown rule
      library.safetensors   features of the training set, see `berlese.classify.library_rows`
      MODEL_CARD.md         the same for a person

The same training gives the same bytes, so that `Bundle.hash` names a model.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from berlese.classify.heads import saved_head
from berlese.classify.library_rows import FILE_NAME as ROWS_NAME
from berlese.classify.library_rows import LibraryRows
from berlese.classify.unknowns import DEFAULT_RATE, UnknownRule
from berlese.errors import BundleError, BundleMismatchError, SettingError

FORMAT = 1
JSON_NAME = "bundle.json"
ARRAYS_NAME = "arrays.safetensors"
CARD_NAME = "MODEL_CARD.md"
UNKNOWN_SCORES = "unknown_scores"


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model makes of n specimens.

    Attributes
    ----------
    taxon : ndarray of str of shape (n,)
        The most probable taxon, also of those called unknown.
    probability : ndarray of float64 of shape (n,)
        Of that taxon.
    unknown : ndarray of bool of shape (n,)
        Whether the specimen is unlike the library.
    probabilities : ndarray of float64 of shape (n, n_classes)
        In the order of the bundle's classes.
    """

    taxon: NDArray[np.str_]
    probability: NDArray[np.float64]
    unknown: NDArray[np.bool_]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A fitted head with all that is needed to use it.

    Attributes
    ----------
    classifier : estimator
        Fitted.
    head : str
        Its name, see `berlese.classify.heads`.
    rank : str
        Rank of the classes.
    backbone, backbone_hash : str
        What made the features.
    unknown_rule : UnknownRule
    training : dict
        Summary of the training set; JSON types.
    rows : LibraryRows, optional
        The training set's features, where they were asked for.
    """

    classifier: Any
    head: str
    rank: str
    backbone: str
    backbone_hash: str
    unknown_rule: UnknownRule
    training: dict[str, Any]
    rows: LibraryRows | None = None

    @property
    def classes(self) -> list[str]:
        """The taxa, sorted."""
        return [str(name) for name in self.classifier.classes_]

    @property
    def hash(self) -> str:
        """Hash of the content, 64 hex digits."""
        return sha256(self._json_bytes() + self._array_bytes()).hexdigest()

    def require_backbone(self, backbone_hash: str) -> None:
        """Refuse features of another backbone or preprocessing.

        Raises
        ------
        BundleMismatchError
        """
        if backbone_hash != self.backbone_hash:
            raise BundleMismatchError(
                f"the model was trained on features of backbone {self.backbone} "
                f"({self.backbone_hash[:12]}), but these come from {backbone_hash[:12]}: other "
                "weights or another preprocessing. Embed again with the model's backbone, or train "
                "the model again."
            )

    def predict(
        self, features: ArrayLike, *, backbone_hash: str, rate: float = DEFAULT_RATE
    ) -> Predictions:
        """Name specimens by features of shape (n, dim).

        Raises
        ------
        BundleMismatchError
            If the features come from another backbone or preprocessing.
        """
        self.require_backbone(backbone_hash)
        X = np.asarray(features, np.float64)
        probabilities = self.classifier.predict_proba(X)
        best = probabilities.argmax(axis=1)
        return Predictions(
            np.array(self.classes)[best],
            probabilities[np.arange(len(best)), best],
            self.unknown_rule.is_unknown(probabilities, rate),
            probabilities,
        )

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write the bundle; the folder appears whole or not at all.

        Raises
        ------
        BundleError
            If `folder` exists and `overwrite` is not set, or is not a bundle.
        """
        folder = Path(folder)
        if folder.exists():
            if not overwrite:
                raise BundleError(f"{folder}: exists; choose another name or overwrite it.")
            if not (folder / JSON_NAME).is_file():
                raise BundleError(f"{folder}: is not a bundle and is not overwritten.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".", suffix=".part"))
        try:
            temporary.chmod(0o755)
            (temporary / JSON_NAME).write_bytes(self._json_bytes())
            (temporary / ARRAYS_NAME).write_bytes(self._array_bytes())
            (temporary / CARD_NAME).write_text(self._card(), encoding="utf-8")
            if self.rows is not None:
                (temporary / ROWS_NAME).write_bytes(self.rows.to_bytes())
            if folder.exists():
                old = temporary.with_suffix(".old")
                folder.replace(old)
                temporary.replace(folder)
                shutil.rmtree(old)
            else:
                temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path | str, *, with_rows: bool = False) -> "Bundle":
        """Read a bundle.

        Parameters
        ----------
        folder : Path or str
        with_rows : bool
            Read the training set's features as well; naming animals does without.

        Raises
        ------
        BundleError
            If a file is missing or damaged, or a newer berlese wrote it; names the file.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise BundleError(
                f"{folder}: is no bundle; expected a folder that `berlese train` made."
            )
        facts = _read_json(folder / JSON_NAME)
        arrays = _read_arrays(folder / ARRAYS_NAME)
        if facts.get("format") != FORMAT:
            raise BundleError(
                f"{folder / JSON_NAME}: has format {facts.get('format')!r}, this program reads "
                f"{FORMAT}. Use the berlese that wrote it, or train again."
            )
        try:
            classifier = saved_head(facts["head"]).set_params(**_parameters(facts["parameters"]))
            rule = UnknownRule(arrays.pop(UNKNOWN_SCORES))
            classifier.set_state(np.array(facts["classes"]), arrays)
            return cls(
                classifier=classifier,
                head=facts["head"],
                rank=facts["rank"],
                backbone=facts["backbone"],
                backbone_hash=facts["backbone_hash"],
                unknown_rule=rule,
                training=facts["training"],
                rows=LibraryRows.read(folder / ROWS_NAME) if with_rows else None,
            )
        except (KeyError, TypeError, ValueError, SettingError) as error:
            raise BundleError(
                f"{folder}: is damaged ({type(error).__name__}: {error}); copy or train it again."
            ) from error

    def _json_bytes(self) -> bytes:
        facts = {
            "format": FORMAT,
            "head": self.head,
            "parameters": self.classifier.get_params(),
            "classes": self.classes,
            "rank": self.rank,
            "backbone": self.backbone,
            "backbone_hash": self.backbone_hash,
            "training": self.training,
        }
        return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()

    def _array_bytes(self) -> bytes:
        state = self.classifier.to_state() | {UNKNOWN_SCORES: self.unknown_rule.calibration}
        return save({name: np.ascontiguousarray(state[name]) for name in sorted(state)})

    def _card(self) -> str:
        counts = self.training.get("pictures_by_taxon", {})
        rows = "\n".join(f"| {taxon} | {count} |" for taxon, count in counts.items())
        notes = "\n".join(f"- {note}." for note in self.training.get("notes", []))
        return (
            f"# Model of {len(self.classes)} taxa\n\n"
            f"Names animals on pictures ({self.rank}) by a {self.head} head on features of "
            f"`{self.backbone}`.\nProbabilities hold for pictures like the training set's; on "
            "another camera or fauna they are\nusually too high.\n\n"
            f"{notes}\n\n| taxon | pictures |\n|---|---:|\n{rows}\n"
        )


def _parameters(stored: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; estimators of the same settings shall compare equal."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read as a bundle's JSON ({error}).") from error
    if not isinstance(facts, dict):
        raise BundleError(f"{path}: is not a bundle; expected a JSON object.")
    return facts


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return dict(load(path.read_bytes()))
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path}: cannot be read as safetensors ({error}).") from error
