"""Tell the dish from the animals: its rim, what lies around its picture, letters on its label."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from berlese.specimens.outline import Box

RIM_SPAN = 0.3  # of the photo's shorter side: what reaches so far and is hollow may be a rim
RIM_FILL = 0.2  # of its frame that a rim covers at most
SURROUND_FILL = 0.6  # the same of what lies around the dish, out to the edges of the photo
RIM_BAND = 0.04  # of the radius: how far from the circle a rim's pixels lie
RIM_SHARE = 0.6  # of the pixels that must lie in that band
# The same of a rim that is hidden from the middle: in any ring there are some pixels of a tangle.
HIDDEN_RIM_BAND, HIDDEN_RIM_SHARE = 0.01, 0.5
RIM_ARC = 18  # of 36 directions in which a rim must be seen
RIM_ROUNDS = 3  # in which a hidden rim's middle is bettered
DIRECTIONS = 720  # in which a rim is looked for
RIM_SECTOR = 0.11  # of a turn: directions that are looked at together
AGAINST_RIM = 20  # per cent of the directions in a sector in which animals may lie against it
RIM_MARGIN = 0.99
LETTERS_IN_LINE = 5
FLAT_LEVELS = 3  # grey levels from black or white that a surround without picture reaches
SURROUND_SHARE = 0.01  # of the photo that it covers at least
PICTURE_SHARE = 0.4  # of the photo that it leaves at least
PICTURE_SOLIDITY = 0.97  # how convex what it leaves is
SURROUND_STEP = 9.0  # grey levels between it and the picture along their border
SURROUND_SEAM = 2  # pixels beside it that are neither picture nor surround

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Dish:
    """Where animals lie: what is nearer to the middle than the rim is in that direction.

    Attributes
    ----------
    x, y : float
        The middle, in pixels.
    radii : ndarray of shape (n,)
        How far the dish reaches in n directions, from the right through below, in pixels.
    """

    x: float
    y: float
    radii: NDArray[np.float64]

    def scaled(self, factor: float) -> "Dish":
        """Give the same dish on a photo `factor` times as large."""
        return Dish(self.x * factor, self.y * factor, self.radii * factor)

    def blank_outside(self, contrast: NDArray[np.uint8], top: int) -> None:
        """Set what lies outside to 0, in place, in the rows of a photo from `top` on."""
        nearest, farthest = float(self.radii.min()), float(self.radii.max())
        for row, values in enumerate(contrast):
            down = top + row + 0.5 - self.y
            # Only between the smallest and the largest radius does the direction matter.
            reach, sure = _half_chord(farthest, down), _half_chord(nearest, down)
            first = max(math.floor(self.x - reach) - 1, 0)
            last = max(math.floor(self.x + reach) + 2, 0)
            values[:first] = 0
            values[last:] = 0
            self._blank(values, down, first, math.floor(self.x - sure) + 2)
            self._blank(values, down, max(math.floor(self.x + sure) - 1, 0), last)

    def _blank(self, values: NDArray[np.uint8], down: float, start: int, stop: int) -> None:
        """Set what lies outside to 0 in some columns of a row `down` below the middle."""
        right = np.arange(start, min(stop, len(values))) + 0.5 - self.x
        turn = np.arctan2(down, right) / (2 * np.pi) % 1.0
        rim = self.radii[(turn * len(self.radii)).astype(np.intp) % len(self.radii)]
        values[start : start + len(right)][np.hypot(right, down) >= rim] = 0


def _half_chord(radius: float, down: float) -> float:
    """Half the width of a circle at a distance from its middle; 0 beyond it."""
    return math.sqrt(max(radius**2 - down**2, 0.0))


def find_surround(overview: NDArray[np.uint8]) -> _Mask | None:
    """Find the flat black or white around a picture that a mask or a round field cut out.

    Parameters
    ----------
    overview : ndarray of uint8 of shape (h, w, 3)
        A small copy of the photo.

    Returns
    -------
    ndarray of bool of shape (h, w), or None
        Where no picture is; None where the picture fills the photo. Ground that is overexposed or
        black in a corner grows so by and by, and is no surround.
    """
    white, black = overview.min(axis=2) >= 255 - FLAT_LEVELS, overview.max(axis=2) <= FLAT_LEVELS
    for flat, level in ((white, 255), (black, 0)):
        outside = _from_the_corners(flat)
        if outside.mean() < SURROUND_SHARE:
            continue
        count, labels, stats, _ = cv2.connectedComponentsWithStats((~outside).astype(np.uint8))
        if count < 2:
            continue
        picture = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        outline = np.argwhere(picture)[:, ::-1].astype(np.int32)
        convex = PICTURE_SOLIDITY * cv2.contourArea(cv2.convexHull(outline))
        if picture.sum() > max(PICTURE_SHARE * picture.size, convex):
            surround = _widened(~picture)
            border = overview[_widened(surround) & ~surround].mean(axis=1)
            if len(border) and np.median(np.abs(border - level)) >= SURROUND_STEP:
                return surround
    return None


def _widened(outside: _Mask) -> _Mask:
    seam = np.ones((2 * SURROUND_SEAM + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(outside.astype(np.uint8), seam) > 0)


def _from_the_corners(flat: _Mask) -> _Mask:
    """Pixels that are connected with a corner of the photo."""
    _, labels = cv2.connectedComponents(flat.astype(np.uint8))
    corners = {int(labels[y, x]) for y in (0, -1) for x in (0, -1)} - {0}
    return np.isin(labels, list(corners))


def filled_around(overview: NDArray[np.uint8], outside: _Mask) -> NDArray[np.uint8]:
    """Go on with the picture where none is: each pixel takes the colour of the nearest one."""
    _, nearest = cv2.distanceTransformWithLabels(
        outside.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[~outside]] = overview[~outside]
    return np.where(outside[..., None], colours[nearest], overview)


def dish_within(outside: _Mask) -> Dish:
    """Dish that reaches to a surround in each direction, between those with none as beside them."""
    middle = np.argwhere(~outside).mean(axis=0)[::-1] + 0.5
    down, across = np.nonzero(outside)
    right, below = across + 0.5 - middle[0], down + 0.5 - middle[1]
    turns = np.arctan2(below, right) / (2 * np.pi) % 1.0
    radii = np.full(DIRECTIONS, np.inf)
    np.minimum.at(radii, (turns * DIRECTIONS).astype(np.intp) % DIRECTIONS, np.hypot(right, below))
    seen = np.flatnonzero(np.isfinite(radii))
    radii = np.interp(np.arange(DIRECTIONS), seen, radii[seen], period=DIRECTIONS)
    return Dish(float(middle[0]), float(middle[1]), radii)


def find_dish(found: _Mask) -> Dish | None:
    """Find the dish by its rim, inside of it; None without rim.

    Parameters
    ----------
    found : ndarray of bool
        What differs from the ground.
    """
    rim = _hollow_pixels(found)
    return None if rim is None else _fit_rim(rim)


def _hollow_pixels(found: _Mask) -> NDArray[np.int64] | None:
    """Pixels (x, y) of all large hollow objects."""
    span = RIM_SPAN * min(found.shape)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    rims = []
    for label in range(1, count):
        left, top, width, height, area = stats[label]
        around = (width, height) == found.shape[::-1]
        fill = SURROUND_FILL if around else RIM_FILL
        if max(width, height) < span or area > fill * width * height:
            continue
        rows, columns = np.nonzero(labels[top : top + height, left : left + width] == label)
        rims.append(np.column_stack([columns + left, rows + top]))
    return np.concatenate(rims) if rims else None


def _fit_rim(points: NDArray[np.int64]) -> Dish | None:
    """Dish inside the rim that most points form; None where they form none.

    Fibres that lie against a rim hide it from the middle: where the nearest pixels form no circle,
    those around the distance at which most directions have one may.
    """
    found = points.astype(float)
    sample = _innermost(found)
    dish = _dish_of(sample, _circle_through(sample), RIM_BAND, RIM_SHARE)
    return dish or _behind_fibres(found)


def _behind_fibres(points: NDArray[np.float64]) -> Dish | None:
    """Dish inside the ring that has pixels in most directions; its middle is bettered in turns."""
    low, high, middle = points.min(axis=0), points.max(axis=0), _middle_of(points)
    for _ in range(RIM_ROUNDS):
        sample = _at_one_distance(points, middle)
        circle = _circle_through(sample)
        middle = circle[:2]
        if (middle < low).any() or (middle > high).any():
            return None
    return _dish_of(sample, circle, HIDDEN_RIM_BAND, HIDDEN_RIM_SHARE)


def _circle_through(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle (x, y) and radius of the circle that most of the points lie near."""
    middle = _middle_of(sample)
    start = np.array([*middle, np.hypot(*(sample - middle).T).mean()])
    fit = least_squares(_off, start, args=(sample,), loss="soft_l1", f_scale=0.01 * start[2])
    return np.asarray(fit.x, np.float64)


