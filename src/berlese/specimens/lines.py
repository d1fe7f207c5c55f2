"""See faint lines: legs and antennae of which no pixel stands out of the noise by itself.

A leg of two pixels that differs from the ground by six grey levels is plain to the eye, for it
goes on; pixel by pixel it is no more than a shade, which is held to be ground. Along a line the
contrast curves across it much more than noise does anywhere: the most negative eigenvalue of its
Hessian with its sign turned, times the variance of the Gaussian that it is smoothed with, is the
strength of a ridge (Lindeberg 1998, International Journal of Computer Vision 30, 117). Two widths
are looked for, on copies of half and of a quarter of the size.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Rows above and below that lines in a row depend on: 6 of the smaller copy, and one of what the
# contrast is smoothed with before; a multiple of 4.
REACH = 28
DEVIATION = 1.2  # pixels of a copy, of the Gaussian
LEAST_STRENGTH = 0.8  # grey levels
OVER_NOISE = 10.0  # times the median size of the strength in a block
LEAST_LINE_CONTRAST = 4  # grey levels
# Of the strongest pixel within three: what has less is the foot of a slope, or the pale ring that
# sharpening and JPEG leave around what is dark.
SHARE = 0.5
_NEAR = np.ones((7, 7), np.uint8)
_SIDE = 4  # pixels of the photo that one of the smaller copy stands for
_BORDER = 5  # pixels of a copy that the Gaussian and the differences reach

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def lines_in(contrast: _Bytes, rows: slice, block: int) -> _Mask:
    """Tell which pixels of some rows of a photo are of a line.

    Parameters
    ----------
    contrast : ndarray of uint8 of shape (h, w)
        Slightly smoothed, of these rows, and of `REACH` rows above and below, or as many as the
        photo has there. Its first row is one of every fourth of the photo.
    rows : slice
        Of `contrast`.
    block : int
        Side in pixels of the blocks, from the first of these rows on, that each have their own
        noise; a multiple of 8.

    Returns
    -------
    ndarray of bool of shape (rows, w)
        The photo's last pixels on the right and below that fill no square of four show none.
    """
    height, width = (side // _SIDE * _SIDE for side in contrast.shape)
    lines = np.zeros(contrast[rows].shape, bool)
    if not height or not width:
        return lines
    half = _halved(contrast[:height, :width])
    coarse = cv2.resize(_strength(_halved(half)), half.shape[::-1], interpolation=cv2.INTER_LINEAR)
    own = slice(rows.start // 2, -(-rows.stop // 2))
    found = _above_noise(_strength(half)[own], block // 2)
    found |= _above_noise(np.asarray(coarse[own], np.float32), block // 2)
    whole = found.repeat(2, axis=0).repeat(2, axis=1)[: len(lines)]
    lines[: len(whole), :width] = whole
    strongest = cv2.dilate(contrast, _NEAR)[rows]
    own_contrast = contrast[rows]
    lines &= (own_contrast >= LEAST_LINE_CONTRAST) & (own_contrast > strongest * np.float32(SHARE))
    return lines


def _halved(picture: NDArray[Any]) -> _Floats:
    rows = np.add(picture[::2], picture[1::2], dtype=np.float32)
    return np.asarray((rows[:, ::2] + rows[:, 1::2]) / 4, np.float32)


def _strength(picture: _Floats) -> _Floats:
    """Strength of the ridge at each pixel; 0 on an even slope, less in a pit.

    Beyond its sides the picture goes on as it comes there, so that no slope has a crest there.
    """
    framed = np.pad(picture, _BORDER, mode="reflect", reflect_type="odd")
    smooth = cv2.GaussianBlur(framed, (9, 9), DEVIATION)
    # Sobel's kernel of 3 x 3 is four times the second difference.
    xx, yy, xy = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((2, 0), (0, 2), (1, 1)))
    apart = cv2.magnitude((xx - yy) / 2, xy)
    strength = (apart - (xx + yy) / 2) * np.float32(DEVIATION**2 / 4)
    return np.asarray(strength[_BORDER:-_BORDER, _BORDER:-_BORDER], np.float32)


def _above_noise(strength: _Floats, block: int) -> _Mask:
    """Tell where the strength is more than noise makes it in the same block."""
    wide = np.pad(strength, ((0, 0), (0, -strength.shape[1] % block)), mode="symmetric")
    found = np.empty(wide.shape, bool)
    for top in range(0, len(wide), block):
        part = wide[top : top + block]
        blocks = np.abs(part[::2, ::2]).reshape(-(-len(part) // 2), -1, block // 2)
        noise = np.median(blocks, axis=(0, 2))
        least = np.maximum(OVER_NOISE * noise, LEAST_STRENGTH).astype(np.float32)
        found[top : top + block] = part > least.repeat(block)
    return found[:, : strength.shape[1]]
