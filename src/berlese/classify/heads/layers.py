"""Layers of the paper's network with their gradient steps, on PyTorch's tensors but not its graph.

The first layer is the largest. Plain gradient descent never leaves the span of the training
rows: after any number of steps its weights are ``W0 + A^T X`` with one row of ``A`` per training
row. So its outputs on all training rows, ``O = X W0^T + (X X^T + 1) A``, are kept instead of
weights (the 1 is the bias): a step on a batch with gradient ``G`` adds ``-rate G`` to the batch's
rows of ``A`` and ``-rate (X X^T + 1)[:, batch] G`` to ``O``. That replaces two products as wide as
the features by one as wide as the number of training rows. Where there are more than twice as
many rows as features, the ordinary products are the cheaper ones and are used.
"""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DUAL_ROWS = 2.0  # the dual first layer pays below this many training rows a feature

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights of shape (n_out, n_in) and biases of shape (n_out,)."""


class InputLayer(Protocol):
    """The first layer: its outputs on a batch, a step, and its weights in the end."""

    def forward(self, batch: Tensor, out: Tensor) -> None:
        """Write the outputs on the training rows of a batch into `out`."""

    def step(self, batch: Tensor, gradient: Tensor, rate: float) -> None:
        """Descend the gradient of a batch's outputs."""

    def weights(self) -> Arrays:
        """Give what the layer has learned so far."""


class Dense:
    """A layer with its weights; `Tensor.addmm_` adds a gradient step within the product."""

    def __init__(self, weight: Tensor, momentum: float) -> None:
        self.weight = weight
        self.weight_t = weight.t()
        self.bias = torch.zeros(len(weight))
        self.momentum = momentum
        if momentum:
            self.weight_velocity = torch.zeros_like(weight)
            self.bias_velocity = torch.zeros_like(self.bias)

    def forward(self, values: Tensor, out: Tensor) -> None:
        """Write the outputs on values of shape (n, n_in) into `out`."""
        torch.addmm(self.bias, values, self.weight_t, out=out)

    def step(self, values: Tensor, gradient: Tensor, rate: float) -> None:
        """Descend the gradient of the outputs on these values."""
        if not self.momentum:
            self.weight.addmm_(gradient.t(), values, alpha=-rate)
            self.bias.add_(gradient.sum(0), alpha=-rate)
            return
        self.weight_velocity.mul_(self.momentum).addmm_(gradient.t(), values, alpha=-rate)
        self.bias_velocity.mul_(self.momentum).add_(gradient.sum(0), alpha=-rate)
        self.weight.add_(self.weight_velocity)
        self.bias.add_(self.bias_velocity)

    def weights(self) -> Arrays:
        """Give what the layer has learned so far."""
        return self.weight.numpy().copy(), self.bias.numpy().copy()


class _DirectInput:
    """The first layer as it is written: two products as wide as the features."""

    def __init__(self, rows: Tensor, weight: Tensor, momentum: float) -> None:
        self.rows = rows
        self.dense = Dense(weight, momentum)

    def forward(self, batch: Tensor, out: Tensor) -> None:
        self.dense.forward(self.rows[batch], out)

    def step(self, batch: Tensor, gradient: Tensor, rate: float) -> None:
        self.dense.step(self.rows[batch], gradient, rate)

    def weights(self) -> Arrays:
        return self.dense.weights()


class _DualInput:
    """The first layer by its outputs on the training rows; see the head of this module."""

    def __init__(self, rows: Tensor, weight: Tensor, momentum: float) -> None:
        self.rows = rows
        self.first = weight
        self.outputs = rows @ weight.t()
        self.products = rows @ rows.t() + 1
        self.coefficients = torch.zeros_like(self.outputs)
        self.momentum = momentum
        if momentum:
            self.velocity = torch.zeros_like(self.outputs)
            self.output_velocity = torch.zeros_like(self.outputs)

    def forward(self, batch: Tensor, out: Tensor) -> None:
        torch.index_select(self.outputs, 0, batch, out=out)

    def step(self, batch: Tensor, gradient: Tensor, rate: float) -> None:
        products = self.products.index_select(0, batch).t()
        if not self.momentum:
            self.coefficients.index_add_(0, batch, gradient, alpha=-rate)
            self.outputs.addmm_(products, gradient, alpha=-rate)
            return
        self.velocity.mul_(self.momentum).index_add_(0, batch, gradient, alpha=-rate)
        self.coefficients.add_(self.velocity)
        self.output_velocity.mul_(self.momentum).addmm_(products, gradient, alpha=-rate)
        self.outputs.add_(self.output_velocity)

    def weights(self) -> Arrays:
        weight = self.first + self.coefficients.t() @ self.rows
        return weight.numpy().copy(), self.coefficients.sum(0).numpy().copy()


def input_layer(rows: Tensor, weight: Tensor, momentum: float) -> InputLayer:
    """Make the first layer in the way that is cheaper for so many rows and features.

    Parameters
    ----------
    rows : Tensor of float32 of shape (n, n_in)
        All training rows.
    weight : Tensor of float32 of shape (n_out, n_in)
        To start from.
    momentum : float
    """
    dual = len(rows) < DUAL_ROWS * rows.shape[1]
    return (_DualInput if dual else _DirectInput)(rows, weight, momentum)
