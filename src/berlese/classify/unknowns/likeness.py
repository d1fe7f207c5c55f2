"""How like the library's specimens a specimen looks, by four scores that fail on different animals.

All are higher for specimens of known taxa:

- *energy*: log of the summed exponentials of the scores of a strongly regularised logistic
  regression, low where no taxon speaks up (Liu et al. 2020, NeurIPS 33:21464);
- *nearest*: cosine to the tenth nearest specimen of the library;
- *nearest, even*: the same on centred square roots of the features, which the few largest values
  do not rule (Sun et al. 2022, ICML, PMLR 162:20827, for both);
- *margin*: how much nearer the nearest taxon is than the second, among directions in which
  specimens of one taxon vary alike (whitened within taxa): low between taxa as well.

`berlese.classify.unknowns.rule` makes one score of them and sets the threshold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser, unit_rows

NEIGHBOURS = 10
NEIGHBOURS_IN_TAXON = 5
DIRECTIONS = 128
SHRINKAGE = 0.1
RIDGE_C = 0.003
MOST_ROWS = 2000
CHUNK = 1024
SMALLEST_NORM = 1e-12
N_SCORES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What a library's features look like.

    Attributes
    ----------
    rows : ndarray of float32 of shape (n, dim)
        Specimens of the library, at most `MOST_ROWS`.
    codes : ndarray of int64 of shape (n,)
        Their taxa.
    standardiser : Standardiser
    coefficients : ndarray of float64 of shape (n_classes, dim)
    intercepts : ndarray of float64 of shape (n_classes,)
        Of the logistic regression, on standardised features.
    whitening : ndarray of float32 of shape (dim, n_directions)
        Turns standardised features into directions of equal variance within taxa.
    """

    rows: NDArray[np.float32]
    codes: NDArray[np.int64]
    standardiser: Standardiser
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    whitening: NDArray[np.float32]

    @classmethod
    def fit(
        cls, X: NDArray[np.float64], codes: NDArray[np.intp], *, random_state: int = 0
    ) -> "Likeness":
        """Learn from specimens of known taxa.

        Parameters
        ----------
        X : ndarray of float64 of shape (n, dim)
        codes : ndarray of int of shape (n,)
            Taxa, 0 to n_classes - 1; two at least.
        random_state : int
            Of the rows that are kept, where there are more than `MOST_ROWS`.
        """
        standardiser = Standardiser.of(X)
        Z = standardiser(X)
        coefficients, intercepts, _ = logistic_weights(Z, codes, C=RIDGE_C)
        kept = kept_rows(len(X), random_state)
        return cls(
            X[kept].astype(np.float32),
            codes[kept].astype(np.int64),
            standardiser,
            coefficients,
            intercepts,
            _whitening(Z, codes),
        )

    def scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score specimens of shape (n, dim); of shape (n, 4), see the head of this module."""
        rows = self.rows.astype(np.float64)
        centre = even_features(rows).mean(axis=0)
        plain, even = unit_rows(rows), unit_rows(even_features(rows) - centre)
        white = unit_rows(self.standardiser(rows) @ self.whitening)
        parts = [np.empty((0, N_SCORES))]
        with threadpool_limits(1):  # products of other threads wait for each other
            for start in range(0, len(X), CHUNK):
                some = X[start : start + CHUNK]
                Z = self.standardiser(some)
                parts.append(
                    np.column_stack(
                        [
                            logsumexp(Z @ self.coefficients.T + self.intercepts, axis=1),
                            _kth_largest(unit_rows(some) @ plain.T, NEIGHBOURS),
                            _kth_largest(
                                unit_rows(even_features(some) - centre) @ even.T, NEIGHBOURS
                            ),
                            self._margin(unit_rows(Z @ self.whitening) @ white.T),
                        ]
                    )
                )
        return np.concatenate(parts)

    def _margin(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cosine to the nearest taxon less that to the second, by the fifth specimen of each."""
        nearest = [
            _kth_largest(cosines[:, self.codes == code], NEIGHBOURS_IN_TAXON)
            for code in np.unique(self.codes)
        ]
        if len(nearest) < 2:
            return nearest[0]
        ordered = np.sort(np.column_stack(nearest), axis=1)
        return np.asarray(ordered[:, -1] - ordered[:, -2])

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Give what was learned as arrays, to be saved."""
        return {
            "rows": self.rows,
            "codes": self.codes,
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "whitening": self.whitening,
            **self.standardiser.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> "Likeness":
        """Take what `to_state` gave."""
        return cls(
            state["rows"],
            state["codes"],
            Standardiser.from_state(state),
            state["coefficients"],
            state["intercepts"],
            state["whitening"],
        )


def kept_rows(n: int, random_state: int) -> NDArray[np.intp]:
    """Rows of n that a likeness keeps: all, or `MOST_ROWS` drawn at random."""
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(random_state).choice(n, MOST_ROWS, replace=False))


def _whitening(Z: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float32]:
    """Directions of most variance, scaled to equal (shrunk) variance within taxa."""
    count = min(DIRECTIONS, Z.shape[1], len(Z) - 1)
    with threadpool_limits(1):
        directions = _main_directions(Z, count)
        A = Z @ directions
        means = np.stack([A[codes == code].mean(axis=0) for code in range(codes.max() + 1)])
        within = A - means[codes]
        covariance = within.T @ within / len(within)
        level = max(float(np.trace(covariance)) / count, SMALLEST_NORM)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(count)
        variances, turns = np.linalg.eigh(shrunk)
        return np.asarray(directions @ (turns / np.sqrt(variances)), np.float32)


def _main_directions(Z: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Directions of most variance, of shape (dim, count), by the smaller of the two products."""
    if len(Z) >= Z.shape[1]:
        return np.asarray(np.linalg.eigh(Z.T @ Z)[1][:, ::-1][:, :count])
    values, vectors = np.linalg.eigh(Z @ Z.T)
    kept = vectors[:, ::-1][:, :count] / np.sqrt(np.maximum(values[::-1][:count], SMALLEST_NORM))
    return np.asarray(Z.T @ kept)


def even_features(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square roots that keep the sign, so that the few largest values do not rule."""
    return np.sign(X) * np.sqrt(np.abs(X))


def _kth_largest(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """The k-th largest of each row; the least, where there are fewer."""
    k = min(k, values.shape[1])
    return np.asarray(np.partition(values, -k, axis=1)[:, -k])
