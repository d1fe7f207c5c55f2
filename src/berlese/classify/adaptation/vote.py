"""Name the target by the mean of methods that err in different ways."""

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source, standardised
from berlese.classify.adaptation.prototypes import prototypes
from berlese.classify.adaptation.retraining import DensityRatioClassifier, SelfTrainingClassifier
from berlese.classify.adaptation.scores import MeanScores, State


class VoteClassifier(AdaptedClassifier):
    """Mean of the probabilities of five unlike methods; the safest without names.

    They are the source's regression, self-training, density-ratio weights, and prototypes with
    half-way and with source statistics.

    Parameters
    ----------
    C : float, default=0.01
        Inverse strength of the regressions' ridge.
    """

    def __init__(self, C=0.01):
        self.C = C

    def adapted(self, domains: Domains) -> MeanScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return MeanScores((source,))
        half_way = standardised(domains, source.standardiser, "half-way")
        return MeanScores(
            (
                source,
                SelfTrainingClassifier(C=self.C).adapted(domains),
                DensityRatioClassifier(C=self.C).adapted(domains),
                prototypes(domains.target, source, half_way),
                prototypes(domains.target, source, source.standardiser),
            )
        )

    def _restored(self, state: State) -> MeanScores:
        return MeanScores.from_state(state)
