"""Find the specimens on a survey's photos and cut them out.

One photo is one transaction: its crops are written first, then its rows, so that a killed run
leaves either all of a photo or nothing of it; crops that nobody refers to any more go last. A
specimen that is found again, at the same place on the same photo, keeps its identity and all that
was said about it; one that is found again in another outline keeps what people said, unless it is
several now (`carry_names`). Outlines that a person joined or cut (`berlese.survey.outlining`) stay
as that person wants them.
"""

import json
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from berlese.photos.identity import sha256_of
from berlese.photos.reading import Photo as OpenPhoto
from berlese.photos.writing import write_png
from berlese.specimens.crop import Patch, cut_patches
from berlese.specimens.lesson import Lesson
from berlese.specimens.matching import match_boxes
from berlese.specimens.measure import filled, measure
from berlese.specimens.outline import Box, box_around, in_reading_order
from berlese.specimens.outline import Specimen as FoundSpecimen
from berlese.specimens.segment import SegmentSettings, fingerprint
from berlese.survey.added_photos import open_as_added
from berlese.survey.failures import UNUSABLE, Failure, StepReport, reason_of, record_failures
from berlese.survey.learning import forget_lesson, learn_from_review, stored_lesson
from berlese.survey.searching import Found, require_jobs, search_of, search_photos
from berlese.survey.sheets import shortened
from berlese.survey.survey import Survey
from berlese.survey.tables import (
    Identification,
    OutlineEdit,
    Photo,
    Specimen,
    by_people,
    current_photos,
    in_force,
    specimen_id,
)

STAGE = "segment"
CROP_NAME = re.compile(r"[0-9a-f]{20}\.png")  # see `berlese.survey.tables.specimen_id`
STEM_LENGTH = 40  # characters of the photo's name in its crops' folder
MOST_TAKEN = 0.3  # of the pixels of an animal that a person named: with more, it is found again
LEAST_PART = 0.1  # of an animal's area: what is found in it besides, and is smaller, is no other


def hash_of(settings: Any) -> str:
    """Hash settings of JSON types, whatever the order of their keys."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def segment_photos(
    survey: Survey,
    settings: SegmentSettings | None = None,
    *,
    max_pixels: int | None = None,
    overwrite: bool = False,
    learn: bool | None = None,
    jobs: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> StepReport:
    """Segment the photos that were not yet done with these settings.

    Parameters
    ----------
    survey : Survey
        Whose photos.
    settings : SegmentSettings, optional
        The defaults if left out.
    max_pixels : int, optional
        Larger photos are refused; without it, all that were accepted when they were added.
    overwrite : bool
        Also do what was done.
    learn : bool, optional
        Learn from the review first what is an animal on these photos
        (`berlese.survey.learning`), or forget what was learned; without it, what was learned
        before holds.
    jobs : int, optional
        Photos searched at a time, at most, each in a process of its own where that is worth it;
        None for as many as there are processors. A script that asks for several must be one that
        can be imported (`if __name__ == "__main__"`).
    progress : callable, optional
        Called with the number of photos just finished, skipped ones included; before, with 1 for
        each photo that was learned from (`berlese.survey.learning.count_reviewed`).

    Returns
    -------
    StepReport
        Notes tell what was learned, of photos without an animal, and of what people said that
        found no animal to go over to. Failures are photos that could not be searched, or from
        whose review nothing could be learned, since they do not open.
    """
    settings = settings or SegmentSettings()
    done = 0
    with survey.exclusive():
        require_jobs(jobs)  # before anything changes
        notes, reasons = _learn_or_forget(
            survey, settings, max_pixels, learn=learn, jobs=jobs, progress=progress
        )
        lesson = stored_lesson(survey)
        photos = _photos(survey)
        todo = [
            photo
            for photo in photos
            if overwrite
            or photo.segmentation != _method(settings, photo, lesson)
            or _lacks_crops(survey, photo)
        ]
        _advance(progress, len(photos) - len(todo))
        with closing(_searched(survey, todo, settings, lesson, max_pixels, jobs)) as searched:
            for photo, found in zip(todo, searched, strict=True):
                rows, reason = _specimens_of(survey, photo, found, lesson)
                if reason is not None:
                    reasons[photo.path] = reason
                else:
                    if photo.path in reasons:
                        notes += _not_learned_from(photo, reasons.pop(photo.path))
                    method = _method(settings, photo, lesson)
                    notes += _store(survey, photo.sha256, rows, method)
                    done += 1
                _advance(progress, 1)
        failures = tuple(Failure(path, STAGE, reason) for path, reason in reasons.items())
        record_failures(survey.folder, STAGE, [photo.path for photo in photos], failures)
        notes += notes_on_empty(_empty_photos(survey))
    tried = {photo.path for photo in todo} | reasons.keys()
    return StepReport(done, len(photos) - len(tried), failures, notes)


def _learn_or_forget(
    survey: Survey,
    settings: SegmentSettings,
    max_pixels: int | None,
    *,
    learn: bool | None,
    jobs: int | None,
    progress: Callable[[int], None] | None,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Change the lesson that holds as is asked for; notes tell what was learned.

    Also returns the photos that do not open, so that they teach nothing, and why.
    """
    if learn:
        taught = learn_from_review(
            survey, settings, max_pixels=max_pixels, jobs=jobs, progress=progress
        )
        return taught.notes(), dict(taught.unopened)
    if learn is not None:
        forget_lesson(survey)
    return (), {}


