"""Find the animals in a photo of a dish.

Background, contrast, threshold, objects: the ground is a wide median of the photo, an animal
what differs from it more than the photo's own noise allows. Every object sets its own outline
threshold from its own contrast, so that neither uneven light nor soft shadows need tuning. The
dish's rim, labels and their letters, scratches and dust are recognised by their geometry.

Lengths are in pixels of the photo; colour differences are CIELAB units (L from 0 to 100).
"""

from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from berlese.specimens.dish import inside_of_rim, is_line, letters_among, thickness_of
from berlese.specimens.outline import Box, Specimen
from berlese.specimens.split import split_touching

GROUND_SIDE = 256  # the ground is estimated on a copy of this size
GROUND_WINDOW = 0.22  # of that size; an animal may cover half of the window
CHROMA_WEIGHT = 0.6  # colour differs by reflections more than lightness does
NOISE_FACTOR = 5.0
LEAST_CONTRAST = 7.0
SEED_CONTRAST = 18.0
OUTLINE_SHARE = 0.26  # of an object's own contrast
SMALLEST_SHARE = 0.02  # of the photo's shorter side, where no smallest length is given
THINNEST_SHARE = 0.27  # of the smallest length: what is thinner everywhere is no body
BLURRED_EDGE = 7.5  # pixels; sharp photos have 3 to 5, a Gaussian of 4 pixels makes 8 to 10
BLURRED_SHARE = 0.06  # of the root of the area, for animals so large that it hides no detail
DOUBTED_NECK = 0.6  # of the slighter body, see `split_touching`
DOUBTED_SHARE = 0.2  # of the area; a beetle's pronotum has less
WORKING_SIDE = 4096

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]
_Float = NDArray[np.float32]


class SegmentSettings(BaseModel):
    """How animals are found; the defaults serve any dish.

    Parameters
    ----------
    min_length_px : float, optional
        Smallest animal to report, in photo pixels. Without it, 2 % of the photo's shorter
        side.
    polarity : {"auto", "dark", "light"}
        Whether animals are darker or lighter than the ground; auto looks at the ground.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_length_px: float | None = Field(default=None, ge=1)
    polarity: Literal["auto", "dark", "light"] = "auto"


class _Photo(Protocol):
    def pixels(self) -> _Bytes: ...


def segment_photo(photo: _Photo, settings: SegmentSettings | None = None) -> list[Specimen]:
    """Find the animals of an opened photo; see `segment`."""
    return segment(photo.pixels(), settings)


def segment(pixels: _Bytes, settings: SegmentSettings | None = None) -> list[Specimen]:
    """Find the animals in a photo.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        sRGB; not changed.
    settings : SegmentSettings, optional

    Returns
    -------
    list of Specimen
        In reading order: by rows of boxes from the top, then from the left.
    """
    settings = settings or SegmentSettings()
    height, width = pixels.shape[:2]
    shrink = min(1.0, WORKING_SIDE / max(height, width))
    work = pixels if shrink == 1 else _resized(pixels, shrink)
    smallest = settings.min_length_px or SMALLEST_SHARE * min(height, width)
    contrast = contrast_to_ground(work, settings.polarity)
    objects = _objects(contrast, smallest * shrink)
    specimens = [
        _specimen(mask, left, top, contrast, work, shrink, (width, height), smallest)
        for mask, left, top in objects
    ]
    return sorted(specimens, key=lambda each: (each.box.top // 100, each.box.left, each.box.top))


def _resized(pixels: _Bytes, factor: float) -> _Bytes:
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def contrast_to_ground(pixels: _Bytes, polarity: str = "auto") -> _Float:
    """How much each pixel differs from the ground around it, in the animals' direction.

    Returns
    -------
    ndarray of float32 of shape (height, width)
        In CIELAB units; 0 where a pixel differs the other way, as reflections do.
    """
    unit = pixels.astype(np.float32) / 255
    lab = cv2.cvtColor(unit, cv2.COLOR_RGB2LAB).astype(np.float32, copy=False)
    ground = _ground(lab)
    difference = ground - lab
    if polarity == "light" or (polarity == "auto" and float(np.median(ground[..., 0])) < 40):
        difference[..., 0] *= -1
    lightness = np.maximum(difference[..., 0], 0)
    # Colour alone makes no animal: it counts where the pixel is not brighter than the ground.
    chroma = np.hypot(difference[..., 1], difference[..., 2]) * CHROMA_WEIGHT
    chroma[difference[..., 0] < -2] = 0
    return np.hypot(lightness, np.maximum(chroma - 3, 0)).astype(np.float32)


def _ground(lab: _Float) -> _Float:
    height, width = lab.shape[:2]
    factor = GROUND_SIDE / max(height, width)
    size = (max(16, round(width * factor)), max(16, round(height * factor)))
    small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    window = round(GROUND_SIDE * GROUND_WINDOW) | 1
    channels = []
    for channel, low, high in zip(cv2.split(small), (0, -128, -128), (100, 127, 127), strict=True):
        scaled = np.clip((channel - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        smooth = cv2.medianBlur(scaled, window).astype(np.float32) * ((high - low) / 255) + low
        channels.append(cv2.GaussianBlur(smooth, (0, 0), 3))
    return np.asarray(cv2.resize(cv2.merge(channels), (width, height)))


def _objects(contrast: _Float, smallest: float) -> list[tuple[_Mask, int, int]]:
    """Masks of the animals, each with the left and top of its frame."""
    noise = float(np.median(contrast[::4, ::4])) * 1.4826
    low = max(LEAST_CONTRAST, NOISE_FACTOR * noise)
    seed = max(SEED_CONTRAST, 1.8 * low)
    smooth = cv2.GaussianBlur(contrast, (0, 0), 0.8).astype(np.float32, copy=False)
    found = _hysteresis(smooth, low, seed)
    found &= inside_of_rim(found)
    candidates = []
    for mask, left, top in _parts(found, smallest):
        own = contrast[top : top + mask.shape[0], left : left + mask.shape[1]]
        outline = _own_outline(mask, own, low)
        for part, dx, dy in _parts(outline, smallest):
            if not is_line(part, smallest):
                candidates.append((part, left + dx, top + dy))
    letters = letters_among([Box(x, y, x + m.shape[1], y + m.shape[0]) for m, x, y in candidates])
    kept = [each for number, each in enumerate(candidates) if number not in letters]
    return [
        (part, left + dx, top + dy)
        for mask, left, top in kept
        for part, dx, dy in split_touching(mask, smallest)
    ]


def _hysteresis(contrast: _Float, low: float, high: float) -> _Mask:
    """Connected pixels above `low` that hold one above `high`."""
    weak = (contrast > low).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    keep = np.zeros(count, bool)
    keep[labels[contrast > high]] = True
    keep[0] = False
    return np.asarray(keep[labels])


def _own_outline(mask: _Mask, contrast: _Float, low: float) -> _Mask:
    """Cut soft shadows off: keep what has a share of the object's own contrast."""
    strong = float(np.percentile(contrast[mask], 90))
    return np.asarray(mask & (contrast > max(low, OUTLINE_SHARE * strong)))


