"""Tell unknown animals by reviewed ones: the only thing that works on another camera.

Where people named some animals of the photos to be named, two classifiers of these photos learn
what the unknown ones look like, and their probabilities of a known taxon are averaged:

- logistic regression on the reviewed animals; each name that a person gave is a class of its own,
  since strangers of several taxa have little in common;
- label spreading (Zhou et al. 2004, NIPS 16:321) from the reviewed animals to all others of these
  photos, whose likeness among themselves needs no names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser, unit_rows
from berlese.classify.unknowns.likeness import even_features

FEWEST_OF_EACH = 5
C = 0.1
FOLDS = 5
NEIGHBOURS = 10
SPREADING = 0.9
STEPS = 30
MOST = 4000  # animals among which names spread


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """What known and unknown animals of some photos look like.

    Attributes
    ----------
    standardiser : Standardiser
        Of square roots of features.
    coefficients, intercepts : ndarray of float64 of shape (n_names, dim) and (n_names,)
        Of every name that a person gave.
    known : ndarray of bool of shape (n_names,)
        Which of them the model knows.
    rows : ndarray of float32 of shape (m, dim)
        Features of animals of these photos.
    spread : ndarray of float64 of shape (m,)
        Probability that each is of a known taxon.
    """

    standardiser: Standardiser
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    known: NDArray[np.bool_]
    rows: NDArray[np.float32]
    spread: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        X: NDArray[np.float64],
        names: NDArray[np.str_],
        known: NDArray[np.bool_],
        others: NDArray[np.float64] | None = None,
    ) -> "Strangers":
        """Learn from reviewed animals.

        Parameters
        ----------
        X : ndarray of float64 of shape (n, dim)
        names : ndarray of str of shape (n,)
        known : ndarray of bool of shape (n,)
            Whether the model knows the name; there are both.
        others : ndarray of float64 of shape (m, dim), optional
            Animals of the same photos that nobody named; the first ones up to `MOST` in all.
        """
        pool = X if others is None else np.concatenate([X, others])[: max(MOST, len(X))]
        standardiser = Standardiser.of(even_features(pool))
        every, codes = np.unique(names, return_inverse=True)
        coefficients, intercepts, _ = logistic_weights(standardiser(even_features(X)), codes, C=C)
        is_known = np.isin(every, names[known])
        seeds = np.eye(len(every))[codes]
        spread = _spread(_looks(standardiser, pool), seeds)[:, is_known].sum(axis=1)
        rows = pool.astype(np.float32)
        return cls(standardiser, coefficients, intercepts, is_known, rows, spread)

    def scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean probability of a known taxon, of shape (n, 1)."""
        Z = self.standardiser(even_features(X))
        by_name = softmax(Z @ self.coefficients.T + self.intercepts, axis=1)
        pool = _looks(self.standardiser, self.rows.astype(np.float64))
        nearest = _nearest(_looks(self.standardiser, X), pool)
        by_look = self.spread[nearest].mean(axis=1)
        return (by_name[:, self.known].sum(axis=1) + by_look)[:, None] / 2

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Give what was learned as arrays, to be saved."""
        return {
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "known": self.known,
            "rows": self.rows,
            "spread": self.spread,
            **self.standardiser.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> "Strangers":
        """Take what `to_state` gave."""
        return cls(
            Standardiser.from_state(state),
            state["coefficients"],
            state["intercepts"],
            state["known"],
            state["rows"],
            state["spread"],
        )


def held_out_strangers(
    X: NDArray[np.float64],
    names: NDArray[np.str_],
    known: NDArray[np.bool_],
    members: NDArray[np.intp] | None,
    others: NDArray[np.float64] | None,
    *,
    random_state: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Score reviewed known animals by classifiers that had not seen the names in their photo.

    Returns
    -------
    rows : ndarray of int of shape (m,)
        Of known animals.
    scores : ndarray of float64 of shape (m, 1)
    """
    rows, scores = [np.empty(0, np.intp)], [np.empty((0, 1))]
    photos = np.arange(len(X)) if members is None else members
    for train, test in _folds(photos, random_state):
        asked = test[known[test]]
        if len(asked) and known[train].any() and not known[train].all():
            # the animals themselves stay among the unnamed ones, as those to be named later are
            unnamed = X[test] if others is None else np.concatenate([X[test], others])
            fitted = Strangers.fit(X[train], names[train], known[train], unnamed)
            rows.append(asked)
            scores.append(fitted.scores(X[asked]))
    return np.concatenate(rows), np.concatenate(scores)


def _folds(
    photos: NDArray[np.intp], random_state: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    count = int(photos.max()) + 1
    fold = np.random.default_rng(random_state).permutation(count)[photos] % FOLDS
    for part in np.unique(fold):
        yield np.flatnonzero(fold != part), np.flatnonzero(fold == part)


def _looks(standardiser: Standardiser, X: NDArray[np.float64]) -> NDArray[np.float32]:
    return unit_rows(even_features(X) - standardiser.mean).astype(np.float32)


def _nearest(looks: NDArray[np.float32], pool: NDArray[np.float32]) -> NDArray[np.intp]:
    """Rows of the pool most like each, of shape (n, `NEIGHBOURS`) or fewer columns."""
    count = min(NEIGHBOURS, len(pool))
    with threadpool_limits(1):
        cosines = looks @ pool.T
    return np.argpartition(-cosines, count - 1, axis=1)[:, :count]


def _spread(looks: NDArray[np.float32], seeds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the names of the first rows over all, of shape (n, n_names); rows sum to one."""
    n, n_names = len(looks), seeds.shape[1]
    nearest = _nearest(looks, looks)
    at = np.repeat(np.arange(n), nearest.shape[1])
    graph = csr_array((np.ones(nearest.size), (at, nearest.ravel())), shape=(n, n))
    graph = graph.maximum(graph.T)
    graph = graph - diags_array(graph.diagonal())
    scale = diags_array(1 / np.sqrt(np.maximum(graph.sum(axis=1), 1)))
    even = scale @ graph @ scale
    start = np.zeros((n, n_names))
    start[: len(seeds)] = seeds
    found = start.copy()
    for _ in range(STEPS):
        found = SPREADING * (even @ found) + (1 - SPREADING) * start
    shares = seeds.mean(axis=0)  # of what no name reaches
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1), shares)
