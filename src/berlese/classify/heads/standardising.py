"""Scale features to mean 0 and deviation 1, by the training set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.errors import LibraryError


@dataclass(frozen=True, slots=True, eq=False)
class Standardiser:
    """Means and deviations of a training set, each of shape (n_features,)."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float64]) -> "Standardiser":
        """Measure a training set; constant features keep a deviation of 1."""
        deviation = X.std(axis=0)
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(X).max(axis=0)
        return cls(X.mean(axis=0), np.where(constant, 1.0, deviation))

    @classmethod
    def none(cls, n_features: int) -> "Standardiser":
        """Change nothing."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardise rows of shape (n, n_features)."""
        return (X - self.mean) / self.deviation

    def to_state(self) -> dict[str, NDArray[np.float64]]:
        """Give both arrays, to be saved."""
        return {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_state(cls, state: dict[str, NDArray[np.float64]]) -> "Standardiser":
        """Take what `to_state` gave."""
        return cls(state["mean"], state["deviation"])


def finite_rows(features: ArrayLike, *, fewest: int = 0) -> NDArray[np.float64]:
    """Take features of shape (n, dim) as float64.

    Raises
    ------
    LibraryError
        If one is not a finite number, or there are fewer rows than `fewest`.
    """
    X = np.asarray(features, np.float64)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1)) if X.ndim == 2 else np.zeros(1, int)
    if len(bad):
        raise LibraryError(
            f"features must be rows of finite numbers; row {bad[0]} of shape {X.shape} is not. "
            "Embed that picture again, or leave it out."
        )
    if len(X) < fewest:
        raise LibraryError(f"{fewest} pictures or more are needed, got {len(X)}. Add some.")
    return X


def unit_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to length one; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
