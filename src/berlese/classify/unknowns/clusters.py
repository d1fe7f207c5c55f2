"""Animals that look alike, without names: perhaps of one taxon that the library lacks."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import AgglomerativeClustering
from threadpoolctl import threadpool_limits

from berlese.classify.heads.standardising import finite_rows, unit_rows
from berlese.classify.unknowns.likeness import even_features

DIRECTIONS = 50
LARGEST_DISTANCE = 0.6
FEWEST_ALIKE = 3
MOST = 3000
ALONE = -1


def alike(features: ArrayLike) -> NDArray[np.intp]:
    """Group animals by their look.

    Average linkage of the cosine distances among the main directions of the square roots of
    features, cut at .6. Measured on the real pictures of the benchmarks (150 animals of four
    orders or families, two draws each): 60 to 86 % of the animals lie in groups, and 85 to 95 % of
    those belong to the taxon that most of their group belong to. A taxon falls into several groups.

    Parameters
    ----------
    features : array of shape (n, dim)
        At most `MOST` animals are grouped, the first ones.

    Returns
    -------
    ndarray of int of shape (n,)
        Number of the group, 0 the largest; -1 for animals that fewer than two others are like.

    Raises
    ------
    LibraryError
        If a feature is not a finite number.
    """
    X = finite_rows(features)
    groups = np.full(len(X), ALONE)
    if len(X) < FEWEST_ALIKE:
        return groups
    even = even_features(X[:MOST])
    with threadpool_limits(1):
        U, sizes, _ = np.linalg.svd(even - even.mean(axis=0), full_matrices=False)
    # the last direction of centred rows is noise; identical animals have none at all
    count = max(1, min(DIRECTIONS, len(even) - 1))
    looks = unit_rows(U[:, :count] * sizes[:count])
    looks[~looks.any(axis=1), 0] = 1.0
    found = AgglomerativeClustering(
        None, metric="cosine", linkage="average", distance_threshold=LARGEST_DISTANCE
    ).fit_predict(looks)
    counts = np.bincount(found)
    order = [g for g in np.argsort(-counts, kind="stable") if counts[g] >= FEWEST_ALIKE]
    for number, group in enumerate(order):
        groups[: len(even)][found == group] = number
    return groups
