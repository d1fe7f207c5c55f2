"""Photos and pictures that a verb was given: files as they are, folders searched."""

from collections.abc import Sequence
from pathlib import Path

from berlese.errors import SettingError
from berlese.photos.reading import find_photos
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
        raise SettingError(
            f"{targets[0]}: is no survey; check the path, or give --out to work on files outside "
            "of a survey."
        )
    return survey


def list_pictures(targets: Sequence[Path], stage: str) -> tuple[list[Path], list[Failure]]:
    """List each picture once, in the order given, and the targets that lead to none.

    Parameters
    ----------
    targets : sequence of Path
    stage : str
        Named in the failures.
    """
    paths: dict[Path, None] = {}
    failures = []
    for target in targets:
        try:
            found = find_photos([target])
        except UNUSABLE as error:
            failures.append(Failure(str(target), stage, reason_of(error)))
            continue
        if not found:
            reason = "is a folder without pictures; expected image files in it."
            failures.append(Failure(str(target), stage, reason))
        paths |= dict.fromkeys(found)
    return list(paths), failures
