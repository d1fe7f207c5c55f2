"""Corrected counts of a survey: true where all is reviewed, none where none can be promised."""

import pandas as pd

from berlese.survey.community import UNKNOWN
from berlese.survey.estimates import ESTIMATES_NAME, NO_ANIMAL, estimate_survey, write_estimates
from berlese.survey.report import write_report
from berlese.survey.reviewing import GivenName, add_names, animals_of, next_to_review
from berlese.survey.survey import Survey
from tests.survey.conftest import N_ANIMALS

SAID = ("Carabidae", "Cisidae", UNKNOWN, NO_ANIMAL)


def review(survey: Survey, count: int) -> list[str]:
    """Review animals, four kinds in turn; gives what was said of each."""
    animals = next_to_review(survey, count)
    said = [SAID[number % len(SAID)] for number in range(len(animals))]
    words = {UNKNOWN: (None, "unknown"), NO_ANIMAL: (None, "discarded")}
    names = [
        GivenName(animal.specimen_id, *words.get(word, (word, "validated")), "sheet")
        for animal, word in zip(animals, said, strict=True)
    ]
    assert add_names(survey, names, "Ada").n_done == count
    return said


def test_with_every_animal_reviewed_the_estimate_is_what_was_said(named: Survey) -> None:
    said = pd.Series(review(named, N_ANIMALS)).value_counts()
    (path,) = write_estimates(named, estimate_survey(named))
    table = pd.read_csv(path, dtype={"eventID": str})
    assert table.groupby("taxon")["estimate"].sum()[list(said.index)].tolist() == said.tolist()
    assert (table["low"] == table["estimate"]).all()
    assert (table["high"] == table["estimate"]).all()
    by_sample = table.groupby("eventID")["estimate"].sum()
    found = pd.Series([animal.sample for animal in animals_of(named)]).value_counts()
    assert by_sample.to_dict() == found.to_dict()


def test_few_reviewed_animals_promise_nothing_and_the_report_says_so(named: Survey) -> None:
    (named.exports / ESTIMATES_NAME).parent.mkdir(exist_ok=True)
    (named.exports / ESTIMATES_NAME).write_text("of yesterday", encoding="utf-8")
    review(named, 4)
    assert write_estimates(named, estimate_survey(named)) == []
    assert not (named.exports / ESTIMATES_NAME).exists()
    page = write_report(named).read_text(encoding="utf-8")
    assert "only 4 animals are reviewed at random" in page
    assert "berlese plan" in page


def test_a_reviewed_survey_shows_its_intervals(named: Survey) -> None:
    review(named, N_ANIMALS)
    page = write_report(named).read_text(encoding="utf-8")
    assert "How many there are, with intervals" in page
    assert "no animal (dirt, parts)" in page


def test_without_a_model_there_is_nothing_to_correct(survey: Survey) -> None:
    assert estimate_survey(survey) is None
    assert write_estimates(survey, None) == []
