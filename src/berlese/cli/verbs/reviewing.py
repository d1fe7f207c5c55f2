"""`plan`, `import`, `join`, `cut`: whom a person looks at next, and what that person says."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from berlese.cli import flags
from berlese.cli.console import finish_step, print_json, user_errors
from berlese.errors import as_word

if TYPE_CHECKING:
    from berlese.survey.outlining import NewAnimals
    from berlese.survey.survey import Survey


class Promise(StrEnum):
    """What the intervals at the stop shall hold for."""

    EACH_FAMILY = "each-family"
    WHOLE_TABLE = "whole-table"


def plan(
    survey: flags.Survey,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV file to fill in; must not exist. Without it, only say how it is."),
    ] = None,
    goal: Annotated[
        float,
        typer.Option(
            min=0.001, max=0.5, help="Stop when intervals are within this share of all animals."
        ),
    ] = 0.05,
    promise: Annotated[
        Promise,
        typer.Option("--for", help="Each family's 90 % interval holds, or all of them at once."),
    ] = Promise.EACH_FAMILY,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="How many animals; as many as the next look needs by default."),
    ] = None,
    seed: flags.Seed = 0,
    json: flags.Json = False,
) -> None:
    """Say which animals to look at next, drawn at random, and when to stop."""
    with user_errors():
        from berlese.classify.counts.review_plan import Goal
        from berlese.exchange.review_pictures import write_review_pictures
        from berlese.exchange.review_sheet import write_review_sheet
        from berlese.survey.planning import review_progress
        from berlese.survey.reviewing import next_to_review
        from berlese.survey.survey import Survey

        kinds = {Promise.EACH_FAMILY: "taxon", Promise.WHOLE_TABLE: "table"}
        with Survey.open(survey) as opened:
            progress = review_progress(opened, Goal(goal, kinds[promise]))
            wanted = progress.left if count is None else count
            animals = []
            if out is not None and wanted:
                animals = next_to_review(opened, wanted, seed=seed)
                write_review_sheet(out, animals)
                write_review_pictures(out, animals)
    if json:
        written = None if out is None or not wanted else str(out)
        ids = [each.specimen_id for each in animals]
        print_json({"file": written, "animals": ids, "progress": progress.to_dict()})
        return
    typer.echo(progress.in_words())
    if out is not None and wanted:
        typer.echo(_how_to_fill_in(out, len(animals), survey))


def _how_to_fill_in(sheet: Path, n_animals: int, survey: Path) -> str:
    from berlese.exchange.review_pictures import pictures_beside

    return (
        f"{sheet}: {n_animals} animals to look at, {pictures_beside(sheet)} shows them. "
        "Fill in scientificName (or validated, unknown, dubious, discarded in "
        "identificationVerificationStatus), then: "
        f"berlese import {as_word(sheet)} --into {as_word(survey)} --by {as_word('YOUR NAME')}"
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
        from berlese.photos.identity import sha256_of
        from berlese.survey.failures import StepReport
        from berlese.survey.reviewing import (
            IMPORT,
            SHEET,
            add_names,
            imported_before,
            taxa_to_teach,
        )
        from berlese.survey.survey import Survey

        names, unusable = read_review_sheet(file)
        digest = sha256_of(file)
        with Survey.open(into) as opened, opened.exclusive():
            before = imported_before(opened, digest, by)
            if before is None:
                with opened.recorded(IMPORT, {"by": by, "file": file.name}, {SHEET: digest}):
                    report = add_names(opened, names, by)
            else:
                note = f"{by.strip()} gave this very sheet on {before}: nothing is added again."
                report = StepReport(0, len(names), (), (note,))
            new = taxa_to_teach(opened, names)
        notes = report.notes
        if not names and not unusable:
            notes = (*notes, f"{file}: no row is filled in yet.")
        if new:
            listed = ", ".join(f"{taxon} ({count})" for taxon, count in new.items())
            notes = (
                *notes,
                f"The model does not know {listed}. To teach it: "
                f"berlese train BUNDLE --add {as_word(into)} --out NEW-BUNDLE",
            )
        report = replace(report, failures=(*unusable, *report.failures), notes=notes)
    finish_step(report, "names added", as_json=json)


PhotoOfSurvey = Annotated[
    str, typer.Argument(help="Photo of the survey: its path or name.", show_default=False)
]
Person = Annotated[str, typer.Option(help="Who says so.")]
HOW_GIVEN = "by number, as a report written now shows it, or by occurrenceID, as sheets have it."


def join(
    survey: flags.Survey,
    photo: PhotoOfSurvey,
    animals: Annotated[
        list[str], typer.Argument(help=f"Animals on it, each {HOW_GIVEN}", show_default=False)
    ],
    by: Person,
    json: flags.Json = False,
) -> None:
    """Make one animal of several outlines; holds when the photo is searched again."""
    with user_errors():
        from berlese.survey.outlining import join_animals
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            settings = {"photo": photo, "animals": animals, "by": by}
            with _changed_animals(opened, "join", settings) as notes:
                made = join_animals(opened, photo, animals, by)
                notes += made.notes
    if json:
        _print_made(made, notes)
    else:
        joined = f"{len(set(animals))} animals are one now: {made.numbers[0]}."
        typer.echo("\n".join([joined, *notes]))


def cut(
    survey: flags.Survey,
    photo: PhotoOfSurvey,
    animal: Annotated[str, typer.Argument(help=f"Animal on it, {HOW_GIVEN}", show_default=False)],
    by: Person,
    into: Annotated[int, typer.Option(min=2, help="How many animals it is.")] = 2,
    json: flags.Json = False,
) -> None:
    """Cut an outline that holds several animals; holds when the photo is searched again.

    What people said of the whole holds for none of the parts: name them again.
    """
    with user_errors():
        from berlese.survey.outlining import cut_animal
        from berlese.survey.survey import Survey

        with Survey.open(survey) as opened:
            settings = {"photo": photo, "animal": animal, "into": into, "by": by}
            with _changed_animals(opened, "cut", settings) as notes:
                made = cut_animal(opened, photo, animal, into, by)
                notes += made.notes
    if json:
        _print_made(made, notes)
    else:
        are = ", ".join(map(str, made.numbers))
        typer.echo("\n".join([f"Animal {animal} is {into} animals now: {are}.", *notes]))


@contextmanager
def _changed_animals(
    survey: "Survey", command: str, settings: Mapping[str, Any]
) -> Iterator[list[str]]:
    """Record a command that makes others of animals; yields notes, ended by what is left to do."""
    from berlese.survey.missing import missing_notes
    from berlese.survey.reviewing import drawn_names, notes_on_order

    notes: list[str] = []
    with survey.exclusive(), survey.recorded(command, settings, {}):
        drawn = drawn_names(survey)
        yield notes
        notes += [*missing_notes(survey), *notes_on_order(survey, drawn)]


def _print_made(made: "NewAnimals", notes: Sequence[str]) -> None:
    document = {"animals": made.numbers, "occurrenceIDs": made.ids, "notes": notes}
    print_json({key: list(values) for key, values in document.items()})
