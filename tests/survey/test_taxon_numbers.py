"""Numbers of taxa by sample and site: by hand, with intervals only after review."""

import pandas as pd

from berlese.classify.counts.richness import chao1
from berlese.survey.estimates import estimate_survey
from berlese.survey.reviewing import GivenName, add_names, next_to_review
from berlese.survey.taxon_numbers import COLUMNS, richness_table, write_counts
from tests.survey.conftest import N_ANIMALS

SAID = ("Carabidae", "Carabidae", "Cisidae", "Ptiliidae", "Carabidae")


def test_names_as_they_are_give_no_interval(named) -> None:
    table = richness_table(named, estimate_survey(named))
    assert list(table.columns) == list(COLUMNS)
    assert set(table["level"]) == {"sample", "site"}
    assert (table["chao1Low"] == "").all()
    assert table.loc[table["level"] == "site", "animals"].sum() <= N_ANIMALS


def test_reviewed_counts_give_taxa_with_intervals(named) -> None:
    animals = next_to_review(named, N_ANIMALS)
    names = [
        GivenName(each.specimen_id, SAID[number % 5], "validated", "sheet")
        for number, each in enumerate(animals)
    ]
    add_names(named, names, "Ada")
    said = pd.DataFrame(
        [(each.sample, name.taxon) for each, name in zip(animals, names, strict=True)],
        columns=["sample", "taxon"],
    )
    table = richness_table(named, estimate_survey(named)).set_index(["level", "id"])
    for sample, rows in said.groupby("sample"):
        expected = chao1(rows["taxon"].value_counts().to_numpy())
        found = table.loc["sample", sample]
        assert found["taxa"] == expected.observed
        assert found["chao1"] == round(expected.estimate, 1)
        assert (found["chao1Low"], found["chao1High"]) == (
            round(expected.low, 1),
            round(expected.high, 1),
        )


def test_both_files_are_written_after_review(named) -> None:
    assert [path.name for path in write_counts(named, estimate_survey(named))] == ["richness.csv"]
    animals = next_to_review(named, N_ANIMALS)
    add_names(named, [GivenName(a.specimen_id, None, "dubious", "sheet") for a in animals], "Ada")
    assert [path.name for path in write_counts(named, estimate_survey(named))] == [
        "community_estimates.csv",
        "richness.csv",
    ]
    table = pd.read_csv(named.exports / "richness.csv")
    assert (table["taxa"] == 0).all()  # nobody knows of how many taxa the dubious ones are
