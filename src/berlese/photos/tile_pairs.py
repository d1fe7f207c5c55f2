"""Find which tiles overlap, and bring each such pair into register to parts of a pixel.

First all candidates are compared small: peaks of the phase correlation (Kuglin and Hines 1975)
are tried in turn, and the shift whose overlap correlates best is kept. Then the overlaps are
matched in full size by all their detail (`tile_texture`) and registered to parts of a pixel by
`registration.register`; where that does not hold, matched features (SIFT, Lowe 2004) give another
start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from berlese.photos.pyramid import noise_of
from berlese.photos.registration import (
    Matrix,
    Registration,
    after,
    inverse,
    lay_onto,
    register,
    shift_by,
    shown_by,
)
from berlese.photos.tile_texture import ALIKE_PX, OVERSTATED, match, nats_of

FloatArray = NDArray[np.float32]

SMALL_SIDE = 256
_PEAKS = 6
_THINNEST_PX = 8  # of an overlap in small tiles
_SMALL_CORRELATION = 0.25
_SMALL_DETAIL = 1.5  # grey levels of detail in a small overlap, below which it tells nothing
_SIGNIFICANT = 12.0  # correlation by the root of the pixels: what chance does not reach
_FLOOR_PX = 0.15  # what uneven light, lens and interpolation leave, as simulated tiles show
_MARGIN_PX = 6.0  # by which an overlap is cut larger than thought
_STRAYED_PX = 4.0  # between a start and the register it leads to
_SPREAD_PX = 8.0  # over which detail that both tiles show is told from noise
ENOUGH = 6.0
"""Nats, as meant, from which two tiles are taken to show one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Two tiles that overlap, in register.

    Attributes
    ----------
    first, second : int
        Numbers of the tiles.
    matrix : ndarray of float64, shape (2, 3)
        From pixels of the first tile to those of the second.
    points : ndarray of float64, shape (n, 2)
        The middle of the overlap's detail, and four points as far around as that spreads, in
        pixels of the first tile.
    correlation : float
        Of the two in the overlap.
    sure : ndarray of float64, shape (2, 2)
        How well the overlap tells a shift across each direction, the best one 1: along a
        straight edge, hardly.
    sd_px : float
        Standard deviation of the shift across the direction told best, in the first tile's
        pixels.
    """

    first: int
    second: int
    matrix: Matrix
    points: NDArray[np.float64]
    correlation: float
    sure: NDArray[np.float64]
    sd_px: float


@dataclass(frozen=True, slots=True, eq=False)
class SmallTile:
    """A tile reduced to find its neighbours: detail, its padded spectrum, and noise."""

    detail: FloatArray
    noise: float
    spectrum: NDArray[np.complex64]


def small_tile(grey: FloatArray) -> SmallTile:
    """Prepare a reduced tile, its longer side at most `SMALL_SIDE`."""
    detail = cv2.GaussianBlur(grey, (0, 0), 0.8) - cv2.GaussianBlur(grey, (0, 0), 8)
    detail = np.asarray(np.clip(detail, -30, 30), np.float32)
    padded = 2 * SMALL_SIDE
    return SmallTile(
        detail, noise_of(grey), fft.rfft2(detail, (padded, padded)).astype(np.complex64)
    )


def rough_shift(first: SmallTile, second: SmallTile) -> tuple[float, NDArray[np.float64]] | None:
    """Find where the second tile's corner lies in the first tile's pixels, in small pixels.

    Returns
    -------
    (float, ndarray) or None
        Correlation of the overlap and the shift (right, down); None where nothing fits.
    """
    crossed = first.spectrum * np.conj(second.spectrum)
    peaks = fft.irfft2(crossed / np.maximum(np.abs(crossed), 1e-6))
    best: tuple[float, NDArray[np.int64]] | None = None
    score = 0.0
    for _ in range(_PEAKS):
        down, right = np.unravel_index(int(np.argmax(peaks)), peaks.shape)
        peaks[max(down - 1, 0) : down + 2, max(right - 1, 0) : right + 2] = -1
        shift = np.array([right, down], np.int64)
        shift -= np.where(shift >= SMALL_SIDE, 2 * SMALL_SIDE, 0)
        correlation, pixels = _correlation(first.detail, second.detail, shift)
        if correlation > _SMALL_CORRELATION and correlation * np.sqrt(pixels) > max(
            score, _SIGNIFICANT
        ):
            score = correlation * float(np.sqrt(pixels))
            best = correlation, shift
    return None if best is None else (best[0], best[1].astype(np.float64))


def overlap_speaks(first: SmallTile, second: SmallTile, shift: NDArray[np.int64]) -> int:
    """Say whether two small tiles look alike where they overlap: 1 yes, -1 no, 0 not to be told."""
    parts = common_part(first.detail, second.detail, shift)
    if parts is None or min(float(part.std()) for part in parts) < _SMALL_DETAIL:
        return 0
    best = max(
        _correlation(first.detail, second.detail, shift + np.array([right, down]))[0]
        for right, down in product((-1, 0, 1), repeat=2)
    )
    return 1 if best >= 0.6 else -1 if best < 0.3 else 0


def _correlation(
    first: FloatArray, second: FloatArray, shift: NDArray[np.int64]
) -> tuple[float, int]:
    """Correlate two small tiles where they overlap; how many pixels that is."""
    parts = common_part(first, second, shift)
    if parts is None:
        return 0.0, 0
    one, other = (part - part.mean() for part in parts)
    scale = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return (float((one * other).sum()) / scale if scale > 1e-3 else 0.0), one.size


def common_part(
    first: FloatArray, second: FloatArray, shift: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray] | None:
    """Return what two small tiles both show; None where that is too thin."""
    right, down = int(shift[0]), int(shift[1])
    left, top = max(right, 0), max(down, 0)
    width = min(first.shape[1], second.shape[1] + right) - left
    height = min(first.shape[0], second.shape[0] + down) - top
    if min(width, height) < _THINNEST_PX:
        return None
    one = first[top : top + height, left : left + width]
    other = second[top - down : top - down + height, left - right : left - right + width]
    return one, other


def link(
    first: int,
    second: int,
    details: Callable[[int], FloatArray],
    guess: NDArray[np.float64],
    reach: int,
    *,
    features: bool = True,
    enough: float = ENOUGH,
) -> Link | None:
    """Register the overlap of two tiles; None where it does not hold.

    Parameters
    ----------
    first, second : int
    details : callable
        Gives a tile's detail, as of `even_detail`, by its number.
    guess : ndarray of float64, shape (2,)
        Roughly where the second tile's corner lies in the first one's pixels.
    reach : int
        Pixels by which that may be wrong.
    features : bool
        Whether features are matched where no shift near the guess leads to register.
    enough : float
        Nats, as meant, that two tiles must have for it that they show one place.
    """
    one, other = details(first), details(second)
    found = match(one, other, guess, reach)
    if found is not None and found.nats >= enough * OVERSTATED:
        linked = _registered((first, second), one, other, found.matrix, found.spread, enough)
        if linked is not None:
            return linked
    start = _by_features(one, other, guess, reach) if features else None
    if start is None:
        return None
    return _registered((first, second), one, other, start, np.zeros((2, 2)), ENOUGH)


def _registered(
    pair: tuple[int, int],
    one: FloatArray,
    other: FloatArray,
    start: Matrix,
    spread: Matrix,
    enough: float,
) -> Link | None:
    """Improve a start to parts of a pixel; None where it leads elsewhere, or holds no longer."""
    box = _shared(one.shape, other.shape, start)
    if box is None:
        return None
    left, top, right, bottom = box
    part = 30 * one[top:bottom, left:right]
    begin = after(start, shift_by(left, top))
    found = register(part, 30 * other, begin, scale=False, levels=0)
    middle = np.array([(right - left - 1) / 2, (bottom - top - 1) / 2])
    apart = found.matrix - begin
    moved = float(np.hypot(*(apart[:, :2] @ middle + apart[:, 2])))
    pixels = np.array(shown_by(found.matrix, other.shape[1::-1], part.shape[1::-1]).sum(), float)
    nats = float(nats_of(np.array(found.correlation), pixels))
    if nats < enough * OVERSTATED or moved > _STRAYED_PX + 2 * np.sqrt(np.trace(spread)):
        return None
    points, sure, sd = _sureness(part, 30 * other, found, spread)
    matrix = after(found.matrix, shift_by(-left, -top))
    return Link(*pair, matrix, points + np.array([left, top]), found.correlation, sure, sd)


def _sureness(
    part: FloatArray, other: FloatArray, found: Registration, spread: Matrix
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return points that stand for an overlap, and how well it tells a shift.

    Least squares knows a shift by the inverse of the structure tensor times the variance of what
    remains between the two pictures (Baker and Matthews 2004). The tensor is of the gradients
    that both pictures have: noise has some, too, but not the same. Detail was smoothed: neighbours
    are not independent, and a pixel counts for one in `ALIKE_PX`. What other shifts have for them
    comes on top.

    Returns
    -------
    (ndarray of float64, shape (5, 2); ndarray of float64, shape (2, 2); float)
        The middle of the common detail, and four points as far around as that spreads; the inverse
        covariance, its larger eigenvalue made 1; and the standard deviation in that direction.
    """
    size = (part.shape[1], part.shape[0])
    inside = shown_by(found.matrix, other.shape[1::-1], size)
    laid = np.where(inside, lay_onto(other, found.matrix, size, smooth=True), 0)
    rest = (part - found.gain * laid)[inside]
    across, across_2, down, down_2 = (
        cv2.Scharr(each, cv2.CV_32F, *along, scale=1 / 32) * inside
        for along in ((1, 0), (0, 1))
        for each in (part, laid)
    )
    cross = float((across * down_2 + down * across_2).sum()) / 2
    tensor = np.array([[float((across * across_2).sum()), cross], [cross, 0]])
    tensor[1, 1] = float((down * down_2).sum())
    values, vectors = np.linalg.eigh(tensor)
    values = np.maximum(values, 1e-3 * max(float(values[1]), 1e-9))
    told = ALIKE_PX * rest.var() * (vectors / values) @ vectors.T
    covariance = told + spread + _FLOOR_PX**2 * np.eye(2)
    precision = np.linalg.inv(covariance)
    largest = float(np.linalg.eigvalsh(precision)[1])
    return _points(across * across_2 + down * down_2), precision / largest, largest**-0.5


