"""CSV files that people write: any of comma, semicolon or tab, any line ends, any letter case.

Spreadsheet programs add byte order marks, blank lines, spaces and empty columns; none of them
matters here. What a column means is left to the caller.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from berlese.errors import BerleseError

SHOWN = 8  # names listed in a message


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
        wanted = {_fold(name) for name in spellings}
        return [at for at, name in enumerate(self.header) if _fold(name) in wanted]


def read_sheet(path: Path, error: type[BerleseError]) -> Sheet:
    """Read a CSV file; problems are raised as `error`, naming the file and the line."""
    text = _read_text(path, error)
    lines = list(io.StringIO(text, newline=""))
    start = next((at for at, line in enumerate(lines) if line.strip(" \t\r\n,;")), None)
    if start is None:
        raise error(f"{path}: is empty; expected a header and rows.")
    said = re.fullmatch(r"sep=(.)\s*", lines[start])  # Excel's own way to name the delimiter
    start += said is not None
    delimiter = said[1] if said else max(",;\t", key=lines[start].count)
    reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
    rows = []
    try:
        header = tuple(cell.strip() for cell in next(reader))
        for cells in reader:
            plain = [cell.strip() for cell in cells]
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
    if not rows:
        raise error(f"{path}: has a header, but no rows.")
    return Sheet(path, header, tuple(rows), delimiter)


def shortened(names: Sequence[str]) -> str:
    """List names in quotes, the first few of many."""
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _fold(name: str) -> str:
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
