"""Figures of merit as CSV: what was measured, its spread, on what and how."""

import csv
from collections.abc import Iterable
from pathlib import Path

HEADER = ("figure", "value", "spread", "on", "how")


def write_figures(path: Path, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
    """Write rows of `HEADER` as they come, and print them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for row in rows:
            writer.writerow(row)
            file.flush()  # a run that is stopped leaves what it had
            figure, value, spread, on, _ = row
            print(f"{on:45} {figure:55} {value} ({spread})", flush=True)
