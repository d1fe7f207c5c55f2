"""How well names are given: accuracy, recall and precision by taxon, confusion.

Rows whose true taxon the model was not trained on are counted apart, never as its mistakes.
Unknowns count as wrong names: nothing was said that could be right.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.classify.naming.reserved import UNKNOWN
from berlese.errors import SettingError

LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a count with its Wilson interval (Wilson 1927, JASA 22:209) at 90 %."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, part: float, whole: int, level: float = LEVEL) -> "Share":
        """Estimate `part` of `whole`; of nothing, the share is NaN within [0, 1]."""
        if whole == 0:
            return cls(float("nan"), 0.0, 1.0)
        z = NormalDist().inv_cdf((1 + level) / 2)
        p = part / whole
        centre = (p + z * z / (2 * whole)) / (1 + z * z / whole)
        half = z * np.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
        return cls(p, max(float(centre - half), 0.0), min(float(centre + half), 1.0))


@dataclass(frozen=True, slots=True)
class TaxonScore:
    """One taxon: `n` true specimens, `named` given this name; F1 is 0 where neither occurs."""

    taxon: str
    n: int
    named: int
    recall_interval: Share
    precision_interval: Share
    f1: float

    @property
    def recall(self) -> float:
        """Share of its specimens that got its name."""
        return self.recall_interval.value

    @property
    def precision(self) -> float:
        """Share of those with its name that are its specimens."""
        return self.precision_interval.value


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of names given (rows) to true taxa (columns), as in the paper's Tables S3 and S4."""

    predicted: tuple[str, ...]
    true: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Names against the truth.

    Attributes
    ----------
    n : int
        Specimens of taxa that the model knows.
    accuracy : float
        Share named right.
    accuracy_interval : Share
        The same with its 90 % interval.
    balanced_accuracy : float
        Mean recall of the taxa.
    n_unknown : int
        Specimens that were called unknown, counted as wrong.
    n_untrained : int
        Specimens of taxa that the model does not know; not in any other figure.
    n_untrained_unknown : int
        Of those, how many were called unknown.
    by_taxon : tuple of TaxonScore
        Sorted by name.
    confusion : Confusion
    """

    n: int
    accuracy_interval: Share
    balanced_accuracy: float
    n_unknown: int
    n_untrained: int
    n_untrained_unknown: int
    by_taxon: tuple[TaxonScore, ...]
    confusion: Confusion

    @property
    def accuracy(self) -> float:
        """Share named right."""
        return self.accuracy_interval.value

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types, rounded to six decimals; NaN as None."""
        return {
            "n": self.n,
            "accuracy": _rounded(self.accuracy),
            "accuracy_90": _interval(self.accuracy_interval),
            "balanced_accuracy": _rounded(self.balanced_accuracy),
            "n_unknown": self.n_unknown,
            "n_untrained": self.n_untrained,
            "n_untrained_unknown": self.n_untrained_unknown,
            "by_taxon": [
                {
                    "taxon": each.taxon,
                    "n": each.n,
                    "named": each.named,
                    "recall": _rounded(each.recall),
                    "recall_90": _interval(each.recall_interval),
                    "precision": _rounded(each.precision),
                    "precision_90": _interval(each.precision_interval),
                    "f1": _rounded(each.f1),
                }
                for each in self.by_taxon
            ],
        }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _interval(share: Share) -> list[float]:
    return [round(share.low, 6), round(share.high, 6)]


def evaluate(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    unknown: ArrayLike | None = None,
    known_taxa: ArrayLike | None = None,
) -> Evaluation:
    """Compare names with the truth.

    Parameters
    ----------
    truth, predicted : array of str of shape (n,)
        Taxa.
    unknown : array of bool of shape (n,), optional
        Rows that were called unknown; their names are not looked at.
    known_taxa : array of str, optional
        Taxa that the model was trained on; all of `truth` by default.

    Raises
    ------
    SettingError
        If the lengths differ, or no row has a taxon that the model knows.
    """
    y, names = np.asarray(truth, np.str_), np.asarray(predicted, np.str_)
    doubt = np.zeros(len(y), bool) if unknown is None else np.asarray(unknown, bool)
    if not len(y) == len(names) == len(doubt):
        raise SettingError(f"{len(y)} true names, {len(names)} given ones and {len(doubt)} doubts.")
    trained = np.ones(len(y), bool) if known_taxa is None else np.isin(y, np.asarray(known_taxa))
    if not trained.any():
        raise SettingError("none of the true taxa is among those that the model knows.")
    names = np.where(doubt, UNKNOWN, names)
    outside = int((~trained).sum())
    outside_unknown = int((doubt & ~trained).sum())
    y, names, doubt = y[trained], names[trained], doubt[trained]
    scores = tuple(_score(taxon, y, names) for taxon in sorted(set(y.tolist()) | _given(names)))
    recalls = [score.recall for score in scores if score.n]
    return Evaluation(
        n=len(y),
        accuracy_interval=Share.of(int((y == names).sum()), len(y)),
        balanced_accuracy=float(np.mean(recalls)),
        n_unknown=int(doubt.sum()),
        n_untrained=outside,
        n_untrained_unknown=outside_unknown,
        by_taxon=scores,
        confusion=_confusion(y, names),
    )


def _given(names: NDArray[np.str_]) -> set[str]:
    return set(names.tolist()) - {UNKNOWN}


def _score(taxon: str, y: NDArray[np.str_], names: NDArray[np.str_]) -> TaxonScore:
    n, named = int((y == taxon).sum()), int((names == taxon).sum())
    right = int(((y == taxon) & (names == taxon)).sum())
    f1 = 2 * right / (n + named) if n + named else 0.0
    return TaxonScore(taxon, n, named, Share.of(right, n), Share.of(right, named), f1)


def _confusion(y: NDArray[np.str_], names: NDArray[np.str_]) -> Confusion:
    true = tuple(sorted(set(y.tolist())))
    rows = tuple(sorted(set(true) | _given(names)))
    if UNKNOWN in names:
        rows += (UNKNOWN,)
    counts = np.array([[np.sum((names == r) & (y == t)) for t in true] for r in rows], np.int64)
    return Confusion(rows, true, counts)
