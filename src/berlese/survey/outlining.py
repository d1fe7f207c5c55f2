"""Join animals that were cut apart, or cut one that is several, as a person sees them.

What a person wants is kept beside the photo (`OutlineEdit`, only added) and holds whenever the
photo is searched again. Former animals stay in the database with what was said of them, but do
not count; a new one is to be named again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from berlese.errors import SettingError, SurveyError
from berlese.photos.reading import open_photo
from berlese.specimens.crop import with_margin
from berlese.specimens.recut import box_around, joined, parted
from berlese.survey.segmenting import carry_names, cut_out, outlined
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import OutlineEdit, Photo, Specimen, current_photos

Polygon = NDArray[np.float64]


def join_animals(survey: Survey, photo: str, numbers: Sequence[int], by: str) -> list[int]:
    """Make one animal of several on a photo.

    Parameters
    ----------
    survey : Survey
    photo : str
        Its path, or its name where that is the only one.
    numbers : sequence of int
        Of the animals, as the report shows them.
    by : str
        Who says so.

    Returns
    -------
    list of int
        Number of the new animal: the lowest of those joined.

    Raises
    ------
    SurveyError
        If there is no such photo or animal, or the photo's file is gone.
    SettingError
        If fewer than two animals are given, or nobody says so.
    """
    wanted = sorted(set(numbers))
    if len(wanted) < 2:
        raise SettingError("joining takes the numbers of two animals or more.")
    with survey.exclusive():
        row, animals = _animals(survey, photo, wanted)
        before = [np.array(each.polygon, float) for each in animals]
        return _replace(survey, row, animals, [joined(before)], by)


def cut_animal(survey: Survey, photo: str, number: int, parts: int, by: str) -> list[int]:
    """Cut an animal that is several into so many; parameters and errors as of `join_animals`.

    Returns
    -------
    list of int
        Numbers of the new animals: the first keeps the old one's.
    """
    with survey.exclusive():
        row, animals = _animals(survey, photo, [number])
        polygon = np.array(animals[0].polygon, float)
        opened = open_photo(survey.absolute(row.path), max_pixels=max(row.width * row.height, 1))
        frame = with_margin(box_around(polygon), row.width, row.height)
        pixels = opened.region(frame.left, frame.top, frame.width, frame.height)
        return _replace(survey, row, animals, parted(polygon, pixels, frame, parts), by)


def _animals(survey: Survey, photo: str, numbers: Sequence[int]) -> tuple[Photo, list[Specimen]]:
    """Find a photo and its animals of these numbers."""
    query = current_photos().options(selectinload(Photo.specimens))
    with survey.reading() as session:
        photos = session.scalars(query).all()
    place = Path(photo).parent.resolve() / Path(photo).name
    meant = [each for each in photos if survey.absolute(each.path) == place] or [
        each for each in photos if each.path == photo or Path(each.path).name == photo
    ]
    if len(meant) != 1:
        what = f"can be {len(meant)} photos; give its path" if meant else "is no photo of it"
        raise SurveyError(f"{survey.folder}: {photo!r} {what}. The report lists its photos.")
    current = {each.number: each for each in meant[0].specimens if each.current}
    if missing := [number for number in numbers if number not in current]:
        raise SurveyError(
            f"{meant[0].path}: has no animal {missing[0]}; its numbers are "
            f"{min(current, default=0)} to {max(current, default=0)}, as the report shows them."
        )
    return meant[0], [current[number] for number in numbers]


def _replace(
    survey: Survey, row: Photo, animals: Sequence[Specimen], outlines: Sequence[Polygon], by: str
) -> list[int]:
    """Store what a person wants, and the new animals in the place of the old ones."""
    if not by.strip():
        raise SettingError("outlines need the person who changes them; expected --by NAME.")
    opened = open_photo(survey.absolute(row.path), max_pixels=max(row.width * row.height, 1))
    found = [outlined(each, row.width, row.height) for each in outlines]
    last = max(each.number for each in row.specimens if each.current)
    numbers = [animals[0].number, *range(last + 1, last + len(found))]
    made = cut_out(survey, opened, row.sha256, found, numbers)
    edit = OutlineEdit(
        photo_sha256=row.sha256,
        before=[each.polygon for each in animals],
        after=[each.polygon for each in made],
        by=by.strip(),
        at=utc_now(),
    )
    with survey.writing() as session:
        old = _retire(session, animals)
        new = [session.merge(each) for each in made]
        session.add(edit)
        session.flush()
        photo = session.get_one(Photo, row.sha256)
        carry_names(session, photo, old, new)
        photo.imaging = None  # the ground is what lies between the animals
    return numbers


def _retire(session: Session, animals: Sequence[Specimen]) -> list[Specimen]:
    ids = [each.id for each in animals]
    old = list(session.scalars(select(Specimen).where(Specimen.id.in_(ids))))
    for each in old:
        each.current = False
    return old