def _not_learned_from(photo: Photo, reason: str) -> tuple[str, ...]:
    """Say that a photo that was searched after all taught nothing."""
    name = PurePosixPath(photo.path).name
    return (f"Nothing is learned from {name}, which could not be opened at first: {reason}",)


def _photos(survey: Survey) -> Sequence[Photo]:
    """List the photos that count, with all that the search of one needs."""
    crops_of = selectinload(Photo.specimens).load_only(Specimen.crop_path, Specimen.current)
    with survey.reading() as session:
        with_edits = (crops_of, selectinload(Photo.edits))
        return session.scalars(current_photos().options(*with_edits)).all()


def notes_on_empty(names: Sequence[str]) -> tuple[str, ...]:
    """Say on which photos no animal was found: an empty dish, or a photo of something else."""
    if not names:
        return ()
    which = "1 photo" if len(names) == 1 else f"{len(names)} photos"
    return (f"No animal was found on {which}: {shortened(names)}. Look whether there is one.",)


def _empty_photos(survey: Survey) -> list[str]:
    """Names of the photos that were searched and have no animal."""
    searched = current_photos().where(Photo.segmentation.is_not(None))
    with survey.reading() as session:
        empty = searched.where(~Photo.specimens.any(Specimen.current))
        return [PurePosixPath(photo.path).name for photo in session.scalars(empty)]


def _method(settings: SegmentSettings, photo: Photo, lesson: Lesson | None) -> str:
    """Hash all that a photo's specimens depend on, beside its pixels."""
    needs_scale = settings.min_length_mm is not None
    depends_on = {
        **settings.model_dump(mode="json"),
        "networks": fingerprint(),
        "mm_per_pixel": photo.mm_per_pixel if needs_scale else None,
    }
    if lesson is not None:
        depends_on["lesson"] = lesson.to_json()
    return hash_of(depends_on)


def _advance(progress: Callable[[int], None] | None, count: int) -> None:
    if progress is not None and count:
        progress(count)


def _lacks_crops(survey: Survey, photo: Photo) -> bool:
    return not all(
        survey.absolute(specimen.crop_path).is_file()
        for specimen in photo.specimens
        if specimen.current
    )


