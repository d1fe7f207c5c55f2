"""`doctor` and `backbones`: what is there on this machine, and how a survey's photos are."""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese import __version__
from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_json, print_table, user_errors


def doctor(
    survey: Annotated[
        Path | None,
        typer.Argument(help="Survey whose photos to look at.", show_default=False),
    ] = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Look at the installation, or at how a survey's photos were taken, and say what to do."""
    if survey is not None:
        _check_photos(survey, as_json=json, quiet=quiet)
        return
    from berlese.cli.doctor import check_installation

    checks = check_installation()
    if json:
        print_json({"checks": [check.to_dict() for check in checks]})
    else:
        rows = [[each.state, each.name, each.found, each.advice] for each in checks]
        print_table(f"berlese {__version__}", ["", "what", "found", "what to do"], rows, left=4)
    finish(sum(check.needed and not check.in_order for check in checks), 1)


def _check_photos(survey: Path, *, as_json: bool, quiet: bool) -> None:
    with user_errors():
        from berlese.cli.doctor import tell_findings
        from berlese.survey.imaging import look_at_photos
        from berlese.survey.imaging_findings import summary_of
        from berlese.survey.survey import Survey
        from berlese.survey.tables import current_photos

        with (
            Survey.open(survey) as opened,
            Stages(quiet=quiet)("look at photos", opened.count(current_photos())) as advance,
        ):
            seen = look_at_photos(opened, progress=advance)
    summary = summary_of(seen)
    print_json(summary) if as_json else tell_findings(summary)
    unreadable = sum(photo.ground is None for photo in seen)
    finish(unreadable, len(seen) - unreadable)


def backbones(json: flags.Json = False) -> None:
    """List the feature extractors."""
    from berlese.features.backbones import listing

    rows = listing()
    if json:
        print_json({"backbones": [_backbone_row(info) for info in rows]})
        return
    cells = [
        [info.name, str(info.dim or ""), str(info.input_size or ""), info.licence, info.note]
        for info in rows
    ]
    print_table("Backbones", ["name", "values", "pixels", "licence", "note"], cells)


def _backbone_row(info: Any) -> dict[str, Any]:
    return {
        "name": info.name,
        "dim": info.dim,
        "input_size": info.input_size,
        "licence": info.licence,
        "source": info.source,
        "available": info.available,
    }
