"""All verbs of `berlese`; each parses, calls the library and prints.

Imports of what a verb needs wait inside it, so that `berlese --help` stays quick.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese import __version__
from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_json, print_table, user_errors

DEFAULT_BACKBONE = "efficientnet-lite2"
DEFAULT_HEAD = "linear"
DEFAULT_MAX_PIXELS = 2_000_000_000
DEFAULT_UNKNOWN_RATE = 0.05
MOST_SITES = 5  # that a terminal shows side by side

app = typer.Typer(
    name="berlese",
    help="From photos of bulk invertebrate samples to a community table.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
simulate_app = typer.Typer(help="Make photos with known truth.", no_args_is_help=True)
app.add_typer(simulate_app, name="simulate")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"berlese {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """From photos of bulk invertebrate samples to a community table."""


@app.command()
def run(
    photos: flags.Photos,
    out: Annotated[Path, typer.Option(help="Survey folder; made if it is not there.")],
    library: Annotated[
        Path | None,
        typer.Option(help="Labelled pictures: a folder per taxon, a CSV file or a survey."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A trained bundle, instead.")] = None,
    samples: flags.Samples = None,
    taxon: flags.Taxon = "taxon",
    group: flags.Group = None,
    backbone: flags.Backbone = DEFAULT_BACKBONE,
    weights: flags.Weights = None,
    head: flags.Head = DEFAULT_HEAD,
    unknown_rate: flags.UnknownRate = DEFAULT_UNKNOWN_RATE,
    mm_per_pixel: flags.MmPerPixel = None,
    max_pixels: flags.MaxPixels = DEFAULT_MAX_PIXELS,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Run the whole path: photos in, community table and report out. Resumes where it stopped."""
    with user_errors():
        from berlese.survey.pipeline import RunSettings, run_path, write_summary
        from berlese.survey.survey import Survey, SurveySettings

        settings = RunSettings(
            library=library,
            model=model,
            samples=samples,
            taxon=taxon,
            group=group,
            backbone=backbone,
            weights=weights,
            head=head,
            unknown_rate=unknown_rate,
            max_pixels=max_pixels,
            seed=seed,
            jobs=jobs,
        )
        stages = Stages(quiet=quiet)
        of_new = SurveySettings(out.resolve().name, mm_per_pixel=mm_per_pixel)
        with Survey.open_or_create(out, of_new) as survey:
            summary = run_path(survey, photos, settings, stages)
            write_summary(survey, summary)
            _print_summary(survey, summary, as_json=json)
    finish(summary["failures"] + len(summary["library_failures"]), summary["photos"])


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo; it becomes a survey.")] = Path(
        "demo"
    ),
    seed: flags.Seed = 1,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Simulate a small survey with known truth and run the whole path on it."""
    with user_errors():
        from berlese.cli.simulation import TRUTH_NAME, compare_survey, simulate_demo
        from berlese.survey.pipeline import RunSettings, run_path, write_summary
        from berlese.survey.report import write_report
        from berlese.survey.survey import Survey, SurveySettings

        stages = Stages(quiet=quiet)
        photos, library, sheet = simulate_demo(out, seed=seed, stages=stages)
        settings = RunSettings(library=library, samples=sheet, seed=seed, jobs=jobs)
        with Survey.open_or_create(out, SurveySettings(f"Demo, seed {seed}")) as survey:
            summary = run_path(survey, [photos], settings, stages)
            truth = compare_survey(survey, photos / TRUTH_NAME).to_dict()
            summary["truth"] = truth
            write_report(survey, truth=truth)
            write_summary(survey, summary)
            _print_summary(survey, summary, as_json=json)
    finish(summary["failures"], summary["photos"])


def _print_summary(survey: Any, summary: dict[str, Any], *, as_json: bool) -> None:
    """End a run with what a person wants to see: the table, the counts, where the report is."""
    if as_json:
        print_json(summary)
        return
    import pandas as pd

    from berlese.survey.community import REPORT_NAME, TABLE_NAME, community_by_site

    by_site = community_by_site(survey).set_index("locationID")
    by_taxon = by_site.drop(columns=["photos", "photosFailed"]).T
    if len(by_taxon.columns) > MOST_SITES:
        by_taxon = pd.DataFrame(
            {"animals": by_taxon.sum(axis=1), "sites": (by_taxon > 0).sum(axis=1)}
        )
    rows = [[str(cell) for cell in row] for row in by_taxon.reset_index().to_numpy()]
    print_table("Animals by site", ["taxon", *map(str, by_taxon.columns)], rows)
    typer.echo(
        f"{summary['photos']} photos, {summary['specimens']} animals: "
        f"{summary['identified']} named, {summary['unknown']} unknown; "
        f"{summary['failures']} files failed."
    )
    if "truth" in summary:
        truth = summary["truth"]
        typer.echo(
            f"Against the truth: {truth['specimens']} animals, F1 {truth['f1']:.3f} at IoU .5, "
            f"names right {truth['accuracy']:.3f}, count error {truth['count_error']:.3f}."
        )
    for failure in summary["failed"]:
        typer.echo(f"Failed: {failure['file']} ({failure['stage']}): {failure['reason']}", err=True)
    for name in (TABLE_NAME, REPORT_NAME):
        typer.echo(f"{survey.exports / name}")


@app.command()
def init(
    survey: flags.Survey,
    name: Annotated[str | None, typer.Option(help="Title; the folder's name by default.")] = None,
    taxonomy: Annotated[str, typer.Option(help="Checklist that the names follow.")] = "",
    mm_per_pixel: flags.MmPerPixel = None,
    basis_of_record: Annotated[
        str, typer.Option(help="Darwin Core basisOfRecord of what the photos show.")
    ] = "MachineObservation",
    json: flags.Json = False,
) -> None:
    """Make a new, empty survey."""
    with user_errors():
        from berlese.survey.survey import Survey, SurveySettings

        settings = SurveySettings(
            name or survey.resolve().name, taxonomy, mm_per_pixel, basis_of_record
        )
        with Survey.create(survey, settings) as made:
            folder = str(made.folder)
    print_json({"survey": folder}) if json else typer.echo(f"Made survey {folder}")


@app.command()
def add(
    survey: flags.Survey,
    photos: flags.Photos,
    samples: flags.Samples = None,
    max_pixels: flags.MaxPixels = DEFAULT_MAX_PIXELS,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Add photos to a survey; they stay where they lie."""
    with user_errors():
        from berlese.survey.adding import add_photos, count_photos
        from berlese.survey.survey import Survey

        with (
            Survey.open(survey) as opened,
            Stages(quiet=quiet)("add photos", count_photos(opened, photos)) as advance,
        ):
            report = add_photos(opened, photos, samples, max_pixels=max_pixels, progress=advance)
    _finish_step(report, "photos added", as_json=json)


