"""Fuse slices band by band: at each place and size of detail, the slice that shows most of it.

A picture is split into bands of detail (Burt and Adelson's Laplacian pyramid). In each band and
at each pixel, slices count by their local energy, the squared detail smoothed over some pixels,
above what noise alone makes. Where one slice is sharp it counts alone; where none shows more
than noise, all count alike, and their mean has less noise than any. Slices come one after the
other and are not kept.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.brightness import brightness

FloatArray = NDArray[np.float32]

_COARSEST_SIDE = 24  # of the rest that remains below the bands
_SMOOTHING_PX = 1.5  # standard deviation, over which energy is local
_POWER = 4.0  # how sharply more energy goes before less
_START = -1e4  # below the logarithm of any weight


def laplacian(picture: FloatArray, levels: int) -> list[FloatArray]:
    """Split a picture into `levels` bands of detail, the finest first, and what remains.

    Those of one channel, given as (height, width) or (height, width, 1), are (height, width).
    """
    bands = []
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[..., 0]  # OpenCV drops a single channel on its way
    for _ in range(levels):
        half = np.asarray(cv2.pyrDown(picture), np.float32)
        bands.append(picture - cv2.pyrUp(half, dstsize=picture.shape[1::-1]))
        picture = half
    return [*bands, picture]


def collapse(bands: list[FloatArray]) -> FloatArray:
    """Put a picture together from its bands."""
    picture = bands[-1]
    for band in bands[-2::-1]:
        picture = cv2.pyrUp(picture, dstsize=band.shape[1::-1]) + band
    return picture


def levels_of(shape: tuple[int, ...], most: int = 7) -> int:
    """Return how many bands a picture of this shape has."""
    return int(np.clip(np.log2(min(shape[:2]) / _COARSEST_SIDE), 1, most))


@cache
def noise_of_bands(levels: int) -> tuple[float, ...]:
    """Return the standard deviation that white noise of 1 has in each band."""
    noise = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    return tuple(float(band.std()) for band in laplacian(noise, levels)[:-1])


def noise_of(grey: FloatArray) -> float:
    """Estimate the standard deviation of a picture's noise, from where it has least detail."""
    energy = cv2.GaussianBlur(np.square(laplacian(grey, 1)[0]), (0, 0), 4.0)
    return float(np.sqrt(np.quantile(energy[::2, ::2], 0.05))) / noise_of_bands(1)[0]


class PyramidFusion:
    """Fuse slices in register, given one after the other, in memory for two.

    Parameters
    ----------
    shape : (int, int)
        Height and width.
    noise : float
        Standard deviation of the slices' noise in grey (the mean of the channels).
    """

    def __init__(self, shape: tuple[int, int], noise: float) -> None:
        self.levels = levels_of(shape)
        self._noise = [max(noise, 1e-3) * each for each in noise_of_bands(self.levels)]
        self._sums: list[FloatArray] = []
        self._weights: list[FloatArray] = []
        self._highest: list[FloatArray] = []

    def add(self, slice_: FloatArray, shown: NDArray[np.bool_]) -> None:
        """Take in a slice (height, width, channels); it counts only where it is `shown`."""
        bands = laplacian(slice_, self.levels)
        logs = []
        for band, noise in zip(bands[:-1], self._noise, strict=True):
            energy = cv2.GaussianBlur(np.square(brightness(band)), (0, 0), _SMOOTHING_PX)
            logs.append(_POWER * np.log1p(energy / noise**2))
        logs.append(cv2.pyrDown(logs[-1]))
        hidden = (~shown).astype(np.float32)
        for log in logs:
            log += _START / 2 * cv2.resize(hidden, log.shape[1::-1], interpolation=cv2.INTER_AREA)
        if not self._sums:
            self._sums = [np.zeros_like(band) for band in bands]
            self._weights = [np.zeros_like(log) for log in logs]
            self._highest = [np.full_like(log, _START) for log in logs]
        for level, (band, log) in enumerate(zip(bands, logs, strict=True)):
            self._count(level, band, log)

    def _count(self, level: int, band: FloatArray, log: FloatArray) -> None:
        """Add a band by the exponential of `log`, relative to the highest so far."""
        highest = np.maximum(self._highest[level], log)
        before, now = np.exp(self._highest[level] - highest), np.exp(log - highest)
        self._sums[level] *= _for_each_channel(before, band)
        self._sums[level] += _for_each_channel(now, band) * band
        self._weights[level] *= before
        self._weights[level] += now
        self._highest[level] = highest

    def result(self) -> FloatArray:
        """Return the fused picture, shape (height, width, channels)."""
        pairs = zip(self._sums, self._weights, strict=True)
        picture = collapse([each / _for_each_channel(weight, each) for each, weight in pairs])
        return picture.reshape(*picture.shape[:2], -1)


def _for_each_channel(weight: FloatArray, band: FloatArray) -> FloatArray:
    """Shape a weight a pixel to be multiplied with a band of one channel or of more."""
    return weight if band.ndim == 2 else weight[..., None]