def _points(common: FloatArray) -> NDArray[np.float64]:
    """Return five points that stand for an overlap: its detail's middle, and as far as it spreads.

    A turn that was found where detail lies in one corner says little about the other ones.
    """
    energy = np.maximum(cv2.GaussianBlur(common, (0, 0), _SPREAD_PX), 0).astype(float)
    energy /= max(energy.sum(), 1e-12)
    spans = []
    for axis in (0, 1):  # columns along axis 0 summed give x
        share = energy.sum(axis=axis)
        place = np.arange(len(share))
        middle = float(share @ place)
        spans.append((middle, float(np.sqrt(share @ np.square(place - middle)))))
    (x, wide), (y, high) = spans
    corners = [(x + right * wide, y + down * high) for right, down in product((-1, 1), repeat=2)]
    return np.array([*corners, (x, y)])


Box = tuple[int, int, int, int]


def _shared(first: tuple[int, ...], second: tuple[int, ...], matrix: Matrix) -> Box | None:
    """Return what of the first tile the second shows, with a margin: left, top, right, bottom."""
    back = inverse(matrix)
    corners = np.array([[x, y] for x in (0, second[1] - 1) for y in (0, second[0] - 1)], float)
    corners = corners @ back[:, :2].T + back[:, 2]
    left, top = np.maximum(np.floor(corners.min(axis=0) - _MARGIN_PX), 0).astype(int)
    end = np.ceil(corners.max(axis=0) + _MARGIN_PX + 1)
    right, bottom = np.minimum(end, (first[1], first[0])).astype(int)
    if min(right - left, bottom - top) < 4 * _MARGIN_PX:
        return None
    return int(left), int(top), int(right), int(bottom)


