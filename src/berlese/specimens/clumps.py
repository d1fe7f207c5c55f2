"""Cut a clump by a small network that tells of each pixel which animal it belongs to.

A neck tells where two round animals touch, and nothing where long ones cross. The network sees
colours and edges too; it was trained on simulated clumps and on clumps pasted of real animals by
`benchmarks/train_clumps.py`. What it offers is one more way to cut, which is judged like the
others. Each pixel tells the middle of its animal (Neven et al. 2019, CVPR) and its spread: so two
that cross are told apart, though they share a middle. The distance of two such descriptions is
that of two normal distributions (Wasserstein's; exact where their axes agree).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.spatial.distance import cdist

from berlese.specimens.networks import session_of
from berlese.specimens.split import Part, depth_of, grown

NETWORK = "clumps.onnx"
# Pixels of the thickest body as the network sees it. It was trained on the first; of a tangle it is
# asked a second time, for thin animals that lie with a thick one have too few pixels at the first.
THICKNESSES = (24.0, 36.0)
LONGEST = 40 / 3  # times that thickness that the longer side has at most as the network sees it
TANGLE = 4  # parts that the first view cuts a thing into, from which on it is a tangle
STEP = 32  # sides of what the network sees are multiples of it
UNIT = 16.0  # pixels: what it tells is in this unit
CONTRAST_UNIT = 80.0  # grey levels
# Pixels between two animals, and within which pixels make no other one, for ever finer ways to cut.
WAYS = ((20, 60), (14, 21), (8, 12))
LEAST_SUPPORT = 24.0  # pixels that must agree on an animal
MOST_VOTERS, MOST_STARTS = 1500, 300  # pixels looked at, and of them those where a search starts
MOST_ANIMALS = 40
PART_SHARE = 0.1  # of the mean part's area that a part has at least
PIECE_SHARE = 0.3  # of the largest piece of an animal that others cross: smaller ones are noise

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def clump_patch(
    pixels: _Bytes, ground: _Bytes, mask: _Mask, thickness: float
) -> tuple[_Floats, float]:
    """Show a thing to the network: colours over the ground and the mask, at a common size.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    mask : ndarray of bool of shape (h, w)
    thickness : float
        Of the thickest body in the patch, in pixels; less where the patch would be too large.

    Returns
    -------
    values : ndarray of float32 of shape (4, H, W)
        H and W are multiples of `STEP`; what is added on the right and below is 0.
    scale : float
        Patch pixels over pixels of the mask.
    """
    thick = 2 * float(depth_of(mask).max())
    scale = thickness * min(1 / thick, LONGEST / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    away = (pixels.astype(np.float32) - ground) / np.float32(CONTRAST_UNIT)
    planes = np.dstack([away, mask.astype(np.float32)])
    small = np.asarray(cv2.resize(planes, size, interpolation=method), np.float32)
    below, right = -small.shape[0] % STEP, -small.shape[1] % STEP
    small = np.pad(small, ((0, below), (0, right), (0, 0)))
    return np.ascontiguousarray(small.transpose(2, 0, 1)), scale


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the pixels of a thing tell: the animal of each, in pixels, and how far to trust it.

    `shape` is that of the patch, of which `scale` pixels are one of the thing's. `away` holds the
    squared distances from `starts` to `voters`, of which each stands for `step` pixels.
    """

    shape: tuple[int, ...]
    scale: float
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    points: _Floats
    trust: _Floats
    starts: _Floats
    voters: _Floats
    away: _Floats
    step: int


def told_by_network(pixels: _Bytes, ground: _Bytes, mask: _Mask, thickness: float) -> Told:
    """Ask the network which animal each pixel of a thing belongs to: the mean of four views.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    mask : ndarray of bool of shape (h, w)
    thickness : float
        At which the network is shown the thing, see `clump_patch`.
    """
    values, scale = clump_patch(pixels, ground, mask, thickness)
    return _told_inside(_told_of(values), values[3] > 0.5, scale)


def _told_of(values: _Floats) -> _Floats:
    """Ask of a patch as it is, turned round, and in both mirrors; the mean."""
    total = np.zeros((6, *values.shape[1:]), np.float32)
    for down, across in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        seen = np.ascontiguousarray(values[None, :, ::down, ::across])
        (told,) = session_of(NETWORK).run(None, {"values": seen})[0]
        signs = np.array([down, across, 1, 1, down * across, 1], np.float32)
        total += told[:, ::down, ::across] * signs[:, None, None]
    return np.asarray(total / 4, np.float32)


def ways_by_network(
    pixels: _Bytes, ground: _Bytes, mask: _Mask, smallest: float, *, finely: bool = True
) -> list[list[Part]]:
    """List ways to cut a thing into two animals or more; none where it looks like one.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    mask : ndarray of bool of shape (h, w)
    smallest : float
        Least length of an animal in pixels of the mask.
    finely : bool
        Ask a second time, in more detail, where a way has `TANGLE` parts or more; the ways that
        this gives come after the others.
    """
    ways: list[list[Part]] = []
    for thickness in THICKNESSES if finely else THICKNESSES[:1]:
        told = told_by_network(pixels, ground, mask, thickness)
        ways += _ways_told(told, mask, smallest)
        if max(map(len, ways), default=0) < TANGLE:
            break
    return ways


