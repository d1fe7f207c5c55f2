"""Register photos in a survey: what they are, which sample they belong to, what is new.

A photo is known by the hash of its bytes. One that was renamed keeps its specimens; one that
was edited is a new photo in the old one's place; one whose bytes are in the survey already
under another name is reported and not counted again, and what counted under its own name before
goes on counting until a person has settled it. A file that cannot be used is kept in mind
with its sample, so that the table can say what is missing. A photo whose file is gone or out of
reach keeps counting: what was found on it holds (`berlese.survey.removing` takes photos out).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from berlese.errors import PhotoError
from berlese.photos.identity import sha256_of
from berlese.photos.reading import MAX_PIXELS, open_photo, search_folder
from berlese.photos.reading import Photo as OpenPhoto
from berlese.photos.scale import mm_per_pixel_of_setting
from berlese.survey.failures import (
    UNUSABLE,
    Failure,
    StepReport,
    read_failures,
    reason_of,
    record_failures,
)
from berlese.survey.samples import (
    FIELDS,
    SampleInfo,
    SampleSheet,
    read_sample_sheet,
    samples_from_folders,
)
from berlese.survey.sheets import listed, shortened
from berlese.survey.survey import SUBFOLDERS, Survey, is_survey
from berlese.survey.tables import Photo, Sample, UnusablePhoto

STAGE = "add"
SCALE_STATED = "stated"
STILL_COUNTED = (
    " The photo that it was before stays in the table with its animals: put that photo back, or "
    "take it out with `berlese remove`."
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that may become a photo of the survey."""

    path: Path
    stored: str
    folder: Path | None


def add_photos(
    survey: Survey,
    paths: Iterable[Path],
    samples: Path | None = None,
    *,
    instrument: str | None = None,
    mm_per_pixel: float | None = None,
    max_pixels: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> StepReport:
    """Register photos, each in its own transaction, in the order of their paths.

    Parameters
    ----------
    survey : Survey
        Where to.
    paths : iterable of Path
        Photos, and folders to search for photos.
    samples : Path, optional
        CSV sheet of samples, see `berlese.survey.samples`. Photos that the survey knows keep
        their sample where the sheet has no row for them; without a sheet, new ones get one from
        their folder or name.
    instrument : str, optional
        Camera or scanner that took these photos; known photos keep theirs without it.
    mm_per_pixel : float, optional
        Scale of these photos, which goes before their files' tags; known photos keep what was
        stated for them without it.
    max_pixels : int, optional
        Larger photos are refused. Without it, those over `berlese.photos.reading.MAX_PIXELS`, but
        for photos of the survey that were accepted before.
    progress : callable, optional
        Called with the number of photos just finished.

    Raises
    ------
    SampleSheetError, SettingError
        Before anything is changed.
    """
    stated = None if mm_per_pixel is None else mm_per_pixel_of_setting(mm_per_pixel)
    given = list(paths)
    with survey.exclusive():
        candidates, failures, unopened = _candidates(survey, given)
        described, notes = _from_sheet(survey, samples, candidates)
        if unopened:
            notes.append(on_unopened(unopened))
        by_name = _samples_by_name(survey, candidates)
        outcomes: dict[str, str | Failure] = {}
        for candidate in candidates:
            outcomes[candidate.stored] = _add(
                survey,
                candidate,
                described.get(candidate.path, by_name[candidate.path]),
                instrument,
                stated,
                from_sheet=candidate.path in described,
                max_pixels=max_pixels,
            )
            if progress is not None:
                progress(1)
        report = _report_of(survey, outcomes, failures, notes)
        attempted = [*(failure.file for failure in failures), *outcomes]
        record_failures(survey.folder, STAGE, attempted, report.failures)
        forget_unneeded(survey)
    return report


def _report_of(
    survey: Survey,
    outcomes: Mapping[str, str | Failure],
    failures: Sequence[Failure],
    notes: Sequence[str],
) -> StepReport:
    """Count what came of each file, after the paths that led to none and what the sheet says."""
    edited = [stored for stored, outcome in outcomes.items() if outcome == "edited"]
    new = {stored for stored, outcome in outcomes.items() if outcome in ("added", "edited")}
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]
    done_anew = [f"{stored} was edited since it was added; done anew." for stored in edited]
    return StepReport(
        len(new),
        list(outcomes.values()).count("known"),
        (*failures, *failed),
        (*notes, *done_anew, *_notes_on_new(survey, new)),
    )


