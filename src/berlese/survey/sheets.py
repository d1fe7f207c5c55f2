"""CSV files that people and spreadsheets write, and those that are written for them.

Read are any of comma, semicolon or tab, any line ends, any letter case. Spreadsheet programs add
byte order marks, blank lines, spaces and empty columns; none of them matters here. What a column
means is left to the caller.

A spreadsheet takes a cell that starts with ``= + - @`` or a tab for a formula, and names come from
elsewhere: such text is written with an apostrophe before it (numbers are not), and read without.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from berlese.errors import BerleseError
from berlese.photos.writing import write_text_atomic

SHOWN = 8  # names listed in a message
FORMULA = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]\s*\S|[ ']*[\t\r\n]")
"""How text starts that a spreadsheet may run; wide signs too, as those of Japan's do."""
NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file as text cells.

    Parameters
    ----------
    path : Path
        The file.
    header : tuple of str
        Column names as written, without space around them.
    rows : tuple of (int, tuple of str)
        Line in the file (the last one, where a cell spans lines) and the cells without space
        around them, as many as the header has. Blank rows are left out.
    delimiter : str
        What separates the cells.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    delimiter: str

    def places(self, spellings: Sequence[str]) -> list[int]:
        """Find the columns whose name is one of `spellings`, whatever case, space, - and _."""
        wanted = {folded(name) for name in spellings}
        return [at for at, name in enumerate(self.header) if folded(name) in wanted]


def read_sheet(path: Path, error: type[BerleseError], *, exact: bool = False) -> Sheet:
    """Read a CSV file; problems are raised as `error`, naming the file and the line.

    Parameters
    ----------
    path : Path
    error : type
    exact : bool
        Of a sheet that `write_sheet` wrote: keep the space around text, and take one without rows.
    """
    clean = without_guard if exact else _plain
    text = _read_text(path, error)
    lines = list(io.StringIO(text, newline=""))
    start = next((at for at, line in enumerate(lines) if line.strip(" \t\r\n,;")), None)
    if start is None:
        raise error(f"{path}: is empty; expected a header and rows.")
    said = re.fullmatch(r"sep=(.)\s*", lines[start])  # Excel's own way to name the delimiter
    start += said is not None
    unquoted = re.sub(r'"[^"]*"', "", lines[start])
    delimiter = said[1] if said else max(",;\t", key=unquoted.count)
    reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
    rows = []
    try:
        header = tuple(_plain(cell) for cell in next(reader))
        for cells in reader:
            plain = [clean(cell) for cell in cells]
            line = start + reader.line_num
            if any(plain[len(header) :]):
                raise error(
                    f"{path}, line {line}: has more cells than the header ({len(plain)} for "
                    f"{len(header)}); put text that holds {delimiter!r} in double quotes."
                )
            if any(plain):
                plain += [""] * (len(header) - len(plain))
                rows.append((line, tuple(plain[: len(header)])))
    except csv.Error as problem:
        line = start + reader.line_num
        raise error(
            f"{path}, line {line}: cannot be read as CSV ({problem}); is a double quote left open?"
        ) from problem
    if not rows and not exact:
        raise error(f"{path}: has a header, but no rows.")
    return Sheet(path, header, tuple(rows), delimiter)


def write_sheet(path: Path, header: Iterable[object], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file for R and for spreadsheets, whole or not at all.

    `read_sheet` reads the same text again, but for space around it; names that are not UTF-8 are
    spelled out.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    header : iterable of str
    rows : iterable of iterable
        Text and numbers; None is an empty cell.
    """
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    # Before Python 3.13 csv does not see that a lone carriage return needs quotes.
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in chain([header], rows):
        cells = [_guarded(value) for value in row]
        breaks = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoting if breaks else plain).writerow(cells)
    write_text_atomic(path, text.getvalue())


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as `write_sheet` does, its index left out."""
    write_sheet(path, table.columns, table.itertuples(index=False, name=None))


def storable(text: str) -> str:
    """Spell out the bytes of a name that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def without_guard(cell: str) -> str:
    """Give the text that `write_sheet` wrote a cell for."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    return without_guard(cell.lstrip(" ")).strip()


def _guarded(value: object) -> object:
    """Keep text from being run as a formula; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    return f"'{value}" if FORMULA.match(value) and not NUMBER.fullmatch(value) else value


def shortened(names: Sequence[str]) -> str:
    """List names in quotes, the first few of many."""
    return listed([repr(name) for name in names])


def listed(parts: Sequence[str]) -> str:
    """List parts of a message, the first few of many."""
    shown = ", ".join(parts[:SHOWN])
    return shown + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")


def folded(name: str) -> str:
    """Spell a column's name so that case, space, - and _ do not matter."""
    return re.sub(r"[\s_-]", "", name).casefold()


def _read_text(path: Path, error: type[BerleseError]) -> str:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror}).") from problem
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise error(f"{path}, line {line}: is not UTF-8; save it as 'CSV UTF-8'.") from problem
    if "\0" in text:
        raise error(f"{path}: is no text file; expected CSV.")
    return text
