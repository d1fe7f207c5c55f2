"""Train many of the paper's heads, and domain-adversarial ones (DANN), at once.

A study trains hundreds of small networks, and what costs is the arithmetic. Each task is trained
by one thread of its own on buffers that are allocated once, so that tasks do not wait for each
other and a head does not depend on which others are trained beside it.

Sources: the head and its training, Fujisawa et al. 2023; gradient reversal, schedules and the
batches of both domains, Ganin et al. 2016 (Journal of Machine Learning Research 17:59).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from joblib import cpu_count
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from torch import Tensor

from berlese.classify.heads.layers import Arrays, Dense, input_layer
from berlese.classify.heads.threads import one_thread
from berlese.errors import SettingError
from berlese.options import require_at_least, require_between, require_one_of

ACTIVATIONS = ("relu", "sigmoid")
BATCHES = ("pooled", "balanced")
SCHEDULES = ("constant", "ganin")
UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class HeadTraining:
    """How heads are trained; the defaults are the paper's classifier.

    Parameters
    ----------
    hidden : tuple of int
        Units of the hidden layers.
    activation : {"relu", "sigmoid"}
        Of the hidden layers.
    dropout : float
        Share of units silenced after each hidden layer while training.
    learning_rate : float
        Of gradient descent, per batch.
    momentum : float
        0 is plain gradient descent.
    batch_size : int
    epochs : int
    domain_weight : float, optional
        Weight of the domain loss; None trains without domains. It scales what the domain head
        learns and what the hidden layers unlearn.
    reversal : float
        Further factor of the reversed gradient alone.
    schedule : {"constant", "ganin"}
        ``ganin``: with p from 0 to 1 over the training, the learning rate falls as
        ``(1 + 10 p)^-0.75`` and the reversal rises as ``2 / (1 + exp(-10 p)) - 1``.
    batches : {"pooled", "balanced"}
        ``pooled``: batches of all rows as they come. ``balanced``: half of each batch is of
        each domain; the smaller domain starts again until the larger one is through.
    """

    hidden: tuple[int, ...] = (512, 256)
    activation: str = "relu"
    dropout: float = 0.6
    learning_rate: float = 0.01
    momentum: float = 0.0
    batch_size: int = 32
    epochs: int = 500
    domain_weight: float | None = None
    reversal: float = 1.0
    schedule: str = "constant"
    batches: str = "pooled"

    def __post_init__(self) -> None:
        if not self.hidden or any(int(units) != units or units < 1 for units in self.hidden):
            raise SettingError(f"hidden must hold whole numbers above 0; got {self.hidden!r}.")
        require_one_of(self, "activation", ACTIVATIONS)
        require_between(self, "dropout", 0.0, 0.99)
        require_between(self, "learning_rate", 0, float("inf"), inclusive=False)
        require_between(self, "momentum", 0.0, 0.999)
        require_at_least(self, "batch_size", 1)
        require_at_least(self, "epochs", 1)
        require_one_of(self, "schedule", SCHEDULES)
        require_one_of(self, "batches", BATCHES)
        if self.domain_weight is not None:
            require_between(self, "domain_weight", 0.0, float("inf"))

    @classmethod
    def paper(cls) -> "HeadTraining":
        """Return the classifier's training as published."""
        return cls()

    @classmethod
    def paper_dann(cls, domain_weight: float = 0.1) -> "HeadTraining":
        """Return the domain-adversarial training as published: 300 epochs."""
        return cls(epochs=300, domain_weight=domain_weight)

    @classmethod
    def ganin(cls, domain_weight: float = 0.1) -> "HeadTraining":
        """Return the shallow adversarial network of Ganin et al. 2016, section 5.1.

        One hidden layer of 50 sigmoid units, a row of each domain in turn. They step by .001
        after each pair; here batches of sixteen pairs take larger steps to the same end.
        """
        return cls(
            hidden=(50,),
            activation="sigmoid",
            dropout=0.0,
            learning_rate=0.05,
            epochs=30,
            domain_weight=domain_weight,
            batches="balanced",
        )

    def at(self, progress: float) -> tuple[float, float]:
        """Give the learning rate and the reversal after a share of the training, 0 to 1."""
        if self.schedule == "constant":
            return self.learning_rate, self.reversal
        ramp = 2 / (1 + np.exp(-10 * progress)) - 1
        return float(self.learning_rate * (1 + 10 * progress) ** -0.75), float(self.reversal * ramp)


