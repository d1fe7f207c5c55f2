"""Photograph a dish: its floor, rim, label and dust, the lamp and the camera.

A `Setup` is one photo's dish, light and camera. `backdrop` draws any window of the empty photo,
`lay` puts a drawn beetle with its shadow on it, `expose` adds light, blur, noise and what JPEG
does. All work on a window, so that a small patch looks just like a cut from the whole photo.
Coordinates are photo pixels, colours sRGB 0..255. Which animals lie where is left to
`berlese.simulate.surveys`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.simulate.beetles import ByteArray, DrawnBeetle, FloatArray
from berlese.specimens.outline import Box


@dataclass(frozen=True, slots=True)
class Setup:
    """One photo's dish, light and camera; lengths in photo pixels."""

    size_px: int
    centre: tuple[float, float]
    radius: float
    rim: float
    table: tuple[float, float, float]
    floor: tuple[float, float, float]
    light: float  # direction of the lamp in the picture, radians clockwise from the right
    slope: float  # how much darker the far side is, share
    vignette: float  # how much darker the corners are, share
    warmth: float
    blur: float  # sigma
    noise: float  # standard deviation at full light, grey levels
    jpeg: int
    label: str
    label_at: tuple[float, float]
    label_turn: float  # degrees
    dust: int  # seed of the dust, the table's grain and the stains


def draw_setup(rng: np.random.Generator, size_px: int, label: str) -> Setup:
    """Draw how one photo of `size_px` by `size_px` is taken."""
    white = rng.random() < 0.6
    grey = rng.uniform(222, 240) if white else rng.uniform(186, 214)
    tint = rng.normal(0, 2.2, 3)
    table = rng.uniform(120, 170) if rng.random() < 0.5 else rng.uniform(236, 248)
    centre = size_px * (0.5 + rng.uniform(-0.012, 0.012, 2))
    turn = rng.choice([-1, 1]) * rng.uniform(0.62, 0.9) + np.pi / 2 * rng.choice([1, -1])
    away = size_px * 0.6
    at = size_px / 2 + away * np.array([np.cos(turn), np.sin(turn)])
    limit = size_px * 0.11
    return Setup(
        size_px=size_px,
        centre=(float(centre[0]), float(centre[1])),
        radius=float(size_px * rng.uniform(0.455, 0.475)),
        rim=float(size_px * rng.uniform(0.016, 0.024)),
        table=tuple(np.clip(table + rng.normal(0, 3, 3), 0, 250).tolist()),
        floor=tuple(np.clip(grey + tint, 0, 245).tolist()),
        light=float(rng.uniform(-2.8, -0.4)),
        slope=float(rng.uniform(0.03, 0.12)),
        vignette=float(rng.uniform(0.03, 0.12)),
        warmth=float(rng.normal(0, 0.03)),
        blur=float(rng.uniform(0.45, 1.1)),
        noise=float(rng.uniform(1.2, 3.6)),
        jpeg=int(rng.integers(86, 96)),
        label=label,
        label_at=(
            float(np.clip(at[0], limit, size_px - limit)),
            float(np.clip(at[1], 0.6 * limit, size_px - 0.6 * limit)),
        ),
        label_turn=float(rng.normal(0, 5)),
        dust=int(rng.integers(2**31)),
    )


def _blend(canvas: FloatArray, amount: FloatArray, colour: FloatArray) -> None:
    """Cover the canvas with a colour (one, or one a pixel) where `amount` is above 0."""
    rows, columns = np.nonzero(amount)
    share = amount[rows, columns, None]
    paint = colour if colour.ndim == 1 else colour[rows, columns]
    canvas[rows, columns] = canvas[rows, columns] * (1 - share) + paint * share


def _step(distance: FloatArray, edge: float, soft: float) -> FloatArray:
    """Return 1 inside `edge`, 0 outside, with a ramp of `soft` pixels."""
    return np.clip((edge + soft / 2 - distance) * np.float32(1 / soft), 0, 1)


