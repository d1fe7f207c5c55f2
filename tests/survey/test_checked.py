"""Counts by the library alone: only in its own domain, and without taxa that it lacks."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from berlese.survey.checked import checked_by_library
from berlese.survey.domain import NAME, read_held_out
from berlese.survey.estimates import estimate_survey
from berlese.survey.imaging import look_at_photos
from berlese.survey.report import write_report
from berlese.survey.reviewing import GivenName, add_names, animals_of
from berlese.survey.steps import identify_specimens
from berlese.survey.tables import Identification
from berlese.survey.taxon_numbers import richness_table
from tests.survey.conftest import copied


@pytest.fixture(scope="session")
def alike_once(seen_once, tmp_path_factory):
    """Folder with a survey in its library's own domain, and the model of that library."""
    made, bundle = seen_once
    folder = tmp_path_factory.mktemp("alike")
    with copied(made, folder) as survey:
        identify_specimens(survey, bundle)
        look_at_photos(survey)  # as every report does
        facts = json.loads((survey.folder / NAME).read_text("utf-8"))
        assert facts["same_domain"]
    return folder, bundle


@pytest.fixture
def alike(alike_once, tmp_path):
    """A survey in its library's own domain, named by a model of that library."""
    folder, bundle = alike_once
    with copied(folder, tmp_path) as survey:
        yield survey, bundle


def test_one_domain_without_strangers_is_counted_by_the_library(alike):
    survey, bundle = alike
    estimates = estimate_survey(survey)
    assert estimates.counts.method == "shares"
    assert estimates.counts.taxa == tuple(bundle.classes)
    assert estimates.counts.counts.sum() == pytest.approx(len(animals_of(survey)))
    assert (estimates.counts.low < estimates.counts.high).all()
    assert "taken to be like the library" in write_report(survey).read_text("utf-8")
    richness = richness_table(survey, estimates)
    assert (richness["chao1Low"] == "").all()  # a wrong name can still add a taxon


def test_held_out_pictures_are_kept_as_the_survey_sees_them(alike):
    survey, bundle = alike
    kept = read_held_out(survey, bundle.hash)
    np.testing.assert_array_equal(kept.codes, bundle.held_out.codes)
    expected = bundle.calibrated(bundle.held_out.probabilities)
    np.testing.assert_allclose(kept.probabilities, expected)
    assert read_held_out(survey, "another model") is None
    identify_specimens(survey, replace(bundle, held_out=None))
    assert read_held_out(survey, bundle.hash) is None
    assert "was not checked" in estimate_survey(survey).counts.why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"same_domain": False}, "these photos are unlike the library's"),
        ({"auroc": None, "same_domain": False}, "is not shown that"),
        ({"model": "another"}, "is not shown that"),
    ],
)
def test_elsewhere_counts_stay_as_named_and_the_report_says_why(alike, facts, why):
    survey, _ = alike
    path = survey.folder / NAME
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | facts), "utf-8")
    counts = estimate_survey(survey).counts
    assert counts.method == "raw"
    assert np.isnan(counts.low).all()
    assert why in counts.why
    assert why.replace("'", "&#39;") in write_report(survey).read_text("utf-8")


def test_more_unknown_animals_than_chance_allows_are_taxa_that_the_library_lacks(alike):
    survey, bundle = alike
    animals = animals_of(survey)
    taxa = bundle.classes
    assert checked_by_library(survey, animals, taxa).held_out is not None
    many = len(animals) // 5
    strange = [
        replace(each, named=Identification(status="unknown", model_id=each.named.model_id))
        if number < many
        else each
        for number, each in enumerate(animals)
    ]
    found = checked_by_library(survey, strange, taxa)
    assert found.held_out is None
    assert "more than the 5% that may be by mistake" in found.why_not


def test_taxa_that_reviewers_found_beside_the_librarys_speak_against_it(alike):
    survey, _ = alike
    word = GivenName(animals_of(survey)[0].specimen_id, None, "unknown", "sheet")
    assert add_names(survey, [word], "Ada").n_done == 1
    counts = estimate_survey(survey).counts
    assert counts.method == "raw"
    assert "reviewers found more" in counts.why


@pytest.mark.parametrize("facts", [{"unknown_rate": 0.0}, {"unknown_rate": None}])
def test_where_no_animal_could_be_called_unknown_nothing_is_corrected(alike, facts):
    survey, bundle = alike
    path = survey.folder / NAME
    kept = json.loads(path.read_text("utf-8")) | facts
    path.write_text(json.dumps({k: v for k, v in kept.items() if v is not None}), "utf-8")
    found = checked_by_library(survey, animals_of(survey), bundle.classes)
    assert found.held_out is None
    assert "no stranger could be told" in found.why_not


def test_a_few_reviewed_animals_count_as_what_they_are(alike):
    survey, bundle = alike
    first = animals_of(survey)[0]
    other = next(taxon for taxon in bundle.classes if taxon != first.named.taxon)
    add_names(survey, [GivenName(first.specimen_id, other, "validated", "sheet")], "Ada")
    counts = estimate_survey(survey).counts
    assert counts.method == "shares"
    by_taxon = pd.Series(counts.probabilities[0], counts.taxa)
    assert by_taxon[other] == 1
