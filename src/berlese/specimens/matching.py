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
    ious = ious_of(_sides(found), _sides(truth))
    worth = np.where(ious >= min_iou, 1.0 + ious, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (int(row), int(column), float(ious[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if ious[row, column] >= min_iou
    ]


def ious_of(found: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `Box.iou`, of every pair at once: photos hold thousands of animals.

    Parameters
    ----------
    found, others : ndarray of shape (n, 4), (m, 4)
        Left, top, right and bottom.

    Returns
    -------
    ndarray of shape (n, m)
    """
    low = np.maximum(found[:, None, :2], others[None, :, :2])
    high = np.minimum(found[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (found, others)]
    return np.asarray(shared / (np.add.outer(areas[0], areas[1]) - shared))


def _sides(boxes: Sequence[Box]) -> NDArray[np.float64]:
    return np.array([(each.left, each.top, each.right, each.bottom) for each in boxes], float)
