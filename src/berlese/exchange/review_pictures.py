"""The animals of a review sheet as pictures: one HTML file that opens offline.

Rows bear the numbers that a spreadsheet shows beside the sheet, so that a person sees at once
which picture belongs to which row.
"""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from berlese.photos.thumbnails import data_uri
from berlese.photos.writing import write_text_atomic
from berlese.survey.reviewing import Animal
from berlese.survey.tables import counts_as_unknown

SEVERAL = 0.5  # from which probability on a person is told, as the flag `several` is given
FIRST_ROW = 2  # of a sheet in a spreadsheet, below the header


def pictures_beside(sheet: Path) -> Path:
    """Name the page of a sheet: ``review.csv`` has ``review.html`` beside it."""
    return sheet.with_suffix(".html")


def write_review_pictures(sheet: Path, animals: Sequence[Animal]) -> Path:
    """Write the pictures of a sheet's animals, in its order, and give the page's path.

    Parameters
    ----------
    sheet : Path
        The CSV file; the page lies beside it.
    animals : sequence of Animal
        As in the sheet. One whose crop is gone is shown without a picture.
    """
    rows = [
        {
            "row": row,
            "photo": Path(each.photo).name,
            "number": each.number,
            "sample": each.sample,
            "picture": _embedded(each.crop),
            "name": None if each.named is None else each.named.taxon,
            "unknown": each.named is not None and counts_as_unknown(each.named),
            "several": each.several if (each.several or 0) > SEVERAL else None,
            "probability": None if each.named is None else each.named.probability,
        }
        for row, each in enumerate(animals, start=FIRST_ROW)
    ]
    environment = Environment(
        loader=PackageLoader("berlese.exchange"), autoescape=True, trim_blocks=True
    )
    page = environment.get_template("review.html.j2").render(sheet=sheet.name, rows=rows)
    path = pictures_beside(sheet)
    write_text_atomic(path, page)
    return path


def _embedded(crop: Path) -> str | None:
    try:
        content = crop.read_bytes()
    except OSError:
        return None
    return data_uri(content, "png")