def _searched(
    survey: Survey,
    photos: Sequence[Photo],
    settings: SegmentSettings,
    lesson: Lesson | None,
    max_pixels: int | None,
    jobs: int | None,
) -> Generator[Found, None, None]:
    """Search photos that are still as they were added."""
    searches = [
        search_of(survey, photo, settings, lesson=lesson, max_pixels=max_pixels) for photo in photos
    ]
    pixels = sum(photo.width * photo.height for photo in photos)
    return search_photos(searches, pixels=pixels, jobs=jobs)


def _specimens_of(
    survey: Survey, row: Photo, searched: Found, lesson: Lesson | None
) -> tuple[list[Specimen], str | None]:
    """Write the crops of what was found on a photo and describe it, or say why that failed."""
    if searched.failed is not None:
        return [], searched.failed
    found = searched.specimens
    try:
        if lesson is not None:
            found = _with_confirmed(survey, row, found)
        found = as_people_want(found, row.edits, row.width, row.height)
        photo = open_as_added(survey.absolute(row.path), row)
        return cut_out(survey, photo, row.sha256, _once_a_place(found)), None
    except UNUSABLE as error:
        return [], reason_of(error)


def _with_confirmed(
    survey: Survey, photo: Photo, found: Sequence[FoundSpecimen]
) -> list[FoundSpecimen]:
    """Keep what a person said is an animal, where nothing is found in its place.

    A lesson is drawn from what people said, and must not speak against it; new settings may.
    """
    of_photo = select(Specimen).where(Specimen.photo_sha256 == photo.sha256, Specimen.current)
    kept = list(found)
    with survey.reading() as session:
        for row in session.scalars(of_photo.options(selectinload(Specimen.identifications))):
            word = in_force(by_people(row.identifications))
            if word is None or word.status == "discarded":
                continue
            polygon, box = np.array(row.polygon, float), row.box_on(photo)
            own = filled(polygon, box)
            taken = np.zeros(own.shape, bool)
            for each in found:
                if each.box.iou(box) > 0:
                    taken |= filled(each.polygon, box)
            if (own & taken).sum() < MOST_TAKEN * own.sum():
                shares = (row.score or 1.0, tuple(row.flags), row.several or 0.0)
                kept.append(FoundSpecimen(box, polygon, float(own.sum()), *shares))
    return in_reading_order(kept)


def cut_out(
    survey: Survey,
    photo: OpenPhoto,
    photo_sha256: str,
    found: Sequence[FoundSpecimen],
    numbers: Sequence[int] | None = None,
) -> list[Specimen]:
    """Write the crops of animals on a photo and describe them, numbered from 1 by default."""
    folder = survey.crops / f"{safe_stem(photo.path)}-{photo_sha256[:12]}"
    folder.mkdir(exist_ok=True)
    rows: list[Specimen | None] = [None] * len(found)
    for number, patch in cut_patches(photo, [each.box for each in found]):
        shown = number + 1 if numbers is None else numbers[number]
        specimen = _describe(found[number], patch, photo_sha256, shown)
        crop = folder / f"{specimen.id}.png"
        write_png(crop, patch.pixels)
        specimen.crop_path = crop.relative_to(survey.folder).as_posix()
        specimen.crop_sha256 = sha256_of(crop)
        rows[number] = specimen
    return [each for each in rows if each is not None]


def as_people_want(
    found: Sequence[FoundSpecimen], edits: Iterable[OutlineEdit], width: int, height: int
) -> list[FoundSpecimen]:
    """Put the outlines that people made in the place of those that they are of.

    Parameters
    ----------
    found : sequence of Specimen
        By segmentation.
    edits : iterable of OutlineEdit
        Of the photo, in the order in which they were made.
    width, height : int
        Of the photo.
    """
    for edit in edits:
        made = [outlined(np.array(each, float), width, height) for each in edit.after]
        before = [outlined(np.array(each, float), width, height) for each in edit.before]
        replaced = _replaced(found, made, before)
        kept = [each for at, each in enumerate(found) if at not in replaced]
        found = in_reading_order([*kept, *made])
    return list(found)


