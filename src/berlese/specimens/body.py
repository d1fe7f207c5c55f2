"""The body of an animal: its outline without legs and antennae, and the axis through it.

Lengths are in pixels of the given mask. The work is done on a copy of one size, so that the
result does not depend on how large the animal is on the photo, and costs the same for each.

Legs, antennae, snouts and mandibles are what an opening by a disc of `LIMB` times the body's
own half width strips. The axis starts as the body's longest direction (or, for a curled body,
its longest way inside) and is moved to the middle of the body's cross-sections; at both ends it
goes on to the outline, or to where only a limb goes on.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy.ndimage import grey_opening
from skimage.graph import MCP_Geometric

WORK_SIDE = 100.0  # root of the animal's area in the working copy
LIMB = 0.42  # of the largest half width: what is thinner is no body
LEAST_PART = 0.12  # of the largest part's core that another part of the body needs
TIP_WIDTH = 0.3  # of the body's width: where an end is narrower, a limb may have begun
TIP_REST = 0.5  # of its width there: so far an end still reaches, if it is rounded off
KEPT = 0.12  # of the axis's length: what sticks out over less is a limb's stump
CURLED = 0.85  # of its convex hull that a body fills unless it is curled
N_AXIS = 41
ROUNDS = 5
MARGIN = 4  # empty pixels around the working copy
STEP = 0.5  # pixels between samples along a section

_Mask = NDArray[np.bool_]
_Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body of one animal.

    Attributes
    ----------
    mask : ndarray of bool
        The body's pixels, in the frame that was given.
    axis : ndarray of float64 of shape (n, 2)
        Points x, y from one end of the body to the other, evenly spaced; pixel centres are at
        whole numbers plus a half.
    widths : ndarray of float64 of shape (n,)
        Width of the body across the axis at these points, without stumps of legs.
    length : float
        Of the axis.
    width : float
        The largest of `widths`.
    """

    mask: _Mask
    axis: _Points
    widths: NDArray[np.float64]
    length: float
    width: float


def find_body(mask: _Mask) -> Body:
    """Find the body in the mask of one animal, legs and antennae included.

    Parameters
    ----------
    mask : ndarray of bool of shape (height, width)
        At least one pixel set; the gaps between legs and body are not.
    """
    work, scale = _working_copy(mask)
    thickness = _distance_inside(work)
    half_width = float(thickness.max())
    body = _without_limbs(work, thickness, LIMB * half_width)
    axis = _centred(body, _first_axis(body, thickness), half_width)
    axis = _to_the_tips(work, axis, half_width)
    # A thigh beside the body is short along the axis: an opening of the profile strips it.
    widths = grey_opening(_widths(body, axis), round(KEPT * N_AXIS), mode="nearest")
    length = float(np.hypot(*np.diff(axis, axis=0).T).sum())
    return Body(
        _back(body, mask, scale),
        (axis - MARGIN + 0.5) / scale - 1,
        widths / scale,
        length / scale,
        float(widths.max()) / scale,
    )


def _working_copy(mask: _Mask) -> tuple[_Mask, float]:
    """Scale the mask to `WORK_SIDE`, with a frame of one of its own pixels and of `MARGIN`."""
    scale = WORK_SIDE / float(np.sqrt(mask.sum()))
    framed = np.pad(mask.astype(np.float32), 1)
    filter_ = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
    size = [max(1, round(side * scale)) for side in framed.shape[::-1]]
    return np.pad(cv2.resize(framed, size, interpolation=filter_) > 0.5, MARGIN), scale


def _back(body: _Mask, mask: _Mask, scale: float) -> _Mask:
    """Bring the body's mask into the frame of the animal's."""
    inner = body[MARGIN:-MARGIN, MARGIN:-MARGIN].astype(np.float32)
    size = (mask.shape[1] + 2, mask.shape[0] + 2)
    grown = cv2.resize(inner, size, interpolation=cv2.INTER_LINEAR if scale < 1 else cv2.INTER_AREA)
    return np.asarray((grown[1:-1, 1:-1] > 0.5) & mask)


