"""Name the target where unlike methods and alike animals agree.

Two mixtures of methods name the target. The *bold* one moves the target's features onto the
source's and expects classes in equal numbers: it gains most where that is so, and loses most where
it is not. The *careful* one moves them little or not at all. How unequal the classes are, by the
source's own names after neighbours have agreed on them, says which of the two to believe.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source, standardised
from berlese.classify.adaptation.prototypes import NearestMeanClassifier, prototypes
from berlese.classify.adaptation.retraining import InformationMaximisationClassifier
from berlese.classify.adaptation.scores import (
    CosineScores,
    LinearScores,
    MeanScores,
    State,
    linear_or_mean,
)
from berlese.classify.heads.linear import soft_logistic_weights
from berlese.classify.heads.neighbours import neighbour_graph, spread
from berlese.classify.heads.standardising import Standardiser
from berlese.options import require_at_least, require_one_of

TRUST = ("auto", "bold", "careful")
TURN = 0.65  # L1 distance of the shares from equal ones at which both mixtures weigh the same
WIDTH = 0.05
# Mean highest probability of the result below which the source's regression has half a say: of
# runs with quite other shares of the taxa fewer lose then, and less (benchmarks/adaptation.py).
SURE = 0.6
LARGEST = 4000  # rows of a graph; the linear model that learns from it names all others
DISTILLED_C = 1.0

Scores = LinearScores | CosineScores


class ConsensusClassifier(AdaptedClassifier):
    """Average unlike methods, let alike animals agree, and learn a linear model from the result.

    Measured gains and losses: `docs/how-to/adaptation.md`.

    Parameters
    ----------
    trust : {"auto", "bold", "careful"}, default="auto"
        Which mixture names the target; ``auto`` weighs them by how unequal the classes are.
    neighbours : int, default=10
        Links of each target row.
    C : float, default=0.01
        Inverse strength of the source regression's ridge.

    Attributes
    ----------
    inequality_ : float
        Summed distance of the target's shares from equal ones, as estimated: 0 to 2.
    boldness_ : float
        Weight of the bold mixture, 0 to 1.
    sureness_ : float
        Mean highest probability of the target's rows; where it is low, and `trust` is ``auto``,
        the result is averaged with the source's regression.
    """

    def __init__(self, trust="auto", neighbours=10, C=0.01):
        self.trust = trust
        self.neighbours = neighbours
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_one_of(self, "trust", TRUST)
        require_at_least(self, "neighbours", 1)

    def adapted(self, domains: Domains) -> LinearScores | MeanScores:
        source = fit_source(domains, self.C)
        self.inequality_, self.boldness_, self.sureness_ = 0.0, 0.0, 1.0
        if not len(domains.target):
            return source
        neighbourhood = Neighbourhood.of(domains.target, self.neighbours)
        said = mixtures(domains, source, neighbourhood, self.C)
        self.inequality_ = inequality(said.source)
        bold = {"bold": 1.0, "careful": 0.0, "auto": boldness(self.inequality_)}
        self.boldness_ = bold[self.trust]
        agreed = neighbourhood.distilled(said.weighed(self.boldness_))
        self.sureness_ = float(agreed(neighbourhood.rows_of(domains.target)).max(axis=1).mean())
        sure = self.trust != "auto" or self.sureness_ >= SURE
        return agreed if sure else MeanScores((agreed, source))

    def _restored(self, state: State) -> LinearScores | MeanScores:
        return linear_or_mean(state)


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """Probabilities of target rows, each of shape (n, n_classes), agreed among neighbours.

    Attributes
    ----------
    bold, careful : ndarray of float64
    source : ndarray of float64
        By the source's regression alone.
    """

    bold: NDArray[np.float64]
    careful: NDArray[np.float64]
    source: NDArray[np.float64]

    def weighed(self, bold: float) -> NDArray[np.float64]:
        """Give the bold mixture so much weight, and the others the rest."""
        return bold * self.bold + (1 - bold) * (self.careful + self.source) / 2


def mixtures(
    domains: Domains, source: LinearScores, neighbourhood: "Neighbourhood", C: float
) -> Mixtures:
    """Name the linked target rows by unlike methods, and let alike rows agree.

    Parameters
    ----------
    domains : Domains
    source : LinearScores
        The source's regression.
    neighbourhood : Neighbourhood
    C : float
    """
    rows = neighbourhood.rows_of(domains.target)
    linked = replace(domains, target=rows, reviewed=neighbourhood.rows_of(domains.reviewed))
    moved = standardised(linked, source.standardiser, "target")
    methods: tuple[list[Scores], ...] = (
        [
            prototypes(rows, source, moved),
            InformationMaximisationClassifier(C=C).adapted(linked),
            NearestMeanClassifier().adapted(linked),
        ],
        [
            prototypes(rows, source, source.standardiser),
            NearestMeanClassifier("half-way").adapted(linked),
        ],
        [source],
    )
    named = [np.mean([scores(rows) for scores in each], axis=0) for each in methods]
    return Mixtures(*(spread(neighbourhood.graph, each) for each in named))


def boldness(inequality: float) -> float:
    """Weight of the bold mixture at an `inequality` of the classes, 0 to 1."""
    return float(expit((TURN - inequality) / WIDTH))


def inequality(probabilities: NDArray[np.float64]) -> float:
    """Summed distance of the shares of names from equal shares."""
    n_classes = probabilities.shape[1]
    shares = np.bincount(probabilities.argmax(axis=1), minlength=n_classes) / len(probabilities)
    return float(np.abs(shares - 1 / n_classes).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """Target rows that are alike, at most `LARGEST` of them, drawn at random.

    Attributes
    ----------
    standardiser : Standardiser
        Of the target.
    rows : ndarray of intp of shape (n,)
        Which target rows they are.
    standardised : ndarray of float64 of shape (n, n_features)
    graph : sparse matrix of shape (n, n)
    """

    standardiser: Standardiser
    rows: NDArray[np.intp]
    standardised: NDArray[np.float64]
    graph: Any

    @classmethod
    def of(
        cls,
        target: NDArray[np.float64],
        neighbours: int,
        always: NDArray[np.intp] | None = None,
    ) -> "Neighbourhood":
        """Link the target's rows; those of `always` are among them."""
        first = np.zeros(0, np.intp) if always is None else always
        others = np.setdiff1d(np.arange(len(target)), first)
        if len(target) > LARGEST:
            others = np.random.default_rng(0).permutation(others)[: LARGEST - len(first)]
        rows = np.sort(np.concatenate([first, others]))
        standardiser = Standardiser.of(target)
        standardised = standardiser(target[rows])
        return cls(standardiser, rows, standardised, neighbour_graph(standardised, neighbours))

    def rows_of(self, target: NDArray[Any]) -> NDArray[Any]:
        """Take the rows that are linked."""
        return target[self.rows]

    def distilled(self, probabilities: NDArray[np.float64]) -> LinearScores:
        """Learn a linear model of the probabilities of the linked rows."""
        coefficients, intercepts = soft_logistic_weights(
            self.standardised, probabilities, C=DISTILLED_C
        )
        return LinearScores(self.standardiser, coefficients, intercepts)
