"""Shares of taxa among many specimens, corrected for how a model confuses them.

Both ways need that only the *shares* differ from those of the specimens that the model was checked
on: beetles must look as beetles did there. Across cameras and faunas they do not, and then neither
the shares nor their intervals hold.

- `em_shares`: expectation maximisation (Saerens, Latinne & Decaestecker 2002, Neural Computation
  14:21), the maximum likelihood of the shares given calibrated probabilities;
- `adjusted_shares`: adjusted classify and count (Forman 2008, Data Min Knowl Disc 17:164), from
  names alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from berlese.errors import SettingError

TOLERANCE = 1e-9
MOST_STEPS = 2000
SMALLEST = 1e-300  # a probability of 0 under every class has no likelihood


def as_probabilities(probabilities: ArrayLike, n_classes: int | None = None) -> NDArray[np.float64]:
    """Check probabilities of shape (n, n_classes) and scale rows to sum one.

    Raises
    ------
    SettingError
        If they are no finite numbers of at least 0, or the number of classes is another.
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or p.size == 0:
        raise SettingError(f"probabilities must have rows and classes, got shape {p.shape}.")
    if n_classes is not None and p.shape[1] != n_classes:
        raise SettingError(f"probabilities must have {n_classes} classes, got {p.shape[1]}.")
    if not (np.isfinite(p) & (p >= 0)).all():
        raise SettingError(
            "probabilities must be finite numbers of at least 0; look for NaN in the features."
        )
    total = p.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise SettingError("a row of probabilities is all 0; every row needs a possible class.")
    scaled: NDArray[np.float64] = p / total
    return scaled


def em_shares(
    probabilities: ArrayLike,
    source_shares: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_steps: int = MOST_STEPS,
) -> NDArray[np.float64]:
    """Estimate the shares of classes among rows by expectation maximisation.

    Parameters
    ----------
    probabilities : array of shape (n, n_classes)
        Calibrated on specimens with `source_shares`.
    source_shares : array of shape (n_classes,)
        Shares among the specimens that the calibration was fitted on. A class without any there
        gets none.
    tolerance : float
        Stop when no share changes by more.
    max_steps : int

    Returns
    -------
    ndarray of float64 of shape (n_classes,)
        Sums to one.

    Raises
    ------
    SettingError
        If the probabilities are not usable, or the shares are not of that many classes.
    """
    p = as_probabilities(probabilities)
    prior = _as_shares(source_shares, p.shape[1])
    known = prior > 0
    ratio = p[:, known] / prior[known]
    shares = np.zeros(p.shape[1])
    shares[known] = _maximise(ratio, prior[known], tolerance, max_steps)
    return shares


def _maximise(
    ratio: NDArray[np.float64], start: NDArray[np.float64], tolerance: float, max_steps: int
) -> NDArray[np.float64]:
    """Two steps of EM, then one leap along them (SQUAREM: Varadhan & Roland 2008).

    Plain EM needs hundreds of steps where a class is nearly absent. A leap that lowers the
    likelihood is not taken, so that the result is that of EM.
    """
    shares = start
    for _ in range(max_steps):
        first = _step(ratio, shares)
        second = _step(ratio, first)
        change, bend = first - shares, (second - first) - (first - shares)
        if np.abs(second - first).max() < tolerance:
            return second
        ratio_of_lengths = np.linalg.norm(change) / (np.linalg.norm(bend) + SMALLEST)
        length = max(float(ratio_of_lengths), 1.0)
        leap = np.maximum(shares + 2 * length * change + length**2 * bend, second * 1e-3)
        leap = _step(ratio, leap / leap.sum())
        shares = leap if _likelihood(ratio, leap) > _likelihood(ratio, second) else second
    return shares


def _step(ratio: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    weight = 1 / np.maximum(ratio @ shares, SMALLEST)
    new: NDArray[np.float64] = shares * (weight @ ratio)
    return new / new.sum()


def _likelihood(ratio: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    return float(np.log(np.maximum(ratio @ shares, SMALLEST)).sum())


def with_shares(
    probabilities: ArrayLike, source_shares: ArrayLike, shares: ArrayLike
) -> NDArray[np.float64]:
    """Give the probabilities that hold where classes have other shares.

    Parameters
    ----------
    probabilities : array of shape (n, n_classes)
        Calibrated on specimens with `source_shares`.
    source_shares, shares : array of shape (n_classes,)

    Returns
    -------
    ndarray of float64 of shape (n, n_classes)
        Rows sum to one. With the shares of `em_shares`, columns have these shares as means.
    """
    p = as_probabilities(probabilities)
    prior, wanted = (_as_shares(each, p.shape[1]) for each in (source_shares, shares))
    factor = np.divide(wanted, prior, out=np.zeros_like(prior), where=prior > 0)
    moved = p * factor
    total = moved.sum(axis=1, keepdims=True)
    # A row whose every possible class has share 0 keeps what the model said.
    return np.where(total > 0, moved / np.where(total > 0, total, 1.0), p)


def adjusted_shares(
    named: ArrayLike, checked_named: ArrayLike, checked_true: ArrayLike, n_classes: int
) -> NDArray[np.float64]:
    """Estimate shares from names and the rates at which known specimens were confused.

    Solves least ||A s - c|| for shares s, where c are the shares of names and A the shares of
    names given the truth among checked specimens. A class without checked specimens gets none.

    Parameters
    ----------
    named : array of int of shape (n,)
        Classes given to the specimens.
    checked_named, checked_true : array of int of shape (m,)
        Classes given to specimens not seen in training, and their true ones.
    n_classes : int

    Returns
    -------
    ndarray of float64 of shape (n_classes,)
        Sums to one.

    Raises
    ------
    SettingError
        If there are no names, or no checked specimens.
    """
    names, given, true = (
        np.asarray(each, np.intp) for each in (named, checked_named, checked_true)
    )
    if not len(names) or not len(given) or len(given) != len(true):
        raise SettingError(
            f"{len(names)} names, {len(given)} checked names and {len(true)} true ones; "
            "expected some of each, and a true one for each checked name."
        )
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (given, true), 1)
    known = counts.sum(axis=0) > 0
    rates = counts[:, known] / counts[:, known].sum(axis=0)
    observed = np.bincount(names, minlength=n_classes) / len(names)
    # The sum of one as a row so heavy that least squares cannot leave it.
    heavy = 1e4
    matrix = np.vstack([rates, np.full((1, rates.shape[1]), heavy)])
    solution = nnls(matrix, np.append(observed, heavy))[0]
    shares = np.zeros(n_classes)
    shares[known] = solution / solution.sum()
    return shares


def _as_shares(shares: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    values = np.asarray(shares, np.float64)
    if values.shape != (n_classes,) or not (values >= 0).all() or not values.sum() > 0:
        raise SettingError(
            f"shares must be {n_classes} numbers of at least 0, one a class, got {shares!r}."
        )
    scaled: NDArray[np.float64] = values / values.sum()
    return scaled
