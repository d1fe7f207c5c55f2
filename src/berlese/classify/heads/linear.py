"""The plain head: standardised features and logistic regression."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from berlese.classify.heads.standardising import Standardiser
from berlese.options import require_at_least, require_between


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Name specimens by multinomial logistic regression on standardised features.

    Taxa weigh the same however many pictures they have: how common a family is in a library
    says nothing of how common it is in a sample.

    Parameters
    ----------
    C : float, default=0.03
        Inverse strength of the ridge penalty. The default was measured on features of
        1,280 values (see `docs/explanation/design.md`).
    max_iter : int, default=2000
        Bound of L-BFGS's iterations.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefficients_ : ndarray of float64 of shape (n_classes, n_features)
        On the standardised features.
    intercepts_ : ndarray of float64 of shape (n_classes,)
    """

    def __init__(self, C=0.03, max_iter=2000):
        self.C = C
        self.max_iter = max_iter

    def fit(self, X, y):
        """Learn from features `X` of shape (n, n_features) and names `y` of shape (n,)."""
        require_between(self, "C", 0, float("inf"), inclusive=False)
        require_at_least(self, "max_iter", 1)
        X, y = validate_data(self, X, y, dtype=np.float64)
        with many_classes():
            check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"LinearClassifier needs two classes, got one class: {self.classes_[0]!r}"
            )
        self.standardiser_ = Standardiser.of(X)
        self.coefficients_, self.intercepts_, self.n_iter_ = logistic_weights(
            self.standardiser_(X), codes, C=self.C, max_iter=self.max_iter
        )
        return self

    def decision_function(self, X) -> NDArray[np.float64]:
        """Logits of shape (n, n_classes); of shape (n,), for the second class, where two."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def _logits(self, X) -> NDArray[np.float64]:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.standardiser_(X) @ self.coefficients_.T + self.intercepts_

    def predict_proba(self, X) -> NDArray[np.float64]:
        """Probabilities of shape (n, n_classes), in the order of `classes_`."""
        return softmax(self._logits(X), axis=1)

    def predict(self, X):
        """The most probable class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Give what was learned as arrays, to be saved."""
        check_is_fitted(self)
        return {
            "coefficients": self.coefficients_,
            "intercepts": self.intercepts_,
            **self.standardiser_.to_state(),
        }

    def set_state(self, classes: NDArray[Any], state: dict[str, NDArray[Any]]) -> None:
        """Take what `to_state` gave; the estimator is then fitted."""
        self.classes_ = classes
        self.coefficients_ = state["coefficients"]
        self.intercepts_ = state["intercepts"]
        self.standardiser_ = Standardiser.from_state(state)
        self.n_features_in_ = self.coefficients_.shape[1]


@contextmanager
def many_classes() -> Iterator[None]:
    """Let libraries have few pictures a taxon: scikit-learn takes them for numbers, and warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes")
        yield


def logistic_weights(
    Z: NDArray[np.float64],
    codes: NDArray[np.intp],
    *,
    C: float,
    max_iter: int = 2000,
    sample_weight: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Fit multinomial logistic regression in which all classes weigh the same.

    Parameters
    ----------
    Z : ndarray of float64 of shape (n, n_features)
        Standardised.
    codes : ndarray of intp of shape (n,)
        Classes; two at least.
    C, max_iter
        See `LinearClassifier`.
    sample_weight : ndarray of float64 of shape (n,), optional

    Returns
    -------
    coefficients : ndarray of float64 of shape (n_classes, n_features)
        One row for each class among `codes`, in their order.
    intercepts : ndarray of float64 of shape (n_classes,)
    n_iter : int
    """
    model = LogisticRegression(C=C, class_weight="balanced", max_iter=max_iter)
    # Several threads take ten times as long on matrices so small: they wait for each other.
    with threadpool_limits(1), many_classes():
        model.fit(Z, codes, sample_weight=sample_weight)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:
        # A binary model has one row; softmax over (-z/2, z/2) is its sigmoid.
        half = np.array([[-0.5], [0.5]])
        coefficients, intercepts = half @ coefficients, half[:, 0] * intercepts
    return coefficients, intercepts, int(model.n_iter_[0])


def soft_logistic_weights(
    Z: NDArray[np.float64], wanted: NDArray[np.float64], *, C: float, max_iter: int = 100
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit multinomial logistic regression to probabilities instead of names.

    Minimises C times the summed cross-entropy plus half the sum of squared coefficients.

    Parameters
    ----------
    Z : ndarray of float64 of shape (n, n_features)
        Standardised.
    wanted : ndarray of float64 of shape (n, n_classes)
        Rows sum to one.
    C : float
    max_iter : int
        Bound of L-BFGS's iterations; where it ends early the model is a smoother one.

    Returns
    -------
    coefficients : ndarray of float64 of shape (n_classes, n_features)
    intercepts : ndarray of float64 of shape (n_classes,)
    """
    columns = np.column_stack([Z, np.ones(len(Z))])
    shape = (wanted.shape[1], columns.shape[1])

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(shape)
        logits = columns @ weights.T
        norm = logsumexp(logits, axis=1, keepdims=True)
        loss = C * (norm.sum() - np.sum(wanted * logits)) + np.sum(weights[:, :-1] ** 2) / 2
        slope = C * (np.exp(logits - norm) - wanted).T @ columns
        slope[:, :-1] += weights[:, :-1]
        return float(loss), slope.ravel()

    with threadpool_limits(1):
        found = minimize(
            objective,
            np.zeros(shape[0] * shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_iter},
        )
    weights = found.x.reshape(shape)
    return weights[:, :-1], weights[:, -1]
