"""Animals that a person joins or cuts stay so, and nothing that was said is lost."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from berlese.errors import SettingError, SurveyError
from berlese.specimens.segment import SegmentSettings
from berlese.survey.outlining import cut_animal, join_animals
from berlese.survey.reviewing import GivenName, add_names
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, OutlineEdit, Specimen, current_specimens
from tests.drawing import dish, save


@pytest.fixture
def searched(survey: Survey, tmp_path: Path) -> Survey:
    """A survey of one photo with five animals that lie apart."""
    save(tmp_path / "a.png", dish(0, 5))
    add_photos(survey, [tmp_path / "a.png"])
    segment_photos(survey)
    return survey


def animals(survey: Survey) -> dict[int, Specimen]:
    with survey.reading() as session:
        found = session.scalars(current_specimens()).all()
        session.expunge_all()
    return {each.number: each for each in found}


def area(specimen: Specimen) -> float:
    return float(cv2.contourArea(np.array(specimen.polygon, np.float32)))


def test_joined_animals_are_one_with_a_crop_and_measures_of_its_own(searched: Survey) -> None:
    before = animals(searched)
    assert join_animals(searched, "a.png", [2, 1], "Ada") == [1]
    now = animals(searched)
    assert sorted(now) == [1, 3, 4, 5]  # the others keep their numbers
    assert {now[k].id for k in (3, 4, 5)} == {before[k].id for k in (3, 4, 5)}
    assert area(now[1]) >= 0.98 * (area(before[1]) + area(before[2]))
    assert now[1].length_px > max(before[1].length_px, before[2].length_px)
    assert (now[1].several, now[1].score) == (0.0, 1.0)
    assert (searched.folder / now[1].crop_path).is_file()
    with searched.reading() as session:
        (edit,) = session.scalars(select(OutlineEdit))
        assert (edit.by, len(edit.before), len(edit.after)) == ("Ada", 2, 1)
        assert {each.id for each in session.scalars(select(Specimen))} >= {before[1].id}


def test_what_is_cut_is_so_many_and_joining_brings_the_animal_back(searched: Survey) -> None:
    before = animals(searched)
    assert cut_animal(searched, "a.png", 3, 2, "Ada") == [3, 6]
    cut = animals(searched)
    assert sorted(cut) == [1, 2, 3, 4, 5, 6]
    assert area(cut[3]) + area(cut[6]) == pytest.approx(area(before[3]), rel=0.15)
    join_animals(searched, "a.png", [3, 6], "Ada")
    assert area(animals(searched)[3]) == pytest.approx(area(before[3]), rel=0.1)


@pytest.mark.parametrize("settings", [SegmentSettings(), SegmentSettings(min_length_px=20)])
def test_searching_again_keeps_what_a_person_made(searched: Survey, settings) -> None:
    join_animals(searched, "a.png", [1, 2], "Ada")
    cut_animal(searched, "a.png", 4, 3, "Ada")
    made = {each.id for each in animals(searched).values()}
    assert len(made) == 6
    segment_photos(searched, settings, overwrite=True)
    again = animals(searched)
    assert {each.id for each in again.values()} == made
    assert sorted(again) == [1, 2, 3, 4, 5, 6]


def test_what_people_said_of_an_animal_that_hardly_changes_goes_with_it(searched: Survey) -> None:
    whole = animals(searched)[5]
    add_names(searched, [GivenName(whole.id, "Carabidae", "validated", "sheet")], "Ada")
    cut_animal(searched, "a.png", 5, 2, "Bob")
    join_animals(searched, "a.png", [5, 6], "Bob")
    with searched.reading() as session:
        said = session.scalars(select(Identification)).all()
        assert {word.taxon for word in said} == {"Carabidae"}
        assert any(word.specimen_id == whole.id for word in said)


def test_what_is_not_there_is_refused_in_words(searched: Survey) -> None:
    with pytest.raises(SurveyError, match=r"'b.png' is no photo of it"):
        join_animals(searched, "b.png", [1, 2], "Ada")
    with pytest.raises(SurveyError, match=r"no animal 9; its numbers are 1 to 5"):
        join_animals(searched, "a.png", [1, 9], "Ada")
    with pytest.raises(SettingError, match="two animals or more"):
        join_animals(searched, "a.png", [1, 1], "Ada")
    with pytest.raises(SettingError, match="--by NAME"):
        cut_animal(searched, "a.png", 1, 2, " ")
    assert sorted(animals(searched)) == [1, 2, 3, 4, 5]
