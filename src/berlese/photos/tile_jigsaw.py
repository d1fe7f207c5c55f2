"""Put tiles of a stage together whose names tell nothing, as one puts a jigsaw together.

A stage moves by two steps: one along the rows, one down the columns. Where some neighbours show
enough to be sure of, the steps are known, and each tile can be tried on all sides of each other
one near its step. What an overlap says is a likelihood ratio: that both tiles show one place,
against two. A tile is laid where the neighbours laid before say so together, and by far more than
for any other tile there, or for that tile elsewhere; what is left has no place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from berlese.photos.tile_names import Place
from berlese.photos.tile_pairs import SMALL_SIDE, SmallTile, common_part

FloatArray = NDArray[np.float32]
Numbers = NDArray[np.float64]
Shift = NDArray[np.int64]

SIDES: tuple[Place, ...] = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Rows and columns from a tile to its neighbours: right, below, left, above."""

_NEAR_PX = 14  # small pixels, by which a step may differ from the usual one
_SIDEWAYS = 0.25  # of a tile's side, below which a shift is along a row or a column
_AGREEING = 0.5  # of the pairs along an axis, at least, which must have the usual step
_PEAKS = 3  # tried near each step
_PIXELS_ALIKE = 8.0  # small pixels that the smoothing of detail makes one: 4 pi 0.8^2
_HELD_BACK = 0.85  # correlation of one place, of what noise allows: shifts are in whole pixels
_NOISE_LEFT = 0.353  # of white noise behind a Gaussian of 0.8 pixels: 1 / (2 sqrt(pi) 0.8)
_NOISE_GUARD = 1.6  # noise is told by where there is least of it
_ENOUGH = 8.0  # nats for a place
_AHEAD = 6.0  # nats before any other


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What the overlaps of all pairs say.

    Attributes
    ----------
    nats : ndarray of float64, shape (4, n, n)
        For each of `SIDES`, that the tile of the column lies there beside the tile of the row:
        logarithm of the likelihood ratio.
    shifts : ndarray of int64, shape (4, n, n, 2)
        And where: right and down, in small pixels.
    """

    nats: Numbers
    shifts: NDArray[np.int64]


def usual_steps(shifts: Iterable[Shift]) -> tuple[Shift, Shift] | None:
    """Find the step along rows and the one down columns that most shifts agree on.

    Parameters
    ----------
    shifts : iterable of ndarray of int64, shape (2,)
        Of pairs that look alike, right and down, in small pixels.

    Returns
    -------
    (ndarray, ndarray) or None
        None where no two shifts along an axis agree, or where most disagree: no stage then.
    """
    found = []
    given = np.array(list(shifts), np.int64).reshape(-1, 2)
    for axis in (0, 1):
        along = given[
            (np.abs(given[:, 1 - axis]) < _SIDEWAYS * SMALL_SIDE)
            & (np.abs(given[:, axis]) > _SIDEWAYS * SMALL_SIDE)
        ]
        along = along * np.sign(along[:, axis : axis + 1])
        if len(along) < 2:
            return None
        near = np.abs(along[:, None] - along[None]).max(axis=2) <= _NEAR_PX
        centre = int(np.argmax(near.sum(axis=1)))
        if near[centre].sum() < max(2, _AGREEING * len(along)):
            return None
        found.append(np.round(np.median(along[near[centre]], axis=0)).astype(np.int64))
    return found[0], found[1]


def sides_of(tiles: Sequence[SmallTile], steps: tuple[Shift, Shift]) -> Sides:
    """Try each tile on all sides of each other one, near the usual steps."""
    count = len(tiles)
    nats = np.full((4, count, count), -np.inf)
    shifts = np.zeros((4, count, count, 2), np.int64)
    for first in range(count):
        for second in range(first + 1, count):
            crossed = tiles[first].spectrum * np.conj(tiles[second].spectrum)
            peaks = fft.irfft2(crossed / np.maximum(np.abs(crossed), 1e-6))
            for side, (down, right) in enumerate(SIDES):
                step = right * steps[0] + down * steps[1]
                best, shift = _best_near(tiles[first], tiles[second], peaks, step)
                nats[side, first, second], shifts[side, first, second] = best, shift
                nats[(side + 2) % 4, second, first] = best
                shifts[(side + 2) % 4, second, first] = -shift
    return Sides(nats, shifts)


def _best_near(
    first: SmallTile, second: SmallTile, peaks: FloatArray, step: Shift
) -> tuple[float, Shift]:
    reach = np.arange(-_NEAR_PX, _NEAR_PX + 1)
    window = peaks[np.ix_((step[1] + reach) % len(peaks), (step[0] + reach) % peaks.shape[1])]
    best, at = -np.inf, step
    for place in np.argsort(window, axis=None)[: -_PEAKS - 1 : -1]:
        row, column = np.unravel_index(int(place), window.shape)
        shift = step + np.array([reach[column], reach[row]])
        told = likelihood_ratio(first, second, shift)
        if told > best:
            best, at = told, shift
    return best - float(np.log(window.size)), at  # the best of many places is no wonder


def likelihood_ratio(first: SmallTile, second: SmallTile, shift: Shift) -> float:
    """Say how much more likely an overlap is if both tiles show one place than if two.

    Both are taken as normal with the correlation that noise allows, or with none. Detail that
    lies in few pixels counts for as many as it fills (the participation ratio): one outline that
    crosses an overlap is one thing, however long.

    Returns
    -------
    float
        Natural logarithm; 0 where there is too little overlap.
    """
    parts = common_part(first.detail, second.detail, shift)
    if parts is None:
        return 0.0
    one, other = (part - part.mean() for part in parts)
    noise = _NOISE_LEFT**2 * max(first.noise, second.noise) ** 2
    power = float(one.var() * other.var()) ** 0.5
    expected = _HELD_BACK * max(1 - _NOISE_GUARD * noise / max(power, 1e-9), 0.0)
    if expected <= 0.05:
        return 0.0
    found = float((one * other).mean()) / power
    energy = np.square(one) + np.square(other)
    filled = float(energy.sum()) ** 2 / max(float(np.square(energy).sum()), 1e-9)
    unlike = 1 - expected**2
    gain = -0.5 * np.log(unlike) - (expected**2 - expected * found) / unlike
    return float(filled / _PIXELS_ALIKE * gain)


def put_together(sides: Sides) -> dict[int, Place]:
    """Lay tiles one after the other, the surest first; those in doubt stay out.

    Returns
    -------
    dict of int to (int, int)
        Row and column of each tile that has a place.
    """
    nats = sides.nats
    count = nats.shape[1]
    if count < 2 or nats[:2].max() < _ENOUGH:
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
        if best < _ENOUGH:
            return None
        others = np.concatenate([np.delete(told[cell], tile), np.delete(told[:, tile], cell)])
        if best >= others.max(initial=-np.inf) + _AHEAD:
            return int(cell), int(tile)
    return None
