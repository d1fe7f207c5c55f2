"""See which slices had something in front of the lens, or no light.

Defocus moves light a little way but makes none and takes none: seen coarsely, all slices of a
stack are alike but for the lamp's flicker. A hand, a pipette or a cap changes a part of one slice
by far more than that, and is itself out of focus, so that sharpness does not tell. Each slice is
therefore held against what the others have at each place of a coarse grid, a channel at a time.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.brightness import brightness

FloatArray = NDArray[np.float32]

_CELLS = 12  # of the grid's longer side: coarser than blur reaches
_FROM = 4  # slices, from which the others tell what is usual
_CHANGED = 0.35  # of the light at a place, by which it may not differ
_SPREAD = 4.0  # times the usual difference at a place, too
_PART = 0.03  # of the picture, from which something is in front of the lens
_MOST = 0.5  # from which it is another scene
_DARK = 0.4  # of the usual brightness, below which there was too little light


def light_of(pixels: NDArray[np.generic]) -> FloatArray:
    """Return the light in each cell of a coarse grid, shape (rows, columns, bands)."""
    height, width = pixels.shape[:2]
    factor = _CELLS / max(height, width)
    size = (max(round(width * factor), 2), max(round(height * factor), 2))
    cells = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cells, np.float32).reshape(size[1], size[0], -1)


def covered(lights: Sequence[FloatArray]) -> dict[int, str]:
    """Say which slices do not show what the others do, and how.

    Parameters
    ----------
    lights : sequence of ndarray
        `light_of` each slice, all of one shape.

    Returns
    -------
    dict of int to str
        What is wrong with each such slice, in words.
    """
    if len(lights) < _FROM:
        return {}
    light = np.stack(lights).astype(float)
    overall = np.array([np.median(brightness(each)) for each in lights])
    usual = max(float(np.median(overall)), 1e-6)
    found = {
        int(number): (
            f"is dark: {overall[number] / usual:.0%} as bright as the other slices. Left out; did "
            "the lamp fail, or was the lens covered?"
        )
        for number in np.flatnonzero(overall < _DARK * usual)
    }
    sound = [number for number in range(len(lights)) if number not in found]
    if len(sound) < _FROM:
        return found
    seen = light[sound]
    middle = np.median(seen, axis=0)
    ratio = seen / np.maximum(middle, 1e-3 * float(middle.max()) + 1e-9)
    ratio /= np.median(ratio, axis=(1, 2), keepdims=True)  # the lamp, a channel
    off = np.abs(np.log(np.maximum(ratio, 1e-3)))
    usual_off = np.median(off, axis=0)
    changed = (off > np.maximum(np.log(1 + _CHANGED), _SPREAD * usual_off)).any(axis=3)
    shares = changed.mean(axis=(1, 2))
    for number, share in zip(sound, shares.tolist(), strict=True):
        if share >= _MOST:
            found[number] = (
                f"does not show the scene of the other slices: it is unlike them in {share:.0%} of "
                "the picture. Left out; is it of another stack, or was the lens covered?"
            )
        elif share >= _PART:
            found[number] = (
                f"shows something else than the other slices in {share:.0%} of the picture, out of "
                "focus: a hand or a tool in front of the lens? Left out."
            )
    return found
