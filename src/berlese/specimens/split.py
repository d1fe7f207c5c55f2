"""Cut touching animals apart where they are joined by a narrow neck."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as label_parts
from skimage.segmentation import watershed

NECK = 0.38
LEAST_BODY = 0.35  # of the thickest body: what is slighter is a leg
LEAST_SHARE = 0.12  # of the whole area that a part needs to be an animal of its own

_Mask = NDArray[np.bool_]


def split_touching(
    mask: _Mask, smallest: float, *, neck: float = NECK
) -> list[tuple[_Mask, int, int]]:
    """Split one object into animals.

    The thickness of the object (distance to its edge) peaks once in each body. Two peaks
    belong to two animals if every way between them passes a neck thinner than `neck` times the
    lesser peak, and each part is large enough; the cut follows the watershed of thickness.

    Parameters
    ----------
    mask : ndarray of bool
    smallest : float
        Least length of an animal in pixels.
    neck : float
        Thickness of a neck over that of the slighter body; 0 never splits.

    Returns
    -------
    list of (ndarray of bool, int, int)
        Each part in its own frame, with the frame's left and top in `mask`'s.
    """
    whole = [(mask, 0, 0)]
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    thickness = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1].astype(np.float32)
    bodies = _bodies(thickness, smallest, neck)
    if bodies.max() < 2:
        return whole
    labels = watershed(-thickness, bodies, mask=mask)
    sizes = np.bincount(labels.ravel())[1:]
    large = sizes >= max(LEAST_SHARE * mask.sum(), 0.12 * smallest**2)
    if large.sum() < 2:
        return whole
    if not large.all():
        seeds = np.where(np.isin(bodies, np.flatnonzero(large) + 1), bodies, 0)
        labels = watershed(-thickness, seeds, mask=mask)
    parts = []
    for number in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == number)
        top, left = rows.min(), columns.min()
        frame = labels[top : rows.max() + 1, left : columns.max() + 1] == number
        parts.append((frame, int(left), int(top)))
    return parts


def _bodies(thickness: NDArray[np.float32], smallest: float, neck: float) -> NDArray[np.int32]:
    """Label the cores of bodies: what stays connected above `neck` of its own peak."""
    cores = np.zeros(thickness.shape, np.int32)
    count = 0
    remaining = thickness.copy()
    least = max(2.0, 0.12 * smallest, LEAST_BODY * float(thickness.max()))
    while remaining.max() > least:
        peak = float(remaining.max())
        above = label_parts(thickness > neck * peak, connectivity=2)
        at = np.unravel_index(int(remaining.argmax()), remaining.shape)
        core = above == above[at]
        if not (cores[core] > 0).any():
            count += 1
            cores[core] = count
        remaining[core] = 0
    return cores