def backdrop(setup: Setup, window: Box) -> FloatArray:
    """Draw a window of the photo without animals: table, dish, dust and label."""
    x = np.arange(window.left, window.right, dtype=np.float32) + 0.5 - setup.centre[0]
    y = np.arange(window.top, window.bottom, dtype=np.float32) + 0.5 - setup.centre[1]
    away_x, away_y = x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]
    distance = np.sqrt(away_x**2 + away_y**2)
    outer, inner = setup.radius + setup.rim, setup.radius
    shift = 0.012 * setup.size_px
    down_x, down_y = np.float32(np.cos(setup.light)), np.float32(np.sin(setup.light))
    fallen = np.sqrt((away_x + down_x * shift) ** 2 + (away_y + down_y * shift) ** 2)
    table = 1 - 0.22 * _step(fallen, outer, 3 * shift)
    dish = _step(distance, outer, 1.6)
    inside = _step(distance, inner, 2.0)
    table *= 1 - dish
    floor = 0.93 * dish * (1 - inside) + inside
    floor -= _rise(distance, inner, 0.55 * setup.rim, 0.10)
    facing = -(away_x * down_x + away_y * down_y) / np.maximum(distance, 1)
    glass = _rim(setup, distance, facing) * (1 - inside)
    canvas = _planes(
        table * np.float32(t) + floor * np.float32(f) + glass
        for t, f in zip(setup.table, setup.floor, strict=True)
    )
    _dust(canvas, setup, window)
    _label(canvas, setup, window)
    return canvas


def _planes(planes: Iterable[FloatArray]) -> FloatArray:
    """Join the three channels to one picture."""
    return np.asarray(cv2.merge(list(planes)), np.float32)


def _rise(distance: FloatArray, edge: float, wide: float, amount: float) -> FloatArray:
    """Return the shade in the corner where the floor meets the wall."""
    result = np.zeros_like(distance)
    near = (distance < edge) & (distance > edge - 4 * wide)
    result[near] = amount * np.exp(-(((distance[near] - edge) / wide) ** 2))
    return result


def _rim(setup: Setup, distance: FloatArray, facing: FloatArray) -> FloatArray:
    """Return the glass wall seen from above: a ring with bright and dark edges."""
    result = np.zeros_like(distance)
    ring = (distance > setup.radius - 3) & (distance < setup.radius + 1.1 * setup.rim)
    place = (distance[ring] - setup.radius) / setup.rim
    bright = np.exp(-(((place - 0.45) / 0.16) ** 2)) * (0.4 + 0.6 * facing[ring])
    dark = np.exp(-(((place - 0.95) / 0.08) ** 2)) + 0.7 * np.exp(-(((place - 0.06) / 0.08) ** 2))
    result[ring] = 34 * bright - 46 * dark
    return result


def _dust(canvas: FloatArray, setup: Setup, window: Box) -> None:
    """Scatter specks, crumbs and fibres; each lies at the same place in every window."""
    rng = np.random.default_rng(setup.dust)
    scale = setup.size_px / 1600
    count = int(rng.integers(60, 160) * scale**2)
    corner = np.array([window.left, window.top])
    veil = np.zeros(canvas.shape[:2], np.uint8)
    for _ in range(count):
        where, size, dark = (
            rng.uniform(0, setup.size_px, 2),
            rng.uniform(0.5, 1.5),
            rng.uniform(30, 120),
        )
        spot = tuple(((where - corner) * 16).round().astype(int).tolist())
        cv2.circle(veil, spot, int(size * 16), int(dark), -1, cv2.LINE_AA, 4)
    for _ in range(int(rng.integers(5, 14) * max(scale, 0.3))):
        where, heading = rng.uniform(0, setup.size_px, 2), rng.uniform(0, 2 * np.pi)
        turns = np.cumsum(rng.normal(0, 0.22, 14)) + heading
        steps = 4.5 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        line = ((where + np.cumsum(steps, axis=0) - corner) * 16).round().astype(np.int32)
        dark = int(rng.uniform(40, 110))
        cv2.polylines(veil, [line], False, dark, 1, cv2.LINE_AA, 4)
    _blend(canvas, veil.astype(np.float32) / 255, np.array([96, 88, 76], np.float32))


