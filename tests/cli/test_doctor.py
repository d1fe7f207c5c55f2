"""`berlese doctor SURVEY`: what it prints, and what it refuses."""

import json
import shutil

import pytest

from tests.drawing import dish, save


@pytest.fixture(scope="session")
def survey_once(tmp_path_factory, berlese):
    """Folder of two dishes, and of a survey of them, segmented."""
    folder = tmp_path_factory.mktemp("doctor")
    for number in (1, 2):
        save(folder / "photos" / f"{number}.png", dish(number, 5))
    survey = folder / "survey"
    for command in (("init", survey), ("add", survey, folder / "photos"), ("segment", survey)):
        result = berlese(*command)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def survey(survey_once, tmp_path):
    """That survey, to be changed at will."""
    shutil.copytree(survey_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "survey"


def test_doctor_says_how_a_surveys_photos_are(berlese, survey):
    result = berlese("doctor", survey, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert {finding["fault"] for finding in told["findings"]} >= {"no_scale"}
    assert [photo["animals"] for photo in told["photos"]] == [5, 5]
    assert all(1 < photo["edge_px"] < 4.5 for photo in told["photos"])
    assert "--mm-per-pixel" in berlese("doctor", survey, "--quiet").stdout


def test_a_scale_that_was_stated_is_not_asked_for_again(berlese, survey, tmp_path):
    result = berlese("add", survey, tmp_path / "photos", "--mm-per-pixel", "0.05")
    assert result.exit_code == 0, result.output
    told = json.loads(berlese("doctor", survey, "--json", "--quiet").stdout)
    assert "no_scale" not in {finding["fault"] for finding in told["findings"]}
    assert [photo["mm_per_pixel"] for photo in told["photos"]] == [0.05, 0.05]
    assert {photo["mm_per_pixel_source"] for photo in told["photos"]} == {"stated"}
    assert "stated" in berlese("doctor", survey, "--quiet").stdout


def test_a_photo_that_is_gone_is_told_and_changes_the_exit_code(berlese, survey, tmp_path):
    (tmp_path / "photos" / "1.png").unlink()
    result = berlese("doctor", survey, "--json", "--quiet")
    assert result.exit_code == 1
    faults = {finding["fault"] for finding in json.loads(result.stdout)["findings"]}
    assert "unreadable" in faults


def test_doctor_refuses_what_is_no_survey(berlese, tmp_path):
    result = berlese("doctor", tmp_path)
    assert result.exit_code == 2
    assert "is no survey" in result.output