def forget_unneeded(survey: Survey) -> None:
    """Drop unusable photos that `failures.csv` no longer names, and samples without any photo."""
    failed = {row.file for row in read_failures(survey.folder) if row.stage == STAGE}
    with survey.writing() as session:
        session.execute(delete(UnusablePhoto).where(UnusablePhoto.path.not_in(failed)))
        session.execute(delete(Sample).where(~Sample.photos.any(), ~Sample.unusable_photos.any()))


def count_photos(survey: Survey, paths: Iterable[Path]) -> int:
    """Count the files that `add_photos` would look at."""
    return len(_candidates(survey, paths)[0])


def _candidates(
    survey: Survey, paths: Iterable[Path]
) -> tuple[list[_Candidate], list[Failure], list[Path]]:
    """List each file once, sorted; the given paths that lead to no photo; what cannot be opened."""
    found: dict[str, _Candidate] = {}
    failures, left = [], []
    for given in paths:
        path = Path(given).parent.resolve() / Path(given).name
        folder = path if path.is_dir() else None
        try:
            photos, unopened = ([path], []) if folder is None else _photos_inside(folder)
        except UNUSABLE as error:
            failures.append(Failure(survey.relative(path), STAGE, reason_of(error)))
            continue
        if photos:
            left += unopened
        else:
            reason = "is a folder without photos; expected image files in it."
            words = f"{reason} {on_unopened(unopened)}" if unopened else reason
            failures.append(Failure(survey.relative(path), STAGE, words))
        for photo in photos:
            stored = survey.relative(photo)
            found.setdefault(stored, _Candidate(Path(photo), stored, folder))
    return [found[stored] for stored in sorted(found)], failures, left


def on_unopened(paths: Iterable[Path]) -> str:
    """Name the pictures that cannot be opened: a sample would lack them unnoticed."""
    names = shortened([path.name for path in dict.fromkeys(paths)])  # of folders within others, too
    return f"Left out, as their format cannot be opened: {names}; export them as JPEG or TIFF."


def _notes_on_new(survey: Survey, stored: Collection[str]) -> list[str]:
    """Tell what is odd about the photos just added, once for all that have it."""
    with survey.reading() as session:
        rows = session.execute(select(Photo.path, Photo.notes).where(Photo.current)).all()
    having: dict[str, list[str]] = {}
    for path, notes in sorted(rows):
        for note in notes if path in stored else []:
            having.setdefault(note, []).append(PurePosixPath(path).name)
    return [f"{shortened(names)}: {note}." for note, names in having.items()]


