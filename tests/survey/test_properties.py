"""The other columns of a sheet of samples: kept as given, found again in the tables."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from berlese.errors import SampleSheetError
from berlese.survey.adding import add_photos
from berlese.survey.community import LONG_COLUMNS, sample_table, write_tables
from berlese.survey.properties import joined
from berlese.survey.samples import read_sample_sheet
from berlese.survey.sheets import read_sheet, write_sheet
from berlese.survey.survey import Survey
from tests.drawing import dish, save

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(str.strip)
HEADER = ("photo", "sample", "Sampling effort", "count", "notes", "notes", "")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos; the third is damaged."""
    for number, name in enumerate("ab"):
        save(tmp_path / "photos" / f"{name}.png", dish(number, 2))
    (tmp_path / "photos" / "c.png").write_bytes(b"no picture")
    return tmp_path / "photos"


def sheet_of(tmp_path: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    write_sheet(tmp_path / "samples.csv", header, rows)
    return tmp_path / "samples.csv"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(WORDS, min_size=5, max_size=5))
def test_a_sheet_gives_every_cell_back_as_it_is(tmp_path: Path, values: list[str]) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, ("a.png", "S1", *values)))
    said = dict(sheet.rows[0].sample.properties)
    without_name = said.pop("column 7", "")
    assert said == dict(
        zip(["samplingEffort", "count", "notes", "notes (2)"], values[:4], strict=True)
    )
    assert without_name == values[4]


def test_the_tables_end_with_what_the_sheet_said(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    rows = [
        ("a.png", "S1", "48 trap nights", "7", "=wet", "", "x"),
        ("b.png", "S1", "48 trap nights", "8", "dry", "", ""),
        ("c.png", "S2", "", "", "-5,3", "later", ""),
    ]
    add_photos(survey, [photos], sheet_of(tmp_path, *rows))
    _, long, samples = (read_sheet(path, SampleSheetError) for path in write_tables(survey))
    ours = ("samplingEffort", "count (sample)", "notes", "notes (2)", "column 7")
    assert long.header == (*LONG_COLUMNS, *ours)
    assert samples.header[-5:] == ("samplingEffort", "count", "notes", "notes (2)", "column 7")
    assert [(cells[0], *cells[-5:]) for _, cells in samples.rows] == [
        ("S1", "48 trap nights", "7 | 8", "=wet | dry", "", "x"),
        ("S2", "", "", "-5,3", "later", ""),
    ]
    assert b"'=wet" in (survey.exports / "samples.csv").read_bytes()
    assert b"'-5,3" not in (survey.exports / "samples.csv").read_bytes()


def test_places_and_dates_are_in_the_table_of_samples(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    header = ("photo", "eventID", "site", "event", "date", "lat", "lon")
    rows = [("a.png", "S1", "Moor", "E", "2026-05", "47.5", "-8.25"), ("b.png", "S2", *[""] * 5)]
    (photos / "c.png").unlink()
    add_photos(survey, [photos], sheet_of(tmp_path, *rows, header=header))
    assert sample_table(survey).to_numpy().tolist() == [
        ["S1", "Moor", "2026-05", 1, 1, "E", 47.5, -8.25],
        ["S2", "S2", "", 1, 1, "", "", ""],
    ]


def test_a_new_sheet_replaces_an_old_one_and_no_sheet_leaves_it(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    header = ("photo", "sample", "habitat")
    rows = [(f"{name}.png", "S", "moor") for name in "abc"]
    add_photos(survey, [photos], sheet_of(tmp_path, *rows, header=header))
    save(photos / "a.png", dish(7, 3))
    add_photos(survey, [photos])
    assert sample_table(survey)["habitat"].tolist() == ["moor"]
    rows = [(f"{name}.png", "S", "wood") for name in "abc"]
    add_photos(survey, [photos], sheet_of(tmp_path, *rows, header=header))
    assert sample_table(survey)["habitat"].tolist() == ["wood"]


def test_two_efforts_of_one_sample_are_pointed_out(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    header = ("photo", "sample", "samplingEffort", "photographer")
    rows = [
        ("a.png", "S", "4 h", "Ada"),
        ("b.png", "S", "5 h", "Eva"),
        ("c.png", "T", "4 h", "Ada"),
    ]
    report = add_photos(survey, [photos], sheet_of(tmp_path, *rows, header=header))
    (note,) = report.notes
    assert "sample 'S' has several values of samplingEffort: 4 h | 5 h" in note


def test_values_are_listed_once_in_their_order() -> None:
    rows = [{"a": "2", "b": ""}, {"a": "1", "b": ""}, {"a": "2", "c": "x"}]
    assert joined(rows) == {"a": "2 | 1", "b": "", "c": "x"}
