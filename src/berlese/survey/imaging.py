"""How the photos of a survey were taken: sharpness, light, ground, scale and size of animals.

Ground, light and rulers come from a small copy of each photo, sharpness from its animals'
crops: no photo is in memory whole. What was seen is kept in the database until the photo is
segmented anew. What it means, in words, is said by `berlese.survey.imaging_findings`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select
from sqlalchemy.orm import selectinload

from berlese.errors import PhotoError
from berlese.photos.reading import open_photo
from berlese.photos.ruler import find_ruler
from berlese.photos.thumbnails import fitted
from berlese.specimens.cut_off import shares_cut_off
from berlese.specimens.ground import look_at_ground
from berlese.survey.measurements import measure_anew
from berlese.survey.missing import as_argument
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, Specimen, current_photos

VERSION = 2  # of what is stored; another one is looked at again
SIDE = 2400  # of the copy in which a ruler's ticks are looked for
FEWEST_KNOWN = 3  # animals that speak for a photo; all of them where it has fewer
CUT_OFF = 0.1  # of an outline that runs through something larger; of real animals up to 0.05
SMALL_SIDE = 800  # of the one for the ground


@dataclass(frozen=True, slots=True)
class SeenAnimal:
    """One animal: its number on the photo, its length and how sharp it is, in pixels."""

    id: str
    number: int
    length_px: float | None
    edge_px: float | None
    detail: float | None
    burnt: float | None
    crushed: float | None


@dataclass(frozen=True, slots=True)
class SeenPhoto:
    """One photo as it was taken.

    Attributes
    ----------
    path : str
        As the survey stores it.
    mm_per_pixel : float or None
        Its scale.
    scale_source : str or None
        Who says so, see `berlese.survey.tables.Photo`.
    ruler_mm_per_pixel : float or None
        What a ruler on it says: an offer.
    ground : dict of str to float, or None
        Fields of `berlese.specimens.ground.Ground`; None where the file cannot be read.
    reason : str
        Why it cannot be read.
    animals : tuple of SeenAnimal
        What was found on it.
    searched : bool
        Whether animals were looked for.
    cut_off : tuple of int
        Numbers of animals that seem to be parts of something larger, such as a hand.
    arguments : str
        The survey and the photo as they are to stand in a command.
    """

    path: str
    mm_per_pixel: float | None
    scale_source: str | None
    ruler_mm_per_pixel: float | None
    ground: dict[str, float] | None
    reason: str
    animals: tuple[SeenAnimal, ...]
    searched: bool = True
    cut_off: tuple[int, ...] = ()
    arguments: str = "SURVEY PHOTO"

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(self.path).name

    def median(self, attribute: str) -> float | None:
        """Median over the animals where it is known; None where it is for too few to say."""
        known = self.known(attribute)
        return float(np.median(known)) if len(known) >= self.fewest else None

    def known(self, attribute: str) -> list[float]:
        """List what is known of the animals: edges, say, of those that differ from the ground."""
        every = [getattr(animal, attribute) for animal in self.animals]
        return [value for value in every if value is not None]

    @property
    def fewest(self) -> int:
        """Animals of which something must be known to say it of the photo."""
        return max(1, min(FEWEST_KNOWN, len(self.animals)))

    def to_dict(self) -> dict[str, Any]:
        """Return what was measured, for JSON and tables."""
        medians = ("length_px", "edge_px", "detail", "burnt", "crushed")
        length = self.median("length_px")
        scale = self.mm_per_pixel
        return {
            "photo": self.path,
            "animals": len(self.animals),
            "mm_per_pixel": scale,
            "mm_per_pixel_source": self.scale_source,
            "ruler_mm_per_pixel_offered": self.ruler_mm_per_pixel,
            "length_mm": None if scale is None or length is None else scale * length,
            **{name: self.median(name) for name in medians},
            **{f"ground_{name}": value for name, value in (self.ground or {}).items()},
        }


def look_at_photos(
    survey: Survey, *, progress: Callable[[int], None] | None = None
) -> list[SeenPhoto]:
    """Look at every photo that was not yet looked at; tell about all of them.

    Parameters
    ----------
    survey : Survey
        Whose photos.
    progress : callable, optional
        Called with the number of photos just finished.
    """
    measure_anew(survey)
    return _look_at(survey, current_photos(), progress)


def offered_scales(survey: Survey) -> dict[str, float]:
    """Millimetres per pixel by rulers, of the photos that have a ruler and no scale yet."""
    seen = _look_at(survey, current_photos().where(Photo.mm_per_pixel.is_(None)))
    offers = ((photo.path, photo.ruler_mm_per_pixel) for photo in seen)
    return {path: scale for path, scale in offers if scale is not None}


def _look_at(
    survey: Survey, photos: Select[Photo], progress: Callable[[int], None] | None = None
) -> list[SeenPhoto]:
    """Look at photos, each in a transaction of its own."""
    seen = []
    with survey.reading() as session:
        shas = [photo.sha256 for photo in session.scalars(photos)]
    for sha in shas:
        with survey.writing() as session:
            photo = session.get_one(Photo, sha, options=[selectinload(Photo.specimens)])
            reason = _look(survey, photo)
            seen.append(_seen(survey, photo, reason))
        if progress is not None:
            progress(1)
    return seen


def _look(survey: Survey, photo: Photo) -> str:
    """Fill in `Photo.imaging` where it is missing; return why the file cannot be read."""
    known = photo.imaging or {}
    wanted = {"version": VERSION, "segmentation": photo.segmentation}
    if wanted.items() <= known.items():
        return ""
    try:
        opened = open_photo(
            survey.absolute(photo.path), max_pixels=max(photo.width * photo.height, 1)
        )
        copy = opened.shrunk(SIDE)
    except (PhotoError, OSError) as error:
        photo.imaging = None
        return str(error)
    ruler = known.get("ruler") if known.get("version") == VERSION else _ruler_on(copy, photo)
    photo.imaging = wanted | _seen_on(copy, photo) | {"ruler": ruler}
    return ""


def _seen_on(copy: NDArray[np.uint8], photo: Photo) -> dict[str, Any]:
    """Look at the ground, and for what was cut out of something larger."""
    small = fitted(copy, SMALL_SIDE)
    shrink = small.shape[1] / photo.width
    outlined = [row for row in _current(photo) if len(row.polygon) > 2]
    outlines = [shrink * np.array(row.polygon) for row in outlined]
    ground = asdict(look_at_ground(small, outlines))
    shares = zip(outlined, shares_cut_off(small, outlines), strict=True)
    return {
        "ground": {name: round(value, 4) for name, value in ground.items()},
        "cut_off": [row.id for row, share in shares if share >= CUT_OFF],
    }


def _ruler_on(copy: NDArray[np.uint8], photo: Photo) -> dict[str, Any] | None:
    """Look for a ruler; its scale is of the whole photo."""
    ruler = find_ruler(copy)
    if ruler is None:
        return None
    scale = ruler.mm_per_pixel * copy.shape[1] / photo.width
    return {"mm_per_pixel": float(f"{scale:.5g}"), "ticks": ruler.ticks}


def _current(photo: Photo) -> list[Specimen]:
    return [specimen for specimen in photo.specimens if specimen.current]


def _seen(survey: Survey, photo: Photo, reason: str) -> SeenPhoto:
    animals = []
    for row in _current(photo):
        look = row.look or {}
        values = (look.get(name) for name in ("edge_px", "detail", "burnt", "crushed"))
        animals.append(SeenAnimal(row.id, row.number, row.length_px, *values))
    imaging = photo.imaging or {}
    ruler = imaging.get("ruler")
    return SeenPhoto(
        photo.path,
        photo.mm_per_pixel,
        photo.scale_source,
        None if ruler is None else ruler["mm_per_pixel"],
        imaging.get("ground"),
        reason,
        tuple(animals),
        photo.segmentation is not None,
        tuple(each.number for each in animals if each.id in imaging.get("cut_off", ())),
        f"{as_argument(survey.folder)} {as_argument(survey.absolute(photo.path))}",
    )
