"""What a thing on the ground may be: one animal, or several in one of a few ways to cut it.

A candidate is a mask with measurements of its shape, contrast, surface and edge, which
`berlese.specimens.judge` turns into probabilities. Lengths are in photo pixels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import Thing
from berlese.specimens.clumps import ways_by_network
from berlese.specimens.look import log_odds, picture_of
from berlese.specimens.split import Part, depth_of, grown, split_touching

OUTLINE_SHARE = 0.26  # of a dark thing's own contrast: what has less is shadow or haze
SHADOW_SHARE = 0.30  # the same of black things, whose shadows are the stronger
LIGHT_SHARE = 0.13  # of a light thing's, which has no shadow of its own colour
CORE_SHARE = 0.75  # of a thing's contrast: bodies have it, a shadow between them has not
LEAST_THICKNESS = 2.5  # pixels: what is thinner everywhere is a thread
NECKS = (0.4, 0.62, 0.82)  # ever wider necks at which a thing may be cut

FEATURES = (
    "log_length", "log_width", "log_area", "aspect", "solidity", "extent", "thickness_share",
    "slender", "compactness", "holes", "body_share", "limbs", "body_solidity", "corners",
    "taper", "skew", "contrast", "contrast_cv", "contrast_top", "over_noise", "direction",
    "opposed", "ground_level", "level", "level_sd", "red_green", "yellow_blue", "chroma_sd",
    "saturated", "texture", "fine_texture", "edge", "edge_width", "halo", "outside_sd", "parts",
    "core_ratio", "middle_light",
)  # fmt: skip

_Mask = NDArray[np.bool_]
_Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A possible animal: `mask` with its frame's place in the photo, and its measurements.

    `mask` has `scale` pixels for each pixel of the photo; `left` and `top` are photo pixels,
    `angle` is the direction of the longer side in degrees, 0 to 180. `look` is what
    `berlese.specimens.look` takes it for; None where the measurements alone were sure.
    """

    mask: _Mask
    left: float
    top: float
    scale: float
    area: float
    angle: float
    features: _Float
    edge_width: float
    look: NDArray[np.float32] | None = None

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in photo pixels."""
        height, width = self.mask.shape
        right, bottom = self.left + width / self.scale, self.top + height / self.scale
        return self.left, self.top, right, bottom


Cut = tuple[Candidate, ...]
Reading = list[Cut]
Look = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def readings_of(
    thing: Thing,
    smallest: float,
    is_plain: Callable[[Candidate], bool] | None = None,
    look: Look = log_odds,
) -> list[Reading]:
    """List the separate things within `thing`, and for each the ways to cut it into animals.

    The first cut of each reading is the whole.

    Parameters
    ----------
    thing : Thing
    smallest : float
        Least length of an animal in photo pixels.
    is_plain : callable, optional
        Tells of a whole that nothing is gained by looking at it, or by cutting it once it has been
        looked at.
    look : callable, optional
        Makes `Candidate.look` of pictures of shape (n, 5, side, side).
    """
    least = smallest * thing.scale
    readings: list[Reading] = []
    for mask, left, top in outlines_of(thing, least):
        whole = _describe(thing, mask, left, top, 1)
        if is_plain is not None and is_plain(whole):
            readings.append([(whole,)])
            continue
        reading = _looked_at(thing, [(whole,)], look)
        if is_plain is None or not is_plain(reading[0][0]):
            cuts = [
                tuple(_describe(thing, part, left + x, top + y, len(parts)) for part, x, y in parts)
                for parts in _ways_to_cut(thing, mask, left, top, least)
            ]
            reading += _looked_at(thing, cuts, look) if cuts else []
        readings.append(reading)
    return readings


def _looked_at(thing: Thing, reading: Reading, look: Look) -> Reading:
    """Add what the candidates look like."""
    pictures = [
        picture_of(
            *(thing.pixels, thing.ground, thing.mask, each.mask),
            round((each.left - thing.left) * thing.scale),
            round((each.top - thing.top) * thing.scale),
        )
        for cut in reading
        for each in cut
    ]
    looks = iter(look(np.stack(pictures)))
    return [tuple(replace(each, look=next(looks)) for each in cut) for cut in reading]


def outlines_of(thing: Thing, least: float) -> list[Part]:
    """Outline the separate things within `thing` that reach `least` frame pixels."""
    strong = _quantile(thing.contrast[thing.mask], 0.9)
    outline = thing.mask & (thing.contrast > max(thing.low, _outline_share(thing, strong) * strong))
    return large_parts(outline, least)


def _outline_share(thing: Thing, strong: float) -> float:
    """Share of a thing's contrast that its outline has: more of it the darker the thing."""
    if not _is_darker(thing):
        return LIGHT_SHARE
    return float(np.interp(strong, (60, 180), (OUTLINE_SHARE, SHADOW_SHARE)))


