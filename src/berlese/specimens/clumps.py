"""Cut a clump by a small network that points from each pixel to the middle of its animal.

A neck tells where two round animals touch, and nothing where long ones cross. The network sees
colours and edges too; it was trained on simulated clumps and on clumps pasted of real animals by
`benchmarks/train_clumps.py`. What it offers is one more way to cut, which is judged like the
others. Centre regression by offsets: Neven et al. 2019 (CVPR), there with learned spreads.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.networks import session_of
from berlese.specimens.split import Part, depth_of, grown

NETWORK = "clumps.onnx"
THICKNESS = 24.0  # pixels of the thickest body as the network sees it
LONGEST = 208.0  # pixels of the longer side as the network sees it
STEP = 16  # sides of what the network sees are multiples of it
UNIT = 16.0  # pixels: its offsets are in this unit
CONTRAST_UNIT = 80.0  # grey levels
APART = (14, 8)  # pixels between the middles of two animals, for two ways to cut
LEAST_VOTES = 24  # pixels that must point to a middle
PIECE_SHARE = 0.25  # of the mean part's area that a part has at least

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def clump_patch(pixels: _Bytes, ground: _Bytes, mask: _Mask) -> tuple[_Floats, float]:
    """Show a thing to the network: colours over the ground and the mask, at a common size.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    mask : ndarray of bool of shape (h, w)

    Returns
    -------
    values : ndarray of float32 of shape (4, H, W)
        H and W are multiples of `STEP`; what is added on the right and below is 0.
    scale : float
        Patch pixels over pixels of the mask.
    """
    thick = 2 * float(depth_of(mask).max())
    scale = min(THICKNESS / thick, LONGEST / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    away = (pixels.astype(np.float32) - ground) / np.float32(CONTRAST_UNIT)
    planes = np.dstack([away, mask.astype(np.float32)])
    small = np.asarray(cv2.resize(planes, size, interpolation=method), np.float32)
    below, right = -small.shape[0] % STEP, -small.shape[1] % STEP
    small = np.pad(small, ((0, below), (0, right), (0, 0)))
    return np.ascontiguousarray(small.transpose(2, 0, 1)), scale


def ways_by_network(
    pixels: _Bytes, ground: _Bytes, mask: _Mask, smallest: float
) -> list[list[Part]]:
    """List ways to cut a thing into two animals or more; none where it looks like one.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    mask : ndarray of bool of shape (h, w)
    smallest : float
        Least length of an animal in pixels of the mask.
    """
    values, scale = clump_patch(pixels, ground, mask)
    (offsets,) = session_of(NETWORK).run(None, {"values": values[None]})[0]
    inside = values[3] > 0.5
    ways: list[list[Part]] = []
    for apart in APART:
        labels = gathered(offsets * np.float32(UNIT), inside, apart)
        count = int(labels.max())
        if count < 2 or (ways and count <= len(ways[-1])):
            continue
        bodies = _at_full_size(labels, mask.shape, scale)
        parts = grown(mask, np.where(mask, bodies, 0), smallest, least_share=PIECE_SHARE / count)
        if len(parts) > 1:
            ways.append(parts)
    return ways


def gathered(offsets: _Floats, inside: _Mask, apart: int) -> NDArray[np.int32]:
    """Label the pixels by the middle that they point to.

    Parameters
    ----------
    offsets : ndarray of float32 of shape (2, h, w)
        Down and across, in pixels.
    inside : ndarray of bool of shape (h, w)
    apart : int
        Middles nearer to each other than this are one.

    Returns
    -------
    ndarray of int32 of shape (h, w)
        From 1; 0 outside and where a pixel points to nothing.
    """
    labels = np.zeros(inside.shape, np.int32)
    rows, columns = np.nonzero(inside)
    points = np.stack([rows, columns], axis=1) + offsets[:, rows, columns].T
    cells = np.clip(np.rint(points).astype(int), 0, np.array(inside.shape) - 1)
    votes = np.zeros(inside.shape, np.float32)
    np.add.at(votes, tuple(cells.T), 1)
    near = cv2.boxFilter(votes, -1, (5, 5), normalize=False, borderType=cv2.BORDER_CONSTANT)
    smooth = np.asarray(
        cv2.GaussianBlur(votes, (0, 0), 1.5, borderType=cv2.BORDER_CONSTANT), np.float32
    )
    window = np.ones((2 * apart + 1, 2 * apart + 1), np.uint8)
    peaks = (smooth >= cv2.dilate(smooth, window)) & (near >= LEAST_VOTES)
    middles = _apart(np.argwhere(peaks), smooth, apart)
    if not len(middles):
        return labels
    distance = np.linalg.norm(points[:, None] - middles[None], axis=2)
    own = distance.argmin(axis=1)
    sure = distance[np.arange(len(own)), own] < 2 * apart
    labels[rows[sure], columns[sure]] = own[sure] + 1
    return labels


def _apart(peaks: NDArray[np.intp], height: _Floats, apart: int) -> NDArray[np.intp]:
    """Keep the higher of peaks that are nearer to each other than `apart`; ties are plateaus."""
    kept: list[NDArray[np.intp]] = []
    for peak in peaks[np.argsort(-height[tuple(peaks.T)], kind="stable")]:
        if all(np.abs(peak - each).max() > apart for each in kept):
            kept.append(peak)
    return np.array(kept, np.intp).reshape(-1, 2)


def _at_full_size(
    labels: NDArray[np.int32], shape: tuple[int, ...], scale: float
) -> NDArray[np.int32]:
    """Bring labels to the size of the mask; of each only its largest connected piece."""
    down = np.minimum((np.arange(shape[0]) * scale).astype(int), len(labels) - 1)
    across = np.minimum((np.arange(shape[1]) * scale).astype(int), labels.shape[1] - 1)
    whole = np.zeros(shape, np.int32)
    for number in range(1, int(labels.max()) + 1):
        own = np.ascontiguousarray((labels == number)[np.ix_(down, across)]).astype(np.uint8)
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        if count > 1:
            whole[pieces == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))] = number
    return whole
