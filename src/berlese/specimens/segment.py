"""Find the animals in a photo of any size.

Ground, contrast, things, candidates, choice: what differs from the ground by more than the noise
at its place is a thing, whether darker or lighter, with the faint lines that go on from it; each
thing may be one animal or several; a small classifier tells animals from dirt, parts and clumps by
shape, contrast and surface, and another which of those that overlap are taken. The photo is read
once from top to bottom, so memory does not grow with it. One set of defaults.

Lengths are in pixels of the photo; contrast is in grey levels, 0 to 255.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from berlese.errors import SettingError
from berlese.processes import return_freed_memory
from berlese.specimens import choice, clumps
from berlese.specimens import judge as judging
from berlese.specimens import look as looking
from berlese.specimens.bands import BLOCK, LEAST_CONTRAST, BandedPhoto, Sweep, Thing
from berlese.specimens.candidates import Candidate, Looks, Reading, readings_of
from berlese.specimens.choice import Rated, chosen, rated
from berlese.specimens.context import candidates_in
from berlese.specimens.dish import (
    Dish,
    dish_within,
    filled_around,
    find_dish,
    find_surround,
    letters_among,
)
from berlese.specimens.exposure import Exposed, gains_of, raised
from berlese.specimens.floor import (
    Polarity,
    contrast_of,
    ground_of,
    overview_side,
    stretched,
)
from berlese.specimens.judge import ANIMAL, SEVERAL, effort_for, judge
from berlese.specimens.lesson import Lesson
from berlese.specimens.light import Evened, evened, uneven_light
from berlese.specimens.networks import shipped
from berlese.specimens.noise import Smoothed
from berlese.specimens.outline import (
    Box,
    Specimen,
    box_around,
    in_reading_order,
    outline_of,
)

RULES = 7  # counted up where the same networks find other animals than before
SMALLEST = 16.0  # pixels, where no smallest length is given
KEPT_BLURRED = 0.44
KEPT_STAIN = 0.62  # of what is blurred and perhaps of dirt: stains on the glass lie out of focus
PERHAPS_DIRT = 0.3  # probability of the whole thing
LIKELY_SEVERAL = 0.5  # probability that what could not be cut is animals
MOST_TAKEN = 0.3  # of its pixels that animals were made of
BLURRED_EDGE = 7.5  # pixels; sharp photos have 3 to 5, a Gaussian of 4 pixels makes 8 to 10
MOST_PIXELS_AT_ONCE = 1_000_000  # of things that are measured in one go: 8 MB
BLURRED_SHARE = 0.06  # of the root of the area, for animals so large that it hides no detail

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]
Circle = tuple[float, float, float]


class SegmentSettings(BaseModel):
    """How animals are found; the defaults serve any dish.

    Parameters
    ----------
    min_length_px : float, optional
        Smallest animal to report, in photo pixels; 16 without it.
    min_length_mm : float, optional
        The same in millimetres, for photos whose scale is known; goes before pixels there.
    polarity : {"auto", "dark", "light"}
        Whether animals are darker or lighter than the ground; auto takes both.
    dish : {"auto", "whole"} or (x, y, radius)
        Where animals lie: inside the rim if there is one, anywhere, or in a circle given in
        shares of the photo's width (its centre from the left and the top).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_length_px: float | None = Field(default=None, ge=4)
    min_length_mm: float | None = Field(default=None, gt=0)
    polarity: Literal["auto", "dark", "light"] = "auto"
    dish: Literal["auto", "whole"] | tuple[float, float, float] = "auto"

    @field_validator("dish")
    @classmethod
    def _has_radius(cls, value: str | Circle) -> str | Circle:
        if not isinstance(value, str) and not value[2] > 0:
            raise ValueError(f"the radius of the dish must be above 0, got {value[2]!r}")
        return value

    def smallest_px(self, mm_per_pixel: float | None) -> float:
        """Smallest length in pixels of a photo with this scale."""
        if self.min_length_mm is not None and mm_per_pixel is not None:
            return max(self.min_length_mm / mm_per_pixel, 4.0)
        if self.min_length_mm is not None and self.min_length_px is None:
            raise SettingError(
                "min_length_mm needs the photo's scale, which is not known; give mm_per_pixel, or "
                "min_length_px instead."
            )
        return self.min_length_px or SMALLEST


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Name the networks by their bytes, and the rules by `RULES`: others, other specimens."""
    looks = (looking.FIRST.network, looking.CLOSER.network)
    networks = (judging.WEIGHTS, *looks, clumps.NETWORK, choice.WEIGHTS)
    parts = [str(RULES).encode(), *map(shipped, networks)]
    return sha256(b"".join(parts)).hexdigest()[:16]


class Pixels:
    """An array as a photo that is read in bands."""

    mm_per_pixel = None

    def __init__(self, pixels: _Bytes) -> None:
        self._pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def bands(self, rows: int) -> Iterator[_Bytes]:
        for top in range(0, self.height, rows):
            yield np.ascontiguousarray(self._pixels[top : top + rows])

    def shrunk(self, max_side: int) -> _Bytes:
        factor = min(1.0, max_side / max(self.width, self.height))
        size = (max(1, round(self.width * factor)), max(1, round(self.height * factor)))
        if factor == 1:
            return self._pixels
        return np.asarray(cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA))


def segment(pixels: _Bytes, settings: SegmentSettings | None = None) -> list[Specimen]:
    """Find the animals in an array of pixels; see `segment_photo`.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        sRGB; not changed.
    settings : SegmentSettings, optional
    """
    return segment_photo(Pixels(pixels), settings)


def segment_photo(
    photo: BandedPhoto,
    settings: SegmentSettings | None = None,
    *,
    rows: int = BLOCK,
    lesson: Lesson | None = None,
) -> list[Specimen]:
    """Find the animals of an opened photo.

    Parameters
    ----------
    photo : BandedPhoto
        Such as `berlese.photos.reading.Photo`; read once in bands, and once shrunk.
    settings : SegmentSettings, optional
    rows : int
        Height of a band, a multiple of 128; changes speed and memory, not what is found.
    lesson : Lesson, optional
        What a review of such photos taught, see `berlese.specimens.lesson`.

    Returns
    -------
    list of Specimen
        In reading order: by rows of boxes from the top, then from the left.
    """
    settings = settings or SegmentSettings()
    readings = read_photo(photo, settings, rows=rows, quickly=True)
    verdicts = _verdicts(readings, lesson)
    size = (photo.width, photo.height)
    smallest = settings.smallest_px(getattr(photo, "mm_per_pixel", None))
    specimens = [_specimen(each, size, smallest) for each in verdicts]
    specimens = [
        each
        for each, verdict in zip(specimens, verdicts, strict=True)
        if each.score >= verdict.least_blurred or "blurred" not in each.flags
    ]
    letters = letters_among([each.box for each in specimens])
    return in_reading_order(e for number, e in enumerate(specimens) if number not in letters)


def read_photo(
    photo: BandedPhoto,
    settings: SegmentSettings,
    *,
    rows: int = BLOCK,
    quickly: bool = False,
    looks: Looks = Looks(),
) -> list[Reading]:
    """List the things on a photo, each with the ways to cut it into candidates.

    `quickly` does not cut what is surely dirt or surely one animal; `looks` make `Candidate.look`
    and `closer` of the candidates' pictures.
    """
    effort = effort_for if quickly else None
    smallest = settings.smallest_px(getattr(photo, "mm_per_pixel", None))
    overview = photo.shrunk(overview_side(photo.width, photo.height))
    scale = overview.shape[1] / photo.width
    surround = None if settings.dish == "whole" else find_surround(overview)
    if surround is not None:
        overview = filled_around(overview, surround)
    seen = _seen(overview, scale, settings.polarity)
    inside = _inside(seen.away, surround, photo.width, settings)
    light = uneven_light(seen.pixels, seen.ground, _drawn(inside, overview, scale), scale)
    if light is not None:
        photo, overview = Evened(photo, light), evened(overview, light, int(light.max()))
        seen = _seen(overview, scale, settings.polarity)
    sweep = Sweep(
        Smoothed(Exposed(photo, seen.gains)),
        stretched(seen.ground, photo.width, photo.height),
        smallest,
        polarity=settings.polarity,
        inside=inside,
        rows=rows,
    )
    readings = []
    for things in _together(sweep.things()):
        readings += readings_of(things, smallest, effort, looks)
    return_freed_memory()  # of the rows that were kept: 280 MB for a gigapixel
    tall = (_thing_on_copy(each, seen, scale) for each in sweep.tall)
    coarse = [each for each in tall if each is not None]
    return readings + readings_of(coarse, smallest, effort, looks)


class _Seen(NamedTuple):
    """The shrunk copy with its channels multiplied by `gains`, its ground and its contrast."""

    pixels: _Bytes
    ground: _Bytes
    away: _Bytes
    gains: NDArray[np.float64]


def _seen(overview: _Bytes, scale: float, polarity: Polarity) -> _Seen:
    """See a shrunk copy by enough light."""
    gains = gains_of(overview)
    pixels = raised(overview, gains)
    ground = ground_of(pixels, scale)
    return _Seen(pixels, ground, contrast_of(pixels, ground, polarity), gains)


def _together(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    """Gather things, so that many are measured in one go, and few are in memory."""
    gathered: list[Thing] = []
    pixels = 0
    for each in things:
        gathered.append(each)
        pixels += each.mask.size
        if pixels > MOST_PIXELS_AT_ONCE:
            yield gathered
            gathered, pixels = [], 0
    yield gathered


def _inside(
    away: _Bytes, surround: _Mask | None, width: int, settings: SegmentSettings
) -> Dish | None:
    """Dish in photo pixels in which animals lie."""
    if settings.dish == "whole":
        return None
    if settings.dish != "auto":
        x, y, radius = settings.dish
        return Dish(x * width, y * width, np.array([radius * width]))
    dish = find_dish(away > LEAST_CONTRAST)
    if dish is None and surround is not None:
        dish = dish_within(surround)
    return None if dish is None else dish.scaled(width / away.shape[1])


def _drawn(dish: Dish | None, overview: _Bytes, scale: float) -> _Mask | None:
    """Pixels of the overview that lie in a dish of the photo."""
    if dish is None:
        return None
    inside = np.ones(overview.shape[:2], np.uint8)
    dish.scaled(scale).blank_outside(inside, 0)
    return inside > 0


def _thing_on_copy(box: tuple[int, int, int, int], seen: _Seen, scale: float) -> Thing | None:
    """Cut what is too tall for the bands out of the shrunk copy: its largest connected part."""
    left, top = (max(0, int(each * scale) - 2) for each in box[:2])
    right, bottom = (int(np.ceil(each * scale)) + 2 for each in box[2:])
    rows, columns = slice(top, bottom), slice(left, right)
    contrast = np.ascontiguousarray(seen.away[rows, columns])
    found = (contrast > LEAST_CONTRAST).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    if count < 2:
        return None
    mask = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return Thing(
        round(left / scale),
        round(top / scale),
        seen.pixels[rows, columns],
        seen.ground[rows, columns],
        contrast,
        mask,
        LEAST_CONTRAST,
        scale,
    )


class Verdict(NamedTuple):
    """A candidate that is taken for an animal, or for several with the probability `several`.

    One that is blurred is left out where its score is below `least_blurred`.
    """

    candidate: Candidate
    score: float
    several: float
    least_blurred: float = KEPT_BLURRED


def rated_candidates(photo: BandedPhoto, settings: SegmentSettings) -> Rated | None:
    """Rate the candidates of a photo that may be animals; None without any.

    Parameters and order are as `segment_photo` has them.
    """
    readings = read_photo(photo, settings, quickly=True)
    return rated(readings, judge(readings)) if readings else None


def _verdicts(readings: list[Reading], lesson: Lesson | None) -> list[Verdict]:
    """Choose which candidates are animals, each with its score and `several`."""
    if not readings:
        return []
    odds = judge(readings)
    candidates = candidates_in(readings)
    found = rated(readings, odds)
    if lesson is not None:
        found = found._replace(ratings=lesson.corrected(found.ratings, found.evidence))
    taken, ratings, _ = chosen(found)
    numbers = found.numbers[taken].tolist()
    least = np.where(found.of_dirt[taken] > PERHAPS_DIRT, KEPT_STAIN, KEPT_BLURRED)
    animals = [
        Verdict(candidates[number], rating, _several(odds[number]), least_blurred)
        for number, rating, least_blurred in zip(
            numbers, ratings.tolist(), least.tolist(), strict=True
        )
    ]
    return animals + _uncut(readings, odds, found, taken)


def _several(odds: NDArray[np.float64]) -> float:
    """How likely a candidate is several animals, given that it is not dirt and no part of one."""
    return float(odds[SEVERAL] / (odds[ANIMAL] + odds[SEVERAL]))


def _uncut(
    readings: list[Reading], odds: NDArray[np.float64], found: Rated, taken: NDArray[np.intp]
) -> list[Verdict]:
    """Things that look like several animals and of which no part was taken: for a person to cut."""
    area = found.areas
    left = []
    first = 0
    for cuts in readings:
        whole, first = first, first + sum(map(len, cuts))
        several, likely = odds[whole, SEVERAL], odds[whole, SEVERAL] + odds[whole, ANIMAL]
        place = int(np.searchsorted(found.numbers, whole))
        if likely < LIKELY_SEVERAL or several < likely / 2 or place in taken:
            continue
        shares = found.overlap[[place]].toarray()[0, taken]
        shared = float((shares * np.minimum(area[place], area[taken])).sum())
        if shared < MOST_TAKEN * area[place]:
            left.append(Verdict(cuts[0][0], float(likely), float(several / likely)))
    return left


def _specimen(verdict: Verdict, size: tuple[int, int], smallest: float) -> Specimen:
    candidate, score, several, _ = verdict
    outline = outline_of(candidate.mask) / candidate.scale + (candidate.left, candidate.top)
    polygon = np.clip(outline, 0, np.array(size, float))
    box = box_around(polygon, photo_size=size)
    flags = _flags(candidate, box, size, smallest, several)
    return Specimen(box, polygon, candidate.area, score, flags, several)


def _flags(
    candidate: Candidate, box: Box, size: tuple[int, int], smallest: float, several: float
) -> tuple[str, ...]:
    width, height = size
    flags = []
    if box.left <= 1 or box.top <= 1 or box.right >= width - 1 or box.bottom >= height - 1:
        flags.append("touches_edge")
    if np.hypot(box.width, box.height) < 1.5 * smallest:
        flags.append("too_small")
    if candidate.edge_width > max(BLURRED_EDGE, BLURRED_SHARE * np.sqrt(candidate.area)):
        flags.append("blurred")
    if several > 0.5:
        flags.append("several")
    return tuple(flags)
