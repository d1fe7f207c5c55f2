"""The step that a survey waits for, as the command that does it."""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from berlese.errors import as_word
from berlese.survey.failures import StepReport, read_failures
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, Specimen, current_photos, current_specimens


def as_argument(path: Path) -> str:
    """A path as it is to stand in a command: short where it lies below the current folder."""
    here = Path.cwd()
    return as_word(os.path.relpath(path, here) if path.is_relative_to(here) else path)


def waiting_photos(survey: Survey) -> list[str]:
    """List the samples of photos that nobody has searched for animals; failed ones are not."""
    reasons = {failure.file for failure in read_failures(survey.folder)}
    with survey.reading() as session:
        left = session.scalars(current_photos().where(Photo.segmentation.is_(None))).all()
        return [photo.sample_id for photo in left if photo.path not in reasons]


def missing_step(survey: Survey) -> str:
    """Say what a survey waits for and which command does it; empty where it is named."""
    folder = as_argument(survey.folder)
    if not survey.count(current_photos()):
        return f"it has no photos yet: berlese add {folder} PHOTO..."
    if waiting := len(waiting_photos(survey)):
        are = "photo is" if waiting == 1 else "photos are"
        return f"{waiting} {are} not searched for animals yet: berlese segment {folder}"
    if not survey.count(current_specimens()):
        return f"no animal was found on its photos: berlese doctor {folder} may say why"
    nameless = select(Specimen.id).join(Photo).where(Photo.current, Specimen.current)
    if left := survey.count(nameless.where(~Specimen.identifications.any())):
        have = "animal has" if left == 1 else "animals have"
        return f"{left} {have} no name yet: berlese predict {_model(survey)} {folder}"
    return ""


def missing_notes(survey: Survey) -> tuple[str, ...]:
    """Say it as a note that stands alone; none where nothing is missing."""
    step = missing_step(survey)
    return (f"{step[0].upper()}{step[1:]}",) if step else ()


def with_missing_step(report: StepReport, survey: Survey) -> StepReport:
    """Add to a report, among its notes, what the survey waits for."""
    return replace(report, notes=(*report.notes, *missing_notes(survey)))


def _model(survey: Survey) -> str:
    """The survey's own model, where it has one; else what makes one."""
    own = sorted(path for path in survey.models.glob("*") if path.is_dir())
    return as_argument(own[0]) if len(own) == 1 else "MODEL"
