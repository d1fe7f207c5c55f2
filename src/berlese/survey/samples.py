"""Which photo belongs to which sample: from a CSV sheet, from folders, or one sample a photo.

A sheet has the columns ``photo`` and ``sample`` and, if wanted, ``site``, ``event``, ``date``
(ISO 8601, day.month.year, or with slashes what can be read in one way only), ``latitude`` and
``longitude`` (decimal degrees, WGS 84); Darwin Core's names for them are understood too. What is
known of a sample may stand in any of its rows. Case, order, spaces around values, a byte order
mark, and semicolons or tabs in place of commas do not matter. Every other column (sampling effort,
habitat, ...) is kept as it is given, under Darwin Core's name where it has one: see
`berlese.survey.properties`.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from berlese.errors import SampleSheetError
from berlese.photos.identity import sha256_of
from berlese.survey.properties import EVENT_TERMS, joined, named_columns
from berlese.survey.sheets import Sheet, listed, read_sheet, shortened, storable
from berlese.survey.spellings import NEAR

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "photo": ("photo", "file", "image", "filename"),
    "sample": ("sample", "sampleid", "eventid"),
    "site": ("site", "siteid", "locationid"),
    "event": ("event", "parenteventid"),
    "date": ("date", "eventdate"),
    "latitude": ("latitude", "lat", "decimallatitude"),
    "longitude": ("longitude", "lon", "lng", "decimallongitude"),
}
FIELDS = ("site", "event", "date", "latitude", "longitude")
"""What a sheet says of a sample: one value each."""
TYPED = str.maketrans({",": ".", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
"""How numbers are typed elsewhere, as Python reads them."""
SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MOST_COMPARED = 100_000  # pairs of names, a second of work


@dataclass(frozen=True, slots=True)
class SampleInfo:
    """One sample as the user describes it.

    `properties` are the other columns of the sheet's row: of a photo, rather, since a sheet has a
    row a photo, and no part of what tells samples apart. `stated` are the `FIELDS` that the sheet
    has a value for, `emptied` those that it has a column for, and no value in any row of the
    sample.
    """

    id: str
    site: str
    event: str | None = None
    date: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    properties: Mapping[str, str] = field(default_factory=dict, compare=False)
    stated: frozenset[str] = field(default=frozenset(), compare=False)
    emptied: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One line of a sample sheet."""

    line: int
    photo: str
    sample: SampleInfo


