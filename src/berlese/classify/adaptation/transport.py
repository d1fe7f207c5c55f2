"""Carry the library over to the photos by optimal transport (needs the `adaptation` extra).

Each library row moves to where the cheapest plan sends it, classes kept together (Courty et al.
2017, IEEE Transactions on Pattern Analysis and Machine Intelligence 39:1853); a regression is
learned there. The plan gives the target the source's shares of the classes: where these differ it
does more harm than any other method here.
"""

import warnings
from typing import Any

import numpy as np

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser
from berlese.errors import MissingPackageError, SettingError
from berlese.options import require_between

LARGEST = 5000  # rows of a side: a plan has rows times rows numbers


class TransportClassifier(AdaptedClassifier):
    """Train on library rows that optimal transport has moved into the target.

    Parameters
    ----------
    entropy : float, default=0.1
        Blur of the plan, in units of the largest cost.
    classes : float, default=1.0
        Strength with which rows of a class are kept together.
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    Both sides are standardised by themselves. The solver is POT's ``SinkhornLpl1Transport``.
    """

    def __init__(self, entropy=0.1, classes=1.0, C=0.01):
        self.entropy = entropy
        self.classes = classes
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_between(self, "entropy", 0, float("inf"), inclusive=False)
        require_between(self, "classes", 0, float("inf"))

    def adapted(self, domains: Domains) -> LinearScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return source
        most = max(len(domains.source), len(domains.target))
        if most > LARGEST:
            raise SettingError(
                f"optimal transport compares every two rows and takes {LARGEST} a side at most, "
                f"got {most}; use the method consensus, which takes any number."
            )
        target = Standardiser.of(domains.target)
        plan = _solver()(
            reg_e=self.entropy, reg_cl=self.classes, norm="max", max_iter=10, max_inner_iter=200
        )
        standardised = source.standardiser(domains.source)
        with warnings.catch_warnings():
            # Rounds inside the solver may end early: the next one goes on from there.
            warnings.filterwarnings("ignore", message="Sinkhorn did not converge")
            plan.fit(Xs=standardised, ys=domains.codes, Xt=target(domains.target))
        moved = np.asarray(plan.transform(Xs=standardised), np.float64)
        coefficients, intercepts, _ = logistic_weights(moved, domains.codes, C=self.C)
        return LinearScores(target, coefficients, intercepts)

    def _restored(self, state: State) -> LinearScores:
        return LinearScores.from_state(state)


def _solver() -> Any:
    try:
        from ot.da import SinkhornLpl1Transport
    except ImportError as error:
        raise MissingPackageError(
            "the method transport needs POT; install it with: pip install 'berlese[adaptation]'"
        ) from error
    return SinkhornLpl1Transport
