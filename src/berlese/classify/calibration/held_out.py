"""Library specimens that a model had not seen: what its promises stand on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Library specimens as the model sees them when it was not trained on them.

    Parameters
    ----------
    probabilities : ndarray of float64 of shape (m, n_classes)
    codes : ndarray of int of shape (m,)
        Their true classes.
    groups : ndarray of shape (m,), optional
        Photos; whole ones are resampled.
    """

    probabilities: NDArray[np.float64]
    codes: NDArray[np.intp]
    groups: NDArray[Any] | None = None

    def resampled(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """Rows of as many photos as there are, drawn with replacement."""
        if self.groups is None:
            return rng.integers(len(self.codes), size=len(self.codes))
        members = np.unique(self.groups, return_inverse=True)[1]
        order = np.argsort(members, kind="stable")
        starts = np.searchsorted(members[order], np.arange(members.max() + 2))
        drawn = rng.integers(members.max() + 1, size=members.max() + 1)
        return np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn])
