"""How the ground between the animals is lit: level, burnt parts, tint and evenness.

A small copy of the photo is enough, and only the ground where animals lie counts: the table
beside the dish, its rim and a label may look as they like.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BURNT = 253  # grey levels; a small copy mixes burnt pixels with their neighbours
N_CELLS = 6  # a side, in which the light is compared
LEAST_CELL = 0.4  # of a cell that must be ground
AROUND = 0.02  # of the longer side: so near to an animal its shadow lies
NO_LIGHT = 1e-3  # of white: where all is darker, nothing is said of evenness
MIDDLE = 0.35  # of the shorter side: radius that is looked at where fewer than 3 animals lie

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground between the animals of one photo.

    Attributes
    ----------
    level : float
        Median lightness, CIELAB L from 0 to 100.
    red_green, yellow_blue : float
        Median tint, CIELAB a and b; 0 is neutral, above is red or yellow.
    burnt : float
        Share that is white and so holds no detail.
    evenness : float
        Light in the darkest part over that in the brightest, 0 to 1, in linear light.
    brightest, darkest : float
        Lightness that a thousandth of the whole photo exceeds, and stays below.
    """

    level: float
    red_green: float
    yellow_blue: float
    burnt: float
    evenness: float
    brightest: float
    darkest: float


def look_at_ground(small: NDArray[np.uint8], outlines: Sequence[NDArray[np.float64]]) -> Ground:
    """Look at the ground of one photo.

    Parameters
    ----------
    small : ndarray of uint8 of shape (height, width, 3)
        A small copy of the photo, sRGB.
    outlines : sequence of ndarray of float64 of shape (n, 2)
        The animals, in pixels of the small copy.
    """
    ground = ground_between(small.shape[:2], outlines)
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    own = lab[ground]
    level, red_green, yellow_blue = np.median(own, axis=0)
    return Ground(
        level=float(level),
        red_green=float(red_green),
        yellow_blue=float(yellow_blue),
        burnt=float((small[ground].min(axis=1) >= BURNT).mean()),
        evenness=_evenness(lab[..., 0], ground),
        brightest=float(np.percentile(lab[..., 0], 99.9)),
        darkest=float(np.percentile(lab[..., 0], 0.1)),
    )


def ground_between(shape: tuple[int, int], outlines: Sequence[NDArray[np.float64]]) -> _Mask:
    """Tell which pixels are ground: around the animals, but none of them."""
    height, width = shape
    area = np.zeros(shape, np.uint8)
    if len(outlines) < 3:
        radius = round(MIDDLE * min(shape))
        cv2.circle(area, (width // 2, height // 2), radius, 1, -1)
    else:
        hull = cv2.convexHull(np.vstack(outlines).astype(np.float32))
        cv2.fillConvexPoly(area, hull.round().astype(np.int32), 1)
    animals = np.zeros(shape, np.uint8)
    for outline in outlines:
        cv2.fillPoly(animals, [outline.round().astype(np.int32)], 1)
    side = 2 * max(1, round(AROUND * max(shape))) + 1
    near = cv2.dilate(animals, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    ground = (area > 0) & (near == 0)
    if ground.any():
        return ground
    return animals == 0 if (animals == 0).any() else np.ones(shape, bool)


def _evenness(lightness: NDArray[np.float32], ground: _Mask) -> float:
    """Compare the light in the cells of a grid: the darkest but one with the brightest but one."""
    linear = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    rows, columns = np.nonzero(ground)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    medians = []
    for down in np.array_split(np.arange(top, bottom), N_CELLS):
        for across in np.array_split(np.arange(left, right), N_CELLS):
            if len(down) == 0 or len(across) == 0:
                continue
            cell = np.s_[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
            if ground[cell].mean() >= LEAST_CELL:
                medians.append(float(np.median(linear[cell][ground[cell]])))
    ordered = np.sort(medians)
    if len(medians) < 4 or ordered[-2] < NO_LIGHT:
        return 1.0
    return float(ordered[1] / ordered[-2])
