"""The review's progress: looks are the planned ones, and all reviewed is the goal reached."""

from dataclasses import replace

import pytest

from berlese.classify.counts.review_plan import Goal
from berlese.errors import SurveyError
from berlese.survey.planning import review_progress
from berlese.survey.reviewing import GivenName, add_names, next_to_review
from tests.survey.conftest import N_ANIMALS


def say(survey, count):
    animals = next_to_review(survey, count)
    names = [GivenName(each.specimen_id, "Carabidae", "validated", "sheet") for each in animals]
    add_names(survey, names, "Ada")


def test_before_the_first_look_it_says_how_many_are_missing(named) -> None:
    say(named, 4)
    found = review_progress(named, Goal())
    assert (found.drawn, found.look, found.left) == (4, 0, N_ANIMALS - 4)
    assert found.half_width is None
    assert f"first look after {N_ANIMALS} animals" in found.in_words()


@pytest.mark.parametrize("promise", ["taxon", "table"])
def test_with_all_reviewed_every_goal_is_reached(named, promise) -> None:
    say(named, N_ANIMALS)
    found = review_progress(named, Goal(0.01, promise))
    assert found.reached
    assert found.left == 0
    assert "You may stop" in found.in_words()
    assert found.to_dict()["reviewed_at_random"] == N_ANIMALS


def test_a_wide_interval_says_how_many_it_will_take(named) -> None:
    found = replace(
        review_progress(named, Goal()),
        look=50,
        drawn=60,
        next_look=75,
        taxon="Carabidae",
        half_width=0.08,
        expected=150,
    )
    words = found.in_words()
    assert "Carabidae: +-8.0 points" in words
    assert "probably reached after 150" in words
    assert found.left == 15


def test_a_survey_without_animals_says_what_to_do(survey) -> None:
    with pytest.raises(SurveyError, match="no photos yet: berlese add"):
        review_progress(survey, Goal())