def _by_features(
    one: FloatArray, other: FloatArray, guess: NDArray[np.float64], reach: int
) -> Matrix | None:
    """Match features near a guess; None where too few agree on one shift and turn."""
    sift: Any = cv2.SIFT.create(nfeatures=1500, contrastThreshold=0.02)
    found, corners = [], []
    for own, their, ahead in ((one, other, -guess), (other, one, guess)):
        box = _shared(own.shape, their.shape, shift_by(*ahead))
        if box is None:
            return None
        left, top = (max(edge - reach, 0) for edge in box[:2])
        part = own[top : box[3] + reach, left : box[2] + reach]
        grey = np.clip(128 + 40 * part, 0, 255).astype(np.uint8)
        found.append(sift.detectAndCompute(grey, None))
        corners.append(np.array([left, top], np.float32))
    (keys, first), (other_keys, second) = found
    if first is None or second is None or min(len(first), len(second)) < 8:
        return None
    pairs = cv2.BFMatcher().knnMatch(first, second, k=2)
    good = [each[0] for each in pairs if each[0].distance < 0.75 * each[1].distance]
    if len(good) < 6:
        return None
    here = np.array([keys[each.queryIdx].pt for each in good], np.float32) + corners[0]
    there = np.array([other_keys[each.trainIdx].pt for each in good], np.float32) + corners[1]
    matrix, agree = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    if matrix is None or agree.sum() < 6:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 0.95 < scale < 1.05:
        return None
    matrix = np.asarray(matrix, np.float64) / (scale, scale, 1)
    matrix[:, 2] = (there - here @ matrix[:, :2].T)[agree.ravel() > 0].mean(axis=0)
    return matrix
