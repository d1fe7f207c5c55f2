"""All tables of a survey at once: what `berlese table` and `berlese run` write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from berlese.survey.community import missing_photos, write_tables
from berlese.survey.estimates import Estimates, estimate_survey
from berlese.survey.measurements import write_measurements
from berlese.survey.strangers import write_unknowns
from berlese.survey.survey import Survey
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

    A table whose promise does not hold any more is removed.

    Parameters
    ----------
    survey : Survey
    level : {"sample", "site"}
        What a row of community.csv is.
    """
    estimates = estimate_survey(survey)
    paths = (
        *write_tables(survey, level=level),
        *write_unknowns(survey),
        *write_counts(survey, estimates),
        *write_measurements(survey),
    )
    photos, samples = missing_photos(survey)
    notes = (*_missing(photos, samples), *_unpromised(estimates))
    return Outputs(paths, notes, photos, estimates)


def _missing(photos: int, samples: int) -> tuple[str, ...]:
    if not photos:
        return ()
    return (
        f"{photos} photos of {samples} samples could not be used: their animals are missing from "
        "these tables (column photosFailed; failures.csv says why).",
    )


def _unpromised(estimates: Estimates | None) -> tuple[str, ...]:
    """Say it where people have named animals and wait for intervals; others read the report."""
    if estimates is None or estimates.hold or not estimates.reviewed:
        return ()
    return (f"No interval for these counts: {estimates.counts.why}",)
