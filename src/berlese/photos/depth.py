"""Find at each pixel the slice in which it is sharpest, and build the picture from those slices.

Sharpness is the squared fine detail within a radius. A parabola through the logarithms of the
sharpest slice and its two neighbours gives the place between slices. Smoothing counts each pixel
by how far its sharpness stands above the noise, so that plain ground takes its height from what
lies around. Slices come in the order of their focus, one after the other, and are not kept.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.pyramid import laplacian, noise_of_bands

FloatArray = NDArray[np.float32]

_BANDS = 2  # of detail that tell sharp from blurred
_ABOVE_MEAN = 1.3  # times its mean over the slices, from which a pixel's best slice counts
_CLEAR = 3.0  # times the noise's energy above that, from which it counts fully


def sharpness(grey: FloatArray, radius_px: float, noise: float) -> FloatArray:
    """Return the energy of fine detail within a radius, in units of what noise alone makes.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
    radius_px : float
    noise : float
        Standard deviation of the noise of `grey`.
    """
    bands = laplacian(grey, _BANDS)
    size = grey.shape[1::-1]
    total = np.zeros_like(grey)
    for band, share in zip(bands[:-1], noise_of_bands(_BANDS), strict=True):
        energy = np.square(band / (max(noise, 1e-3) * share))
        total += cv2.resize(energy, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(total / _BANDS, (0, 0), radius_px / 2), np.float32)


class DepthFinder:
    """Find the sharpest slice a pixel from slices given in the order of their focus.

    Parameters
    ----------
    shape : (int, int)
        Height and width.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._count = 0
        self._best = np.full(shape, -1.0, np.float32)
        self._at = np.zeros(shape, np.int16)
        self._below = np.zeros(shape, np.float32)
        self._above = np.zeros(shape, np.float32)
        self._last = np.zeros(shape, np.float32)
        self._total = np.zeros(shape, np.float32)

    def add(self, sharp: FloatArray, shown: NDArray[np.bool_]) -> None:
        """Take in the sharpness of the next slice, where the slice is `shown`."""
        sharp = np.where(shown, sharp, 0)
        follows = self._at == self._count - 1
        self._above[follows] = sharp[follows]
        better = sharp > self._best
        self._best[better] = sharp[better]
        self._below[better] = self._last[better]
        self._above[better] = 0
        self._at[better] = self._count
        self._last = sharp
        self._total += sharp
        self._count += 1

    def result(self, smoothing_px: float) -> FloatArray:
        """Return the place of best focus a pixel, in slices from 0, smoothed.

        Returns
        -------
        ndarray of float32, shape (height, width)
        """
        floor = 1e-3
        below, best, above = (
            np.log(np.maximum(each, floor)) for each in (self._below, self._best, self._above)
        )
        inner = (self._at > 0) & (self._at < self._count - 1)
        bend = 2 * best - below - above
        between = np.where(inner & (bend > 1e-6), (above - below) / (2 * np.maximum(bend, 1e-6)), 0)
        place = (self._at + np.clip(between, -0.5, 0.5)).astype(np.float32)
        usual = np.maximum(self._total / max(self._count, 1), 1)
        trust = np.clip((self._best - _ABOVE_MEAN * usual) / _CLEAR, 0, 1) ** 2
        return spread(place, trust.astype(np.float32), smoothing_px)


def spread(values: FloatArray, trust: FloatArray, smoothing_px: float) -> FloatArray:
    """Smooth values by their trust; where none is trusted, take what lies around.

    Normalised convolution (Knutsson and Westin 1993), at coarser and coarser levels where the
    finer ones know too little.
    """
    blur = max(smoothing_px, 0.3)
    weighted = cv2.GaussianBlur(values * trust, (0, 0), blur)
    known = cv2.GaussianBlur(trust, (0, 0), blur)
    levels = [(weighted, known)]
    while min(levels[-1][1].shape) > 2:
        levels.append((cv2.pyrDown(levels[-1][0]), cv2.pyrDown(levels[-1][1])))
    weighted, known = levels[-1]
    mean = weighted / np.maximum(known, 1e-9)
    for weighted, known in levels[-2::-1]:
        around = cv2.pyrUp(mean, dstsize=known.shape[1::-1])
        few = 0.02
        mean = (weighted + few * around) / (known + few)
    return np.asarray(mean, np.float32)


class DepthFusion:
    """Build a picture from slices given one after the other, each where it is sharpest.

    Parameters
    ----------
    depth : ndarray of float32, shape (height, width)
        In slices; between two slices, both are mixed.
    """

    def __init__(self, depth: FloatArray) -> None:
        self._depth = depth
        self._sum: FloatArray | None = None
        self._weight = np.zeros_like(depth)

    def add(self, number: int, slice_: FloatArray, shown: NDArray[np.bool_]) -> None:
        """Take in slice `number`, shape (height, width, channels), where it is `shown`."""
        share = np.clip(1 - np.abs(self._depth - number), 0, 1)
        share = np.where(shown, share + 1e-6, 1e-9).astype(np.float32)
        if self._sum is None:
            self._sum = np.zeros_like(slice_)
        self._sum += share[..., None] * slice_
        self._weight += share

    def result(self) -> FloatArray:
        """Return the picture, shape (height, width, channels)."""
        if self._sum is None:
            raise ValueError("DepthFusion: no slice was added.")
        return np.asarray(self._sum / self._weight[..., None], np.float32)