def _parts(found: _Mask, smallest: float) -> list[tuple[_Mask, int, int]]:
    """Connected parts whose frame reaches `smallest` and that are more than a hair."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    parts = []
    for label in range(1, count):
        left, top, width, height, area = stats[label]
        if np.hypot(width, height) < smallest or area < 0.12 * smallest**2:
            continue
        frame = labels[top : top + height, left : left + width] == label
        if thickness_of(frame) >= THINNEST_SHARE * smallest:
            parts.append((frame, int(left), int(top)))
    return parts


def _specimen(
    mask: _Mask,
    left: int,
    top: int,
    contrast: _Float,
    work: _Bytes,
    shrink: float,
    photo_size: tuple[int, int],
    smallest: float,
) -> Specimen:
    height, width = mask.shape
    polygon = _polygon(mask, left, top) / shrink
    box = _box_around(polygon, photo_size)
    own = contrast[top : top + height, left : left + width]
    strength = float(own[mask].mean())
    area = float(mask.sum()) / shrink**2
    flags = _flags(mask, box, work[top : top + height, left : left + width], photo_size, smallest)
    return Specimen(box, polygon, area, _score(strength, box, smallest), flags)


def _polygon(mask: _Mask, left: int, top: int) -> NDArray[np.float64]:
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    contours, _ = cv2.findContours(framed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len)
    simple = cv2.approxPolyDP(contour, 0.7, True)
    points = (simple if len(simple) >= 3 else contour)[:, 0, :].astype(np.float64)
    return np.asarray(points - 1 + 0.5 + (left, top))


def _box_around(polygon: NDArray[np.float64], photo_size: tuple[int, int]) -> Box:
    low, high = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
    return Box(
        max(int(low[0]), 0),
        max(int(low[1]), 0),
        min(max(int(high[0]), int(low[0]) + 1), photo_size[0]),
        min(max(int(high[1]), int(low[1]) + 1), photo_size[1]),
    )


def _score(strength: float, box: Box, smallest: float) -> float:
    """From 0 to 1: half by contrast, half by size over the smallest animal reported."""
    size = np.hypot(box.width, box.height) / smallest
    return float(np.clip(strength / 40, 0, 1) * 0.5 + np.clip((size - 1) / 2, 0, 1) * 0.5)


def _flags(
    mask: _Mask, box: Box, crop: _Bytes, photo_size: tuple[int, int], smallest: float
) -> tuple[str, ...]:
    width, height = photo_size
    flags = []
    if box.left <= 1 or box.top <= 1 or box.right >= width - 1 or box.bottom >= height - 1:
        flags.append("touches_edge")
    if np.hypot(box.width, box.height) < 1.5 * smallest:
        flags.append("too_small")
    if _edge_width(mask, crop) > max(BLURRED_EDGE, BLURRED_SHARE * np.sqrt(mask.sum())):
        flags.append("blurred")
    if _may_be_several(mask, smallest):
        flags.append("several")
    return tuple(flags)


def _may_be_several(mask: _Mask, smallest: float) -> bool:
    """Whether a wider neck than is cut joins two parts that are both large."""
    parts = sorted(part.sum() for part, _, _ in split_touching(mask, smallest, neck=DOUBTED_NECK))
    return len(parts) > 1 and bool(parts[-2] > DOUBTED_SHARE * mask.sum())


def _edge_width(mask: _Mask, crop: _Bytes) -> float:
    """Pixels over which lightness climbs from animal to ground at the outline's steepest."""
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8)
    ring = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    low, high = np.percentile(grey[ring], [5, 95])
    steepest = float(np.percentile(slope[ring], 95))
    return float(high - low) / max(steepest, 1e-3)
