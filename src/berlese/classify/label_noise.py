"""Wrong names in a library, and pictures that it holds twice.

A picture is suspicious if models that had not seen it doubt its name, and if pictures like it bear
other names. Both are measured twice: what looks wrong the first time is left out of training and of
the neighbours the second time, so that wrong names do not vouch for one another. The result is an
order to look at pictures in, worst first, not a verdict: on small libraries a rare but right
picture comes early too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from berlese.classify.linear import LinearClassifier
from berlese.classify.training import folds_of
from berlese.errors import LibraryError, SettingError

NEIGHBOURS = 15
SMALLEST_SHARE = 0.05  # a lone picture of its kind is not damned by its neighbours alone
MOST_LEFT_OUT = 0.3
DUPLICATE = 0.995
AXES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """How much each picture's name is doubted.

    Attributes
    ----------
    score : ndarray of float64 of shape (n,)
        0 to 1; the lower, the more doubtful.
    order : ndarray of int of shape (n,)
        Rows, the most doubtful first.
    own_probability : ndarray of float64 of shape (n,)
        Of the picture's own name, by models that had not seen it.
    neighbour_share : ndarray of float64 of shape (n,)
        Share of the most similar pictures that bear its name.
    proposed : ndarray of str of shape (n,)
        The name that such models find most probable.
    expected_wrong : int
        Estimated number of wrong names; look at least at so many.
    """

    score: NDArray[np.float64]
    order: NDArray[np.intp]
    own_probability: NDArray[np.float64]
    neighbour_share: NDArray[np.float64]
    proposed: NDArray[np.str_]
    expected_wrong: int


def doubt_labels(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    new_classifier: Callable[[], ClassifierMixin] = LinearClassifier,
    rounds: int = 2,
    random_state: int = 0,
) -> Suspicion:
    """Rank the pictures of a library by how doubtful their names are.

    Parameters
    ----------
    features : array of shape (n, dim)
    labels : array of str of shape (n,)
        Taxa.
    groups : array of shape (n,), optional
        Photos; the models that judge a picture have seen none of its photo.
    new_classifier : callable
        Makes an unfitted classifier.
    rounds : int
        How often to judge; from the second round on without what looked wrong.
    random_state : int
        Of the folds.

    Raises
    ------
    LibraryError
        If there are fewer than two taxa, or all pictures are of one group.
    """
    X, y = np.asarray(features, np.float64), np.asarray(labels, np.str_)
    taxa, codes = np.unique(y, return_inverse=True)
    folds = folds_of(y, groups, random_state)
    if len(taxa) < 2 or not folds:
        raise LibraryError(
            f"names can be doubted among two taxa and two photos or more, got {len(taxa)} taxa "
            f"and {len(folds)} folds. Add pictures."
        )
    neighbours = _neighbours(X)
    trusted = np.ones(len(y), bool)
    for _ in range(max(rounds, 1)):
        probabilities = _held_out(X, codes, len(taxa), folds, trusted, new_classifier)
        share = _shares_among(neighbours, codes, len(taxa), trusted)
        rows = np.arange(len(y))
        score = probabilities[rows, codes] * (share[rows, codes] + SMALLEST_SHARE)
        wrong = _expected_wrong(probabilities, codes)
        trusted = _trusted(score, codes, wrong)
    return Suspicion(
        score=score / (1 + SMALLEST_SHARE),
        order=np.argsort(score, kind="stable"),
        own_probability=probabilities[rows, codes],
        neighbour_share=share[rows, codes],
        proposed=taxa[probabilities.argmax(axis=1)],
        expected_wrong=wrong,
    )


def _held_out(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    n_classes: int,
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    trusted: NDArray[np.bool_],
    new_classifier: Callable[[], ClassifierMixin],
) -> NDArray[np.float64]:
    """Probabilities of all classes by classifiers trained on trusted rows of the other folds."""
    p = np.full((len(codes), n_classes), 1 / n_classes)
    for train, test in folds:
        kept = train[trusted[train]]
        present = np.unique(codes[kept])
        if len(present) < 2:
            continue
        fitted = new_classifier().fit(X[kept], codes[kept])
        p[test] = 0
        p[np.ix_(test, present)] = fitted.predict_proba(X[test])
    return p


def _neighbours(X: NDArray[np.float64]) -> NDArray[np.intp]:
    """The most similar rows by cosine, without the row itself, twice as many as are counted."""
    wanted = min(2 * NEIGHBOURS, len(X) - 1)
    unit = _unit(X)
    index = NearestNeighbors(n_neighbors=wanted + 1, algorithm="brute").fit(unit)
    found = index.kneighbors(unit, return_distance=False)
    # A picture that is there twice may come before itself.
    keep = found != np.arange(len(X))[:, None]
    keep[keep.all(axis=1), -1] = False
    rows: NDArray[np.intp] = found[keep].reshape(len(X), wanted)
    return rows


def _shares_among(
    neighbours: NDArray[np.intp],
    codes: NDArray[np.intp],
    n_classes: int,
    trusted: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Shares of names among the nearest trusted neighbours, (n, n_classes)."""
    counted = trusted[neighbours]
    counted &= counted.cumsum(axis=1) <= NEIGHBOURS
    shares = np.zeros((len(codes), n_classes))
    rows = np.repeat(np.arange(len(codes)), counted.sum(axis=1))
    np.add.at(shares, (rows, codes[neighbours[counted]]), 1)
    total: NDArray[np.float64] = np.maximum(shares.sum(axis=1, keepdims=True), 1)
    return shares / total


