"""CSV files: what is written comes back, and no spreadsheet runs it."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import berlese
from berlese.errors import SampleSheetError
from berlese.survey.sheets import read_sheet, write_sheet

SOURCE = Path(berlese.__file__).parent
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ODD = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "'", "'=", "\t", "＝", ""]), TEXT)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def cells_of(path: Path) -> list[list[str]]:
    """Read a file as a spreadsheet does: by Python's reader, which knows nothing of guards."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@SHARED
@given(rows=st.lists(st.tuples(ODD, ODD), min_size=1, max_size=4))
@example(rows=[("=1+1", "'=1+1")])
@example(rows=[("'-5", "-5")])
@example(rows=[("a\rb", "a\r\nb\nc")])
def test_text_comes_back_but_for_space_around_it(tmp_path: Path, rows) -> None:
    written = [("0", *row) for row in rows]  # a row is never blank
    write_sheet(tmp_path / "t.csv", ("number", "name", "other"), written)
    back = [row for _, row in read_sheet(tmp_path / "t.csv", SampleSheetError).rows]
    assert [[cell.strip() for cell in row] for row in back] == [
        [cell.strip() for cell in row] for row in written
    ]


@SHARED
@given(rows=st.lists(st.tuples(ODD, ODD), min_size=1, max_size=4))
def test_no_text_is_a_formula(tmp_path: Path, rows) -> None:
    write_sheet(tmp_path / "t.csv", ("=name", "@other"), rows)
    for cell in (cell for row in cells_of(tmp_path / "t.csv") for cell in row):
        if len(cell.strip()) > 1 and cell.lstrip()[0] in "=+-@＝＋－＠":
            float(cell.replace(",", "."))  # a signed number is none
        assert not cell.startswith(("\t", "\r"))


def test_numbers_and_dashes_are_written_as_they_are_and_none_is_blank(tmp_path: Path) -> None:
    row = (-3, -0.25, "-3e-5", "-7,5", "-", None)
    write_sheet(tmp_path / "t.csv", "abcdef", [row])
    assert (tmp_path / "t.csv").read_bytes() == b'a,b,c,d,e,f\n-3,-0.25,-3e-5,"-7,5",-,\n'


def test_a_name_that_is_not_utf8_is_spelled_out(tmp_path: Path) -> None:
    name = b"b\xe4r.png".decode("utf-8", "surrogateescape")
    write_sheet(tmp_path / "t.csv", ("file",), [(name,)])
    assert cells_of(tmp_path / "t.csv") == [["file"], ["b\\udce4r.png"]]


def test_the_delimiter_is_not_looked_for_inside_quotes(tmp_path: Path) -> None:
    write_sheet(tmp_path / "t.csv", ("file", "taxon", "a;b;c;d,e"), [("x", "y", "z")])
    assert read_sheet(tmp_path / "t.csv", SampleSheetError).header == ("file", "taxon", "a;b;c;d,e")


@pytest.mark.parametrize("call", ["csv.writer(", "csv.DictWriter(", ".to_csv("])
def test_every_table_goes_through_one_writer(call: str) -> None:
    users = [file for file in SOURCE.rglob("*.py") if call in file.read_text(encoding="utf-8")]
    assert [file.relative_to(SOURCE).as_posix() for file in users] in ([], ["survey/sheets.py"])
