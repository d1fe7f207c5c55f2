"""Draw single beetles of the paper's twelve taxa, each after its own body plan.

A body part is a height field over its outline (striae, punctures and suture are grooves in it),
lit by one lamp, so that gloss and shade follow from its shape; legs and antennae are jointed,
tapered limbs. Everything is drawn on a supersampled sheet in body lengths and then turned and
shrunk to photo pixels; colours are sRGB 0..255. What the taxa look like is left to
`berlese.simulate.plans`, where beetles lie and how they are photographed to
`berlese.simulate.surveys` and `berlese.simulate.imaging`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.simulate.plans import (
    SPECIES_PER_TAXON,
    Colour,
    Shape,
    Species,
    species_of,
    vary,
)

FloatArray = NDArray[np.floating]
ByteArray = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """How one animal lies; angles in radians."""

    heading: float  # direction of the head, clockwise from up
    roll: float  # 0 on its belly, half pi on its side, pi on its back
    bend: float  # sideways curve of the body, in body lengths
    spread: float  # 0 legs folded under the body .. 1 stretched
    legs: tuple[bool, ...]  # which of the six are there
    antennae: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class DrawnBeetle:
    """A beetle on nothing.

    Parameters
    ----------
    taxon : str
        Its name.
    colour : float32 array of shape (h, w, 3)
        sRGB 0..255, multiplied by `alpha`.
    alpha : float32 array of shape (h, w)
        Share of each pixel that the animal covers.
    length_px : float
        Front of the head to the end of the body.
    """

    taxon: str
    colour: FloatArray
    alpha: FloatArray
    length_px: float


def draw_pose(taxon: str, rng: np.random.Generator) -> Pose:
    """Draw how an animal lies: mostly on its belly, some on the side or the back."""
    lying = rng.random()
    roll = float(rng.normal(0, 0.16))
    if lying > 0.91:
        roll += np.pi
    elif lying > 0.75:
        roll += float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.3))
    bend = rng.normal(0, 0.28 if taxon == "Staphylinidae" else 0.05)
    losing = 0.4 if rng.random() < 0.3 else 0.03
    legs = tuple(bool(rng.random() > losing) for _ in range(6))
    antennae = (bool(rng.random() > 0.05 + losing), bool(rng.random() > 0.05 + losing))
    return Pose(
        heading=float(rng.uniform(0, 2 * np.pi)),
        roll=roll,
        bend=float(np.clip(bend, -0.5, 0.5)),
        spread=float(rng.beta(2.0, 1.6)),
        legs=legs,
        antennae=antennae,
    )


class _Sheet:
    """A square, supersampled drawing sheet in body lengths, head up, middle of the body at 0."""

    def __init__(self, pixels_per_length: float, light: FloatArray) -> None:
        self.scale = pixels_per_length
        self.half = int(np.ceil(1.18 * pixels_per_length))
        side = 2 * self.half + 1
        self.colour = np.zeros((side, side, 3), np.uint8)
        self.alpha = np.zeros((side, side), np.uint8)
        self.light = light
        self.bend = 0.0

    def centre(self, y: FloatArray | float) -> FloatArray:
        """Return where the bent long axis lies at height `y`."""
        return np.asarray(self.bend * (np.square(y) - 0.06), np.float32)

    def to_pixels(self, points: FloatArray) -> FloatArray:
        moved = points.copy()
        moved[:, 0] += self.centre(points[:, 1])
        return moved * self.scale + self.half

    def limb(self, points: list[Point], widths: list[float], colour: Colour) -> None:
        """Draw a tapered limb through `points`, with a lighter line along its lit side."""
        where = self.to_pixels(np.array(points, float))
        sizes = [width * self.scale for width in widths]
        lit = tuple(min(255, int(c * 1.7 + 26)) for c in colour)
        pieces = list(zip(pairwise(where), pairwise(sizes), strict=True))
        for (start, end), (first, last) in pieces:
            self._taper(start, end, max(1.2, first), max(1.2, last), colour)
        for (start, end), (first, last) in pieces:
            shift = self.light[:2] * min(first, last) * 0.18
            thick = max(1, round(min(first, last) * 0.22))
            a, b = (start + shift).round().astype(int), (end + shift).round().astype(int)
            cv2.line(self.colour, tuple(a.tolist()), tuple(b.tolist()), lit, thick)

    def _taper(
        self, start: FloatArray, end: FloatArray, first: float, last: float, colour: Colour
    ) -> None:
        along = end - start
        size = float(np.hypot(*along)) or 1.0
        across = np.array([-along[1], along[0]]) / size / 2
        corners = np.array(
            [
                start + across * first,
                end + across * last,
                end - across * last,
                start - across * first,
            ]
        )
        corner_px = (corners * 16).round().astype(np.int32)
        for target, value in ((self.colour, colour), (self.alpha, 255)):
            cv2.fillConvexPoly(target, corner_px, value, cv2.LINE_8, 4)
            for middle, width in ((start, first), (end, last)):
                spot = (middle * 16).round().astype(int)
                radius = max(8, int(width * 8))
                cv2.circle(target, tuple(spot.tolist()), radius, value, -1, cv2.LINE_8, 4)

    def blob(self, middle: Point, radii: Point, angle: float, colour: Colour) -> None:
        """Draw an ellipse with a small highlight: an eye or the bead of an antenna."""
        where = self.to_pixels(np.array([middle]))[0]
        axes = np.maximum(0.7, np.array(radii) * self.scale)
        spot = tuple((where * 16).round().astype(int).tolist())
        size = tuple((axes * 16).round().astype(int).tolist())
        for target, value in ((self.colour, colour), (self.alpha, 255)):
            cv2.ellipse(target, spot, size, np.rad2deg(angle), 0, 360, value, -1, cv2.LINE_8, 4)
        if axes.min() > 2:
            shine = where + self.light[:2] * axes.min() * 0.45
            lit = tuple(min(255, int(c * 1.4 + 70)) for c in colour)
            spot = tuple((shine * 16).round().astype(int).tolist())
            cv2.circle(self.colour, spot, int(axes.min() * 16 * 0.24), lit, -1, cv2.LINE_8, 4)


@dataclass(frozen=True, slots=True)
class _Surface:
    """Coordinates on one body part, one value a pixel.

    `t` runs along the part (0 front .. 1 end), `u` across the outline (-1..1) and `v` round the
    body (0 the mid line of the back, 1 its edge, beyond that the belly).
    """

    t: FloatArray
    u: FloatArray
    v: FloatArray
    length: float


def _outline(knots: list[tuple[float, float]], front: float, end: float) -> Callable:
    """Return the half width along a part: smooth through `knots`, its ends rounded off."""
    places, widths = np.array(knots).T

    def width(t: FloatArray) -> FloatArray:
        fine = np.linspace(0, 1, 101)
        plain = np.interp(fine, places, widths)
        kernel = np.hanning(27)[1:-1]
        padded = np.pad(plain, 12, mode="reflect", reflect_type="odd")
        smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
        result = np.interp(t, fine, smooth)
        for reach, way in ((front, t), (end, 1 - t)):
            rest = 1 - np.clip(way / max(reach, 1e-3), 0, 1)
            result = result * np.sqrt(np.clip(1 - rest**2.2, 0, 1))
        return result.astype(np.float32)

    return width


def _grain(shape: tuple[int, int], cell: Point, rng: np.random.Generator) -> FloatArray:
    """Return smooth noise of unit variance whose blotches are `cell` (across, along) pixels."""
    rows, columns = (
        int(np.ceil(n / max(c, 1.0))) + 3 for n, c in zip(shape, cell[::-1], strict=True)
    )
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _surface(
    sheet: _Sheet, top: float, bottom: float, outline: Callable, roll: float
) -> tuple[_Surface, FloatArray, NDArray[np.bool_], tuple[slice, slice]]:
    first, last = (round(y * sheet.scale) + sheet.half for y in (top, bottom))
    rows = np.arange(first, max(last, first + 2), dtype=np.float32)
    y = (rows - sheet.half) / sheet.scale
    t = ((rows - first + 0.5) / len(rows)).astype(np.float32)
    half = outline(t)
    middle = sheet.centre(y)
    reach = float(np.max(np.abs(middle) + half)) + 2 / sheet.scale
    columns = np.arange(
        max(0, int(sheet.half - reach * sheet.scale)),
        min(2 * sheet.half, int(sheet.half + reach * sheet.scale) + 1),
    )
    x = ((columns - sheet.half) / sheet.scale).astype(np.float32)
    u = (x[None, :] - middle[:, None]) / np.maximum(half, 1e-4)[:, None]
    inside = np.abs(u) < 1
    u = np.clip(u, -1, 1)
    around = np.arcsin(u) + np.float32(roll)
    around = (around + np.pi) % (2 * np.pi) - np.pi
    v = (around / (np.pi / 2)).astype(np.float32)
    window = (slice(first, first + len(rows)), slice(int(columns[0]), int(columns[-1]) + 1))
    long = np.broadcast_to(t[:, None], u.shape)
    return _Surface(long, u, v, bottom - top), half[:, None], inside, window


def _lit(height: FloatArray, albedo: FloatArray, gloss: float, light: FloatArray) -> FloatArray:
    """Return the lit colour of a height field (heights in pixels) as sRGB 0..255."""
    down, right = np.gradient(height)
    size = 1 / np.sqrt(right**2 + down**2 + 1)
    facing = np.clip((-right * light[0] - down * light[1] + light[2]) * size, 0, 1)
    halfway = light + np.array([0, 0, 1], np.float32)
    halfway = halfway / np.linalg.norm(halfway)
    glance = np.clip((-right * halfway[0] - down * halfway[1] + halfway[2]) * size, 0, 1)
    sharp = glance ** (14 + 60 * min(gloss, 1.2))
    sheen = 0.2 * glance**6
    rim = 0.55 + 0.45 * size
    colour = albedo * ((0.42 + 0.85 * facing) * rim)[..., None]
    shine = (205 * gloss * sharp + 70 * (0.25 + gloss) * sheen)[..., None]
    return colour + shine * (0.75 + 0.25 * albedo / 255)


def _paint(
    sheet: _Sheet,
    top: float,
    bottom: float,
    outline: Callable,
    beetle: Species,
    roll: float,
    sculpt: Callable[[_Surface, FloatArray], tuple[FloatArray, FloatArray]],
    rng: np.random.Generator,
) -> None:
    """Paint one body part; `sculpt` returns its relief (in lengths) and its albedo."""
    surface, half, inside, window = _surface(sheet, top, bottom, outline, roll)
    shape = beetle.shape
    base = np.sqrt(np.clip(1 - surface.u**2, 0, 1)) * np.maximum(half, 1e-4)
    relief, albedo = sculpt(surface, half)
    fine = _grain(surface.u.shape, (2.6, 2.6), rng)
    height = (shape.depth * base + relief) * sheet.scale + 0.5 * shape.grain * fine
    hair = _grain(surface.u.shape, (1.4, 7.0), rng)
    albedo = albedo * (1 + 0.05 * fine[..., None])
    albedo = albedo + (34 * shape.pubescence * np.clip(hair, 0, 2))[..., None] * np.array(
        [1.0, 0.86, 0.62], np.float32
    )
    colour = _lit(height.astype(np.float32), albedo, shape.gloss, sheet.light)
    seam = np.clip(np.minimum(surface.t, 1 - surface.t) * surface.length / 0.018, 0, 1)
    colour = colour * (0.6 + 0.4 * seam)[..., None]
    target = sheet.colour[window]
    target[inside] = np.clip(colour, 0, 255).astype(np.uint8)[inside]
    sheet.alpha[window][inside] = 255


def _flat(colour: Colour, surface: _Surface) -> FloatArray:
    return np.broadcast_to(np.array(colour, np.float32), (*surface.u.shape, 3)).copy()


def _pits(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> FloatArray:
    """Return scattered pits, 0..1."""
    return np.clip(_grain(shape, (cell, cell), rng) - 0.7, 0, 1)


def _pattern(kind: str, surface: _Surface) -> FloatArray:
    """Return where the elytra have their second colour, 0..1."""
    side = np.abs(surface.v)
    t = surface.t
    if kind == "spots":
        field = np.full(t.shape, 9.0, np.float32)
        for along, across, size in ((0.25, 0.45, 0.16), (0.62, 0.45, 0.18)):
            field = np.minimum(field, np.hypot((t - along) * 1.3, side - across) / size)
    elif kind == "stripes":
        field = np.abs(side - 0.45) / 0.12 + np.clip(np.abs(t - 0.5) - 0.4, 0, 1) * 9
    elif kind == "bands":
        field = np.minimum(np.abs(t - 0.28), np.abs(t - 0.66)) / 0.09
    elif kind == "apex":
        field = (1 - t) / 0.22
    elif kind == "shoulders":
        field = np.hypot(t - 0.1, (side - 0.6) / 2) / 0.12
    else:
        return np.zeros(t.shape, np.float32)
    return np.clip((1.15 - field) / 0.25, 0, 1).astype(np.float32)


def _second_colour(beetle: Species) -> FloatArray:
    """Return the colour of the pattern: pale on dark beetles, dark on pale ones."""
    if sum(beetle.colour) / 3 >= 70:
        return np.array((34, 28, 28), np.float32)
    scaly = beetle.shape.pubescence > 0 and beetle.shape.gloss < 0.3
    return np.array((132, 112, 84) if scaly else (168, 106, 44), np.float32)


def _belly(surface: _Surface, colour: Colour, albedo: FloatArray, relief: FloatArray) -> None:
    """Turn what lies past the edge of the back into the belly: smooth, dark plates."""
    under = np.abs(surface.v) > 0.97
    plates = 0.006 * np.exp(-(((surface.t * 5.5) % 1 - 0.5) ** 2) / 0.004)
    relief[under] = -plates[under]
    albedo[under] = 0.4 * np.array(colour, np.float32) + np.array([26, 17, 11], np.float32)


def _elytra_sculpture(beetle: Species, scale: float, rng: np.random.Generator) -> Callable:
    shape = beetle.shape

    def sculpt(surface: _Surface, half: FloatArray) -> tuple[FloatArray, FloatArray]:
        side = np.abs(surface.v)
        relief = -0.016 * np.exp(-((side * half / 0.007) ** 2))
        count = round(shape.striae)
        if count >= 3:
            wave = 0.5 + 0.5 * np.cos(2 * np.pi * (side * count - 0.5))
            dots = 0.5 + 0.5 * np.cos(2 * np.pi * surface.t * surface.length / 0.024)
            groove = wave**4 * (1 - min(shape.puncture, 1) * 0.75 * dots)
            relief -= 0.012 * shape.stria_depth * groove * np.clip((1 - surface.t) / 0.1, 0, 1)
            relief += 0.008 * shape.ridge * (1 - wave) ** 4
        pits = _pits(surface.u.shape, max(2.0, 0.014 * scale), rng)
        relief -= 0.006 * shape.puncture * pits
        albedo = _flat(beetle.colour, surface)
        mark = _pattern(beetle.pattern, surface)[..., None]
        albedo = albedo * (1 - mark) + _second_colour(beetle) * mark
        if beetle.pattern == "mottled":
            patch = _grain(surface.u.shape, (0.05 * scale, 0.07 * scale), rng)
            albedo *= (1 + 0.4 * np.clip(patch, -1, 1))[..., None]
        albedo *= (1 - 0.45 * np.exp(-((side * half / 0.006) ** 2)))[..., None]
        relief = relief.astype(np.float32)
        _belly(surface, beetle.colour, albedo, relief)
        return relief, albedo

    return sculpt


def _plate_sculpture(
    beetle: Species, colour: Colour, scale: float, rng: np.random.Generator, line: float = 0.0
) -> Callable:
    """Sculpture of head and pronotum: pits, a border, maybe a line along the middle."""
    shape = beetle.shape

    def sculpt(surface: _Surface, half: FloatArray) -> tuple[FloatArray, FloatArray]:
        side = np.abs(surface.v)
        pits = _pits(surface.u.shape, max(2.0, 0.014 * scale), rng)
        relief = -0.008 * max(shape.puncture, shape.grain * 0.5) * pits
        relief -= 0.01 * line * np.exp(-((side * half / 0.008) ** 2))
        relief -= 0.006 * np.exp(-(((np.abs(surface.u) - 0.9) / 0.04) ** 2))
        albedo = _flat(colour, surface)
        relief = relief.astype(np.float32)
        _belly(surface, colour, albedo, relief)
        return relief, albedo

    return sculpt


def _abdomen_sculpture(beetle: Species, segments: int) -> Callable:
    def sculpt(surface: _Surface, half: FloatArray) -> tuple[FloatArray, FloatArray]:
        phase = (surface.t * segments) % 1
        relief = 0.014 * phase - 0.016 * np.exp(-(((phase - 0.04) / 0.07) ** 2))
        albedo = _flat(beetle.colour, surface) * 0.92
        albedo *= (0.72 + 0.4 * np.clip(phase / 0.3, 0, 1))[..., None]
        return relief.astype(np.float32), albedo

    return sculpt


def _legs(
    sheet: _Sheet, beetle: Species, pose: Pose, base: dict[str, float], rng: np.random.Generator
) -> None:
    shape = beetle.shape
    roots = (
        (base["pron"] + 0.62 * shape.pron_len, 0.2 * shape.pron_w, -0.75),
        (base["ely"] + 0.1 * max(shape.ely_len, 0.3), 0.25 * shape.ely_w, 0.25),
        (base["ely"] + 0.34 * max(shape.ely_len, 0.3), 0.25 * shape.ely_w, 0.85),
    )
    for number, (y, x, aim) in enumerate(roots):
        for side in (-1, 1):
            if not pose.legs[2 * number + (side > 0)]:
                continue
            _leg(sheet, beetle, (side * x, y), side, aim, number, pose.spread, rng)


def _leg(
    sheet: _Sheet,
    beetle: Species,
    root: Point,
    side: int,
    aim: float,
    number: int,
    spread: float,
    rng: np.random.Generator,
) -> None:
    """Draw thigh, shin and a five-jointed foot; `aim` is the angle from straight sideways."""
    shape = beetle.shape
    long = shape.leg_len * (0.9, 0.92, 1.12)[number]
    open_ = np.clip(spread + rng.normal(0, 0.12), 0, 1)
    forward = -1 if number == 0 else 1
    thigh = aim + rng.normal(0, 0.14)
    knee = thigh + forward * (2.5 - 2.0 * open_ + rng.normal(0, 0.12))
    foot = knee - forward * rng.uniform(0.0, 0.5)
    if number > 0:
        knee = min(knee, 1.75)
    width = shape.leg_w
    points: list[Point] = [root]
    for angle, size in ((thigh, 0.42 * long), (knee, 0.36 * long)):
        x, y = points[-1]
        points.append((x + side * size * np.cos(angle), y + size * np.sin(angle)))
    mid = ((points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2)
    thick = width * shape.femur
    sheet.limb([points[1], points[2]], [width * 0.75, width * 1.05], beetle.leg_colour)
    sheet.limb([root, mid, points[1]], [thick * 0.8, thick, width], beetle.leg_colour)
    step = 0.27 * long / 5
    tarsus = [points[2]]
    for joint in range(5):
        angle = foot + 0.1 * joint * forward
        x, y = tarsus[-1]
        tarsus.append((x + side * step * np.cos(angle), y + step * np.sin(angle)))
    for start, end in pairwise(tarsus):
        sheet.limb([start, end], [width * 0.45, width * 0.65], beetle.leg_colour)


def _antenna(
    sheet: _Sheet, beetle: Species, root: Point, side: int, rng: np.random.Generator
) -> None:
    """Draw eleven joints in the manner of the taxon, from `root` outwards and forwards."""
    shape = beetle.shape
    kind = beetle.antenna
    sizes = np.ones(11)
    sizes[0] = 1.6
    if kind == "elbowed":
        sizes[0] = 6.5
    sizes *= shape.antenna_len / sizes.sum()
    thick = np.full(11, shape.antenna_w)
    thick[0] *= 1.25
    if kind in ("clubbed", "elbowed"):
        thick[1:8] *= 0.75
        thick[8:] *= (1.6, 2.0, 1.7)
    elif kind == "moniliform":
        thick[1:] *= np.linspace(0.95, 1.35, 10)
    elif kind == "whorled":
        thick[8:] *= 1.5
    angle = rng.uniform(0.35, 0.75) if kind != "elbowed" else rng.uniform(0.5, 0.9)
    turn = rng.normal(0.07, 0.06)
    x, y = root
    for joint in range(11):
        reach = sizes[joint]
        end = (x + side * reach * np.sin(angle), y - reach * np.cos(angle))
        if kind == "moniliform" or (joint > 7 and kind in ("clubbed", "elbowed")):
            middle = ((x + end[0]) / 2, (y + end[1]) / 2)
            along = np.arctan2(end[1] - y, end[0] - x)
            sheet.blob(middle, (reach * 0.56, thick[joint] * 0.6), along, beetle.leg_colour)
        else:
            sheet.limb([(x, y), end], [thick[joint] * 0.7, thick[joint]], beetle.leg_colour)
        x, y = end
        angle += turn
        if kind == "elbowed" and joint == 0:
            angle -= rng.uniform(1.0, 1.5)


def _feathers(sheet: _Sheet, start: float, amount: float, rng: np.random.Generator) -> None:
    """Draw the fringed hind wings that stick out under short elytra."""
    for side in (-1, 1):
        for hair in np.linspace(0.05, 0.9, 16):
            angle = hair + rng.normal(0, 0.04)
            size = amount * rng.uniform(0.8, 1.0)
            root = (side * 0.06, start)
            end = (root[0] + side * size * np.sin(angle) * 0.8, start + size * np.cos(angle))
            sheet.limb([root, end], [0.02, 0.008], (128, 112, 92))


def _snout(sheet: _Sheet, beetle: Species, front: float, side: int) -> Point:
    """Draw the rostrum; return where the antennae stand on it."""
    shape = beetle.shape
    steps = np.linspace(0, 1, 9)
    points: list[Point] = [
        (
            float(side * shape.rostrum_curve * s**2),
            float(front + 0.03 - (shape.rostrum_len + 0.03) * s),
        )
        for s in steps
    ]
    widths = list(shape.rostrum_w * np.interp(steps, [0, 0.3, 0.8, 1], [1.3, 0.95, 0.9, 1.1]))
    sheet.limb(points, widths, beetle.pronotum_colour)
    return points[5]


def _mandibles(sheet: _Sheet, beetle: Species, front: float) -> None:
    size = beetle.shape.mandible
    for side in (-1, 1):
        points: list[Point] = [
            (side * 0.45 * size, front + 0.02),
            (side * 0.62 * size, front - 0.5 * size),
            (side * 0.08 * size, front - size),
        ]
        sheet.limb(points, [0.42 * size, 0.32 * size, 0.1 * size], beetle.leg_colour)


def _levels(shape: Shape) -> dict[str, float]:
    """Return where head, pronotum, elytra and abdomen start, the whole body being one long."""
    total = shape.head_len + shape.pron_len + shape.ely_len + shape.abd_len
    head = -0.5
    pron = head + shape.head_len / total
    ely = pron + shape.pron_len / total
    abdomen = ely + shape.ely_len / total
    return {"head": head, "pron": pron, "ely": ely, "abdomen": abdomen}


def _trunk(sheet: _Sheet, beetle: Species, roll: float, rng: np.random.Generator) -> None:
    """Paint abdomen, elytra, pronotum and head, the hind parts first."""
    shape = beetle.shape
    at = _levels(shape)
    scale = sheet.scale
    if shape.abd_len > 0.01:
        wide = shape.abd_w / 2
        start = at["ely"] + 0.5 * (at["abdomen"] - at["ely"])
        long = 0.5 - start
        knots = [(0, wide * 0.92), (0.5, wide), (0.8, wide * 0.74), (1, wide * 0.3)]
        outline = _outline(knots, 0.02, 0.1)
        segments = max(3, round(long / 0.085))
        _paint(sheet, start, 0.5, outline, beetle, roll, _abdomen_sculpture(beetle, segments), rng)
    wide = shape.ely_w / 2
    knots = [(0, wide * shape.ely_base), (shape.ely_widest, wide), (1, wide * 0.9)]
    outline = _outline(knots, 0.08, shape.ely_apex)
    sculpt = _elytra_sculpture(beetle, scale, rng)
    _paint(sheet, at["ely"] - 0.03, at["abdomen"], outline, beetle, roll, sculpt, rng)
    if shape.gape > 0.03:
        _split_elytra(sheet, beetle, at)
    knots = [(0, shape.head_w * 0.36), (0.55, shape.head_w * 0.5), (1, shape.head_w * 0.44)]
    plate = _plate_sculpture(beetle, beetle.pronotum_colour, scale, rng)
    _paint(
        sheet, at["head"], at["pron"] + 0.03, _outline(knots, 0.45, 0.1), beetle, roll, plate, rng
    )
    for side in (-1, 1):
        x = side * (shape.head_w * 0.5 - 0.3 * shape.eye)
        y = at["head"] + 0.58 * (at["pron"] - at["head"])
        sheet.blob((x, y), (shape.eye * 0.42, shape.eye * 0.62), 0.0, (16, 13, 13))
    wide = shape.pron_w / 2
    knots = [(0, wide * shape.pron_front), (shape.pron_widest, wide), (1, wide * shape.pron_base)]
    plate = _plate_sculpture(beetle, beetle.pronotum_colour, scale, rng, line=0.6)
    _paint(sheet, at["pron"], at["ely"], _outline(knots, 0.08, 0.08), beetle, roll, plate, rng)


def _split_elytra(sheet: _Sheet, beetle: Species, at: dict[str, float]) -> None:
    """Open a wedge between the ends of loose elytra, the soft abdomen showing in it."""
    shape = beetle.shape
    long = at["abdomen"] - at["ely"]
    wide = 0.22 * shape.gape * shape.ely_w
    points: list[Point] = [(0.0, at["ely"] + (1 - 1.8 * shape.gape) * long), (0.0, at["abdomen"])]
    dark = tuple(int(c * 0.4 + 8) for c in beetle.colour)
    sheet.limb(points, [0.004, wide], (dark[0], dark[1], dark[2]))


def draw_beetle(
    species: Species,
    pose: Pose,
    rng: np.random.Generator,
    *,
    light: float = -2.2,
) -> DrawnBeetle:
    """Draw one animal.

    Parameters
    ----------
    species : Species
        What to draw, usually one individual from `vary`.
    pose : Pose
        How it lies.
    rng : Generator
        Source of the small accidents: grain, hairs, the angles of joints.
    light : float
        Direction that the light comes from, in the picture, radians clockwise from the right.
    """
    shape = species.shape
    finer = float(np.clip(420 / shape.length_px, 2.2, 4.0))
    local = light - pose.heading
    lamp = np.array([np.cos(local) * 0.62, np.sin(local) * 0.62, 0.78], np.float32)
    sheet = _Sheet(shape.length_px * finer, lamp)
    sheet.bend = pose.bend
    at = _levels(shape)
    on_back = np.cos(pose.roll) < 0
    if shape.wings > 0.1 and not on_back:
        _feathers(sheet, 0.42, shape.wings, rng)
    side = 1 if rng.random() < 0.5 else -1
    root: Point = (shape.head_w * 0.34, at["head"] + 0.035)
    if shape.rostrum_len > 0:
        x, y = _snout(sheet, species, at["head"], side)
        root = (shape.rostrum_w * 0.4, y)
        _draw_antennae(sheet, species, pose, root, x, rng)
    else:
        _draw_antennae(sheet, species, pose, root, 0.0, rng)
    if shape.mandible > 0:
        _mandibles(sheet, species, at["head"])
    if not on_back:
        _legs(sheet, species, pose, at, rng)
    _trunk(sheet, species, pose.roll, rng)
    if on_back:
        _legs(sheet, species, pose, at, rng)
    _dirt(sheet, rng)
    return _turned(sheet, species, pose.heading, finer)


def _draw_antennae(
    sheet: _Sheet, species: Species, pose: Pose, root: Point, shift: float, rng: np.random.Generator
) -> None:
    for present, way in zip(pose.antennae, (-1, 1), strict=True):
        if present:
            _antenna(sheet, species, (way * root[0] + shift, root[1]), way, rng)


def _dirt(sheet: _Sheet, rng: np.random.Generator) -> None:
    """Stick crumbs of soil to the animal."""
    for _ in range(int(rng.poisson(rng.choice([1.0, 2.0, 12.0])))):
        where = sheet.half + sheet.scale * rng.uniform((-0.25, -0.55), (0.25, 0.5))
        spot = tuple((where * 16).round().astype(int).tolist())
        size = tuple((16 * sheet.scale * rng.uniform(0.004, 0.022, 2)).astype(int).tolist())
        shade = float(rng.uniform(0.5, 1.3))
        crumb = (112 * shade, 92 * shade, 68 * shade)
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(sheet.colour, spot, size, turn, 0, 360, crumb, -1, cv2.LINE_8, 4)


def _turned(sheet: _Sheet, species: Species, heading: float, finer: float) -> DrawnBeetle:
    """Turn the sheet by `heading`, shrink it to photo pixels and trim it to the animal."""
    left, top, width, height = cv2.boundingRect(sheet.alpha)
    part = (slice(top, top + height), slice(left, left + width))
    alpha = sheet.alpha[part]
    colour = cv2.bitwise_and(sheet.colour[part], sheet.colour[part], mask=alpha)
    degrees = -float(np.rad2deg(heading))
    turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), float)
    reach = np.abs(turn[:, :2]) @ (width, height)
    small = np.ceil(reach / finer).astype(int) + 2
    size = np.round(small * finer).astype(int)
    turn[:, 2] += size / 2 - (width / 2, height / 2)
    shrunk = []
    for layer in (colour, alpha):
        laid = cv2.warpAffine(layer, turn, tuple(size.tolist()), flags=cv2.INTER_LINEAR)
        shrunk.append(cv2.resize(laid, tuple(small.tolist()), interpolation=cv2.INTER_AREA))
    left, top, width, height = cv2.boundingRect(shrunk[1])
    part = (slice(top, top + height), slice(left, left + width))
    return DrawnBeetle(
        species.taxon,
        shrunk[0][part].astype(np.float32),
        shrunk[1][part].astype(np.float32) / 255,
        species.shape.length_px,
    )


def simulate_beetle(taxon: str, rng: np.random.Generator, *, light: float = -2.2) -> DrawnBeetle:
    """Draw an individual of a taxon: any of its species, in any pose."""
    individual = vary(species_of(taxon, int(rng.integers(SPECIES_PER_TAXON))), rng)
    return draw_beetle(individual, draw_pose(taxon, rng), rng, light=light)
