"""Bring two grey pictures of one scene into register: shift, turn and scale, to parts of a pixel.

A matrix of shape (2, 3) takes (x, y, 1) of the fixed picture to the place in the moving one that
shows the same thing; pixel centres lie at whole numbers. `cv2.warpAffine` with
``WARP_INVERSE_MAP`` therefore lays the moving picture onto the fixed one. Light may differ by a
gain and an offset.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Matrix = NDArray[np.float64]

_SMALLEST_SIDE = 48  # of the coarsest level
_ITERATIONS = 30
_STILL_PX = 0.003  # a step that moves no corner further ends a level
_EVENED_PX = 16.0  # over which contrast is evened
_SHARE_USED = 0.3  # of the pixels, those with the steepest gradients


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a moving picture lies against a fixed one.

    Attributes
    ----------
    matrix : ndarray of float64, shape (2, 3)
        From fixed pixels to moving ones.
    gain : float
        What the moving picture is multiplied by to be as bright as the fixed one.
    correlation : float
        Of the two pictures where both lie, after registration; 1 is the same scene.
    """

    matrix: Matrix
    gain: float
    correlation: float


def identity() -> Matrix:
    """Return the matrix that moves nothing."""
    return np.array([[1.0, 0, 0], [0, 1.0, 0]])


def shift_by(right: float, down: float) -> Matrix:
    """Return the matrix of a shift in pixels."""
    return np.array([[1.0, 0, right], [0, 1.0, down]])


def after(second: Matrix, first: Matrix) -> Matrix:
    """Return the matrix that applies `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def inverse(matrix: Matrix) -> Matrix:
    """Return the matrix of the way back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def rescaled(matrix: Matrix, factor: float) -> Matrix:
    """Return the matrix for both pictures enlarged by `factor`, about their outer corners."""
    half = np.array([0.5, 0.5])
    linear = matrix[:, :2]
    corner = factor * (matrix[:, 2] + half - linear @ half)
    return np.column_stack([linear, corner - half + linear @ half])


