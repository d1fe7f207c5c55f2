"""The trained networks that come with the package."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load

_AT_ONCE = 4096  # rows, so that a photo of a gigapixel needs no more memory for it than others
_FAR = 4.0  # standard deviations; what lies farther counts as far as that

_Float = NDArray[np.float64]


@lru_cache(maxsize=8)
def shipped(name: str) -> bytes:
    """Bytes of one of the package's files of weights."""
    return files("berlese.specimens").joinpath(name).read_bytes()


@lru_cache(maxsize=4)
def session_of(name: str) -> onnxruntime.InferenceSession:
    """Session of one of the package's ONNX files."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # photos are segmented side by side
    options.enable_cpu_mem_arena = False  # it keeps what the largest clump took, and saves no time
    return onnxruntime.InferenceSession(shipped(name), options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=4)
def weights_of(name: str) -> dict[str, _Float]:
    """Arrays of one of the package's safetensors files, by name."""
    return {key: np.asarray(value, float) for key, value in load(shipped(name)).items()}


def mean_of_members(
    features: _Float,
    weights: dict[str, NDArray[Any]],
    last: Callable[[_Float], _Float],
    prefix: str = "",
) -> _Float:
    """Run the members of a network of three layers on features of shape (n, d), and average.

    Parameters
    ----------
    features : ndarray of shape (n, d)
        They are standardised by the mean and deviation that stand beside the weights.
    weights : dict of str to ndarray
    last : callable
        Makes of each member's outputs, row by row, what is averaged.
    prefix : str
        With which its names begin, where a file holds several networks.

    Returns
    -------
    ndarray of float64 of shape (n, ...)
    """
    mean, deviation = weights[f"{prefix}mean"], weights[f"{prefix}deviation"]
    members = range(int(weights[f"{prefix}members"][0]))
    means = []
    for part in np.split(features, range(_AT_ONCE, len(features), _AT_ONCE)):
        scaled = np.clip((part - mean) / deviation, -_FAR, _FAR)
        told = [last(_outputs(scaled, weights, f"{prefix}{member}")) for member in members]
        means.append(np.mean(told, axis=0))
    return np.concatenate(means)


def _outputs(values: _Float, weights: dict[str, NDArray[Any]], member: str) -> _Float:
    for layer in range(3):
        values = values @ weights[f"{member}.{layer}.weight"]
        values = values + weights[f"{member}.{layer}.bias"]
        values = np.maximum(values, 0) if layer < 2 else values
    return values