def _expected_wrong(probabilities: NDArray[np.float64], codes: NDArray[np.intp]) -> int:
    """Rows that another name fits at least as well as it fits those that bear it.

    The diagonal of confident learning (Northcutt et al. 2021, JAIR 70:1373): a name's threshold is
    the mean probability of it among pictures that bear it.
    """
    rows = np.arange(len(codes))
    counts = np.bincount(codes, minlength=probabilities.shape[1])
    sums = np.bincount(codes, probabilities[rows, codes], minlength=len(counts))
    threshold = np.divide(sums, counts, out=np.ones(len(counts)), where=counts > 0)
    above = np.where(probabilities >= threshold, probabilities, 0)
    best = above.argmax(axis=1)
    return int(((above.max(axis=1) > 0) & (best != codes)).sum())


def _trusted(score: NDArray[np.float64], codes: NDArray[np.intp], wrong: int) -> NDArray[np.bool_]:
    """Leave out the most doubtful, but no more than a part of any taxon."""
    trusted = np.ones(len(score), bool)
    left = np.floor(np.bincount(codes) * MOST_LEFT_OUT).astype(int)
    for row in np.argsort(score, kind="stable")[:wrong]:
        if left[codes[row]] > 0:
            trusted[row] = False
            left[codes[row]] -= 1
    return trusted


def near_duplicates(
    features: ArrayLike, *, least_similarity: float = DUPLICATE
) -> list[tuple[int, int, float]]:
    """Find pairs of pictures that show the same, such as a picture saved twice.

    Parameters
    ----------
    features : array of shape (n, dim)
    least_similarity : float
        Cosine of the pair's features, up to 1.

    Returns
    -------
    list of (int, int, float)
        Rows and cosine, the most similar first.

    Raises
    ------
    SettingError
        If the similarity is not above 0.9 and at most 1: below, most pictures of a taxon pair up.
    """
    if not 0.9 < least_similarity <= 1:
        raise SettingError(f"least_similarity must be in (0.9, 1], got {least_similarity!r}.")
    unit = _unit(np.asarray(features, np.float64))
    if len(unit) < 2:
        return []
    # Projection shortens distances: no pair is lost among the few axes, and a tree is quick there.
    axes = min(AXES, *unit.shape)
    low = PCA(axes, svd_solver="randomized", random_state=0).fit_transform(unit)
    radius = np.sqrt(2 - 2 * least_similarity) + 1e-9
    pairs = cKDTree(low).query_pairs(radius, output_type="ndarray")
    cosine = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[pairs[:, 1]])
    alike = cosine >= least_similarity - 1e-12
    found = sorted(zip(*pairs[alike].T.tolist(), cosine[alike].tolist(), strict=True))
    return sorted(found, key=lambda pair: -pair[2]) if len(found) else []


def _unit(X: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(X, axis=1, keepdims=True)
    unit: NDArray[np.float64] = X / np.where(length > 0, length, 1.0)
    return unit
