"""`embed`, `train`, `evaluate`, `predict`: features, models and names."""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese.cli import flags
from berlese.cli.console import (
    Stages,
    finish,
    finish_step,
    print_failures,
    print_json,
    print_table,
    user_errors,
)


def embed(
    target: Annotated[Path, typer.Argument(help="A survey or a library.", show_default=False)],
    backbone: flags.Backbone = flags.DEFAULT_BACKBONE,
    weights: flags.Weights = None,
    taxon: flags.Taxon = "taxon",
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Turn crops or library pictures into features, once; later verbs find them again."""
    with user_errors():
        from berlese.cli.models import embed_into_cache

        report = embed_into_cache(
            target,
            backbone=backbone,
            weights=weights,
            taxon=taxon,
            jobs=jobs,
            stages=Stages(quiet=quiet),
        )
    finish_step(report, "pictures embedded", as_json=json)


def train(
    library: Annotated[
        Path,
        typer.Argument(
            help="A folder per taxon, a CSV file or a survey; with --add, the bundle.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    add: Annotated[
        Path | None,
        typer.Option(
            help="A library of more pictures, of new taxa or known ones, that the bundle shall "
            "learn as well; its backbone and head stay."
        ),
    ] = None,
    taxon: flags.Taxon = "taxon",
    group: flags.Group = None,
    backbone: flags.Backbone = flags.DEFAULT_BACKBONE,
    weights: flags.Weights = None,
    head: flags.Head = flags.DEFAULT_HEAD,
    taxonomy: flags.Taxonomy = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Train a model on a labelled library and save it as a bundle, or teach a bundle more."""
    if add is not None:
        _teach(library, add, out, taxon, group, weights, seed, jobs, overwrite, json, quiet)
        return
    with user_errors():
        from berlese.cli.models import train_into

        report = train_into(
            out,
            library,
            taxon=taxon,
            group=group,
            backbone=backbone,
            weights=weights,
            head=head,
            taxonomy=taxonomy,
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.in_words())
        print_failures(report.failures)
    finish(len(report.failures), report.n_pictures)


def _teach(
    bundle: Path,
    library: Path,
    out: Path,
    taxon: str,
    group: str | None,
    weights: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    json: bool,
    quiet: bool,
) -> None:
    with user_errors():
        from berlese.cli.upkeep import teach_into

        report = teach_into(
            out,
            bundle,
            library,
            taxon=taxon,
            group=group,
            weights=weights,
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.in_words())
        print_failures(report.failures)
    finish(len(report.failures), report.n_pictures)


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="A trained bundle.", show_default=False)],
    library: Annotated[Path, typer.Argument(help="Labelled pictures.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="Folder for evaluation.json, by_taxon.csv, confusion.csv.")
    ],
    taxon: flags.Taxon = "taxon",
    group: flags.Group = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Retrain on parts of this library instead: each picture is named by a model "
            "that has not seen its group.",
        ),
    ] = None,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit",
            help="Also list pictures whose name is doubtful, and near-duplicates: audit.html, "
            "audit.csv, duplicates.csv.",
        ),
    ] = False,
    weights: flags.Weights = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Compare a model's names with a library's: accuracy, and recall and precision by taxon."""
    with user_errors():
        from berlese.cli.models import evaluate_into

        evaluation, failures = evaluate_into(
            out,
            bundle,
            library,
            taxon=taxon,
            group=group,
            folds=folds,
            weights=weights,
            seed=seed,
            jobs=jobs,
            stages=Stages(quiet=quiet),
        )
        found = None
        if audit:
            from berlese.cli.upkeep import audit_into

            found = audit_into(
                out,
                bundle,
                library,
                taxon=taxon,
                group=group,
                weights=weights,
                seed=seed,
                jobs=jobs,
                stages=Stages(quiet=quiet),
            )
    if json:
        print_json(evaluation.to_dict() | ({} if found is None else {"audit": found.to_dict()}))
    else:
        _print_evaluation(evaluation)
        if found is not None:
            typer.echo(found.in_words())
        print_failures(failures)
    finish(len(failures), 1)


def _print_evaluation(evaluation: Any) -> None:
    rows = [
        [each.taxon, str(each.n), f"{each.recall:.3f}", f"{each.precision:.3f}", f"{each.f1:.3f}"]
        for each in evaluation.by_taxon
    ]
    print_table("By taxon", ["taxon", "pictures", "recall", "precision", "F1"], rows)
    typer.echo(
        f"accuracy {evaluation.accuracy:.3f}, balanced accuracy {evaluation.balanced_accuracy:.3f}"
    )


def predict(
    bundle: Annotated[Path, typer.Argument(help="A trained bundle.", show_default=False)],
    targets: Annotated[
        list[Path],
        typer.Argument(
            help="A survey, or pictures of single animals.", show_default=False, readable=False
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="CSV file, where pictures are given.")] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="One column a class as well.")
    ] = False,
    unknown_rate: flags.UnknownRate = flags.DEFAULT_UNKNOWN_RATE,
    unknown_score: flags.UnknownScore = flags.DEFAULT_UNKNOWN_SCORE,
    unknown_threshold: flags.UnknownThreshold = None,
    error_rate: flags.ErrorRate = None,
    weights: flags.Weights = None,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Name the animals of a survey, or those on pictures into a CSV file."""
    with user_errors():
        from berlese.classify.promises import NamingSettings
        from berlese.cli.models import predict_into, predict_survey
        from berlese.cli.targets import survey_among
        from berlese.errors import SettingError

        naming = NamingSettings(unknown_rate, unknown_score, unknown_threshold, error_rate)

        stages = Stages(quiet=quiet)
        survey = survey_among(targets, out)
        if survey is not None and probabilities:
            raise SettingError(
                f"{survey}: keeps the probabilities of every taxon anyway (survey.db); "
                "--probabilities is for CSV files."
            )
        if survey is not None:
            report = predict_survey(
                bundle,
                survey,
                naming=naming,
                weights=weights,
                jobs=jobs,
                stages=stages,
            )
        elif out is not None:
            report = predict_into(
                out,
                bundle,
                targets,
                probabilities=probabilities,
                naming=naming,
                weights=weights,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
    finish_step(report, "animals named", as_json=json)