def _distance_inside(mask: _Mask) -> NDArray[np.float32]:
    """Distance of each pixel of the mask to the nearest one outside."""
    framed = np.pad(mask.astype(np.uint8), 1)
    inside = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(inside[1:-1, 1:-1], np.float32)


def _without_limbs(mask: _Mask, thickness: NDArray[np.float32], radius: float) -> _Mask:
    """Open the mask by a disc; keep the largest part and others that are no small swellings."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (thickness > radius).astype(np.uint8)
    )
    sizes = stats[:, cv2.CC_STAT_AREA]
    large = sizes >= LEAST_PART * sizes[1:].max(initial=0)
    large[0] = False
    away = cv2.distanceTransform(
        (~large[labels]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return np.asarray(mask & (away <= radius + 0.5)) if count > 1 else mask


def _first_axis(body: _Mask, thickness: NDArray[np.float32]) -> _Points:
    """A rough axis: straight along the longest direction, or along a curled body."""
    rows, columns = np.nonzero(body)
    points = np.column_stack([columns, rows]).astype(float)
    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    if len(points) < CURLED * hull:
        return _longest_way(body, thickness)
    middle = points.mean(axis=0)
    along = np.linalg.eigh(np.cov((points - middle).T))[1][:, 1]
    first, last = np.percentile((points - middle) @ along, [1, 99])
    return np.asarray(middle + np.linspace(first, last, N_AXIS)[:, None] * along)


def _longest_way(body: _Mask, thickness: NDArray[np.float32]) -> _Points:
    """The way between the two points of the body that are farthest apart inside of it."""
    # Between the parts of a body that a thin stalk joins, ways lead over open ground.
    plain = np.where(body, 1.0, 20.0)
    start = np.unravel_index(int(thickness.argmax()), body.shape)
    for _ in range(2):
        far, _ = MCP_Geometric(plain).find_costs([start])
        start, before = np.unravel_index(np.where(body, far, 0).argmax(), body.shape), start
    peak = float(thickness.max())
    central = np.where(body, (peak / np.maximum(thickness, 1)) ** 2, 1e4)
    ways = MCP_Geometric(central)
    ways.find_costs([before], [start])
    way = np.array(ways.traceback(start), float)[:, ::-1]
    return _evenly(way)


def _evenly(points: _Points) -> _Points:
    """Space points evenly along the line through them."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, along[-1], N_AXIS)
    return np.column_stack([np.interp(at, along, points[:, k]) for k in (0, 1)])


def _centred(body: _Mask, axis: _Points, half_width: float) -> _Points:
    """Move an axis to the middle of the body's sections, as a smooth curve."""
    degree = _degree(axis, half_width)
    for _ in range(ROUNDS):
        across = _across(axis)
        left, right = _reach(body, axis, across), _reach(body, axis, -across)
        inside = (left >= 0) & (right >= 0)
        if inside.sum() < N_AXIS // 3:
            return axis
        middles = (axis + across * ((left - right) / 2)[:, None])[inside]
        weights = (left + right)[inside] + 1e-3
        places = np.linspace(-1, 1, N_AXIS)
        curves = [
            Polynomial.fit(places[inside], middles[:, k], degree, w=weights, domain=[-1, 1])
            for k in (0, 1)
        ]
        axis = _within(body, np.column_stack([curve(places) for curve in curves]))
    return axis


def _degree(axis: _Points, half_width: float) -> int:
    """How often the axis of so slender a body may bend: a plump one cannot."""
    length = float(np.hypot(*np.diff(axis, axis=0).T).sum())
    slender = length / (2 * half_width)
    straight = float(np.hypot(*(axis[-1] - axis[0]))) / length
    if straight < 0.9:
        return 5
    return 2 if slender < 4 else 3


