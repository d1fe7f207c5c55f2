"""`calibrate`: hold a model's promises on other photos than its library's."""

from pathlib import Path
from typing import Annotated

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_failures, print_json, user_errors
from berlese.cli.groups import Labels


def calibrate(
    bundle: Annotated[Path, typer.Argument(help="A trained bundle.", show_default=False)],
    reviewed: Annotated[
        Path,
        typer.Argument(
            help="Animals that a person named: a survey, a folder per taxon or a CSV file. They "
            "must not be pictures that the model was trained on.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="The bundle to write; the first one stays.")],
    labels: Labels,
    weights: flags.Weights = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Fit a model's probabilities, unknowns and error rates to photos of which some are named."""
    with user_errors():
        from berlese.cli.calibration import calibrate_into

        report = calibrate_into(
            out,
            bundle,
            reviewed,
            labels=labels,
            weights=weights,
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        facts = {"bundle": str(out), "animals": report.animals, "calibration": report.figures}
        print_json(facts | {"notes": list(report.notes)})
    else:
        typer.echo(f"{out}: fitted to {report.animals} reviewed animals.")
        for note in report.notes:
            typer.echo(f"{note[0].upper()}{note[1:].rstrip('.')}.")
        print_failures(report.failures)
    finish(len(report.failures), report.animals)
