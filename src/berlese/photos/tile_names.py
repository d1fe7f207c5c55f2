"""Read from file names where tiles lie: rows and columns, x and y, or a running number.

Only names are looked at. A running number tells the sequence alone; `layout_of_sequence` finds
how many columns there are, and whether the stage came back on each row, from which tiles were
found to lie beside which.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import product

Place = tuple[int, int]
"""Row and column, from any origin."""

_GAP = r"[ _\-.,]*"
_ROW_COLUMN = (
    (re.compile(rf"(?:row|r){_GAP}(\d+){_GAP}(?:column|col|c){_GAP}(\d+)", re.I), False),
    (re.compile(rf"(?:column|col|c){_GAP}(\d+){_GAP}(?:row|r){_GAP}(\d+)", re.I), True),
    (re.compile(rf"y{_GAP}(\d+){_GAP}x{_GAP}(\d+)", re.I), False),
    (re.compile(rf"x{_GAP}(\d+){_GAP}y{_GAP}(\d+)", re.I), True),
    (re.compile(r"(?<!\d)(\d+)[_\-x,](\d+)\D*$"), True),
)
_NUMBER = re.compile(r"(\d+)\D*$")
_MOST_EMPTY = 2.0  # cells of a believable grid, for each tile


def grid_of(stems: Sequence[str]) -> list[Place] | None:
    """Read a row and a column out of every name, or nothing.

    Two bare numbers are x and y: the column first. Numbers may be stage coordinates; they are
    ranked.

    Parameters
    ----------
    stems : sequence of str
        File names without their suffix.

    Returns
    -------
    list of (int, int) or None
        None where a name fits no pattern, two tiles share a place, or the grid is mostly empty.
    """
    for pattern, column_first in _ROW_COLUMN:
        found = [pattern.search(stem) for stem in stems]
        pairs = [(int(each[1]), int(each[2])) for each in found if each]
        if len(pairs) < len(stems):
            continue
        if column_first:
            pairs = [(row, column) for column, row in pairs]
        rows, columns = (sorted({pair[axis] for pair in pairs}) for axis in (0, 1))
        places = [(rows.index(row), columns.index(column)) for row, column in pairs]
        crowded = len(rows) * len(columns) <= _MOST_EMPTY * len(stems)
        if len(set(places)) == len(stems) and crowded and len(stems) > 1:
            return places
    return None


def sequence_of(stems: Sequence[str]) -> list[int] | None:
    """Rank tiles by the last number of their names; None where that tells them not apart."""
    found = [_NUMBER.search(stem) for stem in stems]
    numbers = [int(each[1]) for each in found if each]
    if len(numbers) < len(stems) or len(set(numbers)) < len(stems):
        return None
    ordered = sorted(numbers)
    return [ordered.index(number) for number in numbers]


def layout_of_sequence(
    sequence: Sequence[int], beside: Mapping[tuple[int, int], Place], *, agree: float = 0.8
) -> list[Place] | None:
    """Find the grid through which a sequence of tiles runs.

    Parameters
    ----------
    sequence : sequence of int
        The rank of each tile.
    beside : mapping of (tile, tile) to (int, int)
        For pairs found to be neighbours, the step in rows and columns from the first to the
        second, such as (0, 1) for one to the right.
    agree : float
        Share of these pairs that the grid must explain.

    Returns
    -------
    list of (int, int) or None
        A place a tile; None where no grid explains enough.
    """
    if not beside:
        return None
    best: tuple[float, list[Place]] | None = None
    count = len(sequence)
    for long, flags in product(range(1, count + 1), product((False, True), repeat=4)):
        places = [_place(rank, long, *flags) for rank in sequence]
        right = sum(
            (places[two][0] - places[one][0], places[two][1] - places[one][1]) == step
            for (one, two), step in beside.items()
        )
        share = right / len(beside)
        if best is None or share > best[0] + 1e-9:
            best = (share, places)
    return best[1] if best is not None and best[0] >= agree else None


def _place(
    rank: int, long: int, snake: bool, by_rows: bool, flip_row: bool, flip_column: bool
) -> Place:
    line, along = divmod(rank, long)
    if snake and line % 2:
        along = long - 1 - along
    row, column = (line, along) if by_rows else (along, line)
    return (-row if flip_row else row, -column if flip_column else column)
