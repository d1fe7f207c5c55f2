"""Measure candidates: their shape, contrast, colour, surface and edge, many in one go.

The candidates are set one under the other into a tall picture, so that each step is one call for
all of them. Each stands in a cell with a border that shows what a filter sees at the end of a
picture, so that none is measured differently for what stands beside it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import Thing

FEATURES = (
    "log_length", "log_width", "log_area", "aspect", "solidity", "extent", "thickness_share",
    "slender", "compactness", "holes", "body_share", "limbs", "body_solidity", "corners",
    "taper", "skew", "contrast", "contrast_cv", "contrast_top", "over_noise", "direction",
    "opposed", "ground_level", "level", "level_sd", "red_green", "yellow_blue", "chroma_sd",
    "saturated", "texture", "fine_texture", "edge", "edge_width", "halo", "outside_sd", "parts",
    "core_ratio", "middle_light",
)  # fmt: skip
PAD = 3  # pixels around a candidate that are looked at: its surroundings
BORDER = 4  # pixels of a cell beyond that: the reach of the filters
LIMB = 0.2  # of the thickness: half the width of what is a limb
WIDER = 1.2  # times the narrowest that the widest of one tall picture may be
MOST_PIXELS = 400_000  # of a tall picture

_Mask = NDArray[np.bool_]
_Bytes = NDArray[np.uint8]
_Float = NDArray[np.float64]
_Floats = NDArray[np.float32]
_Planes = dict[str, _Float]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a thing, whose frame stands at (left, top) of the thing's, or all of it.

    `parts` is the number of parts of the way to cut the thing that it is of.
    """

    thing: Thing
    mask: _Mask
    left: int
    top: int
    parts: int = 1

    def crop(self) -> tuple[slice, slice]:
        """Rows and columns of the thing that are looked at."""
        height, width = self.thing.mask.shape
        bottom, right = self.top + self.mask.shape[0], self.left + self.mask.shape[1]
        return (
            slice(max(self.top - PAD, 0), min(bottom + PAD, height)),
            slice(max(self.left - PAD, 0), min(right + PAD, width)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Of n pieces: `features` of shape (n, len(FEATURES)), and what is told beside them.

    `pixels` is the number of pixels, `angle` the direction of the longer side in degrees, and
    `edge_width` in pixels.
    """

    features: _Float
    pixels: _Float
    angle: _Float
    edge_width: _Float


def measured(pieces: Sequence[Piece]) -> Measured:
    """Measure pieces, in their order."""
    count = len(pieces)
    result = Measured(np.empty((count, len(FEATURES))), *(np.empty(count) for _ in range(3)))
    for group in _alike(pieces):
        column = _column([pieces[number] for number in group])
        shape, angle = _shape(column)
        look, edge_width = _look(column)
        found = shape | look
        result.features[group] = np.column_stack([found[name] for name in FEATURES])
        result.pixels[group] = column.inside.counts
        result.angle[group], result.edge_width[group] = angle, edge_width
    return result


def _alike(pieces: Sequence[Piece]) -> Iterator[list[int]]:
    """Group pieces of like width, so that a tall picture has little empty space."""
    widths = np.array([each.mask.shape[1] for each in pieces])
    group: list[int] = []
    rows = 0
    for number in np.argsort(widths, kind="stable").tolist():
        width = int(widths[number])
        full = (rows + pieces[number].mask.shape[0]) * width > MOST_PIXELS
        if group and (full or width > WIDER * widths[group[0]] + 6):
            yield group
            group, rows = [], 0
        group.append(number)
        rows += pieces[number].mask.shape[0]
    if group:
        yield group


class _Pixels:
    """Pixels of a tall picture that are looked at, those of each piece one after the other.

    Parameters
    ----------
    places : ndarray of int of shape (pixels,)
        In the flattened picture, rising.
    ends : ndarray of int of shape (pieces + 1,)
        Where in the flattened picture the pieces begin, and the last one ends.
    """

    def __init__(self, places: NDArray[np.intp], ends: NDArray[np.intp]) -> None:
        self.places, self.ends = places, ends
        self.bounds = np.searchsorted(places, ends)
        self.counts = np.diff(self.bounds)

    def those(self, chosen: _Mask) -> "_Pixels":
        """Some of these pixels."""
        return _Pixels(self.places[chosen], self.ends)

    def of(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Values of these pixels, of shape (pixels,) or (pixels, channels)."""
        return plane.reshape(-1, *plane.shape[2:]).take(self.places, axis=0)

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat a value of each piece for its pixels."""
        return np.repeat(values, self.counts)

    def total(self, values: NDArray[Any]) -> _Float:
        """Sum of each piece's values."""
        if not len(values):
            return np.zeros(len(self.counts))
        starts = np.minimum(self.bounds[:-1], len(values) - 1)
        sums = np.add.reduceat(values, starts, dtype=np.float64)
        return np.where(self.counts == 0, 0.0, sums)

    def mean(self, values: NDArray[Any]) -> _Float:
        return self.total(values) / np.maximum(self.counts, 1)

    def mean_and_deviation(self, values: NDArray[np.float64]) -> tuple[_Float, _Float]:
        mean = self.mean(values)
        return mean, np.sqrt(np.maximum(self.mean(values * values) - mean**2, 0))

    def levels(self, values: _Bytes) -> "_Levels":
        places = self.each(256 * np.arange(len(self.counts))) + values
        counts = np.bincount(places, minlength=256 * len(self.counts))
        return _Levels(counts.reshape(-1, 256))

    def quantiles(self, values: NDArray[Any], *shares: float) -> _Float:
        """Quantiles without interpolation, of shape (pieces, shares); 1 where no pixel is."""
        result = np.ones((len(self.counts), len(shares)))
        bounds = self.bounds.tolist()
        for number, (start, stop) in enumerate(pairwise(bounds)):
            if stop > start:
                places = [min(int(share * (stop - start)), stop - start - 1) for share in shares]
                result[number] = np.partition(values[start:stop], places)[places]
        return result


class _Levels:
    """How many pixels of each piece have each of 256 grey levels."""

    def __init__(self, counts: NDArray[np.intp]) -> None:
        self.counts = counts
        self.pixels = np.maximum(counts.sum(axis=1), 1)

    def mean(self) -> _Float:
        return np.asarray(self.counts @ np.arange(256.0) / self.pixels)

    def mean_and_deviation(self) -> tuple[_Float, _Float]:
        mean = self.mean()
        square = self.counts @ np.arange(256.0) ** 2 / self.pixels
        return mean, np.sqrt(np.maximum(square - mean**2, 0))

    def quantile(self, share: float) -> _Float:
        """Quantile without interpolation."""
        place = np.minimum((share * self.pixels).astype(int), self.pixels - 1)
        return np.asarray((self.counts.cumsum(axis=1) <= place[:, None]).sum(axis=1), float)

    def share_above(self, level: int) -> _Float:
        return np.asarray(self.counts[:, level + 1 :].sum(axis=1) / self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """Pieces one under the other; the cell of each ends where that of the next begins.

    `masks` holds them amid nothing; `framed` goes on beyond the end of a piece's crop as the
    crop ends.
    """

    pieces: list[Piece]
    tops: NDArray[np.intp]
    corners: list[tuple[int, int]]
    pixels: _Bytes
    ground: _Bytes
    contrast: _Bytes
    masks: _Bytes
    framed: _Bytes
    shown: _Bytes
    inside: _Pixels

    @property
    def scale(self) -> _Float:
        return np.array([each.thing.scale for each in self.pieces])


def _column(pieces: list[Piece]) -> _Column:
    crops = [each.crop() for each in pieces]
    heights = np.array([rows.stop - rows.start for rows, _ in crops])
    width = max(columns.stop - columns.start for _, columns in crops) + 2 * BORDER
    # What lies within half of a limb's width of one piece is not of the next.
    apart = max(0, int(1.1 * LIMB * width) - 2 * BORDER)
    tops = np.concatenate([[0], np.cumsum(heights + 2 * BORDER + apart)])
    pixels, ground = (np.zeros((tops[-1], width, 3), np.uint8) for _ in range(2))
    contrast, masks, framed, shown = (np.zeros((tops[-1], width), np.uint8) for _ in range(4))
    corners = []
    for piece, (rows, columns), top in zip(pieces, crops, tops.tolist(), strict=False):
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        cell = np.s_[top : top + high + 2 * BORDER, : wide + 2 * BORDER]
        own = np.s_[top + BORDER : top + BORDER + high, BORDER : BORDER + wide]
        down, across = piece.top - rows.start, piece.left - columns.start
        thing = piece.thing
        sides = (BORDER,) * 4
        cv2.copyMakeBorder(
            thing.pixels[rows, columns], *sides, cv2.BORDER_REFLECT_101, dst=pixels[cell]
        )
        ground[own], contrast[own] = thing.ground[rows, columns], thing.contrast[rows, columns]
        masks[own][down:, across:][: piece.mask.shape[0], : piece.mask.shape[1]] = piece.mask
        cv2.copyMakeBorder(masks[own], *sides, cv2.BORDER_REPLICATE, dst=framed[cell])
        shown[own] = 1
        corners.append((BORDER + across, top + BORDER + down))
    inside = _Pixels(np.flatnonzero(masks.view(np.bool_)), tops * width)
    return _Column(pieces, tops, corners, pixels, ground, contrast, masks, framed, shown, inside)


def _shape(column: _Column) -> tuple[_Planes, _Float]:
    """Measurements of the outline alone, and the direction of its longer side."""
    inside = column.inside
    area = inside.counts.astype(float)
    depth = np.asarray(cv2.distanceTransform(column.masks, cv2.DIST_L2, 5), np.float32)
    own_depth = np.asarray(inside.of(depth), np.float32)
    thick = 2 * np.maximum.reduceat(own_depth, inside.bounds[:-1]).astype(float) - 1
    body, limbs, solid = _bodies(column, depth, thick)
    along, across = np.array([_profile(each.mask) for each in column.pieces]).T
    sides = np.array([_sides(each) for each in _outlines(column.masks, column)])
    filled, hull, long, short, angle, perimeter, corners = sides.T
    filled = np.maximum(filled, area)
    return {
        "log_length": np.log(long / column.scale),
        "log_width": np.log(short / column.scale),
        "log_area": np.log(area / column.scale**2),
        "aspect": long / short,
        "solidity": filled / hull,
        "extent": filled / (long * short),
        "thickness_share": thick / short,
        "slender": long / thick,
        "compactness": perimeter**2 / (4 * np.pi * filled),
        "holes": 1 - area / filled,
        "body_share": body / area,
        "limbs": limbs,
        "body_solidity": solid,
        "corners": corners,
        "taper": along,
        "skew": across,
        "core_ratio": inside.total(own_depth > inside.each(0.3 * thick)) / area,
        "parts": np.array([float(each.parts) for each in column.pieces]),
    }, angle


def _outlines(masks: _Bytes, column: _Column) -> list[NDArray[np.int32] | None]:
    """Longest contour of each piece, in its own frame with a border of 2; None without any."""
    contours, _ = cv2.findContours(masks, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest: list[NDArray[np.int32] | None] = [None] * len(column.pieces)
    firsts = np.array([each[0, 0, 1] for each in contours])
    owners = np.searchsorted(column.tops, firsts, side="right") - 1
    for owner, each in zip(owners.tolist(), contours, strict=True):
        best = longest[owner]
        if best is None or len(each) > len(best):
            longest[owner] = each
    return [
        None if each is None else np.asarray(each - np.array(corner, np.int32) + np.int32(2))
        for each, corner in zip(longest, column.corners, strict=True)
    ]


def _sides(contour: NDArray[np.int32] | None) -> tuple[float, ...]:
    """Area, hull, sides, direction, perimeter and corners of one outline."""
    assert contour is not None
    filled = float(cv2.contourArea(contour)) + len(contour) / 2 + 1
    _, sides, angle = cv2.minAreaRect(contour)
    perimeter = float(cv2.arcLength(contour, True)) + 1
    return (
        filled,
        float(cv2.contourArea(cv2.convexHull(contour))) + perimeter / 2 + 1,
        max(sides) + 1,
        min(sides) + 1,
        (angle + (0 if sides[0] >= sides[1] else 90)) % 180,
        perimeter,
        float(len(cv2.approxPolyDP(contour, 0.03 * perimeter, True))),
    )


def _bodies(column: _Column, depth: _Floats, thick: _Float) -> tuple[_Float, _Float, _Float]:
    """Area of what is left without thin limbs, how many limbs, and how convex the rest is."""
    radius = np.maximum(1.0, LIMB * thick)
    reach = np.repeat(radius.astype(np.float32), np.diff(column.tops))[:, None]
    beyond = cv2.distanceTransform((depth <= reach).view(np.uint8), cv2.DIST_L2, 5)
    body = (beyond <= reach).view(np.uint8) & column.masks
    limbs = _limbs(column.masks - body, column.tops, np.maximum(2.0, LIMB * thick))
    solid = [0.0 if each is None else _solidity(each) for each in _outlines(body, column)]
    return column.inside.total(column.inside.of(body)), limbs, np.array(solid)


def _limbs(rest: _Bytes, tops: NDArray[np.intp], least: _Float) -> _Float:
    """How many connected parts of each piece's rest are longer than `least`."""
    contours, nested = cv2.findContours(rest, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros(len(least))
    outer = nested[0, :, 3] < 0
    frames = [cv2.boundingRect(contours[number]) for number in np.flatnonzero(outer).tolist()]
    _, top, width, height = np.array(frames).T
    owner = np.searchsorted(tops, top, side="right") - 1
    long = np.maximum(width, height) > least[owner]
    return np.bincount(owner[long], minlength=len(least)).astype(float)


def _solidity(contour: NDArray[np.int32]) -> float:
    hull = float(cv2.contourArea(cv2.convexHull(contour))) + 1
    return (float(cv2.contourArea(contour)) + 1) / hull


def _profile(mask: _Mask) -> tuple[float, float]:
    """How one end differs from the other, and how bent it is: third and mixed moments."""
    moments = cv2.moments(mask.view(np.uint8), binaryImage=True)
    xx, xy, yy = (moments[name] / moments["m00"] for name in ("mu20", "mu11", "mu02"))
    xx, yy = xx + 1 / 12, yy + 1 / 12
    apart = math.hypot((xx - yy) / 2, xy)
    long, short = math.sqrt((xx + yy) / 2 + apart), math.sqrt(max((xx + yy) / 2 - apart, 1 / 12))
    turn = 0.5 * math.atan2(2 * xy, xx - yy)
    x, y = math.cos(turn), math.sin(turn)
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
    return abs(along) / long**3, abs(bent) / (long**2 * short)


def _look(column: _Column) -> tuple[_Planes, _Float]:
    """Measurements of contrast, colour, surface and edge; and the edge's width in pixels."""
    inside = column.inside
    around = _as_bytes(cv2.dilate(column.framed, np.ones((7, 7), np.uint8)))
    around = around & ~column.framed & column.shown
    near = _Pixels(np.flatnonzero((around | column.masks).view(np.bool_)), inside.ends)
    own, ring = near.of(column.masks).view(np.bool_), near.of(around).view(np.bool_)
    core = near.of(_cores(column)).view(np.bool_)
    outside, inner, edge = near.those(ring), near.those(core), near.those(ring | (own & ~core))
    grey = _as_bytes(cv2.cvtColor(column.pixels, cv2.COLOR_RGB2GRAY))
    levels, floor = inside.of(grey), _grey_of(inside.of(column.ground))
    contrast = inside.levels(inside.of(column.contrast))
    mean, deviation = contrast.mean_and_deviation()
    level, level_sd = inside.levels(levels).mean_and_deviation()
    ground_level = inside.levels(floor).mean()
    halo, halo_sd = outside.levels(outside.of(column.contrast)).mean_and_deviation()
    darker, lighter = inside.mean(levels < floor), inside.mean(levels > floor)
    core_levels = inner.levels(inner.of(grey))
    looks = {
        "contrast": mean,
        "contrast_cv": deviation / mean,
        "contrast_top": contrast.quantile(0.95) / mean,
        "over_noise": mean / np.array([max(each.thing.low, 1.0) for each in column.pieces]),
        "direction": np.clip((level - ground_level) / mean, -1.5, 1.5),
        "opposed": np.where(level > ground_level, darker, lighter),
        "ground_level": ground_level,
        "level": level,
        "level_sd": level_sd / mean,
        "saturated": core_levels.share_above(250),
        "halo": halo / mean,
        "outside_sd": halo_sd / mean,
        "middle_light": (core_levels.mean() - level) / mean,
    }
    surface, edge_width = _surface(grey, near, inner, edge)
    size = np.maximum(np.sqrt(inside.counts), 1.0)
    looks |= {name: each / mean for name, each in (surface | _colour(column)).items()}
    return looks | {"edge_width": edge_width / size}, edge_width


def _cores(column: _Column) -> _Bytes:
    """Pieces without their outermost pixels; whole where less than 6 pixels were left."""
    core = _as_bytes(cv2.erode(column.framed, np.ones((3, 3), np.uint8))) & column.masks
    few = column.inside.total(column.inside.of(core)) < 6
    for number in np.flatnonzero(few).tolist():
        rows = slice(*column.tops[number : number + 2].tolist())
        core[rows] = column.masks[rows]
    return core


def _grey_of(colours: NDArray[Any]) -> _Bytes:
    """Grey levels of colours of shape (n, 3)."""
    return _as_bytes(cv2.cvtColor(colours[:, None], cv2.COLOR_RGB2GRAY))[:, 0]


def _colour(column: _Column) -> _Planes:
    """How the colour differs from the ground's, beyond being darker or lighter."""
    inside = column.inside
    away = inside.of(column.pixels).astype(np.float64) - inside.of(column.ground)
    red, green, blue = away.T
    red_green, first = inside.mean_and_deviation(red - green)
    yellow_blue, second = inside.mean_and_deviation((red + green) / 2 - blue)
    return {
        "red_green": red_green,
        "yellow_blue": yellow_blue,
        "chroma_sd": (first + second) / 2,
    }


def _surface(grey: _Bytes, near: _Pixels, core: _Pixels, edge: _Pixels) -> tuple[_Planes, _Float]:
    """How rough the inside and how steep the edge is; and the edge's width in pixels."""
    values = grey.astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(values, (0, 0), 0.8))
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    slope = np.asarray(cv2.magnitude(across, down))
    steep = edge.quantiles(edge.of(slope) / 8, 0.9)[:, 0]
    low, high = near.quantiles(near.of(smooth), 0.05, 0.95).T
    fine = np.asarray(cv2.Laplacian(values, cv2.CV_32F))
    return {
        "texture": core.mean(core.of(slope)) / 8,
        "fine_texture": core.mean(np.abs(core.of(fine))),
        "edge": steep,
    }, (high - low) / np.maximum(steep, 1e-3)


def _as_bytes(values: NDArray[Any]) -> _Bytes:
    return np.asarray(values, np.uint8)
