"""See whether slices come in the order of their focus, and which were blurred through.

Each slice is seen as the energy of its detail in the cells of a grid. Going through the focus,
every cell gets sharper up to its height and duller after it; so neighbours look alike, and no
slice may be duller than both some slice before it and some slice after it, anywhere.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.pyramid import laplacian, noise_of_bands

FloatArray = NDArray[np.float32]

_CELLS = 40  # of the grid's longer side
_DULLEST = 0.02  # share of all cells whose energy is taken for the noise's
_CLEAR = 4.0  # times the noise's energy, from which a cell shows something in its best slice
_DULLER = 0.7  # of the energy before and after, below which a cell speaks of a blurred slice
_TELLING = 8  # cells that are sharp before and after, at least, to call a slice blurred
_BLURRED_SHARE = 0.6  # of those cells
_SHORTER = 0.9  # of the way through the given order, below which another order is believed


def cells_of(grey: FloatArray) -> FloatArray:
    """Return the energy of fine detail a cell, as a picture of (rows, columns) of cells."""
    bands = laplacian(grey, 3)
    factor = _CELLS / max(grey.shape)
    size = (max(round(grey.shape[1] * factor), 2), max(round(grey.shape[0] * factor), 2))
    total = np.zeros(size[::-1], np.float32)
    for band, share in zip(bands[:-1], noise_of_bands(3), strict=True):
        energy = np.square(band / share)
        total += cv2.resize(energy, size, interpolation=cv2.INTER_AREA)
    return np.asarray(total / 3, np.float32)


@dataclass(frozen=True, slots=True)
class SliceOrder:
    """The order of the slices by focus, as numbers of the given order.

    Attributes
    ----------
    order : tuple of int
        Slices to fuse, in the order of their focus.
    blurred : tuple of int
        Slices that are sharp nowhere although slices on both sides are.
    changed : bool
        Whether the given order was another.
    """

    order: tuple[int, ...]
    blurred: tuple[int, ...]
    changed: bool


def find_order(cells: list[FloatArray]) -> SliceOrder:
    """Check the given order, and find a better one where it cannot be right.

    Parameters
    ----------
    cells : list of ndarray
        `cells_of` each slice, all of one shape.
    """
    energy = np.stack([each.ravel() for each in cells]).astype(float)
    energy /= max(float(np.quantile(energy, _DULLEST)), 1e-3)
    shows = energy.max(axis=0) >= _CLEAR
    given = list(range(len(cells)))
    if len(given) < 4 or shows.sum() < 4:
        return SliceOrder(tuple(given), (), changed=False)
    energy = energy[:, shows]
    order = _shortest_way(energy, given)
    blurred = _blurred(energy, given)
    kept = [number for number in given if number not in blurred]
    few = len(blurred) <= max(len(given) // 5, 1)
    if order != given and not (few and _shortest_way(energy, kept) == kept):
        blurred = _blurred(energy, order)
        kept = [number for number in order if number not in blurred]
    return SliceOrder(tuple(kept), tuple(sorted(blurred)), changed=kept != sorted(kept))


def _blurred(energy: NDArray[np.float64], order: list[int]) -> list[int]:
    found = []
    for place in range(1, len(order) - 1):
        before = energy[order[:place]].max(axis=0)
        after = energy[order[place + 1 :]].max(axis=0)
        expected = np.minimum(before, after)
        telling = expected >= _CLEAR
        duller = energy[order[place]] < _DULLER * expected
        if telling.sum() >= _TELLING and duller[telling].mean() > _BLURRED_SHARE:
            found.append(order[place])
    return found


def _shortest_way(energy: NDArray[np.float64], numbers: list[int]) -> list[int]:
    """Order slices so that neighbours look most alike; the given order unless clearly longer."""
    logs = np.log(energy + 1)
    apart = np.abs(logs[:, None] - logs[None]).mean(axis=2)

    def length(way: list[int]) -> float:
        return float(apart[way[:-1], way[1:]].sum())

    ways = [_improved(_nearest_first(apart, numbers, start), apart) for start in numbers]
    best = min(ways, key=lambda way: (round(length(way), 9), way))
    if length(best) >= _SHORTER * length(numbers):
        return numbers
    agreement = np.corrcoef(np.argsort(np.argsort(best)), np.arange(len(best)))[0, 1]
    return best if agreement >= 0 else best[::-1]


def _nearest_first(apart: NDArray[np.float64], numbers: list[int], start: int) -> list[int]:
    way, left = [start], [number for number in numbers if number != start]
    while left:
        way.append(min(left, key=lambda number: apart[way[-1], number]))
        left.remove(way[-1])
    return way


def _improved(way: list[int], apart: NDArray[np.float64]) -> list[int]:
    """Turn round parts of a way as long as that shortens it (2-opt on an open way)."""
    count = len(way)
    shorter = True
    while shorter:
        shorter = False
        for first in range(count - 1):
            for last in range(first + 1, count):
                before = apart[way[first - 1]] if first else None
                after = apart[way[last + 1]] if last + 1 < count else None
                change = 0.0
                if before is not None:
                    change += before[way[last]] - before[way[first]]
                if after is not None:
                    change += after[way[first]] - after[way[last]]
                if change < -1e-12:
                    way[first : last + 1] = way[first : last + 1][::-1]
                    shorter = True
    return way