def _photos_inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Search a folder as `search_folder`, but not what a survey in it has made, such as crops."""
    made: dict[Path, bool] = {}

    def is_made(inner: Path) -> bool:
        if inner == folder:
            return False
        if inner not in made:
            of_survey = inner.name in SUBFOLDERS and is_survey(inner.parent)
            made[inner] = of_survey or is_made(inner.parent)
        return made[inner]

    photos, unopened = search_folder(folder)
    return [photo for photo in photos if not is_made(photo.parent)], unopened


def _from_sheet(
    survey: Survey, samples: Path | None, candidates: Sequence[_Candidate]
) -> tuple[dict[Path, SampleInfo], list[str]]:
    """Find the sample of each photo in a sheet, and what a person should know of the sheet."""
    if samples is None:
        return {}, []
    sheet = read_sample_sheet(samples)
    with survey.reading() as session:
        photos = select(Photo.path, Photo.sample_id).where(Photo.current)
        unusable = select(UnusablePhoto.path, UnusablePhoto.sample_id)
        stored = {
            path: sample for each in (photos, unusable) for path, sample in session.execute(each)
        }
        known_samples = {sample.id: sample for sample in session.scalars(select(Sample))}
    known = {each.path for each in candidates if each.stored in stored}
    assigned = sheet.assign([each.path for each in candidates], known=known)
    places = {each: survey.absolute(each) for each in sorted(stored)}
    places |= {each.stored: each.path for each in candidates}
    meant = sheet.photos_meant(list(places.values()))
    in_part = {sample for path, sample in stored.items() if places[path] not in meant}
    assigned, notes_on_emptied = _without_what_stays(sheet, assigned, known_samples, in_part)
    notes = [*sheet.several_values(), *notes_on_emptied]
    if idle := sheet.idle_rows(list(places.values())):
        notes.insert(0, f"{sheet.path.name}: no photo was given for {listed(idle)}.")
    if kept := len(known - assigned.keys()):
        notes.append(
            f"{sheet.path.name}: has no row for {kept} of the survey's photos; they keep their "
            "samples."
        )
    return assigned, notes


def _without_what_stays(
    sheet: SampleSheet,
    assigned: Mapping[Path, SampleInfo],
    samples: Mapping[str, Sample],
    in_part: Collection[str],
) -> tuple[dict[Path, SampleInfo], list[str]]:
    """Let an empty cell take nothing away from a sample that the sheet describes `in_part` only.

    A sheet of new photos has empty cells where another one has said all of their sample. Notes
    tell what is taken away, and what stays.
    """
    left = {
        path: replace(info, emptied=frozenset()) if info.id in in_part else info
        for path, info in assigned.items()
    }
    said: dict[bool, list[str]] = {True: [], False: []}
    for info in {info.id: info for info in assigned.values()}.values():
        for field in (field for field in FIELDS if field in info.emptied):
            value = getattr(samples.get(info.id), field, None)
            if value not in (None, getattr(info, field)):
                said[info.id in in_part].append(f"{field} {value!r} of sample {info.id!r}")
    notes = []
    if said[False]:
        notes.append(f"{sheet.path.name}: is empty for {listed(said[False])}; taken away.")
    if said[True]:
        notes.append(
            f"{sheet.path.name}: is empty for {listed(said[True])}, which stays: only a sheet with "
            "a row for every photo of the sample takes something away."
        )
    return left, notes


def _samples_by_name(survey: Survey, candidates: Iterable[_Candidate]) -> dict[Path, SampleInfo]:
    given = [(candidate.path, candidate.folder) for candidate in candidates]
    stored = {candidate.stored for candidate in candidates}
    with survey.reading() as session:
        rows = session.execute(select(Photo.sample_id, Photo.path)).all()
    taken = {sample for sample, path in rows if path not in stored}
    return samples_from_folders(given, taken)


def _add(
    survey: Survey,
    candidate: _Candidate,
    sample: SampleInfo,
    instrument: str | None,
    stated_scale: float | None,
    *,
    from_sheet: bool,
    max_pixels: int | None,
) -> str | Failure:
    """Register one file; tell whether it was added, known or edited, or why it failed."""
    try:
        candidate.stored.encode()
        limit = _accepted(survey, candidate.stored) if max_pixels is None else max_pixels
        photo = open_photo(candidate.path, max_pixels=limit)
        digest = sha256_of(candidate.path)
        size = candidate.path.stat().st_size
    except UNUSABLE as error:
        if isinstance(error, UnicodeEncodeError):
            reason = "the file's name is not valid UTF-8; rename it."
            return Failure(candidate.stored, STAGE, reason)
        return _unusable(survey, candidate, sample, reason_of(error), from_sheet=from_sheet)
    with survey.writing() as session:
        at_path = _photo_at(session, candidate.stored)
        same = session.get(Photo, digest)
        edited = at_path is not None and at_path.sha256 != digest
        if same is not None and _stands_elsewhere(survey, same, candidate.stored):
            reason = f"has the same content as {same.path}; counted once, there."
            return Failure(candidate.stored, STAGE, f"{reason}{STILL_COUNTED if edited else ''}")
        if edited and at_path is not None:
            at_path.current = False
            session.flush()
        if same is not None and same.current and same.path == candidate.stored:
            outcome = "known"
        else:
            outcome = "edited" if edited else "added"
        row = same or Photo(sha256=digest)
        row.instrument = instrument or row.instrument
        _describe(row, candidate, photo, size)
        _set_scale(row, stated_scale, photo.mm_per_pixel, survey.settings.mm_per_pixel)
        before = at_path or session.get(UnusablePhoto, candidate.stored)
        inherited = row.sample_id or (before.sample_id if before is not None else None)
        if before is not None and row.properties is None:
            row.properties = before.properties
        _assign(session, row, sample, None if from_sheet else inherited, overwrite=from_sheet)
        session.add(row)
    return outcome


def _accepted(survey: Survey, stored: str) -> int:
    """Give the limit where none is asked for: a photo that was accepted once stays so."""
    with survey.reading() as session:
        known = _photo_at(session, stored)
        return MAX_PIXELS if known is None else max(MAX_PIXELS, known.width * known.height)


def _photo_at(session: Session, stored: str) -> Photo | None:
    return session.scalar(select(Photo).where(Photo.current, Photo.path == stored))


def _unusable(
    survey: Survey, candidate: _Candidate, sample: SampleInfo, reason: str, *, from_sheet: bool
) -> Failure:
    """Keep in mind that a sample lacks a photo; a known photo goes if its file was replaced."""
    there = candidate.path.exists() or candidate.path.is_symlink()
    with survey.writing() as session:
        known = _photo_at(session, candidate.stored)
        if known is not None and not _was_replaced(candidate.path, known):
            kept = "its animals were found before and stay in the table."
            return Failure(candidate.stored, STAGE, f"{reason} {kept}")
        if not there:  # a mistyped path is no photo that a sample lacks
            return Failure(candidate.stored, STAGE, reason)
        row = session.get(UnusablePhoto, candidate.stored)
        row = row or UnusablePhoto(path=candidate.stored)
        inherited = known.sample_id if known is not None else row.sample_id
        if known is not None:
            known.current = False
            row.properties = known.properties
        _assign(session, row, sample, None if from_sheet else inherited, overwrite=from_sheet)
        session.add(row)
    return Failure(candidate.stored, STAGE, reason)


def _was_replaced(path: Path, known: Photo) -> bool:
    """Tell whether a file can be read and holds something else than the known photo."""
    try:
        return sha256_of(path) != known.sha256
    except OSError:
        return False


def _stands_elsewhere(survey: Survey, known: Photo, stored: str) -> bool:
    """Tell whether a photo is current at another path where its file still is."""
    if not known.current or known.path == stored:
        return False
    try:
        return sha256_of(survey.absolute(known.path)) == known.sha256
    except (PhotoError, OSError):
        return False


def _describe(row: Photo, candidate: _Candidate, photo: OpenPhoto, size: int) -> None:
    row.path = candidate.stored
    row.size = size
    row.width, row.height = photo.width, photo.height
    row.notes = list(photo.notes)
    row.current = True


def _set_scale(
    row: Photo, stated: float | None, of_tags: float | None, of_survey: float | None
) -> None:
    """Set a photo's scale and who says so; what was stated for it stays."""
    if stated is None and row.scale_source == SCALE_STATED:
        return
    sources = ((SCALE_STATED, stated), ("tags", of_tags), ("survey.toml", of_survey))
    known = next(((name, scale) for name, scale in sources if scale is not None), (None, None))
    row.scale_source, row.mm_per_pixel = known


def _assign(
    session: Session,
    row: Photo | UnusablePhoto,
    sample: SampleInfo,
    inherited: str | None,
    *,
    overwrite: bool,
) -> None:
    """Put a photo into its sample; what a sheet states replaces what is known of the sample.

    What it has no column for stays.
    """
    if inherited is not None:
        row.sample_id = inherited
        return
    if overwrite:
        row.properties = {**(row.properties or {}), **sample.properties}
    known = session.get(Sample, sample.id)
    if known is None:
        known = Sample(id=sample.id, **{field: getattr(sample, field) for field in FIELDS})
        session.add(known)
    elif overwrite:
        for field in sample.stated | sample.emptied:
            setattr(known, field, getattr(sample, field))
    row.sample_id = sample.id
