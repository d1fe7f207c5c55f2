"""Find where one tile lies against another by all they both show, faint specks and grain as well.

Detail is evened first: raised to one height wherever it stands above noise. Animals and the rim
of a dish are dark and few; what is hardly seen between them (dust, scratches) is everywhere, and
tells a shift along an edge, which the edge does not. Two pictures are then correlated at all shifts
near a guess, block by block along their overlap, so that a small turn costs nothing. What a shift
has for it is the logarithm of a likelihood ratio, in nats: that both pictures show one place there,
against two.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.pyramid import noise_of
from berlese.photos.registration import Matrix

FloatArray = NDArray[np.float32]
Numbers = NDArray[np.float64]

ALIKE_PX = 12.6
"""Pixels that noise behind a Gaussian of 1 pixel makes alike: 4 pi."""

OVERSTATED = 6.0
"""Nats said to nats meant, for detail is alike over more pixels than noise is.

Along edges in 16 simulated dishes, wrong places were said to be as much better than true ones.
"""

_EVENED_PX = 8.0  # over which detail is raised to one height
_NOISE_SHARE = 0.5  # of the noise of single pixels, below which detail stays faint
_HIGHEST = 3.0  # so that no speck outweighs the rest
_BLOCK_PX = 144  # along the overlap, within which a turn does not matter
_MOST_TURN = np.radians(1.2)  # between two tiles
_TURN_STEP_PX = 1.5  # at the ends of the overlap
_LEAST_PART = 0.25  # of the largest overlap near the guess
_PEAK_PX = 4  # around the best shift, which are no other place


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Where one picture lies best against another.

    Attributes
    ----------
    matrix : ndarray of float64, shape (2, 3)
        From pixels of the first picture to those of the second, to a pixel.
    shift : ndarray of float64, shape (2,)
        Where the second picture's corner lies in the first one's pixels, but for the turn.
    nats : float
        What this place has for it: the logarithm of the likelihood ratio that both show one place
        there, against two, less what the best of so many places has by chance.
    lead : float
        Nats before the best other shift: about 0 where an edge is all there is.
    spread : ndarray of float64, shape (2, 2)
        Covariance of the shift over all that were tried, by their likelihood, square pixels.
    """

    matrix: Matrix
    shift: Numbers
    nats: float
    lead: float
    spread: Numbers


def even_detail(grey: FloatArray) -> FloatArray:
    """Raise detail to one height wherever it stands above noise.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width), 0 to 255

    Returns
    -------
    ndarray of float32, shape (height, width)
        About 1 high, at most 3.
    """
    calm = cv2.GaussianBlur(grey, (0, 0), 1.0)
    detail = calm - cv2.GaussianBlur(grey, (0, 0), _EVENED_PX)
    energy = cv2.GaussianBlur(np.square(detail), (0, 0), _EVENED_PX)
    faint = np.square(np.float32(_NOISE_SHARE * noise_of(grey))) + np.float32(1e-3)
    return np.asarray(np.clip(detail / np.sqrt(energy + faint), -_HIGHEST, _HIGHEST), np.float32)


def nats_of(correlation: Numbers, pixels: Numbers) -> Numbers:
    """Return what a correlation over so many pixels says for one place, against two.

    Mutual information of two normal variables, times the number of independent pixels.
    """
    bounded = np.clip(correlation, 0, 0.999)
    return np.asarray(-0.5 * np.log1p(-np.square(bounded)) * pixels / ALIKE_PX, np.float64)


def match(first: FloatArray, second: FloatArray, guess: Numbers, reach: int) -> Match | None:
    """Try all shifts near a guess, with small turns; None where the two do not meet there.

    Parameters
    ----------
    first, second : ndarray of float32, shape (height, width)
        Detail as of `even_detail`.
    guess : ndarray of float64, shape (2,)
        Roughly where the second picture's corner lies in the first one's pixels: right, down.
    reach : int
        Pixels each way.
    """
    centre = np.round(guess).astype(int)
    region = _region(first.shape, second.shape, centre, reach)
    if region is None:
        return None
    upright = region[3] - region[1] >= region[2] - region[0]
    if not upright:
        found = _along_rows(first.T, second.T, centre[::-1], _turned_box(region), reach)
        if found is None:
            return None
        shift, turn, nats, lead, spread = found
        shift, turn, spread = shift[::-1], -turn, spread[::-1, ::-1]
    else:
        found = _along_rows(first, second, centre, region, reach)
        if found is None:
            return None
        shift, turn, nats, lead, spread = found
    middle = np.array([region[0] + region[2] - 1, region[1] + region[3] - 1]) / 2
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, middle - shift - linear @ middle])
    return Match(matrix, shift, nats, lead, spread)


Box = tuple[int, int, int, int]


def _region(
    first: tuple[int, ...], second: tuple[int, ...], centre: NDArray[np.int64], reach: int
) -> Box | None:
    """Return what of the first picture any shift lays the second onto: left, top, right, bottom."""
    left, top = (max(int(at) - reach, 0) for at in centre)
    right = min(first[1], int(centre[0]) + reach + second[1])
    bottom = min(first[0], int(centre[1]) + reach + second[0])
    return (left, top, right, bottom) if min(right - left, bottom - top) > reach // 2 else None


