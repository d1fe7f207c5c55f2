"""`plan` and `import`: which animals a person looks at next, and the names given."""

from pathlib import Path
from typing import Annotated

import typer

from berlese.cli import flags
from berlese.cli.console import finish_step, print_json, user_errors


def plan(
    survey: flags.Survey,
    out: Annotated[Path, typer.Option(help="CSV file to fill in; must not exist.")],
    count: Annotated[int, typer.Option(min=1, help="How many animals.")] = 50,
    seed: flags.Seed = 0,
    json: flags.Json = False,
) -> None:
    """List the animals to look at next, drawn at random, as a sheet to fill in."""
    with user_errors():
        from berlese.exchange.review_sheet import write_review_sheet
        from berlese.survey.reviewing import next_to_review
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            animals = next_to_review(opened, count, seed=seed)
            write_review_sheet(out, animals)
    if json:
        print_json({"file": str(out), "animals": [each.specimen_id for each in animals]})
    else:
        typer.echo(f"{out}: {len(animals)} animals to look at.")
        typer.echo(
            "Fill in scientificName (or validated, unknown, dubious, discarded in "
            "identificationVerificationStatus), then: "
            f"berlese import {out} --into {survey} --by 'YOUR NAME'"
        )


def import_names(
    file: Annotated[Path, typer.Argument(help="A sheet that `berlese plan` wrote, filled in.")],
    into: Annotated[Path, typer.Option(help="The survey.")],
    by: Annotated[str, typer.Option(help="Who gives the names.")],
    json: flags.Json = False,
) -> None:
    """Add names from people to a survey; earlier words are kept, the latest counts."""
    with user_errors():
        from dataclasses import replace

        from berlese.exchange.review_sheet import read_review_sheet
        from berlese.survey.reviewing import add_names
        from berlese.survey.survey import Survey

        names, unusable = read_review_sheet(file)
        with Survey.open(into) as opened, opened.recorded("import", {"by": by}, {}):
            report = add_names(opened, names, by)
        report = replace(report, failures=(*unusable, *report.failures))
    finish_step(report, "names added", as_json=json)
