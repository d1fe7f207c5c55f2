"""What the photo would be without animals, and how far each pixel differs from that.

The ground is estimated on a small copy, at two scales: a wide median, which no animal can pull
along, and, where nothing lies, a close mean that follows clouds in the liquid and soft shadows.
Contrast is in grey levels (0 to 255): half by brightness, half by the channel that differs most,
so that yellowish translucent animals count as much as dark ones.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# Pixels of the longer side of the small copy: so many of the photo's, between these.
OVERVIEW_SHARE = 0.4
LEAST_OVERVIEW, MOST_OVERVIEW = 1024, 2048
_COARSE_SIDE = 192
_COARSE_WINDOW = 0.34  # of that side; an animal may cover half of the window
_CLOSE = 0.012  # of the overview's longer side: reach of the close mean
_CLOSE_PX = 30.0  # most that it reaches, in pixels of the photo, however large that is
_LIES = 5.0  # grey levels beyond which something may lie on the ground

Polarity = str
_Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """The empty photo, held as small as it was estimated.

    Attributes
    ----------
    levels : ndarray of uint8 of shape (overview height, overview width, 3)
    width, height : int
        Of the photo.
    """

    levels: _Bytes
    width: int
    height: int

    def rows(self, top: int, bottom: int) -> _Bytes:
        """Floor of the photo's rows from `top` to `bottom` (exclusive)."""
        return self.strip(top, bottom).crop(slice(0, bottom - top), slice(None))

    def strip(self, top: int, bottom: int) -> "Strip":
        """Floor of the photo's rows from `top` to `bottom` (exclusive), in little memory."""
        count = len(self.levels)
        step = max(1, self.height // (3 * count))  # rows that may share one: far less than noise
        first, last = top // step, -(-bottom // step)
        places = (np.arange(first, last) + 0.5) * (step * count / self.height) - 0.5
        places = np.clip(places, 0, count - 1)
        above = np.minimum(places.astype(int), max(count - 2, 0))
        near = self.levels[above[0] : above[-1] + 2]
        wide = cv2.resize(near, (self.width, len(near)), interpolation=cv2.INTER_LINEAR)
        result = np.empty((last - first, self.width, 3), np.uint8)
        for row, (number, share) in enumerate(zip(above - above[0], places - above, strict=True)):
            below = wide[min(number + 1, len(wide) - 1)]
            cv2.addWeighted(wide[number], 1 - share, below, share, 0, result[row])
        return Strip(result, np.arange(top, bottom) // step - first)


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Floor of some rows of a photo, of which neighbours share one.

    Attributes
    ----------
    levels : ndarray of uint8 of shape (k, photo width, 3)
    shared : ndarray of int of shape (rows,)
        Which of the k each row has.
    """

    levels: _Bytes
    shared: NDArray[np.intp]

    def crop(self, rows: slice, columns: slice) -> _Bytes:
        """Floor of a box of the strip."""
        return np.asarray(self.levels[:, columns][self.shared[rows]])


def stretched(levels: _Bytes, width: int, height: int) -> Floor:
    """Take the ground of a shrunk copy for that of the photo of `width` x `height` pixels."""
    return Floor(levels, width, height)


def overview_side(width: int, height: int) -> int:
    """Longer side that a photo's small copy has at most."""
    side = OVERVIEW_SHARE * max(width, height)
    return round(min(max(side, LEAST_OVERVIEW), MOST_OVERVIEW))


def ground_of(overview: _Bytes, scale: float = 1.0) -> _Bytes:
    """Estimate the ground of a small picture, at its own size.

    Parameters
    ----------
    overview : ndarray of uint8 of shape (height, width, 3)
    scale : float
        Its pixels over those of the photo that it is a copy of.
    """
    coarse = wide_median(overview)
    reach = max(2.0, min(_CLOSE * max(overview.shape[:2]), _CLOSE_PX * scale))
    ground = coarse
    for _ in range(2):
        lies = contrast_of(overview, ground) > _LIES + 4 * _noise(overview, ground)
        near = cv2.dilate(lies.astype(np.uint8), np.ones((5, 5), np.uint8))
        support, close = _close_mean(overview, (1 - near).astype(np.float32), reach)
        trust = np.clip(support / 0.25, 0, 1)[..., None]
        mixed = close * trust + coarse * (1 - trust)
        ground = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return ground


def _close_mean(
    overview: _Bytes, free: NDArray[np.float32], reach: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share of the surroundings that is free, and their mean colour.

    On a copy that is coarser by half of the reach: a blur of that reach loses nothing there.
    """
    height, width = free.shape
    coarser = max(1.0, reach / 2)
    size = (max(1, round(width / coarser)), max(1, round(height / coarser)))
    planes = np.dstack([overview * free[..., None], free])
    small = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), reach * size[0] / width)
    near = np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )
    support = near[..., 3]
    mean = near[..., :3] / np.maximum(support, np.float32(1e-3))[..., None]
    return support, np.asarray(mean, np.float32)


def wide_median(overview: _Bytes) -> _Bytes:
    """Median of a wide window around each pixel of a small picture."""
    height, width = overview.shape[:2]
    factor = min(1.0, _COARSE_SIDE / max(height, width))
    size = (max(16, round(width * factor)), max(16, round(height * factor)))
    small = cv2.resize(overview, size, interpolation=cv2.INTER_AREA)
    window = round(max(size) * _COARSE_WINDOW) | 1
    smooth = cv2.GaussianBlur(cv2.medianBlur(small, window), (0, 0), 3)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR))


def _noise(picture: _Bytes, ground: _Bytes) -> float:
    return float(np.median(contrast_of(picture, ground)[::3, ::3]))


def contrast_of(pixels: _Bytes, ground: _Bytes, polarity: str = "auto") -> _Bytes:
    """How far pixels differ from the ground: both ways, or only darker, or only lighter.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (height, width, 3)
    polarity : {"auto", "dark", "light"}

    Returns
    -------
    ndarray of uint8 of shape (height, width)
    """
    if polarity == "dark":
        away = cv2.subtract(ground, pixels)
    elif polarity == "light":
        away = cv2.subtract(pixels, ground)
    else:
        away = cv2.absdiff(pixels, ground)
    red, green, blue = cv2.split(away)
    most = cv2.max(cv2.max(red, green), blue)
    return np.asarray(cv2.addWeighted(cv2.cvtColor(away, cv2.COLOR_RGB2GRAY), 0.5, most, 0.5, 0))
