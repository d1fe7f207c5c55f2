"""Pair found animals with true ones."""

from collections.abc import Sequence

import numpy as np
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
    ious = np.array([[box.iou(true) for true in truth] for box in found])
    worth = np.where(ious >= min_iou, 1.0 + ious, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (int(row), int(column), float(ious[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if ious[row, column] >= min_iou
    ]