@dataclass(frozen=True, slots=True)
class SampleSheet:
    """A sample sheet that contradicts itself nowhere."""

    path: Path
    rows: tuple[SheetRow, ...]

    def assign(
        self, photos: Sequence[Path], *, known: Collection[Path] = ()
    ) -> dict[Path, SampleInfo]:
        """Find the sample of each photo.

        A row means a photo by its path from the sheet, by the end of its path (such as its
        file name) in any case, or by its file name without suffix; the most exact one counts.

        Parameters
        ----------
        photos : sequence of Path
        known : collection of Path
            Those of them that need no row.

        Raises
        ------
        SampleSheetError
            If a photo has no row, or a row could mean several photos.
        """
        found: dict[Path, SampleInfo] = {}
        lines: dict[Path, int] = {}
        index = _index_by_spelling(photos)
        for row in self.rows:
            for photo in self._meant(row, index):
                if photo in found and found[photo] != row.sample:
                    raise SampleSheetError(
                        f"{self.path}, lines {lines[photo]} and {row.line}: {photo.name!r} is "
                        f"put into {found[photo].id!r} and {row.sample.id!r}; keep one of them."
                    )
                lines[photo] = row.line
                found[photo] = _with_properties_of(row.sample, found.get(photo))
        missing = [str(each) for each in photos if each not in found and each not in known]
        if missing:
            raise SampleSheetError(
                f"{self.path}: has no row for {len(missing)} of {len(photos)} photos "
                f"({shortened(missing)}); add their rows, or leave these photos out."
                f"{_hint_at(self.idle_rows(photos))}"
            )
        return found

    def idle_rows(self, photos: Sequence[Path]) -> list[str]:
        """Name the rows that mean none of the photos, with line, value and what may be meant.

        What may be meant is the photo of the nearest name among those that no row means; rows
        that have one come first.
        """
        index = _index_by_spelling(photos)
        meant = [self._matches(row, index) for row in self.rows]
        idle = [row for row, matches in zip(self.rows, meant, strict=True) if not matches]
        near = _nearest(idle, set(photos).difference(*meant))
        return [
            f"line {row.line} ({row.photo!r}"
            + (f"; perhaps {near[row.line]!r})" if row.line in near else ")")
            for row in sorted(idle, key=lambda row: row.line not in near)
        ]

    def photos_meant(self, photos: Sequence[Path]) -> set[Path]:
        """Find the photos that a row means, and means alone."""
        index = _index_by_spelling(photos)
        meant = [self._matches(row, index) for row in self.rows]
        return {matches[0] for matches in meant if len(matches) == 1}

    def several_values(self) -> list[str]:
        """Name the properties of a sampling event that the rows of one sample state differently."""
        by_sample: dict[str, list[Mapping[str, str]]] = defaultdict(list)
        for row in self.rows:
            by_sample[row.sample.id].append(row.sample.properties)
        return [
            f"{self.path.name}: sample {sample!r} has several values of {term}: {value}."
            for sample, rows in by_sample.items()
            for term, value in joined(rows).items()
            if term in EVENT_TERMS and len({row[term] for row in rows} - {""}) > 1
        ]

    def _meant(self, row: SheetRow, index: Mapping[str, Sequence[Path]]) -> Sequence[Path]:
        """Find the photo of a row, refusing a row that could mean several."""
        matches = self._matches(row, index)
        if len(matches) > 1:
            raise SampleSheetError(
                f"{self.path}, line {row.line}: {row.photo!r} could be any of "
                f"{shortened([str(match) for match in matches])}; "
                "write the path from the sheet's folder."
            )
        return matches

    def _matches(self, row: SheetRow, index: Mapping[str, Sequence[Path]]) -> Sequence[Path]:
        """List the photos under the most exact spelling of a row that any photo has."""
        wanted = composed(row.photo.replace("\\", "/"))
        exact = composed((self.path.parent / wanted).resolve().as_posix())
        tail = "/".join(part for part in PurePosixPath(wanted).parts if part != ".")
        keys = (exact, f"*/{tail}", f"*/{tail.casefold()}", f"*/{tail}.*")
        return next((index[key] for key in keys if key in index), ())


def composed(text: str) -> str:
    """Spell accents in one way: macOS splits them in the names of files, sheets do not."""
    return unicodedata.normalize("NFC", text)


def _hint_at(idle: Sequence[str]) -> str:
    """Show rows that mean no photo: often the ones that are missed, spelled otherwise."""
    if not idle:
        return ""
    return (
        f" These rows mean no photo: {listed(idle)}; a row names a photo by its path from the "
        "sheet's folder, or by its file name."
    )


