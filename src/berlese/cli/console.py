"""What every verb prints: progress on standard error, results on standard output, exit codes.

Exit codes: 0 all done; 1 done, but some files failed; 2 nothing could be done.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from berlese.errors import BerleseError

SOME_FAILED = 1
NOTHING_DONE = 2


@contextmanager
def user_errors() -> Iterator[None]:
    """Print an error that a user can act on in one line and leave with exit code 2."""
    try:
        yield
    except BerleseError as error:
        typer.echo(f"berlese: {error}", err=True)
        raise typer.Exit(NOTHING_DONE) from error
    except BrokenPipeError:  # the reader of our output has gone: nothing to tell anyone
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(
            f"berlese: {where}{error.strerror or error}; check the path, whether it may be read "
            "or written to, and whether there is room.",
            err=True,
        )
        raise typer.Exit(NOTHING_DONE) from error


class Stages:
    """Progress of named stages, and the seconds that each took.

    Parameters
    ----------
    quiet : bool
        Show nothing.

    Attributes
    ----------
    seconds : dict of str to float
        Wall-clock seconds by stage, in the order of the stages.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show one stage; the value is called with the number of items just finished."""
        start = time.perf_counter()
        done = 0
        with _progress_bar(self.quiet) as bar:
            task = bar.add_task(name, total=total)

            def advance(count: int) -> None:
                nonlocal done
                done += count
                bar.update(task, advance=count)

            yield advance
        elapsed = time.perf_counter() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + elapsed, 3)
        if not self.quiet and not sys.stderr.isatty():
            items = f" {done:,} items" if done else ""
            typer.echo(f"{name}:{items} in {elapsed:.1f} s", err=True)


@contextmanager
def _progress_bar(quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Rate(TextColumn):
        def render(self, task: Any) -> Any:
            from rich.text import Text

            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(""),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
    ) as bar:
        yield bar


def print_json(document: Mapping[str, Any]) -> None:
    """Print a result for machines: one JSON document on standard output."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


def print_table(title: str, columns: list[str], rows: list[list[str]], *, left: int = 1) -> None:
    """Print a table for a person; the first `left` columns are aligned left, the rest right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        side: Any = "left" if number < left else "right"
        table.add_column(Text(column), justify=side, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def finish(failures: int, succeeded: int) -> None:
    """Leave with the exit code that says whether all, some or none of the files were done."""
    if failures:
        raise typer.Exit(SOME_FAILED if succeeded else NOTHING_DONE)


def finish_step(
    report: Any, what: str, *, as_json: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Print what a step did, as JSON with `more` in it, and leave with its exit code."""
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
                **(more or {}),
            }
        )
    else:
        typer.echo(f"{report.n_done} {what}, {report.n_skipped} done before.")
        for note in report.notes:
            typer.echo(note)
        print_failures(report.failures)
    finish(len(report.failures), report.n_done + report.n_skipped)


def print_failures(failures: Any) -> None:
    """Name each file that failed, and why, on standard error."""
    for failure in failures:
        typer.echo(f"Failed: {failure.file}: {failure.reason}", err=True)
