"""What adapted classifiers are once they are fitted: few arrays that give probabilities.

Each form is called with raw features of shape (n, n_features), gives probabilities of shape
(n, n_classes), and can be saved: ``to_state`` and ``from_state``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from berlese.classify.heads.standardising import Standardiser, unit_rows

State = dict[str, NDArray[Any]]
COSINE_SCALE = 15.0  # of a softmax over cosines; arbitrary, so calibrate before trusting it


@dataclass(frozen=True, slots=True, eq=False)
class LinearScores:
    """Softmax of a linear function of standardised features.

    Attributes
    ----------
    standardiser : Standardiser
    coefficients : ndarray of float64 of shape (n_classes, n_features)
    intercepts : ndarray of float64 of shape (n_classes,)
    """

    standardiser: Standardiser
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def logits(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what the softmax is taken of, of shape (n, n_classes)."""
        return self.standardiser(X) @ self.coefficients.T + self.intercepts

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give probabilities of shape (n, n_classes)."""
        return softmax(self.logits(X), axis=1)

    def to_state(self) -> State:
        """Give the arrays, to be saved."""
        return {
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            **self.standardiser.to_state(),
        }

    @classmethod
    def from_state(cls, state: State) -> "LinearScores":
        """Take what `to_state` gave."""
        standardiser = Standardiser.from_state(state)
        return cls(standardiser, state["coefficients"], state["intercepts"])


@dataclass(frozen=True, slots=True, eq=False)
class CosineScores:
    """Softmax of the cosines between standardised features and one prototype a class.

    Attributes
    ----------
    standardiser : Standardiser
    prototypes : ndarray of float64 of shape (n_classes, n_features)
        Of length one.
    """

    standardiser: Standardiser
    prototypes: NDArray[np.float64]

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give probabilities of shape (n, n_classes)."""
        return softmax(COSINE_SCALE * unit_rows(self.standardiser(X)) @ self.prototypes.T, axis=1)

    def to_state(self) -> State:
        """Give the arrays, to be saved."""
        return {"prototypes": self.prototypes, **self.standardiser.to_state()}

    @classmethod
    def from_state(cls, state: State) -> "CosineScores":
        """Take what `to_state` gave."""
        return cls(Standardiser.from_state(state), state["prototypes"])


def nested(prefix: str, state: State) -> State:
    """Put a prefix before the names of a part's arrays."""
    return {f"{prefix}.{name}": array for name, array in state.items()}


def part(prefix: str, state: State) -> State:
    """Give the arrays that `nested` had put under a prefix."""
    start = f"{prefix}."
    return {name.removeprefix(start): a for name, a in state.items() if name.startswith(start)}


@dataclass(frozen=True, slots=True, eq=False)
class MeanScores:
    """Mean of the probabilities that several forms give.

    Attributes
    ----------
    members : tuple
        `LinearScores` or `CosineScores`.
    """

    members: tuple[LinearScores | CosineScores, ...]

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give probabilities of shape (n, n_classes)."""
        return np.mean([member(X) for member in self.members], axis=0)

    def to_state(self) -> State:
        """Give the arrays of all members, to be saved."""
        states = [nested(str(n), member.to_state()) for n, member in enumerate(self.members)]
        return {name: array for state in states for name, array in state.items()}

    @classmethod
    def from_state(cls, state: State) -> "MeanScores":
        """Take what `to_state` gave."""
        count = len({name.partition(".")[0] for name in state if name[0].isdigit()})
        return cls(tuple(form_of(part(str(number), state)) for number in range(count)))


def form_of(state: State) -> LinearScores | CosineScores:
    """Make the simple form that a state is of."""
    return (CosineScores if "prototypes" in state else LinearScores).from_state(state)


def linear_or_mean(state: State) -> LinearScores | MeanScores:
    """Make the form that a state is of: linear, or a mean of several."""
    several = any(name[0].isdigit() for name in state)
    return MeanScores.from_state(state) if several else LinearScores.from_state(state)
