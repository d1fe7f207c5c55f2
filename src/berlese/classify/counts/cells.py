"""A survey's corrected counts in each of its samples, with intervals.

What a model makes of an animal was corrected for the whole survey; but samples differ, and where
one holds mostly beetles, a doubtful animal there is more probably a beetle. So each sample has
shares of its own here, drawn around those of the survey (a Dirichlet prior), and shares and animals
are sampled in turn (Gibbs sampling of a mixture: Diebolt & Robert 1994, JRSS B 56:363).
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import gamma

from berlese.classify.counts.corrected import Counts
from berlese.errors import SettingError

PRIOR_ANIMALS = 3.0  # that the survey's shares weigh as, in each sample
BURN_IN = 30
FEWEST_DRAWS, MOST_DRAWS = 30, 150
WORK = 3e8  # draws times animals times taxa, at most
RAKING_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class CellCounts:
    """Animals of each taxon in each sample; arrays of shape (n_samples, n_taxa).

    Attributes
    ----------
    samples, taxa : tuple of str
    raw : ndarray of int
        As named by the model.
    counts, low, high : ndarray of float64
        Corrected, with intervals to whole animals; NaN ends where none can be promised.
    level : float
        Of each cell's interval.
    own : ndarray of float64
        Share of the variance that comes from the sample's own animals; the rest is that of the
        taxon's total. NaN where no interval can be promised.
    """

    samples: tuple[str, ...]
    taxa: tuple[str, ...]
    raw: NDArray[np.intp]
    counts: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float
    own: NDArray[np.float64]


def count_cells(counts: Counts, samples: ArrayLike, *, random_state: int = 0) -> CellCounts:
    """Spread a survey's corrected counts over its samples.

    A cell's error has two parts: which of the sample's animals are of the taxon, given how sure
    the model is of each and what else the sample holds; and its part of the error of the taxon's
    total, in proportion to what is open in this sample. Counts sum to the survey's, and to the
    animals of each sample.

    Parameters
    ----------
    counts : Counts
        Of the whole survey.
    samples : array of str of shape (n,)
        Sample of each animal.
    random_state : int

    Raises
    ------
    SettingError
        If there is not one sample for each animal.
    """
    names, member = np.unique(np.asarray(samples, np.str_), return_inverse=True)
    if member.shape != (counts.n,):
        raise SettingError(f"{counts.n} animals, but samples of shape {member.shape}.")
    cells = (len(names), len(counts.taxa))
    p = counts.probabilities
    raw, sure = np.zeros(cells, np.intp), np.zeros(cells)
    np.add.at(raw, (member, counts.named), 1)
    mean, open_ = _moments(p, member, cells, np.random.default_rng(random_state))
    np.add.at(sure, member[counts.reviewed], p[counts.reviewed])
    size = np.bincount(member, minlength=len(names))[:, None]
    left = np.bincount(member[~counts.reviewed], minlength=len(names))[:, None]
    mean = sure + _summing(mean - sure, counts.counts - sure.sum(axis=0), left[:, 0])
    # Where the model has no opinion at all, the error goes by the animals not reviewed.
    part = open_ + 1e-3 * left
    part = part / np.maximum(part.sum(axis=0), 1e-300)
    variance = open_ + (part * counts.deviation) ** 2
    deviation = np.sqrt(variance)
    low, high = _whole_interval(mean - sure, deviation, counts.level)
    return CellCounts(
        samples=tuple(names.tolist()),
        taxa=counts.taxa,
        raw=raw,
        counts=mean,
        low=np.clip(sure + low, sure, None),
        high=np.minimum(sure + np.minimum(high, left), size),
        level=counts.level,
        own=open_ / np.maximum(variance, 1e-12),
    )


def _whole_interval(
    mean: NDArray[np.float64], deviation: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends in whole animals of a gamma distribution with these moments, which is never below 0."""
    variance = np.maximum(deviation**2, 1e-12)
    shape = np.maximum(mean, 1e-9) ** 2 / variance
    scale = variance / np.maximum(mean, 1e-9)
    low, high = (gamma.ppf(q, shape, scale=scale) for q in ((1 - level) / 2, (1 + level) / 2))
    normal = mean + NormalDist().inv_cdf((1 + level) / 2) * deviation
    return np.round(np.minimum(low, mean)), np.round(np.maximum(high, np.minimum(normal, mean + 1)))


def _moments(
    p: NDArray[np.float64],
    member: NDArray[np.intp],
    cells: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each cell's count, given probabilities that hold for the survey."""
    n, n_taxa = p.shape
    share = p.mean(axis=0)
    ratio = np.divide(p, share, out=np.zeros_like(p), where=share > 0)
    prior = PRIOR_ANIMALS * np.maximum(share, 1e-12)
    size = np.bincount(member, minlength=cells[0])[:, None]
    shares = (size * share + prior) / (size + PRIOR_ANIMALS)
    draws = int(np.clip(WORK / p.size, FEWEST_DRAWS, MOST_DRAWS))
    mean, total, squares = (np.zeros(cells) for _ in range(3))
    for draw in range(BURN_IN + draws):
        weight = ratio * shares[member]
        weight /= weight.sum(axis=1, keepdims=True)
        picked = (weight.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=n_taxa - 1)
        found = np.bincount(member * n_taxa + picked, minlength=cells[0] * n_taxa)
        found = found.reshape(cells)
        gammas = rng.standard_gamma(prior + found) + 1e-300
        shares = gammas / gammas.sum(axis=1, keepdims=True)
        if draw >= BURN_IN:
            np.add.at(mean, member, weight)
            total += found
            squares += found.astype(np.float64) ** 2
    variance: NDArray[np.float64] = np.maximum(squares / draws - (total / draws) ** 2, 0)
    return mean / draws, variance


def _summing(
    mean: NDArray[np.float64], totals: NDArray[np.float64], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Scale cells so that they sum to the taxa's totals and to the samples' animals."""
    wanted = np.maximum(totals, 0)
    if not sizes.sum() or wanted.sum() <= 0:
        return np.zeros_like(mean)
    wanted = wanted * sizes.sum() / wanted.sum()
    # A taxon that no cell thinks of is spread evenly.
    scaled = np.maximum(mean, 0) + 1e-9 * np.outer(sizes, wanted)
    for _ in range(RAKING_STEPS):
        columns = scaled.sum(axis=0)
        scaled *= np.divide(wanted, columns, out=np.zeros_like(wanted), where=columns > 0)
        rows = scaled.sum(axis=1)
        scaled *= np.divide(sizes, rows, out=np.zeros(len(sizes)), where=rows > 0)[:, None]
    return scaled
