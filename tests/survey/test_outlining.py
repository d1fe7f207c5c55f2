"""Animals that a person joins or cuts stay so, and nothing that was said is lost."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from berlese.errors import SettingError, SurveyError, UnreadablePhotoError
from berlese.specimens.outline import Box
from berlese.specimens.segment import SegmentSettings
from berlese.survey.outlining import cut_animal, join_animals
from berlese.survey.reviewing import GivenName, add_names
from berlese.survey.segmenting import as_people_want, outlined
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, OutlineEdit, Specimen, current_specimens
from tests.drawing import dish, paper, save
from tests.survey.conftest import copied


@pytest.fixture(scope="session")
def searched_once(tmp_path_factory) -> Path:
    """Folder of one photo with five animals that lie apart, and of a survey that found them."""
    folder = tmp_path_factory.mktemp("outlining")
    save(folder / "a.png", dish(0, 5))
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [folder / "a.png"])
        segment_photos(survey)
    return folder


@pytest.fixture
def searched(searched_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """That survey, to be changed at will."""
    with copied(searched_once, tmp_path) as survey:
        yield survey


def animals(survey: Survey) -> dict[int, Specimen]:
    with survey.reading() as session:
        found = session.scalars(current_specimens()).all()
        session.expunge_all()
    return {each.number: each for each in found}


def area(specimen: Specimen) -> float:
    return float(cv2.contourArea(np.array(specimen.polygon, np.float32)))


def test_joined_animals_are_one_with_a_crop_and_measures_of_its_own(searched: Survey) -> None:
    before = animals(searched)
    assert join_animals(searched, "a.png", [2, 1], "Ada").numbers == (1,)
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
    assert cut_animal(searched, "a.png", 3, 2, "Ada").numbers == (3, 6)
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


def words(survey: Survey) -> set[tuple[str, str | None, str]]:
    with survey.reading() as session:
        return {
            (each.specimen_id, each.taxon, each.status)
            for each in session.scalars(select(Identification))
        }


def test_parts_of_a_named_animal_are_to_be_named_again(searched: Survey) -> None:
    whole = animals(searched)[5]
    add_names(searched, [GivenName(whole.id, "Carabidae", "validated", "sheet")], "Ada")
    made = cut_animal(searched, "a.png", 5, 3, "Bob")
    assert len(made.ids) == len(set(made.ids)) == 3
    assert {animals(searched)[number].id for number in made.numbers} == set(made.ids)
    assert words(searched) == {(whole.id, "Carabidae", "validated")}
    (note,) = made.notes
    assert "a.png: what was said of animal 5 (Carabidae, by Ada) did not go over" in note
    assert "stays in the database" in note


def test_a_joined_animal_keeps_the_name_of_a_part_that_it_hardly_differs_from(
    survey: Survey, tmp_path: Path
) -> None:
    image = paper(360, 360, np.random.default_rng(0))
    for x, sides in ((160, (60, 24)), (300, (15, 11))):
        cv2.ellipse(image, (x, 180), sides, 0, 0, 360, (40, 30, 30), -1, cv2.LINE_AA)
    save(tmp_path / "a.png", image)
    add_photos(survey, [tmp_path / "a.png"])
    segment_photos(survey)
    large, small = sorted(animals(survey).values(), key=area, reverse=True)
    add_names(survey, [GivenName(large.id, "Carabidae", "validated", "sheet")], "Ada")
    add_names(survey, [GivenName(small.id, None, "unknown", "sheet")], "Bob")
    made = join_animals(survey, "a.png", [large.id, small.id], "Ada")
    assert (made.ids[0], "Carabidae", "validated") in words(survey)
    assert (made.ids[0], None, "unknown") not in words(survey)
    (note,) = made.notes
    assert f"animal {small.number} (unknown, by Bob)" in note


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


def test_numbers_that_are_gone_are_left_out_of_those_that_there_are(searched: Survey) -> None:
    join_animals(searched, "a.png", [2, 3], "Ada")
    with pytest.raises(SurveyError, match=r"no animal 3; its numbers are 1 to 2, 4 to 5, as"):
        cut_animal(searched, "a.png", 3, 2, "Ada")


def test_a_photo_without_animals_is_said_to_have_none(survey: Survey, tmp_path: Path) -> None:
    save(tmp_path / "a.png", dish(0, 5))
    add_photos(survey, [tmp_path / "a.png"])
    with pytest.raises(SurveyError, match=r"no animal 1; none was found on it"):
        cut_animal(survey, "a.png", 1, 2, "Ada")


def test_nothing_is_cut_out_of_other_pixels_than_those_that_were_added(
    searched: Survey, tmp_path: Path
) -> None:
    save(tmp_path / "a.png", dish(1, 5))
    before = {each.id for each in animals(searched).values()}
    for change in (
        lambda: join_animals(searched, "a.png", [1, 2], "Ada"),
        lambda: cut_animal(searched, "a.png", 3, 2, "Ada"),
    ):
        with pytest.raises(UnreadablePhotoError, match="was edited since it was added"):
            change()
    assert {each.id for each in animals(searched).values()} == before


def test_a_clump_that_was_discarded_is_cut_into_animals_that_count(
    survey: Survey, tmp_path: Path
) -> None:
    image = paper(360, 360, np.random.default_rng(0))
    for x, sides in ((160, (60, 24)), (232, (15, 11))):
        cv2.ellipse(image, (x, 180), sides, 0, 0, 360, (40, 30, 30), -1, cv2.LINE_AA)
    save(tmp_path / "a.png", image)
    add_photos(survey, [tmp_path / "a.png"])
    segment_photos(survey)
    found = animals(survey)
    if len(found) == 2:
        join_animals(survey, "a.png", [1, 2], "Ada")
        found = animals(survey)
    (clump,) = found.values()
    add_names(survey, [GivenName(clump.id, None, "discarded", "sheet")], "Ada")
    cut_animal(survey, "a.png", clump.number, 2, "Ada")
    large = max(animals(survey).values(), key=area)
    assert large.width > 0.6 * clump.width  # so that other words would go with it
    with survey.reading() as session:
        (word,) = session.scalars(select(Identification))
        assert word.specimen_id == clump.id != large.id


def rectangle(left: float, right: float, top: float = 100, bottom: float = 140) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def wanted(found: list[np.ndarray], before: list[np.ndarray], after: list[np.ndarray]) -> list[Box]:
    edit = OutlineEdit(before=[x.tolist() for x in before], after=[x.tolist() for x in after])
    photo = (400, 300)
    return [
        each.box for each in as_people_want([outlined(x, *photo) for x in found], [edit], *photo)
    ]


def test_a_search_that_cuts_otherwise_than_a_person_counts_nothing_twice() -> None:
    halves = [rectangle(100, 160), rectangle(160, 220)]
    thirds = [rectangle(100, 120), rectangle(120, 140), rectangle(140, 160)]
    beside = rectangle(222, 260)
    boxes = wanted([*thirds, halves[1], beside], [rectangle(100, 220)], halves)
    assert boxes == [
        Box(left, 100, right, 140) for left, right in ((100, 160), (160, 220), (222, 260))
    ]


def test_what_lies_between_the_legs_of_a_joined_animal_is_kept() -> None:
    ring, leg, between = rectangle(100, 200, 50, 150), rectangle(204, 240), rectangle(140, 160)
    boxes = wanted([ring, leg, between], [ring, leg], [rectangle(100, 240, 50, 150)])
    assert boxes == [Box(140, 100, 160, 140), Box(100, 50, 240, 150)][::-1]


def test_animals_are_known_by_their_ids_too(searched: Survey) -> None:
    before = animals(searched)
    joined = join_animals(searched, "a.png", [before[2].id, "1", 1, f" {before[1].id} "], "Ada")
    assert joined.numbers == (1,)
    assert cut_animal(searched, "a.png", before[4].id, 2, "Ada").numbers == (4, 6)
    with pytest.raises(SettingError, match="two animals or more"):
        join_animals(searched, "a.png", [5, before[5].id], "Ada")


def test_an_id_that_is_no_animal_of_the_photo_now_is_refused_in_words(
    searched: Survey, tmp_path: Path
) -> None:
    save(tmp_path / "b.png", dish(1, 3))
    add_photos(searched, [tmp_path / "b.png"])
    segment_photos(searched)
    with searched.reading() as session:
        query = current_specimens().where(Specimen.photo.has(path="../b.png"))
        other = session.scalars(query).first().id
    gone = next(each for each in animals_on(searched, "../a.png") if each.number == 2)
    join_animals(searched, "a.png", [1, 2], "Ada")
    before = words(searched)
    for given, why in (
        (gone.id, r"a\.png: animal \w{20} does not count any more: it was joined, cut or found"),
        (other, r"is on \.\./b\.png \(number 1\), not on \.\./a\.png; give that photo"),
        ("00c0ffee00c0ffee00c0", "is neither the number nor the occurrence id of an animal on it"),
        ("third", "'third' is neither the number nor"),
    ):
        with pytest.raises(SurveyError, match=why):
            cut_animal(searched, "a.png", given, 2, "Ada")
    assert words(searched) == before


def animals_on(survey: Survey, photo: str) -> list[Specimen]:
    with survey.reading() as session:
        found = session.scalars(current_specimens().where(Specimen.photo.has(path=photo))).all()
        session.expunge_all()
    return list(found)
