"""Wrong names in a library, and pictures that it holds twice.

A picture is suspicious if models that had not seen it find another name more probable than its
own, and if pictures like it bear that name. The models are two unlike ones, linear and of kernels:
what both doubt is wrong more often. All is measured three times: what looks wrong one time is left
out of training and of the neighbours the next time, so that wrong names do not vouch for one
another. The result is an order to look at pictures in, worst first, not a verdict: on small
libraries a rare but right picture comes early too.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from threadpoolctl import threadpool_limits

from berlese.classify.heads.linear import LinearClassifier, many_classes
from berlese.classify.heads.standardising import finite_rows, unit_rows
from berlese.classify.models.training import folds_of
from berlese.errors import LibraryError, SettingError

NEIGHBOURS = 15
SMALLEST_SHARE = 0.05  # a lone picture of its kind is not damned by its neighbours alone
MOST_LEFT_OUT = 0.3
DUPLICATE = 0.995
LANDMARKS = 300  # pictures that the kernels are taken to
KERNEL_C = 30.0
SMALLEST = 1e-6  # a probability of 0 would end all argument
AXES = 16
LARGEST = 20_000  # pictures that are compared by all their features
AXES_OF_LARGE = 64
CHUNK = 20_000  # pairs that are compared at once


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """How much each picture's name is doubted.

    Attributes
    ----------
    score : ndarray of float64 of shape (n,)
        0 to 1; the lower, the more doubtful: own-name probability times share of neighbours, in
        relation to the same of the best other name.
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
    new_classifiers: Sequence[Callable[[], Any]] | None = None,
    rounds: int = 3,
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
    new_classifiers : sequence of callable, optional
        Each makes an unfitted classifier; the geometric mean of their probabilities counts. The
        linear head and `kernel_classifier` by default.
    rounds : int
        How often to judge; from the second round on without what looked wrong.
    random_state : int
        Of the folds.

    Raises
    ------
    LibraryError
        If there are fewer than two taxa, all pictures are of one group, or a feature is NaN.
    """
    X, y = finite_rows(features), np.asarray(labels, np.str_)
    if len(X) > LARGEST:
        X = PCA(AXES_OF_LARGE, svd_solver="randomized", random_state=0).fit_transform(X)
    taxa, codes = np.unique(y, return_inverse=True)
    folds = folds_of(y, groups, random_state)
    _require_two(len(taxa), len(folds))
    neighbours = _neighbours(X)
    trusted = np.ones(len(y), bool)
    makers = (LinearClassifier, kernel_classifier) if new_classifiers is None else new_classifiers
    rows = np.arange(len(y))
    for _ in range(max(rounds, 1)):
        probabilities = _held_out(X, codes, len(taxa), folds, trusted, makers)
        share = _shares_among(neighbours, codes, len(taxa), trusted)
        score = _scores(probabilities, share, codes)
        wrong = _expected_wrong(probabilities, codes)
        trusted = _trusted(score, codes, wrong)
    return Suspicion(
        score=score,
        order=np.argsort(score, kind="stable"),
        own_probability=probabilities[rows, codes],
        neighbour_share=share[rows, codes],
        proposed=taxa[probabilities.argmax(axis=1)],
        expected_wrong=wrong,
    )


def _require_two(n_taxa: int, n_folds: int) -> None:
    if n_taxa < 2 or not n_folds:
        raise LibraryError(
            f"names can be doubted among two taxa and two photos or more, got {n_taxa} taxa "
            f"and {n_folds} folds. Add pictures."
        )


def kernel_classifier() -> Any:
    """Logistic regression on the likeness (a Gaussian of the cosine) to some of the pictures."""
    return make_pipeline(
        StandardScaler(with_std=False),
        Normalizer(),
        Nystroem(gamma=1.0, n_components=LANDMARKS, random_state=0),
        LogisticRegression(C=KERNEL_C, max_iter=300),
    )


def _held_out(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    n_classes: int,
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    trusted: NDArray[np.bool_],
    makers: Sequence[Callable[[], Any]],
) -> NDArray[np.float64]:
    """Probabilities of all classes by classifiers trained on trusted rows of the other folds."""
    logs = np.zeros((len(codes), n_classes))
    for train, test in folds:
        kept = train[trusted[train]]
        present = np.unique(codes[kept])
        if len(present) < 2:
            continue
        for make in makers:
            p = np.full((len(test), n_classes), SMALLEST)
            p[:, present] += _fitted(make, X[kept], codes[kept]).predict_proba(X[test])
            logs[test] += np.log(p) / len(makers)
    probabilities: NDArray[np.float64] = softmax(logs, axis=1)
    return probabilities


def _fitted(make: Callable[[], Any], X: NDArray[np.float64], codes: NDArray[np.intp]) -> Any:
    with many_classes(), threadpool_limits(1):
        # A library of few pictures may have fewer of them than landmarks.
        warnings.filterwarnings("ignore", message="n_components > n_samples")
        return make().fit(X, codes)


def _neighbours(X: NDArray[np.float64]) -> NDArray[np.intp]:
    """The most similar rows by cosine, without the row itself, twice as many as are counted.

    Of centred features: uncentred ones of networks all point one way.
    """
    wanted = min(2 * NEIGHBOURS, len(X) - 1)
    looks = unit_rows(X - X.mean(axis=0))
    index = NearestNeighbors(n_neighbors=wanted + 1, algorithm="brute").fit(looks)
    found = index.kneighbors(looks, return_distance=False)
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


def _scores(
    probabilities: NDArray[np.float64], shares: NDArray[np.float64], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Weigh what speaks for each picture's own name against the best other one, 0 to 1."""
    rows = np.arange(len(codes))
    support = probabilities * (shares + SMALLEST_SHARE)
    own = support[rows, codes]
    support[rows, codes] = 0
    score: NDArray[np.float64] = own / np.maximum(own + support.max(axis=1), SMALLEST)
    return score


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
    looks = unit_rows(finite_rows(features))
    if len(looks) < 2:
        return []
    # Projection shortens distances: no pair is lost among the few axes, and a tree is quick there.
    axes = min(AXES, *looks.shape)
    low = PCA(axes, svd_solver="randomized", random_state=0).fit_transform(looks)
    radius = np.sqrt(2 - 2 * least_similarity) + 1e-9
    pairs = cKDTree(low).query_pairs(radius, output_type="ndarray")
    cosine = np.empty(len(pairs))
    for start in range(0, len(pairs), CHUNK):
        some = pairs[start : start + CHUNK]
        cosine[start : start + CHUNK] = np.einsum("ij,ij->i", looks[some[:, 0]], looks[some[:, 1]])
    alike = cosine >= least_similarity - 1e-12
    found = sorted(zip(*pairs[alike].T.tolist(), cosine[alike].tolist(), strict=True))
    return sorted(found, key=lambda pair: -pair[2]) if len(found) else []
