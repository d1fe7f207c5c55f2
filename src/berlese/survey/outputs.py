"""All tables of a survey at once: what `berlese table` and `berlese run` write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from berlese.photos.writing import all_or_none
from berlese.survey.community import write_tables
from berlese.survey.estimates import Estimates, estimate_survey
from berlese.survey.failures import read_failures
from berlese.survey.measurements import write_measurements
from berlese.survey.missing import missing_notes, missing_step, waiting_photos
from berlese.survey.strangers import write_unknowns
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, UnusablePhoto, current_photos
from berlese.survey.taxon_numbers import write_counts


@dataclass(frozen=True, slots=True)
class Outputs:
    """What was written, and what a reader of it should know.

    Attributes
    ----------
    paths : tuple of Path
    notes : tuple of str
        Photos that are missing from the tables, and intervals that cannot be promised.
    photos_failed : int
    estimates : Estimates or None
        The corrected counts that the tables rest on.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...]
    photos_failed: int
    estimates: Estimates | None


def write_outputs(survey: Survey, *, level: Literal["sample", "site"] = "sample") -> Outputs:
    """Write every CSV table that the survey has something for.

    A table whose promise does not hold any more is removed. All tables are of one state of the
    survey: an error on the way leaves those that were there.

    Parameters
    ----------
    survey : Survey
    level : {"sample", "site"}
        What a row of community.csv is.
    """
    estimates = estimate_survey(survey)
    with all_or_none():
        paths = (
            *write_tables(survey, level=level),
            *write_unknowns(survey),
            *write_counts(survey, estimates),
            *write_measurements(survey),
        )
    failed, waiting = _missing_photos(survey)
    notes = (*_missing(failed), *_waiting(len(waiting), survey), *_unpromised(estimates))
    return Outputs(paths, notes, len(failed) + len(waiting), estimates)


def _missing_photos(survey: Survey) -> tuple[list[str], list[str]]:
    """List the samples of photos that could not be used, and of those not segmented yet."""
    reasons = {failure.file for failure in read_failures(survey.folder)}
    with survey.reading() as session:
        failed = list(session.scalars(select(UnusablePhoto.sample_id)))
        left = session.scalars(current_photos().where(Photo.segmentation.is_(None))).all()
        failed += [photo.sample_id for photo in left if photo.path in reasons]
    return failed, waiting_photos(survey)


def _missing(samples: list[str]) -> tuple[str, ...]:
    if not samples:
        return ()
    return (
        f"{len(samples)} photos of {len(set(samples))} samples could not be used: their animals "
        "are missing from these tables (column photosFailed; failures.csv says why).",
    )


def _waiting(photos: int, survey: Survey) -> tuple[str, ...]:
    if photos:
        where = "their animals are missing from these tables (column photosFailed)"
        return (f"{missing_step(survey)} ({where}).",)
    return missing_notes(survey)


def _unpromised(estimates: Estimates | None) -> tuple[str, ...]:
    """Say it where people have named animals and wait for intervals; others read the report."""
    if estimates is None or estimates.hold or not estimates.reviewed:
        return ()
    return (f"No interval for these counts: {estimates.counts.why}",)
