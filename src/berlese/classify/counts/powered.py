"""Shares from a random reviewed sample, sharpened by a model that may be wrong.

Prediction-powered inference (Angelopoulos et al. 2023, Science 382:669), cross-fitted: the share of
a taxon is what the model expects of all specimens plus what it is wrong by on reviewed ones that it
had not seen. Whatever the model, the estimate has no bias as long as the reviewed specimens were
drawn at random; a better model makes the interval narrower. Survey statisticians know it as the
difference estimator (Särndal, Swensson & Wretman 1992).

Several models are averaged, each with the weight that makes the names they had not seen likeliest
(stacking: Wolpert 1992, Neural Networks 5:241): on photos like the library's that is the model
itself, on others a classifier of the reviewed specimens and their likeness to the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.heads.linear import many_classes
from berlese.classify.heads.neighbours import neighbour_graph, spread
from berlese.classify.heads.standardising import Standardiser
from berlese.errors import SettingError

FOLDS = 10
LEVEL = 0.9
# Added to the sum of squares: a rare taxon that the sample missed must not look certain.
FLOOR = 0.5
TARGET_C = 0.1
REACHES = (0.9, 0.2)  # of names along the links of alike specimens: by far and by near
NEIGHBOURS = 6
LARGEST_GRAPH = 4000  # specimens; the links of more take too long
# Names that each predictor is taken to have told right before any is looked at: few names cannot
# tell good predictors apart. Steps of expectation maximisation after which weights have settled.
EVEN_NAMES = 2.0
WEIGHT_STEPS = 100
LEAST_LIKELY = 1e-3  # one name that a predictor held impossible must not silence it

Predictor = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]]
"""Takes rows and their classes, gives probabilities of all n specimens, (n, n_classes)."""


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """Specimens that a person named.

    Parameters
    ----------
    rows : ndarray of int of shape (k,)
        Which of the n specimens; none twice.
    codes : ndarray of int of shape (k,)
        Their classes.
    inclusion : ndarray of float64 of shape (k,)
        Probability with which each was drawn at random; NaN for those that were picked in
        another way. Only their proportions matter.
    """

    rows: NDArray[np.intp]
    codes: NDArray[np.intp]
    inclusion: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rows: ArrayLike,
        codes: ArrayLike,
        inclusion: ArrayLike | None = None,
        *,
        n: int,
        n_classes: int,
    ) -> "Reviewed":
        """Check what was reviewed among `n` specimens; all at random by default.

        Raises
        ------
        SettingError
            If lengths differ, a row is out of range or twice there, a class is unknown, or an
            inclusion is not above 0 and at most 1.
        """
        numbers, classes = np.asarray(rows, np.intp), np.asarray(codes, np.intp)
        chance = np.ones(len(numbers)) if inclusion is None else np.asarray(inclusion, np.float64)
        if numbers.ndim != 1 or not numbers.shape == classes.shape == chance.shape:
            raise SettingError(
                f"{len(numbers)} reviewed rows, {len(classes)} names and {len(chance)} sampling "
                "probabilities; expected one of each for each specimen."
            )
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= n):
            raise SettingError(f"reviewed rows must be 0 to {n - 1}; got {numbers.max()}.")
        if len(np.unique(numbers)) < len(numbers):
            raise SettingError("a specimen is reviewed twice; give the name in force only.")
        if len(classes) and (classes.min() < 0 or classes.max() >= n_classes):
            raise SettingError(f"classes must be 0 to {n_classes - 1}; got {classes.max()}.")
        drawn = chance[~np.isnan(chance)]
        if not ((drawn > 0) & (drawn <= 1)).all():
            raise SettingError("sampling probabilities must be above 0 and at most 1.")
        return cls(numbers, classes, chance)

    @property
    def at_random(self) -> NDArray[np.bool_]:
        """Mask of those that were drawn at random."""
        return ~np.isnan(self.inclusion)


@dataclass(frozen=True, slots=True, eq=False)
class ShareEstimate:
    """Shares of classes with intervals, each an array of shape (n_classes,)."""

    shares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    deviation: NDArray[np.float64]
    predicted: NDArray[np.float64]
    """Probabilities of all specimens that the estimate stands on, (n, n_classes)."""


def powered_shares(
    predictors: Sequence[Predictor],
    reviewed: Reviewed,
    *,
    n: int,
    n_classes: int,
    level: float = LEVEL,
    random_state: int = 0,
) -> ShareEstimate:
    """Estimate shares among `n` specimens from those reviewed at random.

    Parameters
    ----------
    predictors : sequence of Predictor
        Each is called once a fold, with reviewed specimens of the other folds and all that were not
        drawn at random.
    reviewed : Reviewed
    n, n_classes : int
    level : float
    random_state : int
        Of the folds.

    Raises
    ------
    SettingError
        If fewer than two specimens were reviewed at random.
    """
    random = reviewed.at_random
    rows, codes = reviewed.rows[random], reviewed.codes[random]
    k = len(rows)
    if k < 2:
        raise SettingError(f"needs at least two specimens reviewed at random, got {k}.")
    weight = 1 / reviewed.inclusion[random]
    weight = weight / weight.sum()
    fold = np.random.default_rng(random_state).permutation(k) % min(FOLDS, k)
    held_out = np.zeros((len(predictors), k, n_classes))
    everywhere = np.zeros((len(predictors), n, n_classes))
    for each in range(fold.max() + 1):
        out = fold == each
        seen = np.concatenate([rows[~out], reviewed.rows[~random]])
        said = np.concatenate([codes[~out], reviewed.codes[~random]])
        for number, predict in enumerate(predictors):
            p = predict(seen, said)
            held_out[number, out] = p[rows[out]]
            everywhere[number] += p * weight[out].sum()
    trust = stacking_weights(held_out[:, np.arange(k), codes])
    predicted = np.tensordot(trust, everywhere, 1)
    residual = np.eye(n_classes)[codes] - np.tensordot(trust, held_out, 1)
    shares = predicted.mean(axis=0) + weight @ residual
    deviation = np.sqrt(_variance(residual, weight, n))
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return bounded(shares, half, deviation, predicted, reviewed, n)


def stacking_weights(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of predictors whose mean makes the true names likeliest; they sum to one.

    Parameters
    ----------
    likely : ndarray of float64 of shape (n_predictors, k)
        What each gave the true class of specimens whose names it had not seen.
    """
    given = np.maximum(likely, LEAST_LIKELY)
    weights = np.full(len(given), 1 / len(given))
    for _ in range(WEIGHT_STEPS):
        parts = weights[:, None] * given
        weights = (parts / parts.sum(axis=0)).sum(axis=1) + EVEN_NAMES
        weights /= weights.sum()
    return weights


