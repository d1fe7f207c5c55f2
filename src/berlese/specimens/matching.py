"""Pair found animals with true ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from berlese.specimens.outline import Box


def match_boxes(
    found: Sequence[Box], truth: Sequence[Box], min_iou: float = 0.5
) -> list[tuple[int, int, float]]:
    """Pair boxes one to one so that the most pairs, then the best, reach `min_iou`.

    Returns
    -------
    list of (int, int, float)
        Index in `found`, index in `truth`, and their intersection over union.
    """
    if not found or not truth:
        return []
    ious = _ious(found, truth)
    worth = np.where(ious >= min_iou, 1.0 + ious, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (int(row), int(column), float(ious[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if ious[row, column] >= min_iou
    ]


def _ious(found: Sequence[Box], truth: Sequence[Box]) -> NDArray[np.float64]:
    """As `Box.iou`, of every pair at once: photos hold thousands of animals."""
    sides = ("left", "top", "right", "bottom")
    left, top, right, bottom = (
        [np.array([getattr(each, side) for each in boxes], float) for boxes in (found, truth)]
        for side in sides
    )
    across = np.minimum.outer(right[0], right[1]) - np.maximum.outer(left[0], left[1])
    down = np.minimum.outer(bottom[0], bottom[1]) - np.maximum.outer(top[0], top[1])
    shared = np.maximum(across, 0) * np.maximum(down, 0)
    areas = [np.array([each.area for each in boxes], float) for boxes in (found, truth)]
    ious: NDArray[np.float64] = shared / (np.add.outer(areas[0], areas[1]) - shared)
    return ious
