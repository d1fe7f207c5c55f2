"""Photograph single beetles through two microscopes, and cut them out as a careful person would.

``stacked`` is a motorised microscope: many slices at many tiles, focus-stacked and stitched, on
near-white ground. ``stereoscope`` is a plain one with a camera: shallow focus, colour cast,
smaller scale, glare and strong JPEG. A `View` is one tray under one microscope. Coordinates are
picture pixels, colours sRGB 0..255. Which animals there are is left to
`berlese.simulate.libraries`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from berlese.simulate.beetles import ByteArray, DrawnBeetle, FloatArray, draw_beetle, draw_pose
from berlese.simulate.imaging import Setup, backdrop, draw_setup, expose, lay
from berlese.simulate.plans import Species
from berlese.specimens.outline import Box

_VISIBLE = 0.35  # share of a pixel that an animal must cover to be seen there
_REACHING = 0.08  # largest share of a picture that a neighbour may cover
_STACKED_PX = 1600  # a part of a stitched photo that is large against every animal
_SMALL_PX = 80.0  # animals below this length of their body plan lie on trays of their own
_CLOSER = 1.6  # how much closer those trays are seen


@dataclass(frozen=True, slots=True)
class View:
    """One tray under one microscope.

    Parameters
    ----------
    setup : Setup
        Ground, light and camera; its size is that of the field seen.
    magnification : float
        Picture pixels per pixel of a body plan.
    gloss : float
        How much the light makes the animals shine, against a plain lamp.
    shadow : float
        How dark shadows are, against a plain lamp.
    cast : tuple of float
        What each colour channel is multiplied by.
    veil : float
        Stray light, grey levels.
    focus_depth : float
        How much is sharp, as a share of an animal's height; infinite for a focus stack.
    neighbours : float
        Share of the animals that lie close to another.
    """

    setup: Setup
    magnification: float
    gloss: float
    shadow: float
    cast: tuple[float, float, float]
    veil: float
    focus_depth: float
    neighbours: float

    @property
    def is_stacked(self) -> bool:
        """Whether everything is sharp."""
        return bool(np.isinf(self.focus_depth))


def is_small(species: Species) -> bool:
    """Say whether a species is sorted to the trays of small animals."""
    return species.shape.length_px < _SMALL_PX


def _stacked(rng: np.random.Generator, small: bool) -> View:
    floor = rng.uniform(236, 247) + rng.normal(0, 1.2, 3)
    setup = replace(
        draw_setup(rng, _STACKED_PX, ""),
        centre=(_STACKED_PX / 2, _STACKED_PX / 2),
        radius=float(_STACKED_PX),
        floor=tuple(np.clip(floor, 0, 250).tolist()),
        slope=float(rng.uniform(0.0, 0.03)),
        vignette=float(rng.uniform(0.0, 0.02)),
        warmth=float(rng.normal(0, 0.01)),
        blur=float(rng.uniform(0.35, 0.55)),
        noise=float(rng.uniform(0.8, 1.6)),
        jpeg=int(rng.integers(92, 97)),
    )
    return View(
        setup=setup,
        magnification=float((_CLOSER if small else 1.0) * 1.3 * np.exp(rng.normal(0, 0.06))),
        gloss=0.75,
        shadow=0.7,
        cast=(1.0, 1.0, 1.0),
        veil=0.0,
        focus_depth=np.inf,
        neighbours=0.3,
    )


def _stereoscope(rng: np.random.Generator, small: bool) -> View:
    floor = rng.uniform(168, 222) + rng.normal(0, 4, 3)
    setup = replace(
        draw_setup(rng, _STACKED_PX, ""),
        floor=tuple(np.clip(floor, 0, 240).tolist()),
        slope=float(rng.uniform(0.08, 0.28)),
        vignette=float(rng.uniform(0.1, 0.35)),
        warmth=0.0,
        blur=float(rng.uniform(0.7, 1.3)),
        noise=float(rng.uniform(3.0, 7.0)),
        jpeg=int(rng.integers(38, 70)),
    )
    warm = rng.normal(0.09, 0.05)
    return View(
        setup=setup,
        magnification=float((_CLOSER if small else 1.0) * 0.65 * np.exp(rng.normal(0, 0.15))),
        gloss=1.6,
        shadow=1.3,
        cast=(float(1 + warm), float(1 + rng.normal(0, 0.015)), float(1 - 1.3 * warm)),
        veil=float(rng.uniform(4, 22)),
        focus_depth=float(rng.uniform(0.2, 0.45)),
        neighbours=0.05,
    )


_MICROSCOPES: Mapping[str, Callable[[np.random.Generator, bool], View]] = {
    "stacked": _stacked,
    "stereoscope": _stereoscope,
}


def draw_view(microscope: str, rng: np.random.Generator, *, small: bool) -> View:
    """Draw how one tray is photographed.

    Parameters
    ----------
    microscope : str
        ``stacked`` or ``stereoscope``.
    rng : Generator
    small : bool
        Whether it is a tray of small animals, which are seen closer.
    """
    return _MICROSCOPES[microscope](rng, small)


def photograph(
    view: View, animal: Species, neighbour: Species | None, rng: np.random.Generator
) -> ByteArray:
    """Photograph an animal, maybe with a neighbour's legs in the picture, and cut it out.

    Parameters
    ----------
    view : View
    animal, neighbour : Species
        Individuals, at the scale of their body plans.
    rng : Generator
        Source of poses and of all accidents.

    Returns
    -------
    uint8 array of shape (h, w, 3)
    """
    main = _drawn(view, animal, rng)
    height, width = main.alpha.shape
    border = round(0.14 * max(height, width)) + 6
    window, setup = _window(view, width + 2 * border, height + 2 * border, rng)
    canvas = backdrop(setup, window)
    if neighbour is not None and rng.random() < view.neighbours:
        other = _drawn(view, neighbour, rng)
        left, top = _room_for(other, main, border, canvas.shape, rng)
        lay(canvas, other, left, top, setup.light, shadow=view.shadow)
    lay(canvas, main, border, border, setup.light, shadow=view.shadow)
    if view.is_stacked:
        seen = _merged_stack(canvas, rng)
    else:
        seen = _single_shot(canvas, main, border, view, rng)
    pixels = expose(seen, setup, window, rng)
    cut = _by_hand(main, border, pixels.shape, rng)
    return np.ascontiguousarray(pixels[cut.top : cut.bottom, cut.left : cut.right])


def _drawn(view: View, animal: Species, rng: np.random.Generator) -> DrawnBeetle:
    shape = replace(
        animal.shape,
        length_px=animal.shape.length_px * view.magnification,
        gloss=animal.shape.gloss * view.gloss,
    )
    pose = draw_pose(animal.taxon, rng)
    return draw_beetle(replace(animal, shape=shape), pose, rng, light=view.setup.light)


def _window(view: View, width: int, height: int, rng: np.random.Generator) -> tuple[Box, Setup]:
    """Find a place in the field: anywhere under a stitched photo, else near its middle."""
    if view.is_stacked:
        left, top = (int(rng.integers(max(1, _STACKED_PX - side))) for side in (width, height))
        setup = replace(view.setup, dust=int(rng.integers(2**31)))
    else:
        field = round(max(width, height) * float(rng.uniform(1.1, 1.7)))
        left = round((field - width) * float(rng.uniform(0.2, 0.8)))
        top = round((field - height) * float(rng.uniform(0.2, 0.8)))
        middle = (field / 2, field / 2)
        dust = int(rng.integers(2**31))
        setup = replace(view.setup, size_px=field, centre=middle, radius=2.0 * field, dust=dust)
    return Box(left=left, top=top, right=left + width, bottom=top + height), setup


def _room_for(
    other: DrawnBeetle,
    main: DrawnBeetle,
    border: int,
    canvas: Sequence[int],
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Find where a neighbour reaches into the picture without lying on the animal."""
    taken = np.zeros(canvas[:2], np.uint8)
    rows, columns = main.alpha.shape
    taken[border : border + rows, border : border + columns] = main.alpha > 0.05
    near = cv2.dilate(taken, np.ones((5, 5), np.uint8)) > 0
    height, width = other.alpha.shape
    for _ in range(25):
        left = int(rng.integers(4 - width, near.shape[1] - 4))
        top = int(rng.integers(4 - height, near.shape[0] - 4))
        down = slice(max(0, top), min(near.shape[0], top + height))
        across = slice(max(0, left), min(near.shape[1], left + width))
        own = (
            slice(down.start - top, down.stop - top),
            slice(across.start - left, across.stop - left),
        )
        visible = other.alpha[own] > _VISIBLE
        if visible.sum() < _REACHING * near.size and not (near[down, across] & visible).any():
            return left, top
    return near.shape[1] + width, near.shape[0] + height  # no room: out of the picture


