"""Adapt with some animals of the target named by a person.

Views of the target are averaged: what adapted methods of the source say, corrected by the names
(BCTS); a classifier of the target of its own, learned from the names; and the names spread over
alike animals, far and near. The fewer names a class has, the more the source's view weighs. Then
alike animals agree once more, and a linear model learns the result.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from berlese.classify.adaptation.consensus import (
    ConsensusClassifier,
    Neighbourhood,
    boldness,
    inequality,
    mixtures,
)
from berlese.classify.adaptation.domains import UNREVIEWED, Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source
from berlese.classify.adaptation.scores import LinearScores, MeanScores, State, linear_or_mean
from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.counts.powered import Predictor, alike_ones, target_classifier
from berlese.classify.heads.neighbours import spread
from berlese.options import require_at_least, require_between

WEIGHT_OF_A_NAME = 3.0  # of one reviewed animal's name against what the views say of it
# So many names, times the pairs of classes that they must tell apart, weigh as much as the source's
# methods, and as what these said uncorrected.
NAMES_FOR_SOURCE = 1.5
NAMES_FOR_CORRECTION = 0.5
FOLDS = 5


class ReviewedClassifier(AdaptedClassifier):
    """Learn from a library and from target rows of which a person has named some.

    Without reviewed rows it is `berlese.classify.adaptation.consensus.ConsensusClassifier`.
    Measured gains: `docs/how-to/adaptation.md`.

    Parameters
    ----------
    neighbours : int, default=6
        Links of each target row.
    target_C : float, default=0.1
        Inverse strength of the ridge of the target's own classifier.
    C : float, default=0.01
        Inverse strength of the source regression's ridge.

    Attributes
    ----------
    held_out_ : ndarray of int of shape (n_target,)
        Class of each reviewed row, named from the other reviewed rows; -1 of all others.
    held_out_probabilities_ : ndarray of float64 of shape (n_target, n_classes)
        What models that had not seen its name make of each reviewed row; NaN of all others.
    """

    def __init__(self, neighbours=6, target_C=0.1, C=0.01):
        self.neighbours = neighbours
        self.target_C = target_C
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_at_least(self, "neighbours", 1)
        require_between(self, "target_C", 0, float("inf"), inclusive=False)

    def adapted(self, domains: Domains) -> LinearScores | MeanScores:
        self.held_out_ = np.full(len(domains.target), UNREVIEWED)
        self.held_out_probabilities_ = np.full((len(domains.target), len(domains.classes)), np.nan)
        if not domains.is_reviewed.any():
            return ConsensusClassifier(C=self.C).adapted(domains)
        views = Views.of(domains, self.neighbours, self.C, self.target_C)
        linked = views.neighbourhood.rows
        rows = np.flatnonzero(domains.is_reviewed[linked])
        codes = domains.reviewed[linked[rows]]
        seen = views.held_out(rows, codes)
        self.held_out_probabilities_[linked[rows]] = seen
        self.held_out_[linked[rows]] = seen.argmax(axis=1)
        return views.neighbourhood.distilled(views.named(rows, codes))

    def _restored(self, state: State) -> LinearScores | MeanScores:
        return linear_or_mean(state)


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What can be said of the target before a name is looked at.

    Attributes
    ----------
    neighbourhood : Neighbourhood
        Holds every reviewed row.
    source : ndarray of float64 of shape (n, n_classes)
        Of the linked rows, by adapted methods.
    own : Predictor
        The target's own classifier, to be fitted to names.
    target : ndarray of float64 of shape (n_target, n_features)
        All rows.
    """

    neighbourhood: Neighbourhood
    source: NDArray[np.float64]
    own: Predictor
    target: NDArray[np.float64]

    @classmethod
    def of(cls, domains: Domains, neighbours: int, C: float, target_C: float) -> "Views":
        """Fit the source's methods and link the target's rows."""
        reviewed = np.flatnonzero(domains.is_reviewed)
        neighbourhood = Neighbourhood.of(domains.target, neighbours, reviewed)
        source = fit_source(domains, C)
        said = mixtures(domains, source, neighbourhood, C)
        agreed = said.weighed(boldness(inequality(said.source)))
        own = target_classifier(neighbourhood.standardised, len(domains.classes), C=target_C)
        return cls(neighbourhood, agreed, own, domains.target)

    def named(self, rows: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
        """Give probabilities of all linked rows, of shape (n, n_classes).

        Parameters
        ----------
        rows : ndarray of intp of shape (k,)
            Reviewed ones, by their place among the linked rows.
        codes : ndarray of intp of shape (k,)
            Their classes.
        """
        if not len(rows):
            return self.source
        n_classes = self.source.shape[1]
        views = self._source_view(rows, codes)
        graph = self.neighbourhood.graph
        learned = [self.own, *alike_ones(graph, n_classes)]
        target = np.mean([predict(rows, codes) for predict in learned], axis=0)
        weight = _weight(NAMES_FOR_SOURCE, n_classes, len(rows))
        views = weight * views + (1 - weight) * target
        views[rows] = WEIGHT_OF_A_NAME * np.eye(n_classes)[codes]
        return spread(graph, views)

    def _source_view(self, rows: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
        """Correct what the source's methods say; a few names correct it in part."""
        corrected = BiasCorrectedTemperature().fit(self.source[rows], codes)(self.source)
        weight = _weight(NAMES_FOR_CORRECTION, self.source.shape[1], len(rows))
        return weight * self.source + (1 - weight) * corrected

    def held_out(
        self, rows: NDArray[np.intp], codes: NDArray[np.intp], random_state: int = 0
    ) -> NDArray[np.float64]:
        """Name each reviewed row by models that the others made: of shape (k, n_classes)."""
        fold = np.random.default_rng(random_state).permutation(len(rows)) % min(FOLDS, len(rows))
        seen = np.empty((len(rows), self.source.shape[1]))
        for each in np.unique(fold):
            out = fold == each
            learned = self.neighbourhood.distilled(self.named(rows[~out], codes[~out]))
            seen[out] = learned(self.neighbourhood.rows_of(self.target)[rows[out]])
        return seen


def _weight(names: float, n_classes: int, reviewed: int) -> float:
    prior = names * n_classes**2
    return prior / (prior + reviewed)
