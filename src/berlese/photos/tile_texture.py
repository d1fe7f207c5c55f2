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

OVERSTATED = 3.0
"""Nats said to nats meant, for detail is alike over more pixels than noise is."""

_ALONG_EDGES = (
    6.0  # the same between shifts: along the rim of simulated dishes, wrong ones are near
)
_EVENED_PX = 8.0  # over which detail is raised to one height
_NOISE_SHARE = 0.7  # of the noise of single pixels, below which detail stays faint
_LEAST_NOISE = 0.5  # grey levels: in saturated ground there is no noise, and no detail either
_HIGHEST = 3.0  # so that no speck outweighs the rest
_BLOCK_PX = 72  # along the overlap, that are judged apart, and within which a turn is none
_MOST_TURN = np.radians(1.2)  # between two tiles
_TURN_STEP_PX = 1.5  # at the ends of the overlap
_LEAST_PART = 0.25  # of the largest overlap near the guess
_MOST_ENERGY = 0.75  # quantile over all shifts, that no one counts for more
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
    faint = np.square(np.float32(_NOISE_SHARE * max(noise_of(grey), _LEAST_NOISE)))
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
    across = int(centre[0]) + np.arange(-room, room + 1)
    down = int(centre[1]) + np.arange(-reach, reach + 1)
    tables = _table(first), _table(second)
    surfaces = [
        _told(
            (first, second),
            tables,
            (left, int(block[0]), right, int(block[-1]) + 1),
            across,
            down,
        )
        for block in np.array_split(np.arange(top, bottom), lean.shape[1])
    ]
    told = np.zeros((len(turns), len(down), 2 * reach + 1))
    for total, moves in zip(told, np.round(lean).astype(int) + room - reach, strict=True):
        for surface, start in zip(surfaces, moves.tolist(), strict=True):
            total += surface[:, start : start + 2 * reach + 1]
    return _best(told, turns, centre, reach)


def _told(
    pictures: tuple[FloatArray, FloatArray],
    tables: tuple[Numbers, Numbers],
    block: Box,
    across: NDArray[np.int64],
    down: NDArray[np.int64],
) -> Numbers:
    """Return what one block of the first picture says for shifts, in nats, shape (down, across)."""
    left, top, right, bottom = block
    part = np.ascontiguousarray(pictures[0][top:bottom, left:right])
    size = (right - left + len(across) - 1, bottom - top + len(down) - 1)
    beside = _cut(pictures[1], left - int(across[-1]), top - int(down[-1]), *size)
    product = cv2.matchTemplate(beside, part, cv2.TM_CCORR)[::-1, ::-1]
    energy, pixels = _common(tables, pictures[1].shape, block, across, down)
    # Evened detail is 1 high: its energy counts the pixels that show any. No shift has more than
    # others have, or an edge would say most for the one that makes it longest.
    allowed = pixels >= _LEAST_PART * pixels.max()
    counted = np.minimum(pixels, energy)
    counted = np.minimum(counted, np.quantile(counted[allowed], _MOST_ENERGY))
    return np.where(allowed, nats_of(product / energy, counted), 0)


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
    tables: tuple[Numbers, Numbers],
    second: tuple[int, ...],
    region: Box,
    right: NDArray[np.int64],
    down: NDArray[np.int64],
) -> tuple[Numbers, Numbers]:
    """Return the root of both energies in the overlap, and its pixels, for each shift (y, x)."""
    left, top, end, bottom = region
    height, width = second
    x = np.clip(right, left, end), np.clip(right + width, left, end)
    y = np.clip(down, top, bottom), np.clip(down + height, top, bottom)
    own = _sums(tables[0], *y, *x)
    spans = [np.clip(each - down, 0, height) for each in y]
    spans += [np.clip(each - right, 0, width) for each in x]
    other = _sums(tables[1], *spans)
    pixels = (y[1] - y[0])[:, None] * (x[1] - x[0])[None, :]
    return np.sqrt(np.maximum(own * other, 1e-6)), pixels.astype(np.float64)


def _table(picture: FloatArray) -> Numbers:
    return np.asarray(cv2.integral(np.square(picture)), np.float64)


def _sums(
    table: Numbers,
    top: NDArray[np.int64],
    bottom: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> Numbers:
    """Return sums over boxes by a table of sums, for all rows of them and all columns."""
    upper, lower = table[top], table[bottom]
    return np.asarray(
        lower[:, right] - lower[:, left] - upper[:, right] + upper[:, left], np.float64
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
    weight = np.exp((surface - best) / _ALONG_EDGES)
    weight /= weight.sum()
    at = np.stack(np.meshgrid(*(np.arange(-reach, reach + 1),) * 2), axis=-1) * 1.0
    apart = at - (column - reach, row - reach)
    spread = np.einsum("yx,yxi,yxj->ij", weight, apart, apart)
    shift = centre + np.array([column - reach, row - reach], float)
    chance = float(np.log(told.size))
    return shift, float(turns[turn]), best - chance, best - float(rest.max()), spread
