"""Teach a model a new taxon without starting again.

The linear head is fitted again on all stored features, from the weights that it has and on the
scale that it has: the features of the library need not be made again, and what it says of the taxa
that it knew stays comparable (see `old_scores`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from berlese.classify.heads.linear import LinearClassifier
from berlese.errors import LibraryError


@dataclass(frozen=True, slots=True, eq=False)
class Extended:
    """A model that learned more taxa or more pictures.

    Attributes
    ----------
    classifier : LinearClassifier
    added : tuple of str
        Taxa that it did not know before.
    renamed : float
        Share of the old library's pictures that it now names otherwise than before.
    """

    classifier: LinearClassifier
    added: tuple[str, ...]
    renamed: float


def add_pictures(
    classifier: LinearClassifier,
    features: ArrayLike,
    labels: ArrayLike,
    more_features: ArrayLike,
    more_labels: ArrayLike,
) -> Extended:
    """Fit a model again with more pictures, of new taxa or of known ones.

    Parameters
    ----------
    classifier : LinearClassifier
        Fitted on `features` and `labels`; stays as it is.
    features : array of shape (n, dim)
        Of the library.
    labels : array of str of shape (n,)
    more_features : array of shape (m, dim)
    more_labels : array of str of shape (m,)

    Raises
    ------
    LibraryError
        If there is nothing to add, the features have another length, or one is NaN.
    """
    check_is_fitted(classifier)
    X, more = np.asarray(features, np.float64), np.asarray(more_features, np.float64)
    y = np.concatenate([np.asarray(labels, np.str_), np.asarray(more_labels, np.str_)])
    if more.ndim != 2 or not len(more) or more.shape[1] != classifier.n_features_in_:
        raise LibraryError(
            f"nothing to add: expected rows of {classifier.n_features_in_} features as the model "
            f"has, got an array of shape {more.shape}."
        )
    together = np.concatenate([X, more])
    if not np.isfinite(together).all():
        raise LibraryError("features must be finite numbers, but some are NaN; embed them again.")
    standardised = classifier.standardiser_(together)
    taxa, codes = np.unique(y, return_inverse=True)
    coefficients, intercepts = _started(classifier, taxa)
    # Two classes become one row in scikit-learn; a third one, or more, is what adding is for.
    if len(taxa) == 2:
        extended = LinearClassifier(**classifier.get_params()).fit(together, y)
    else:
        model = LogisticRegression(
            C=classifier.C,
            class_weight="balanced",
            max_iter=classifier.max_iter,
            warm_start=True,
        )
        model.coef_, model.intercept_ = coefficients, intercepts
        with threadpool_limits(1):
            model.fit(standardised, codes)
        extended = LinearClassifier(**classifier.get_params())
        state = {"coefficients": model.coef_, "intercepts": model.intercept_}
        extended.set_state(taxa, state | classifier.standardiser_.to_state())
    before, after = classifier.predict(X), extended.predict(X)
    added = tuple(str(taxon) for taxon in np.setdiff1d(taxa, classifier.classes_))
    return Extended(extended, added, float(np.mean(before != after)) if len(X) else 0.0)


def _started(
    classifier: LinearClassifier, taxa: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights to start from: those that the model has, none for new taxa."""
    coefficients = np.zeros((len(taxa), classifier.n_features_in_))
    intercepts = np.zeros(len(taxa))
    places = np.searchsorted(taxa, classifier.classes_)
    coefficients[places] = classifier.coefficients_
    intercepts[places] = classifier.intercepts_
    return coefficients, intercepts


def old_scores(probabilities: ArrayLike, old: ArrayLike) -> NDArray[np.float64]:
    """Probabilities as among the old taxa only, to set beside those of the older model.

    Parameters
    ----------
    probabilities : array of shape (n, n_classes)
        Of the extended model.
    old : array of bool of shape (n_classes,)
        Which of its taxa the older model knew.

    Returns
    -------
    ndarray of float64 of shape (n, n_old)
        Rows sum to one.
    """
    kept = np.asarray(probabilities, np.float64)[:, np.asarray(old, bool)]
    total: NDArray[np.float64] = np.maximum(kept.sum(axis=1, keepdims=True), 1e-300)
    return kept / total
