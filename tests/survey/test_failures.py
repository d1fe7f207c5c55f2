"""failures.csv: one row a file and stage, gone once the file passes."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from berlese.errors import SurveyError
from berlese.survey.failures import Failure, read_failures, record_failures

NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.sets(NAMES.map("missing-{}".format), min_size=1, max_size=5), reason=NAMES)
def test_any_name_and_reason_come_back(tmp_path: Path, files: set[str], reason: str) -> None:
    (tmp_path / "failures.csv").unlink(missing_ok=True)
    failures = sorted(Failure(file, "add", reason) for file in files)
    record_failures(tmp_path, "add", files, failures)
    assert read_failures(tmp_path) == failures
    with (tmp_path / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["file", "stage", "reason"]


def test_a_file_that_passes_later_leaves_the_list(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").touch()
    bad = [Failure("a.jpg", "add", "damaged"), Failure("b.jpg", "add", "damaged")]
    record_failures(tmp_path, "add", ["a.jpg", "b.jpg"], bad)
    record_failures(tmp_path, "segment", ["a.jpg"], [])
    assert read_failures(tmp_path) == bad
    record_failures(tmp_path, "add", ["a.jpg"], [])
    assert read_failures(tmp_path) == bad[1:]


def test_a_file_that_is_gone_and_not_asked_for_leaves_the_list(tmp_path: Path) -> None:
    gone = [Failure("gone.jpg", "add", "no such file")]
    record_failures(tmp_path, "add", ["gone.jpg"], gone)
    assert read_failures(tmp_path) == gone
    record_failures(tmp_path, "add", ["other.jpg"], [])
    assert read_failures(tmp_path) == []


def test_names_that_are_not_utf8_are_spelled_out_and_leave_again(tmp_path: Path) -> None:
    name = b"\xff.jpg".decode("utf-8", "surrogateescape")
    record_failures(tmp_path, "add", [name], [Failure(name, "add", "bad name")])
    assert read_failures(tmp_path) == [Failure("\\udcff.jpg", "add", "bad name")]
    record_failures(tmp_path, "add", [name], [])
    assert read_failures(tmp_path) == []


def test_the_same_failures_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [Failure("b", "add", "x"), Failure("a", "add", "y")]
    record_failures(tmp_path, "add", ["a", "b"], rows)
    first = (tmp_path / "failures.csv").read_bytes()
    record_failures(tmp_path, "add", ["b", "a"], rows[::-1])
    assert (
        (tmp_path / "failures.csv").read_bytes()
        == first
        == b"file,stage,reason\na,add,y\nb,add,x\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_it_is_read_as_a_spreadsheet_saved_it(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    failures = [
        Failure("a;b, c.jpg", "add", "is cut off;\nuse another"),
        Failure("gone.jpg", "segment", '"=1+1" is no photo'),
        Failure("ü.jpg", "add", "=1+1"),
    ]
    record_failures(tmp_path, "add", [], failures)
    path = tmp_path / "failures.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    assert read_failures(tmp_path) == failures
    record_failures(tmp_path, "add", ["a;b, c.jpg", "gone.jpg", "ü.jpg"], [])
    assert read_failures(tmp_path) == failures[1:2]
    record_failures(tmp_path, "segment", ["gone.jpg"], [])
    assert read_failures(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"file,why\na,b\n", "expected file, stage, reason"), (b"file\xfc,stage\n", "not UTF-8")],
)
def test_a_file_that_is_none_of_ours_is_refused_in_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "failures.csv").write_bytes(content)
    with pytest.raises(SurveyError, match=words):
        read_failures(tmp_path)
