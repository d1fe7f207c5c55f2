"""Unknown animals of drawn surveys: groups, the sheet and the report."""

import csv

import pytest

from berlese.survey.report import write_report
from berlese.survey.reviewing import GivenName, add_names, animals_of
from berlese.survey.strangers import UNKNOWNS_NAME, strangers_of, write_unknowns
from tests.survey.conftest import N_ANIMALS


@pytest.fixture
def strange(named):
    """All animals of one drawn taxon are called unknown by a person."""
    of_one = [a for a in animals_of(named) if a.named.taxon == "Longidae"]
    rest = [a for a in animals_of(named) if a.named.taxon != "Longidae"]
    words = [GivenName(each.specimen_id, None, "unknown", "here") for each in of_one]
    words += [GivenName(each.specimen_id, "Rotundidae", "validated", "here") for each in rest]
    add_names(named, words, "A. Person")
    return named, [each.specimen_id for each in of_one]


def test_unknown_animals_that_look_alike_are_one_group(strange):
    survey, ids = strange
    found = strangers_of(survey)
    assert found.n == len(ids)
    grouped = [each.specimen_id for group in found.groups for each in group.animals]
    assert set(grouped) <= set(ids)
    assert len(grouped) >= len(ids) / 2
    assert all(group.nearest == "Longidae" for group in found.groups)
    sizes = [len(group.animals) for group in found.groups]
    assert sizes == sorted(sizes, reverse=True)
    assert "alike" in found.groups[0].in_words()


def test_the_sheet_has_a_row_an_unknown_animal(strange):
    survey, ids = strange
    (path,) = write_unknowns(survey)
    with path.open(encoding="utf-8", newline="") as file:
        assert sorted(row["occurrenceID"] for row in csv.DictReader(file)) == sorted(ids)


def test_the_sheet_goes_with_the_last_unknown_animal(strange):
    survey, ids = strange
    write_unknowns(survey)
    add_names(survey, [GivenName(i, "Longidae", "validated", "here") for i in ids], "B. Person")
    assert write_unknowns(survey) == []
    assert not (survey.exports / UNKNOWNS_NAME).exists()
    assert strangers_of(survey).n == 0


def test_the_report_shows_the_groups(strange):
    survey, ids = strange
    text = write_report(survey).read_text(encoding="utf-8")
    assert 'id="unknowns"' in text
    assert "alike, in" in text
    assert f'Animals called unknown <span class="soft">({len(ids)})' in text
    assert all(text.count(f'id="animal-{each}"') == 1 for each in ids)
    assert len(ids) < N_ANIMALS
