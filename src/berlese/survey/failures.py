"""Files that could not be used: one row each in the survey's `failures.csv`.

Columns: ``file`` (relative to the survey folder, forward slashes, where there is such a path),
``stage`` (``add``, ``segment``, ``embed``, ...) and ``reason``. A row vanishes once the file
passes the stage, or is gone from the disk and no longer asked for.
"""

from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2

from berlese.errors import BerleseError, PhotoError, SurveyError
from berlese.survey.sheets import read_sheet, shortened, storable, write_sheet

FAILURES_NAME = "failures.csv"
COLUMNS = ("file", "stage", "reason")
UNUSABLE = (BerleseError, OSError, MemoryError, ValueError, cv2.error)
"""What one file may raise without stopping the others."""


@dataclass(frozen=True, order=True, slots=True)
class Failure:
    """One file, the stage that it did not pass, and why."""

    file: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did.

    Parameters
    ----------
    n_done : int
        Items worked on now.
    n_skipped : int
        Items that were done before, by the same content and settings.
    failures : tuple of Failure
        Items that could not be done.
    notes : tuple of str
        What a person should know, such as photos that were edited.
    """

    n_done: int
    n_skipped: int
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()


def reason_of(error: Exception) -> str:
    """Say in one line what went wrong, without the file's name where the error knows it."""
    if isinstance(error, PhotoError):
        return error.reason
    if isinstance(error, BerleseError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return " ".join(f"{type(error).__name__}: {error}".split())


def read_failures(folder: Path) -> list[Failure]:
    """Read the failures of the survey in `folder`; none where the file is absent.

    A spreadsheet may have saved it in between.

    Raises
    ------
    SurveyError
        If it cannot be read, or lacks a column.
    """
    path = folder / FAILURES_NAME
    if not path.exists():
        return []
    sheet = read_sheet(path, SurveyError, exact=True)
    places = [sheet.places([name]) for name in COLUMNS]
    if not all(places):
        raise SurveyError(
            f"{path}: has the columns {shortened(sheet.header)}, expected {', '.join(COLUMNS)}. "
            "Bring them back, or remove the file and run `berlese add` on the photos again."
        )
    return [Failure(*(cells[at[0]] for at in places)) for _, cells in sheet.rows]


def record_failures(
    folder: Path, stage: str, attempted: Collection[str], failed: Iterable[Failure]
) -> None:
    """Bring `failures.csv` up to date after one stage; written atomically, sorted.

    Parameters
    ----------
    folder : Path
        The survey.
    stage : str
        The stage that ran.
    attempted : collection of str
        Files that it tried: their earlier rows of this stage are dropped.
    failed : iterable of Failure
        What failed this time.
    """
    tried = {storable(file) for file in attempted}
    kept = {
        row
        for row in read_failures(folder)
        if not (row.stage == stage and row.file in tried) and _still_there(folder, row, tried)
    }
    rows = kept | {Failure(storable(f.file), f.stage, storable(f.reason)) for f in failed}
    write_sheet(folder / FAILURES_NAME, COLUMNS, map(astuple, sorted(rows)))


def _still_there(folder: Path, row: Failure, tried: Collection[str]) -> bool:
    path = folder / row.file
    return row.file in tried or path.is_symlink() or path.exists()
