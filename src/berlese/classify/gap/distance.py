"""How far photos are from a library, and what that means for names.

On arrays: features of both sets, and properties of their pictures (see
`berlese.specimens.appearance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from berlese.classify.gap.domain_error import ALIKE, DomainError
from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser, finite_rows, unit_rows

CLEAR = 0.33  # Cliff's delta from which a difference is called clear, after Romano et al. 2006
STRONG = 0.474
PAIRS = 6
MOST = 3000  # pictures of a set that the axes of the plane are found by
CHUNK = 1024
FEWEST = 2  # measured pairs that make a range


@dataclass(frozen=True, slots=True)
class Difference:
    """One property of pictures in both sets.

    Attributes
    ----------
    name : str
    library, target : float
        Medians.
    delta : float
        Cliff's delta, -1 to 1: how much oftener a picture of the target has more of it than one
        of the library, less how much oftener it has less.
    """

    name: str
    library: float
    target: float
    delta: float

    @property
    def size(self) -> str:
        """The difference in a word."""
        most = abs(self.delta)
        return "strong" if most >= STRONG else "clear" if most >= CLEAR else "small"


@dataclass(frozen=True, slots=True)
class MeasuredPair:
    """What a model of one set named right on another, in the benchmarks.

    Attributes
    ----------
    name : str
    error : float
        Dataset error.
    kept : float
        Accuracy on the target over accuracy on held-out pictures of the source.
    """

    name: str
    error: float
    kept: float


# By benchmarks/gap.py on real insects; L is the default backbone, M MobileNetV2 trained on insects.
MEASURED = (
    MeasuredPair("web > field (L)", 0.092, 0.449),
    MeasuredPair("field > web (L)", 0.103, 0.834),
    MeasuredPair("web > dish (L)", 0.004, 0.598),
    MeasuredPair("field > dish (L)", 0.012, 0.477),
    MeasuredPair("web > field (M)", 0.151, 0.404),
    MeasuredPair("field > web (M)", 0.162, 0.701),
    MeasuredPair("web > web (L)", 0.493, 1.006),
    MeasuredPair("field > field (L)", 0.467, 1.027),
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Accuracy to expect of a model of the library on the target, as a range.

    Attributes
    ----------
    low, high : float
    within : float
        Accuracy on held-out pictures of the library itself.
    pairs : tuple of MeasuredPair
        The measured pairs that the range stands on.
    """

    low: float
    high: float
    within: float
    pairs: tuple[MeasuredPair, ...]


def differences(
    library: NDArray[np.float64], target: NDArray[np.float64], names: Sequence[str]
) -> list[Difference]:
    """Compare properties of pictures, the largest difference first.

    Parameters
    ----------
    library, target : ndarray of float64 of shape (n, n_properties)
    names : sequence of str
        Of the columns.
    """
    found = [
        Difference(
            name,
            float(np.median(library[:, column])),
            float(np.median(target[:, column])),
            cliffs_delta(library[:, column], target[:, column]),
        )
        for column, name in enumerate(names)
    ]
    return sorted(found, key=lambda each: -abs(each.delta))


def cliffs_delta(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """P(b above a) - P(b below a) for one drawn value of each."""
    ranks = rankdata(np.concatenate([a, b]))
    above = ranks[len(a) :].sum() - len(b) * (len(b) + 1) / 2  # Mann-Whitney's U of b
    return float(2 * above / (len(a) * len(b)) - 1)


def clouds(
    library: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lay both sets out in a plane: across, what tells them apart; up, what varies most besides.

    Parameters
    ----------
    library, target : ndarray of float64 of shape (n, dim)
        Features.

    Returns
    -------
    library, target : ndarrays of float64 of shape (n, 2)
    """
    rng = np.random.default_rng(0)
    seen = [
        each if len(each) <= MOST else each[rng.choice(len(each), MOST, replace=False)]
        for each in (library, target)
    ]
    standardiser = Standardiser.of(np.concatenate(seen))
    Z = standardiser(np.concatenate(seen))
    side = np.repeat([0, 1], [len(each) for each in seen])
    coefficients, _, _ = logistic_weights(Z, side, C=0.001)
    across = unit_rows(coefficients[1] - coefficients[0])
    left = Z - np.outer(Z @ across, across)
    up = np.linalg.svd(left - left.mean(axis=0), full_matrices=False)[2][0]
    up -= (up @ across) * across  # exactly at right angles, as what is left of any row is
    axes = np.column_stack([across, up])
    return standardiser(library) @ axes, standardiser(target) @ axes


def look_alikes(
    library: NDArray[np.float64], target: NDArray[np.float64], count: int = PAIRS
) -> list[tuple[int, int]]:
    """Find pictures of the library that look most like some of the target, none twice.

    Features are standardised in each set, so that the shift between the sets does not count.

    Returns
    -------
    list of (int, int)
        Rows of library and target, the most alike first.

    Raises
    ------
    LibraryError
        If a set has no picture, or a feature is not a finite number.
    """
    sides = [
        unit_rows(Standardiser.of(each)(each))
        for each in (finite_rows(library, fewest=1), finite_rows(target, fewest=1))
    ]
    best, cosines = np.empty(len(target), np.intp), np.empty(len(target))
    for start in range(0, len(target), CHUNK):
        some = sides[1][start : start + CHUNK] @ sides[0].T
        best[start : start + CHUNK] = some.argmax(axis=1)
        cosines[start : start + CHUNK] = some.max(axis=1)
    order = np.argsort(-cosines, kind="stable")
    pairs: list[tuple[int, int]] = []
    for row in order:
        if best[row] not in {a for a, _ in pairs}:
            pairs.append((int(best[row]), int(row)))
        if len(pairs) == count:
            break
    return pairs


def expected_accuracy(
    within: float, error: DomainError, measured: Sequence[MeasuredPair]
) -> Expectation:
    """Give a range for the accuracy on the target: what was kept at like dataset errors.

    Parameters
    ----------
    within : float
        Accuracy on held-out pictures of the library.
    error : DomainError
        Of library and target.
    measured : sequence of MeasuredPair
        Those whose error lies in the interval of `error`, or the two nearest, are taken.
    """
    if error.alike:
        like = [each for each in measured if each.error >= min(error.value, ALIKE)]
    else:
        like = [each for each in measured if error.low <= each.error <= error.high]
    if len(like) < FEWEST:
        like = sorted(measured, key=lambda each: abs(each.error - error.value))[:FEWEST]
    kept = [each.kept for each in like]
    return Expectation(min(kept) * within, min(max(kept) * within, 1.0), within, tuple(like))
