"""Join animals that were cut apart, or cut one that is several, as a person sees them.

What a person wants is kept beside the photo (`OutlineEdit`, only added) and holds whenever the
photo is searched again. Former animals stay in the database with what was said of them, but do
not count; a new one is to be named again.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from berlese.errors import SettingError, SurveyError
from berlese.photos.reading import Photo as OpenPhoto
from berlese.specimens.crop import with_margin
from berlese.specimens.recut import box_around, joined, parted
from berlese.survey.segmenting import carry_names, cut_out, open_as_added, outlined
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import OutlineEdit, Photo, Specimen, current_photos, in_force

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
        If there is no such photo or animal.
    UnreadablePhotoError
        If the photo's file is gone, or was edited since it was added.
    SettingError
        If fewer than two animals are given, or nobody says so.
    """
    wanted = sorted(set(numbers))
    if len(wanted) < 2:
        raise SettingError("joining takes the numbers of two animals or more.")
    with survey.exclusive():
        row, animals = _animals(survey, photo, wanted)
        opened = _opened(survey, row)
        before = [np.array(each.polygon, float) for each in animals]
        return _replace(survey, row, opened, animals, [joined(before)], by)


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
        opened = _opened(survey, row)
        frame = with_margin(box_around(polygon), row.width, row.height)
        pixels = opened.region(frame.left, frame.top, frame.width, frame.height)
        return _replace(survey, row, opened, animals, parted(polygon, pixels, frame, parts), by)


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
        raise SurveyError(f"{meant[0].path}: has no animal {missing[0]}; {_has(current)}.")
    return meant[0], [current[number] for number in numbers]


def _has(numbers: Iterable[int]) -> str:
    """Say which numbers the animals of a photo have: what was joined or cut leaves gaps."""
    ordered = sorted(numbers)
    if not ordered:
        return "none was found on it (berlese segment)"
    runs: list[list[int]] = []
    for number in ordered:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    spans = [f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return f"its numbers are {', '.join(spans)}, as a report written now shows them"


def _opened(survey: Survey, row: Photo) -> OpenPhoto:
    """Open a photo whose pixels are still those that its animals were found on."""
    return open_as_added(survey.absolute(row.path), row)


def _replace(
    survey: Survey,
    row: Photo,
    opened: OpenPhoto,
    animals: Sequence[Specimen],
    outlines: Sequence[Polygon],
    by: str,
) -> list[int]:
    """Store what a person wants, and the new animals in the place of the old ones."""
    if not by.strip():
        raise SettingError("outlines need the person who changes them; expected --by NAME.")
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
        carry_names(session, photo, [each for each in old if not _is_discarded(each)], new)
        photo.imaging = None  # the ground is what lies between the animals
    return numbers


def _is_discarded(animal: Specimen) -> bool:
    """Tell whether a person said that it is none: of several in one, or a part, not of these."""
    word = in_force(animal.identifications)
    return word is not None and word.status == "discarded"


def _retire(session: Session, animals: Sequence[Specimen]) -> list[Specimen]:
    ids = [each.id for each in animals]
    old = list(session.scalars(select(Specimen).where(Specimen.id.in_(ids))))
    for each in old:
        each.current = False
    return old
