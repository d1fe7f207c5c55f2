"""Name the target by the likeness to one prototype a class."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import (
    STATISTICS,
    AdaptedClassifier,
    fit_source,
    standardised,
)
from berlese.classify.adaptation.scores import CosineScores, LinearScores, State, form_of
from berlese.classify.heads.standardising import Standardiser, unit_rows
from berlese.options import require_at_least, require_one_of


class PrototypeClassifier(AdaptedClassifier):
    """Name target rows by the cosine to one prototype a class, drawn from the surest of them.

    Logistic regression names the target; a class's prototype is its weights plus the directions
    of the `kept` rows with its name that are named with the lowest entropy. Measured gains and
    losses: `docs/how-to/adaptation.md`.

    Parameters
    ----------
    statistics : {"half-way", "target", "source"}, default="half-way"
        What target rows are standardised by. ``target`` gains most where shares of the taxa are
        those of the source, and loses most where they are not.
    kept : int, default=50
        Rows that support a prototype.
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    T3A, offline: Iwasawa & Matsuo 2021, Advances in Neural Information Processing Systems 34.
    The scale of the cosines is arbitrary: calibrate probabilities before trusting them.
    """

    def __init__(self, statistics="half-way", kept=50, C=0.01):
        self.statistics = statistics
        self.kept = kept
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_one_of(self, "statistics", STATISTICS)
        require_at_least(self, "kept", 1)

    def adapted(self, domains: Domains) -> LinearScores | CosineScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return source
        moved = standardised(domains, source.standardiser, self.statistics)
        return prototypes(domains.target, source, moved, self.kept)

    def _restored(self, state: State) -> LinearScores | CosineScores:
        return form_of(state)


def prototypes(
    target: NDArray[np.float64], source: LinearScores, moved: Standardiser, kept: int = 50
) -> CosineScores:
    """Draw prototypes from target rows, as `PrototypeClassifier` describes.

    Parameters
    ----------
    target : ndarray of float64 of shape (n, n_features)
    source : LinearScores
        The source's regression.
    moved : Standardiser
        For target rows.
    kept : int
        Rows a class.
    """
    probabilities = LinearScores(moved, source.coefficients, source.intercepts)(target)
    named = probabilities.argmax(axis=1)
    entropies = entropy(probabilities)
    directions = unit_rows(moved(target))
    centres = unit_rows(source.coefficients)
    for code in range(len(centres)):
        members = np.flatnonzero(named == code)
        surest = members[np.argsort(entropies[members], kind="stable")[:kept]]
        centres[code] += directions[surest].sum(axis=0)
    return CosineScores(moved, unit_rows(centres))


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy in nats over the last axis."""
    return -xlogy(probabilities, probabilities).sum(axis=-1)


class NearestMeanClassifier(AdaptedClassifier):
    """Name target rows by the cosine to the mean of each class of the source.

    Parameters
    ----------
    statistics : {"target", "half-way", "source"}, default="target"
        What target rows are standardised by; source rows by themselves.

    Notes
    -----
    SimpleShot: Wang et al. 2019, arXiv:1911.04623.
    """

    def __init__(self, statistics="target"):
        self.statistics = statistics

    def _check(self) -> None:
        require_one_of(self, "statistics", STATISTICS)

    def adapted(self, domains: Domains) -> CosineScores:
        source = Standardiser.of(domains.source)
        directions = unit_rows(source(domains.source))
        classes = range(len(domains.classes))
        means = np.array([directions[domains.codes == code].mean(axis=0) for code in classes])
        return CosineScores(standardised(domains, source, self.statistics), unit_rows(means))

    def _restored(self, state: State) -> CosineScores:
        return CosineScores.from_state(state)
