"""`init`, `add`, `segment`, `table`, `report`: a survey, step by step."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, finish_step, print_json, user_errors
from berlese.cli.groups import Finding

OFFERED = "ruler_mm_per_pixel_offered"  # by rulers on the photos: for a program to take or leave


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


def add(
    survey: flags.Survey,
    photos: flags.Photos,
    samples: flags.Samples = None,
    mm_per_pixel: flags.MmPerPixel = None,
    max_pixels: flags.MaxPixels = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Add photos to a survey; they stay where they lie."""
    with user_errors():
        from berlese.survey.adding import add_photos, count_photos
        from berlese.survey.imaging import offered_scales
        from berlese.survey.missing import with_missing_step
        from berlese.survey.reviewing import drawn_names, with_notes_on_order
        from berlese.survey.samples import hash_of_sheet
        from berlese.survey.survey import Survey

        settings = {"photos": [str(photo) for photo in photos], "mm_per_pixel": mm_per_pixel}
        sheets = hash_of_sheet(samples)
        with (
            Survey.open(survey) as opened,
            opened.exclusive(),
            opened.recorded("add", settings, sheets),
            Stages(quiet=quiet)("add photos", count_photos(opened, photos)) as advance,
        ):
            drawn = drawn_names(opened)
            report = add_photos(
                opened,
                photos,
                samples,
                mm_per_pixel=mm_per_pixel,
                max_pixels=max_pixels,
                progress=advance,
            )
            offers = {OFFERED: offered_scales(opened)} if json else {}
            report = with_notes_on_order(with_missing_step(report, opened), opened, drawn)
    finish_step(report, "photos added", as_json=json, more=offers)


def remove(
    survey: flags.Survey,
    photos: Annotated[
        list[Path],
        typer.Argument(help="Photos of the survey, or folders of them.", show_default=False),
    ],
    json: flags.Json = False,
) -> None:
    """Take photos out of a survey: they stop counting. Adding them again brings all back."""
    with user_errors():
        from berlese.survey.removing import remove_photos
        from berlese.survey.reviewing import drawn_names, with_notes_on_order
        from berlese.survey.survey import Survey

        settings = {"photos": [str(photo) for photo in photos]}
        with (
            Survey.open(survey) as opened,
            opened.exclusive(),
            opened.recorded("remove", settings, {}),
        ):
            drawn = drawn_names(opened)
            report = remove_photos(opened, photos)
            report = with_notes_on_order(report, opened, drawn, removed=True)
    finish_step(report, "photos removed", as_json=json)


def segment(
    targets: Annotated[
        list[Path],
        typer.Argument(help="A survey, or photos with --out.", show_default=False, readable=False),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for specimens.json (COCO; photos by their paths from the folder that "
            "holds them all), crops and overlays."
        ),
    ] = None,
    finding: Finding,
    learn: flags.Learn = None,
    max_pixels: flags.MaxPixels = None,
    jobs: flags.Jobs = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Find the animals: on a survey's photos, or on photos into a folder."""
    with user_errors():
        from berlese.cli.segmentation import segment_into_folder, segment_survey
        from berlese.cli.targets import survey_among

        settings = finding.settings()
        offers: dict[str, dict[str, float]] = {}
        stages = Stages(quiet=quiet)
        folder = survey_among(targets, out)
        if folder is not None:
            report, scales = segment_survey(
                folder,
                settings,
                max_pixels=max_pixels,
                overwrite=overwrite,
                learn=learn,
                jobs=jobs,
                stages=stages,
                offering=json,
            )
            offers = {OFFERED: scales} if json else {}
        elif out is not None:
            report = segment_into_folder(
                targets,
                out,
                settings,
                max_pixels=max_pixels,
                overwrite=overwrite,
                jobs=jobs,
                stages=stages,
            )
    finish_step(report, "photos segmented", as_json=json, more=offers)


def table(
    survey: flags.Survey,
    by: Annotated[
        Literal["sample", "site"], typer.Option(help="What a row of community.csv is.")
    ] = "sample",
    json: flags.Json = False,
) -> None:
    """Write the tables of a survey: counts, their intervals, richness, measurements."""
    with user_errors():
        from berlese.survey.outputs import write_outputs
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            written = write_outputs(opened, level=by)
    files = [str(path) for path in written.paths]
    if json:
        notes = list(written.notes)
        print_json({"files": files, "photosFailed": written.photos_failed, "notes": notes})
    else:
        typer.echo("\n".join([*files, *written.notes]))


def report(
    survey: flags.Survey,
    json: flags.Json = False,
) -> None:
    """Write the report of a survey: one HTML file that opens offline."""
    with user_errors():
        from berlese.cli.simulation import truth_of
        from berlese.survey.missing import missing_notes
        from berlese.survey.report import write_report
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            path, notes = write_report(opened, truth=truth_of(opened)), missing_notes(opened)
    if json:
        print_json({"file": str(path)})
    else:
        typer.echo("\n".join([str(path), *notes]))
