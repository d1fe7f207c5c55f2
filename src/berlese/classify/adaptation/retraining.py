"""Train the source's regression again with the target in view."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.decomposition import PCA

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.label_shift import shares_of_target
from berlese.classify.adaptation.method import (
    STATISTICS,
    AdaptedClassifier,
    fit_source,
    standardised,
)
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.heads.linear import logistic_weights
from berlese.options import require_at_least, require_between, require_one_of

DOMAIN_COMPONENTS = 64
MOST_WEIGHT = 20.0
LEAST_WEIGHT = 0.001
MOST = 4000  # target rows that a classifier trains again on


class _LinearAdapted(AdaptedClassifier):
    """A method that ends in a linear model."""

    def _restored(self, state: State) -> LinearScores:
        return LinearScores.from_state(state)


class SelfTrainingClassifier(_LinearAdapted):
    """Train again on the target rows that the classifier is surest of, in rounds.

    Round r of R adds, of each class as named, the most confident share .2 + .6 r/R, and refits on
    the source and those. Of a larger target, `MOST` rows drawn at random stand for all.

    Parameters
    ----------
    rounds : int, default=5
    C : float, default=0.01
        Inverse strength of the regression's ridge.
    """

    def __init__(self, rounds=5, C=0.01):
        self.rounds = rounds
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_at_least(self, "rounds", 1)

    def adapted(self, domains: Domains) -> LinearScores:
        scores = fit_source(domains, self.C)
        if not len(domains.target):
            return scores
        target = domains.target
        if len(target) > MOST:
            target = target[np.random.default_rng(0).choice(len(target), MOST, replace=False)]
        Z = scores.standardiser(np.concatenate([domains.source, target]))
        n_source = len(domains.source)
        for number in range(1, self.rounds + 1):
            named, sure = surest(scores(target), 0.2 + 0.6 * number / self.rounds)
            rows = np.concatenate([np.arange(n_source), n_source + sure])
            codes = np.concatenate([domains.codes, named[sure]])
            coefficients, intercepts, _ = logistic_weights(Z[rows], codes, C=self.C)
            scores = LinearScores(scores.standardiser, coefficients, intercepts)
        return scores


def surest(
    probabilities: NDArray[np.float64], share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Name all rows and choose the surest share of each class as named.

    Returns
    -------
    named : ndarray of intp of shape (n,)
    rows : ndarray of intp
        Those chosen; at least one of each class that is named at all.
    """
    named = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    chosen = []
    for code in np.unique(named):
        members = np.flatnonzero(named == code)
        count = max(round(share * len(members)), 1)
        chosen.append(members[np.argsort(-confidence[members], kind="stable")[:count]])
    return named, np.concatenate(chosen)


class DensityRatioClassifier(_LinearAdapted):
    """Weigh source rows by how likely they are under the target, and train on those.

    The ratio of densities is the odds of a classifier of domains on the first
    64 principal components, clipped to [.001, 20].

    Parameters
    ----------
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    Sugiyama, Suzuki & Kanamori 2012, Density Ratio Estimation in Machine Learning, section 4.
    """

    def __init__(self, C=0.01):
        self.C = C

    def adapted(self, domains: Domains) -> LinearScores:
        if not len(domains.target):
            return fit_source(domains, self.C)
        return fit_source(domains, self.C, sample_weight=density_ratios(domains))


def density_ratios(domains: Domains) -> NDArray[np.float64]:
    """Estimate target density over source density at each source row, of shape (n_source,)."""
    both = np.concatenate([domains.source, domains.target])
    centred = (both - both.mean(axis=0)) / np.maximum(both.std(axis=0), 1e-12)
    components = min(DOMAIN_COMPONENTS, *both.shape)
    reduced = PCA(components, svd_solver="randomized", random_state=0).fit_transform(centred)
    side = np.arange(len(both)) >= len(domains.source)
    reduced /= reduced[:, :1].std() or 1.0
    coefficients, intercepts, _ = logistic_weights(reduced, side.astype(np.intp), C=1.0)
    logits = reduced[~side] @ (coefficients[1] - coefficients[0]) + intercepts[1] - intercepts[0]
    return np.exp(np.clip(logits, np.log(LEAST_WEIGHT), np.log(MOST_WEIGHT)))


class InformationMaximisationClassifier(_LinearAdapted):
    """Move the regression until it names every target row surely, and in the shares wanted.

    Minimises mean entropy of the rows plus the divergence of their mean from the shares, over
    all weights, by Adam.

    Parameters
    ----------
    shares : {"uniform", "estimated"}, default="uniform"
        Shares of the classes that the names are drawn to: equal ones, or those that
        `berlese.classify.counts.shares.em_shares` finds in the target.
    statistics : {"target", "half-way", "source"}, default="target"
        What target rows are standardised by.
    steps : int, default=30
    learning_rate : float, default=0.001
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    The head of SHOT: Liang, Hu & Feng 2020, International Conference on Machine Learning.
    """

    def __init__(
        self, shares="uniform", statistics="target", steps=30, learning_rate=0.001, C=0.01
    ):
        self.shares = shares
        self.statistics = statistics
        self.steps = steps
        self.learning_rate = learning_rate
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_one_of(self, "shares", ("uniform", "estimated"))
        require_one_of(self, "statistics", STATISTICS)
        require_at_least(self, "steps", 1)
        require_between(self, "learning_rate", 0, float("inf"), inclusive=False)

    def adapted(self, domains: Domains) -> LinearScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return source
        wanted = np.full(len(domains.classes), 1 / len(domains.classes))
        if self.shares == "estimated":
            wanted = shares_of_target(domains, source, self.C)
        moved = standardised(domains, source.standardiser, self.statistics)
        Z = moved(domains.target)
        weights = np.column_stack([source.coefficients, source.intercepts])
        Z1 = np.column_stack([Z, np.ones(len(Z))])
        weights = adam(
            lambda at: information_gradient(Z1, at, wanted), weights, self.steps, self.learning_rate
        )
        return LinearScores(moved, weights[:, :-1], weights[:, -1])


def information_gradient(
    Z: NDArray[np.float64], weights: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gradient of mean H(p) + KL(mean p, wanted) by the weights of shape (n_classes, n_columns)."""
    p = softmax(Z @ weights.T, axis=1)
    mean = p.mean(axis=0)
    # d/dp of  -p log p  and of  mean log(mean / wanted); terms constant over classes cancel.
    by_p = -np.log(np.maximum(p, 1e-300)) + np.log(mean / wanted)
    by_logits = p * (by_p - (p * by_p).sum(axis=1, keepdims=True))
    return by_logits.T @ Z / len(Z)


def adam(
    gradient: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    start: NDArray[np.float64],
    steps: int,
    rate: float,
) -> NDArray[np.float64]:
    """Go down a gradient by Adam (Kingma & Ba 2015, with its usual constants)."""
    at, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, steps + 1):
        slope = gradient(at)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        at -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return at
