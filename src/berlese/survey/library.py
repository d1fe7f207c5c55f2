"""Labelled libraries: which picture shows which taxon.

A library is a folder of folders named after taxa, a CSV with a file and a taxon column, or a
survey whose specimens people have validated. Only names are read here; pictures that turn out
to be unreadable are reported by what opens them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import selectinload

from berlese.classify.naming.reserved import is_reserved
from berlese.errors import LibraryError
from berlese.photos.reading import find_photos
from berlese.survey.failures import Failure
from berlese.survey.sheets import Sheet, read_sheet, shortened
from berlese.survey.spellings import plain_name
from berlese.survey.survey import Survey, is_survey
from berlese.survey.tables import Photo, Specimen, current_specimens, in_force

RANKS = (
    "kingdom",
    "phylum",
    "class",
    "order",
    "suborder",
    "superfamily",
    "family",
    "subfamily",
    "tribe",
    "genus",
    "species",
)
UNRANKED = "taxon"
FILE_COLUMNS = ("file", "filename", "path", "image")
STAGE = "library"
FEW_GROUPS = 5  # as many as a model is held against parts of its library


@dataclass(frozen=True, slots=True)
class Library:
    """Pictures with names.

    Parameters
    ----------
    paths : tuple of Path
        The pictures, in a fixed order.
    labels : tuple of str
        The taxon of each.
    groups : tuple of str, optional
        What must not be split between training and testing, such as the photo that crops come
        from; None where the library does not say.
    rank : str
        Rank of the labels, or ``taxon`` where it is unknown or mixed.
    parents : mapping of str to tuple of str
        Higher taxa of a label, the highest first, as nested folders tell them.
    skipped : int
        Rows without a name.
    failures : tuple of Failure
        Entries that cannot be used.
    ungrouped : int
        Rows without a group, where others have one; each stands for itself.
    """

    paths: tuple[Path, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...] | None
    rank: str
    parents: Mapping[str, tuple[str, ...]]
    skipped: int
    failures: tuple[Failure, ...]
    ungrouped: int = 0


def group_notes(library: Library) -> list[str]:
    """Say what a person should know of a library's groups: missing ones, one, or one a picture."""
    if library.groups is None:
        return []
    n, whole = len(library.paths), len(set(library.groups))
    if library.ungrouped == n:
        return ["No row has a group: the column is empty, each picture stands for itself."]
    notes = []
    if library.ungrouped:
        notes.append(
            f"{library.ungrouped} of {n} rows have no group: each of them stands for itself."
        )
    if whole == 1:
        notes.append(
            "All pictures are of one group: none can be held out, so that nothing is known of "
            "unknown animals, probabilities and errors. Name a column that tells photos apart."
        )
    elif whole == n and not library.ungrouped:
        notes.append(
            "Each picture has a group of its own: grouping changes nothing. If several pictures "
            "are of one photo, name the column that says so."
        )
    elif whole < FEW_GROUPS:
        notes.append(
            f"There are {whole} groups: what is held out is held out in {whole} parts, and figures "
            "that rest on it are coarse."
        )
    return notes


def read_library(path: Path | str, taxon: str = UNRANKED, group: str | None = None) -> Library:
    """Read a library of any of the three kinds.

    Parameters
    ----------
    path : Path or str
        Folder of taxon folders, CSV file, or survey folder.
    taxon : str
        The CSV's column of names. For folders, where it is a rank, the rank of their names.
    group : str, optional
        The CSV's column of groups.

    Raises
    ------
    LibraryError
        If there is nothing to read, no picture has a name, or one name stands in two spellings.
    """
    path = Path(path)
    if path.is_dir() and is_survey(path):
        library = _from_survey(path)
    elif path.is_dir():
        library = _from_folders(path, taxon)
    elif path.is_file():
        library = _from_csv(path, taxon, group)
    else:
        raise LibraryError(
            f"{path}: does not exist; expected a folder per taxon, a CSV file or a survey."
        )
    if group is not None and library.groups is None:
        raise LibraryError(f"{path}: only a CSV library has a group column, got {group!r}.")
    if not library.paths:
        raise LibraryError(f"{path}: the library is empty: {_why_empty(library, path)}")
    _refuse_two_spellings(path, library.labels)
    return library


def _refuse_two_spellings(path: Path, labels: Sequence[str]) -> None:
    """Refuse names that differ by case only: a model would take them for two taxa."""
    counts = Counter(labels)
    spelled: dict[str, str] = {}
    for name in sorted(counts):
        other = spelled.setdefault(name.casefold(), name)
        if other != name:
            raise LibraryError(
                f"{path}: {other!r} ({counts[other]} pictures) and {name!r} ({counts[name]}) "
                "differ by case only; spell them in one way."
            )