def _replaced(
    found: Sequence[FoundSpecimen], made: Sequence[FoundSpecimen], before: Sequence[FoundSpecimen]
) -> set[int]:
    """Tell which found animals are those that a person made others of, or these themselves.

    Where a search cuts otherwise than either, these are all that lie within the outlines by half.
    """
    known = [*made, *before]
    pairs = match_boxes([each.box for each in found], [each.box for each in known])
    again = {at for _, at, _ in pairs}
    replaced = {at for at, _, _ in pairs}
    if again >= set(range(len(made))) or again >= set(range(len(made), len(known))):
        return replaced
    for at, each in enumerate(found):
        own = filled(each.polygon, each.box)
        within = np.zeros(own.shape, bool)
        for other in known:
            within |= filled(other.polygon, each.box)
        if (own & within).sum() > own.sum() / 2:
            replaced.add(at)
    return replaced


def outlined(polygon: NDArray[np.float64], width: int, height: int) -> FoundSpecimen:
    """Describe an animal that a person outlined: it is one, and surely."""
    polygon = np.clip(polygon, 0, (width, height))
    box = box_around(polygon)
    box = Box(box.left, box.top, min(box.right, width), min(box.bottom, height))
    at_edge = min(box.left, box.top) <= 1 or box.right >= width - 1 or box.bottom >= height - 1
    area = float(filled(polygon, box).sum())
    return FoundSpecimen(box, polygon, area, 1.0, ("touches_edge",) if at_edge else ())


def _remove_idle_crops(survey: Survey, photo_sha256: str) -> None:
    """Remove crops of a photo's former animals, but for those that a person spoke of."""
    of_photo = select(Specimen).where(Specimen.photo_sha256 == photo_sha256)
    with survey.reading() as session:
        rows = session.scalars(of_photo.options(selectinload(Specimen.identifications))).all()
        every = {survey.absolute(row.crop_path) for row in rows}
        needed = {
            survey.absolute(row.crop_path)
            for row in rows
            if row.current or by_people(row.identifications)
        }
    for folder in {path.parent for path in every}:
        for crop in folder.glob("*.png"):
            if CROP_NAME.fullmatch(crop.name) and crop not in needed:
                crop.unlink(missing_ok=True)


def _once_a_place(found: list[FoundSpecimen]) -> list[FoundSpecimen]:
    """Keep one specimen a box, since the box is what a specimen is known by."""
    boxes = {each.box: each for each in reversed(found)}
    return [each for each in found if boxes[each.box] is each]


