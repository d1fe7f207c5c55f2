"""Take photos out of a survey: they stop counting, and what was said of them stays."""

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

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
    with survey.exclusive():
        with survey.writing() as session:
            photos = session.scalars(select(Photo).where(Photo.current)).all()
            known = {
                survey.absolute(row.path): row
                for row in [*photos, *session.scalars(select(UnusablePhoto))]
            }
            removed: set[str] = set()
            failures = []
            for path in paths:
                inside = [row for place, row in known.items() if _is_named(place, path)]
                removed |= {row.path for row in inside}
                if not inside:
                    reason = "is no photo of this survey; the report lists those that are."
                    failures.append(Failure(survey.relative(path), "remove", reason))
            for row in known.values():
                if row.path in removed:
                    _remove(session, row)
        record_failures(survey.folder, STAGE, removed, [])
        forget_unneeded(survey)
    return StepReport(len(removed), 0, tuple(failures))


def _is_named(place: Path, path: Path) -> bool:
    """Tell whether a photo is meant by a path: its own, or that of a folder around it."""
    given = Path(path)
    spellings = {given.parent.resolve() / given.name}
    if given.is_dir():
        spellings.add(given.resolve())  # a folder by the name of a link to it
    return any(place.is_relative_to(Path(os.path.normpath(each))) for each in spellings)


def _remove(session: Session, row: Photo | UnusablePhoto) -> None:
    if isinstance(row, Photo):
        row.current = False
    else:
        session.delete(row)
