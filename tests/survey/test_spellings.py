"""Names as people type them: one spelling a taxon, new ones told, near ones offered."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from berlese.survey.spellings import Spellings, plain_name, taxon_columns


def test_case_and_spaces_do_not_make_a_taxon() -> None:
    names = Spellings(["Staphylinidae: Scaphidiinae"])
    assert names.settle("staphylinidae:  scaphidiinae ") == "Staphylinidae: Scaphidiinae"
    assert names.notes() == [
        "'staphylinidae: scaphidiinae' was taken as 'Staphylinidae: Scaphidiinae'."
    ]


def test_a_new_name_is_told_once_and_kept_as_it_was_first_written() -> None:
    names = Spellings(["Carabidae", "Cisidae"])
    assert [names.settle(each) for each in ("Carabbidae", "carabbidae")] == ["Carabbidae"] * 2
    assert names.notes()[0] == "'Carabbidae' is a new name here; did you mean 'Carabidae'?"


def test_new_names_like_no_other_can_be_left_unsaid() -> None:
    names = Spellings(["Carabidae"])
    for each in ("Lumbricus", "Carabbidae", "carabidae"):
        names.settle(each)
    assert names.notes(all_new=False) == [
        "'Carabbidae' is a new name here; did you mean 'Carabidae'?",
        "'carabidae' was taken as 'Carabidae'.",
    ]


def test_split_accents_are_the_composed_name() -> None:
    assert plain_name(unicodedata.normalize("NFD", "Müllerellidae")) == "Müllerellidae"


def test_columns_of_taxa_are_never_called_as_others() -> None:
    ours = ("file", "taxon")
    taxa = ["Carabidae", "taxon", "taxon (taxon)", "file"]
    assert taxon_columns(taxa, ours) == [
        "Carabidae",
        "taxon (taxon) (2)",
        "taxon (taxon)",
        "file (taxon)",
    ]
    assert taxon_columns(["Carabidae"], ours) == ["Carabidae"]


@given(st.text(min_size=1, max_size=20))
def test_settling_twice_changes_nothing(text: str) -> None:
    once = Spellings([]).settle(text)
    assert Spellings([once]).settle(once) == once
