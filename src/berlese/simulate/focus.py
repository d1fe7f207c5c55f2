"""Photograph one scene as a focus stack: many slices, each sharp at another height.

A scene is a sharp picture and the height of each of its pixels. Every slice blurs what lies
above and below its focus with the disc of a lens, near things over far ones, and moves a
little against the others: the lens breathes (scale), the stand drifts (shift, turn), the lamp
flickers (exposure) and the sensor adds noise. Pixels are sRGB 0..255; the middle slice has the
geometry of the sharp picture, which is the truth that a fused picture is compared with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
_SMALLEST_RADIUS = 0.25  # a disc below this blurs nothing that pixels could show


@dataclass(frozen=True, slots=True)
class FocusDrive:
    """How a stack of slices is taken.

    Parameters
    ----------
    slices : int
        How many; the lowest is focused on height 0, the highest on height 1.
    blur_px : float
        Radius of the disc that a point makes which lies the whole height out of focus.
    breathing : float
        Scale from one slice to the next, less one.
    drift_px : float
        Standard deviation of the shift from one slice to the next, a direction.
    turn_deg : float
        Standard deviation of the turn from one slice to the next.
    flicker : float
        Standard deviation of the exposure, share.
    noise : float
        Standard deviation of the sensor's noise, grey levels.
    """

    slices: int = 15
    blur_px: float = 20.0
    breathing: float = 0.0015
    drift_px: float = 0.6
    turn_deg: float = 0.02
    flicker: float = 0.02
    noise: float = 1.5


def domes(mask: NDArray[np.bool_], *, softness_px: float = 3.0) -> FloatArray:
    """Raise each connected part of a mask to a dome, the widest to height 1; the rest is 0.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
    softness_px : float
        Standard deviation by which the domes are smoothed.

    Returns
    -------
    ndarray of float32, shape (height, width), 0 to 1
    """
    away = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    widest = max(float(away.max()), 1.0)
    round_top = np.sqrt(np.clip(1 - (1 - away / widest) ** 2, 0, 1)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(round_top, (0, 0), softness_px), np.float32)
    return smooth / max(float(smooth.max()), 1e-6)


def draw_motion(
    drive: FocusDrive, shape: tuple[int, int], rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Draw for each slice the matrix (2, 3) that takes the middle slice's pixels to its own."""
    middle = drive.slices // 2
    steps = rng.normal(0, 1, (drive.slices, 3)) * (drive.drift_px, drive.drift_px, drive.turn_deg)
    walk = np.cumsum(steps, axis=0)
    walk -= walk[middle]
    centre = ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    matrices = []
    for number, (right, down, turn) in enumerate(walk):
        scale = (1 + drive.breathing) ** (number - middle)
        matrix = np.asarray(cv2.getRotationMatrix2D(centre, float(turn), scale), float)
        matrix[:, 2] += (right, down)
        matrices.append(matrix)
    return matrices


def iter_slices(
    sharp: NDArray[np.uint8], heights: FloatArray, drive: FocusDrive, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Take the slices of a scene one after the other, from the lowest focus to the highest.

    Parameters
    ----------
    sharp : ndarray of uint8, shape (height, width, 3)
        The scene with everything in focus.
    heights : ndarray of float32, shape (height, width)
        0 at the ground, 1 at the top.
    drive : FocusDrive
    rng : numpy Generator

    Yields
    ------
    ndarray of uint8, shape (height, width, 3)
    """
    motion = draw_motion(drive, heights.shape, rng)
    exposures = np.exp(rng.normal(0, drive.flicker, drive.slices))
    exposures[drive.slices // 2] = 1.0
    size = (sharp.shape[1], sharp.shape[0])
    focus = np.linspace(0, 1, drive.slices)
    for height, matrix, exposure in zip(focus, motion, exposures, strict=True):
        seen: NDArray[Any] = defocus(sharp, heights, float(height), drive.blur_px)
        if not np.allclose(matrix, [[1, 0, 0], [0, 1, 0]]):
            seen = cv2.warpAffine(
                seen, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
            )
        seen = seen * np.float32(exposure)
        seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(drive.noise)
        yield np.clip(seen + 0.5, 0, 255).astype(np.uint8)


def defocus(
    sharp: NDArray[np.uint8], heights: FloatArray, focus: float, blur_px: float, layers: int = 12
) -> FloatArray:
    """Blur a scene as a lens focused on the height `focus` shows it, near parts over far ones.

    The scene is cut into `layers` by height; each is blurred by a disc of the radius
    ``blur_px * |height - focus|`` together with its cover, and laid over those below. Where a
    blurred cover lets through what no layer holds, the layers present share the place.

    Returns
    -------
    ndarray of float32, shape (height, width, 3)
    """
    level = np.clip((heights * layers).astype(int), 0, layers - 1)
    seen = np.zeros((*heights.shape, 3), np.float32)
    known = np.zeros((*heights.shape, 1), np.float32)
    for layer in np.unique(level):
        cover = (level == layer).astype(np.float32)[..., None]
        radius = blur_px * abs((layer + 0.5) / layers - focus)
        both = _through_disc(np.concatenate([sharp * cover, cover], axis=2), radius)
        seen = seen * (1 - both[..., 3:]) + both[..., :3]
        known = known * (1 - both[..., 3:]) + both[..., 3:]
    return np.asarray(seen / np.maximum(known, 1e-3), np.float32)


def _through_disc(picture: FloatArray, radius: float) -> FloatArray:
    if radius < _SMALLEST_RADIUS:
        return picture
    reach = int(np.ceil(radius + 0.5))
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    disc = np.clip(radius + 0.5 - away, 0, 1).astype(np.float32)
    blurred = cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)
