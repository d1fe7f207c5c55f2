"""Unknown animals by contrast: what many photos hold and the library does not.

A single animal can only be compared with the library. A whole survey says more: strangers come in
numbers and are like each other, so a classifier that shall tell the survey's animals from the
library's learns what strangers look like; of known animals there is nothing to learn, since both
sides have them. Each animal is scored by classifiers that had not seen its photo, and library
animals by classifiers that had not seen theirs, so that both are on one scale and conformal
p-values hold (Marandon et al. 2024, Annals of Statistics 52:157). The score is averaged with that
of likeness (`berlese.classify.unknowns.likeness`).

This rests on *one domain*. Of another camera's photos all animals differ from the library's, so
first it is asked whether those that look most like the library can be told from it. If they can,
nothing is promised, and likeness alone is used. A slight difference makes all animals of a survey
seem stranger, so the scores are moved back until those that are surely known have the library's.
Moved shares of taxa are no other domain: library animals weigh as much as survey animals of their
name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from berlese.classify.heads.standardising import Standardiser
from berlese.classify.unknowns.likeness import even_features

FEWEST = 60  # animals on either side; fewer teach nothing
FEWEST_ALIKE = 15  # of these that look like the library's; fewer cannot be told from it
MOST = 2000  # animals of either side that a classifier learns from
C = 0.001
FOLDS = 5
CHUNK = 4096
LARGEST_AUROC = 0.7
SURELY_KNOWN = 0.9  # quantile of the scores above which there is hardly a stranger


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Library animals as models see them that were not trained on them.

    Attributes
    ----------
    features : ndarray of float32 of shape (n, dim)
    joint : ndarray of float64 of shape (n,)
        Mean rank of their likeness.
    named : ndarray of int64 of shape (n,)
        The class that each was given.
    groups : ndarray of int64 of shape (n,)
        Photos.
    """

    features: NDArray[np.float32]
    joint: NDArray[np.float64]
    named: NDArray[np.int64]
    groups: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """Whether photos are like those that a model's promises rest on.

    Attributes
    ----------
    n : int
        Animals that were compared; where they are too few, of the side that has fewer.
    auroc : float or None
        How well the most library-like half of them is told from the library's: .5 is not at all,
        1 always. None where there are too few animals to tell.
    alike : int, optional
        Animals that look like the library's, where the others are many and these too few.
    """

    n: int
    auroc: float | None
    alike: int | None = None

    @property
    def same(self) -> bool:
        """Whether nothing speaks against one domain; not known of few animals."""
        return self.auroc is not None and self.auroc <= LARGEST_AUROC

    @property
    def asks_for_review(self) -> bool:
        """Whether nothing can be promised before animals are reviewed; not known of few animals."""
        return self.alike is not None or (self.auroc is not None and not self.same)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"animals": self.n, "auroc": self.auroc, "same_domain": self.same}

    def in_words(self, domain: str) -> str:
        """Say what may be promised."""
        if self.alike is not None:
            return (
                f"only {self.alike} of {self.n} animals look like those of the {domain}, too few "
                "to tell whether the photos do: no rate of unknowns and no probability can be "
                "promised"
            )
        if self.auroc is None:
            return (
                f"{self.n} animals are too few to tell whether the photos are like those of the "
                f"{domain}: the rate of unknowns and the probabilities hold only if they are"
            )
        told = f"(AUROC {self.auroc:.2f} for telling the most alike apart; 0.50 is chance)"
        if self.same:
            return f"the photos look like those of the {domain} {told}: its promises hold"
        return (
            f"the photos are unlike those of the {domain} {told}: no rate of unknowns and no "
            "probability can be promised"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """What a survey's animals are, seen together.

    Attributes
    ----------
    check : DomainCheck
    p_values : ndarray of float64 of shape (n,), optional
        Conformal; None where the domain differs or animals are too few.
    """

    check: DomainCheck
    p_values: NDArray[np.float64] | None


def contrast(
    known: Known,
    features: ArrayLike,
    joint: ArrayLike,
    named: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> Contrast:
    """Score a survey's animals together.

    Parameters
    ----------
    known : Known
        Of the library.
    features : array of shape (n, dim)
        Of all animals of the survey.
    joint : array of shape (n,)
        Mean rank of their likeness among the library's.
    named : array of int of shape (n,)
        The class that each was given.
    groups : array of shape (n,), optional
        Photos; animals of one are scored by the same classifiers.
    random_state : int
    """
    X, ranks = np.asarray(features, np.float64), np.asarray(joint, np.float64)
    if min(len(X), len(known.joint)) < FEWEST:
        return Contrast(DomainCheck(min(len(X), len(known.joint)), None), None)
    members = np.arange(len(X)) if groups is None else np.unique(groups, return_inverse=True)[1]
    of_known, of_survey = _held_out_scores(
        known, X, np.asarray(named, np.intp), members, np.random.default_rng(random_state)
    )
    middle = np.median(known.joint)
    a, b = of_known[known.joint >= middle], of_survey[ranks >= middle]
    if len(b) < FEWEST_ALIKE:
        return Contrast(DomainCheck(len(X), None, len(b)), None)
    auroc = float(roc_auc_score(np.repeat([1, 0], [len(a), len(b)]), np.concatenate([a, b])))
    check = DomainCheck(len(X), auroc)
    if not check.same:
        return Contrast(check, None)
    of_survey = of_survey + max(
        float(np.quantile(a, SURELY_KNOWN) - np.quantile(b, SURELY_KNOWN)), 0.0
    )
    n = len(of_known)
    calibration = np.sort(_normal(of_known, of_known) + _probit(known.joint, n))
    scores = _normal(of_survey, of_known) + _probit(ranks, n)
    at_most = np.searchsorted(calibration, scores, side="right")
    return Contrast(check, (1 + at_most) / (n + 1))


def _held_out_scores(
    known: Known,
    X: NDArray[np.float64],
    named: NDArray[np.intp],
    members: NDArray[np.intp],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log odds of library against survey, by classifiers that had not seen the photo."""
    N = known.features.astype(np.float64)
    scale = Standardiser.of(even_features(N))
    of_known, of_survey = np.zeros(len(N)), np.zeros(len(X))
    for (n_in, n_out), (t_in, t_out) in zip(
        _folds(known.groups, rng), _folds(members, rng), strict=True
    ):
        n_in, t_in = _at_most(n_in, rng), _at_most(t_in, rng)
        weight = np.concatenate([_weights(known.named[n_in], named[t_in]), np.ones(len(t_in))])
        model = LogisticRegression(C=C, max_iter=500)
        with threadpool_limits(1):
            model.fit(
                scale(even_features(np.concatenate([N[n_in], X[t_in]]))),
                np.repeat([1, 0], [len(n_in), len(t_in)]),
                sample_weight=weight,
            )
            for scores, rows, out in ((of_known, N, n_out), (of_survey, X, t_out)):
                for start in range(0, len(out), CHUNK):
                    some = out[start : start + CHUNK]
                    scores[some] = model.decision_function(scale(even_features(rows[some])))
    return of_known, of_survey


def _weights(known: NDArray[np.int64], survey: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights at which library animals have the survey's shares of names."""
    n_classes = int(max(known.max(), survey.max())) + 1
    here = np.maximum(np.bincount(survey, minlength=n_classes), 1)
    there = np.maximum(np.bincount(known, minlength=n_classes), 1)
    return np.asarray((here / there)[known])


def _folds(
    members: NDArray[np.integer], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split rows into five folds with photos whole; folds of one photo are large or empty."""
    photos, at = np.unique(members, return_inverse=True)
    fold = (rng.permutation(len(photos)) % FOLDS)[at]
    if len(photos) < FOLDS:  # too few to keep whole
        fold = rng.permutation(len(members)) % FOLDS
    for part in range(FOLDS):
        yield np.flatnonzero(fold != part), np.flatnonzero(fold == part)


def _at_most(rows: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    return rows if len(rows) <= MOST else np.sort(rng.choice(rows, MOST, replace=False))


def _normal(scores: NDArray[np.float64], calibration: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as quantiles of the normal distribution, by their rank in the calibration."""
    n = len(calibration)
    return _probit(np.searchsorted(np.sort(calibration), scores, side="right") / n, n)


def _probit(ranks: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.asarray(norm.ppf(np.clip(ranks, 0.5 / n, 1 - 0.5 / n)))
