"""`gap` and `adapt`: how far photos are from a library, and a model fitted to them if it helps."""

from pathlib import Path
from typing import Annotated

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_failures, print_json, user_errors
from berlese.cli.groups import Extractor, Labels


def adapt(
    bundle: Annotated[Path, typer.Argument(help="A trained bundle.", show_default=False)],
    target: Annotated[
        Path,
        typer.Argument(
            help="What it is to name: a survey, or a folder of pictures of single animals.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    method: Annotated[
        str,
        typer.Option(
            help="auto: decide by what people named, else by what can be seen without; or "
            "consensus, prototypes, vote, information, nearest-mean, self-training, "
            "density-ratio, label-shift, share-alignment, transport, dann, dann-ramped, reviewed, "
            "skada:NAME."
        ),
    ] = "auto",
    reviewed: Annotated[
        Path | None,
        typer.Option(
            help="CSV with columns file and taxon: what a person says of pictures of the target, "
            "drawn at random. A survey brings its own."
        ),
    ] = None,
    weights: flags.Weights = None,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Adapt a model to other photos, or keep it; says why, and how sure that is."""
    with user_errors():
        from berlese.cli.adapting import adapt_into

        report = adapt_into(
            out,
            bundle,
            target,
            method=method,
            reviewed=reviewed,
            weights=weights,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.in_words())
        print_failures(report.failures)
    finish(len(report.failures), 1)


def gap(
    library: Annotated[
        Path, typer.Argument(help="A folder per taxon, a CSV file or a survey.", show_default=False)
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="The photos: a survey, or a folder of pictures of single animals.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for gap.json, gap.html and clouds.png.")],
    labels: Labels,
    extractor: Extractor,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Tell how far photos are from a library, in what, and what to change at the bench."""
    with user_errors():
        from berlese.cli.gap import gap_into

        report = gap_into(
            out,
            library,
            target,
            labels=labels,
            extractor=extractor,
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        for line in report.in_words():
            typer.echo(line)
        typer.echo(str(out / "gap.html"))
        print_failures(report.failures)
    finish(len(report.failures), 1)