def _across(axis: _Points) -> _Points:
    """Unit vectors across the axis."""
    along = np.gradient(axis, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    return np.column_stack([-along[:, 1], along[:, 0]])


def _reach(mask: _Mask, points: _Points, directions: _Points) -> NDArray[np.float64]:
    """How far each point sees inside the mask in its direction; -1 for points outside."""
    steps = np.arange(0, np.hypot(*mask.shape), STEP)
    columns, rows = (points[:, axis, None] + steps * directions[:, axis, None] for axis in (0, 1))
    seen = _at(mask, columns, rows)
    stop = np.where(seen.all(axis=1), seen.shape[1], seen.argmin(axis=1))
    return np.asarray(np.where(stop > 0, (stop - 1) * STEP, -1.0))


def _at(mask: _Mask, columns: _Points, rows: _Points) -> _Mask:
    """Look up the pixels that hold these points; False beyond the mask."""
    height, width = mask.shape
    left, top = np.floor(columns + 0.5).astype(np.intp), np.floor(rows + 0.5).astype(np.intp)
    within = (left >= 0) & (left < width) & (top >= 0) & (top < height)
    return np.asarray(mask.ravel()[np.where(within, top * width + left, 0)] & within)


def _widths(body: _Mask, axis: _Points) -> NDArray[np.float64]:
    across = _across(axis)
    both = _reach(body, axis, across), _reach(body, axis, -across)
    return np.where((both[0] >= 0) & (both[1] >= 0), both[0] + both[1] + STEP, 0.0)


def _ends(axis: _Points) -> tuple[_Points, _Points]:
    """Unit vectors that lead on from the axis's first and last point."""
    reach = max(2, N_AXIS // 10)
    ways = axis[0] - axis[reach], axis[-1] - axis[-1 - reach]
    first, last = (way / max(float(np.hypot(*way)), 1e-9) for way in ways)
    return first, last


def _within(body: _Mask, axis: _Points) -> _Points:
    """Lead an axis on, straight, to the body's outline; cut off what lies outside."""
    first, last = _ends(axis)
    far = _reach(body, axis[[0, -1]], np.array([first, last]))
    line = np.vstack([axis[0] + first * max(far[0], 0), axis, axis[-1] + last * max(far[1], 0)])
    shares = np.linspace(0, 1, N_AXIS)[:, None]
    fine = (line[:-1, None] + shares * np.diff(line, axis=0)[:, None]).reshape(-1, 2)
    inside = _at(body, fine[:, 0], fine[:, 1])
    kept = np.flatnonzero(inside)
    return axis if len(kept) < 2 else _evenly(fine[kept[0] : kept[-1] + 1])


def _to_the_tips(animal: _Mask, axis: _Points, half_width: float) -> _Points:
    """Lead an axis on to where the animal ends or only a limb goes on."""
    first, last = _ends(axis)
    points = [axis]
    for side, end, way in ((0, axis[0], first), (1, axis[-1], last)):
        further = _tip(animal, end - 0.25 * half_width * way, way, half_width) - 0.25 * half_width
        if further > 0:
            tip = (end + further * way)[None]
            points = [tip, *points] if side == 0 else [*points, tip]
    return _evenly(np.vstack(points))


def _tip(animal: _Mask, start: _Points, way: _Points, half_width: float) -> float:
    """How far the body goes on from `start`, which lies inside of it."""
    longest = float(_reach(animal, start[None], way[None])[0])
    if longest < 0:
        return 0.0
    steps = np.arange(0, longest + STEP, STEP)
    points = start + steps[:, None] * way
    across = np.broadcast_to([-way[1], way[0]], points.shape)
    widths = _reach(animal, points, across) + _reach(animal, points, -across)
    thin = np.flatnonzero(widths < TIP_WIDTH * 2 * half_width)
    if len(thin) == 0:
        return longest + STEP
    begun, width = float(steps[thin[0]]), float(max(widths[thin[0]], 1.0))
    return longest + STEP if longest - begun <= TIP_REST * width else begun