def lay_onto(
    moving: NDArray[Any], matrix: Matrix, size: tuple[int, int], *, smooth: bool = False
) -> NDArray[Any]:
    """Resample a moving picture in the fixed one's pixels; what it does not show is mirrored.

    Parameters
    ----------
    moving : ndarray, shape (height, width) or (height, width, channels)
    matrix : ndarray of float64, shape (2, 3)
    size : (int, int)
        Width and height of the fixed picture.
    smooth : bool
        Cubic interpolation, for measuring; otherwise Lanczos, which keeps what is sharp.
    """
    kernel = cv2.INTER_CUBIC if smooth else cv2.INTER_LANCZOS4
    return np.asarray(
        cv2.warpAffine(
            moving,
            matrix,
            size,
            flags=kernel | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


def shown_by(matrix: Matrix, moving: tuple[int, int], fixed: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which fixed pixels the moving picture shows; sizes are (width, height)."""
    return _inside(matrix, moving, np.arange(fixed[0])[None, :], np.arange(fixed[1])[:, None])


def _inside(
    matrix: Matrix, moving: tuple[int, int], x: NDArray[np.intp], y: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Tell which of the fixed pixels at (x, y) the moving picture shows."""
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    return (column >= 0) & (column <= moving[0] - 1) & (row >= 0) & (row <= moving[1] - 1)


def register(
    fixed: FloatArray,
    moving: FloatArray,
    start: Matrix | None = None,
    *,
    scale: bool = True,
    turn: bool = True,
    levels: int | None = None,
) -> Registration:
    """Find the shift, turn and scale that bring `moving` onto `fixed`.

    Gauss-Newton on squared differences of brightness from a coarse level of a pyramid to the
    pictures themselves (Lucas and Kanade 1981; Baker and Matthews 2004, with the mean of both
    gradients), with a gain and an offset for the light and Huber's weights against what moved.

    Parameters
    ----------
    fixed, moving : ndarray of float32, shape (height, width)
    start : ndarray of float64, shape (2, 3), optional
        A first guess, some ten pixels near; by default nothing moved.
    scale, turn : bool
        Whether these may differ.
    levels : int, optional
        Of the pyramid above the pictures themselves; 0 for a first guess that is near to a pixel.
    """
    matrix = identity() if start is None else start.copy()
    if levels is None:
        levels = _levels(fixed.shape, moving.shape)
    # Interpolation must not cost detail, or pictures that moved by half a pixel look duller.
    pyramid: list[tuple[Any, Any]] = [
        (cv2.GaussianBlur(fixed, (0, 0), 0.8), cv2.GaussianBlur(moving, (0, 0), 0.8))
    ]
    for _ in range(levels):
        pyramid.append((cv2.pyrDown(pyramid[-1][0]), cv2.pyrDown(pyramid[-1][1])))
    for level in range(levels, -1, -1):
        # pyrDown keeps pixel 0 in its place, so matrices of levels differ in the shift alone.
        matrix[:, 2] /= 2**level
        gain = _refine(*pyramid[level], matrix, scale=scale, turn=turn)
        matrix[:, 2] *= 2**level
    return Registration(matrix, gain, correlation_at(fixed, moving, matrix))


def _levels(*shapes: tuple[int, ...]) -> int:
    shortest = min(min(shape[:2]) for shape in shapes)
    return max(int(np.floor(np.log2(shortest / _SMALLEST_SIDE))), 0)


def _refine(
    fixed: FloatArray, moving: FloatArray, matrix: Matrix, *, scale: bool, turn: bool
) -> float:
    """Improve `matrix` in place on one level; return the gain of the light."""
    size = (fixed.shape[1], fixed.shape[0])
    rows, columns = _steep(fixed)
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    reach = max(size) / 2
    x = ((columns - centre[0]) / reach).astype(np.float32)
    y = ((rows - centre[1]) / reach).astype(np.float32)
    own = _gradient(fixed)[:, rows, columns]
    target = fixed[rows, columns]
    free = np.array([True, True, scale, turn, True, True])
    gain, offset = 1.0, 0.0
    for _ in range(_ITERATIONS):
        seen = lay_onto(moving, matrix, size, smooth=True)
        inside = _inside(matrix, moving.shape[1::-1], columns, rows)
        if inside.sum() < 50:
            break
        there = seen[rows, columns]
        slope = (own + gain * _gradient(seen)[:, rows, columns]) / 2
        columns_of = np.stack(
            [
                *(slope[0], slope[1]),
                slope[0] * x + slope[1] * y,
                slope[1] * x - slope[0] * y,
                there,
                np.ones_like(there),
            ]
        )[free][:, inside]
        rest = (target - gain * there - offset)[inside]
        limit = 1.345 * 1.4826 * float(np.median(np.abs(rest))) + 1e-6
        weight = np.minimum(1, limit / np.maximum(np.abs(rest), 1e-9)).astype(np.float32)
        weighted = columns_of * weight
        normal = (weighted @ columns_of.T).astype(float)
        normal[np.diag_indices_from(normal)] *= 1 + 1e-6
        step = np.zeros(6)
        step[free] = np.linalg.lstsq(normal, (weighted @ rest).astype(float), rcond=None)[0]
        matrix[:] = after(matrix, _small_move(step, centre, reach))
        gain, offset = gain + step[4], offset + step[5]
        if max(np.abs(step[:2]).max(), np.abs(step[2:4]).max()) < _STILL_PX:
            break
    return float(gain)


def _small_move(step: NDArray[np.float64], centre: NDArray[np.float64], reach: float) -> Matrix:
    """Turn a step (shift in pixels; scale and turn in pixels at the border) into a matrix."""
    grow, turn = step[2] / reach, step[3] / reach
    linear = np.array([[1 + grow, -turn], [turn, 1 + grow]])
    return np.column_stack([linear, step[:2] + centre - linear @ centre])


def _gradient(picture: FloatArray) -> FloatArray:
    across = cv2.Scharr(picture, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(picture, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.stack([across, down])


def _steep(picture: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the pixels with the steepest gradients, where register is decided."""
    steep = np.square(_gradient(picture)).sum(axis=0)
    limit = np.quantile(steep[::2, ::2], 1 - _SHARE_USED)
    rows, columns = np.nonzero(steep >= max(float(limit), 1e-9))
    return rows, columns


def evened(grey: FloatArray, noise: float) -> FloatArray:
    """Raise faint detail to the height of strong edges, so that both decide the register.

    Where a slice goes out of focus, the outlines of dark animals grow; specks on the ground that
    are sharp do not, but have a hundredth of the contrast.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width), 0 to 255
    noise : float
        Standard deviation of its noise; detail below it stays faint.
    """
    calm = cv2.GaussianBlur(grey, (0, 0), 1.0)
    detail = calm - cv2.GaussianBlur(calm, (0, 0), _EVENED_PX)
    energy = cv2.GaussianBlur(np.square(detail), (0, 0), _EVENED_PX)
    even = detail / np.sqrt(energy + np.square(2 * np.float32(noise)) + 1e-6)
    return np.asarray(30 * even + 0.5 * grey, np.float32)


def correlation_at(fixed: FloatArray, moving: FloatArray, matrix: Matrix) -> float:
    """Pearson's correlation of two pictures where both lie; 0 where they do not meet."""
    size = (fixed.shape[1], fixed.shape[0])
    inside = shown_by(matrix, moving.shape[1::-1], size)
    if inside.sum() < 50:
        return 0.0
    one = fixed[inside]
    other = lay_onto(moving, matrix, size, smooth=True)[inside]
    if one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
