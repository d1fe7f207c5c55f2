"""`run` and `demo`: the whole path, photos in, table and report out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish, print_json, print_table, user_errors
from berlese.cli.groups import Extractor, Finding, Labels, Naming

MOST_SITES = 5  # that a terminal shows side by side


def run(
    photos: flags.Photos,
    *,
    out: Annotated[Path, typer.Option(help="Survey folder; made if it is not there.")],
    library: Annotated[
        Path | None,
        typer.Option(help="Labelled pictures: a folder per taxon, a CSV file or a survey."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A trained bundle, instead.")] = None,
    samples: flags.Samples = None,
    labels: Labels,
    extractor: Extractor,
    head: flags.Head = flags.DEFAULT_HEAD,
    taxonomy: flags.Taxonomy = None,
    naming: Naming,
    mm_per_pixel: flags.MmPerPixel = None,
    finding: Finding,
    max_pixels: flags.MaxPixels = None,
    seed: flags.Seed = 0,
    jobs: flags.Jobs = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Run the whole path: photos in, community table and report out. Resumes where it stopped."""
    with user_errors():
        from berlese.cli.simulation import truth_of
        from berlese.errors import SettingError
        from berlese.survey.pipeline import RunSettings, run_path, write_summary
        from berlese.survey.survey import Survey, SurveySettings

        settings = RunSettings(
            library=library,
            model=model,
            samples=samples,
            taxon=labels.taxon,
            group=labels.group,
            backbone=extractor.backbone,
            weights=extractor.weights,
            head=head,
            mm_per_pixel=mm_per_pixel,
            taxonomy=taxonomy,
            naming=naming.settings(),
            max_pixels=max_pixels,
            seed=seed,
            jobs=jobs,
            photos_at_a_time=jobs,
            segmentation=finding.settings(),
        )
        if not any(photo.exists() or photo.is_symlink() for photo in photos):
            raise SettingError(f"{photos[0]}: does not exist; expected photos or folders of them.")
        stages = Stages(quiet=quiet)
        of_new = SurveySettings(out.resolve().name, mm_per_pixel=mm_per_pixel)
        with Survey.open_or_create(out, of_new) as survey:
            summary = run_path(survey, photos, settings, stages, compare=truth_of)
            write_summary(survey, summary)
            _print_summary(survey, summary, as_json=json)
    finish(summary["failures"] + len(summary["library_failures"]), summary["photos"])


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
        from berlese.cli.simulation import simulate_demo, truth_of
        from berlese.survey.pipeline import RunSettings, run_path, write_summary
        from berlese.survey.survey import Survey, SurveySettings

        stages = Stages(quiet=quiet)
        photos, library, sheet = simulate_demo(out, seed=seed, stages=stages)
        settings = RunSettings(
            library=library, samples=sheet, seed=seed, jobs=jobs, photos_at_a_time=jobs
        )
        with Survey.open_or_create(out, SurveySettings(f"Demo, seed {seed}")) as survey:
            summary = run_path(survey, [photos], settings, stages, compare=truth_of)
            write_summary(survey, summary)
            _print_summary(survey, summary, as_json=json)
    finish(summary["failures"], summary["photos"])


def _print_summary(survey: Any, summary: dict[str, Any], *, as_json: bool) -> None:
    """End a run with what a person wants to see: the table, the counts, where the report is."""
    if as_json:
        print_json(summary)
        return
    import pandas as pd

    from berlese.cli.closing import say_distance
    from berlese.survey.community import REPORT_NAME, TABLE_NAME, community_by_site

    say_distance(survey)
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
    for note in summary["notes"]:
        typer.echo(note)
    for failure in (*summary["failed"], *summary["library_failures"]):
        typer.echo(f"Failed: {failure['file']} ({failure['stage']}): {failure['reason']}", err=True)
    for name in (TABLE_NAME, REPORT_NAME):
        typer.echo(f"{survey.exports / name}")
