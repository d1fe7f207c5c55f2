"""`study`: the paper's protocols on image libraries."""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_failures, print_json, print_table, user_errors


def study(
    source: Annotated[
        Path, typer.Argument(help="The library of interest: a folder per taxon, or a CSV file.")
    ],
    targets: Annotated[
        list[Path] | None, typer.Argument(help="More libraries.", show_default=False)
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and study.html.")],
    protocols: Annotated[
        str | None,
        typer.Option(
            help="Some of within, locality, between, adaptation, unknowns, divergence, tuning, "
            "with commas between; all by default."
        ),
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            help="Pairs as SOURCE:TARGET with commas between; the paper's three for libraries "
            "called LH, LL and GH, else all."
        ),
    ] = None,
    locality: Annotated[
        str | None,
        typer.Option(help="Libraries to split by site; LH in the paper's, else all with sites."),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Trainings of each kind and size.")] = 10,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of plain heads.")] = 500,
    dann_epochs: Annotated[int, typer.Option(min=1, help="Epochs of an adaptation.")] = 300,
    sizes: Annotated[
        str | None, typer.Option(help="Training sizes, such as 100,200; by rule by default.")
    ] = None,
    site_counts: Annotated[
        str | None, typer.Option(help="Numbers of sites to train on, such as 4,8.")
    ] = None,
    mixed_sizes: Annotated[
        str | None, typer.Option(help="Sizes of an adaptation's draws, such as 300,600.")
    ] = None,
    domain_weights: Annotated[
        list[float] | None,
        typer.Option(
            "--lambda",
            min=0.0,
            help="Weight of the domain loss, 0.1 by default; of several, one is chosen without "
            "looking at the target's labels.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="stratified (default), or random as in the paper.")
    ] = None,
    hidden: Annotated[str | None, typer.Option(help="Hidden units, such as 512,256.")] = None,
    dropout: Annotated[float | None, typer.Option(min=0.0, max=0.99, help="Dropout.")] = None,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="The paper to the letter, with its traps: random splits, lambda by target "
            "accuracy, a threshold from the pictures that it is scored on.",
        ),
    ] = False,
    unknowns: Annotated[
        Path | None,
        typer.Option(
            help="Pictures of taxa that no library has; the folder NAME-unknown beside a library "
            "by default."
        ),
    ] = None,
    taxon: flags.Taxon = "taxon",
    group: flags.Group = None,
    site: Annotated[str | None, typer.Option(help="Column of the site in CSV libraries.")] = None,
    sites: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns file and site; truth.csv beside a library by default."
        ),
    ] = None,
    backbone: flags.Backbone = flags.DEFAULT_BACKBONE,
    weights: flags.Weights = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Run the paper's protocols on libraries: how well does one name the animals of another?"""
    with user_errors():
        from berlese.cli.study import StudySources, run_study, settings_from

        settings = settings_from(
            as_published=as_published,
            protocols=protocols,
            pairs=pairs,
            locality=locality,
            sizes=sizes,
            site_counts=site_counts,
            mixed_sizes=mixed_sizes,
            hidden=hidden,
            domain_weights=domain_weights,
            replicates=replicates,
            epochs=epochs,
            dann_epochs=dann_epochs,
            split=split,
            dropout=dropout,
            seed=seed,
        )
        where = StudySources(
            (source, *(targets or ())),
            taxon,
            group=group,
            site=site,
            sites=sites,
            unknowns=unknowns,
        )
        stages = Stages(quiet=quiet)
        report = run_study(
            where,
            settings,
            out,
            backbone=backbone,
            weights=weights,
            jobs=jobs,
            stages=stages,
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
