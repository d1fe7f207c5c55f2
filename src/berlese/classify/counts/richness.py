"""How many taxa there are: seen ones, those that were missed, and fair comparisons of samples.

Counts of animals by taxon go in, of one sample or of several pooled. With n animals, S taxa seen,
f1 of them once and f2 twice:

- `chao1` is a lower bound of the number of taxa (Chao 1984, Scand J Stat 11:265);
- `sample_coverage` is the share of the community's animals that belong to taxa seen
  (Chao & Jost 2012, Ecology 93:2533, eq. 4a);
- `richness_at_size` and `richness_at_coverage` say how many taxa a smaller or larger sample would
  show (rarefaction, extrapolation: ibid. eqs. 4b, 9, 11, 12), with bootstrap intervals by the
  method of Chao et al. 2014 (Ecol Monogr 84:45, appendix G).

All of them take a taxon seen once for a sign of others not seen. A wrong name makes such taxa too:
give them counts of reviewed names, or corrected ones, where there are any.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from berlese.errors import SettingError

LEVEL = 0.9
DRAWS = 200
LONGEST_TABLE = 1_000_000  # log-factorials that are kept, 8 MB
FURTHEST = 2  # extrapolation beyond twice the animals is not reliable (Chao et al. 2014)


@dataclass(frozen=True, slots=True)
class Richness:
    """A number of taxa with its interval.

    Attributes
    ----------
    observed : int
        Taxa seen.
    estimate, low, high : float
    animals : float
        Animals that the estimate stands for; infinite for `chao1`.
    coverage : float
        Share of the community that belongs to taxa seen in so many animals.
    level : float
        Of the interval.
    """

    observed: int
    estimate: float
    low: float
    high: float
    animals: float
    coverage: float
    level: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the figures as JSON types; an infinite number of animals as None."""
        animals = self.animals if np.isfinite(self.animals) else None
        return asdict(self) | {"animals": animals}


def chao1(counts: ArrayLike, *, bias_corrected: bool = True, level: float = LEVEL) -> Richness:
    """Estimate the number of taxa of the community, at the least.

    Parameters
    ----------
    counts : array of int of shape (n_taxa,)
        Animals of each taxon; zeros do not matter.
    bias_corrected : bool
        S + f1 (f1 - 1) / (2 (f2 + 1)), finite for any counts; else the classic form
        S + (n - 1)/n f1^2 / (2 f2), as in iNEXT, where f2 > 0.
    level : float
        Of the interval, log-normal for the taxa not seen (Chao 1987, Biometrics 43:783).

    Raises
    ------
    SettingError
        If the counts are not whole numbers of at least 0, or all are 0.
    """
    x = _abundances(counts)
    n, seen, f1, f2 = _frequencies(x)
    classic = not bias_corrected and f2 > 0
    if classic:
        scale = (n - 1) / n
        missed, ratio = scale * f1**2 / (2 * f2), f1 / f2
        variance = f2 * (scale / 2 * ratio**2 + scale**2 * ratio**3 + scale**2 / 4 * ratio**4)
    elif f1 > 1:
        missed, variance = _bias_corrected(n, seen, f1, f2, bias_corrected)
    else:
        missed, variance = 0.0, 0.0
    low, high = _log_normal(seen, missed, variance, level) if missed else _all_seen(x, level)
    return Richness(seen, seen + missed, low, high, np.inf, 1.0, level)


def _bias_corrected(n: int, seen: int, f1: int, f2: int, plain: bool) -> tuple[float, float]:
    """Taxa missed and their variance (EstimateS 9 user's guide, appendix B)."""
    scale = 1.0 if plain else (n - 1) / n
    pairs = f1 * (f1 - 1)
    missed = scale * pairs / (2 * (f2 + 1))
    if f2 > 0:
        terms = (pairs / 2 / (f2 + 1), f1 * (2 * f1 - 1) ** 2 / 4 / (f2 + 1) ** 2)
        return missed, sum(terms) + f1**2 * f2 * (f1 - 1) ** 2 / 4 / (f2 + 1) ** 4
    fourth = f1**4 / 4 / (seen + missed)
    variance = scale * pairs / 2 + scale**2 * (f1 * (2 * f1 - 1) ** 2 / 4 - fourth)
    return missed, variance


def _log_normal(seen: int, missed: float, variance: float, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + level) / 2)
    spread = np.exp(z * np.sqrt(np.log1p(variance / missed**2)))
    return float(seen + missed / spread), float(seen + missed * spread)