def _is_darker(thing: Thing) -> bool:
    mask = thing.mask.view(np.uint8)
    return sum(cv2.mean(thing.pixels, mask)) < sum(cv2.mean(thing.ground, mask))


def _quantile(values: NDArray[np.generic], share: float) -> float:
    """Quantile without interpolation, which is all that is needed here and faster."""
    place = min(int(share * len(values)), len(values) - 1)
    return float(np.partition(values, place)[place])


def _ways_to_cut(
    thing: Thing, mask: _Mask, left: int, top: int, least: float
) -> Iterator[list[Part]]:
    """Yield ways to cut a thing: without threads, at faint bridges, at necks, by the network."""
    rows, columns = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
    depth = depth_of(mask)
    trimmed = _without_threads(mask, depth, least)
    if trimmed:
        yield trimmed
    count = 1
    for parts in (
        _at_faint_bridges(mask, thing.contrast[rows, columns], least),
        *(split_touching(mask, least, neck=neck, depth=depth) for neck in NECKS),
    ):
        if len(parts) > count:
            count = len(parts)
            yield parts
    yield from ways_by_network(
        thing.pixels[rows, columns], thing.ground[rows, columns], mask, least
    )


def _without_threads(mask: _Mask, depth: NDArray[np.float32], least: float) -> list[Part]:
    """Bodies with what is near them, where long thin threads are taken off; [] where none are."""
    thick = 2 * float(depth.max()) - 1
    radius = 0.22 * thick
    bodies = cv2.distanceTransform((depth <= max(radius, 1.2)).astype(np.uint8), cv2.DIST_L2, 5)
    near = mask & (bodies <= radius + 0.55 * thick)
    _, _, width, height = cv2.boundingRect(near.astype(np.uint8))
    if near.sum() > 0.97 * mask.sum() and max(mask.shape) < 1.3 * max(width, height):
        return []
    return large_parts(near, least)


def _at_faint_bridges(mask: _Mask, contrast: NDArray[np.uint8], least: float) -> list[Part]:
    """Parts with the more contrast, grown into what joins them, such as a shadow."""
    strong = _quantile(contrast[mask], 0.9)
    bodies = np.zeros(mask.shape, np.int32)
    number = 0
    for core, left, top in large_parts(mask & (contrast > CORE_SHARE * strong), 0.7 * least):
        for part, x, y in split_touching(core, 0.7 * least, neck=NECKS[1]):
            number += 1
            rows = slice(top + y, top + y + part.shape[0])
            bodies[rows, left + x : left + x + part.shape[1]][part] = number
    return grown(mask, bodies, least) if number > 1 else [(mask, 0, 0)]


