"""A trained model as a folder: safetensors and JSON, nothing that can run code.

::

    model/
      bundle.json           classes, rank, backbone, head, training summary; sha256 of the files
      arrays.safetensors    what the head learned, scores of the unknown rule
      library.safetensors   features of the training set, see `berlese.classify.models.library_rows`
      MODEL_CARD.md         the same for a person

The same training gives the same bytes, so that `Bundle.hash` names a model.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from berlese.classify.adaptation.guard import ADVICE
from berlese.classify.adaptation.registry import saved_head
from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import LIBRARY, Calibration
from berlese.classify.models.library_rows import FILE_NAME as ROWS_NAME
from berlese.classify.models.library_rows import LibraryRows
from berlese.classify.models.stored import AGAIN, HASHES, read_facts, read_whole
from berlese.classify.naming.promises import NamingSettings, sure_names
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.classify.unknowns.contrast import Contrast, DomainCheck
from berlese.classify.unknowns.rule import UnknownRule
from berlese.errors import BundleError, BundleMismatchError, SettingError, as_word
from berlese.photos.writing import atomic_folder

FORMAT = 2
JSON_NAME = "bundle.json"
ARRAYS_NAME = "arrays.safetensors"
CARD_NAME = "MODEL_CARD.md"
FIGURES_NAME = "calibration.json"
DIAGRAM_NAMES = ("reliability.svg", "reliability.png")
COMPANIONS = (FIGURES_NAME, *DIAGRAM_NAMES)
"""What may lie beside a model: figures and diagrams of its calibration."""
OLD_UNKNOWN_SCORES = "unknown_scores"  # of format 1
UNKNOWN = "unknown."
HELD_OUT = "held_out."
DOMAIN = "domain"  # in the training summary of a model that was adapted


def require_place(folder: Path, *, overwrite: bool, source: Path | None = None) -> None:
    """Refuse, before any work, a place that a bundle cannot be written to.

    Parameters
    ----------
    folder : Path
        Where the bundle is to lie.
    overwrite : bool
        Whether a bundle that is there may be replaced; nothing else ever is.
    source : Path, optional
        The bundle that it is made of, which stays as it is.

    Raises
    ------
    BundleError
    """
    if source is not None and folder.resolve() == source.resolve():
        raise BundleError(
            f"{folder}: is the model that you start from; give another --out, it stays as it is."
        )
    if not folder.exists():
        return
    if not overwrite:
        raise BundleError(f"{folder}: exists; give --overwrite, or another --out.")
    if not (folder / JSON_NAME).is_file():
        raise BundleError(f"{folder}: is not a bundle and is not overwritten; give another --out.")


def with_promises(training: Mapping[str, Any], promises: Sequence[str]) -> dict[str, Any]:
    """Put a model's promises among its notes, in place of those that it made before.

    Parameters
    ----------
    training : mapping
        See `Bundle.training`.
    promises : sequence of str
    """
    earlier = training.get("promises", ())
    notes = [
        note
        for note in training.get("notes", ())
        # Models of earlier versions did not list their promises.
        if note not in earlier and "held-out" not in note
    ]
    return {**training, "notes": [*notes, *promises], "promises": [*promises]}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model makes of n specimens.

    Attributes
    ----------
    taxon : ndarray of str of shape (n,)
        The most probable taxon, also of those called unknown; at the lowest rank that is sure
        enough, where an error rate was asked for.
    rank : ndarray of str of shape (n,)
        Of that taxon.
    probability : ndarray of float64 of shape (n,)
        Of that taxon.
    unknown : ndarray of bool of shape (n,)
        Whether the specimen is unlike the library.
    unsure : ndarray of bool of shape (n,)
        Whether no rank is sure enough; then `taxon` is the most probable one, for a hint.
    p_value : ndarray of float64 of shape (n,)
        Share of the library's specimens that look as unlike it.
    probabilities : ndarray of float64 of shape (n, n_classes)
        Calibrated, in the order of the bundle's classes.
    sets : ndarray of bool of shape (n, n_classes), optional
        The taxa that each may be, where an error rate was asked for.
    """

    taxon: NDArray[np.str_]
    rank: NDArray[np.str_]
    probability: NDArray[np.float64]
    unknown: NDArray[np.bool_]
    unsure: NDArray[np.bool_]
    p_value: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    sets: NDArray[np.bool_] | None = None

    def status(self, row: int) -> str:
        """Say of one specimen whether its name counts: predicted, unknown or dubious."""
        if self.unknown[row]:
            return "unknown"
        return "dubious" if self.unsure[row] else "predicted"


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A fitted head with all that is needed to use it.

    Attributes
    ----------
    classifier : estimator
        Fitted.
    head : str
        Its name, see `berlese.classify.adaptation.registry.saved_head`.
    rank : str
        Rank of the classes.
    backbone, backbone_hash : str
        What made the features.
    unknown_rule : UnknownRule
    training : dict
        Summary of the training set; JSON types.
    rows : LibraryRows, optional
        The training set's features, where they were asked for.
    calibration : Calibration, optional
        Corrects the head's probabilities.
    held_out : HeldOut, optional
        What the head made of specimens that it had not seen, before calibration.
    taxonomy : Taxonomy, optional
        What stands above the classes.
    """

    classifier: Any
    head: str
    rank: str
    backbone: str
    backbone_hash: str
    unknown_rule: UnknownRule
    training: dict[str, Any]
    rows: LibraryRows | None = None
    calibration: Calibration | None = None
    held_out: HeldOut | None = None
    taxonomy: Taxonomy | None = None

    @property
    def classes(self) -> list[str]:
        """The taxa, sorted."""
        return [str(name) for name in self.classifier.classes_]

    @property
    def domain(self) -> str:
        """What the photos are called that the model's promises hold for."""
        if self.calibration is not None:
            return self.calibration.domain
        return str(self.training.get(DOMAIN, LIBRARY))

    def place_in_words(self, check: DomainCheck) -> str:
        """Say what the model promises of photos that were compared with those of its domain.

        Where that is nothing, what to do follows.
        """
        if check.same and self.calibration is None:
            return (
                f"the photos look like those of the {self.domain}, but the model was not checked "
                "there: no rate of unknowns and no probability is promised"
            )
        words = check.in_words(self.domain)
        return f"{words}. {ADVICE}" if check.asks_for_review else words

    @property
    def hash(self) -> str:
        """Hash of the content, 64 hex digits."""
        return sha256(_json_bytes(self._facts()) + self._array_bytes()).hexdigest()

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
        self,
        features: ArrayLike,
        *,
        backbone_hash: str,
        settings: NamingSettings | None = None,
        together: Contrast | None = None,
    ) -> Predictions:
        """Name specimens by features of shape (n, dim).

        Parameters
        ----------
        features : array of shape (n, dim)
        backbone_hash : str
            Of what made them.
        settings : NamingSettings, optional
            What is asked of the model.
        together : Contrast, optional
            These specimens seen together, see `contrasted`; without it, each is judged for itself.

        Raises
        ------
        BundleMismatchError
            If the features come from another backbone or preprocessing.
        SettingError
            If an error rate is asked for that the model has nothing to judge by.
        """
        self.require_backbone(backbone_hash)
        asked = NamingSettings() if settings is None else settings
        X = np.asarray(features, np.float64)
        raw = self.classifier.predict_proba(X)
        probabilities = self.calibrated(raw)
        best = probabilities.argmax(axis=1)
        if together is not None and together.p_values is not None:
            p_value = together.p_values
        else:
            p_value = self.unknown_rule.p_values(raw, X, asked.unknown_score)
        unknown = p_value <= asked.unknown_rate
        if asked.unknown_threshold is not None:
            unknown = raw.max(axis=1) < asked.unknown_threshold
        plain = Predictions(
            taxon=np.array(self.classes)[best],
            rank=np.full(len(best), self.rank),
            probability=probabilities[np.arange(len(best)), best],
            unknown=unknown,
            unsure=np.zeros(len(best), bool),
            p_value=p_value,
            probabilities=probabilities,
        )
        return plain if asked.error_rate is None else self._sure(plain, asked.error_rate)

    def contrasted(
        self, features: ArrayLike, groups: ArrayLike | None = None, *, backbone_hash: str
    ) -> Contrast | None:
        """Compare all animals of a survey with the library; None where the model cannot.

        Parameters
        ----------
        features : array of shape (n, dim)
        groups : array of shape (n,), optional
            Photos.
        backbone_hash : str

        Raises
        ------
        BundleMismatchError
            As `predict`.
        """
        self.require_backbone(backbone_hash)
        X = np.asarray(features, np.float64)
        if not len(X):
            return None
        photos = None if groups is None else np.asarray(groups)
        return self.unknown_rule.contrasted(self.classifier.predict_proba(X), X, photos)

    def calibrated(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Correct the head's probabilities of shape (n, n_classes), where there is a correction."""
        if self.calibration is None or not len(probabilities):
            return probabilities
        return self.calibration.correction(probabilities)

    @property
    def seen(self) -> HeldOut | None:
        """`held_out` with calibrated probabilities, as those of new specimens are."""
        if self.held_out is None:
            return None
        return replace(self.held_out, probabilities=self.calibrated(self.held_out.probabilities))

    def _sure(self, plain: Predictions, error_rate: float) -> Predictions:
        """Replace names that are not sure enough by those of a higher rank."""
        seen = self.seen
        if seen is None or not len(seen.codes):
            raise SettingError(
                f"an error rate of {error_rate:g} cannot be promised: the model has no held-out "
                "specimens to judge by. Train it again, with pictures of more photos."
            )
        names = sure_names(
            plain.probabilities,
            seen,
            self.classes,
            rank=self.rank,
            taxonomy=self.taxonomy,
            error_rate=error_rate,
        )
        unsure = names.taxon == ""
        return replace(
            plain,
            taxon=np.where(unsure, plain.taxon, names.taxon),
            rank=np.where(unsure, plain.rank, names.rank),
            probability=np.where(unsure, plain.probability, names.probability),
            unsure=unsure,
            sets=names.sets,
        )

    def save(
        self,
        folder: Path | str,
        *,
        overwrite: bool = False,
        beside: Callable[[Path], None] | None = None,
    ) -> None:
        """Write the bundle; the folder appears whole or not at all.

        Parameters
        ----------
        folder : Path or str
        overwrite : bool
            Replace the bundle that is there. Files in it that berlese did not write are kept.
        beside : callable, optional
            Called with a folder, to write `COMPANIONS` into it.

        Raises
        ------
        BundleError
            If `folder` exists and `overwrite` is not set, or is not a bundle.
        """
        folder = Path(folder)
        require_place(folder, overwrite=overwrite)
        files = {ARRAYS_NAME: self._array_bytes()}
        if self.rows is not None:
            files[ROWS_NAME] = self.rows.to_bytes()
        hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
        with atomic_folder(folder) as part:
            (part / JSON_NAME).write_bytes(_json_bytes(self._facts() | {HASHES: hashes}))
            (part / CARD_NAME).write_text(self._card(), encoding="utf-8")
            for name, content in files.items():
                (part / name).write_bytes(content)
            if beside is not None:
                beside(part)
            _keep_others(folder, part)

    @classmethod
    def load(cls, folder: Path | str, *, with_rows: bool = False) -> "Bundle":
        """Read a bundle.

        Parameters
        ----------
        folder : Path or str
        with_rows : bool
            Read the training set's features as well, where the bundle has them.

        Raises
        ------
        BundleError
            If a file is missing or damaged, or a newer berlese wrote it; names the file.
        """
        folder = Path(folder)
        if not (folder / JSON_NAME).is_file():
            raise BundleError(
                f"{folder}: is no bundle (it has no {JSON_NAME}); check the path, or make one: "
                f"berlese train LIBRARY --out {as_word(folder)}"
            )
        facts = read_facts(folder / JSON_NAME)
        content = read_whole(folder / ARRAYS_NAME, facts)
        rows = None
        if with_rows and (folder / ROWS_NAME).is_file():
            path = folder / ROWS_NAME
            rows = LibraryRows.from_bytes(read_whole(path, facts), path)
        try:
            arrays = dict(load(content))
        except SafetensorError as error:
            raise BundleError(
                f"{folder / ARRAYS_NAME}: cannot be read as safetensors ({error}), expected what "
                f"`berlese train` writes. {AGAIN}"
            ) from error
        try:
            return cls._made_of(facts, arrays, rows)
        except (LookupError, TypeError, ValueError, AttributeError, SettingError) as error:
            raise BundleError(
                f"{folder / JSON_NAME}: does not fit the files beside it, or is damaged "
                f"({type(error).__name__}: {error}). {AGAIN}"
            ) from error

    @classmethod
    def _made_of(
        cls, facts: dict[str, Any], arrays: dict[str, NDArray[Any]], rows: LibraryRows | None
    ) -> "Bundle":
        classifier = saved_head(facts["head"]).set_params(**_parameters(facts["parameters"]))
        calibration, taxonomy = facts.get("calibration"), facts.get("taxonomy")
        rule = _unknown_rule(arrays)
        held_out = _held_out(arrays)
        classes = np.array(facts["classes"], np.str_)
        classifier.set_state(classes, arrays)
        shape = classifier.predict_proba(np.zeros((1, classifier.n_features_in_))).shape
        if shape != (1, len(classes)):
            raise ValueError(f"{shape[1]} classes were learned, but {len(classes)} have a name")
        if rows is not None and rows.codes.max(initial=0) >= len(classes):
            raise ValueError(f"{ROWS_NAME} has pictures of more than {len(classes)} classes")
        return cls(
            classifier=classifier,
            head=facts["head"],
            rank=facts["rank"],
            backbone=facts["backbone"],
            backbone_hash=facts["backbone_hash"],
            unknown_rule=rule,
            training=facts["training"],
            rows=rows,
            calibration=None if calibration is None else Calibration.from_dict(calibration),
            held_out=held_out,
            taxonomy=None if taxonomy is None else Taxonomy.from_dict(taxonomy),
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "head": self.head,
            "parameters": self.classifier.get_params(),
            "classes": self.classes,
            "rank": self.rank,
            "backbone": self.backbone,
            "backbone_hash": self.backbone_hash,
            "training": self.training,
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "taxonomy": None if self.taxonomy is None else self.taxonomy.to_dict(),
        }

    def _array_bytes(self) -> bytes:
        state = dict(self.classifier.to_state())
        state |= {UNKNOWN + name: each for name, each in self.unknown_rule.to_state().items()}
        if self.held_out is not None:
            state[HELD_OUT + "probabilities"] = self.held_out.probabilities
            state[HELD_OUT + "codes"] = self.held_out.codes
            if self.held_out.groups is not None:
                state[HELD_OUT + "groups"] = self.held_out.groups
        return save({name: np.ascontiguousarray(state[name]) for name in sorted(state)})

    def _card(self) -> str:
        counts = self.training.get("pictures_by_taxon", {})
        rows = "\n".join(f"| {taxon} | {count} |" for taxon, count in counts.items())
        notes = "\n".join(f"- {note}." for note in self.training.get("notes", []))
        return (
            f"# Model of {len(self.classes)} taxa\n\n"
            f"Names animals on pictures ({self.rank}) by a {self.head} head on features of "
            f"`{self.backbone}`.\nProbabilities hold for pictures like those that they were "
            "calibrated on; on another camera or\nfauna they are usually too high.\n\n"
            f"{notes}\n\n| taxon | pictures |\n|---|---:|\n{rows}\n"
        )


def _keep_others(old: Path, new: Path) -> None:
    """Copy what others put into a bundle's folder."""
    ours = {JSON_NAME, ARRAYS_NAME, CARD_NAME, ROWS_NAME, *COMPANIONS}
    for each in sorted(old.iterdir()) if old.is_dir() else ():
        if each.name in ours:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.copytree(each, new / each.name, symlinks=True)
        else:
            shutil.copy2(each, new / each.name, follow_symlinks=False)


def _parameters(stored: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; estimators of the same settings shall compare equal."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}


def _unknown_rule(arrays: dict[str, NDArray[Any]]) -> UnknownRule:
    """Take the rule's arrays out of a bundle's."""
    if OLD_UNKNOWN_SCORES in arrays:
        return UnknownRule(arrays.pop(OLD_UNKNOWN_SCORES))
    return UnknownRule.from_state(_taken(arrays, UNKNOWN))


def _held_out(arrays: dict[str, NDArray[Any]]) -> HeldOut | None:
    state = _taken(arrays, HELD_OUT)
    if not state:
        return None
    return HeldOut(state["probabilities"], state["codes"], state.get("groups"))


def _taken(arrays: dict[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    names = [name for name in arrays if name.startswith(start)]
    return {name.removeprefix(start): arrays.pop(name) for name in names}


def _json_bytes(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()