def _why_empty(library: Library, path: Path) -> str:
    if library.failures:
        first = library.failures[0]
        return f"none of its {len(library.failures)} entries can be used; {first.reason}"
    if library.skipped:
        return f"none of its {library.skipped} entries has a name."
    if is_survey(path):
        return "no specimen of this survey is validated by a person yet."
    return "expected folders named after taxa, with pictures inside."


def _from_folders(root: Path, taxon: str) -> Library:
    paths, labels, failures = [], [], []
    parents: dict[str, tuple[str, ...]] = {}
    for photo in find_photos([root]):
        names = tuple(_name(part) for part in photo.relative_to(root).parent.parts)
        if not names:
            reason = "lies in no taxon's folder; put it into one, or remove it."
            failures.append(Failure(str(photo), STAGE, reason))
            continue
        label, above = names[-1], names[:-1]
        if parents.setdefault(label, above) != above:
            raise LibraryError(
                f"{root}: folder {label!r} stands under {'/'.join(parents[label]) or '.'!r} and "
                f"under {'/'.join(above) or '.'!r}; the folder that holds the pictures must "
                "bear the taxon's name, at one place."
            )
        paths.append(photo)
        labels.append(label)
    rank = taxon if taxon in RANKS else _rank_by_ending(labels)
    return Library(tuple(paths), tuple(labels), None, rank, parents, 0, tuple(failures))


def _rank_by_ending(labels: Sequence[str]) -> str:
    """Tell families by the ending that zoology's code prescribes for them."""
    families = bool(labels) and all(label.endswith("idae") for label in labels)
    return "family" if families else UNRANKED


def _from_csv(path: Path, taxon: str, group: str | None) -> Library:
    sheet = read_sheet(path, LibraryError)
    file_column = _column(sheet, FILE_COLUMNS, "")
    taxon_column = _column(sheet, (taxon,), " (--taxon)")
    group_column = _column(sheet, (group,), " (--group)") if group is not None else None
    found: dict[Path, tuple[str, str]] = {}
    failures, skipped, ungrouped = [], 0, 0
    for line, row in sheet.rows:
        label = _name(row[taxon_column])
        if not label:
            skipped += 1
            continue
        picture = path.parent / row[file_column].replace("\\", "/")
        member = row[group_column] if group_column is not None else ""
        reason = _reason_against(picture, label, found)
        if reason:
            failures.append(Failure(str(picture), STAGE, f"{path.name}, line {line}: {reason}"))
        else:
            # A row without a group stands for itself.
            found[picture] = (label, member or str(picture))
            ungrouped += group is not None and not member
    labels = tuple(label for label, _ in found.values())
    groups = tuple(member for _, member in found.values()) if group is not None else None
    rank = taxon.casefold() if taxon.casefold() in RANKS else _rank_by_ending(labels)
    return Library(tuple(found), labels, groups, rank, {}, skipped, tuple(failures), ungrouped)


def _reason_against(picture: Path, label: str, found: Mapping[Path, tuple[str, str]]) -> str | None:
    if picture in found:
        return f"is listed already, as {found[picture][0]!r}; counted once."
    if not picture.is_file():
        return "the file does not exist; paths are relative to the CSV."
    return None


def _column(sheet: Sheet, spellings: Sequence[str], option: str) -> int:
    places = sheet.places(spellings)
    if not places:
        raise LibraryError(
            f"{sheet.path}: has no column {spellings[0]!r}{option}; "
            f"found {shortened(sheet.header)}."
        )
    return places[0]


def _from_survey(folder: Path) -> Library:
    paths, labels, groups = [], [], []
    ranks: Counter[str] = Counter()
    with Survey.open(folder) as survey, survey.reading() as session:
        query = current_specimens().options(
            selectinload(Specimen.identifications),
            selectinload(Specimen.photo).selectinload(Photo.sample),
        )
        for specimen in session.scalars(query):
            said = in_force(specimen.identifications)
            if said is not None and said.status == "validated" and said.taxon:
                paths.append(survey.absolute(specimen.crop_path))
                labels.append(said.taxon)
                groups.append(specimen.photo.sample_id)
                ranks[said.rank or UNRANKED] += 1
    rank = next(iter(ranks)) if len(ranks) == 1 else UNRANKED
    return Library(tuple(paths), tuple(labels), tuple(groups), rank, {}, 0, ())


def _name(text: str) -> str:
    """Spell a name in one way; refuse those that mean something else in a table."""
    name = plain_name(text)
    if name and is_reserved(name):
        raise LibraryError(
            f"{text!r} cannot be a taxon: tables and sheets use the word for something else. "
            "Rename the folder or the rows, or leave them out (`berlese study --unknowns` takes "
            "pictures of strange taxa)."
        )
    return name
