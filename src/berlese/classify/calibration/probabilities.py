"""Probabilities that mean what they say, and how to see whether they do.

A model's probabilities are corrected by few numbers fitted to specimens of known taxa that it had
not seen (BCTS: Alexandari et al. 2020, ICML, PMLR 119:222), and compared with what came true
(expected calibration error and reliability diagram: Guo et al. 2017, ICML, PMLR 70:1321). What was
fitted on one image set does not hold on another: measured across the two real libraries of the
benchmarks, the error of a source's calibration on the target was as large as without.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from berlese.errors import SettingError
from berlese.options import require_at_least, require_between

BINS = 15
LEVEL = 0.9
RIDGE = 0.02
SMALLEST_PROBABILITY = 1e-12  # networks give zeros, which have no logarithm
LIBRARY = "library"
FEWEST_FOR_ERROR = 20
FOLDS = 5
EXACTLY = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}
NEARLY = {"maxiter": 50, "ftol": 1e-7, "gtol": 1e-5}
SLOPES = (0.01, 100.0)  # wider than any measured; keeps the order of names and finite numbers


class BiasCorrectedTemperature(BaseEstimator):
    """Correct probabilities by one temperature and one bias a class (BCTS).

    The corrected probabilities are softmax(log p / T + b). They minimise the mean negative
    log-likelihood + `ridge` var(b) + `weight` (1/(T `slope`) - 1)^2 / n: the last term weighs as
    much as a few specimens and keeps T finite where all names are right.

    Parameters
    ----------
    ridge : float, default=0.02
        Holds the biases together, most of all that of a class without a specimen.
    slope : float, default=1.0
        The 1/T that is expected: below 1 of models that are too sure of themselves.
    weight : float, default=1.0
        Specimens that the expectation weighs as much as.

    Attributes
    ----------
    temperature_ : float
        T; above 1 where the model was too sure of itself.
    bias_ : ndarray of float64 of shape (n_classes,)
        b, with mean 0.
    """

    temperature_: float
    bias_: NDArray[np.float64]

    def __init__(self, ridge=RIDGE, slope=1.0, weight=1.0):
        self.ridge = ridge
        self.slope = slope
        self.weight = weight

    def fit(
        self,
        probabilities: ArrayLike,
        codes: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        near: "BiasCorrectedTemperature | None" = None,
    ) -> "BiasCorrectedTemperature":
        """Learn the correction from specimens that the model had not seen.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
            What the model gave them; rows need not sum to one.
        codes : array of int of shape (n,)
            The column of the true class of each.
        sample_weight : array of shape (n,), optional
            Above 0; all one by default.
        near : BiasCorrectedTemperature, optional
            A fitted one to start from, where many alike are needed; it is fitted less exactly then.

        Raises
        ------
        SettingError
            If there is no row, a code has no column, or a probability is negative or NaN.
        """
        require_at_least(self, "ridge", 0.0)
        require_between(self, "slope", *SLOPES)
        require_at_least(self, "weight", 0.0)
        logs = _logs(probabilities)
        truth = _codes(codes, logs.shape)
        n, n_classes = logs.shape
        weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weight.shape != (n,) or not (weight > 0).all():
            raise SettingError(f"sample_weight must be {n} numbers above 0, one a row.")
        start = np.concatenate([[self.slope], np.zeros(n_classes)])
        if near is not None:
            start = np.concatenate([[1 / near.temperature_], near.bias_])
        bounds = [SLOPES, *[(None, None)] * n_classes]
        found = minimize(
            _objective,
            start,
            args=(logs, truth, weight / weight.sum(), self.ridge, self.slope, self.weight / n),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options=EXACTLY if near is None else NEARLY,
        )
        self.temperature_ = float(1 / found.x[0])
        self.bias_ = found.x[1:] - found.x[1:].mean()
        return self

    def __call__(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Correct probabilities of shape (n, n_classes); rows of the result sum to one.

        Raises
        ------
        SettingError
            If the number of classes is another, or a probability is negative or NaN.
        """
        check_is_fitted(self)
        logs = _logs(probabilities)
        if logs.shape[1] != len(self.bias_):
            raise SettingError(
                f"probabilities have {logs.shape[1]} classes, but the calibration was fitted on "
                f"{len(self.bias_)}."
            )
        corrected: NDArray[np.float64] = softmax(logs / self.temperature_ + self.bias_, axis=1)
        return corrected

    @classmethod
    def of(cls, temperature: float, bias: ArrayLike) -> "BiasCorrectedTemperature":
        """Make the calibration that was saved as these numbers.

        Raises
        ------
        SettingError
            If they are not finite, or the temperature is not above 0.
        """
        made = cls()
        made.temperature_ = float(temperature)
        made.bias_ = np.asarray(bias, np.float64)
        if not (0 < made.temperature_ < np.inf and np.isfinite(made.bias_).all()):
            raise SettingError(f"a calibration has temperature {temperature!r} and bias {bias!r}.")
        return made


