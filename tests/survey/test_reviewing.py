"""What people say: added to what is there, drawn at random, known again after other photos."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from berlese.classify.counts import review_plan
from berlese.errors import SettingError, SurveyError
from berlese.specimens.outline import Box
from berlese.specimens.segment import SegmentSettings, segment_photo
from berlese.survey import review_order, searching
from berlese.survey.community import known_taxa
from berlese.survey.outlining import cut_animal
from berlese.survey.reviewing import (
    GivenName,
    add_names,
    animals_of,
    chances_of,
    drawn_names,
    next_to_review,
    notes_on_order,
    taxa_to_teach,
    waiting_names,
)
from berlese.survey.steps import add_photos, embed_specimens, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, ReviewOrder, Specimen
from tests.drawing import SHAPES, dish, save
from tests.survey.conftest import N_ANIMALS, copied


def say(survey: Survey, animals, taxon: str | None = "Carabidae", by: str = "Ada"):
    names = [GivenName(each.specimen_id, taxon, "validated", "sheet") for each in animals]
    return add_names(survey, names, by)


def test_animals_come_once_each_in_an_order_that_stays(named: Survey) -> None:
    first = next_to_review(named, 5)
    assert [each.specimen_id for each in next_to_review(named, 5, seed=9)] == [
        each.specimen_id for each in first
    ]
    say(named, first)
    others = next_to_review(named, N_ANIMALS)
    together = [each.specimen_id for each in (*first, *others)]
    assert len(together) == len(set(together)) == N_ANIMALS == len(animals_of(named))


def test_chances_are_those_of_the_draw_and_unknown_for_picked_animals(named: Survey) -> None:
    drawn = next_to_review(named, 4)
    picked = next_to_review(named, N_ANIMALS)[-1]
    say(named, [*drawn, picked])
    animals = animals_of(named)
    reviewed = [each.specimen_id for each in animals if each.reviewed is not None]
    chances = dict(zip(reviewed, chances_of(named, animals), strict=True))
    assert {chances[each.specimen_id] for each in drawn} == {4 / N_ANIMALS}
    assert np.isnan(chances[picked.specimen_id])


def test_the_order_goes_on_for_new_photos_and_loses_no_name(named: Survey, tmp_path) -> None:
    first = next_to_review(named, N_ANIMALS)
    say(named, first[:4])
    save(tmp_path / "photos" / "new.png", dish(7, 3))
    add_photos(named, [tmp_path / "photos"])
    segment_photos(named)
    before = drawn_names(named)
    rest = next_to_review(named, N_ANIMALS)
    assert len(rest) == N_ANIMALS + 3 - 4
    old = {each.specimen_id for each in first}
    assert [each.specimen_id for each in rest if each.specimen_id in old] == [
        each.specimen_id for each in first[4:]
    ]
    with named.reading() as session:
        assert len(session.scalars(select(ReviewOrder)).all()) == 2
    assert drawn_names(named) == before
    say(named, [each for each in rest if each.specimen_id not in old])
    at = [each.specimen_id in old for each in rest].index(True)
    assert drawn_names(named) >= 4 + at
    chances = chances_of(named, animals_of(named))
    assert set(chances[np.isfinite(chances)]) == {drawn_names(named) / (N_ANIMALS + 3)}


def test_an_order_is_drawn_anew_where_little_of_the_old_one_is_left(
    named: Survey, backbone, tmp_path, monkeypatch
) -> None:
    say(named, next_to_review(named, 4))
    monkeypatch.setattr(review_order, "LEAST_KEPT", 0.9)
    save(tmp_path / "photos" / "new.png", dish(7, 3))
    add_photos(named, [tmp_path / "photos"])
    segment_photos(named)
    assert np.isnan(chances_of(named, animals_of(named))).all()
    (note,) = notes_on_order(named, 4)
    assert note.startswith("4 reviewed names stand for no other animals now: too few are left")
    with pytest.raises(SurveyError, match=r"has no features of tiny.*2 others"):
        next_to_review(named, 4)
    embed_specimens(named, backbone)
    more = next_to_review(named, N_ANIMALS + 3)
    assert len(more) == N_ANIMALS + 3 - 4
    assert sum(each.reviewed is not None for each in animals_of(named)) == 4


def test_names_wait_for_the_animals_that_come_before_them_now(named: Survey) -> None:
    first = next_to_review(named, N_ANIMALS)
    say(named, first[:6])
    whole = first[2]
    made = cut_animal(named, whole.photo, whole.specimen_id, 2, "Ada")
    assert drawn_names(named) <= 2
    (note,) = notes_on_order(named, 6)
    waits = re.match(r"(\d) reviewed names wait until (\d) animals? (?:is|are) named", note)
    # the three behind, and one or two before a part that came in at the very beginning
    assert 3 <= int(waits[1]) <= 5
    now = animals_of(named)
    assert waiting_names(named, now, len(now)) == 5 - drawn_names(named)
    to_name = next_to_review(named, int(waits[2]))
    assert {each.specimen_id for each in to_name} <= set(made.ids)
    say(named, to_name)
    assert drawn_names(named) >= 6
    assert notes_on_order(named, 6) == ()


def test_the_order_goes_on_behind_its_planned_end(named: Survey, monkeypatch) -> None:
    monkeypatch.setattr(review_plan, "TABLE_LOOKS", (4, 8))
    first = next_to_review(named, 6)
    say(named, first)
    others = next_to_review(named, N_ANIMALS)
    together = [each.specimen_id for each in (*first, *others)]
    assert len(together) == len(set(together)) == N_ANIMALS
    say(named, others[:4])
    chances = chances_of(named, animals_of(named))
    np.testing.assert_allclose(chances, 10 / N_ANIMALS)
    again = next_to_review(named, 3)
    assert [each.specimen_id for each in again] == together[10:13]


def test_words_are_added_and_a_repeated_one_is_not(named: Survey) -> None:
    (animal,) = next_to_review(named, 1)
    assert say(named, [animal]).n_done == 1
    assert say(named, [animal]).n_skipped == 1
    assert say(named, [animal], "Cisidae").n_done == 1
    assert say(named, [animal], "Cisidae", by="Charles").n_done == 1
    with named.reading() as session:
        words = session.scalars(
            select(Identification).where(Identification.specimen_id == animal.specimen_id)
        ).all()
    said = [(word.taxon, word.identified_by) for word in words[1:]]
    assert said == [("Carabidae", "Ada"), ("Cisidae", "Ada"), ("Cisidae", "Charles")]


def test_confirming_takes_the_models_name(named: Survey) -> None:
    animal = next(
        each
        for each in next_to_review(named, N_ANIMALS)
        if each.named is not None and each.named.status == "predicted"
    )
    say(named, [animal], None)
    (now,) = [each for each in animals_of(named) if each.specimen_id == animal.specimen_id]
    assert now.reviewed is not None
    assert animal.named is not None
    assert now.reviewed.taxon == animal.named.taxon
    assert now.reviewed.rank == animal.named.rank


def test_validated_means_the_name_that_was_shown(named: Survey) -> None:
    (animal,) = next_to_review(named, 1)
    given = GivenName(animal.specimen_id, None, "validated", "sheet", shown="Coleoptera")
    add_names(named, [given], "Ada")
    (now,) = [each for each in animals_of(named) if each.reviewed is not None]
    assert now.reviewed.taxon == "Coleoptera"
    assert now.reviewed.rank is None  # no model has it among its taxa


def test_validated_confirms_no_name_where_unknown_was_shown(named: Survey) -> None:
    (animal,) = next_to_review(named, 1)
    given = GivenName(animal.specimen_id, None, "validated", "sheet", shown="unknown")
    (failure,) = add_names(named, [given], "Ada").failures
    assert "no model's name to confirm; give one, or unknown" in failure.reason
    assert all(each.reviewed is None for each in animals_of(named))


def test_an_old_word_does_not_come_back_over_a_newer_one(named: Survey) -> None:
    drawn = next_to_review(named, 1)
    assert say(named, drawn, "Carabidae", by="Ada").n_done == 1
    assert say(named, drawn, "Cisidae", by="Bob").n_done == 1
    assert say(named, drawn, "Carabidae", by="ada").n_skipped == 1
    (now,) = [each for each in animals_of(named) if each.reviewed is not None]
    assert now.reviewed.taxon == "Cisidae"


@pytest.mark.parametrize("word", ["Unknown", "no  animal", "dubious"])
def test_a_word_that_means_something_else_is_no_name(named: Survey, word: str) -> None:
    report = say(named, next_to_review(named, 1), word)
    assert report.n_done == 0
    (failure,) = report.failures
    assert "cannot be a taxon" in failure.reason
    assert all(each.reviewed is None for each in animals_of(named))


def test_an_animal_that_a_spreadsheet_took_for_a_number_is_explained(named: Survey) -> None:
    given = GivenName("1,23457E+19", "Carabidae", "validated", "sheet")
    (failure,) = add_names(named, [given], "Ada").failures
    assert "'1,23457E+19' is not in this survey" in failure.reason
    assert "made a number of it" in failure.reason


@pytest.fixture(scope="session")
def like_numbers_once(tmp_path_factory) -> Path:
    """Folder of a survey of animals two of which have ids that look alike as numbers."""
    folder = tmp_path_factory.mktemp("numbers")
    save(folder / "photos" / "0.png", dish(0, 4))
    ids = ("12345678901234567890", "12345698901234567890", "1234567890123456e123")
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [folder / "photos"])
        segment_photos(survey)
        with survey.writing() as session:
            for specimen, id_ in zip(session.scalars(select(Specimen)), ids, strict=False):
                specimen.id = id_
    return folder


@pytest.fixture
def like_numbers(like_numbers_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """That survey, to be changed at will; none of its animals is named."""
    with copied(like_numbers_once, tmp_path) as survey:
        yield survey


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("1,234568E+19", "12345678901234567890"),
        ("12345698901234500000", "12345698901234567890"),
        ("1.2E+138", "1234567890123456e123"),
    ],
)
def test_a_number_is_read_as_the_only_animal_that_it_can_mean(
    like_numbers: Survey, written: str, id_: str
) -> None:
    given = GivenName(written, "Cisidae", "validated", "sheet")
    report = add_names(like_numbers, [given], "Ada")
    assert (report.n_done, report.failures) == (1, ())
    assert any(f"{written} as {id_}" in note for note in report.notes)
    (now,) = [each for each in animals_of(like_numbers) if each.reviewed is not None]
    assert now.specimen_id == id_


def test_a_number_that_can_mean_several_animals_is_refused(like_numbers: Survey) -> None:
    given = GivenName("1.23457E+19", "Cisidae", "validated", "sheet")
    (failure,) = add_names(like_numbers, [given], "Ada").failures
    assert "can be 12345678901234567890, 12345698901234567890. A spreadsheet" in failure.reason
    assert all(each.reviewed is None for each in animals_of(like_numbers))


def test_a_blank_name_confirms_as_no_name_does(named: Survey) -> None:
    (animal,) = next_to_review(named, 1)
    given = GivenName(animal.specimen_id, "  ", "validated", "sheet", shown="Coleoptera")
    add_names(named, [given], "Ada")
    (now,) = [each for each in animals_of(named) if each.reviewed is not None]
    assert now.reviewed.taxon == "Coleoptera"


def test_names_settle_on_the_known_spelling_and_new_ones_are_told(named: Survey) -> None:
    first, second, third = next_to_review(named, 3)
    known = sorted(SHAPES)[0]
    say(named, [first], f" {known.upper()} ")
    assert known in known_taxa(named)
    assert known.upper() not in known_taxa(named)
    report = say(named, [second], f"{known}x")
    assert report.notes == (f"'{known}x' is a new name here; did you mean {known!r}?",)
    assert say(named, [third], "Zopheridae").notes == ("'Zopheridae' is a new name here.",)


def test_a_doubted_name_is_dubious_unless_a_person_insists(named: Survey) -> None:
    first, second, third, fourth = next_to_review(named, 4)
    names = [
        GivenName(first.specimen_id, "Carabidae?", "validated", "sheet"),
        GivenName(second.specimen_id, "cf. Carabidae", "validated", "sheet", insists=True),
        GivenName(third.specimen_id, "Carabidae indet.", "validated", "sheet"),
        GivenName(fourth.specimen_id, "?", "validated", "sheet"),
    ]
    report = add_names(named, names, "Ada")
    said = {each.specimen_id: each.reviewed for each in animals_of(named) if each.reviewed}
    kept = [said[each.specimen_id] for each in (first, second, third)]
    assert [(word.taxon, word.status, word.qualifier) for word in kept] == [
        ("Carabidae", "dubious", "?"),
        ("Carabidae", "validated", "cf."),
        ("Carabidae", "validated", "indet."),
    ]
    assert sum("'Carabidae?' was taken as 'Carabidae', dubious" in note for note in report.notes)
    (failure,) = report.failures
    assert "'?' is no name" in failure.reason
    assert not any("?" in taxon for taxon in known_taxa(named))
    assert add_names(named, names, "Ada").n_skipped == 3
    assert taxa_to_teach(named, names) == {"Carabidae": 2}


def test_names_follow_an_animal_into_another_outline(named: Survey, monkeypatch) -> None:
    drawn = next_to_review(named, 2)
    say(named, drawn[:1], "Carabidae", by="Ada")
    say(named, drawn[:1], "Cisidae", by="Bob")
    before = {each.specimen_id for each in animals_of(named)}

    def a_pixel_larger(photo, settings, **options):
        for each in segment_photo(photo, settings, **options):
            box = Box(each.box.left, each.box.top, each.box.right + 1, each.box.bottom + 1)
            yield replace(each, box=box)

    monkeypatch.setattr(searching, "segment_photo", lambda *a, **k: list(a_pixel_larger(*a, **k)))
    for _ in range(2):  # and stay one word each, however often it is done
        segment_photos(named, overwrite=True)
    animals = animals_of(named)
    assert len(animals) == N_ANIMALS
    assert before.isdisjoint(each.specimen_id for each in animals)
    (again,) = [each for each in animals if each.reviewed is not None]
    assert (again.photo, again.reviewed.taxon) == (drawn[0].photo, "Cisidae")
    assert drawn_names(named) == 1  # it keeps its rank in the order too
    with named.reading() as session:
        words = session.scalars(
            select(Identification).where(Identification.specimen_id == again.specimen_id)
        ).all()
    assert [(word.taxon, word.identified_by) for word in words] == [
        ("Carabidae", "Ada"),
        ("Cisidae", "Bob"),
    ]


def test_names_of_animals_that_no_longer_count_are_told(named: Survey) -> None:
    drawn = next_to_review(named, 2)
    segment_photos(named, SegmentSettings(min_length_px=5000))
    report = say(named, drawn)
    assert report.n_done == 2
    assert "2 of these animals no longer count" in report.notes[-1]


def test_what_cannot_be_taken_is_reported_and_the_others_go_on(named: Survey) -> None:
    (animal,) = next_to_review(named, 1)
    names = [
        GivenName("no such animal", "Carabidae", "validated", "sheet, line 2"),
        GivenName(animal.specimen_id, "Carabidae", "sure", "sheet, line 3"),
        GivenName(animal.specimen_id, "Carabidae", "validated", "sheet, line 4"),
    ]
    report = add_names(named, names, "Ada")
    assert report.n_done == 1
    assert [failure.file for failure in report.failures] == ["sheet, line 2", "sheet, line 3"]
    assert "'no such animal' is not in this survey" in report.failures[0].reason
    with pytest.raises(SettingError, match="expected --by NAME"):
        add_names(named, names, " ")


def test_a_survey_without_names_says_what_to_do(survey: Survey, tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="has no photos yet: berlese add"):
        next_to_review(survey, 3)
    save(tmp_path / "photos" / "a.png", dish(1, 3))
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    with pytest.raises(SurveyError, match="no name yet: berlese predict MODEL"):
        next_to_review(survey, 3)


def test_only_names_that_the_model_lacks_in_any_spelling_are_to_be_taught(named: Survey) -> None:
    known = next(iter(SHAPES))
    said = [f" {known.lower()} ", known, "Novidae", "novidae"]
    names = [GivenName("any", taxon, "validated", "sheet") for taxon in said]
    assert taxa_to_teach(named, names) == {"Novidae": 2}