def large_parts(found: _Mask, smallest: float) -> list[Part]:
    """Connected parts that reach `smallest` and are more than a thread, each in its frame."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    parts = []
    for label in range(1, count):
        left, top, width, height, area = (int(n) for n in stats[label])
        if np.hypot(width, height) < smallest or area < 0.08 * smallest**2:
            continue
        frame = labels[top : top + height, left : left + width] == label
        if 2 * float(depth_of(frame).max()) - 1 >= LEAST_THICKNESS:
            parts.append((frame, left, top))
    return parts


def _describe(thing: Thing, mask: _Mask, left: int, top: int, parts: int) -> Candidate:
    """Measure one candidate whose frame stands at (left, top) of the thing's frame."""
    pad = 3
    rows = slice(max(top - pad, 0), top + mask.shape[0] + pad)
    columns = slice(max(left - pad, 0), left + mask.shape[1] + pad)
    inside = np.zeros(thing.mask[rows, columns].shape, bool)
    dy, dx = top - rows.start, left - columns.start
    inside[dy : dy + mask.shape[0], dx : dx + mask.shape[1]] = mask
    ring = (cv2.dilate(inside.view(np.uint8), np.ones((7, 7), np.uint8)) > 0) & ~inside
    shape, angle = _shape(mask, thing.scale)
    look, edge_width = _look(thing, rows, columns, inside, ring)
    names = shape | look | {"parts": float(parts)}
    return Candidate(
        mask,
        thing.left + left / thing.scale,
        thing.top + top / thing.scale,
        thing.scale,
        float(mask.sum()) / thing.scale**2,
        angle,
        np.array([names[name] for name in FEATURES]),
        edge_width,
    )


def _shape(mask: _Mask, scale: float) -> tuple[dict[str, float], float]:
    """Measurements of the outline alone, and the direction of its longer side."""
    framed = np.pad(mask.astype(np.uint8), 2)
    contours, _ = cv2.findContours(framed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len)
    area = float(mask.sum())
    filled = max(float(cv2.contourArea(contour)) + len(contour) / 2 + 1, area)
    _, sides, angle = cv2.minAreaRect(contour)
    angle = (angle + (0 if sides[0] >= sides[1] else 90)) % 180
    length, width = max(sides) + 1, min(sides) + 1
    perimeter = float(cv2.arcLength(contour, True)) + 1
    depth = np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5), np.float32)
    thick = 2 * float(depth.max()) - 1
    body, limbs, solid = _body_of(framed, depth, thick)
    along, across = _profile(mask)
    hull = float(cv2.contourArea(cv2.convexHull(contour))) + perimeter / 2 + 1
    return {
        "log_length": float(np.log(length / scale)),
        "log_width": float(np.log(width / scale)),
        "log_area": float(np.log(area / scale**2)),
        "aspect": length / width,
        "solidity": filled / hull,
        "extent": filled / (length * width),
        "thickness_share": thick / width,
        "slender": length / thick,
        "compactness": perimeter**2 / (4 * np.pi * filled),
        "holes": 1 - area / filled,
        "body_share": body / area,
        "limbs": limbs,
        "body_solidity": solid,
        "corners": float(len(cv2.approxPolyDP(contour, 0.03 * perimeter, True))),
        "taper": along,
        "skew": across,
        "core_ratio": float((depth > 0.3 * thick).sum()) / area,
    }, float(angle)


def _body_of(
    framed: NDArray[np.uint8], depth: NDArray[np.float32], thick: float
) -> tuple[float, float, float]:
    """Area of what is left without thin limbs, how many limbs, and how convex the rest is."""
    radius = max(1.0, 0.2 * thick)
    shaved = (depth <= radius).astype(np.uint8)
    beyond = cv2.distanceTransform(shaved, cv2.DIST_L2, 5)
    body = (beyond <= radius).astype(np.uint8) & framed
    rest = cv2.subtract(framed, body)
    _, _, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    reach = np.maximum(stats[1:, 2], stats[1:, 3])
    limbs = float((reach > max(2.0, 0.2 * thick)).sum())
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return 0.0, limbs, 0.0
    contour = max(contours, key=len)
    hull = float(cv2.contourArea(cv2.convexHull(contour))) + 1
    return float(body.sum()), limbs, (float(cv2.contourArea(contour)) + 1) / hull


def _profile(mask: _Mask) -> tuple[float, float]:
    """How one end differs from the other, and how bent it is: third and mixed moments."""
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    xx, xy, yy = (moments[name] / moments["m00"] for name in ("mu20", "mu11", "mu02"))
    xx, yy = xx + 1 / 12, yy + 1 / 12
    apart = np.hypot((xx - yy) / 2, xy)
    long, short = np.sqrt((xx + yy) / 2 + apart), np.sqrt(max((xx + yy) / 2 - apart, 1 / 12))
    turn = 0.5 * np.arctan2(2 * xy, xx - yy)
    x, y = np.cos(turn), np.sin(turn)
    xxx, xxy, xyy, yyy = (
        moments[name] / moments["m00"] for name in ("mu30", "mu21", "mu12", "mu03")
    )
    along = x**3 * xxx + 3 * x * x * y * xxy + 3 * x * y * y * xyy + y**3 * yyy
    bent = (
        -x * x * y * xxx
        + (x**3 - 2 * x * y * y) * xxy
        + (2 * x * x * y - y**3) * xyy
        + x * y * y * yyy
    )
    return float(abs(along) / long**3), float(abs(bent) / (long**2 * short))


