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
from berlese.cli.groups import Extractor, Labels, Naming


def embed(
    target: Annotated[Path, typer.Argument(help="A survey or a library.", show_default=False)],
    *,
    extractor: Extractor,
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
            extractor=extractor,
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
    *,
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    add: flags.Add = None,
    labels: Labels,
    extractor: Extractor,
    head: flags.Head = flags.DEFAULT_HEAD,
    taxonomy: flags.Taxonomy = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Train a model on a labelled library and save it as a bundle, or teach a bundle more."""
    with user_errors():
        from berlese.cli.models import train_into
        from berlese.cli.upkeep import teach_into

        _refuse_what_stays(add, extractor.backbone, head, taxonomy)
        stages = Stages(quiet=quiet)
        report = (
            train_into(
                out,
                library,
                labels=labels,
                extractor=extractor,
                head=head,
                taxonomy=taxonomy,
                seed=seed,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
            if add is None
            else teach_into(
                out,
                library,
                add,
                labels=labels,
                weights=extractor.weights,
                seed=seed,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
        )
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.in_words())
        print_failures(report.failures)
    finish(len(report.failures), report.n_pictures)


def _refuse_what_stays(add: Path | None, backbone: str, head: str, taxonomy: Path | None) -> None:
    from berlese.errors import SettingError

    asked = (backbone, head, taxonomy)
    if add is not None and asked != (flags.DEFAULT_BACKBONE, flags.DEFAULT_HEAD, None):
        raise SettingError(
            "--add teaches a bundle, whose backbone, head and taxonomy stay; leave --backbone, "
            "--head and --taxonomy out, or train anew on all pictures."
        )


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="A trained bundle.", show_default=False)],
    library: Annotated[Path, typer.Argument(help="Labelled pictures.", show_default=False)],
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for evaluation.json, by_taxon.csv, confusion.csv.")
    ],
    labels: Labels,
    folds: flags.Folds = None,
    audit: flags.Audit = False,
    weights: flags.Weights = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Compare a model's names with a library's: accuracy, and recall and precision by taxon."""
    with user_errors():
        from berlese.cli.models import evaluate_into
        from berlese.cli.upkeep import AUDIT_NAMES, audit_into

        stages = Stages(quiet=quiet)
        evaluation, failures, notes = evaluate_into(
            out,
            bundle,
            library,
            labels=labels,
            folds=folds,
            weights=weights,
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            beside=AUDIT_NAMES if audit else (),
            stages=stages,
        )
        found = None
        if audit:
            found = audit_into(
                out,
                bundle,
                library,
                labels=labels,
                weights=weights,
                seed=seed,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
    if json:
        audited = {} if found is None else {"audit": found.to_dict()}
        print_json(evaluation.to_dict() | {"notes": notes} | audited)
    else:
        _print_evaluation(evaluation)
        for note in notes:
            typer.echo(note)
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
    *,
    out: Annotated[Path | None, typer.Option(help="CSV file, where pictures are given.")] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="One column a class as well.")
    ] = False,
    naming: Naming,
    weights: flags.Weights = None,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Name the animals of a survey, or those on pictures into a CSV file."""
    with user_errors():
        from berlese.cli.models import predict_into, predict_survey
        from berlese.cli.targets import survey_among
        from berlese.errors import SettingError

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
                naming=naming.settings(),
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
                naming=naming.settings(),
                weights=weights,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
    finish_step(report, "animals named", as_json=json)
