import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.simulate.plans import SPECIES_PER_TAXON, TAXA, species_of, vary

# The names of the paper's Table S1; "Staphylinidae: Scaphidiinae" is shortened.
PAPER = {
    "Brentidae",
    "Carabidae",
    "Chrysomelidae",
    "Cryptophagidae",
    "Curculionidae",
    "Latridiidae",
    "Leiodidae",
    "Melyridae",
    "Ptiliidae",
    "Scaphidiinae",
    "Staphylinidae",
    "Tenebrionidae",
}


def _mean(taxon: str, trait: str) -> float:
    shapes = [species_of(taxon, i).shape for i in range(SPECIES_PER_TAXON)]
    return float(np.mean([getattr(shape, trait) for shape in shapes]))


def test_the_taxa_are_the_papers_and_can_name_folders():
    assert set(TAXA) == PAPER
    assert all(name.isalpha() for name in TAXA)


def test_a_species_is_the_same_whenever_it_is_asked_for():
    assert species_of("Carabidae", 2) == species_of("Carabidae", 2)
    assert species_of("Carabidae", 2) != species_of("Carabidae", 3)


def test_an_unknown_taxon_is_refused_by_name():
    with pytest.raises(SettingError, match="Apidae"):
        species_of("Apidae", 0)


@pytest.mark.parametrize("taxon", TAXA)
def test_individuals_differ_less_than_species(taxon):
    rng = np.random.default_rng(1)
    wanted = species_of(taxon, 0)
    widths = [vary(wanted, rng).shape.ely_w / wanted.shape.ely_w for _ in range(60)]
    assert 0.03 < np.std(widths) < 0.09
    assert min(widths) > 0.8
    assert max(widths) < 1.2


def test_proportions_are_ordered_as_in_nature():
    # Weevils have snouts, rove beetles short elytra, ground beetles long legs and antennae.
    assert {taxon for taxon in TAXA if _mean(taxon, "rostrum_len") > 0.1} == {
        "Brentidae",
        "Curculionidae",
    }
    assert min(TAXA, key=lambda taxon: _mean(taxon, "ely_len")) == "Staphylinidae"
    assert max(TAXA, key=lambda taxon: _mean(taxon, "leg_len")) == "Carabidae"
    assert max(TAXA, key=lambda taxon: _mean(taxon, "antenna_len")) == "Carabidae"
    assert min(TAXA, key=lambda taxon: _mean(taxon, "length_px")) == "Ptiliidae"
    assert min(TAXA, key=lambda taxon: _mean(taxon, "ely_w")) == "Brentidae"
