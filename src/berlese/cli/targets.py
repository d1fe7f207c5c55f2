"""Photos and pictures that a verb was given: files as they are, folders searched."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from berlese.errors import SettingError, as_word
from berlese.photos.reading import search_folder
from berlese.survey.adding import on_unopened
from berlese.survey.failures import UNUSABLE, Failure, reason_of
from berlese.survey.survey import is_survey


def survey_among(targets: Sequence[Path], out: Path | None) -> Path | None:
    """Tell whether a verb works on a survey, or on files (None) with results in `out`.

    Raises
    ------
    SettingError
        If a survey stands beside other targets or an `out`, or if there is neither.
    """
    survey = next((target for target in targets if is_survey(target)), None)
    if survey is not None and (len(targets) > 1 or out is not None):
        raise SettingError(
            f"{survey}: is a survey, whose results stay in it; give it alone and without --out."
        )
    if survey is None and out is None:
        files = "give --out to work on files outside of a survey"
        if targets[0].is_file():
            raise SettingError(f"{targets[0]}: is no survey; {files}.")
        raise SettingError(
            f"{targets[0]}: is no survey; check the path, make one (berlese init "
            f"{as_word(targets[0])}), or {files}."
        )
    return survey


def require_absent(outputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse, before any work, to write over what is there and a person may have edited.

    Raises
    ------
    SettingError
    """
    there = next((path for path in outputs if path.exists()), None)
    if there is not None and not overwrite:
        raise SettingError(f"{there} exists; give --overwrite, or another --out.")


def require_new_files(outputs: Sequence[Path], inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse, before any work, to write over inputs or finished files, or into no folder.

    Raises
    ------
    SettingError
    """
    taken = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in taken:
            raise SettingError(f"{path}: is one of the inputs; choose another name to write to.")
        if path.exists() and not overwrite:
            raise SettingError(f"{path} exists; give --overwrite, or another name.")
        if not path.resolve().parent.is_dir():
            raise SettingError(f"{path}: its folder does not exist; make it first.")


def list_pictures(
    targets: Sequence[Path], stage: str
) -> tuple[list[Path], list[Failure], list[str]]:
    """List each picture once, in the order given, and the targets that lead to none.

    Parameters
    ----------
    targets : sequence of Path
    stage : str
        Named in the failures.

    Returns
    -------
    paths : list of Path
    failures : list of Failure
    notes : list of str
        Names the pictures in folders that cannot be opened.
    """
    paths: dict[Path, None] = {}
    failures, left = [], []
    for target in targets:
        try:
            found, unopened = search_folder(target) if target.is_dir() else ([target], [])
        except UNUSABLE as error:
            failures.append(Failure(str(target), stage, reason_of(error)))
            continue
        if found:
            left += unopened
        else:
            reason = "is a folder without pictures; expected image files in it."
            words = f"{reason} {on_unopened(unopened)}" if unopened else reason
            failures.append(Failure(str(target), stage, words))
        paths |= dict.fromkeys(found)
    return list(paths), failures, [on_unopened(left)] if left else []