def safe_stem(path: Path) -> str:
    """Spell a photo's name with letters that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem)[:STEM_LENGTH]


def _describe(found: FoundSpecimen, photo: Patch, photo_sha256: str, number: int) -> Specimen:
    x, y, width, height = found.box.normalised(photo.width, photo.height)
    measured = measure(found, photo)
    return Specimen(
        id=specimen_id(photo_sha256, x, y, width, height),
        photo_sha256=photo_sha256,
        number=number,
        x=x,
        y=y,
        width=width,
        height=height,
        polygon=[[round(float(px), 2), round(float(py), 2)] for px, py in found.polygon],
        score=round(float(found.score), 6),
        several=round(float(found.several), 6),
        flags=list(found.flags),
        **measured.to_columns(),
        current=True,
    )


def _store(survey: Survey, photo_sha256: str, rows: list[Specimen], wanted: str) -> tuple[str, ...]:
    """Store what was found on a photo; returns notes as of `_replace_specimens`."""
    with survey.writing() as session:
        notes = _replace_specimens(session, photo_sha256, rows, wanted)
    _remove_idle_crops(survey, photo_sha256)
    return notes


def _replace_specimens(
    session: Session, photo_sha256: str, rows: list[Specimen], wanted: str
) -> tuple[str, ...]:
    """Store what was found now; what was found earlier and is not any more stays, not current.

    Returns notes on what people said that went over to none of those found now.
    """
    of_photo = select(Specimen).where(Specimen.photo_sha256 == photo_sha256)
    known = session.scalars(of_photo).all()
    before = [each for each in known if each.current]
    for each in known:
        each.current = False
    now = [session.merge(row) for row in rows]
    session.flush()
    photo = session.get_one(Photo, photo_sha256)
    left = carry_names(session, photo, before, now)
    photo.segmentation = wanted
    return notes_on_lost(photo, [each for each in left if not _is_done_with(each, now, photo)])


def carry_names(
    session: Session, photo: Photo, before: list[Specimen], now: list[Specimen]
) -> list[Specimen]:
    """Give animals that were found again in another outline what people said of them.

    An animal is found again where boxes overlap by half or more. One in whose outline two or more
    are found now was several, and what was said of it, of all of them: it goes to none.

    Returns
    -------
    list of Specimen
        Those of before that people spoke of and that are not found again.
    """
    kept = {each.id for each in before} & {each.id for each in now}
    gone = [each for each in before if each.id not in kept and by_people(each.identifications)]
    new = [each for each in now if each.id not in kept]
    whole = [each for each in gone if not _is_several(each, new, photo)]
    pairs = match_boxes(
        [each.box_on(photo) for each in new], [each.box_on(photo) for each in whole]
    )
    for at, was, _ in pairs:
        said = {_statement(word) for word in by_people(new[at].identifications)}
        for word in by_people(whole[was].identifications):
            if _statement(word) not in said:
                taxon, rank, status, by, when, qualifier = _statement(word)
                copy = Identification(
                    specimen_id=new[at].id,
                    taxon=taxon,
                    rank=rank,
                    status=status,
                    identified_by=by,
                    identified_at=when,
                    qualifier=qualifier,
                )
                session.add(copy)
    found = {whole[was].id for _, was, _ in pairs}
    return [each for each in gone if each.id not in found]


def notes_on_lost(photo: Photo, left: Sequence[Specimen]) -> tuple[str, ...]:
    """Tell what people said of a photo's former animals that holds for none of those now."""
    if not left:
        return ()
    said = ", ".join(f"{each.number} ({_in_words(each)})" for each in left)
    what = "animal" if len(left) == 1 else "animals"
    return (
        f"{photo.path}: what was said of {what} {said} did not go over to what is there now: the "
        "outline is another by more than half, is several now, or is gone. Look there and name "
        "again what you see. The numbers are the former ones; what was said of them stays in the "
        "database.",
    )


def _in_words(specimen: Specimen) -> str:
    """What counts of what people said, and who said it."""
    word = by_people(specimen.identifications)[-1]
    status = None if word.status == "validated" else word.status
    return f"{' '.join(filter(None, (status, word.taxon)))}, by {word.identified_by}"


def _is_done_with(specimen: Specimen, now: Sequence[Specimen], photo: Photo) -> bool:
    """Tell whether a person said that it is no animal, and none is found there now."""
    box = specimen.box_on(photo)
    is_none = by_people(specimen.identifications)[-1].status == "discarded"
    return is_none and not any(each.box_on(photo).iou(box) > 0 for each in now)


def _is_several(specimen: Specimen, now: Sequence[Specimen], photo: Photo) -> bool:
    """Tell whether two or more lie in an outline by half, each no mere crumb of it."""
    box = specimen.box_on(photo)
    own = filled(np.array(specimen.polygon, float), box)
    inside = 0
    for each in now:
        if each.box_on(photo).iou(box) > 0:
            other = np.array(each.polygon, float)
            shared = int((own & filled(other, box)).sum())
            area = filled(other, each.box_on(photo)).sum()
            inside += shared > area / 2 and shared >= LEAST_PART * own.sum()
    return inside > 1


_Statement = tuple[str | None, str | None, str, str | None, str, str | None]


def _statement(word: Identification) -> _Statement:
    said = (word.taxon, word.rank, word.status)
    return (*said, word.identified_by, word.identified_at, word.qualifier)
