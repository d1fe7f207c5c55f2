"""The distance of a survey's animals from its library: kept, shown, and not where too little is."""

import json
from functools import cache

import numpy as np
import pytest

from berlese.classify.gap.distance import Expectation
from berlese.classify.gap.domain_error import DomainError
from berlese.classify.models.training import train_bundle
from berlese.classify.unknowns.contrast import DomainCheck
from berlese.survey import distance
from berlese.survey.distance import LibraryDistance, read_distance, write_distance
from berlese.survey.report import write_report
from berlese.survey.reviewing import animals_of, stored_features
from berlese.survey.steps import identify_specimens
from berlese.survey.survey import Survey
from tests.survey.conftest import TinyBackbone, copied


@pytest.fixture(scope="session")
def model(named_once, tmp_path_factory):
    """Train a model whose library is `named`'s own animals, moved along every feature."""
    backbone = TinyBackbone()
    with copied(named_once, tmp_path_factory.mktemp("distance")) as survey:
        features = stored_features(survey, animals_of(survey), backbone.name, backbone.hash)
    labels = np.array(["Longidae", "Rotundidae"])[np.arange(len(features)) % 2]

    @cache
    def moved(offset: float):
        library = np.tile(features, (3, 1)) + offset
        return train_bundle(library, np.tile(labels, 3), backbone=backbone)

    return moved


def name(survey: Survey, bundle):
    """Name the survey by a model, which is given back."""
    identify_specimens(survey, bundle)
    return bundle


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(distance, "FEWEST", 10)


def measured(survey, bundle):
    return write_distance(survey, bundle, survey.models / "own model")


def test_a_library_from_elsewhere_is_told_before_the_table(named: Survey, model, small) -> None:
    found = measured(named, name(named, model(5.0)))
    assert found.error.value == 0
    assert found.verdict == "unlike"
    assert read_distance(named) == found
    page = write_report(named).read_text(encoding="utf-8")
    assert page.index("These photos are unlike the library") < page.index('class="cards"')
    assert page.index("berlese adapt") < page.index("Community table")


def test_the_own_animals_as_a_library_are_alike(named: Survey, model, small) -> None:
    found = measured(named, name(named, model(0.0)))
    assert found.verdict == "alike"
    page = write_report(named).read_text(encoding="utf-8")
    assert "These photos look like the library" in page
    assert "berlese adapt" not in page


def test_few_animals_tell_nothing_and_the_page_says_so(named, model, monkeypatch) -> None:
    bundle = name(named, model(5.0))
    monkeypatch.setattr(distance, "FEWEST", 10)
    assert measured(named, bundle).verdict == "unlike"
    monkeypatch.undo()
    assert measured(named, bundle).verdict == "not known"
    page = write_report(named).read_text(encoding="utf-8")
    assert "15 animals are too few" in page


def test_what_was_measured_of_another_model_is_not_told(named, model, small) -> None:
    measured(named, name(named, model(5.0)))
    name(named, model(4.0))
    assert read_distance(named) is None
    assert "These photos are" not in write_report(named).read_text(encoding="utf-8")


def test_a_damaged_or_older_file_is_no_distance(named, model, small) -> None:
    measured(named, name(named, model(5.0)))
    path = named.exports / distance.DISTANCE_NAME
    kept = json.loads(path.read_text(encoding="utf-8"))
    for text in ("{", "[]", json.dumps(kept["error"]), json.dumps(kept | {"check": 3})):
        path.write_text(text, encoding="utf-8")
        assert read_distance(named) is None


@pytest.mark.parametrize(
    ("low", "said", "unsaid"),
    [(0.40, "many names will be wrong", "differ a little"), (0.99, "differ a little", "wrong")],
)
def test_photos_are_called_unlike_in_words_only_where_names_suffer(low, said, unsaid) -> None:
    found = LibraryDistance(
        "m",
        "b",
        "library",
        promised=True,
        animals=99,
        error=DomainError(0.2, 0.1, 0.3, 20, 5),
        check=DomainCheck(99, 0.8),
        expected=Expectation(low, 1.0, 0.98, ()),
    )
    assert found.verdict == "unlike"
    words = f"{found.headline()} {found.meaning()}"
    assert said in words
    assert unsaid not in words


def test_the_error_is_said_as_how_often_both_are_told_apart() -> None:
    error = DomainError(0.06, 0.02, 0.11, 20, 5)
    found = LibraryDistance("m", "b", "library", True, 40, error, None, None)
    assert found.meaning().startswith(
        "A classifier tells your animals from the library's pictures in 94% of cases (90% interval "
        "89% to 98%; 50% would mean alike, 100% always told apart)."
    )


def test_the_check_that_weighs_shares_of_taxa_goes_before_the_error() -> None:
    far, near = DomainError(0.0, 0.0, 0.1, 20, 5), DomainError(0.5, 0.4, 0.6, 20, 5)

    def verdict(error, check):
        return LibraryDistance("m", "b", "library", True, 99, error, check, None).verdict

    assert verdict(far, DomainCheck(99, 0.6)) == "alike"
    assert verdict(near, DomainCheck(99, 0.9)) == "unlike"
    assert verdict(far, DomainCheck(40, None)) == "unlike"
    assert verdict(near, None) == "alike"
    assert verdict(None, DomainCheck(9, None)) == "not known"


def test_an_accuracy_is_expected_from_what_models_kept_where_photos_differed_as_much(
    named, model, small
) -> None:
    bundle = name(named, model(5.0))
    found = measured(named, bundle)
    right = bundle.seen.probabilities.argmax(axis=1) == bundle.seen.codes
    # Errors of 0.4 and 1.2 % are the nearest to none; models kept 59.8 and 47.7 % there.
    assert found.expected.low == pytest.approx(0.477 * right.mean())
    assert found.expected.high == pytest.approx(0.598 * right.mean())
    words = f"{0.477 * right.mean():.0%} to {0.598 * right.mean():.0%} were"
    assert words in found.meaning()


def test_a_model_that_was_fitted_to_few_animals_of_these_photos_asks_for_no_adapting() -> None:
    few = LibraryDistance("m", "b", "survey meadow", True, 39, None, None, None)
    assert few.verdict == "not known"
    assert not few.asks_for_review
    assert few.headline() == "The model was fitted to survey meadow."
    assert few.meaning() == ("39 animals are too few to check whether these photos are like those.")
    unnamed = LibraryDistance("m", "b", "survey meadow", False, 39, None, None, None)
    assert "no probability" in unnamed.meaning()
    moved = DomainCheck(99, 0.9)
    assert LibraryDistance("m", "b", "survey meadow", True, 99, None, moved, None).asks_for_review


def test_the_next_steps_name_this_survey_and_its_model(named, model, small) -> None:
    found = measured(named, name(named, model(5.0)))
    commands = [command for command, _ in found.next_steps(named)]
    assert commands[0] == "berlese plan survey --out review.csv --count 15"
    assert "berlese adapt 'survey/models/own model' survey --out adapted" in commands
    assert commands[-1] == "berlese report survey"
    begun = [command for command, _ in found.next_steps(named, reviewed=15)]
    assert begun[0].startswith("berlese adapt")
