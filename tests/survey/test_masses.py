"""Dry masses against values worked by hand from the published coefficients."""

import pytest
from sqlalchemy import select

from berlese.survey.community import CountedSpecimen, count_long, long_table
from berlese.survey.masses import dry_mass, equations_for, mass_on_photo
from berlese.survey.measurements import facts_of, measurements_of
from berlese.survey.tables import Identification, Photo, current_specimens
from tests.survey.test_community import samples


def test_a_beetle_of_5_by_2_mm_weighs_what_each_publication_says():
    # Sample et al. 1993: exp(-1.857) * 10^1.296 = 0.15614 * 19.770 = 3.087; by length 5 alone
    # Sabo et al. 2002: 0.04 * 70.03 = 2.80, Wardhaugh 2013: 2.51, Ganihar 1997: 2.00.
    mass = dry_mass("Coleoptera", 5, 2)
    assert mass.mg == pytest.approx(3.087, rel=1e-3)
    assert mass.low == pytest.approx(2.002, rel=1e-3)
    assert mass.high == mass.mg
    assert "Sample et al. 1993" in mass.source
    assert mass.interval == "range of 4 published equations"


def test_the_general_insect_of_10_mm_agrees_between_publications():
    # Rogers, Hinds & Buschbom 1976: 0.0305 * 10^2.62 = 12.7 mg.
    sample, rogers = equations_for("Insecta")
    assert rogers.mass_mg(10, 1) == pytest.approx(12.71, rel=2e-3)
    assert sample.mass_mg(10, 1) == pytest.approx(8.29, rel=2e-3)


@pytest.mark.parametrize(
    ("family", "group"),
    [
        ("Carabidae", "Coleoptera"),
        ("Scaphidiinae", "Coleoptera"),
        ("Lycosidae", "Araneae"),
        ("Sciaridae", "Nematocera"),
        ("Miridae", "Hemiptera"),
    ],
)
def test_a_family_without_equations_takes_its_groups(family, group):
    assert equations_for(family) == equations_for(group) != ()


@pytest.mark.parametrize("family", ["Formicidae", "Vespidae", "Braconidae", "Ichneumonidae"])
def test_some_families_have_equations_of_their_own(family):
    assert {equation.taxon for equation in equations_for(family)} == {family}


def test_a_wasp_of_15_by_4_mm_weighs_what_each_publication_says():
    # Sample et al. 1993: exp(-1.537) * 60^1.319 = 0.21503 * 221.5 = 47.6; by length 15 alone
    # exp(-3.54) * 15^2.782 = 0.029013 * 1870.2 = 54.3; Sabo et al. 2002: 0.001 * 15^3.723 = 23.9.
    mass = dry_mass("Vespidae", 15, 4)
    assert mass.mg == pytest.approx(47.6, rel=2e-3)
    assert (mass.low, mass.high) == pytest.approx((23.9, 54.3), rel=2e-3)


def test_the_twelve_taxa_of_the_paper_all_have_a_mass():
    from berlese.simulate.plans import TAXA

    assert all(dry_mass(taxon, 3.0, 1.2) is not None for taxon in TAXA)


def test_equations_of_one_taxon_agree_within_an_order_of_magnitude():
    for taxon in ("Coleoptera", "Diptera", "Hymenoptera", "Formicidae", "Araneae", "Orthoptera"):
        for length in (3, 8):
            mass = dry_mass(taxon, length, 0.35 * length)
            assert 1 < mass.high / mass.low < 10, (taxon, length)


def test_too_few_equations_give_no_range():
    mass = dry_mass("Hemiptera", 5, 2)
    assert (mass.low, mass.high, mass.interval) == (None, None, "none published")


@pytest.mark.parametrize("taxon", ["Oribatida", "unknown", "", "Lumbricidae"])
def test_what_nobody_published_here_has_no_mass(taxon):
    assert dry_mass(taxon, 5, 2) is None


def test_without_a_scale_there_is_no_mass():
    assert mass_on_photo("Carabidae", 100, 40, None) is None
    assert mass_on_photo("Carabidae", 100, 40, 0.05) == dry_mass("Carabidae", 5, 2)


def test_biomass_is_the_sum_over_the_animals_that_could_be_weighed():
    mass = dry_mass("Carabidae", 5, 2)
    animals = [CountedSpecimen("S1", "Carabidae", False, 0.9, mass)] * 3
    animals.append(CountedSpecimen("S1", "Carabidae", False, 0.9))
    table = count_long(animals, samples(("S1", "north", "", 1, 0)), ["Carabidae"])
    row = table.iloc[0]
    assert (row["count"], row["weighed"]) == (4, 3)
    assert float(row["biomassMg"]) == pytest.approx(3 * mass.mg, rel=1e-3)
    assert float(row["biomassMgLow"]) == pytest.approx(3 * mass.low, rel=1e-3)
    assert (table.iloc[1]["weighed"], table.iloc[1]["biomassMg"]) == (0, "")


def test_animals_that_a_person_named_are_weighed_in_every_table(named):
    with named.writing() as session:
        for photo in session.scalars(select(Photo)):
            photo.mm_per_pixel = 0.05
        first = session.scalars(current_specimens()).first()
        identity = first.id
        session.add(
            Identification(
                specimen_id=identity,
                taxon="Carabidae",
                status="validated",
                identified_by="Ada",
                identified_at="2026-01-01T00:00:00Z",
            )
        )
    table = measurements_of(named)
    weighed = table[table["mass_mg"] != ""]
    assert list(weighed["occurrenceID"]) == [identity]
    row = weighed.iloc[0]
    mass = dry_mass("Carabidae", row["length_mm"], row["width_mm"])
    assert row["mass_mg"] == pytest.approx(mass.mg, rel=1e-3)
    assert row["mass_source"] == mass.source
    long = long_table(named)
    assert long["weighed"].sum() == 1
    assert float(long[long["weighed"] > 0].iloc[0]["biomassMg"]) == pytest.approx(mass.mg, rel=1e-2)
    (fact,) = facts_of(table).query("measurementType == 'dry mass'").to_dict("records")
    assert fact["measurementUnit"] == "mg"
    assert "Sample et al. 1993" in fact["measurementMethod"]
