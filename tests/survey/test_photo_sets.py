"""Photo sets: every kind of target, and the names that people gave."""

import numpy as np
import pytest

from berlese.errors import LibraryError, SurveyError
from berlese.survey.photo_sets import read_photo_set
from berlese.survey.reviewing import GivenName, add_names, next_to_review
from berlese.survey.survey import Survey
from tests.drawing import paper, save
from tests.survey.conftest import N_ANIMALS


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BERLESE_CACHE", str(tmp_path / "cache"))


def pictures(folder, count=3):
    rng = np.random.default_rng(2)
    return [save(folder / f"{number}.png", paper(40, 40, rng)) for number in range(count)]


def say(survey, animal, status, taxon=None):
    add_names(survey, [GivenName(animal.specimen_id, taxon, status, "sheet")], "Ada")


def test_a_survey_brings_its_animals_and_what_people_said_of_them(named: Survey, backbone) -> None:
    first, second, third, fourth, *_ = next_to_review(named, N_ANIMALS)
    say(named, first, "validated", "Longidae")
    say(named, second, "unknown")
    say(named, third, "discarded")
    last = next_to_review(named, N_ANIMALS)[-1]
    say(named, last, "validated", "Rotundidae")
    photo_set = read_photo_set(named.folder, backbone)
    assert photo_set.features.shape == (N_ANIMALS - 1, backbone.dim)
    said = {path.name: str(n) for path, n in zip(photo_set.paths, photo_set.names, strict=True)}
    assert third.crop.name not in said
    assert said[first.crop.name] == "Longidae"
    assert said[second.crop.name] == "unknown"
    assert said[fourth.crop.name] == ""
    random = dict(zip((p.name for p in photo_set.paths), photo_set.at_random, strict=True))
    assert random[first.crop.name]
    assert not random[last.crop.name]
    assert not random[fourth.crop.name]


def test_an_empty_survey_is_refused(survey: Survey, backbone) -> None:
    with pytest.raises(SurveyError, match="no animals"):
        read_photo_set(survey.folder, backbone)


def test_a_sheet_names_pictures_of_a_folder(tmp_path, backbone) -> None:
    pictures(tmp_path / "crops")
    sheet = tmp_path / "names.csv"
    sheet.write_text("file,taxon\ncrops/1.png,Longidae\ncrops/2.png,\n", encoding="utf-8")
    photo_set = read_photo_set(tmp_path / "crops", backbone, sheet)
    assert photo_set.names.tolist() == ["", "Longidae", ""]
    assert photo_set.at_random.tolist() == [False, True, False]


def test_a_sheet_of_other_pictures_is_refused_by_name(tmp_path, backbone) -> None:
    pictures(tmp_path / "crops")
    pictures(tmp_path / "elsewhere")
    sheet = tmp_path / "names.csv"
    sheet.write_text("file,taxon\nelsewhere/1.png,Longidae\n", encoding="utf-8")
    with pytest.raises(LibraryError, match=r"names\.csv: names .*elsewhere"):
        read_photo_set(tmp_path / "crops", backbone, sheet)


def test_pictures_that_cannot_be_read_are_left_out_and_told(tmp_path, backbone) -> None:
    pictures(tmp_path / "crops", 2)
    (tmp_path / "crops" / "a.png").write_bytes(b"no picture")
    photo_set = read_photo_set(tmp_path / "crops", backbone)
    assert len(photo_set) == len(photo_set.features) == 2
    assert [each.file.rsplit("/", 1)[-1] for each in photo_set.failures] == ["a.png"]


@pytest.mark.parametrize(("what", "words"), [("nothing", "does not exist"), ("empty", "without")])
def test_a_target_that_is_none_is_refused(what, words, tmp_path, backbone) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LibraryError, match=words):
        read_photo_set(tmp_path / what, backbone)