def _objective(
    values: NDArray[np.float64],
    logs: NDArray[np.float64],
    codes: NDArray[np.intp],
    weight: NDArray[np.float64],
    ridge: float,
    expected: float,
    trust: float,
) -> tuple[float, NDArray[np.float64]]:
    """Penalised mean negative log-likelihood and its gradient; convex in both."""
    slope, bias = values[0], values[1:]
    rows = np.arange(len(codes))
    logits = slope * logs + bias
    norm = logsumexp(logits, axis=1)
    loss = weight @ (norm - logits[rows, codes])
    residual = np.exp(logits - norm[:, None])
    residual[rows, codes] -= 1
    residual *= weight[:, None]
    centred = bias - bias.mean()
    off = slope / expected - 1
    loss += ridge * np.mean(centred**2) + trust * off**2
    by_slope = np.sum(residual * logs) + 2 * trust * off / expected
    by_bias = residual.sum(axis=0) + 2 * ridge * centred / len(bias)
    return float(loss), np.concatenate([[by_slope], by_bias])


def _logs(probabilities: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or p.shape[1] < 1:
        raise SettingError(f"probabilities must have rows and classes, got shape {p.shape}.")
    if not (p >= 0).all():
        raise SettingError(
            "probabilities must be numbers of at least 0, but some are negative or NaN; look for "
            "NaN in the features."
        )
    return np.log(np.maximum(p, SMALLEST_PROBABILITY))


def _codes(codes: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.intp]:
    truth = np.asarray(codes)
    n, n_classes = shape
    if n == 0:
        raise SettingError("calibration needs at least one specimen of known taxon, got none.")
    if truth.shape != (n,) or not np.issubdtype(truth.dtype, np.integer):
        raise SettingError(f"codes must be {n} integers, one a row; got shape {truth.shape}.")
    if truth.min() < 0 or truth.max() >= n_classes:
        raise SettingError(
            f"codes must be columns 0 to {n_classes - 1}, got {truth.min()} to {truth.max()}."
        )
    return truth.astype(np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """What a model said and what came true, by bins of the highest probability.

    Attributes
    ----------
    edges : ndarray of float64 of shape (n_bins + 1,)
        Of the bins, which are open to the left; the first one holds 0 too.
    n : ndarray of int of shape (n_bins,)
        Specimens in each.
    confidence, accuracy : ndarray of float64 of shape (n_bins,)
        Mean highest probability, and share of right names; NaN in empty bins.
    low, high : ndarray of float64 of shape (n_bins,)
        Wilson interval of the accuracy at 90 %; 0 and 1 in empty bins.
    """

    edges: NDArray[np.float64]
    n: NDArray[np.intp]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of both, weighted by specimens."""
        filled = self.n > 0
        distance = np.abs(self.confidence[filled] - self.accuracy[filled])
        return float(self.n[filled] @ distance / self.n.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return the columns as JSON types; what is NaN becomes None."""
        return {
            name: [None if value != value else value for value in getattr(self, name).tolist()]
            for name in self.__slots__
        }

    @classmethod
    def from_dict(cls, columns: dict[str, Any]) -> "Reliability":
        """Take what `to_dict` gave."""
        arrays: dict[str, Any] = {k: np.array(columns[k], np.float64) for k in cls.__slots__}
        return cls(**arrays | {"n": arrays["n"].astype(np.intp)})


def reliability(probabilities: ArrayLike, codes: ArrayLike, *, n_bins: int = BINS) -> Reliability:
    """Compare probabilities of shape (n, n_classes) with true columns, in bins of equal width.

    Raises
    ------
    SettingError
        As `BiasCorrectedTemperature.fit`.
    """
    confidence, right = _confidence(probabilities, codes)
    sums = _by_bin(confidence, right, np.ones(len(right)), n_bins)
    n, said, true = (np.asarray(each) for each in sums)
    filled = n > 0
    means = np.full((2, n_bins), np.nan)
    np.divide(said, n, out=means[0], where=filled)
    np.divide(true, n, out=means[1], where=filled)
    bars = np.array([_wilson(int(k), int(m)) for k, m in zip(true, n, strict=True)])
    edges = np.linspace(0, 1, n_bins + 1)
    return Reliability(edges, n.astype(np.intp), means[0], means[1], bars[:, 0], bars[:, 1])


def expected_calibration_error(
    probabilities: ArrayLike, codes: ArrayLike, *, n_bins: int = BINS
) -> float:
    """Mean distance of highest probability and accuracy over bins (Guo et al. 2017)."""
    return reliability(probabilities, codes, n_bins=n_bins).error


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error with its interval at 90 %."""

    value: float
    low: float
    high: float


def calibration_error(
    probabilities: ArrayLike,
    codes: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_bins: int = BINS,
    n_draws: int = 500,
    random_state: int = 0,
) -> CalibrationError:
    """Expected calibration error with a bootstrap interval.

    The interval is the basic one (2 e - upper quantile, 2 e - lower quantile): a resample's error
    lies above the sample's as the sample's lies above the true one, because noise within bins
    never cancels.

    Parameters
    ----------
    probabilities : array of shape (n, n_classes)
    codes : array of int of shape (n,)
        Columns of the true classes.
    groups : array of shape (n,), optional
        Photos; whole ones are drawn then.
    n_bins, n_draws, random_state : int

    Raises
    ------
    SettingError
        As `BiasCorrectedTemperature.fit`.
    """
    confidence, right = _confidence(probabilities, codes)
    names = np.arange(len(right)) if groups is None else np.asarray(groups)
    members = np.unique(names, return_inverse=True)[1]
    n_groups = int(members.max()) + 1
    rng = check_random_state(random_state)
    value = _error(confidence, right, np.ones(len(right)), n_bins)
    drawn = np.array(
        [
            _error(confidence, right, rng.multinomial(n_groups, share)[members], n_bins)
            for share in np.full((n_draws, n_groups), 1 / n_groups)
        ]
    )
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # where all resamples err more than the sample, the interval is widened to hold the estimate
    low, high = min(2 * value - high, value), max(2 * value - low, value)
    return CalibrationError(value, float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)))


def _confidence(
    probabilities: ArrayLike, codes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p = np.exp(_logs(probabilities))
    truth = _codes(codes, p.shape)
    return p.max(axis=1), p.argmax(axis=1) == truth


def _by_bin(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    weight: NDArray[np.float64],
    n_bins: int,
) -> list[NDArray[Any]]:
    """Sums of weight, confidence and right names in each bin."""
    bins = np.clip(np.ceil(confidence * n_bins).astype(np.intp) - 1, 0, n_bins - 1)
    return [
        np.bincount(bins, weight * values, minlength=n_bins)
        for values in (np.ones(len(bins)), confidence, right)
    ]


def _error(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    weight: NDArray[np.float64],
    n_bins: int,
) -> float:
    n, said, true = _by_bin(confidence, right, weight, n_bins)
    return float(np.abs(said - true).sum() / n.sum())


def _wilson(part: int, whole: int) -> tuple[float, float]:
    if whole == 0:
        return 0.0, 1.0
    interval = binomtest(part, whole).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A correction of probabilities, where it holds, and how well.

    Attributes
    ----------
    correction : BiasCorrectedTemperature
    domain : str
        Where the specimens came from that it was fitted on: ``library``, or the name of a reviewed
        set. Elsewhere it promises nothing.
    n : int
        How many there were.
    before, after : CalibrationError or None
        Expected calibration error without and with the correction, the latter by corrections that
        had not seen the specimens; None of fewer than 20.
    table : Reliability or None
        The same as a diagram, with the correction.
    """

    correction: BiasCorrectedTemperature
    domain: str
    n: int
    before: CalibrationError | None
    after: CalibrationError | None
    table: Reliability | None

    @classmethod
    def fit(
        cls,
        probabilities: ArrayLike,
        codes: ArrayLike,
        groups: ArrayLike | None = None,
        *,
        domain: str = LIBRARY,
        slope: float = 1.0,
        weight: float = 1.0,
        random_state: int = 0,
    ) -> "Calibration":
        """Fit the correction to all specimens, and measure it across five parts of them.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
            By a model that had not seen the specimens.
        codes : array of int of shape (n,)
            Columns of the true classes.
        groups : array of shape (n,), optional
            Photos; a photo's specimens stay in one part.
        domain : str
        slope, weight : float
            See `BiasCorrectedTemperature`.
        random_state : int

        Raises
        ------
        SettingError
            As `BiasCorrectedTemperature.fit`.
        """
        p, y = np.asarray(probabilities, np.float64), np.asarray(codes)
        correction = BiasCorrectedTemperature(slope=slope, weight=weight).fit(p, y)
        names = np.arange(len(y)) if groups is None else np.asarray(groups)
        members = np.unique(names, return_inverse=True)[1]
        n_groups = int(members.max()) + 1
        if len(y) < FEWEST_FOR_ERROR or n_groups < FOLDS:
            return cls(correction, domain, len(y), None, None, None)
        order = check_random_state(random_state).permutation(n_groups)
        fold = (order % FOLDS)[members]
        corrected = np.empty_like(p)
        for part in range(FOLDS):
            held = fold == part
            fitted = clone(correction).fit(p[~held], y[~held])
            corrected[held] = fitted(p[held])
        return cls(
            correction,
            domain,
            len(y),
            calibration_error(p, y, members, random_state=random_state),
            calibration_error(corrected, y, members, random_state=random_state),
            reliability(corrected, y),
        )

    def in_words(self) -> str:
        """Say where it holds, and how far probabilities are off there."""
        text = f"probabilities are calibrated on {self.n} held-out pictures of the {self.domain}"
        if self.after is None or self.before is None:
            return f"{text}, too few to say how well"
        return (
            f"{text}: there they are off by {self.after.value:.3f} on average (90 % interval "
            f"{self.after.low:.3f} to {self.after.high:.3f}; uncorrected {self.before.value:.3f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON types."""
        errors = {"before": self.before, "after": self.after}
        return {
            "domain": self.domain,
            "n": self.n,
            "temperature": self.correction.temperature_,
            "bias": self.correction.bias_.tolist(),
            **{
                name: None if error is None else [error.value, error.low, error.high]
                for name, error in errors.items()
            },
            "reliability": None if self.table is None else self.table.to_dict(),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "Calibration":
        """Take what `to_dict` gave."""
        before, after = (
            None if facts[name] is None else CalibrationError(*facts[name])
            for name in ("before", "after")
        )
        table = facts["reliability"]
        return cls(
            BiasCorrectedTemperature.of(facts["temperature"], facts["bias"]),
            facts["domain"],
            facts["n"],
            before,
            after,
            None if table is None else Reliability.from_dict(table),
        )
