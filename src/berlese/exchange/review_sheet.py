"""A sheet of animals to look at, as CSV: written by berlese, filled in by a person, read again.

A row an animal: what the program knows (``occurrenceID, eventID, photo, organismNumber, crop,
predicted, bestTaxon, classificationProbability, severalProbability``), and two cells to fill:
``scientificName`` and ``identificationVerificationStatus``. ``predicted`` is ``unknown`` where no
name counts; ``bestTaxon``, which the probability is of, is a hint there. A name alone is a
validated name; ``validated`` alone confirms the predicted one; ``unknown``, ``dubious`` and
``discarded`` (no animal) need no name. A name with a question mark or ``cf.`` is dubious, unless
``validated`` stands beside it. Rows where both are empty were not looked at. Other columns, and
the order of all, are free: sheets of before there was ``bestTaxon`` have the hint in ``predicted``,
and ``validated`` confirms it.
Beside it lies a page with the animals' pictures, by the rows of the sheet.
"""

from collections.abc import Sequence
from pathlib import Path

from berlese.classify.naming.reserved import NO_ANIMAL, UNKNOWN
from berlese.errors import ExchangeFormatError
from berlese.exchange.review_pictures import pictures_beside
from berlese.survey.failures import Failure
from berlese.survey.reviewing import SPOKEN, STAGE, Animal, GivenName
from berlese.survey.sheets import Sheet, read_sheet, write_sheet
from berlese.survey.tables import counts_as_unknown

ID, NAME, STATUS = "occurrenceID", "scientificName", "identificationVerificationStatus"
SHOWN, HINT = "predicted", "bestTaxon"
STATUS_WORDS = {word: word for word in SPOKEN} | {NO_ANIMAL: "discarded"}
COLUMNS = (
    ID,
    "eventID",
    "photo",
    "organismNumber",
    "crop",
    SHOWN,
    HINT,
    "classificationProbability",
    "severalProbability",
    NAME,
    STATUS,
)


def write_review_sheet(path: Path, animals: Sequence[Animal]) -> None:
    """Write animals to look at into a new file.

    Raises
    ------
    ExchangeFormatError
        If the file exists, or the page beside it: what a person filled in is not overwritten.
    """
    for each in (path, pictures_beside(path)):
        if each.exists():
            raise ExchangeFormatError(
                f"{each}: exists, and may hold what someone filled in; choose another name."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sheet(path, COLUMNS, map(_row, animals))


def _row(animal: Animal) -> tuple[object, ...]:
    word = animal.named
    best = "" if word is None or word.taxon is None else word.taxon
    unknown = word is not None and counts_as_unknown(word)
    sure = "" if word is None or word.probability is None else f"{word.probability:.4f}"
    several = "" if animal.several is None else f"{animal.several:.4f}"
    where = (animal.specimen_id, animal.sample, animal.photo, animal.number)
    return (
        *where,
        animal.crop.as_posix(),
        UNKNOWN if unknown else best,
        best,
        sure,
        several,
        "",
        "",
    )


def read_review_sheet(path: Path) -> tuple[list[GivenName], list[Failure]]:
    """Read a sheet that a person filled in.

    Returns
    -------
    names : list of GivenName
    failures : list of Failure
        Rows that say what cannot be said.

    Raises
    ------
    ExchangeFormatError
        If the file cannot be read, or lacks a column.
    """
    sheet = read_sheet(path, ExchangeFormatError)
    at_id, at_name, at_status = (_place(sheet, column) for column in (ID, NAME, STATUS))
    at_shown = next(iter(sheet.places([SHOWN])), None)
    names, failures = [], []
    for line, cells in sheet.rows:
        taxon, status = _said(cells[at_name], cells[at_status])
        where = f"{path}, line {line}"
        if taxon is None and not status:
            continue
        insists, status = bool(status), status or "validated"
        if status not in SPOKEN or not cells[at_id]:
            reason = f"{STATUS} {status!r} is none of {', '.join(SPOKEN)}."
            failures.append(Failure(where, STAGE, reason if cells[at_id] else f"has no {ID}."))
            continue
        shown = cells[at_shown] if at_shown is not None else ""
        names.append(GivenName(cells[at_id], taxon, status, where, shown or None, insists))
    return names, failures


def _said(name: str, status: str) -> tuple[str | None, str]:
    """Understand a status that was typed in place of a name."""
    word = STATUS_WORDS.get(name.casefold())
    if word is not None and not status:
        return None, word
    return name or None, status.casefold()


def _place(sheet: Sheet, column: str) -> int:
    places = sheet.places([column])
    if len(places) != 1:
        raise ExchangeFormatError(
            f"{sheet.path}: has {len(places)} columns {column}, expected one; "
            "`berlese plan` writes such a sheet."
        )
    return places[0]
