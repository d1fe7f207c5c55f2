"""Take photos out of a survey: they stop counting, and what was said of them stays."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from berlese.survey.adding import STAGE, forget_unneeded
from berlese.survey.failures import Failure, StepReport, record_failures
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, UnusablePhoto


def remove_photos(survey: Survey, paths: Iterable[Path]) -> StepReport:
    """Stop counting photos, whether their files are still there or not.

    Nothing is deleted: adding a photo again brings back its animals and their names.

    Parameters
    ----------
    survey : Survey
    paths : iterable of Path
        As they were added. A folder stands for all photos of the survey inside it.

    Returns
    -------
    StepReport
        Failures are paths that lead to no photo of the survey.
    """
    removed: set[str] = set()
    failures = []
    with survey.exclusive():
        for path in paths:
            stored = survey.relative(path)
            gone = _remove(survey, stored)
            removed |= gone
            if not gone:
                reason = "is no photo of this survey; the report lists those that are."
                failures.append(Failure(stored, "remove", reason))
        record_failures(survey.folder, STAGE, removed, [])
        forget_unneeded(survey)
    return StepReport(len(removed), 0, tuple(failures))


def _remove(survey: Survey, stored: str) -> set[str]:
    with survey.writing() as session:
        photos = session.scalars(select(Photo).where(Photo.current)).all()
        known = [*photos, *session.scalars(select(UnusablePhoto))]
        inside = [row for row in known if row.path == stored or row.path.startswith(f"{stored}/")]
        for row in inside:
            if isinstance(row, Photo):
                row.current = False
            else:
                session.delete(row)
        return {row.path for row in inside}
