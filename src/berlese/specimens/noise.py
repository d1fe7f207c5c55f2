"""See a noisy photo as if less light had been amplified: smoothed as far as its noise asks for it.

Grains of noise are as strong as pale animals, and make ragged outlines of dark ones. The noise of
each block of rows is told by what no surface has, a change of curvature from pixel to pixel
(Immerkaer 1996, Computer Vision and Image Understanding 64, 300), and the smoothing follows it
without a step. A photo with little noise passes unchanged.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import BLOCK, BandedPhoto

QUIET = 4.0  # grey levels: noise up to this needs no smoothing
LOUD = 10.0  # and noise from this on all of it
MOST_RADIUS = 1.2  # pixels, the deviation of the Gaussian
LEAST_RADIUS = 0.3  # a narrower one changes nothing
REACH = 4  # pixels that the Gaussian reaches
_SAMPLED, _EVERY = 128, 1024  # columns looked at, and of how many
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_SPREAD = 6 * 0.6745  # median of the kernel's answer to white noise of deviation 1
_KEPT = 0.75  # of what was told of the rows above

_Bytes = NDArray[np.uint8]


def noise_of(pixels: _Bytes) -> float:
    """Deviation of the noise from pixel to pixel, in grey levels.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (h, w, 3)
        sRGB; its green channel is looked at, in columns spread over the width.
    """
    counts = np.zeros(256)
    for left in range(0, pixels.shape[1], _EVERY):
        green = np.ascontiguousarray(pixels[:, left : left + _SAMPLED, 1])
        if min(green.shape) < 3:
            continue
        curved = cv2.filter2D(green, cv2.CV_32F, _KERNEL)[1:-1, 1:-1]
        free = (green[1:-1, 1:-1] > 0) & (green[1:-1, 1:-1] < 255)
        strength = np.minimum(np.abs(curved[free]), 255).astype(np.uint8)
        counts += np.bincount(strength, minlength=256)
    if not counts.any():
        return 0.0
    below = np.cumsum(counts)
    middle = int(np.searchsorted(below, below[-1] / 2))
    within = (below[-1] / 2 - (below[middle] - counts[middle])) / counts[middle]
    return max(0.0, middle - 0.5 + float(within)) / _SPREAD


def radius_for(noise: float) -> float:
    """Deviation in pixels of the Gaussian that takes this much noise away; 0 for a quiet photo."""
    radius = MOST_RADIUS * min(1.0, (noise - QUIET) / (LOUD - QUIET))
    return radius if radius >= LEAST_RADIUS else 0.0


class Smoothed:
    """A photo read in bands, smoothed as far as its noise asks for it.

    The noise is told block by block from the top, so that bands of any height are smoothed alike.
    """

    def __init__(self, photo: BandedPhoto) -> None:
        self._photo = photo
        self.width, self.height = photo.width, photo.height

    def bands(self, rows: int) -> Iterator[_Bytes]:
        """Yield bands of `rows` rows, a multiple of `BLOCK`; the last may be lower."""
        noise: float | None = None
        above = np.zeros((0, self.width, 3), np.uint8)
        for pixels, below in _with_next(self._photo.bands(rows)):
            smooth = pixels
            for top in range(0, len(pixels), BLOCK):
                block = pixels[top : top + BLOCK]
                own = noise_of(block)
                noise = own if noise is None else _KEPT * noise + (1 - _KEPT) * own
                radius = radius_for(noise)
                if radius > 0:
                    if smooth is pixels:
                        smooth = pixels.copy()
                        framed = np.concatenate([above, pixels, below[:REACH]])
                    smooth[top : top + BLOCK] = _smoothed_rows(
                        framed, len(above) + top, len(block), radius
                    )
            above = pixels[-REACH:]
            yield smooth

    def shrunk(self, max_side: int) -> _Bytes:
        return self._photo.shrunk(max_side)


def _with_next(bands: Iterator[_Bytes]) -> Iterator[tuple[_Bytes, _Bytes]]:
    """Pair each band with the one below it, which is empty after the last."""
    band = next(bands, None)
    while band is not None:
        below = next(bands, None)
        yield band, band[:0] if below is None else below
        band = below


def _smoothed_rows(framed: _Bytes, first: int, count: int, radius: float) -> _Bytes:
    """Smooth some rows, with those around them that are there."""
    start = max(0, first - REACH)
    near = framed[start : first + count + REACH]
    size = (2 * REACH + 1, 2 * REACH + 1)
    smooth = cv2.GaussianBlur(near, size, radius, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(smooth[first - start :][:count], np.uint8)
