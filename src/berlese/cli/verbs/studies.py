"""`study`: the paper's protocols on image libraries."""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_failures, print_json, print_table, user_errors
from berlese.cli.groups import Extractor, Labels
from berlese.cli.study_options import Protocols, Sites


def study(
    source: Annotated[
        Path, typer.Argument(help="The library of interest: a folder per taxon, or a CSV file.")
    ],
    targets: Annotated[
        list[Path] | None, typer.Argument(help="More libraries.", show_default=False)
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and study.html.")],
    protocols: Protocols,
    unknowns: Annotated[
        Path | None,
        typer.Option(
            help="Pictures of taxa that no library has; the folder NAME-unknown beside a library "
            "by default."
        ),
    ] = None,
    labels: Labels,
    sites: Sites,
    extractor: Extractor,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Run the paper's protocols on libraries: how well does one name the animals of another?"""
    with user_errors():
        from berlese.cli.study import StudySources, run_study

        where = StudySources((source, *(targets or ())), labels, sites, unknowns)
        report = run_study(
            where,
            protocols.settings(seed),
            out,
            extractor=extractor,
            jobs=jobs,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        _print_study(report)
    finish(len(report.failures), report.n_pictures)


def _print_study(report: Any) -> None:
    """End a study with the accuracy at each protocol's largest size, and where the page is."""
    means = report.analysis.means
    keys = ["protocol", "source", "target", "model"]
    rows = [
        [
            *(str(row[key]) for key in keys),
            f"{row['n_train']:.0f}",
            f"{row['acc_target']:.3f}",
            f"{row['acc_target_max']:.3f}",
        ]
        for _, row in means.groupby(keys, sort=False).tail(1).iterrows()
    ]
    print_table(
        "Accuracy at the largest size", [*keys, "images", "mean", "best"], rows, left=len(keys)
    )
    for note in report.analysis.notes:
        typer.echo(note)
    print_failures(report.failures)
    again = f", {report.n_resumed} of them done before" if report.n_resumed else ""
    typer.echo(f"{report.n_trained} trainings{again}; {report.n_pictures} pictures.")
    typer.echo(str(report.page))
