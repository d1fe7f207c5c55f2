"""Where a model's taxonomy comes from: a table that a person gives, or nested library folders.

The table is a CSV with a row a taxon of the library: its name (column ``taxon`` or
``scientificName``, else that of the lowest rank) and a column a higher rank (``family``,
``superfamily``, ``order``, ...). Folders tell what is above what; their ranks are known where names
end as zoology's code wants it, else they are called ``taxon``.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from berlese.classify.naming.reserved import is_reserved
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.errors import LibraryError, SettingError
from berlese.survey.library import RANKS, UNRANKED, Library
from berlese.survey.sheets import read_sheet, shortened

NAME_COLUMNS = ("taxon", "scientificName", "name")
ENDINGS = {
    "ini": "tribe",
    "inae": "subfamily",
    "idae": "family",
    "oidea": "superfamily",
    "ptera": "order",
}


def taxonomy_for(library: Library, table: Path | None = None) -> Taxonomy | None:
    """Tell what stands above a library's taxa; None where nothing says so.

    Parameters
    ----------
    library : Library
    table : Path, optional
        CSV file; goes before nested folders.

    Raises
    ------
    LibraryError
        If the table cannot be read, contradicts itself or lacks a taxon of the library.
    """
    if table is not None:
        return read_taxonomy(table, sorted(set(library.labels)))
    depth = max((len(names) for names in library.parents.values()), default=0)
    if not depth:
        return None
    above = {
        taxon: ("",) * (depth - len(names)) + tuple(reversed(names))
        for taxon, names in library.parents.items()
    }
    ranks = tuple(_rank_of({names[level] for names in above.values()}) for level in range(depth))
    return Taxonomy(ranks, above)


def _rank_of(names: Collection[str]) -> str:
    """Name the rank of folders beside each other by the ending that all share."""
    given = [name for name in names if name]
    for ending, rank in ENDINGS.items():
        if all(name.endswith(ending) for name in given):
            return rank
    return UNRANKED


def read_taxonomy(path: Path, taxa: Sequence[str]) -> Taxonomy:
    """Read a table of higher taxa.

    Parameters
    ----------
    path : Path
    taxa : sequence of str
        Each must have a row.

    Raises
    ------
    LibraryError
        If the file cannot be read, contradicts itself or lacks a taxon.
    """
    sheet = read_sheet(path, LibraryError)
    by_rank = {rank: places[0] for rank in RANKS if (places := sheet.places([rank]))}
    named = sheet.places(NAME_COLUMNS)
    upwards = [rank for rank in reversed(RANKS) if rank in by_rank]
    if not upwards:
        raise LibraryError(
            f"{path}: has no column of a rank ({', '.join(RANKS)}); "
            f"found {shortened(sheet.header)}."
        )
    name_at = named[0] if named else by_rank[upwards.pop(0)]
    rows: dict[str, tuple[str, ...]] = {}
    for line, cells in sheet.rows:
        taxon = cells[name_at]
        # a taxon's own rank may have a column too: it does not stand above itself
        above = tuple("" if cells[by_rank[r]] == taxon else cells[by_rank[r]] for r in upwards)
        if words := [name for name in above if name and is_reserved(name)]:
            raise LibraryError(
                f"{path}, line {line}: {words[0]!r} cannot be a taxon; leave the cell empty where "
                "nothing is known."
            )
        if taxon and rows.setdefault(taxon, above) != above:
            raise LibraryError(f"{path}, line {line}: {taxon!r} has another row, with other taxa.")
    missing = [taxon for taxon in taxa if taxon not in rows]
    if missing:
        raise LibraryError(
            f"{path}: has no row for {shortened(missing)}; add one, with empty cells where "
            "nothing is known."
        )
    try:
        return Taxonomy(tuple(upwards), {taxon: rows[taxon] for taxon in taxa})
    except SettingError as error:
        raise LibraryError(f"{path}: {error}") from error