def _look(
    thing: Thing, rows: slice, columns: slice, inside: _Mask, ring: _Mask
) -> tuple[dict[str, float], float]:
    """Measurements of contrast, colour, surface and edge."""
    pixels, ground = thing.pixels[rows, columns], thing.ground[rows, columns]
    contrast = thing.contrast[rows, columns]
    own = inside.view(np.uint8)
    core = np.asarray(cv2.erode(own, np.ones((3, 3), np.uint8)), np.uint8)
    core = core if cv2.countNonZero(core) >= 6 else own
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    floor = cv2.cvtColor(ground, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean, deviation = _mean_and_deviation(contrast, own)
    level, level_sd = _mean_and_deviation(grey, own)
    away, _ = _mean_and_deviation(grey - floor, own)
    outside, outside_sd = _mean_and_deviation(contrast, ring.view(np.uint8))
    inner = cv2.mean(grey, core)[0]
    opposed = (grey < floor) if away > 0 else (grey > floor)
    bright = (grey > 250).astype(np.uint8)
    looks = {
        "contrast": mean,
        "contrast_cv": deviation / mean,
        "contrast_top": _quantile(contrast[inside], 0.95) / mean,
        "over_noise": mean / max(thing.low, 1.0),
        "direction": float(np.clip(away / mean, -1.5, 1.5)),
        "opposed": cv2.mean(opposed.view(np.uint8), own)[0],
        "ground_level": cv2.mean(floor, own)[0],
        "level": level,
        "level_sd": level_sd / mean,
        "saturated": cv2.mean(bright, core)[0],
        "halo": outside / mean,
        "outside_sd": outside_sd / mean,
        "middle_light": (inner - level) / mean,
    }
    surface, edge_width = _surface(grey, own, core, ring, mean)
    return looks | _colour(pixels, ground, own, mean) | surface, edge_width


def _mean_and_deviation(values: NDArray[Any], mask: NDArray[np.uint8]) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values, mask=mask)
    return float(mean[0, 0]), float(deviation[0, 0])


def _colour(
    pixels: NDArray[np.uint8], ground: NDArray[np.uint8], own: NDArray[np.uint8], contrast: float
) -> dict[str, float]:
    """How the colour differs from the ground's, beyond being darker or lighter."""
    away = pixels.astype(np.float32) - ground
    red, green, blue = cv2.split(away)
    red_green, first = _mean_and_deviation(red - green, own)
    yellow_blue, second = _mean_and_deviation((red + green) / 2 - blue, own)
    return {
        "red_green": red_green / contrast,
        "yellow_blue": yellow_blue / contrast,
        "chroma_sd": (first + second) / 2 / contrast,
    }


def _surface(
    grey: NDArray[np.float32],
    own: NDArray[np.uint8],
    core: NDArray[np.uint8],
    ring: _Mask,
    contrast: float,
) -> tuple[dict[str, float], float]:
    """How rough the inside and how steep the edge is; and the edge's width in pixels."""
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8))
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    slope = np.asarray(cv2.magnitude(across, down)) / 8
    edge = ring | ((own > 0) & (core == 0))
    steep = _quantile(slope[edge], 0.9) if edge.any() else 1.0
    both = smooth[ring | (own > 0)]
    width = (_quantile(both, 0.95) - _quantile(both, 0.05)) / max(steep, 1e-3)
    fine = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    return {
        "texture": cv2.mean(slope, core)[0] / contrast,
        "fine_texture": cv2.mean(fine, core)[0] / contrast,
        "edge": steep / contrast,
        "edge_width": width / max(float(np.sqrt(cv2.countNonZero(own))), 1.0),
    }, width
