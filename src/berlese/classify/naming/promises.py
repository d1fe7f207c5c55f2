"""What a name promises: how often it may be wrong, and when there shall be none.

`NamingSettings` says what a person asks of a model; `sure_names` gives names at the lowest rank
that is sure enough, and the set of taxa that an animal may be. Both rest on what the model made of
specimens that it had not seen (`berlese.classify.naming.ranks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.naming.ranks import NO_NODE, BackOffRule, SetRule
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.classify.unknowns.rule import CONTRAST, DEFAULT_RATE, SCORES, SOFTMAX
from berlese.errors import SettingError
from berlese.options import require_between, require_one_of


@dataclass(frozen=True, slots=True)
class NamingSettings:
    """What a person asks of a model.

    Parameters
    ----------
    unknown_rate : float
        Share of animals of known taxa that may be called unknown.
    unknown_score : str
        One of `berlese.classify.unknowns.rule.SCORES`.
    unknown_threshold : float, optional
        With ``softmax``: unknown is what has a lower highest probability as the model gives it,
        before calibration, whatever the rate; no error rate is promised (the paper's rule).
    error_rate : float, optional
        Share of the names given that may be wrong; animals that are not sure enough are named at
        a higher rank, or not at all. Without it, each animal gets the most probable name.
    """

    unknown_rate: float = DEFAULT_RATE
    unknown_score: str = CONTRAST
    unknown_threshold: float | None = None
    error_rate: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.unknown_rate < 1:
            raise SettingError(
                f"the rate of unknowns must be in [0, 1), got {self.unknown_rate!r}."
            )
        require_one_of(self, "unknown_score", SCORES)
        if self.unknown_threshold is not None:
            if self.unknown_score != SOFTMAX:
                raise SettingError(
                    "a threshold of unknowns is a probability: give it with the score 'softmax'; "
                    "with another one, give a rate."
                )
            require_between(self, "unknown_threshold", 0, 1)
        if self.error_rate is not None:
            require_between(self, "error_rate", 0, 1, inclusive=False)

    def to_dict(self) -> dict[str, Any]:
        """Return as JSON types what differs from the defaults, and the rate of unknowns."""
        facts: dict[str, Any] = {"unknown_rate": self.unknown_rate}
        if self.unknown_score != CONTRAST:
            facts["unknown_score"] = self.unknown_score
        if self.unknown_threshold is not None:
            facts["unknown_threshold"] = self.unknown_threshold
        if self.error_rate is not None:
            facts["error_rate"] = self.error_rate
        return facts


@dataclass(frozen=True, slots=True, eq=False)
class SureNames:
    """Names that keep a promise.

    Attributes
    ----------
    taxon, rank : ndarray of str of shape (n,)
        At the lowest rank that is sure enough; empty where none is.
    probability : ndarray of float64 of shape (n,)
        Of that name; NaN where there is none.
    sets : ndarray of bool of shape (n, n_classes)
        The taxa that each may be.
    """

    taxon: NDArray[np.str_]
    rank: NDArray[np.str_]
    probability: NDArray[np.float64]
    sets: NDArray[np.bool_]


def sure_names(
    probabilities: NDArray[np.float64],
    held_out: HeldOut,
    classes: Sequence[str],
    *,
    rank: str,
    taxonomy: Taxonomy | None,
    error_rate: float,
) -> SureNames:
    """Name animals at the lowest rank that is sure enough.

    Parameters
    ----------
    probabilities : ndarray of float64 of shape (n, n_classes)
        Calibrated.
    held_out : HeldOut
        Calibrated probabilities of specimens that the model had not seen.
    classes : sequence of str
    rank : str
        Of the classes.
    taxonomy : Taxonomy, optional
        Without it, an animal is named at this rank or not at all.
    error_rate : float
        Promised share of wrong names among those given, and of sets without the true taxon.
    """
    nodes = (taxonomy or Taxonomy((), {})).tree(classes, rank)
    seen, codes = held_out.probabilities, held_out.codes
    names = BackOffRule.fit(seen, codes, nodes.tree, error=error_rate)(probabilities)
    sets = SetRule.fit(seen, codes, error=error_rate)(probabilities)
    named = names.node != NO_NODE
    return SureNames(
        np.where(named, np.array(nodes.names)[names.node], ""),
        np.where(named, np.array(nodes.ranks)[names.node], ""),
        names.probability,
        sets,
    )
