"""Outlines as a person wants them: several joined to one animal, or one cut into several.

Segmentation judges for itself how a thing is cut (`berlese.specimens.segment`); here somebody
has looked and says how many animals there are, and only where the cut goes is left to find.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.ndimage import distance_transform_edt

from berlese.errors import SettingError
from berlese.specimens.clumps import THICKNESSES, at_full_size, gathered_from, told_by_network
from berlese.specimens.measure import filled
from berlese.specimens.outline import Box, box_around, outline_of
from berlese.specimens.split import Part, depth_of, grown, split_touching

SMALLEST = 6.0  # pixels: least length of a part
NECKS = np.linspace(0.35, 0.95, 13)  # thickness of a neck over that of the slighter body
# See `berlese.specimens.clumps.gathered`: from coarse to fine, the coarsest that gives the number;
# where none does, the network is asked in more detail before necks are tried.
GATHERED = tuple((apart, 1.5 * apart) for apart in (40, 28, 20, 14, 10, 7, 5))
MOST_PARTS = 20
BRIDGE = 3  # pixels: thickness of what joins outlines that lie apart
LEAST_SHARE = 0.02  # of the mean part's area: a person who says three means a small one too

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]
_Polygon = NDArray[np.float64]


def joined(polygons: Sequence[_Polygon]) -> _Polygon:
    """Make one outline of several; those that lie apart are bridged where they are nearest.

    Parameters
    ----------
    polygons : sequence of ndarray of float64 of shape (n, 2)
        In pixels of the photo, through the middles of the outermost pixels.
    """
    frame = box_around(np.vstack(polygons), margin=BRIDGE)
    mask = np.zeros((frame.height, frame.width), bool)
    for polygon in polygons:
        mask |= filled(polygon, frame)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    while count > 2:
        first = labels == 1
        away, nearest = distance_transform_edt(~first, return_indices=True)
        away[~mask | first] = np.inf
        row, column = np.unravel_index(int(away.argmin()), away.shape)
        to = nearest[:, row, column]
        drawn = mask.astype(np.uint8)
        cv2.line(drawn, (int(column), int(row)), (int(to[1]), int(to[0])), 1, BRIDGE)
        mask = drawn.astype(bool)
        count, labels = cv2.connectedComponents(drawn, connectivity=8)
    return _outline(mask, frame.left, frame.top)


def parted(polygon: _Polygon, pixels: _Bytes, frame: Box, parts: int) -> list[_Polygon]:
    """Cut one outline into a number of animals, from left to right.

    The ways are those of segmentation: the network that tells of each pixel which animal it
    belongs to, then necks, of which the narrowest that gives this number is taken. Where none
    does, pixels are divided by their distance to so many middles (k-means).

    Parameters
    ----------
    polygon : ndarray of float64 of shape (n, 2)
        In pixels of the photo.
    pixels : ndarray of uint8 of shape (frame.height, frame.width, 3)
        The photo around it, some ground included.
    frame : Box
        Where these pixels lie on the photo.
    parts : int
        How many animals.

    Raises
    ------
    SettingError
        If `parts` is below 2 or above `MOST_PARTS`, or the outline is too small for them.
    """
    if not 2 <= parts <= MOST_PARTS:
        raise SettingError(f"an animal can be cut into 2 to {MOST_PARTS}, not into {parts}.")
    mask = filled(polygon, frame)
    if mask.sum() < parts * SMALLEST:
        raise SettingError(f"an outline of {mask.sum()} pixels is too small to be {parts} animals.")
    way = next((way for way in _ways(mask, pixels, parts) if len(way) == parts), None)
    pieces = _by_middles(mask, parts) if way is None else way
    if len(pieces) != parts:
        raise SettingError(
            f"an outline of {mask.sum()} pixels could not be cut into {parts} animals; try fewer."
        )
    outlines = [_outline(piece, frame.left + x, frame.top + y) for piece, x, y in pieces]
    return sorted(outlines, key=lambda outline: tuple(outline.mean(axis=0)))


def _ways(mask: _Mask, pixels: _Bytes, parts: int) -> Iterator[list[Part]]:
    free = pixels[~mask]
    ground = np.empty_like(pixels)
    ground[:] = np.median(free if len(free) else pixels.reshape(-1, 3), axis=0)
    for thickness in THICKNESSES:
        told = told_by_network(pixels, ground, mask, thickness)
        for apart, explained in GATHERED:
            labels = gathered_from(told, apart, explained)
            if labels.max() == parts:
                bodies = np.where(mask, at_full_size(labels, mask.shape, told.scale), 0)
                yield grown(mask, bodies, SMALLEST, least_share=LEAST_SHARE / parts)
    depth = depth_of(mask)
    for neck in NECKS:
        yield split_touching(mask, SMALLEST, neck=float(neck), depth=depth)


def _outline(mask: _Mask, left: int, top: int) -> _Polygon:
    """Draw the outline of what lies here on the photo: that of the largest piece by area."""
    return outline_of(mask, size=cv2.contourArea) + np.array((left, top))


def _by_middles(mask: _Mask, parts: int) -> list[Part]:
    """Divide pixels among so many middles; every part is one connected piece."""
    rows, columns = np.nonzero(mask)
    places = np.column_stack([columns, rows]).astype(float)
    _, own = kmeans2(places, parts, minit="++", seed=0)
    bodies = np.zeros(mask.shape, np.int32)
    for number in range(parts):
        body = np.zeros(mask.shape, np.uint8)
        body[rows[own == number], columns[own == number]] = 1
        _, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=4)
        bodies[labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())] = number + 1
    return grown(mask, bodies, SMALLEST, least_share=LEAST_SHARE / parts)