def _finish_step(report: Any, what: str, *, as_json: bool) -> None:
    """Print what a step did and leave with its exit code."""
    if as_json:
        print_json(
            {
                "done": report.n_done,
                "skipped": report.n_skipped,
                "failures": [
                    {"file": each.file, "stage": each.stage, "reason": each.reason}
                    for each in report.failures
                ],
                "notes": list(report.notes),
            }
        )
    else:
        typer.echo(f"{report.n_done} {what}, {report.n_skipped} done before.")
        for note in report.notes:
            typer.echo(note)
        _print_failures(report.failures)
    finish(len(report.failures), report.n_done + report.n_skipped)


def _print_failures(failures: Any) -> None:
    for failure in failures:
        typer.echo(f"Failed: {failure.file}: {failure.reason}", err=True)


@app.command()
def segment(
    targets: Annotated[
        list[Path],
        typer.Argument(help="A survey, or photos with --out.", show_default=False, readable=False),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for specimens.json, crops and overlays.")
    ] = None,
    min_length_px: Annotated[
        float | None, typer.Option(min=1, help="Smallest animal to report, in photo pixels.")
    ] = None,
    max_pixels: flags.MaxPixels = DEFAULT_MAX_PIXELS,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Find the animals: on a survey's photos, or on photos into a folder."""
    with user_errors():
        from berlese.cli.segmentation import settings_with
        from berlese.survey.survey import Survey, is_survey

        settings = settings_with(min_length_px)
        stages = Stages(quiet=quiet)
        if out is None and len(targets) == 1 and is_survey(targets[0]):
            from berlese.survey.steps import segment_photos
            from berlese.survey.tables import current_photos

            with (
                Survey.open(targets[0]) as survey,
                stages("segment", survey.count(current_photos())) as advance,
            ):
                report = segment_photos(survey, settings, overwrite=overwrite, progress=advance)
        else:
            from berlese.cli.segmentation import segment_into_folder

            report = segment_into_folder(
                targets, out, settings, max_pixels=max_pixels, overwrite=overwrite, stages=stages
            )
    _finish_step(report, "photos segmented", as_json=json)


@app.command()
def embed(
    target: Annotated[Path, typer.Argument(help="A survey or a library.", show_default=False)],
    backbone: flags.Backbone = DEFAULT_BACKBONE,
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
    _finish_step(report, "pictures embedded", as_json=json)


@app.command()
def train(
    library: Annotated[
        Path, typer.Argument(help="A folder per taxon, a CSV file or a survey.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    taxon: flags.Taxon = "taxon",
    group: flags.Group = None,
    backbone: flags.Backbone = DEFAULT_BACKBONE,
    weights: flags.Weights = None,
    head: flags.Head = DEFAULT_HEAD,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Train a model on a labelled library and save it as a bundle."""
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
            seed=seed,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.in_words())
        _print_failures(report.failures)
    finish(len(report.failures), report.n_pictures)


@app.command()
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
    if json:
        print_json(evaluation.to_dict())
    else:
        _print_evaluation(evaluation)
        _print_failures(failures)
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


@app.command()
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
    unknown_rate: flags.UnknownRate = DEFAULT_UNKNOWN_RATE,
    weights: flags.Weights = None,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Name the animals of a survey, or those on pictures into a CSV file."""
    with user_errors():
        from berlese.cli.models import predict_into, predict_survey
        from berlese.survey.survey import is_survey

        stages = Stages(quiet=quiet)
        if out is None and len(targets) == 1 and is_survey(targets[0]):
            report = predict_survey(
                bundle,
                targets[0],
                unknown_rate=unknown_rate,
                weights=weights,
                jobs=jobs,
                stages=stages,
            )
        else:
            report = predict_into(
                out,
                bundle,
                targets,
                probabilities=probabilities,
                unknown_rate=unknown_rate,
                weights=weights,
                jobs=jobs,
                overwrite=overwrite,
                stages=stages,
            )
    _finish_step(report, "animals named", as_json=json)


@app.command()
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
    backbone: flags.Backbone = DEFAULT_BACKBONE,
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
    _print_failures(report.failures)
    again = f", {report.n_resumed} of them done before" if report.n_resumed else ""
    typer.echo(f"{report.n_trained} trainings{again}; {report.n_pictures} pictures.")
    typer.echo(str(report.page))


@app.command()
def table(
    survey: flags.Survey,
    json: flags.Json = False,
) -> None:
    """Write the community table of a survey: community.csv and community_long.csv."""
    with user_errors():
        from berlese.survey.community import write_tables
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            paths = [str(path) for path in write_tables(opened)]
    print_json({"files": paths}) if json else typer.echo("\n".join(paths))


@app.command()
def report(
    survey: flags.Survey,
    json: flags.Json = False,
) -> None:
    """Write the report of a survey: one HTML file that opens offline."""
    with user_errors():
        from berlese.survey.report import write_report
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            path = str(write_report(opened))
    print_json({"file": path}) if json else typer.echo(path)


@simulate_app.command("photos")
def simulate_photos(
    out: Annotated[Path, typer.Option(help="Folder for the photos and truth.json (COCO).")],
    photos: Annotated[int, typer.Option(min=1, help="How many photos.")] = 6,
    animals: Annotated[int, typer.Option(min=1, help="Animals a photo.")] = 40,
    sites: Annotated[int, typer.Option(min=1, help="How many sites they come from.")] = 3,
    library: Annotated[
        int, typer.Option(min=0, help="Also a library of so many pictures a taxon.")
    ] = 0,
    seed: flags.Seed = 1,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Draw dishes of beetles of twelve families, with exact masks, boxes and names."""
    with user_errors():
        from berlese.cli.simulation import simulate_into

        files = simulate_into(
            out,
            seed=seed,
            photos=photos,
            animals=animals,
            sites=sites,
            library=library,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    print_json({"files": files}) if json else typer.echo("\n".join(files))


@simulate_app.command("libraries")
def simulate_libraries(
    out: Annotated[Path, typer.Option(help="Folder for LH, LL, GH, LH-unknown and truth.csv.")],
    scale: Annotated[
        float, typer.Option(help="What the paper's counts (Table S1) are multiplied by.")
    ] = 1.0,
    seed: flags.Seed = 1,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes to use; all cores by default.")
    ] = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Draw the paper's three labelled libraries, and animals of taxa that none of them holds."""
    with user_errors():
        from berlese.cli.simulation import LIBRARIES_TRUTH_NAME, simulate_libraries_into

        counts = simulate_libraries_into(
            out,
            seed=seed,
            scale=scale,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json({"pictures": counts, "truth": str(out / LIBRARIES_TRUTH_NAME)})
    else:
        for dataset, count in counts.items():
            typer.echo(f"{out / dataset}: {count:,} pictures")
        typer.echo(str(out / LIBRARIES_TRUTH_NAME))


@app.command()
def doctor(json: flags.Json = False) -> None:
    """Look at the installation: what is there, what is missing, what to do."""
    from berlese.cli.doctor import check_installation

    checks = check_installation()
    if json:
        print_json({"checks": [check.to_dict() for check in checks]})
    else:
        rows = [
            ["ok" if each.in_order else "missing", each.name, each.found, each.advice]
            for each in checks
        ]
        print_table(f"berlese {__version__}", ["", "what", "found", "what to do"], rows, left=4)
    finish(sum(not check.in_order for check in checks), 1)


@app.command()
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
