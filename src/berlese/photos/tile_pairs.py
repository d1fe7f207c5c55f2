"""Find which tiles overlap, and bring each such pair into register to parts of a pixel.

First all candidates are compared small: peaks of the phase correlation (Kuglin and Hines 1975)
are tried in turn, and the shift whose overlap correlates best is kept. Then the overlaps are
registered in full size by `registration.register`; where that does not hold, matched features
(SIFT, Lowe 2004) give another start.
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
    lay_onto,
    register,
    shift_by,
    shown_by,
)

FloatArray = NDArray[np.float32]

SMALL_SIDE = 256
_PEAKS = 6
_THINNEST_PX = 8  # of an overlap in small tiles
_SMALL_CORRELATION = 0.25
_SMALL_DETAIL = 1.5  # grey levels of detail in a small overlap, below which it tells nothing
_SIGNIFICANT = 12.0  # correlation by the root of the pixels: what chance does not reach
_TELLING = 0.4  # share of an overlap's detail that noise did not make, at least
_AS_GOOD = 0.85  # of the correlation that noise allows, at least, in full size
_NOISE_LEFT = 0.282  # of white noise behind a Gaussian of 1 pixel: 1 / (2 sqrt(pi))
_ALIKE_PX = 12.6  # pixels that noise behind a Gaussian of 1 pixel makes alike: 4 pi
_FLOOR_PX = 0.3  # what uneven light, lens and interpolation leave, as simulated tiles show
_MARGIN_PX = 6.0  # by which an overlap is cut larger than thought


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


def rough_shift(first: SmallTile, second: SmallTile) -> tuple[float, NDArray[np.int64]] | None:
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
    return best


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
    greys: Callable[[int], FloatArray],
    shift: NDArray[np.float64],
    *,
    features: bool = True,
) -> Link | None:
    """Register the overlap of two tiles; None where it does not hold.

    Parameters
    ----------
    first, second : int
    greys : callable
        Gives a tile's brightness by its number.
    shift : ndarray of float64, shape (2,)
        Roughly where the second tile's corner lies in the first one's pixels.
    features : bool
        Whether features are matched where that start does not lead to register.
    """
    one, other = greys(first), greys(second)
    boxes = _overlap(one.shape, other.shape, shift)
    if boxes is None:
        return None
    (left, top, right, bottom), (left_2, top_2, right_2, bottom_2) = boxes
    part, own = _detail(one[top:bottom, left:right])
    other_part, others = _detail(other[top_2:bottom_2, left_2:right_2])
    if min(own, others) < _TELLING:
        return None
    start: Matrix | None = shift_by(left - shift[0] - left_2, top - shift[1] - top_2)
    for attempt in range(1 + features):
        if attempt:
            start = _by_features(part, other_part)
        if start is None:
            break
        found = register(part, other_part, start, scale=False)
        moved = np.abs(found.matrix[:, 2] - start[:, 2]).max()
        if found.correlation >= _AS_GOOD * np.sqrt(own * others) and moved < max(part.shape) / 4:
            matrix = after(found.matrix, shift_by(-left, -top))
            matrix = after(shift_by(left_2, top_2), matrix)
            points = _points(part) + np.array([left, top])
            sure, sd = _sureness(part, other_part, found)
            return Link(first, second, matrix, points, found.correlation, sure, sd)
    return None


def _points(detail: FloatArray) -> NDArray[np.float64]:
    """Return five points that stand for an overlap: its detail's middle, and as far as it spreads.

    A turn that was found where detail lies in one corner says little about the other ones.
    """
    energy = np.square(cv2.Laplacian(detail, cv2.CV_32F)).astype(float)
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


def _sureness(
    part: FloatArray, other: FloatArray, found: Registration
) -> tuple[NDArray[np.float64], float]:
    """Return how well an overlap tells a shift.

    Least squares knows a shift by the inverse of the structure tensor times the variance of what
    remains between the two pictures (Baker and Matthews 2004). That remainder was smoothed by
    `_detail`: neighbours are not independent, and a pixel counts for one in `_ALIKE_PX`.

    Returns
    -------
    (ndarray of float64, shape (2, 2), float)
        The tensor, its larger eigenvalue made 1, and the standard deviation in that direction.
    """
    size = (part.shape[1], part.shape[0])
    inside = shown_by(found.matrix, other.shape[1::-1], size)
    rest = (part - found.gain * lay_onto(other, found.matrix, size, smooth=True))[inside]
    across = cv2.Scharr(part, cv2.CV_32F, 1, 0, scale=1 / 32)[inside]
    down = cv2.Scharr(part, cv2.CV_32F, 0, 1, scale=1 / 32)[inside]
    cross = float(across @ down)
    tensor = np.array([[float(across @ across), cross], [cross, float(down @ down)]])
    largest = max(float(np.linalg.eigvalsh(tensor)[1]), 1e-12)
    sd = float(np.sqrt(_ALIKE_PX * rest.var() / largest))
    return tensor / largest, float(np.hypot(sd, _FLOOR_PX))


def _detail(grey: FloatArray) -> tuple[FloatArray, float]:
    """Return what is neither noise nor uneven light, and the share of it that noise did not make.

    That share is the correlation that two pictures of one place can reach.
    """
    calm = cv2.GaussianBlur(grey, (0, 0), 1.0)
    detail = np.asarray(calm - cv2.GaussianBlur(grey, (0, 0), 16.0), np.float32)
    noise = np.square(_NOISE_LEFT * noise_of(grey))
    return detail, float(np.clip(1 - noise / max(float(detail.var()), 1e-6), 0, 1))


Box = tuple[int, int, int, int]


def _overlap(
    first: tuple[int, ...], second: tuple[int, ...], shift: NDArray[np.float64]
) -> tuple[Box, Box] | None:
    """Return the overlap with a margin (left, top, right, bottom) in either tile's pixels."""
    right, down = shift
    left, top = max(right, 0) - _MARGIN_PX, max(down, 0) - _MARGIN_PX
    end = min(first[1], second[1] + right) + _MARGIN_PX
    bottom = min(first[0], second[0] + down) + _MARGIN_PX
    if min(end - left, bottom - top) < 4 * _MARGIN_PX:
        return None

    def inside(shape: tuple[int, ...], x: float, y: float) -> Box:
        return (
            *(max(int(left - x), 0), max(int(top - y), 0)),
            *(min(int(end - x), shape[1]), min(int(bottom - y), shape[0])),
        )

    return inside(first, 0, 0), inside(second, right, down)


def _by_features(first: FloatArray, second: FloatArray) -> Matrix | None:
    """Match features of two parts; None where too few agree on one shift and turn."""
    sift: Any = cv2.SIFT.create(nfeatures=1500, contrastThreshold=0.02)
    found = []
    for part in (first, second):
        grey = np.clip(128 + 4 * part, 0, 255).astype(np.uint8)
        found.append(sift.detectAndCompute(grey, None))
    (keys, one), (other_keys, other) = found
    if one is None or other is None or min(len(one), len(other)) < 8:
        return None
    pairs = cv2.BFMatcher().knnMatch(one, other, k=2)
    good = [each[0] for each in pairs if each[0].distance < 0.75 * each[1].distance]
    if len(good) < 6:
        return None
    here = np.array([keys[each.queryIdx].pt for each in good], np.float32)
    there = np.array([other_keys[each.trainIdx].pt for each in good], np.float32)
    matrix, agree = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    if matrix is None or agree.sum() < 6:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 0.95 < scale < 1.05:
        return None
    matrix = np.asarray(matrix, np.float64) / (scale, scale, 1)
    matrix[:, 2] = (there - here @ matrix[:, :2].T)[agree.ravel() > 0].mean(axis=0)
    return matrix