@dataclass(frozen=True, slots=True, eq=False)
class HeadTask:
    """One head to train.

    Parameters
    ----------
    rows : ndarray of int of shape (n,)
        Rows of the features to train on.
    codes : ndarray of int of shape (n,)
        Class of each row, from 0; `UNLABELLED` where it is not known.
    seed : int
        Of the first weights, the order of rows and the dropout.
    domains : ndarray of int of shape (n,), optional
        1 where a row is of the source, 0 of the target; for domain-adversarial training.
    """

    rows: NDArray[np.intp]
    codes: NDArray[np.intp]
    seed: int
    domains: NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHead:
    """A trained network.

    Parameters
    ----------
    layers : list of (ndarray, ndarray)
        Weights of shape (n_out, n_in) and biases of each layer, float32.
    activation : str
        Of the hidden layers.
    domain_layer : (ndarray, ndarray), optional
        Weights of shape (2, n_hidden) and biases of the domain head.
    """

    layers: list[Arrays]
    activation: str = "relu"
    domain_layer: Arrays | None = None

    def hidden(self, features: ArrayLike) -> NDArray[np.float32]:
        """Compute the last hidden layer, of shape (n, n_hidden)."""
        values = np.asarray(features, np.float32)
        for weight, bias in self.layers[:-1]:
            values = values @ weight.T + bias
            values = np.maximum(values, 0) if self.activation == "relu" else expit(values)
        return values

    def predict_proba(self, features: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of shape (n, n_classes)."""
        weight, bias = self.layers[-1]
        return np.asarray(softmax((self.hidden(features) @ weight.T + bias).astype(float), axis=1))

    def predict_domain(self, features: ArrayLike) -> NDArray[np.float64]:
        """Probability of the source domain, of shape (n,).

        Raises
        ------
        ValueError
            If the head was trained without domains.
        """
        if self.domain_layer is None:
            raise ValueError("this head was trained without domains; it has no domain head.")
        weight, bias = self.domain_layer
        logits = (self.hidden(features) @ weight.T + bias).astype(float)
        return np.asarray(softmax(logits, axis=1)[:, 1])


def train_heads(
    features: ArrayLike,
    n_classes: int,
    tasks: Sequence[HeadTask],
    training: HeadTraining,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[TrainedHead]:
    """Train a head for each task.

    Parameters
    ----------
    features : array of shape (n, dim)
        Of all rows that tasks name; computed with as float32, and not standardised.
    n_classes : int
    tasks : sequence of HeadTask
    training : HeadTraining
    jobs : int, optional
        Threads, each with a task of its own; all cores by default. The heads do not depend on
        it, nor on which tasks go together.
    progress : callable, optional
        Called with the number of tasks just finished.

    Returns
    -------
    list of TrainedHead
        In the order of `tasks`.

    Raises
    ------
    ValueError
        If a task names no labelled row, or rows, classes or domains that there are not.
    """
    X = np.ascontiguousarray(features, np.float32)
    for number, task in enumerate(tasks):
        _check(number, task, X, n_classes, training)
    done: dict[int, TrainedHead] = {}
    with (
        one_thread(),
        ThreadPoolExecutor(
            jobs or cpu_count(), initializer=partial(torch.set_num_threads, 1)
        ) as pool,
    ):
        waiting = {
            pool.submit(_train, X, n_classes, task, training): number
            for number, task in enumerate(tasks)
        }
        try:
            for future in as_completed(waiting):
                done[waiting[future]] = future.result()
                if progress is not None:
                    progress(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [done[number] for number in range(len(tasks))]


def _check(
    number: int, task: HeadTask, X: NDArray[np.float32], n_classes: int, training: HeadTraining
) -> None:
    if len(task.rows) != len(task.codes):
        raise ValueError(f"task {number}: {len(task.rows)} rows, but {len(task.codes)} codes.")
    if not (np.asarray(task.codes) >= 0).any():
        raise ValueError(f"task {number}: has no labelled row.")
    if np.max(task.codes) >= n_classes or np.min(task.codes) < UNLABELLED:
        raise ValueError(f"task {number}: codes must be -1 to {n_classes - 1}.")
    if np.min(task.rows) < 0 or np.max(task.rows) >= len(X):
        raise ValueError(f"task {number}: rows must be 0 to {len(X) - 1}.")
    if training.domain_weight is None:
        return
    if task.domains is None or len(task.domains) != len(task.rows):
        raise ValueError(f"task {number}: domain-adversarial training needs a domain per row.")
    if training.batches == "balanced" and len(np.unique(task.domains)) < 2:
        raise ValueError(f"task {number}: balanced batches need rows of both domains.")


class _Buffers:
    """What one batch of `size` rows is computed in."""

    def __init__(self, size: int, hidden: Sequence[int], n_classes: int) -> None:
        self.values = [torch.empty(size, units) for units in hidden]
        self.gradients = [torch.empty(size, units) for units in hidden]
        self.slopes = [torch.empty(size, units) for units in hidden]
        self.classes = torch.empty(size, n_classes)
        self.domains = torch.empty(size, 2)


class _Trainer:
    """One task in training."""

    def __init__(
        self, X: NDArray[np.float32], n_classes: int, task: HeadTask, training: HeadTraining
    ) -> None:
        self.training = training
        self.rng = np.random.Generator(np.random.SFC64(task.seed))
        rows = torch.from_numpy(X[task.rows])
        sizes = [X.shape[1], *training.hidden, n_classes]
        first, *others = [self._glorot(n_out, n_in) for n_in, n_out in pairwise(sizes)]
        self.input = input_layer(rows, first, training.momentum)
        self.dense = [Dense(weight, training.momentum) for weight in others]
        codes = np.asarray(task.codes)
        targets = np.zeros((len(codes), n_classes), np.float32)
        targets[codes >= 0, codes[codes >= 0]] = 1
        self.targets = torch.from_numpy(targets)
        self.labelled = torch.from_numpy((codes >= 0).astype(np.float32))[:, None]
        self.all_labelled = bool((codes >= 0).all())
        self.domain: Dense | None = None
        if training.domain_weight is not None and task.domains is not None:
            self.domain = Dense(self._glorot(2, training.hidden[-1]), training.momentum)
            self.domains = np.asarray(task.domains)
            self.domain_targets = torch.eye(2)[torch.from_numpy(self.domains)]
        self.buffers: dict[int, _Buffers] = {}

    def _glorot(self, n_out: int, n_in: int) -> Tensor:
        limit = np.sqrt(6 / (n_in + n_out))
        return torch.from_numpy(self.rng.uniform(-limit, limit, (n_out, n_in)).astype(np.float32))

    def run(self) -> TrainedHead:
        """Train for all epochs."""
        training = self.training
        for epoch in range(training.epochs):
            batches = self._batches()
            masks = self._masks(sum(map(len, batches)))
            start = 0
            for at, batch in enumerate(batches):
                rate, reversal = training.at((epoch + at / len(batches)) / training.epochs)
                size = len(batch)
                self._step(batch, [mask[start : start + size] for mask in masks], rate, reversal)
                start += size
        layers = [self.input.weights(), *(layer.weights() for layer in self.dense)]
        domain = None if self.domain is None else self.domain.weights()
        return TrainedHead(layers, training.activation, domain)

    def _batches(self) -> list[Tensor]:
        size = self.training.batch_size
        n_rows = len(self.targets)
        if self.training.batches == "pooled" or self.domain is None:
            order = torch.from_numpy(self.rng.permutation(n_rows))
            return list(order.split(size))
        half = max(size // 2, 1)
        sides = [np.flatnonzero(self.domains == domain) for domain in (1, 0)]
        n_batches = -(-max(map(len, sides)) // half)
        drawn = [self._drawn(side, n_batches * half).reshape(n_batches, half) for side in sides]
        return list(torch.from_numpy(np.concatenate(drawn, axis=1)))

    def _drawn(self, rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        """Shuffle the rows, again and again until there are `count`."""
        rounds = -(-count // len(rows))
        return np.concatenate([self.rng.permutation(rows) for _ in range(rounds)])[:count]

    def _masks(self, n_rows: int) -> list[Tensor]:
        """Draw an epoch's dropout: 0, or the factor that keeps the expectation.

        Sixteen bits a unit: the share differs from the one asked for by less than 1e-5.
        """
        share = self.training.dropout
        if not share:
            return []
        masks = []
        for units in self.training.hidden:
            words = self.rng.bit_generator.random_raw(-(-n_rows * units // 4)).view(np.uint16)
            kept = words[: n_rows * units] >= np.uint16(round(share * 65536))
            mask = kept.reshape(n_rows, units).astype(np.float32)
            masks.append(torch.from_numpy(mask).mul_(1 / (1 - share)))
        return masks

    def _step(self, batch: Tensor, masks: list[Tensor], rate: float, reversal: float) -> None:
        size = len(batch)
        if size not in self.buffers:
            self.buffers[size] = _Buffers(size, self.training.hidden, self.targets.shape[1])
        at = self.buffers[size]
        self._forward(batch, masks, at)
        self._output_gradient(batch, at)
        last = at.gradients[-1]
        torch.mm(at.classes, self.dense[-1].weight, out=last)
        if self.domain is not None:
            self._adversary(self.domain, batch, at, rate, reversal)
        self.dense[-1].step(at.values[-1], at.classes, rate)
        for number in range(len(at.values) - 1, -1, -1):
            gradient = at.gradients[number]
            gradient.mul_(at.slopes[number])
            if number == 0:
                self.input.step(batch, gradient, rate)
            else:
                layer = self.dense[number - 1]
                torch.mm(gradient, layer.weight, out=at.gradients[number - 1])
                layer.step(at.values[number - 1], gradient, rate)

    def _forward(self, batch: Tensor, masks: list[Tensor], at: _Buffers) -> None:
        """Fill values after dropout, and slopes: the factors of a gradient on the way back."""
        for number, (values, slopes) in enumerate(zip(at.values, at.slopes, strict=True)):
            if number == 0:
                self.input.forward(batch, values)
            else:
                self.dense[number - 1].forward(at.values[number - 1], values)
            if self.training.activation == "relu":
                values.clamp_min_(0)
                torch.sign(values, out=slopes)
            else:
                values.sigmoid_()
                torch.addcmul(values, values, values, value=-1, out=slopes)
            if masks:
                values.mul_(masks[number])
                slopes.mul_(masks[number])
        self.dense[-1].forward(at.values[-1], at.classes)

    def _output_gradient(self, batch: Tensor, at: _Buffers) -> None:
        """Turn logits into the gradient of the mean cross-entropy over the labelled rows."""
        torch.softmax(at.classes, 1, out=at.classes)
        at.classes.sub_(self.targets.index_select(0, batch))
        if self.all_labelled:
            at.classes.div_(len(batch))
            return
        labelled = self.labelled.index_select(0, batch)
        at.classes.mul_(labelled.div_(labelled.sum().clamp_min_(1)))

    def _adversary(
        self, domain: Dense, batch: Tensor, at: _Buffers, rate: float, reversal: float
    ) -> None:
        """Let the domain head learn, and the hidden layers unlearn, which domain a row is of."""
        domain.forward(at.values[-1], at.domains)
        torch.softmax(at.domains, 1, out=at.domains)
        at.domains.sub_(self.domain_targets.index_select(0, batch))
        at.domains.mul_((self.training.domain_weight or 0.0) / len(batch))
        at.gradients[-1].addmm_(at.domains, domain.weight, alpha=-reversal)
        domain.step(at.values[-1], at.domains, rate)


def _train(
    X: NDArray[np.float32], n_classes: int, task: HeadTask, training: HeadTraining
) -> TrainedHead:
    with torch.inference_mode():
        return _Trainer(X, n_classes, task, training).run()
