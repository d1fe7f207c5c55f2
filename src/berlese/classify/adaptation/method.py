"""What all methods that adapt a classifier to another photo set have in common.

All estimators keep scikit-learn's contract with skada's ``fit(X, y, sample_domain=d)``, see
`berlese.classify.adaptation.domains`. Without target rows each is the classifier of the source.

*Label shift* is what breaks adaptation: where the target's shares of the taxa differ much from
the source's, a method that moves the target's features onto the source's moves one taxon onto
another. Without reviewed animals nobody can tell whether that happened.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from berlese.classify.adaptation.domains import Domains, split_domains
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser
from berlese.options import require_between

STATISTICS = ("source", "half-way", "target")


class AdaptedClassifier(ClassifierMixin, BaseEstimator):
    """What all methods share: checks, domains, prediction and storage.

    A method gives ``adapted(domains)``, the fitted scores, and ``_restored(state)``, which makes
    them from their saved arrays.
    """

    def fit(self, X, y, sample_domain=None):
        """Learn from the source's names and the target's features.

        Parameters
        ----------
        X : array of shape (n, n_features)
            Rows of both domains.
        y : array of shape (n,)
            Names; of target rows masked (``""`` or -1) unless a person has named them.
        sample_domain : array of int of shape (n,), optional
            Positive for rows of the source, negative for rows of the target. Left out, all rows
            are of the source and nothing is adapted.

        Raises
        ------
        SettingError
            If a constructor argument is out of range or a reviewed name is not in the source.
        ValueError
            If the source has one class, or rows hold NaN.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        return self.fit_domains(split_domains(self, X, y, sample_domain))

    def fit_domains(self, domains: Domains):
        """Learn from rows that are sorted by domain already."""
        self._check()
        self.n_features_in_ = domains.source.shape[1]
        self.classes_ = domains.classes
        self.scores_ = self.adapted(domains)
        return self

    def _check(self) -> None:
        require_between(self, "C", 0, float("inf"), inclusive=False)

    def adapted(self, domains: Domains) -> Any:
        """Fit to rows sorted by domain, and give the scores (see the module `scores`)."""
        raise NotImplementedError

    def _restored(self, state: State) -> Any:
        raise NotImplementedError

    def predict_proba(self, X) -> NDArray[np.float64]:
        """Probabilities of shape (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.scores_(X)

    def predict(self, X):
        """The most probable class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def to_state(self) -> State:
        """Give what was learned as arrays, to be saved."""
        check_is_fitted(self)
        n_features = np.array([self.n_features_in_])
        return {"n_features": n_features, **self.scores_.to_state()}

    def set_state(self, classes: NDArray[Any], state: State) -> None:
        """Take what `to_state` gave; the estimator is then fitted."""
        self.classes_ = classes
        self.n_features_in_ = int(state["n_features"][0])
        self.scores_ = self._restored(state)


def fit_source(
    domains: Domains, C: float, *, sample_weight: NDArray[np.float64] | None = None
) -> LinearScores:
    """Fit logistic regression to the source, standardised by itself."""
    standardiser = Standardiser.of(domains.source)
    coefficients, intercepts, _ = logistic_weights(
        standardiser(domains.source), domains.codes, C=C, sample_weight=sample_weight
    )
    return LinearScores(standardiser, coefficients, intercepts)


def standardised(domains: Domains, source: Standardiser, statistics: str) -> Standardiser:
    """Give means and deviations for target rows.

    Parameters
    ----------
    domains : Domains
    source : Standardiser
        Of the source's rows.
    statistics : {"source", "half-way", "target"}
        ``half-way``: mean of both means, geometric mean of both deviations.
    """
    if statistics == "source" or not len(domains.target):
        return source
    target = Standardiser.of(domains.target)
    if statistics == "target":
        return target
    return Standardiser(
        (source.mean + target.mean) / 2, np.sqrt(source.deviation * target.deviation)
    )
