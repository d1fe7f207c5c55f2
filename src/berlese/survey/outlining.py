"""Join animals that were cut apart, or cut one that is several, as a person sees them.

What a person wants is kept beside the photo (`OutlineEdit`, only added) and holds whenever the
photo is searched again. Former animals stay in the database with what was said of them, but do
not count; a new one is to be named again. Only a joined one that is hardly another than one of
its parts keeps what people said of that; the parts of one that is cut do not, since it was said
of all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from berlese.errors import SettingError, SurveyError
from berlese.photos.reading import Photo as OpenPhoto
from berlese.specimens.crop import with_margin
from berlese.specimens.outline import box_around
from berlese.specimens.recut import joined, parted
from berlese.survey.added_photos import open_as_added
from berlese.survey.number_ids import ids_meant
from berlese.survey.segmenting import (
    carry_names,
    cut_out,
    notes_on_lost,
    outlined,
)
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import (
    OutlineEdit,
    Photo,
    Specimen,
    by_people,
    current_photos,
    in_force,
)

Polygon = NDArray[np.float64]
LONGEST_NUMBER = 9
"""Digits; what is longer and has digits only is an id, of which one in twelve thousand has."""


@dataclass(frozen=True, slots=True)
class NewAnimals:
    """What was made by joining or cutting.

    Attributes
    ----------
    numbers : tuple of int
        On the photo. One that was joined bears the lowest of its parts; of those that were cut,
        the first keeps the old one's.
    ids : tuple of str
    notes : tuple of str
        What people said of the former animals that holds for none of the new ones.
    """

    numbers: tuple[int, ...]
    ids: tuple[str, ...]
    notes: tuple[str, ...] = ()


def join_animals(survey: Survey, photo: str, animals: Sequence[int | str], by: str) -> NewAnimals:
    """Make one animal of several on a photo.

    Parameters
    ----------
    survey : Survey
    photo : str
        Its path, or its name where that is the only one.
    animals : sequence of int or str
        Numbers, as a report written now shows them, or ids, as in the review sheet: a later search
        deals numbers anew, and ids never.
    by : str
        Who says so.

    Raises
    ------
    SurveyError
        If there is no such photo, or no such animal on it now.
    UnreadablePhotoError
        If the photo's file is gone, or was edited since it was added.
    SettingError
        If fewer than two animals are given, or nobody says so.
    """
    with survey.exclusive():
        row, former = _animals(survey, photo, animals)
        if len(former) < 2:
            raise SettingError("joining takes the numbers or ids of two animals or more.")
        opened = _opened(survey, row)
        before = [np.array(each.polygon, float) for each in former]
        return _replace(survey, row, opened, former, [joined(before)], by)


def cut_animal(survey: Survey, photo: str, animal: int | str, parts: int, by: str) -> NewAnimals:
    """Cut an animal that is several into so many; parameters and errors as of `join_animals`."""
    with survey.exclusive():
        row, former = _animals(survey, photo, [animal])
        polygon = np.array(former[0].polygon, float)
        opened = _opened(survey, row)
        frame = with_margin(box_around(polygon), row.width, row.height)
        pixels = opened.region(frame.left, frame.top, frame.width, frame.height)
        return _replace(survey, row, opened, former, parted(polygon, pixels, frame, parts), by)


def _animals(
    survey: Survey, photo: str, given: Sequence[int | str]
) -> tuple[Photo, list[Specimen]]:
    """Find a photo and its animals of these numbers or ids, each once, by their numbers."""
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
    found = {(each := _animal(survey, meant[0], one)).number: each for one in given}
    return meant[0], [found[number] for number in sorted(found)]


def _animal(survey: Survey, photo: Photo, given: int | str) -> Specimen:
    """Find an animal on a photo, by its number there or by its id."""
    current = [each for each in photo.specimens if each.current]
    written = str(given).strip()
    if written.isdigit() and len(written) <= LONGEST_NUMBER:
        by_number = {each.number: each for each in current}
        if int(written) not in by_number:
            raise SurveyError(f"{photo.path}: has no animal {written}; {_has(by_number)}.")
        return by_number[int(written)]
    by_id = {each.id: each for each in current}
    meant = [written] if written in by_id else ids_meant(written, by_id)
    if len(meant) != 1:
        raise SurveyError(_why_not(survey, photo, written))
    return by_id[meant[0]]


def _why_not(survey: Survey, photo: Photo, written: str) -> str:
    """Say why an id is none of an animal on a photo."""
    with survey.reading() as session:
        known = session.get(Specimen, written)
        if known is None:
            return (
                f"{photo.path}: {written!r} is neither the number nor the occurrence id of an "
                "animal on it. The report shows numbers, a review sheet and measurements.csv ids."
            )
        if not (known.current and known.photo.current):
            return (
                f"{known.photo.path}: animal {written} does not count any more: it was joined, cut "
                "or found otherwise since. A report or table written now shows what is there."
            )
        return (
            f"animal {written} is on {known.photo.path} (number {known.number}), not on "
            f"{photo.path}; give that photo."
        )


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
) -> NewAnimals:
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
        named = [each for each in old if not _is_discarded(each)]
        lost = _said_of_parts(session, photo, named, new)
        notes = (*notes_on_lost(photo, lost), *_notes_on_kept(photo, old, new))
        photo.imaging = None  # the ground is what lies between the animals
    return NewAnimals(tuple(numbers), tuple(each.id for each in made), notes)


def _is_discarded(animal: Specimen) -> bool:
    """Tell whether a person said that it is none: of several in one, or a part, not of these."""
    word = in_force(animal.identifications)
    return word is not None and word.status == "discarded"


def _said_of_parts(
    session: Session, photo: Photo, old: Sequence[Specimen], new: Sequence[Specimen]
) -> list[Specimen]:
    """Carry over what people said, where it can be; list the animals of which it could not."""
    kept = {each.id for each in new}
    if len(new) > 1:  # it was said of the whole, and holds for none of the parts
        return [each for each in old if each.id not in kept and _is_named(each)]
    left = carry_names(session, photo, list(old), list(new))
    said = {_name_of(each) for each in old if _is_named(each) and each not in left}
    return [each for each in left if _name_of(each) not in said]


def _name_of(animal: Specimen) -> tuple[str | None, str] | None:
    word = in_force(animal.identifications)
    return None if word is None else (word.taxon, word.status)


def _notes_on_kept(
    photo: Photo, old: Sequence[Specimen], new: Sequence[Specimen]
) -> tuple[str, ...]:
    """Tell of a part that lies in the very box of the whole, and so is the same to the survey."""
    parts = {each.id for each in new} if len(new) > 1 else set()
    kept = parts & {each.id for each in old if _is_named(each)}
    return tuple(
        f"{photo.path}: animal {each.number} fills the box of the former one, and bears what was "
        "said of that; name it if it is another."
        for each in new
        if each.id in kept
    )


def _is_named(animal: Specimen) -> bool:
    return bool(by_people(animal.identifications))


def _retire(session: Session, animals: Sequence[Specimen]) -> list[Specimen]:
    ids = [each.id for each in animals]
    old = list(session.scalars(select(Specimen).where(Specimen.id.in_(ids))))
    for each in old:
        each.current = False
    return old
