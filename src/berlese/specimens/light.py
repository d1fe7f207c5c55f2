"""See a photo with dark corners, a shadow or light from one side as if it were lit evenly.

Contrast is measured in grey levels, and a beetle where half of the light falls has half of them.
Where the ground of the dish is bright beside the animals, its brightness tells how much light
falls, and every pixel is divided by what is lacking there: a flat-field correction by the photo's
own ground. Colours stay and nothing is made darker. A dish that is lit nearly evenly passes
unchanged, whatever lies around it.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import BandedPhoto
from berlese.specimens.dish import filled_around
from berlese.specimens.exposure import BRIGHT_GROUND, MOST_GAIN, TOP_SHARE
from berlese.specimens.floor import ground_of, stretched

FULL_SHARE = 90.0  # percentile of the ground's brightness that is called full light
DIM_SHARE = 5.0  # percentile that is compared with it
EVEN = 0.75  # of full light; photos in which dim ground has so much are left as they are
EDGE_REACH = 0.03  # of the longer side: so far a wide median blurs the edge of a shadow
STEEP = 0.25  # of full light, that it changes by within that; elsewhere faint legs would be lost

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


def uneven_light(
    overview: _Bytes, ground: _Bytes, inside: _Mask | None = None, scale: float = 1.0
) -> _Bytes | None:
    """Tell where how much light falls on a photo.

    Parameters
    ----------
    overview, ground : ndarray of uint8 of shape (height, width, 3)
        sRGB; a shrunk copy of the photo, and its ground.
    inside : ndarray of bool of shape (height, width), optional
        Where animals lie; the table around a dish may be as dark as it likes.
    scale : float
        Pixels of the overview over those of the photo.

    Returns
    -------
    ndarray of uint8 of shape (height, width, 3) or None
        Grey levels, the same in all channels; the highest are where light is full, as outside, and
        none is below a third of full light. None where light is even, or the ground is not bright.
    """
    if inside is None or not inside.any():
        inside = np.ones(overview.shape[:2], bool)
    grey, light = _grey(overview), _grey(ground)
    if _is_even(grey, light, inside):
        return None
    if not inside.all():  # perhaps the table reaches into the ground at the rim
        overview = filled_around(overview, ~inside)
        grey, light = _grey(overview), _grey(ground_of(overview, scale))
        if _is_even(grey, light, inside):
            return None
    full = np.floor(np.percentile(light[inside], FULL_SHARE))
    light = np.clip(_with_edges(light, grey), np.ceil(full / MOST_GAIN), full)
    light = np.where(inside, light, full).astype(np.uint8)
    return np.asarray(cv2.cvtColor(light, cv2.COLOR_GRAY2RGB))


def _is_even(grey: _Bytes, light: _Bytes, inside: _Mask) -> bool:
    """Tell whether there is nothing to even out, or the ground does not tell of the light."""
    dim, full = np.percentile(light[inside], [DIM_SHARE, FULL_SHARE])
    brightest = np.percentile(grey[inside], TOP_SHARE)
    return bool(dim >= EVEN * full or full < BRIGHT_GROUND * brightest)


def _grey(pixels: _Bytes) -> _Bytes:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _with_edges(light: _Bytes, grey: _Bytes) -> _Bytes:
    """Follow the sharp edges of shadows: the picture, within the light that falls nearby."""
    reach = max(1, round(EDGE_REACH * max(grey.shape)))
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    low, high = cv2.erode(light, square), cv2.dilate(light, square)
    followed = np.clip(cv2.medianBlur(grey, 5), low, high)
    return np.where(high - low > STEEP * float(light.max()), followed, light)


def evened(pixels: _Bytes, light: _Bytes, full: int) -> _Bytes:
    """Divide pixels by the share of `full` light that falls on each; what is above 255 is 255."""
    return np.asarray(cv2.divide(pixels, light, scale=full))


class Evened:
    """A photo read in bands, each pixel divided by the share of full light that falls on it.

    Parameters
    ----------
    photo : BandedPhoto
    light : ndarray of uint8 of shape (height, width, 3)
        As `uneven_light` tells it.
    """

    def __init__(self, photo: BandedPhoto, light: _Bytes) -> None:
        self._photo, self._full = photo, int(light.max())
        self._light = stretched(light, photo.width, photo.height)
        self.width, self.height = photo.width, photo.height

    def bands(self, rows: int) -> Iterator[_Bytes]:
        top = 0
        for pixels in self._photo.bands(rows):
            light = self._light.rows(top, top + len(pixels))
            yield evened(pixels, light, self._full)
            top += len(pixels)

    def shrunk(self, max_side: int) -> _Bytes:
        small = self._photo.shrunk(max_side)
        size = (small.shape[1], small.shape[0])
        light = cv2.resize(self._light.levels, size, interpolation=cv2.INTER_AREA)
        return evened(small, np.asarray(light, np.uint8), self._full)