def _variance(
    residual: NDArray[np.float64], weight: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Variance of the weighted mean of residuals, drawn without replacement from `n`."""
    k = 1 / np.sum(weight**2)  # as many equally likely ones tell as much
    mean = weight @ residual
    spread = weight @ (residual - mean) ** 2
    missing = max(1 - len(residual) / n, 0.0)
    variance: NDArray[np.float64] = (k * spread + FLOOR) / (k + 1) / k * missing
    return variance


def bounded(
    shares: NDArray[np.float64],
    half: NDArray[np.float64],
    deviation: NDArray[np.float64],
    predicted: NDArray[np.float64],
    reviewed: Reviewed,
    n: int,
) -> ShareEstimate:
    """Keep shares and intervals within what the reviewed specimens leave possible."""
    known = np.bincount(reviewed.codes, minlength=len(shares)) / n
    most = known + 1 - len(reviewed.rows) / n
    within = np.clip(shares, known, most)
    spare = within - known
    if spare.sum() > 0:  # a difference can fall below 0; the others then give way
        within = known + spare * (1 - known.sum()) / spare.sum()
    return ShareEstimate(
        within,
        np.clip(np.minimum(shares - half, within), known, most),
        np.clip(np.maximum(shares + half, within), known, most),
        deviation,
        predicted,
    )


def recalibrated(probabilities: NDArray[np.float64]) -> Predictor:
    """A model's probabilities, (n, n_classes), after BCTS on the reviewed specimens.

    Classes that the model does not know may be columns of zeros.
    """

    def predict(rows: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
        fitted = BiasCorrectedTemperature().fit(probabilities[rows], codes)
        return fitted(probabilities)

    return predict


def target_classifier(
    features: NDArray[np.float64], n_classes: int, *, C: float = TARGET_C
) -> Predictor:
    """Logistic regression on features of the reviewed specimens themselves.

    Shares are as reviewed: classes are not balanced. The weights of a ridge lie in the span of the
    reviewed rows, so that they are sought there: as many axes as rows, and the same probabilities.
    """
    standardise = Standardiser.of(features)

    def predict(rows: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
        p = np.zeros((len(features), n_classes))
        present = np.unique(codes)
        if len(present) == 1:
            p[:, present] = 1
            return p
        with threadpool_limits(1), many_classes():
            axes, seen = np.linalg.qr(standardise(features[rows]).T)
            model = LogisticRegression(C=C, max_iter=1000).fit(seen.T, codes)
            weights = (model.coef_ @ axes.T) / standardise.deviation
            logits = features @ weights.T + (model.intercept_ - weights @ standardise.mean)
        if len(present) == 2:
            logits = np.hstack([np.zeros_like(logits), logits])
        p[:, present] = softmax(logits, axis=1)
        return p

    return predict


def predictors_of(
    models: Sequence[NDArray[np.float64]], features: NDArray[np.float64] | None, n_classes: int
) -> list[Predictor]:
    """Everything that may tell the classes of specimens of which some are reviewed.

    Parameters
    ----------
    models : sequence of ndarray of float64 of shape (n, n_classes)
        Probabilities.
    features : ndarray of float64 of shape (n, n_features) or None
        Finite; without them only the models are heard.
    n_classes : int
    """
    known = [recalibrated(p) for p in models]
    if features is None:
        return known
    known.append(target_classifier(features, n_classes))
    if len(features) <= LARGEST_GRAPH:
        graph = neighbour_graph(Standardiser.of(features)(features), NEIGHBOURS)
        known += alike_ones(graph, n_classes)
    return known


def alike_ones(graph: Any, n_classes: int) -> list[Predictor]:
    """Names of the reviewed specimens, spread over alike ones (`neighbour_graph`), far and near."""

    def spread_by(reach: float) -> Predictor:
        def predict(rows: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
            known = np.zeros((graph.shape[0], n_classes))
            known[rows, codes] = 1
            return spread(graph, known, reach=reach)

        return predict

    return [spread_by(reach) for reach in REACHES]
