"""The survey folder: made, opened, refused, locked."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from berlese.errors import SettingError, SurveyError
from berlese.survey.survey import Survey, SurveySettings
from berlese.survey.tables import Run, Sample


def test_a_new_survey_holds_what_the_design_says(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "my survey"
    Survey.create(folder, SurveySettings("Moor 2026", mm_per_pixel=0.02)).close()
    for name in ("survey.toml", "survey.db", "crops", "features", "models", "exports"):
        assert (folder / name).exists()
    content = tomllib.loads((folder / "survey.toml").read_text(encoding="utf-8"))
    assert content == {
        "name": "Moor 2026",
        "taxonomy": "",
        "mm_per_pixel": 0.02,
        "basis_of_record": "MachineObservation",
    }


@given(
    name=st.text(st.characters(exclude_categories=["Cs"])),
    scale=st.none() | st.floats(1e-6, 1e3),
    basis=st.sampled_from(["MachineObservation", "PreservedSpecimen"]),
)
def test_settings_come_back_from_toml(name: str, scale: float | None, basis: str) -> None:
    settings = SurveySettings(name, name[::-1], scale, basis)
    content = tomllib.loads(settings.to_toml())
    assert SurveySettings(**content) == settings


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_is_refused(scale: float) -> None:
    with pytest.raises(SettingError, match="above 0"):
        SurveySettings("x", mm_per_pixel=scale)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("nam = 'x'", "unknown key 'nam'"),
        ("mm_per_pixel = '0.1'", "must be a number"),
        ("mm_per_pixel = true", "must be a number"),
        ("mm_per_pixel = -3", "above 0"),
        ("name = 3", "must be text"),
        ("basis_of_record = 'Photo'", "must be one of"),
        ("name = ", "TOML"),
    ],
)
def test_wrong_settings_are_refused_with_file_and_value(
    tmp_path: Path, toml: str, message: str
) -> None:
    Survey.create(tmp_path / "s").close()
    (tmp_path / "s" / "survey.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(SurveyError, match=r"survey\.toml") as caught:
        Survey.open(tmp_path / "s")
    assert message in str(caught.value)


def test_a_folder_without_a_survey_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="berlese init"):
        Survey.open(tmp_path)


def test_a_survey_is_not_made_twice_but_opened(tmp_path: Path) -> None:
    Survey.create(tmp_path, SurveySettings("first")).close()
    with pytest.raises(SurveyError, match="already"):
        Survey.create(tmp_path)
    with Survey.open_or_create(tmp_path, SurveySettings("second")) as survey:
        assert survey.settings.name == "first"


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("not a folder")
    with pytest.raises(SurveyError, match="no survey can be made here"):
        Survey.create(tmp_path / "s")


def test_a_missing_database_is_not_quietly_replaced(tmp_path: Path) -> None:
    Survey.create(tmp_path).close()
    (tmp_path / "survey.db").unlink()
    with pytest.raises(SurveyError, match="missing"):
        Survey.open(tmp_path)


def test_a_damaged_database_is_a_clear_error(tmp_path: Path) -> None:
    Survey.create(tmp_path).close()
    (tmp_path / "survey.db").write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(SurveyError, match="cannot be used as a database"):
        Survey.open(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with Survey.create(tmp_path) as survey, survey.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SurveyError, match="newer than this berlese"):
        Survey.open(tmp_path)


def test_a_creation_killed_half_way_is_completed(tmp_path: Path) -> None:
    Survey.create(tmp_path).close()
    (tmp_path / "survey.toml").unlink()  # the last thing that a creation writes
    with Survey.create(tmp_path, SurveySettings("again")) as survey:
        assert survey.settings.name == "again"


def test_the_database_keeps_foreign_keys_and_a_write_ahead_log(survey: Survey) -> None:
    with survey.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_folder_name_with_percent_and_quotes_is_only_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "50% 'of' ü 🐞"
    Survey.create(folder).close()
    with Survey.open(folder) as survey:
        assert survey.settings.name == folder.name


def test_an_error_takes_back_the_whole_transaction(survey: Survey) -> None:
    def fail() -> None:
        with survey.writing() as session:
            session.add(Sample(id="s", site="s"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with survey.reading() as session:
        assert session.get(Sample, "s") is None


HOLD = """
import sys, time
from berlese.survey.survey import Survey
with Survey.open(sys.argv[1]) as survey, survey.exclusive():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_two_processes_cannot_work_on_one_survey_but_a_killed_one_holds_no_lock(
    survey: Survey,
) -> None:
    arguments = [sys.executable, "-c", HOLD, str(survey.folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(SurveyError, match="another berlese"), survey.exclusive():
            pass
        with survey.writing() as session:  # a short write, as of a reviewer, is free
            session.add(Sample(id="s", site="s"))
        process.kill()
    with survey.exclusive(), survey.exclusive():
        pass


def test_paths_are_stored_relative_with_forward_slashes(survey: Survey) -> None:
    photo = survey.folder.parent / "photos" / "a b.jpg"
    assert survey.relative(photo) == "../photos/a b.jpg"
    assert survey.absolute("../photos/a b.jpg") == photo


def test_a_run_is_recorded_and_its_end_only_if_it_ended(survey: Survey) -> None:
    with survey.recorded("segment", {"seed": 1}, {"a.jpg": "00"}):
        pass
    with pytest.raises(ZeroDivisionError), survey.recorded("embed", {}, {}):
        raise ZeroDivisionError
    with survey.reading() as session:
        first, second = session.query(Run).order_by(Run.id).all()
    assert (first.command, first.settings, first.input_hashes) == (
        "segment",
        {"seed": 1},
        {"a.jpg": "00"},
    )
    assert first.finished_at is not None
    assert second.finished_at is None
