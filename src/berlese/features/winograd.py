"""Compute a VGG's wide convolutions with a quarter of the products.

A convolution of 3 x 3 takes 9 products for each value and pair of channels. Winograd's takes 36
for a tile of 4 x 4 values: each window of 6 x 6 is turned into 36 sums, those are multiplied with
as many sums of the weights, and 4 x 4 values are made of the products. The sums cost time too, so
only convolutions with many channels gain. Weights are turned once, in double precision.

The layers are made of plain products and copies, hence run wherever the graph does. They compute
on arrays of shape (height, width, n, channels): windows are then copied in long runs, and what is
beyond the picture, to full tiles, is never looked at.

Sources: Lavin and Gray 2016 (arXiv:1509.09308); the points, not whole numbers, lose a quarter of
the precision that the usual 0, 1, -1, 2, -2 lose: Barabasz et al. 2020 (arXiv:1803.10986).
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from torch import Tensor, nn

TILE = 4  # values made at once, along each side
WINDOW = TILE + 2  # values that they are made of
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)  # where polynomials are evaluated, besides infinity
MIN_CHANNELS = 256  # of the output; measured: below, the sums cost what the products save

_Matrix = NDArray[np.float64]


def transforms(points: Sequence[float] = POINTS) -> tuple[_Matrix, _Matrix, _Matrix]:
    """Make the matrices of Winograd's convolution by Toom and Cook's rule.

    Parameters
    ----------
    points : sequence of float
        As many as a tile has values, and one more.

    Returns
    -------
    of_window : ndarray of shape (WINDOW, WINDOW)
    of_weights : ndarray of shape (WINDOW, 3)
    to_values : ndarray of shape (TILE, WINDOW)
        With window d and weights g, the values are ``to_values @ (of_weights @ g * (of_window @
        d))``.
    """
    of_window, of_weights = np.zeros((WINDOW, WINDOW)), np.zeros((WINDOW, 3))
    to_values = np.zeros((TILE, WINDOW))
    for row, point in enumerate(points):
        others = [other for other in points if other != point]
        of_window[row, :-1] = polynomial.polyfromroots(others)
        of_weights[row] = point ** np.arange(3) / np.prod([point - other for other in others])
        to_values[:, row] = point ** np.arange(TILE)
    of_window[-1] = polynomial.polyfromroots(points)
    of_weights[-1, -1] = to_values[-1, -1] = 1
    return of_window, of_weights, to_values


class WinogradConvolution(nn.Module):
    """A convolution of 3 x 3, padded by one, and what is above 0 of it.

    Parameters
    ----------
    convolution : torch.nn.Conv2d
        Its weights are copied.
    size : int
        Width and height of the pictures, in pixels.
    """

    pixels: Tensor
    windows: Tensor
    products: Tensor
    to_values: Tensor
    bias: Tensor

    def __init__(self, convolution: nn.Conv2d, size: int) -> None:
        super().__init__()
        bias = convolution.bias
        if bias is None or convolution.kernel_size != (3, 3) or convolution.padding != (1, 1):
            raise ValueError(f"{convolution}: expected one of 3 x 3, padded by 1, with a bias.")
        self.channels = convolution.in_channels
        of_window, of_weights, to_values = transforms()
        weight = convolution.weight.detach().double().numpy()
        products = (of_weights @ weight @ of_weights.T).transpose(2, 3, 1, 0)
        first = TILE * np.arange(-(-size // TILE)) - 1
        start = np.clip(first, 0, max(size - WINDOW, 0))
        self.tiles = len(first)
        # A window at an edge is moved into the picture; its matrix leaves the padding out.
        windows = np.zeros((self.tiles, WINDOW, WINDOW))
        for tile, at in product(range(self.tiles), range(WINDOW)):
            if 0 <= first[tile] + at < size:
                windows[tile, :, first[tile] + at - start[tile]] = of_window[:, at]
        pixels = np.minimum(start[:, None] + np.arange(WINDOW), size - 1)
        self.register_buffer("pixels", torch.from_numpy(pixels))
        self.register_buffer("windows", torch.from_numpy(windows).float())
        self.register_buffer("products", torch.from_numpy(products.astype(np.float32, order="C")))
        self.register_buffer("to_values", torch.from_numpy(to_values).float())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, values: Tensor) -> Tensor:
        """Turn (height, width, n, in) into (TILE * tiles, TILE * tiles, n, out)."""
        tiles, width = self.tiles, values.shape[1]
        sums = self.windows @ values.reshape(len(values), -1)[self.pixels]
        sums = self.windows @ sums.reshape(tiles * WINDOW, width, -1)[:, self.pixels]
        sums = sums.reshape(tiles, WINDOW, tiles, WINDOW, -1).permute(1, 3, 0, 2, 4)
        made = sums.reshape(WINDOW, WINDOW, -1, self.channels) @ self.products
        made = made.reshape(WINDOW, WINDOW, tiles, tiles, -1).permute(2, 0, 3, 1, 4)
        made = self.to_values @ made.reshape(tiles * WINDOW, tiles, WINDOW, -1)
        made = self.to_values @ made.reshape(tiles, WINDOW, -1)
        made = made.reshape(tiles * TILE, tiles * TILE, -1, len(self.bias))
        return (made + self.bias).relu()


class _Largest(nn.Module):
    """The largest of 2 x 2 values."""

    def forward(self, values: Tensor) -> Tensor:
        half, channels = len(values) // 2, values.shape[-1]
        rows = values.reshape(half, 2, -1)
        rows = torch.maximum(rows[:, 0], rows[:, 1]).reshape(half, half, 2, -1)
        return torch.maximum(rows[:, :, 0], rows[:, :, 1]).reshape(half, half, -1, channels)


class FewerProducts(nn.Module):
    """A VGG up to the mean of its last feature map, its wide convolutions by `WinogradConvolution`.

    Parameters
    ----------
    network : torch.nn.Module
        `berlese.features.architectures.vgg`'s, with weights.
    size : int
        Width and height of the pictures, in pixels.
    """

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        narrow: list[nn.Module] = []
        wide: list[nn.Module] = []
        dim = 0
        for layer in network.get_submodule("features").children():
            if isinstance(layer, nn.MaxPool2d):
                size //= 2
                (wide or narrow).append(_Largest() if wide else layer)
            elif isinstance(layer, nn.Conv2d) and (wide or layer.out_channels >= MIN_CHANNELS):
                wide.append(WinogradConvolution(layer, size))
                dim = layer.out_channels
            elif not wide:
                narrow.append(layer)
        self.narrow, self.wide = nn.Sequential(*narrow), nn.Sequential(*wide)
        self.size, self.dim = size, dim

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn (n, 3, size, size) into (n, channels)."""
        values = self.wide(self.narrow(pictures).permute(2, 3, 0, 1))
        means = values[: self.size, : self.size].mean((0, 1))
        return means.reshape(-1, self.dim)  # says to the graph's reader how many values there are
