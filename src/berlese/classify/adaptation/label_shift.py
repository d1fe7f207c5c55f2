"""Allow for other shares of the taxa in the target than in the source."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.counts.shares import em_shares

FOLDS = 3


class LabelShiftClassifier(AdaptedClassifier):
    """Calibrate the source's regression, and correct it for the target's shares of the classes.

    Right where only the shares differ; where the pictures differ too, the shares it finds can be
    far off.

    Parameters
    ----------
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    Saerens, Latinne & Decaestecker 2002, Neural Computation 14:21; calibrated first, as
    Alexandari, Kundaje & Shrikumar 2020 advise.
    """

    def __init__(self, C=0.01):
        self.C = C

    def adapted(self, domains: Domains) -> LinearScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return source
        calibrated = calibrated_source(domains, source, self.C)
        prior = np.full(len(domains.classes), 1 / len(domains.classes))
        shares = em_shares(calibrated(domains.target), prior)
        return shifted(calibrated, np.log(np.maximum(shares, 1e-12) / prior))

    def _restored(self, state: State) -> LinearScores:
        return LinearScores.from_state(state)


def calibrated_source(domains: Domains, source: LinearScores, C: float) -> LinearScores:
    """Calibrate the source's regression on source rows that it has not seen, in folds.

    With a class of fewer rows than folds, the regression stays as it is.
    """
    n_folds = min(FOLDS, int(np.bincount(domains.codes).min()))
    if n_folds < 2:
        return source
    held_out = np.empty((len(domains.source), len(domains.classes)))
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    for learn, test in splitter.split(domains.source, domains.codes):
        fold = Domains(
            domains.classes,
            domains.source[learn],
            domains.codes[learn],
            domains.target[:0],
            domains.reviewed[:0],
        )
        held_out[test] = fit_source(fold, C)(domains.source[test])
    correction = BiasCorrectedTemperature().fit(held_out, domains.codes)
    slope = 1 / correction.temperature_
    return LinearScores(
        source.standardiser,
        slope * source.coefficients,
        slope * source.intercepts + correction.bias_,
    )


def shifted(scores: LinearScores, by: NDArray[np.float64]) -> LinearScores:
    """Add to the logits of each class."""
    return LinearScores(scores.standardiser, scores.coefficients, scores.intercepts + by)


def shares_of_target(domains: Domains, source: LinearScores, C: float) -> NDArray[np.float64]:
    """Estimate the target's shares by the source's calibrated regression."""
    prior = np.full(len(domains.classes), 1 / len(domains.classes))
    return em_shares(calibrated_source(domains, source, C)(domains.target), prior)
