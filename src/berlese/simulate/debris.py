"""Draw what lies among the animals of a plate: grains of soil, fibres, bubbles and lost limbs.

Each function returns how far the thing covers each pixel of its own frame (0..1) and its colour
(sRGB 0..255, one a pixel or one for all). `floor` is the ground's colour, `typical` the length
of the plate's animals in pixels: dirt comes in about the same sizes, which is what makes it hard.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.simulate.beetles import FloatArray
from berlese.simulate.jointed import draw_leg

Debris = tuple[FloatArray, FloatArray]


def _shade(rng: np.random.Generator, floor: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour of dirt: brown, black or grey, told from the floor more or less."""
    level = float(floor.mean())
    if level > 120 and rng.random() < 0.85:
        bright = level * rng.uniform(0.15, 0.85)
    else:
        bright = level + (240 - level) * rng.uniform(0.1, 0.9)
    warm = rng.uniform(0, 0.4)
    return np.clip(bright * np.array([1 + warm / 2, 1.0, 1 - warm]), 3, 252)


def draw_grain(rng: np.random.Generator, floor: NDArray[np.float64], typical: float) -> Debris:
    """Draw a grain, a crumb, a splinter or a flake, angular or in several lumps."""
    size = float(np.clip(np.exp(rng.normal(np.log(0.16 * typical), 0.75)), 2, 1.6 * typical))
    frame = int(size * 2.2) + 6
    sheet = np.zeros((frame, frame), np.uint8)
    lumps = 1 if rng.random() < 0.75 else int(rng.integers(2, 6))
    slender = rng.uniform(0.15, 1.0) if rng.random() < 0.3 else rng.uniform(0.5, 1.0)
    turn = rng.uniform(0, np.pi)
    for _ in range(lumps):
        count = int(rng.integers(5, 16))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = size * rng.uniform(0.35, 1.0, count) * (1 if lumps == 1 else 0.5) / 2
        shape = np.stack([reach * np.cos(angles), reach * slender * np.sin(angles)], axis=1)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        spot = frame / 2 + (rng.normal(0, 0.25 * size, 2) if lumps > 1 else 0)
        points = ((shape @ rotation.T + spot) * 16).astype(np.int32)
        cv2.fillPoly(sheet, [points], 255, cv2.LINE_AA, 4)
    alpha = sheet.astype(np.float32) / 255 * rng.uniform(0.5, 1.0)
    cells = max(2, int(frame / rng.uniform(2, 8)))
    rough = rng.standard_normal((cells, cells)).astype(np.float32)
    texture = cv2.resize(rough, (frame, frame), interpolation=cv2.INTER_LINEAR)
    colour = _shade(rng, floor).astype(np.float32)
    return alpha, np.clip(
        colour * (1 + rng.uniform(0.05, 0.4) * texture)[..., None], 0, 255
    ).astype(np.float32)


def draw_fibre(rng: np.random.Generator, floor: NDArray[np.float64], typical: float) -> Debris:
    """Draw a thread, a hair or a rootlet: long, thin and winding."""
    long = typical * float(np.exp(rng.uniform(np.log(0.6), np.log(8))))
    turns = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.05, 0.4), 30))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * long / 30
    points = np.cumsum(steps, axis=0)
    points -= points.min(axis=0) - 6
    frame = np.ceil(points.max(axis=0) + 6).astype(int)
    sheet = np.zeros((frame[1], frame[0]), np.uint8)
    thick = 1 if rng.random() < 0.6 else int(rng.integers(1, max(3, round(0.06 * typical) + 1)))
    cv2.polylines(sheet, [(points * 16).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    alpha = sheet.astype(np.float32) / 255 * rng.uniform(0.3, 0.9)
    return alpha, _shade(rng, floor).astype(np.float32)


def draw_bubble(rng: np.random.Generator, floor: NDArray[np.float64], typical: float) -> Debris:
    """Draw a bubble: a dark and a bright ring, clear within, with the lamp's reflection."""
    radius = typical * float(np.exp(rng.uniform(np.log(0.12), np.log(0.9)))) + 2
    frame = int(2.5 * radius) + 8
    y, x = np.mgrid[:frame, :frame].astype(np.float32) - frame / 2
    distance = np.hypot(x, y)
    wide = max(1.0, 0.09 * radius)
    dark = np.exp(-(((distance - radius) / wide) ** 2))
    bright = np.exp(-(((distance - radius + 2.2 * wide) / wide) ** 2))
    light = rng.uniform(0, 2 * np.pi)
    spot = np.hypot(x - 0.4 * radius * np.cos(light), y - 0.4 * radius * np.sin(light))
    glint = np.exp(-((spot / (0.16 * radius)) ** 2))
    shine = np.clip(0.6 * bright + glint, 0, 1)
    alpha = np.clip(dark * rng.uniform(0.3, 0.8) + shine, 0, 1)
    shade = (shine / np.maximum(shine + dark, 1e-3))[..., None]
    colour = floor * 0.4 * (1 - shade) + 250 * shade
    return alpha.astype(np.float32), colour.astype(np.float32)


def draw_limb(rng: np.random.Generator, floor: NDArray[np.float64], typical: float) -> Debris:
    """Draw a leg or a wing that an animal has lost."""
    long = typical * float(np.exp(rng.uniform(np.log(0.4), np.log(2.5))))
    frame = int(2 * long) + 12
    sheet = np.zeros((frame, frame), np.uint8)
    aim = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.7:
        thick = max(1.0, long * rng.uniform(0.02, 0.09))
        bends = rng.normal(0, 0.6, 4)
        if rng.random() < 0.4:  # folded at one joint
            bends[rng.integers(1, 3)] += rng.choice([-1, 1]) * rng.uniform(1.2, 2.7)
        draw_leg(sheet, np.full(2, frame / 2), aim, bends, 0.9 * long, thick)
        alpha = sheet.astype(np.float32) / 255 * rng.uniform(0.5, 0.95)
    else:
        axes = (round(long / 2), max(1, round(long * rng.uniform(0.12, 0.22))))
        middle = (frame // 2, frame // 2)
        cv2.ellipse(sheet, middle, axes, float(np.degrees(aim)), 0, 360, 255, -1)
        alpha = sheet.astype(np.float32) / 255 * rng.uniform(0.1, 0.4)
    return alpha, _shade(rng, floor).astype(np.float32)
