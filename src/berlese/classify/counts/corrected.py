"""Corrected counts of taxa with intervals, for a whole survey; `cells` spreads them over samples.

Three methods, chosen by what there is (`estimate_counts`):

- specimens reviewed at random: cross-fitted prediction-powered inference (`powered`), whose
  intervals hold on any camera and fauna;
- none, but photos like those that the model was checked on: expectation maximisation of shares
  (`shares`), whose intervals hold only there;
- neither: raw counts, and no interval, since none can be promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.counts.powered import (
    LEVEL,
    Reviewed,
    ShareEstimate,
    bounded,
    powered_shares,
    predictors_of,
)
from berlese.classify.counts.shares import as_probabilities, em_shares, with_shares
from berlese.errors import SettingError

REVIEWED, SHARES, RAW = "reviewed", "shares", "raw"  # the methods
FEWEST_REVIEWED = 30
DRAWS = 100
LARGEST_DRAW = 4000
RAKING_STEPS = 200
# Draws from one library do not show how another training set of its kind would have named: without
# this, nine in ten intervals of the benchmark were rather 87 in 100 (benchmarks/counts.py).
WIDENED = 1.15


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Animals of each taxon in a survey.

    Attributes
    ----------
    taxa : tuple of str
        Those of the model, then those that only reviewers named.
    n : int
        Animals.
    raw : ndarray of int of shape (n_taxa,)
        As named by the model.
    counts, low, high : ndarray of float64 of shape (n_taxa,)
        Corrected, with the interval; NaN ends where none can be promised.
    level : float
        Of each taxon's interval.
    method : {"reviewed", "shares", "raw"}
    why : str
        The reason for the method, for a person.
    n_reviewed : int
        Specimens reviewed at random that the estimate stands on.
    probabilities : ndarray of float64 of shape (n, n_taxa)
        Of each specimen, with the corrected counts as sums; reviewed ones are certain.
    deviation : ndarray of float64 of shape (n_taxa,)
        Standard error of the counts; NaN where no interval can be promised.
    named : ndarray of int of shape (n,)
        The model's name of each specimen.
    reviewed : ndarray of bool of shape (n,)
        Whether a person named it.
    """

    taxa: tuple[str, ...]
    n: int
    raw: NDArray[np.intp]
    counts: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float
    method: str
    why: str
    n_reviewed: int
    probabilities: NDArray[np.float64]
    deviation: NDArray[np.float64]
    named: NDArray[np.intp]
    reviewed: NDArray[np.bool_]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types; no interval as None."""
        rows = zip(self.taxa, self.raw, self.counts, self.low, self.high, strict=True)
        return {
            "n": self.n,
            "level": self.level,
            "method": self.method,
            "why": self.why,
            "n_reviewed": self.n_reviewed,
            "by_taxon": [
                {"taxon": taxon, "raw": int(raw), "count": _rounded(count)}
                | {"low": _rounded(low), "high": _rounded(high)}
                for taxon, raw, count, low, high in rows
            ],
        }


def _rounded(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def estimate_counts(
    probabilities: ArrayLike | Sequence[ArrayLike],
    taxa: Sequence[str],
    *,
    same_domain: bool,
    features: ArrayLike | None = None,
    reviewed_rows: ArrayLike = (),
    reviewed_taxa: Sequence[str] = (),
    inclusion: ArrayLike | None = None,
    held_out: HeldOut | None = None,
    why_not: str = "",
    level: float = LEVEL,
    random_state: int = 0,
) -> Counts:
    """Count the animals of each taxon, corrected for the model's errors.

    Parameters
    ----------
    probabilities : array of shape (n, n_classes), or several of them
        What the model makes of the survey's animals; of several models, or of one before and
        after adaptation, the first one gives the raw counts.
    taxa : sequence of str
        Of the columns.
    same_domain : bool
        Whether the survey's photos are like those of `held_out`: same camera, light, preparation
        and fauna.
    features : array of shape (n, dim), optional
        Make the estimate from reviewed specimens more exact.
    reviewed_rows : array of int of shape (k,)
        Animals that a person named.
    reviewed_taxa : sequence of str of length k
        Their names; the model need not know them.
    inclusion : array of float of shape (k,), optional
        Probability with which each was drawn at random; NaN where it was picked in another way.
        All were drawn at random by default.
    held_out : HeldOut, optional
        What the model makes of library specimens that it had not seen.
    why_not : str
        Why counts cannot be corrected by these, for a person; said where nothing else can be done.
    level : float
        Of the intervals.
    random_state : int

    Raises
    ------
    SettingError
        If an array has a wrong shape or impossible values.
    """
    models = _models(probabilities, len(taxa))
    n = len(models[0])
    if len(reviewed_rows := np.asarray(reviewed_rows, np.intp)) != len(reviewed_taxa):
        raise SettingError(f"{len(reviewed_rows)} reviewed rows, but {len(reviewed_taxa)} names.")
    every = (*taxa, *sorted(set(reviewed_taxa) - set(taxa)))
    place = {taxon: number for number, taxon in enumerate(every)}
    codes = np.array([place[taxon] for taxon in reviewed_taxa], np.intp)
    reviewed = Reviewed.of(reviewed_rows, codes, inclusion, n=n, n_classes=len(every))
    models = [np.pad(p, ((0, 0), (0, len(every) - len(taxa)))) for p in models]
    k = int(reviewed.at_random.sum())
    if by_review(k, n):
        method = REVIEWED
        estimate = _from_review(models, features, reviewed, n, len(every), level, random_state)
    elif same_domain and held_out is not None and len(held_out.codes):
        method = SHARES
        estimate = _from_shares(models[0], held_out, reviewed, level, random_state)
    else:
        method = RAW
        estimate = _uncorrected(models[0], reviewed)
    why = _reason(method, why_not or _why_not(same_domain), k, level)
    return _counts(every, models[0], estimate, reviewed, method, why, k, level)


def by_review(at_random: int, n: int) -> bool:
    """Whether so many animals reviewed at random, of n, are enough to count by."""
    return at_random >= FEWEST_REVIEWED or (at_random == n and n > 1)


def _models(probabilities: Any, n_classes: int) -> list[NDArray[np.float64]]:
    if not len(probabilities):
        raise SettingError("there is no animal to count; expected a row of probabilities for each.")
    several = list(probabilities) if np.ndim(probabilities[0]) == 2 else [probabilities]
    models = [as_probabilities(p, n_classes) for p in several]
    if len({len(p) for p in models}) > 1:
        raise SettingError("all models must give probabilities of the same animals.")
    return models


def _from_review(
    models: list[NDArray[np.float64]],
    features: ArrayLike | None,
    reviewed: Reviewed,
    n: int,
    n_classes: int,
    level: float,
    random_state: int,
) -> ShareEstimate:
    X = None if features is None else np.asarray(features, np.float64)
    if X is not None and (len(X) != n or not np.isfinite(X).all()):
        raise SettingError(f"features must be {n} rows of finite numbers, one an animal.")
    return powered_shares(
        predictors_of(models, X, n_classes),
        reviewed,
        n=n,
        n_classes=n_classes,
        level=level,
        random_state=random_state,
    )


def _uncorrected(p: NDArray[np.float64], reviewed: Reviewed) -> ShareEstimate:
    named = p.argmax(axis=1)
    named[reviewed.rows] = reviewed.codes
    shares = np.bincount(named, minlength=p.shape[1]) / len(p)
    none = np.full(p.shape[1], np.nan)
    return ShareEstimate(shares, none, none, none, np.eye(p.shape[1])[named])


def _counts(
    taxa: tuple[str, ...],
    p: NDArray[np.float64],
    estimate: ShareEstimate,
    reviewed: Reviewed,
    method: str,
    why: str,
    k: int,
    level: float,
) -> Counts:
    n = len(p)
    return Counts(
        taxa=taxa,
        n=n,
        raw=np.bincount(p.argmax(axis=1), minlength=len(taxa)),
        counts=estimate.shares * n,
        low=estimate.low * n,
        high=estimate.high * n,
        level=level,
        method=method,
        why=why,
        n_reviewed=k,
        probabilities=_raked(estimate.predicted, estimate.shares, reviewed),
        deviation=estimate.deviation * n,
        named=p.argmax(axis=1),
        reviewed=np.isin(np.arange(n), reviewed.rows),
    )


def _why_not(same_domain: bool) -> str:
    if same_domain:
        return "the model was not checked on specimens it had not seen"
    return "these photos are unlike the library's"


def _reason(method: str, why_not: str, k: int, level: float) -> str:
    if method == REVIEWED:
        return (
            f"{k} animals reviewed at random correct the model's counts; each interval holds at "
            f"{level:.0%} on these photos, whatever the library."
        )
    if method == SHARES:
        return (
            "the photos are taken to be like the library's and to hold its taxa only, so counts "
            "are corrected for the confusions that the model makes there; on other photos neither "
            "counts nor intervals would hold."
        )
    few = "no animal is" if k == 0 else f"only {k} {'animal is' if k == 1 else 'animals are'}"
    return (
        f"counts are as the model named, without intervals: {why_not}, and {few} reviewed at "
        f"random. Review {FEWEST_REVIEWED} or more at random."
    )


def _from_shares(
    p: NDArray[np.float64],
    held_out: HeldOut,
    reviewed: Reviewed,
    level: float,
    random_state: int,
) -> ShareEstimate:
    """EM of shares; its error is that of the same estimate on surveys drawn from the library."""
    n, n_classes = p.shape
    known = held_out.probabilities.shape[1]
    prior = np.bincount(held_out.codes, minlength=known) / len(held_out.codes)
    correction = BiasCorrectedTemperature().fit(held_out.probabilities, held_out.codes)
    calibrated = correction(p[:, :known])
    shares = em_shares(calibrated, prior)
    deviation = np.zeros(n_classes)
    deviation[:known] = _error_in_draws(shares, held_out, correction, n, random_state)
    predicted = np.zeros((n, n_classes))
    predicted[:, :known] = with_shares(calibrated, prior, shares)
    padded = np.pad(shares, (0, n_classes - known))
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return bounded(padded, half, deviation, predicted, reviewed, n)


def _error_in_draws(
    shares: NDArray[np.float64],
    held_out: HeldOut,
    correction: BiasCorrectedTemperature,
    n: int,
    random_state: int,
) -> NDArray[np.float64]:
    """Root mean square error of EM on surveys of `n` animals drawn with these shares.

    Calibration and animals come from two resamples of the library's photos, so that the error
    contains what a library of this size leaves unknown.
    """
    rng = np.random.default_rng(random_state)
    n_drawn, n_classes = min(n, LARGEST_DRAW), len(shares)
    likely = (shares * n + 0.5) / (n + 0.5 * n_classes)  # a taxon not found may still be there
    present = np.bincount(held_out.codes, minlength=n_classes) > 0
    likely = np.where(present, likely, 0) / likely[present].sum()
    squares = np.zeros((DRAWS, n_classes))
    for draw in range(DRAWS):
        rows = held_out.resampled(rng)
        fitted = BiasCorrectedTemperature().fit(
            held_out.probabilities[rows], held_out.codes[rows], near=correction
        )
        prior = np.bincount(held_out.codes[rows], minlength=n_classes) + 1e-3
        animals = _drawn(held_out, held_out.resampled(rng), rng.multinomial(n_drawn, likely), rng)
        estimate = em_shares(fitted(held_out.probabilities[animals]), prior, tolerance=1e-5)
        truth = np.bincount(held_out.codes[animals], minlength=n_classes) / n_drawn
        squares[draw] = (estimate - truth) ** 2
    error: NDArray[np.float64] = WIDENED * np.sqrt(squares.mean(axis=0) + 0.25 / n**2)
    return error


def _drawn(
    held_out: HeldOut,
    pool: NDArray[np.intp],
    wanted: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """So many rows of each class from a pool of rows; from all where the pool has none."""
    rows = []
    for code, count in enumerate(wanted):
        if count:
            mine = pool[held_out.codes[pool] == code]
            if not len(mine):
                mine = np.flatnonzero(held_out.codes == code)
            rows.append(rng.choice(mine, count))
    return np.concatenate(rows)


def _raked(
    p: NDArray[np.float64], shares: NDArray[np.float64], reviewed: Reviewed
) -> NDArray[np.float64]:
    """Scale columns so that they sum to the estimated counts; rows stay sums of one.

    Iterative proportional fitting (Deming & Stephan 1940); reviewed specimens are certain.
    """
    n, n_classes = p.shape
    certain = np.eye(n_classes)[reviewed.codes]
    moved = p.copy()
    moved[reviewed.rows] = certain
    rest = np.setdiff1d(np.arange(n), reviewed.rows)
    wanted = np.maximum(shares * n - certain.sum(axis=0), 0)
    if not len(rest) or wanted.sum() <= 0:
        return moved
    wanted *= len(rest) / wanted.sum()
    # A taxon that the model never thinks of is spread evenly.
    scaled = p[rest] + 1e-6 * wanted / len(rest)
    for _ in range(RAKING_STEPS):
        sums = scaled.sum(axis=0)
        scaled *= np.divide(wanted, sums, out=np.zeros(n_classes), where=sums > 0)
        total = scaled.sum(axis=1, keepdims=True)
        scaled = np.where(total > 0, scaled / np.where(total > 0, total, 1), wanted / len(rest))
        if np.abs(scaled.sum(axis=0) - wanted).max() < 1e-6 * n:
            break
    moved[rest] = scaled
    return moved
