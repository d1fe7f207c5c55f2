"""See a dim or tinted photo as if its ground were lit by enough white light.

Contrast is measured in grey levels, and a beetle on a sheet that is half as bright has half of
them. Where the ground is what is bright, each channel is raised until the ground is a light grey,
as a camera's white balance does, or until the brightest pixels are nearly white; where animals
are much brighter than their ground, all channels are raised alike. Nothing is made darker.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import BandedPhoto
from berlese.specimens.floor import wide_median

GROUND_LEVEL = 220.0  # grey levels that a bright ground is brought to at most
TOP_LEVEL = 240.0  # the same of the brightest pixels, so that pale animals keep their contrast
TOP_SHARE = 99.9  # percentile of the pixels that is called brightest
BRIGHT_GROUND = 0.6  # of the brightest
MOST_GAIN = 3.0  # noise grows with it
LEAST_GAIN = 1.15  # what is so near to well lit is left as it is

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float64]


def gains_of(overview: _Bytes) -> _Floats:
    """Say by what each channel has to be multiplied.

    Parameters
    ----------
    overview : ndarray of uint8 of shape (height, width, 3)
        sRGB; a shrunk copy of the photo.

    Returns
    -------
    ndarray of float64 of shape (3,)
        From 1 to `MOST_GAIN`; all 1 where the photo is lit well.
    """
    tops = np.maximum(np.percentile(overview.reshape(-1, 3), TOP_SHARE, axis=0), 1.0)
    ground = np.median(wide_median(overview).reshape(-1, 3), axis=0)
    if ground.max() >= BRIGHT_GROUND * tops.max():
        gains = np.minimum(GROUND_LEVEL / np.maximum(ground, 1.0), TOP_LEVEL / tops)
    else:
        gains = np.full(3, TOP_LEVEL / tops.max())
    gains = np.clip(gains, 1.0, MOST_GAIN)
    return gains if gains.max() >= LEAST_GAIN else np.ones(3)


def raised(pixels: _Bytes, gains: _Floats) -> _Bytes:
    """Multiply the channels of pixels of shape (height, width, 3); what is above 255 is 255."""
    if (gains == 1).all():
        return pixels
    levels = np.clip(np.rint(np.arange(256)[:, None] * gains), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, levels[None]))


class Exposed:
    """A photo read in bands, with its channels multiplied by `gains`."""

    def __init__(self, photo: BandedPhoto, gains: _Floats) -> None:
        self._photo, self._gains = photo, gains
        self.width, self.height = photo.width, photo.height

    def bands(self, rows: int) -> Iterator[_Bytes]:
        for pixels in self._photo.bands(rows):
            yield raised(pixels, self._gains)

    def shrunk(self, max_side: int) -> _Bytes:
        return raised(self._photo.shrunk(max_side), self._gains)
