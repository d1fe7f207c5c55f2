"""Put tiles of a stage together whose names tell nothing, as one puts a jigsaw together.

A stage moves by two steps: one along the rows, one down the columns. Where some neighbours show
enough to be sure of, the steps are known, and each tile can be tried on all sides of each other
one near its step. What an overlap says is a likelihood ratio: that both tiles show one place,
against two. A tile is laid where the neighbours laid before say so together, and by far more than
for any other tile there, or for that tile elsewhere; what is left has no place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.photos.tile_names import Place
from berlese.photos.tile_pairs import ENOUGH, SMALL_SIDE
from berlese.photos.tile_texture import OVERSTATED, match

Numbers = NDArray[np.float64]

SIDES: tuple[Place, ...] = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Rows and columns from a tile to its neighbours: right, below, left, above."""

NEAR = 0.055
"""Share of a tile's longer side, by which a step may differ from the usual one."""

_SIDEWAYS = 0.25  # of a tile's side, below which a shift is along a row or a column
_AGREEING = 0.5  # of the pairs along an axis, at least, which must have the usual step
_AHEAD = 4.0  # nats before any other tile or place
_SETTLED = 7.0  # nats before any other shift, where a neighbour is beyond doubt
_AGAINST = -3.0  # nats of a tile where another is beyond doubt


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What the overlaps of all pairs say.

    Attributes
    ----------
    nats : ndarray of float64, shape (4, n, n)
        For each of `SIDES`, that the tile of the column lies there beside the tile of the row:
        logarithm of the likelihood ratio.
    shifts : ndarray of float64, shape (4, n, n, 2)
        And where: right and down, in pixels of what was compared.
    """

    nats: Numbers
    shifts: Numbers


def usual_steps(shifts: Iterable[Numbers]) -> tuple[Numbers, Numbers] | None:
    """Find the step along rows and the one down columns that most shifts agree on.

    Parameters
    ----------
    shifts : iterable of ndarray of float64, shape (2,)
        Of pairs that look alike, right and down, in small pixels.

    Returns
    -------
    (ndarray, ndarray) or None
        None where no two shifts along an axis agree, or where most disagree: no stage then.
    """
    found = []
    given = np.array(list(shifts), np.float64).reshape(-1, 2)
    for axis in (0, 1):
        along = given[
            (np.abs(given[:, 1 - axis]) < _SIDEWAYS * SMALL_SIDE)
            & (np.abs(given[:, axis]) > _SIDEWAYS * SMALL_SIDE)
        ]
        along = along * np.sign(along[:, axis : axis + 1])
        if len(along) < 2:
            return None
        near = np.abs(along[:, None] - along[None]).max(axis=2) <= NEAR * SMALL_SIDE
        centre = int(np.argmax(near.sum(axis=1)))
        if near[centre].sum() < max(2, _AGREEING * len(along)):
            return None
        found.append(np.median(along[near[centre]], axis=0))
    return found[0], found[1]


def sides_of(
    details: Sequence[NDArray[np.floating[Any]]],
    steps: tuple[Numbers, Numbers],
    alike: Mapping[tuple[int, int], float] = MappingProxyType({}),
    advance: Callable[[int], None] = lambda count: None,
) -> Sides:
    """Try each tile on all sides of each other one, near the usual steps.

    Where a tile has a neighbour beyond doubt, no other is tried on that side.

    Parameters
    ----------
    details : sequence of ndarray, shape (height, width)
        As of `even_detail`; of any precision.
    steps : (ndarray, ndarray) of float64, shape (2,)
        Usual ones along rows and down columns, in pixels of `details`.
    alike : mapping of (tile, tile) to float, optional
        How alike pairs look at first sight: the most alike are tried first.
    advance : callable, optional
        Called with the number of pairs done.
    """
    count = len(details)
    nats = np.full((4, count, count), -np.inf)
    shifts = np.zeros((4, count, count, 2))
    settled: set[tuple[int, int]] = set()
    pairs = list(combinations(range(count), 2))
    for first, second in sorted(pairs, key=lambda pair: -alike.get(pair, 0.0)):
        one, other = (details[each].astype(np.float32) for each in (first, second))
        for side, (down, right) in enumerate(SIDES):
            back = (side + 2) % 4
            step = right * steps[0] + down * steps[1]
            said, shift = _AGAINST, step
            if not settled & {(side, first), (back, second)}:
                found = match(one, other, step, near_px(one.shape))
                if found is not None:
                    said, shift = found.nats / OVERSTATED, found.shift
                    if found.lead >= _SETTLED * OVERSTATED:
                        settled |= {(side, first), (back, second)}
            nats[side, first, second] = nats[back, second, first] = said
            shifts[side, first, second], shifts[back, second, first] = shift, -shift
        advance(1)
    return Sides(nats, shifts)


def near_px(shape: tuple[int, ...]) -> int:
    """Return by how many pixels a step may differ from the usual one, for tiles of a shape."""
    return int(np.ceil(NEAR * max(shape)))


def put_together(sides: Sides) -> dict[int, Place]:
    """Lay tiles one after the other, the surest first; those in doubt stay out.

    Returns
    -------
    dict of int to (int, int)
        Row and column of each tile that has a place.
    """
    nats = sides.nats
    count = nats.shape[1]
    if count < 2 or nats[:2].max() < ENOUGH:
        return {}
    side, first, second = np.unravel_index(int(np.argmax(nats[:2])), nats[:2].shape)
    laid: dict[Place, int] = {(0, 0): int(first), SIDES[side]: int(second)}
    while len(laid) < count:
        left = np.array([tile for tile in range(count) if tile not in laid.values()])
        cells = _free_beside(laid)
        told = np.array([_told(nats, laid, cell)[left] for cell in cells])
        found = _surest(told)
        if found is None:
            break
        laid[cells[found[0]]] = int(left[found[1]])
    return {tile: cell for cell, tile in laid.items()}


def _free_beside(laid: dict[Place, int]) -> list[Place]:
    beside = {(row + down, column + right) for row, column in laid for down, right in SIDES}
    return sorted(beside - set(laid))


def _told(nats: Numbers, laid: dict[Place, int], cell: Place) -> Numbers:
    """Add up, for each tile, what the tiles around a cell say for it."""
    total = np.zeros(nats.shape[1])
    for side, (down, right) in enumerate(SIDES):
        beside = laid.get((cell[0] - down, cell[1] - right))
        if beside is not None:
            total += nats[side, beside]
    return total


def _surest(told: Numbers) -> tuple[int, int] | None:
    """Return the cell and the tile that go best, where no other goes nearly as well."""
    for place in np.argsort(told, axis=None)[::-1]:
        cell, tile = np.unravel_index(int(place), told.shape)
        best = told[cell, tile]
        if best < ENOUGH:
            return None
        others = np.concatenate([np.delete(told[cell], tile), np.delete(told[:, tile], cell)])
        if best >= others.max(initial=-np.inf) + _AHEAD:
            return int(cell), int(tile)
    return None