def _ways_told(told: Told, mask: _Mask, smallest: float) -> list[list[Part]]:
    """Ever finer ways to cut a thing by what its pixels tell."""
    ways: list[list[Part]] = []
    for apart, explained in WAYS:
        labels = gathered_from(told, apart, explained)
        count = int(labels.max())
        if count < 2 or (ways and count <= len(ways[-1])):
            continue
        bodies = _large_pieces(at_full_size(labels, mask.shape, told.scale))
        parts = grown(mask, np.where(mask, bodies, 0), smallest, least_share=PART_SHARE / count)
        if len(parts) > 1:
            ways.append(parts)
    return ways


def gathered(told: _Floats, inside: _Mask, apart: float, explained: float) -> NDArray[np.int32]:
    """Label the pixels by the animal that they tell of.

    Parameters
    ----------
    told : ndarray of float32 of shape (6, h, w)
        In units of `UNIT` pixels: the way to the animal's middle, down and across; the square
        root of the covariance of its pixels, down, across and, times the root of 2, of both; and
        the logarithm of how far off all this may be.
    inside : ndarray of bool of shape (h, w)
    apart : float
        Animals nearer to each other than this many pixels are one.
    explained : float
        What is as near as this to an animal, in pixels, makes no other one.

    Returns
    -------
    ndarray of int32 of shape (h, w)
        From 1; 0 outside and where a pixel tells of no animal that others tell of.
    """
    return gathered_from(_told_inside(told, inside, 1.0), apart, explained)


def _told_inside(told: _Floats, inside: _Mask, scale: float) -> Told:
    rows, columns = np.nonzero(inside)
    points = told[:5, rows, columns].T * np.float32(UNIT)
    points[:, 0] += rows
    points[:, 1] += columns
    trust = 1 / (np.exp(np.clip(told[5, rows, columns], -3, 3)) + np.float32(0.1))
    step = max(1, -(-len(points) // MOST_VOTERS))
    voters = points[::step]
    starts = voters[:: max(1, -(-len(voters) // MOST_STARTS))]
    away = cdist(starts, voters, "sqeuclidean").astype(np.float32)
    return Told(inside.shape, scale, rows, columns, points, trust, starts, voters, away, step)


def gathered_from(told: Told, apart: float, explained: float) -> NDArray[np.int32]:
    """As `gathered`, of what the network told of a thing; may be asked again and again."""
    labels = np.zeros(told.shape, np.int32)
    animals = _told_by_many(told, apart, explained)
    if not len(animals):
        return labels
    square = cdist(told.points, animals, "sqeuclidean")
    own = square.argmin(axis=1)
    sure = square[np.arange(len(own)), own] < (3 * apart) ** 2
    labels[told.rows[sure], told.columns[sure]] = own[sure] + 1
    return labels


def _told_by_many(told: Told, apart: float, explained: float) -> _Floats:
    """Find the animals that most pixels tell of, one after the other, of shape (n, 5).

    What pixels tell is smoothed by a Gaussian of half of `apart`; pixels near to an animal that is
    found are taken out before the next is sought.
    """
    found: list[_Floats] = []
    if not len(told.points):
        return np.empty((0, 5), np.float32)
    left = (told.trust / told.trust.mean())[:: told.step] * np.float32(told.step)
    close = _closeness(told.away, apart)
    while len(found) < MOST_ANIMALS:
        support = close @ left
        best = int(support.argmax())
        if support[best] < LEAST_SUPPORT:
            break
        animal = told.starts[best]
        for _ in range(3):
            weights = _closeness(_square(told.voters, animal), apart) * left
            animal = weights @ told.voters / weights.sum()
        found.append(animal)
        near = _square(told.voters, animal) < explained**2
        left = np.where(near | (close[best] > 0.5), 0, left)
    return np.array(found, np.float32).reshape(-1, 5)


def _square(points: _Floats, animal: _Floats) -> _Floats:
    away = points - animal
    return np.asarray(np.einsum("ij,ij->i", away, away), np.float32)


def _closeness(square: _Floats, apart: float) -> _Floats:
    return np.asarray(np.exp(square * np.float32(-2 / apart**2)), np.float32)


def at_full_size(
    labels: NDArray[np.int32], shape: tuple[int, ...], scale: float
) -> NDArray[np.int32]:
    """Bring labels of the network's patch to the size of the mask.

    Parameters
    ----------
    labels : ndarray of int32 of shape (h, w)
    shape : tuple of int
        Of the mask.
    scale : float
        Patch pixels over pixels of the mask, as `clump_patch` gives it.
    """
    down = np.minimum((np.arange(shape[0]) * scale).astype(int), len(labels) - 1)
    across = np.minimum((np.arange(shape[1]) * scale).astype(int), labels.shape[1] - 1)
    return np.asarray(labels[np.ix_(down, across)])


def _large_pieces(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Keep of each label only its large connected pieces."""
    whole = np.zeros(labels.shape, np.int32)
    for number, frame in enumerate(find_objects(labels), 1):
        if frame is None:
            continue
        own = (labels[frame] == number).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        areas = stats[:, cv2.CC_STAT_AREA].astype(float)
        large = areas >= PIECE_SHARE * areas[1:].max()
        large[0] = False
        whole[frame][large[pieces]] = number
    return whole