def _label(canvas: FloatArray, setup: Setup, window: Box) -> None:
    """Lay a paper label with its text beside the dish, its inner edge maybe under the rim."""
    if not setup.label:
        return
    wide, high = round(0.2 * setup.size_px), round(0.085 * setup.size_px)
    finer = 2
    paper = np.full((high * finer, wide * finer, 3), (246, 243, 232), np.uint8)
    cv2.rectangle(paper, (4, 4), (wide * finer - 5, high * finer - 5), (196, 190, 178), 2)
    size = high * finer / 74
    lines = [setup.label[:16], "Berlese  leaf litter", "Coleoptera"]
    for number, text in enumerate(lines):
        scale = size * (0.78 if number == 0 else 0.52)
        down = round(high * finer * (0.38 + 0.24 * number))
        cv2.putText(
            paper,
            text,
            (round(9 * size), down),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            (40, 38, 44),
            max(1, round(1.5 * size)),
            cv2.LINE_AA,
        )
    middle = (wide * finer / 2, high * finer / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, setup.label_turn, 1 / finer), float)
    turn[:, 2] += np.subtract(setup.label_at, middle)
    turn[:, 2] -= (window.left, window.top)
    size_px = (canvas.shape[1], canvas.shape[0])
    cover = np.full(paper.shape[:2], 255, np.uint8)
    laid = cv2.warpAffine(cover, turn, size_px, flags=cv2.INTER_LINEAR)
    if not laid.any():
        return
    drop = np.array([[1, 0, -3 * np.cos(setup.light)], [0, 1, -3 * np.sin(setup.light)]], float)
    shade = cv2.GaussianBlur(cv2.warpAffine(laid, drop, size_px), (0, 0), 3)
    _blend(canvas, 0.3 * shade.astype(np.float32) / 255, np.zeros(3, np.float32))
    printed = cv2.warpAffine(paper, turn, size_px, flags=cv2.INTER_AREA)
    _blend(canvas, laid.astype(np.float32) / 255, printed.astype(np.float32))


def lay(
    canvas: FloatArray,
    beetle: DrawnBeetle,
    left: int,
    top: int,
    light: float,
    *,
    shadow: float = 1.0,
) -> None:
    """Put a beetle on a canvas, its top left corner at (left, top), with a soft shadow.

    `shadow` multiplies how dark the shadow is.
    """
    pad = max(4, round(0.12 * beetle.length_px))
    near, far = 0.016 * beetle.length_px, 0.05 * beetle.length_px
    cover = np.pad(beetle.alpha, pad)
    size = (cover.shape[1], cover.shape[0])
    dark = np.zeros_like(cover)
    for reach, amount in ((near, 0.30 * shadow), (far, 0.20 * shadow)):
        drop = np.array([[1, 0, -reach * np.cos(light)], [0, 1, -reach * np.sin(light)]], float)
        fallen = cv2.warpAffine(cover, drop, size)
        dark += amount * np.asarray(cv2.GaussianBlur(fallen, (0, 0), 0.7 * reach + 0.6), np.float32)
    height, width = canvas.shape[:2]
    x, y = left - pad, top - pad
    rows = slice(max(0, y), min(height, y + size[1]))
    columns = slice(max(0, x), min(width, x + size[0]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    own = (slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x))
    colour = np.pad(beetle.colour, ((pad, pad), (pad, pad), (0, 0)))
    part = canvas[rows, columns]
    part *= (1 - dark[own])[..., None]
    part *= (1 - cover[own])[..., None]
    part += colour[own]


def expose(canvas: FloatArray, setup: Setup, window: Box, rng: np.random.Generator) -> ByteArray:
    """Take the picture: uneven light, vignetting, blur, sensor noise and JPEG."""
    middle = setup.size_px / 2
    x = (np.arange(window.left, window.right, dtype=np.float32) + 0.5 - middle) / middle
    y = (np.arange(window.top, window.bottom, dtype=np.float32) + 0.5 - middle) / middle
    along = x[None, :] * np.cos(setup.light) + y[:, None] * np.sin(setup.light)
    field = 1 + np.float32(setup.slope) * along.astype(np.float32)
    field -= np.float32(setup.vignette / 2) * (x[None, :] ** 2 + y[:, None] ** 2)
    balance = np.array([1 + setup.warmth, 1, 1 - setup.warmth], np.float32)
    seen = np.asarray(cv2.GaussianBlur(canvas, (0, 0), setup.blur), np.float32)
    seen *= _planes(field * share for share in balance)
    grain = rng.standard_normal(seen.shape, dtype=np.float32)
    grain *= np.float32(setup.noise)
    seen += grain
    return _through_jpeg(np.clip(seen + 0.5, 0, 255).astype(np.uint8), setup.jpeg)


def _through_jpeg(pixels: NDArray[np.uint8], quality: int) -> ByteArray:
    """Return what is left of a picture after JPEG."""
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    seen = cv2.imdecode(data, cv2.IMREAD_COLOR) if done else None
    if seen is None:
        raise ValueError(f"A picture of shape {pixels.shape} could not go through JPEG.")
    return np.ascontiguousarray(seen[..., ::-1], np.uint8)
