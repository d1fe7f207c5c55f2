"""A review teaches what is an animal on a survey's photos, and nothing that was said is lost."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from berlese.errors import SettingError, SurveyError
from berlese.specimens.choice import KEPT_SCORE
from berlese.specimens.segment import SegmentSettings, rated_candidates
from berlese.survey import searching
from berlese.survey.failures import Failure
from berlese.survey.learning import count_reviewed, learn_from_review, stored_lesson
from berlese.survey.outlining import cut_animal
from berlese.survey.reviewing import Animal, GivenName, add_names, animals_of
from berlese.survey.searching import FoundRatings, ratings_by
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Specimen
from tests.drawing import SHAPES, dish, save
from tests.survey.conftest import copied

PLACES = np.array([(x, y) for y in (70, 180, 290) for x in (70, 180, 290)])  # as `dish` has them
REVIEWED = [f"{number}.png" for number in range(5)]


@pytest.fixture(scope="session")
def searched_once(tmp_path_factory) -> Path:
    """Folder of eight photos, each with five long animals and four round ones, and a survey."""
    folder = tmp_path_factory.mktemp("learning")
    for number in range(8):
        save(folder / "photos" / f"{number}.png", dish(number, 9))
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [folder / "photos"])
        segment_photos(survey)
    return folder


@pytest.fixture
def searched(searched_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """That survey, to be changed at will."""
    with copied(searched_once, tmp_path) as survey:
        yield survey


def taxon_of(survey: Survey, animal: Animal) -> str:
    with survey.reading() as session:
        row = session.get_one(Specimen, animal.specimen_id)
        middle = 360 * np.array([row.x + row.width / 2, row.y + row.height / 2])
    return sorted(SHAPES)[int(np.linalg.norm(PLACES - middle, axis=1).argmin()) % 2]


def found(survey: Survey, *, reviewed: bool) -> dict[str, int]:
    """How many of each taxon are found on the photos that were reviewed, or on the others."""
    some = [each for each in animals_of(survey) if (Path(each.photo).name in REVIEWED) == reviewed]
    taxa = [taxon_of(survey, each) for each in some]
    return {taxon: taxa.count(taxon) for taxon in sorted(SHAPES)}


def review(survey: Survey) -> None:
    """Say that the round ones are seeds."""
    words = [
        GivenName(each.specimen_id, None, "discarded", "sheet")
        if taxon_of(survey, each) == "Rotundidae"
        else GivenName(each.specimen_id, "Carabidae", "validated", "sheet")
        for each in animals_of(survey)
        if Path(each.photo).name in REVIEWED
    ]
    assert not add_names(survey, words, "Ada").failures


def test_what_a_review_discards_is_left_out_of_other_photos_too(searched: Survey) -> None:
    assert found(searched, reviewed=False) == {"Longidae": 15, "Rotundidae": 12}
    before = {each.specimen_id: each.reviewed for each in animals_of(searched)}
    review(searched)
    report = segment_photos(searched, learn=True)
    assert report.n_done == 8
    assert report.notes[0].startswith("Learned from the review: 25 animals and 20 things")
    assert found(searched, reviewed=False) == {"Longidae": 15, "Rotundidae": 0}
    assert found(searched, reviewed=True)["Longidae"] == 25
    kept = [each for each in animals_of(searched) if each.reviewed is not None]
    assert [each.reviewed.taxon for each in kept if taxon_of(searched, each) == "Longidae"] == [
        "Carabidae"
    ] * 25
    assert segment_photos(searched).n_done == 0  # it holds, and nothing is done twice
    segment_photos(searched, learn=False)
    assert {each.specimen_id for each in animals_of(searched)} == set(before)
    assert stored_lesson(searched) is None


def test_too_few_words_teach_nothing_and_it_is_said(searched: Survey) -> None:
    first = animals_of(searched)[0].specimen_id
    add_names(searched, [GivenName(first, None, "discarded", "sheet")], "Ada")
    report = segment_photos(searched, learn=True)
    assert report.notes == (
        "Nothing is learned: 0 animals and 1 things that are none were reviewed, and 5 of each are "
        "needed. Animals are found as without a review.",
    )
    assert report.n_done == 0


def test_without_a_review_nothing_is_learned_and_it_is_said(searched: Survey) -> None:
    (note,) = segment_photos(searched, learn=True).notes
    assert note.startswith("Nothing is learned: 0 animals and 0 things that are none were reviewed")


def test_a_review_without_a_discarded_thing_changes_nothing(searched: Survey) -> None:
    words = [
        GivenName(each.specimen_id, "Carabidae", "validated", "s") for each in animals_of(searched)
    ]
    add_names(searched, words, "Ada")
    taught = learn_from_review(searched, SegmentSettings())
    assert (taught.learned.lesson, taught.learned.animals, taught.gone) == (None, 72, 0)


def test_what_is_not_seen_any_more_teaches_nothing_and_it_is_said(searched: Survey) -> None:
    review(searched)
    report = segment_photos(searched, SegmentSettings(min_length_px=5000), learn=True)
    assert report.notes[0].startswith("Nothing is learned: 0 animals and 0 things")
    assert report.notes[1] == (
        "45 reviewed outlines match nothing that the program may take for an animal on the photos "
        "now, as where animals were found with other settings, or joined or cut by a person: "
        "nothing is learned from them."
    )


def test_what_is_rated_too_low_for_an_animal_teaches_nothing(searched: Survey, monkeypatch) -> None:
    def rated_lower(photo, settings):
        rated = rated_candidates(photo, settings)
        return rated._replace(ratings=np.minimum(rated.ratings, KEPT_SCORE - 0.01))

    review(searched)
    monkeypatch.setattr(searching, "rated_candidates", rated_lower)
    taught = learn_from_review(searched, SegmentSettings())
    assert (taught.learned.animals, taught.learned.others, taught.gone) == (0, 0, 45)


def test_an_outline_that_is_not_seen_any_more_counts_once(searched: Survey) -> None:
    made = cut_animal(searched, "0.png", 1, 2, "Ada")
    words = [GivenName(each, "Carabidae", "validated", "sheet") for each in made.ids]
    assert not add_names(searched, words, "Ada").failures
    assert learn_from_review(searched, SegmentSettings(min_length_px=5000)).gone == 3


def test_an_outline_of_which_two_spoke_is_not_gone(searched: Survey) -> None:
    whole = animals_of(searched)[0]
    cut_animal(searched, whole.photo, whole.specimen_id, 2, "Ada")
    words = [GivenName(whole.specimen_id, None, "discarded", "sheet")]
    add_names(searched, words, "Eve")
    taught = learn_from_review(searched, SegmentSettings())
    assert (taught.learned.others, taught.gone) == (1, 2)


def test_what_was_cut_was_none_by_itself(searched: Survey) -> None:
    cut_animal(searched, "0.png", 1, 2, "Ada")
    assert learn_from_review(searched, SegmentSettings()).learned.others == 1


def test_photos_that_are_gone_teach_nothing_and_stop_nothing(
    searched: Survey, tmp_path: Path
) -> None:
    review(searched)
    (tmp_path / "photos" / "0.png").unlink()
    learned = learn_from_review(searched, SegmentSettings()).learned
    assert (learned.animals, learned.others) == (20, 16)


def test_reviewed_photos_that_do_not_open_are_named_once_and_stop_nothing(
    searched: Survey, tmp_path: Path
) -> None:
    first = {each.photo: each.specimen_id for each in reversed(animals_of(searched))}
    words = [GivenName(each, None, "discarded", "sheet") for each in first.values()]
    add_names(searched, words, "Ada")
    (tmp_path / "photos" / "0.png").unlink()
    (tmp_path / "photos" / "1.png").write_bytes(b"no photo")
    expected = (
        Failure("../photos/0.png", "segment", "No such file or directory."),
        Failure("../photos/1.png", "segment", "was edited since it was added; add it again."),
    )
    report = segment_photos(searched, learn=True)
    assert (report.n_done, report.n_skipped, report.failures) == (0, 6, expected)
    assert report.notes[0].startswith("Nothing is learned: 0 animals and 6 things")
    again = segment_photos(searched, learn=True, overwrite=True)
    assert (again.n_done, again.n_skipped, again.failures) == (6, 0, expected)


def test_a_photo_that_opens_only_for_the_search_is_done_and_taught_nothing(
    searched: Survey, monkeypatch
) -> None:
    def away_at_first(search):
        if search.path.name == "0.png":
            return FoundRatings(None, "Stale file handle.")
        return ratings_by(search)

    review(searched)
    monkeypatch.setattr(searching, "ratings_by", away_at_first)
    told = []
    report = segment_photos(searched, learn=True, overwrite=True, progress=told.append)
    assert sum(told) == 8 + count_reviewed(searched)
    assert (report.n_done, report.failures) == (8, ())
    assert report.notes[0].startswith("Learned from the review: 20 animals and 16 things")
    assert (
        "Nothing is learned from 0.png, which could not be opened at first: Stale file handle."
        in report.notes
    )


def test_several_photos_at_a_time_teach_the_same(searched: Survey, monkeypatch) -> None:
    review(searched)
    told = []
    alone = learn_from_review(searched, SegmentSettings(), progress=told.append)
    assert told == [1] * count_reviewed(searched) == [1] * 5
    monkeypatch.setattr(searching, "PIXELS_A_PROCESS", 1)
    together = learn_from_review(searched, SegmentSettings(), jobs=2)
    assert together.learned.loss_after == pytest.approx(alone.learned.loss_after, rel=1e-9)
    assert (together.learned.animals, together.learned.others) == (25, 20)


def test_no_photos_at_a_time_are_refused_before_anything_changes(searched: Survey) -> None:
    review(searched)
    segment_photos(searched, learn=True)
    with pytest.raises(SettingError, match="jobs must be at least 1"):
        segment_photos(searched, learn=False, jobs=0)
    assert stored_lesson(searched) is not None


def test_a_lesson_of_other_networks_does_not_hold(searched: Survey, monkeypatch) -> None:
    review(searched)
    learn_from_review(searched, SegmentSettings())
    assert stored_lesson(searched) is not None
    monkeypatch.setattr("berlese.survey.learning.fingerprint", lambda: "other")
    assert stored_lesson(searched) is None


def test_a_damaged_lesson_is_told_and_can_be_forgotten(searched: Survey) -> None:
    (searched.models / "lesson.json").write_text('{"networks": ')
    with pytest.raises(SurveyError, match=r"lesson\.json: cannot be read .* --learn"):
        segment_photos(searched)
    assert segment_photos(searched, learn=False).n_done == 0
