"""Photos and pictures that a verb was given: files as they are, folders searched."""

from collections.abc import Sequence
from pathlib import Path

from berlese.photos.reading import find_photos
from berlese.survey.failures import UNUSABLE, Failure, reason_of


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
