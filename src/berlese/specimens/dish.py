"""Tell the dish from the animals: its rim, scratches, and the letters on its label."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from berlese.specimens.outline import Box

RIM_SPAN = 0.3  # of the photo's shorter side: what reaches so far and is hollow may be a rim
RIM_FILL = 0.2  # of its frame that a rim covers at most
RIM_BAND = 0.04  # of the radius: how far from the circle a rim's pixels lie
RIM_SHARE = 0.6  # of the pixels that must lie in that band
RIM_ARC = 18  # of 36 directions in which a rim must be seen
LINE_SLENDER = 12.0  # length over thickness of a hair or a scratch
FIBRE_SLENDER = 4.8  # the same of a fibre, for objects below `FIBRE_SPAN` smallest lengths
FIBRE_SPAN = 2.0
LETTERS_IN_LINE = 5

_Mask = NDArray[np.bool_]


def inside_of_rim(found: _Mask) -> _Mask:
    """Tell where animals can lie: inside the dish, off its rim; everywhere if no rim is seen."""
    height, width = found.shape
    rim = _hollow_pixels(found)
    circle = None if rim is None else _fit_circle(rim)
    if circle is None:
        return np.ones(found.shape, bool)
    x, y, inner = circle
    rows, columns = np.ogrid[:height, :width]
    return np.asarray(np.hypot(columns - x, rows - y) < inner)


def _hollow_pixels(found: _Mask) -> NDArray[np.int64] | None:
    """Pixels (x, y) of all large hollow objects."""
    span = RIM_SPAN * min(found.shape)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    rims = []
    for label in range(1, count):
        left, top, width, height, area = stats[label]
        if max(width, height) < span or area > RIM_FILL * width * height:
            continue
        rows, columns = np.nonzero(labels[top : top + height, left : left + width] == label)
        rims.append(np.column_stack([columns + left, rows + top]))
    return np.concatenate(rims) if rims else None


def _fit_circle(points: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """Centre and inner radius of the rim that most points form; None where they form none."""
    sample = points[:: max(1, len(points) // 4000)].astype(float)
    middle = (sample.min(axis=0) + sample.max(axis=0)) / 2
    start = np.array([*middle, np.hypot(*(sample - middle).T).mean()])

    def residuals(circle: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.hypot(*(sample - circle[:2]).T) - circle[2])

    fit = least_squares(residuals, start, loss="soft_l1", f_scale=0.01 * start[2])
    x, y, radius = (float(value) for value in fit.x)
    near = np.abs(residuals(fit.x)) < RIM_BAND * radius
    angles = np.arctan2(sample[near, 1] - y, sample[near, 0] - x)
    seen = len(np.unique(np.floor(angles / (2 * np.pi) * 36)))
    if near.mean() < RIM_SHARE or seen < RIM_ARC:
        return None
    inner = float(np.percentile(residuals(fit.x)[near], 2)) + radius
    return x, y, inner * 0.99


def thickness_of(mask: _Mask) -> float:
    """Diameter of the largest disc that fits into an object, in pixels."""
    framed = np.pad(mask.astype(np.uint8), 1)
    return float(2 * cv2.distanceTransform(framed, cv2.DIST_L2, 5).max() - 1)


def is_line(mask: _Mask, smallest: float) -> bool:
    """Tell a hair, a scratch, a fibre or a piece of rim: long, and thin everywhere.

    Parameters
    ----------
    mask : ndarray of bool
    smallest : float
        Least length of an animal; shorter objects need to be less slender to be one.
    """
    thickness = max(thickness_of(mask), 1.0)
    span = float(np.hypot(*mask.shape))
    if span < FIBRE_SPAN * smallest and span / thickness > FIBRE_SLENDER:
        return True
    return float(mask.sum()) / thickness**2 > LINE_SLENDER


def letters_among(boxes: Sequence[Box]) -> set[int]:
    """Indices of boxes that stand in a line like letters: alike, level and closely spaced."""
    letters: set[int] = set()
    order = sorted(range(len(boxes)), key=lambda number: boxes[number].left)
    for start in order:
        line = [start]
        for number in order:
            if _follows(boxes[line[-1]], boxes[number]):
                line.append(number)
        if len(line) >= LETTERS_IN_LINE:
            letters.update(line)
    return letters


def _follows(box: Box, other: Box) -> bool:
    """Tell whether `other` may be the next letter to the right of `box`."""
    alike = 0.6 < box.height / other.height < 1.6
    level = abs((box.top + box.bottom) - (other.top + other.bottom)) / 2 < 0.4 * box.height
    gap = other.left - box.right
    return alike and level and other.left > box.left and -0.3 < gap / box.height < 0.9
