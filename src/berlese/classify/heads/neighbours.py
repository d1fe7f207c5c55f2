"""Alike animals agree: names spread over a graph of nearest neighbours.

Names of few rows, or probabilities of all, flow to rows that look alike; so the target's own
clusters speak, wherever the source's borders lie. Source: Zhou et al. 2004, Advances in Neural
Information Processing Systems 16 (local and global consistency).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from berlese.classify.heads.standardising import unit_rows

NEIGHBOURS = 10
SMALLEST = 1e-12
BLOCK = 512  # rows whose similarities to all others are held at a time


def neighbour_graph(rows: NDArray[np.float64], neighbours: int = NEIGHBOURS) -> Any:
    """Link each row with those of the highest cosine.

    Parameters
    ----------
    rows : ndarray of float64 of shape (n, n_features)
        Centred; takes time with the square of n.
    neighbours : int
        Fewer where there are fewer rows.

    Returns
    -------
    sparse matrix of float64 of shape (n, n)
        Symmetric: 1 for a link of either row, divided by the square roots of both rows' links.
    """
    n = len(rows)
    k = min(neighbours, n - 1)
    if k < 1:
        return csr_matrix((n, n))
    directions = unit_rows(rows).astype(np.float32)
    nearest = np.empty((n, k), np.intp)
    for start in range(0, n, BLOCK):
        cosines = directions[start : start + BLOCK] @ directions.T
        here = np.arange(len(cosines))
        cosines[here, start + here] = -np.inf
        nearest[start : start + BLOCK] = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    links = csr_matrix((np.ones(n * k), (np.repeat(np.arange(n), k), nearest.ravel())), (n, n))
    links = links.maximum(links.T)
    root = diags(1 / np.sqrt(np.asarray(links.sum(axis=1)).ravel()))
    return root @ links @ root


def spread(
    graph: Any, start: NDArray[np.float64], *, reach: float = 0.7, steps: int = 25
) -> NDArray[np.float64]:
    """Let values flow along the links.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Of `neighbour_graph`.
    start : ndarray of float64 of shape (n, n_classes)
        At least 0; rows of zeros say nothing of themselves.
    reach : float
        Part that a row takes from its neighbours rather than from itself, at each step.
    steps : int

    Returns
    -------
    ndarray of float64 of shape (n, n_classes)
        Rows sum to one; those that nothing reached are equal over classes.
    """
    values = start
    for _ in range(steps):
        values = reach * (graph @ values) + (1 - reach) * start
    values = np.maximum(values, SMALLEST)
    return values / values.sum(axis=1, keepdims=True)