def _turned_box(box: Box) -> Box:
    return box[1], box[0], box[3], box[2]


def _along_rows(
    first: FloatArray, second: FloatArray, centre: NDArray[np.int64], region: Box, reach: int
) -> tuple[Numbers, float, float, float, Numbers] | None:
    """Match over an overlap that is higher than wide; shift, turn, nats, lead and spread."""
    left, top, right, bottom = region
    turns, lean = _turns(bottom - top)
    room = reach + int(np.ceil(np.abs(lean).max(initial=0)))
    blocks = np.array_split(np.arange(top, bottom), lean.shape[1])
    sums = []
    for block in blocks:
        part = np.ascontiguousarray(first[block[0] : block[-1] + 1, left:right])
        x, y = left - int(centre[0]) - room, int(block[0] - centre[1]) - reach
        size = (part.shape[1] + 2 * room, part.shape[0] + 2 * reach)
        beside = _cut(second, x, y, *size)
        sums.append(cv2.matchTemplate(beside, part, cv2.TM_CCORR)[::-1, ::-1])
    shifts = np.arange(-reach, reach + 1)
    energy, pixels = _common(first, second, region, centre[0] + shifts, centre[1] + shifts)
    allowed = pixels >= _LEAST_PART * pixels.max()
    # Or an edge that crosses the overlap would say most for the shift that makes it longest.
    counted = np.minimum(pixels, pixels[reach, reach])
    told = np.empty((len(turns), *pixels.shape))
    for number, across in enumerate(np.round(lean).astype(int)):
        total = np.zeros(pixels.shape, np.float32)
        for each, move in zip(sums, across, strict=True):
            start = room - reach + move
            total += each[:, start : start + len(shifts)]
        told[number] = np.where(allowed, nats_of(total / energy, counted), 0)
    return _best(told, turns, centre, reach)


def _turns(length: int) -> tuple[Numbers, Numbers]:
    """Return the turns to try and how far each moves each block sideways, shape (turns, blocks)."""
    count = max(length // _BLOCK_PX, 1)
    at = (np.arange(count) - (count - 1) / 2) * length / count
    farthest = float(at[-1])
    steps = int(np.ceil(_MOST_TURN * farthest / _TURN_STEP_PX))
    turns = np.arange(-steps, steps + 1) * (_TURN_STEP_PX / max(farthest, 1.0))
    return turns.astype(np.float64), turns[:, None] * at


def _cut(picture: FloatArray, x: int, y: int, width: int, height: int) -> FloatArray:
    """Return a part of a picture, 0 where it lies outside."""
    part = np.zeros((height, width), np.float32)
    left, top = max(x, 0), max(y, 0)
    inner = picture[top : max(y + height, 0), left : max(x + width, 0)]
    part[top - y : top - y + inner.shape[0], left - x : left - x + inner.shape[1]] = inner
    return part


def _common(
    first: FloatArray,
    second: FloatArray,
    region: Box,
    right: NDArray[np.int64],
    down: NDArray[np.int64],
) -> tuple[Numbers, Numbers]:
    """Return the root of both energies in the overlap, and its pixels, for each shift (y, x)."""
    left, top, end, bottom = region
    x = np.clip(right, left, end), np.clip(right + second.shape[1], left, end)
    y = np.clip(down, top, bottom), np.clip(down + second.shape[0], top, bottom)
    own = _sums(first, *y, *x)
    height, width = second.shape
    spans = [np.clip(each - down, 0, height) for each in y]
    spans += [np.clip(each - right, 0, width) for each in x]
    other = _sums(second, *spans)
    pixels = (y[1] - y[0])[:, None] * (x[1] - x[0])[None, :]
    return np.sqrt(np.maximum(own * other, 1e-6)), pixels.astype(np.float64)


def _sums(
    picture: FloatArray,
    top: NDArray[np.int64],
    bottom: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> Numbers:
    """Return sums of squares over boxes, for all rows of them and all columns."""
    table = cv2.integral(np.square(picture))
    return np.asarray(
        table[np.ix_(bottom, right)]
        - table[np.ix_(top, right)]
        - table[np.ix_(bottom, left)]
        + table[np.ix_(top, left)],
        np.float64,
    )


def _best(
    told: Numbers, turns: Numbers, centre: NDArray[np.int64], reach: int
) -> tuple[Numbers, float, float, float, Numbers] | None:
    turn, row, column = np.unravel_index(int(np.argmax(told)), told.shape)
    best = float(told[turn, row, column])
    if best <= 0:
        return None
    surface = told.max(axis=0)
    rest = surface.copy()
    rest[
        max(row - _PEAK_PX, 0) : row + _PEAK_PX + 1,
        max(column - _PEAK_PX, 0) : column + _PEAK_PX + 1,
    ] = 0
    weight = np.exp((surface - best) / OVERSTATED)
    weight /= weight.sum()
    at = np.stack(np.meshgrid(*(np.arange(-reach, reach + 1),) * 2), axis=-1) * 1.0
    apart = at - (column - reach, row - reach)
    spread = np.einsum("yx,yxi,yxj->ij", weight, apart, apart)
    shift = centre + np.array([column - reach, row - reach], float)
    chance = float(np.log(told.size))
    return shift, float(turns[turn]), best - chance, best - float(rest.max()), spread
