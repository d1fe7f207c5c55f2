"""Tell the dish from the animals: its rim, and the letters on its label."""

from bisect import bisect_right
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
DIRECTIONS = 720  # in which a rim is looked for
AGAINST_RIM = 20  # per cent of the directions in which animals may lie against it
LETTERS_IN_LINE = 5

_Mask = NDArray[np.bool_]


def dish_circle(found: _Mask) -> tuple[float, float, float] | None:
    """Find the dish by its rim: centre x and y, and the radius inside of it; None without rim.

    Parameters
    ----------
    found : ndarray of bool
        What differs from the ground.
    """
    rim = _hollow_pixels(found)
    return None if rim is None else _fit_circle(rim)


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
    sample = _innermost(points.astype(float))
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
    inner = float(np.percentile(residuals(fit.x)[near], AGAINST_RIM)) + radius
    return x, y, inner * 0.99


def _innermost(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels that face the dish: in each direction the nearest one to the middle.

    What surrounds a dish may be as wide as a bright table, and wider on one side.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    away = points - middle
    distance = np.hypot(*away.T)
    direction = np.floor(np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) * DIRECTIONS)
    order = np.lexsort((distance, direction))
    _, first = np.unique(direction[order], return_index=True)
    return np.asarray(points[order[first]])


def letters_among(boxes: Sequence[Box]) -> set[int]:
    """Indices of boxes that stand in a line like letters: alike, level and closely spaced."""
    letters: set[int] = set()
    order = sorted(range(len(boxes)), key=lambda number: boxes[number].left)
    lefts = [boxes[number].left for number in order]
    for start in order:
        line = [start]
        while True:
            box = boxes[line[-1]]
            near = bisect_right(lefts, box.left)
            far = bisect_right(lefts, box.right + box.height)
            after = (number for number in order[near:far] if _follows(box, boxes[number]))
            following = next(after, None)
            if following is None:
                break
            line.append(following)
        if len(line) >= LETTERS_IN_LINE:
            letters.update(line)
    return letters


def _follows(box: Box, other: Box) -> bool:
    """Tell whether `other` may be the next letter to the right of `box`."""
    alike = 0.6 < box.height / other.height < 1.6
    level = abs((box.top + box.bottom) - (other.top + other.bottom)) / 2 < 0.4 * box.height
    gap = other.left - box.right
    return alike and level and other.left > box.left and -0.3 < gap / box.height < 0.9
