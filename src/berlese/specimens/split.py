"""Cut touching animals apart: at narrow necks, or where only a faint bridge joins them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

LEAST_BODY = 0.35  # of the thickest body: what is slighter is a leg
LEAST_SHARE = 0.12  # of the whole area that a part needs to be an animal of its own
LEAST_AREA = 0.08  # of the square of the smallest length

_FLOOD = 8 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
Part = tuple[NDArray[np.bool_], int, int]
_Mask = NDArray[np.bool_]
_Labels = NDArray[np.int32]


def split_touching(
    mask: _Mask,
    smallest: float,
    *,
    neck: float,
    depth: NDArray[np.float32] | None = None,
    more_than: int = 1,
) -> list[Part]:
    """Split one object into animals.

    The depth of the object (distance to its edge) peaks once in each body. Two peaks belong to
    two animals if every way between them passes a neck thinner than `neck` times the lesser
    peak, and each part is large enough; every pixel goes to the body that it is nearest to,
    measured from the body's edge.

    Parameters
    ----------
    mask : ndarray of bool
    smallest : float
        Least length of an animal in pixels.
    neck : float
        Thickness of a neck over that of the slighter body.
    depth : ndarray of float32, optional
        `depth_of(mask)`, where it is known already.
    more_than : int
        Number of parts that is no news; what has no more bodies is not split.

    Returns
    -------
    list of (ndarray of bool, int, int)
        Each part in its own frame, with the frame's left and top in `mask`'s.
    """
    depth = depth_of(mask) if depth is None else depth
    bodies = _bodies(depth, smallest, neck)
    if bodies.max() <= max(more_than, 1):
        return [(mask, 0, 0)]
    return grown(mask, bodies, smallest)


def depth_of(mask: _Mask) -> NDArray[np.float32]:
    """Distance of each pixel to the outside, the frame's border counting as outside."""
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.ascontiguousarray(depth, np.float32)


def grown(
    mask: _Mask, bodies: _Labels, smallest: float, *, least_share: float = LEAST_SHARE
) -> list[Part]:
    """Give every pixel of `mask` to the nearest body; bodies that stay slight are dropped."""
    for _ in range(2):
        nearest = _nearest(bodies, mask)
        sizes = np.bincount(nearest, minlength=int(bodies.max()) + 1)[1:]
        large = sizes >= max(least_share * len(nearest), LEAST_AREA * smallest**2)
        if large.sum() < 2:
            return [(mask, 0, 0)]
        if large.all():
            break
        bodies = np.concatenate([[False], large]).astype(np.int32).take(bodies) * bodies
    labels = np.zeros(mask.shape, np.int32)
    labels[mask] = nearest
    parts = []
    for number, frame in enumerate(find_objects(labels), 1):
        if frame is not None:
            parts.append((labels[frame] == number, frame[1].start, frame[0].start))
    return parts


def _nearest(bodies: _Labels, mask: _Mask) -> _Labels:
    """Number of the body that is nearest to each pixel of a mask, of shape (pixels,)."""
    free = (bodies == 0).view(np.uint8)
    _, zones = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    own = bodies > 0
    owner = np.zeros(int(zones.max()) + 1, np.int32)
    owner[zones[own]] = bodies[own]
    return np.asarray(owner.take(zones[mask]))


def _bodies(depth: NDArray[np.float32], smallest: float, neck: float) -> _Labels:
    """Label the cores of bodies: what stays connected above `neck` of its own peak."""
    cores = np.zeros(depth.shape, np.int32)
    filled = np.zeros((depth.shape[0] + 2, depth.shape[1] + 2), np.uint8)
    count = 0
    remaining = depth.copy()
    least = max(1.5, 0.06 * smallest, LEAST_BODY * float(depth.max()))
    while True:
        _, peak, _, at = cv2.minMaxLoc(remaining)
        if peak <= least:
            return cores
        # Just less than the whole way down, so that what is no more than the neck stays out.
        below = float(np.nextafter(np.float32(peak) - np.float32(neck * peak), np.float32(0)))
        *_, (left, top, width, height) = cv2.floodFill(depth, filled, at, 0, below, 1e9, _FLOOD)
        rows, columns = slice(top, top + height), slice(left, left + width)
        own = filled[1:-1, 1:-1][rows, columns]
        core = own > 0
        if not cores[rows, columns][core].any():
            count += 1
            cores[rows, columns][core] = count
        remaining[rows, columns][core] = 0
        own[:] = 0