def _off(circle: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far points lie outside of a circle."""
    return np.asarray(np.hypot(*(sample - circle[:2]).T) - circle[2])


def _dish_of(
    sample: NDArray[np.float64], circle: NDArray[np.float64], band: float, share: float
) -> Dish | None:
    """Dish within a circle, where that share of the points lie within `band` radii of it."""
    x, y, radius = circle.tolist()
    off = _off(circle, sample)
    near = np.abs(off) < band * radius
    turns = np.arctan2(sample[:, 1] - y, sample[:, 0] - x) / (2 * np.pi) % 1.0
    seen = len(np.unique(np.floor(turns[near] * 36)))
    if near.mean() < share or seen < RIM_ARC:
        return None
    return Dish(x, y, (radius + _rim_profile(turns[near], off[near])) * RIM_MARGIN)


def _rim_profile(turns: NDArray[np.float64], off: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much farther than a circle a rim lies in each direction.

    A rim is seldom a true circle, nor is the light even along it; an animal that lies against
    it covers only a few of the directions around its own.
    """
    profile = np.empty(DIRECTIONS // 2)
    everywhere = np.percentile(off, AGAINST_RIM)
    for number in range(len(profile)):
        apart = np.abs(turns - (number + 0.5) / len(profile))
        beside = off[np.minimum(apart, 1 - apart) < RIM_SECTOR / 2]
        enough = len(beside) >= RIM_SECTOR * DIRECTIONS / 4
        profile[number] = np.percentile(beside, AGAINST_RIM) if enough else everywhere
    return profile


def _innermost(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels that face the dish: in each direction the nearest one to the middle.

    What surrounds a dish may be as wide as a bright table, and wider on one side.
    """
    distance, direction = _seen_from(points, _middle_of(points))
    order = np.lexsort((distance, direction))
    return points[order[_firsts(direction[order])]]


def _at_one_distance(
    points: NDArray[np.float64], middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """In each direction the nearest pixel in the ring that is seen in most directions.

    Of a direction without one it is the outermost, which mostly speaks against a rim. So it is
    where pixels go on across the ring's inner border: what fills it, such as a table around a
    square tray, ends in no circle there.
    """
    distance, direction = _seen_from(points, middle)
    direction %= DIRECTIONS
    width = RIM_BAND * distance.max()
    ring = np.floor(distance / width).astype(np.intp)
    seen = np.zeros((int(ring.max()) + 2, DIRECTIONS), bool)
    seen[ring, direction] = True
    inner = int(np.argmax((seen[:-1] | seen[1:]).sum(axis=1)))  # a rim may lie in two rings
    across = np.zeros(DIRECTIONS, bool)
    across[direction[np.abs(distance - inner * width + 1) < 1]] = True
    within = ((ring == inner) | (ring == inner + 1)) & ~across[direction]
    order = np.lexsort((np.where(within, distance, -distance), ~within, direction))
    return points[order[_firsts(direction[order])]]


def _middle_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle of the frame of points."""
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _seen_from(
    points: NDArray[np.float64], middle: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distance of points, and their direction, counted in `DIRECTIONS` of a turn."""
    away = points - middle
    turns = np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi)
    return np.hypot(*away.T), np.floor(turns * DIRECTIONS).astype(np.intp)


def _firsts(ordered: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each value occurs first."""
    return np.unique(ordered, return_index=True)[1]


def letters_among(boxes: Sequence[Box]) -> set[int]:
    """Indices of boxes that stand in a line like letters: alike, level and closely spaced."""
    letters: set[int] = set()
    order = sorted(range(len(boxes)), key=lambda number: boxes[number].left)
    lefts = [boxes[number].left for number in order]
    for start in order:
        line = [start]
        while True:
            box = boxes[line[-1]]
            near = bisect_right(lefts, box.left)
            far = bisect_right(lefts, box.right + box.height)
            after = (number for number in order[near:far] if _follows(box, boxes[number]))
            following = next(after, None)
            if following is None:
                break
            line.append(following)
        if len(line) >= LETTERS_IN_LINE:
            letters.update(line)
    return letters


def _follows(box: Box, other: Box) -> bool:
    """Tell whether `other` may be the next letter to the right of `box`."""
    alike = 0.6 < box.height / other.height < 1.6
    level = abs((box.top + box.bottom) - (other.top + other.bottom)) / 2 < 0.4 * box.height
    gap = other.left - box.right
    return alike and level and other.left > box.left and -0.3 < gap / box.height < 0.9