def _nearest(rows: Sequence[SheetRow], photos: Iterable[Path]) -> dict[int, str]:
    """Find for the lines of rows the name of a photo that is spelled nearly so, if there is one.

    Rows are looked at as long as the comparisons stay few: where most rows and photos miss each
    other, something else is wrong than the spelling of a name.
    """
    names = {
        composed(spelling).casefold(): photo.name
        for photo in sorted(photos)
        for spelling in (photo.name, photo.stem)
    }
    near = {}
    for row in rows[: MOST_COMPARED // max(1, len(names))]:
        written = PurePosixPath(composed(row.photo.replace("\\", "/"))).name.casefold()
        if found := get_close_matches(written, names, n=1, cutoff=NEAR):
            near[row.line] = names[found[0]]
    return near


def _with_properties_of(sample: SampleInfo, other: SampleInfo | None) -> SampleInfo:
    """Keep what two rows of one photo say of it."""
    if other is None:
        return sample
    return replace(sample, properties=joined([other.properties, sample.properties]))


def _index_by_spelling(photos: Iterable[Path]) -> dict[str, list[Path]]:
    """List the photos under each spelling that could mean them."""
    index: dict[str, list[Path]] = defaultdict(list)
    for photo in photos:
        whole = photo.resolve()
        tails = ["/".join(whole.parts[start:]) for start in range(1, len(whole.parts))]
        spellings = {whole.as_posix(), f"*/{whole.stem}.*"}
        spellings |= {f"*/{tail}" for tail in tails} | {f"*/{tail.casefold()}" for tail in tails}
        for spelling in {composed(each) for each in spellings}:
            index[spelling].append(photo)
    return index


def read_sample_sheet(path: Path) -> SampleSheet:
    """Read and check a sample sheet.

    Raises
    ------
    SampleSheetError
        Names the file, the line, the value and what was expected.
    """
    sheet = read_sheet(path, SampleSheetError)
    columns = _find_columns(sheet)
    others = named_columns(sheet, taken=columns.values())
    rows = []
    for line, cells in sheet.rows:
        values = {name: cells[at] for name, at in columns.items()}
        row = _row(path, line, values)
        properties = {name: cells[at] for name, at in others.items()}
        rows.append(replace(row, sample=replace(row.sample, properties=properties)))
    return SampleSheet(path.resolve(), tuple(_filled(path, rows, columns)))


def hash_of_sheet(path: Path | None) -> dict[str, str]:
    """Hash a sheet for table `run`; empty without one.

    Raises
    ------
    SampleSheetError
        If it cannot be read, or is wrong.
    """
    if path is None:
        return {}
    read_sample_sheet(path)
    return {"samples": sha256_of(path)}


def _find_columns(sheet: Sheet) -> dict[str, int]:
    columns: dict[str, int] = {}
    for column, spellings in COLUMNS.items():
        places = sheet.places(spellings)
        if len(places) > 1:
            both = shortened([sheet.header[at] for at in places])
            raise SampleSheetError(f"{sheet.path}: several columns for {column}: {both}; keep one.")
        if places:
            columns[column] = places[0]
    for needed in ("photo", "sample"):
        if needed not in columns:
            raise SampleSheetError(
                f"{sheet.path}: has no column {needed!r}; found {shortened(sheet.header)}. "
                "Expected photo, sample and, if wanted, site, event, date, latitude, longitude."
            )
    return columns


def _row(path: Path, line: int, values: Mapping[str, str]) -> SheetRow:
    where = f"{path}, line {line}"
    for needed in ("photo", "sample"):
        if not values[needed]:
            raise SampleSheetError(f"{where}: {needed} is empty.")
    degrees = {
        name: _degrees(where, name, values.get(name, ""), limit)
        for name, limit in (("latitude", 90), ("longitude", 180))
    }
    if (degrees["latitude"] is None) != (degrees["longitude"] is None):
        raise SampleSheetError(f"{where}: give latitude and longitude, or neither.")
    sample = SampleInfo(
        id=values["sample"],
        site=values.get("site", ""),
        event=values.get("event") or None,
        date=_iso_date(where, values.get("date", "")),
        latitude=degrees["latitude"],
        longitude=degrees["longitude"],
    )
    return SheetRow(line, values["photo"], sample)


def _degrees(where: str, name: str, value: str, limit: int) -> float | None:
    if not value:
        return None
    spelled = value.translate(TYPED)
    number = float(spelled) if NUMBER.fullmatch(spelled) else float("nan")
    if not -limit <= number <= limit:
        raise SampleSheetError(
            f"{where}: {name} is {value!r}; expected decimal degrees from -{limit} to {limit}."
        )
    return number


def _iso_date(where: str, value: str) -> str | None:
    """Read a year, month, day, time or an interval of two (``2024-05-01/2024-05-08``) as ISO 8601.

    Days with dots (``1.5.2024``), which have the day first wherever they are used, are turned, and
    so are days with slashes that can be read in one way only (``31/05/2024``).
    """
    if not value:
        return None
    if slashed := SLASHED.fullmatch(value):
        return _one_reading(where, value, *map(int, slashed.groups()))
    try:
        parts = [_one_date(part.strip()) for part in value.split("/", 1)]
    except ValueError:
        raise SampleSheetError(
            f"{where}: date is {value!r}; expected YYYY-MM-DD, such as 2024-05-31."
        ) from None
    if parts != sorted(parts, key=lambda part: part[: len(parts[0])]):
        raise SampleSheetError(f"{where}: date is {value!r}, which ends before it begins.")
    return "/".join(parts)


def _one_reading(where: str, value: str, first: int, second: int, year: int) -> str:
    """Read a date with slashes, which has the day first or the month first."""
    readings = set()
    for day, month in ((first, second), (second, first)):
        try:
            readings.add(datetime(year, month, day).date().isoformat())
        except ValueError:
            continue
    if len(readings) == 1:
        return readings.pop()
    why = f"which can be {' or '.join(sorted(readings))}" if readings else "which is no day"
    raise SampleSheetError(
        f"{where}: date is {value!r}, {why}; expected YYYY-MM-DD, such as 2024-05-31."
    )


def _one_date(text: str) -> str:
    dotted = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", text)
    if dotted:
        day, month, year = map(int, dotted.groups())
        return datetime(year, month, day).date().isoformat()
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        datetime.fromisoformat(f"{text}-01-01"[:10])
        return text
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", text):
        raise ValueError(text)
    datetime.fromisoformat(text)
    return text.replace(" ", "T")


def _filled(path: Path, rows: Sequence[SheetRow], columns: Collection[str]) -> list[SheetRow]:
    """Give all rows of a sample what any of them says of it; two rows must not say two things."""
    ours = frozenset(FIELDS).intersection(columns)
    said: dict[str, dict[str, tuple[int, str | float]]] = defaultdict(dict)
    for row in rows:
        for name in FIELDS:
            value = getattr(row.sample, name)
            if value in (None, ""):
                continue
            line, known = said[row.sample.id].setdefault(name, (row.line, value))
            if known != value:
                raise SampleSheetError(
                    f"{path}, lines {line} and {row.line}: sample {row.sample.id!r} has "
                    f"{name} {known!r} and {value!r}; a sample has one."
                )
    filled = []
    for row in rows:
        known_of: dict[str, Any] = {name: value for name, (_, value) in said[row.sample.id].items()}
        stated = frozenset(known_of)
        sample = replace(
            row.sample,
            **({"site": row.sample.id} | known_of),
            stated=stated,
            emptied=ours - stated,
        )
        filled.append(replace(row, sample=sample))
    return filled


def samples_from_folders(
    photos: Sequence[tuple[Path, Path | None]], taken: Collection[str] = ()
) -> dict[Path, SampleInfo]:
    """Name samples without a sheet.

    A photo in a sub-folder of a folder that the user gave belongs to the sample of that
    sub-folder (``site/sample`` where they nest); any other photo is a sample by itself, named
    by its file.

    Parameters
    ----------
    photos : sequence of (Path, Path or None)
        Each photo and the folder that it was found in, None if the photo itself was given.
    taken : collection of str
        Names that other photos' samples bear already.
    """
    samples: dict[Path, SampleInfo] = {}
    single: list[Path] = []
    for photo, folder in photos:
        inner = photo.relative_to(folder).parent if folder is not None else Path()
        if inner.parts:
            site = inner.parts[0] if len(inner.parts) > 1 else inner.as_posix()
            samples[photo] = SampleInfo(storable(inner.as_posix()), storable(site))
        else:
            single.append(photo)
    used = {info.id for info in samples.values()} | set(taken)
    for photo, name in _distinct_names(single, used).items():
        samples[photo] = SampleInfo(name, name)
    return samples


def _distinct_names(photos: Sequence[Path], used: Collection[str]) -> dict[Path, str]:
    """Name each photo by its stem, or by as much more of its path as tells it from others."""
    spellings: tuple[Callable[[Path], str], ...] = (
        lambda photo: photo.stem,
        lambda photo: f"{photo.parent.name}/{photo.stem}",
        lambda photo: f"{photo.parent.name}/{photo.name}",
    )
    names: dict[Path, str] = {}
    left = list(photos)
    for spell in spellings:
        spelled = {photo: storable(spell(photo)) for photo in left}
        counts = Counter(spelled.values())
        names |= {
            photo: name for photo, name in spelled.items() if counts[name] == 1 and name not in used
        }
        left = [photo for photo in left if photo not in names]
    return names | {photo: storable(photo.as_posix()) for photo in left}