def _all_seen(x: NDArray[np.int64], level: float) -> tuple[float, float]:
    """Interval where nothing seems missed: a taxon of mean count escapes with exp(-n / S)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    seen = len(x)
    escape = np.exp(-x.sum() / seen)
    centre, half = seen / (1 - escape), z * np.sqrt(seen * escape) / (1 - escape)
    return float(seen), float(centre + half)


def sample_coverage(counts: ArrayLike) -> float:
    """Share of the community's animals that belong to a taxon that was seen.

    Parameters
    ----------
    counts : array of int of shape (n_taxa,)

    Raises
    ------
    SettingError
        As `chao1`.
    """
    x = _abundances(counts)
    return _coverage_at(x, float(x.sum()))


def richness_at_size(
    counts: ArrayLike,
    animals: float,
    *,
    level: float = LEVEL,
    n_draws: int = DRAWS,
    random_state: int = 0,
) -> Richness:
    """Estimate how many taxa a sample of so many animals would show.

    Parameters
    ----------
    counts : array of int of shape (n_taxa,)
    animals : float
        From 1 to twice the animals counted.
    level, n_draws, random_state
        Of the bootstrap interval (normal, as in iNEXT); none, so NaN, without draws.

    Raises
    ------
    SettingError
        As `chao1`, or if `animals` is out of range.
    """
    x = _abundances(counts)
    n = int(x.sum())
    if not 1 <= animals <= FURTHEST * n:
        raise SettingError(
            f"animals must be from 1 to {FURTHEST * n}, twice the {n} counted; got {animals!r}."
        )

    def at_size(samples: _Samples) -> NDArray[np.float64]:
        return samples.richness(np.full(len(samples), float(animals)))

    reached = (animals, _coverage_at(x, animals))
    return _bootstrapped(x, at_size, reached, level, n_draws, random_state)


def richness_at_coverage(
    counts: ArrayLike,
    coverage: float,
    *,
    level: float = LEVEL,
    n_draws: int = DRAWS,
    random_state: int = 0,
) -> Richness:
    """Estimate how many taxa a sample of this coverage would show: fair between samples.

    Parameters
    ----------
    counts : array of int of shape (n_taxa,)
    coverage : float
        Between 0 and what twice the animals would cover.
    level, n_draws, random_state
        Of the bootstrap interval (normal, as in iNEXT); none, so NaN, without draws.

    Raises
    ------
    SettingError
        As `chao1`, or if the coverage cannot be reached with twice the animals.
    """
    x = _abundances(counts)
    most = _coverage_at(x, FURTHEST * float(x.sum()))
    if not 0 < coverage <= most:
        raise SettingError(
            f"coverage must be above 0 and at most {most:.4f}, which twice the animals would "
            f"cover; got {coverage!r}. Compare at the smallest coverage of the samples."
        )

    def at_coverage(samples: _Samples) -> NDArray[np.float64]:
        return samples.richness(samples.size_for(coverage))

    reached = (float(_Samples(x[None]).size_for(coverage)[0]), coverage)
    return _bootstrapped(x, at_coverage, reached, level, n_draws, random_state)


def _abundances(counts: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(counts)
    whole = values.ndim == 1 and np.issubdtype(values.dtype, np.number)
    if not whole or not np.isfinite(values).all() or (values < 0).any() or (values % 1).any():
        raise SettingError("counts must be one row of whole numbers of at least 0, one a taxon.")
    x = values[values > 0].astype(np.int64)
    if len(x) == 0:
        raise SettingError("there is no animal to estimate a number of taxa from.")
    return x


def _frequencies(x: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Animals, taxa, taxa seen once, taxa seen twice."""
    return int(x.sum()), len(x), int((x == 1).sum()), int((x == 2).sum())


