"""Domain-adversarial training (DANN) as an estimator.

A network learns names on the source while its hidden layers unlearn what tells source from target.
Sources: Ganin et al. 2016 (Journal of Machine Learning Research 17:59); the defaults are the
training of Fujisawa et al. 2023.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from berlese.classify.adaptation.domains import is_source
from berlese.classify.heads.parallel import UNLABELLED, HeadTask, HeadTraining, train_heads


class DannClassifier(ClassifierMixin, BaseEstimator):
    """Name specimens of another image set by a network that cannot tell the two sets apart.

    Adapting can also do harm: in Fujisawa et al. 2023 one of three pairs of image sets lost four
    points. Review some specimens of the target before you trust it.

    Parameters
    ----------
    hidden : tuple of int, default=(512, 256)
    activation : {"relu", "sigmoid"}, default="relu"
    dropout : float, default=0.6
    learning_rate : float, default=0.01
    momentum : float, default=0.0
    batch_size : int, default=32
    epochs : int, default=300
    domain_weight : float, default=0.1
        Weight of the domain loss: the paper's lambda.
    reversal : float, default=1.0
        Further factor of the reversed gradient alone.
    schedule : {"constant", "ganin"}, default="constant"
    batches : {"pooled", "balanced"}, default="pooled"
        See `berlese.classify.heads.parallel.HeadTraining` for all of these.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Of the source.
    head_ : TrainedHead
    """

    def __init__(
        self,
        hidden=(512, 256),
        activation="relu",
        dropout=0.6,
        learning_rate=0.01,
        momentum=0.0,
        batch_size=32,
        epochs=300,
        domain_weight=0.1,
        reversal=1.0,
        schedule="constant",
        batches="pooled",
        random_state=None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.epochs = epochs
        self.domain_weight = domain_weight
        self.reversal = reversal
        self.schedule = schedule
        self.batches = batches
        self.random_state = random_state

    @classmethod
    def ganin(cls, random_state=None) -> "DannClassifier":
        """Make the shallow network of Ganin et al. 2016, section 5.1; see `HeadTraining.ganin`."""
        training = HeadTraining.ganin()
        settings = {name: getattr(training, name) for name in training.__slots__}
        return cls(**settings, random_state=random_state)

    def fit(self, X, y, sample_domain=None):
        """Learn names from the source rows, and the domains from all.

        Parameters
        ----------
        X : array of shape (n, n_features)
        y : array of shape (n,)
            Names; those of target rows are not looked at.
        sample_domain : array of int of shape (n,), optional
            Positive for rows of the source, negative for rows of the target, as in skada. Left
            out, all rows are of the source, and nothing is adapted.

        Raises
        ------
        ValueError
            If the source has fewer than two classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        source = is_source(sample_domain, len(y))
        check_classification_targets(y[source])
        self.classes_, known = np.unique(y[source], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"DannClassifier needs two classes in the source, got {len(self.classes_)} class."
            )
        codes = np.full(len(y), UNLABELLED)
        codes[source] = known
        seed = int(check_random_state(self.random_state).randint(2**31))
        task = HeadTask(np.arange(len(y)), codes, seed, source.astype(np.intp))
        training = self._training(adapting=not source.all())
        (self.head_,) = train_heads(X, len(self.classes_), [task], training, jobs=1)
        return self

    def _training(self, *, adapting: bool) -> HeadTraining:
        return HeadTraining(
            hidden=tuple(self.hidden),
            activation=self.activation,
            dropout=self.dropout,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            batch_size=self.batch_size,
            epochs=self.epochs,
            domain_weight=self.domain_weight if adapting else None,
            reversal=self.reversal,
            schedule=self.schedule,
            batches=self.batches,
        )

    def predict_proba(self, X) -> NDArray[np.float64]:
        """Probabilities of shape (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.head_.predict_proba(X)

    def predict(self, X):
        """The most probable class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
