"""Run the study of real shift for the docs: pictures from the web and from the field, by order.

    .venv/bin/python docs/make_real_shift.py ../shared/data/insects FOLDER

Writes web.csv and field.csv into FOLDER (every order of each set, photos as groups), runs
``berlese study`` on them both ways, and copies the figures that the docs show.
"""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

from berlese.photos.writing import write_text_atomic

SETS = ("web", "field")
SHOWN = ("figure_3", "figure_5", "figure_6", "figure_s2", "table_s4")


def write_sheet(insects: Path, name: str, folder: Path) -> Path:
    """Write one set's rows of the manifest, with whole paths."""
    with (insects / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["domain"] == name]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "order", "photo"))
    for row in rows:
        writer.writerow(((insects / row["file"]).resolve(), row["order"], row["photo"]))
    path = folder / f"{name}.csv"
    write_text_atomic(path, text.getvalue())
    return path


def main(insects: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sheets = [write_sheet(insects, name, folder) for name in SETS]
    options = ["--taxon", "order", "--group", "photo", "--replicates", "5"]
    out = folder / "study"
    command = [sys.executable, "-m", "berlese", "study", *map(str, sheets), "--out", str(out)]
    subprocess.run([*command, *options], check=True)
    target = Path(__file__).parent / "images" / "real-shift"
    target.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        shutil.copyfile(out / "figures" / f"{name}.png", target / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
