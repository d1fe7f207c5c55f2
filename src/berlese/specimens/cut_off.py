"""Outlines that were cut out of something larger: a hand, a tool, a label.

An animal ends where the ground begins. Where an outline runs through one and the same stuff that
is no ground, what it encloses is a part of something, and no animal.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

N_POINTS = 160  # looked at along an outline
BESIDE = 3.0  # pixels of the small copy on either side of it
SHORTEST = 24.0  # pixels of the small copy: in shorter outlines nothing can be told
AROUND = 0.5  # of its longer side: so far around an outline its ground is looked at
ALIKE = 9.0  # CIELAB units between both sides
NO_GROUND = 18.0  # CIELAB units from the ground

_Polygon = NDArray[np.float64]


def shares_cut_off(small: NDArray[np.uint8], outlines: Sequence[_Polygon]) -> list[float]:
    """Tell which share of each outline runs through something that is no ground.

    Parameters
    ----------
    small : ndarray of uint8 of shape (height, width, 3)
        A small copy of the photo, sRGB.
    outlines : sequence of ndarray of float64 of shape (n, 2)
        In pixels of the small copy. Where one borders on another nothing is held against it.

    Returns
    -------
    list of float
        From 0 to 1, 0 of outlines that are too small.
    """
    if not outlines:
        return []
    smooth = cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), 1.0)
    lab = np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.float32)
    owner = np.zeros(small.shape[:2], np.int32)
    for number, outline in enumerate(outlines, 1):
        cv2.fillPoly(owner, [outline.round().astype(np.int32)], number)
    return [_share(lab, owner, outline, number) for number, outline in enumerate(outlines, 1)]


def _share(
    lab: NDArray[np.float32], owner: NDArray[np.int32], outline: _Polygon, number: int
) -> float:
    if np.ptp(outline, axis=0).max() < SHORTEST:
        return 0.0
    points, across = _along(outline)
    sides = [np.round(points + sign * BESIDE * across).astype(int) for sign in (-1, 1)]
    height, width = owner.shape
    seen = np.all([((side >= 0) & (side < (width, height))).all(axis=1) for side in sides], axis=0)
    (ax, ay), (bx, by) = (side[seen].T for side in sides)
    first, second = owner[ay, ax], owner[by, bx]
    bounds = ((first == number) & (second == 0)) | ((first == 0) & (second == number))
    if not bounds.any():
        return 0.0
    a, b = lab[ay, ax][bounds], lab[by, bx][bounds]
    outside = np.where((first[bounds] == 0)[:, None], a, b)
    near, everywhere = _grounds(lab, owner, outline)
    from_ground = np.minimum(
        np.linalg.norm(outside - near, axis=1), np.linalg.norm(outside - everywhere, axis=1)
    )
    is_cut = np.linalg.norm(a - b, axis=1) < ALIKE
    return float((is_cut & (from_ground > NO_GROUND)).sum() / len(points))


def _along(outline: _Polygon) -> tuple[_Polygon, _Polygon]:
    """Points at even steps along a closed outline, and unit vectors across it."""
    closed = np.vstack([outline, outline[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    way = np.concatenate([[0], np.cumsum(steps)])
    at = np.linspace(0, way[-1], N_POINTS, endpoint=False)
    points = np.column_stack([np.interp(at, way, closed[:, axis]) for axis in (0, 1)])
    along = np.roll(points, -2, axis=0) - np.roll(points, 2, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return points, np.column_stack([-along[:, 1], along[:, 0]])


def _grounds(
    lab: NDArray[np.float32], owner: NDArray[np.int32], outline: _Polygon
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour of the ground around an outline, where a shadow may lie, and of all the photo's."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    reach = AROUND * (high - low).max()
    left, top = np.maximum(low - reach, 0).astype(int)
    right, bottom = (high + reach).astype(int) + 1
    part = np.s_[top:bottom, left:right]
    everywhere = np.median(lab[owner == 0], axis=0)
    own = lab[part][owner[part] == 0]
    near = np.median(own, axis=0) if len(own) else everywhere
    return np.asarray(near, np.float32), np.asarray(everywhere, np.float32)
