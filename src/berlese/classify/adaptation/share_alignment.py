"""Move the target's features onto the source's, as the source would be with the target's shares.

To give both sets the same mean and spread moves one taxon onto another where the taxa are there in
other shares. Here the source's mean and spread are those that it would have with the shares of the
taxa that are estimated in the target; these are estimated again in what was moved.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.label_shift import calibrated_source
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.counts.shares import em_shares
from berlese.classify.heads.standardising import Standardiser
from berlese.options import require_at_least, require_between


class ShareAlignedClassifier(AdaptedClassifier):
    """Align means and deviations of both sets, allowing for other shares of the classes.

    Parameters
    ----------
    rounds : int, default=3
        How often shares are estimated and the target is moved by them.
    smallest : float, default=0.02
        Least share of a class, so that none vanishes.
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Attributes
    ----------
    shares_ : ndarray of float64 of shape (n_classes,)
        Of the classes in the target, as estimated; equal ones without a target.
    """

    def __init__(self, rounds=3, smallest=0.02, C=0.01):
        self.rounds = rounds
        self.smallest = smallest
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_at_least(self, "rounds", 1)
        require_between(self, "smallest", 0.0, 1.0)

    def adapted(self, domains: Domains) -> LinearScores:
        source = fit_source(domains, self.C)
        prior = np.full(len(domains.classes), 1 / len(domains.classes))
        self.shares_ = prior
        if not len(domains.target):
            return source
        calibrated = calibrated_source(domains, source, self.C)
        moved = source.standardiser
        for _ in range(self.rounds):
            seen = replace(calibrated, standardiser=moved)(domains.target)
            shares = np.maximum(em_shares(seen, prior), self.smallest)
            self.shares_ = shares / shares.sum()
            moved = aligned(domains, source.standardiser, self.shares_)
        return replace(source, standardiser=moved)

    def _restored(self, state: State) -> LinearScores:
        return LinearScores.from_state(state)


def aligned(domains: Domains, source: Standardiser, shares: NDArray[np.float64]) -> Standardiser:
    """Give the means and deviations that put target rows where the source's would lie.

    Parameters
    ----------
    domains : Domains
    source : Standardiser
        Of the source's rows.
    shares : ndarray of float64 of shape (n_classes,)
        Of the classes in the target.
    """
    wanted = with_shares(domains.source, domains.codes, shares)
    target = Standardiser.of(domains.target)
    # Standardised by the target, then as wide and at the place that is wanted, as the source's are.
    deviation = target.deviation * source.deviation / wanted.deviation
    offset = (wanted.mean - source.mean) / source.deviation
    return Standardiser(target.mean - offset * deviation, deviation)


def with_shares(
    X: NDArray[np.float64], codes: NDArray[np.intp], shares: NDArray[np.float64]
) -> Standardiser:
    """Give the means and deviations that rows would have with other shares of their classes.

    Parameters
    ----------
    X : ndarray of float64 of shape (n, n_features)
    codes : ndarray of intp of shape (n,)
        Of the classes; each has a row.
    shares : ndarray of float64 of shape (n_classes,)
    """
    counts = np.bincount(codes, minlength=len(shares))
    weight = (shares / counts)[codes]
    mean = weight @ X
    spread = np.sqrt(weight @ (X - mean) ** 2)
    plain = Standardiser.of(X).deviation
    # Features that hardly vary with these shares keep a share of the deviation that they have.
    return Standardiser(mean, np.maximum(spread, 0.1 * plain))
