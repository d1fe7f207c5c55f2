"""Where labels stand on a photo: beside their animals, on no animal and on no other label.

Places are sought on a coarse grid, a few cells to a line of text: of those that are free, the one
nearest to the animal, and rather one that is nearer to it than to any other. Where there is no
room, the label stands where it hides least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CELLS_A_LINE = 5  # of the grid, in the height of a label
FAR = 1.0  # heights of a label, from which on a line leads to the animal
ASIDE = 0.02  # cost of a cell away from the place above the animal, between places alike

Grid = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label on a photo, in the photo's pixels.

    Attributes
    ----------
    left, top, width, height : float
    line : ((float, float), (float, float)) or None
        From the label to its animal, where it stands off or nearer to another.
    """

    left: float
    top: float
    width: float
    height: float
    line: tuple[Point, Point] | None

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


def place_labels(
    polygons: Sequence[NDArray[np.float64]],
    sizes: Sequence[tuple[float, float]],
    width: float,
    height: float,
) -> list[PlacedLabel]:
    """Find a place for the label of each animal.

    Parameters
    ----------
    polygons : sequence of ndarray of float64 of shape (n, 2)
        Outlines, x and y in pixels of the photo.
    sizes : sequence of (float, float)
        Width and height of each label.
    width, height : float
        Of the photo.
    """
    if not polygons:
        return []
    cell = max(min(tall for _, tall in sizes) / CELLS_A_LINE, 1e-6)
    shape = (int(np.ceil(height / cell)), int(np.ceil(width / cell)))
    animals = [_filled(polygon / cell, shape) for polygon in polygons]
    owner = np.zeros(shape, np.int32)
    for number, (box, mask) in enumerate(animals, start=1):
        owner[box][mask > 0] = number
    labels = np.zeros(shape, np.uint8)
    placed = []
    for number, (polygon, (wide, tall)) in enumerate(zip(polygons, sizes, strict=True), start=1):
        cells = (
            min(int(np.ceil(wide / cell)) + 1, shape[1]),
            min(int(np.ceil(tall / cell)) + 1, shape[0]),
        )
        left, top, beside = _place(owner, labels, number, animals[number - 1], cells)
        labels[top : top + cells[1], left : left + cells[0]] = 1
        x = min(left * cell, max(width - wide, 0.0))
        y = min(top * cell, max(height - tall, 0.0))
        line = None if beside else _line((x, y, wide, tall), polygon)
        placed.append(PlacedLabel(x, y, wide, tall, line))
    return placed


def _filled(
    polygon: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[tuple[slice, slice], Grid]:
    """Cells that an outline covers or touches, in the window of the grid that holds it."""
    points = np.floor(polygon).astype(np.int32)
    limit = np.array([shape[1] - 1, shape[0] - 1])
    points = np.clip(points, 0, limit)
    first, last = points.min(axis=0), points.max(axis=0)
    mask = np.zeros((last[1] - first[1] + 1, last[0] - first[0] + 1), np.uint8)
    cv2.fillPoly(mask, [points - first], 1)
    cv2.polylines(mask, [points - first], True, 1)
    return (slice(first[1], last[1] + 1), slice(first[0], last[0] + 1)), mask


def _place(
    owner: NDArray[np.int32],
    labels: Grid,
    number: int,
    animal: tuple[tuple[slice, slice], Grid],
    cells: tuple[int, int],
) -> tuple[int, int, bool]:
    """Find a label's left and top cell, and tell whether it stands beside its animal."""
    (wide, tall), (box, mask) = cells, animal
    whole = np.zeros(owner.shape, bool)
    whole[box] = mask > 0
    others = (owner > 0) & (owner != number) & ~whole
    reach = wide + 2 * tall
    while True:
        top, left = max(box[0].start - reach, 0), max(box[1].start - reach, 0)
        rows, columns = slice(top, box[0].stop + reach), slice(left, box[1].stop + reach)
        window = (whole[rows, columns], others[rows, columns], labels[rows, columns] > 0)
        found = _in_window(*window, cells)
        if found is not None and (window[0].shape == owner.shape or found[3] == 0):
            return left + found[0], top + found[1], found[2]
        reach *= 2


def _in_window(
    mine: Mask, others: Mask, labels: Mask, cells: tuple[int, int]
) -> tuple[int, int, bool, int] | None:
    """Find the best place in a window: left, top, whether beside its animal, cells hidden."""
    wide, tall = cells
    if mine.shape[0] < tall or mine.shape[1] < wide:
        return None
    clear = cv2.dilate((mine | others).astype(np.uint8), np.ones((3, 3), np.uint8))
    sums = cv2.integral(((clear > 0) | labels).astype(np.uint8))
    hidden = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    own, other = _gap(mine, cells), _gap(others, cells)
    top, left = np.indices(hidden.shape)
    at_y, at_x = np.nonzero(mine)
    aside = np.abs(left + wide / 2 - at_x.mean()) + np.maximum(top + tall - at_y.min(), 0)
    # What is hidden counts before all else.
    cost = own + np.maximum(own - other, 0) + ASIDE * aside + 1e6 * hidden
    y, x = np.unravel_index(int(np.argmin(cost)), cost.shape)
    beside = own[y, x] <= max(FAR * tall, 1) and own[y, x] <= other[y, x]
    return int(x), int(y), bool(beside), int(hidden[y, x])


def _gap(mask: Mask, cells: tuple[int, int]) -> NDArray[np.float32]:
    """Distance in cells from a label at each place to the nearest cell of a mask."""
    wide, tall = cells
    if not mask.any():
        return np.full((mask.shape[0] - tall + 1, mask.shape[1] - wide + 1), 1e5, np.float32)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    nearest = cv2.erode(away, np.ones((tall, wide), np.uint8), anchor=(0, 0))
    rows, columns = mask.shape[0] - tall + 1, mask.shape[1] - wide + 1
    return np.asarray(nearest[:rows, :columns], np.float32)


def _line(
    label: tuple[float, float, float, float], polygon: NDArray[np.float64]
) -> tuple[Point, Point]:
    """Lead from the edge of a label to the nearest point of an outline."""
    left, top, wide, tall = label
    edge = np.clip(polygon, (left, top), (left + wide, top + tall))
    nearest = int(np.argmin(((polygon - edge) ** 2).sum(axis=1)))
    (x, y), (to_x, to_y) = edge[nearest].tolist(), polygon[nearest].tolist()
    return (x, y), (to_x, to_y)
