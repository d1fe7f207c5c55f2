"""Textured scenes, and stacks of them with known truth, for tests of stacking and stitching."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyvips

from berlese.photos.registration import lay_onto, register
from berlese.simulate.focus import FocusDrive, domes, draw_motion, iter_slices

DRIVE = FocusDrive(slices=7, blur_px=9.0, breathing=0.002, drift_px=0.8, noise=1.0)


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """RGB spots of all sizes, 40 to 230, as on a dish full of small things."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for size in (1.2, 3, 8, 20):
        noise = rng.standard_normal((height, width, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), size)
        total += smooth / smooth.std()
    return np.clip(135 + 22 * total, 40, 230).astype(np.uint8)


@dataclass(frozen=True)
class Stack:
    """A simulated stack and its truth."""

    sharp: np.ndarray
    heights: np.ndarray
    slices: list[np.ndarray]
    motion: list[np.ndarray]


def stack(seed: int = 0, drive: FocusDrive = DRIVE, side: int = 176) -> Stack:
    """Take slices of a textured dome on textured ground."""
    sharp = texture(side, side + 32, seed)
    mask = np.zeros(sharp.shape[:2], np.uint8)
    cv2.circle(mask, (side // 2, side // 2), side // 3, 1, -1)
    heights = domes(mask > 0)
    slices = list(iter_slices(sharp, heights, drive, np.random.default_rng(seed)))
    motion = draw_motion(drive, heights.shape, np.random.default_rng(seed))
    return Stack(sharp, heights, slices, motion)


def write(folder: Path, pictures: list[np.ndarray], suffix: str = ".png", **header) -> list[Path]:
    """Write pictures with libvips as slice00.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, picture in enumerate(pictures):
        path = folder / f"slice{number:02d}{suffix}"
        image = pyvips.Image.new_from_array(np.ascontiguousarray(picture))
        if picture.dtype == np.uint16:
            image = image.copy(interpretation="rgb16" if picture.ndim == 3 else "grey16")
        image.copy(**header).write_to_file(f"{path}")
        paths.append(path)
    return paths


def psnr(seen: np.ndarray, truth: np.ndarray, border: int = 12) -> float:
    """Peak signal to noise ratio in dB without the border."""
    inner = (slice(border, -border), slice(border, -border))
    apart = seen[inner].astype(float) - truth[inner].astype(float)
    return float(10 * np.log10(255**2 / np.mean(np.square(apart))))


def in_place(seen: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Lay a picture onto the truth where it has the geometry of another slice."""
    one, other = (each.mean(axis=2, dtype=np.float32) for each in (truth, seen))
    return lay_onto(seen, register(one, other).matrix, truth.shape[1::-1])
