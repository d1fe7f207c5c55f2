"""The paper's head: two hidden layers with dropout, trained by gradient descent.

Source: Fujisawa et al. 2023: 512 ReLU, dropout .6, 256 ReLU, dropout .6, softmax. The paper's
training (plain SGD, no standardising, 500 epochs) is `NetworkClassifier.paper`; the default
standardises, uses Adam, and stops early on held-out specimens.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from berlese.classify.heads.standardising import Standardiser
from berlese.classify.heads.threads import one_thread
from berlese.options import require_at_least, require_between, require_one_of

OPTIMISERS = ("adam", "sgd")
MIN_FOR_STOPPING = 40  # fewer training specimens than this cannot spare a held-out part


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Name specimens by a small neural network on their features.

    Parameters
    ----------
    hidden : tuple of int, default=(512, 256)
        Units of the hidden layers.
    dropout : float, default=0.6
        Share of units silenced after each hidden layer while training.
    optimiser : {"adam", "sgd"}, default="adam"
    learning_rate : float, default=0.001
    weight_decay : float, default=0.0001
    batch_size : int, default=32
    max_epochs : int, default=200
    patience : int or None, default=15
        Stop after so many epochs without a better loss on the held-out part, and keep the best;
        None trains for all epochs on everything.
    validation_fraction : float, default=0.1
        Share held out for stopping.
    standardise : bool, default=True
        Scale features by the training set.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    layers_ : list of (ndarray, ndarray)
        Weights of shape (n_out, n_in) and biases of each layer, float32.
    n_iter_ : int
        Epochs that were trained.
    """

    def __init__(
        self,
        hidden=(512, 256),
        dropout=0.6,
        optimiser="adam",
        learning_rate=0.001,
        weight_decay=0.0001,
        batch_size=32,
        max_epochs=200,
        patience=15,
        validation_fraction=0.1,
        standardise=True,
        random_state=None,
    ):
        self.hidden = hidden
        self.dropout = dropout
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.standardise = standardise
        self.random_state = random_state

    @classmethod
    def paper(cls, random_state=None) -> "NetworkClassifier":
        """Make the head with the paper's own training."""
        return cls(
            optimiser="sgd",
            learning_rate=0.01,
            weight_decay=0.0,
            max_epochs=500,
            patience=None,
            standardise=False,
            random_state=random_state,
        )

    def fit(self, X, y):
        """Learn from features `X` of shape (n, n_features) and names `y` of shape (n,)."""
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"NetworkClassifier needs two classes, got one class: {self.classes_[0]!r}"
            )
        rng = check_random_state(self.random_state)
        self.standardiser_ = (
            Standardiser.of(X) if self.standardise else Standardiser.none(X.shape[1])
        )
        rows = torch.from_numpy(self.standardiser_(X).astype(np.float32))
        names = torch.from_numpy(codes.astype(np.int64))
        held_out = self._held_out(codes, rng)
        generator = torch.Generator().manual_seed(int(rng.randint(2**31)))
        with one_thread():
            network = self._train(rows, names, held_out, generator)
        self.layers_ = [
            (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
            for layer in network
        ]
        return self

    def _check(self) -> None:
        for units in self.hidden:
            if not (isinstance(units, int | np.integer) and units > 0):
                raise ValueError(f"hidden must hold integers above 0, got {self.hidden!r}")
        require_between(self, "dropout", 0.0, 0.99)
        require_one_of(self, "optimiser", OPTIMISERS)
        require_between(self, "learning_rate", 0, float("inf"), inclusive=False)
        require_between(self, "weight_decay", 0.0, 1.0)
        require_at_least(self, "batch_size", 1)
        require_at_least(self, "max_epochs", 1)
        if self.patience is not None:
            require_at_least(self, "patience", 1)
        require_between(self, "validation_fraction", 0, 1, inclusive=False)

    def _held_out(self, codes: NDArray[np.intp], rng: np.random.RandomState) -> NDArray[np.bool_]:
        """Choose the part that decides when to stop: of each class in its proportion."""
        chosen = np.zeros(len(codes), bool)
        if self.patience is None or len(codes) < MIN_FOR_STOPPING:
            return chosen
        for code in np.unique(codes):
            members = rng.permutation(np.flatnonzero(codes == code))
            chosen[members[: int(len(members) * self.validation_fraction)]] = True
        return chosen

    def _train(
        self,
        rows: Tensor,
        names: Tensor,
        held_out: NDArray[np.bool_],
        generator: torch.Generator,
    ) -> list[nn.Linear]:
        network = self._new_network(rows.shape[1], generator)
        parameters = [p for layer in network for p in layer.parameters()]
        optimiser = self._new_optimiser(parameters)
        learn = torch.from_numpy(np.flatnonzero(~held_out))
        watch = torch.from_numpy(np.flatnonzero(held_out))
        best, best_loss, waited = None, float("inf"), 0
        for epoch in range(1, self.max_epochs + 1):
            self.n_iter_ = epoch
            order = learn[torch.randperm(len(learn), generator=generator)]
            for batch in order.split(self.batch_size):
                optimiser.zero_grad(set_to_none=True)
                logits = self._forward(network, rows[batch], generator)
                nn.functional.cross_entropy(logits, names[batch]).backward()
                optimiser.step()
            if not len(watch):
                continue
            with torch.no_grad():
                logits = self._forward(network, rows[watch], None)
                loss = float(nn.functional.cross_entropy(logits, names[watch]))
            if loss < best_loss - 1e-6:
                best, best_loss, waited = [p.detach().clone() for p in parameters], loss, 0
            else:
                waited += 1
                if waited >= self.patience:
                    break
        if best is not None:
            with torch.no_grad():
                for parameter, value in zip(parameters, best, strict=True):
                    parameter.copy_(value)
        return network

    def _new_network(self, n_features: int, generator: torch.Generator) -> list[nn.Linear]:
        sizes = [n_features, *self.hidden, len(self.classes_)]
        network = []
        for n_in, n_out in pairwise(sizes):
            layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
            network.append(layer)
        return network

    def _new_optimiser(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        if self.optimiser == "adam":
            return torch.optim.AdamW(
                parameters, lr=self.learning_rate, weight_decay=self.weight_decay
            )
        return torch.optim.SGD(parameters, lr=self.learning_rate, weight_decay=self.weight_decay)

    def _forward(
        self, network: list[nn.Linear], rows: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """Compute logits; with a generator, dropout is on."""
        values = rows
        for layer in network[:-1]:
            values = torch.relu(layer(values))
            if generator is not None and self.dropout > 0:
                kept = torch.rand(values.shape, generator=generator) >= self.dropout
                values = values * kept / (1 - self.dropout)
        return network[-1](values)

    def predict_proba(self, X) -> NDArray[np.float64]:
        """Probabilities of shape (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        values = self.standardiser_(X)
        for weight, bias in self.layers_[:-1]:
            values = np.maximum(values @ weight.T.astype(np.float64) + bias, 0)
        weight, bias = self.layers_[-1]
        return softmax(values @ weight.T.astype(np.float64) + bias, axis=1)

    def predict(self, X):
        """The most probable class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Give what was learned as arrays, to be saved."""
        check_is_fitted(self)
        state: dict[str, NDArray[Any]] = dict(self.standardiser_.to_state())
        for number, (weight, bias) in enumerate(self.layers_):
            state[f"weight_{number}"], state[f"bias_{number}"] = weight, bias
        return state

    def set_state(self, classes: NDArray[Any], state: dict[str, NDArray[Any]]) -> None:
        """Take what `to_state` gave; the estimator is then fitted."""
        self.classes_ = classes
        self.standardiser_ = Standardiser.from_state(state)
        count = sum(name.startswith("weight_") for name in state)
        self.layers_ = [(state[f"weight_{n}"], state[f"bias_{n}"]) for n in range(count)]
        self.n_features_in_ = self.layers_[0][0].shape[1]