def _merged_stack(canvas: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Merge slices and tiles: crisp with a slight halo, now and then a seam."""
    soft = np.asarray(cv2.GaussianBlur(canvas, (0, 0), 2.2), np.float32)
    seen = canvas + np.float32(rng.uniform(0.15, 0.45)) * (canvas - soft)
    if rng.random() < 0.1:
        seam = int(rng.integers(seen.shape[1]))
        seen[:, seam:] = np.roll(seen[:, seam:], 1, axis=0) * np.float32(rng.normal(1, 0.012))
    return np.clip(seen, 0, 252)


def _single_shot(
    canvas: FloatArray, main: DrawnBeetle, border: int, view: View, rng: np.random.Generator
) -> FloatArray:
    """Take one exposure: only one height is sharp, light glares, colours are off."""
    height = np.zeros(canvas.shape[:2], np.float32)
    rows, columns = main.alpha.shape
    inner = cv2.distanceTransform((main.alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    dome = np.sqrt(inner / max(float(inner.max()), 1.0))
    height[border : border + rows, border : border + columns] = dome
    height = np.asarray(cv2.GaussianBlur(height, (0, 0), 1.5), np.float32)
    out = np.abs(height - np.float32(rng.uniform(0.3, 1.0))) - np.float32(view.focus_depth)
    amount = np.clip(out / 0.45, 0, 1)[..., None]
    far = 0.011 * main.length_px + 0.7
    middling = np.asarray(cv2.GaussianBlur(canvas, (0, 0), far), np.float32)
    worst = np.asarray(cv2.GaussianBlur(canvas, (0, 0), 2.2 * far), np.float32)
    seen = canvas + np.clip(2 * amount, 0, 1) * (middling - canvas)
    seen += np.clip(2 * amount - 1, 0, 1) * (worst - middling)
    seen *= 1 - np.float32(view.veil / 255)
    seen += np.float32(view.veil)
    seen += _glare(seen.shape, main.length_px, rng)[..., None]
    return np.clip(seen * np.array(view.cast, np.float32), 0, 255)


def _glare(shape: Sequence[int], length_px: float, rng: np.random.Generator) -> FloatArray:
    """Return the light that wet or smooth spots throw back at the lens."""
    light = np.zeros(shape[:2], np.float32)
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    x = np.arange(shape[1], dtype=np.float32)[None, :]
    for _ in range(int(rng.poisson(1.3))):
        down, across = rng.uniform(0.2, 0.8, 2) * shape[:2]
        size = length_px * rng.uniform(0.05, 0.2)
        long = size * rng.uniform(0.6, 1.6)
        spot = np.exp(-(((y - down) / long) ** 2) - ((x - across) / size) ** 2)
        light += np.float32(rng.uniform(15, 75)) * spot
    return light


def _by_hand(
    main: DrawnBeetle, border: int, canvas: Sequence[int], rng: np.random.Generator
) -> Box:
    """Draw a rectangle around an animal: a little uneven, now and then through a foot."""
    rows, columns = np.nonzero(main.alpha >= _VISIBLE)
    long = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    room = rng.uniform(0.02, 0.12, 4)
    if rng.random() < 0.06:
        room[int(rng.integers(4))] = -0.025
    left, top, right, bottom = np.round(room * long).astype(int)
    return Box(
        left=max(0, border + int(columns.min()) - left),
        top=max(0, border + int(rows.min()) - top),
        right=min(canvas[1], border + int(columns.max()) + 1 + right),
        bottom=min(canvas[0], border + int(rows.max()) + 1 + bottom),
    )