class _Samples:
    """Samples of the same number of animals, all computed at once.

    Parameters
    ----------
    x : ndarray of int64 of shape (n_samples, n_taxa)
        Animals; zeros do not matter.

    Attributes
    ----------
    n : int
        Animals of each sample.
    seen, f1, missed, slowing : ndarray of shape (n_samples,)
        Taxa seen; seen once; not seen, by the form of Chao1 that extrapolation stands on; factor
        by which the share not covered shrinks with one more animal.
    """

    def __init__(self, x: NDArray[np.int64]) -> None:
        self.x = x
        self.n = int(x[0].sum())
        self.seen = (x > 0).sum(axis=1)
        self.f1, f2 = ((x == times).sum(axis=1) for times in (1, 2))
        pairs = np.where(f2 > 0, self.f1**2 / (2 * np.maximum(f2, 1)), self.f1 * (self.f1 - 1) / 2)
        self.missed = (self.n - 1) / self.n * pairs
        gap = self.n * self.missed
        self.slowing = np.where(gap > 0, gap / np.maximum(gap + self.f1, 1), 0.0)
        self._log_factorial = _log_factorials(self.n)
        self._of_rest = self._log_factorial(self.n - x)

    def __len__(self) -> int:
        return len(self.x)

    def richness(self, animals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Taxa of samples of so many animals, one size a sample."""
        further = np.maximum(animals - self.n, 0)
        larger = self.seen + np.where(self.f1 > 0, self.missed * (1 - self.slowing**further), 0)
        return np.where(animals >= self.n, larger, _between_whole(animals, self._rarefied_richness))

    def coverage(self, animals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the community that belongs to taxa seen in so many animals."""
        further = np.maximum(animals - self.n, 0)
        larger = 1 - self.f1 / self.n * self.slowing ** (further + 1)
        return np.where(animals >= self.n, larger, _between_whole(animals, self._rarefied_coverage))

    def size_for(self, coverage: float) -> NDArray[np.float64]:
        """Animals that cover so much: real numbers, from 1 to twice the animals."""
        n, most = self.n, FURTHEST * float(self.n)
        low, high = np.ones(len(self)), np.full(len(self), float(n))
        for _ in range(n.bit_length()):  # the whole sizes around it, by halving
            middle = np.floor((low + high) / 2)
            short = self.coverage(middle) < coverage
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        below, above = self.coverage(low), self.coverage(high)
        part = (coverage - below) / np.where(above > below, above - below, 1)
        size = np.where(below >= coverage, low, low + (high - low) * part)
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.log((1 - coverage) * n / self.f1) / np.log(self.slowing)
        size = np.where(self.coverage(np.full(len(size), n)) < coverage, n - 1 + rest, size)
        ends = [self.coverage(np.full(len(size), end)) for end in (most, 1.0)]
        return np.select([ends[0] <= coverage, ends[1] >= coverage], [most, 1.0], size)

    def _rarefied_richness(self, animals: NDArray[np.float64]) -> NDArray[np.float64]:
        smaller = np.minimum(animals, self.n).astype(np.int64)
        logs = self._log_factorial(self.n - smaller) - self._log_factorial(np.array(self.n))
        return self.seen - self._escaped(smaller, logs, self.x > 0)

    def _rarefied_coverage(self, animals: NDArray[np.float64]) -> NDArray[np.float64]:
        n, whole = self.n, 1 - self.f1 / self.n * self.slowing
        smaller = np.minimum(animals, n - 1).astype(np.int64)
        logs = self._log_factorial(n - 1 - smaller) - self._log_factorial(np.array(n - 1))
        return np.where(animals >= n, whole, 1 - self._escaped(smaller, logs, self.x / n))

    def _escaped(
        self,
        animals: NDArray[np.int64],
        logs: NDArray[np.float64],
        weights: NDArray[np.generic],
    ) -> NDArray[np.float64]:
        """Sum the taxa by `weights` and by their chance to be missed, a ratio of binomials."""
        left = self.n - self.x - animals[:, None]
        log_chance = self._of_rest + logs[:, None] - self._log_factorial(np.maximum(left, 0))
        chance = np.where(left >= 0, np.exp(np.minimum(log_chance, 0)), 0.0)
        total: NDArray[np.float64] = (weights * chance).sum(axis=1)
        return total


def _log_factorials(largest: int) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """Give a function of whole numbers up to `largest`: a table, which is faster, if it fits."""
    if largest > LONGEST_TABLE:
        return lambda whole: gammaln(whole + 1)
    table = gammaln(np.arange(largest + 1) + 1)
    return lambda whole: table[whole]


def _between_whole(
    animals: NDArray[np.float64],
    at: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Values at sizes between two whole ones, on the line between theirs.

    The formulas count subsets, so they hold for whole animals: between, they would jump where a
    taxon can no longer be missed.
    """
    lower = np.floor(animals)
    part = animals - lower
    if not part.any():
        return at(lower)
    return (1 - part) * at(lower) + part * at(lower + 1)


def _coverage_at(x: NDArray[np.int64], animals: float) -> float:
    return float(_Samples(x[None]).coverage(np.array([float(animals)]))[0])


def _community(x: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of taxa seen and missed, from which samples are drawn (appendix G)."""
    n = int(x.sum())
    share = x / n
    uncovered = 1 - _coverage_at(x, float(n))
    escape = share * (1 - share) ** n
    n_missed = int(np.ceil(_Samples(x[None]).missed[0]))
    if n_missed == 0 or escape.sum() == 0:
        return share
    seen = share * (1 - uncovered / escape.sum() * (1 - share) ** n)
    return np.concatenate([seen, np.full(n_missed, uncovered / n_missed)])


def _bootstrapped(
    x: NDArray[np.int64],
    richness: Callable[[_Samples], NDArray[np.float64]],
    reached: tuple[float, float],
    level: float,
    n_draws: int,
    random_state: int,
) -> Richness:
    """Richness of a sample, which has `reached` so many animals and coverage, with interval."""
    estimate = float(richness(_Samples(x[None]))[0])
    if not n_draws:
        return Richness(len(x), estimate, np.nan, np.nan, *reached, level)
    rng = np.random.default_rng(random_state)
    shares = _community(x)
    drawn = rng.multinomial(int(x.sum()), shares / shares.sum(), size=n_draws)
    deviation = float(np.std(richness(_Samples(drawn)), ddof=1))
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return Richness(len(x), estimate, max(estimate - half, 0.0), estimate + half, *reached, level)
