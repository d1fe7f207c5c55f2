from dataclasses import fields

import numpy as np
import pytest

from berlese.simulate.fauna import Difficulty, Region, draw_fauna, draw_habitats, draw_individual
from berlese.simulate.plans import PLANS, Shape
from berlese.simulate.strangers import STRANGERS

WOODS = Region("W", tuple(f"wood-{n}" for n in range(12)), richness=2.0, range=0.6)


def _fauna(taxon, seed=0, *, n_pictures=100, difficulty=None):
    rng = np.random.default_rng(seed)
    effort, habitat = draw_habitats(WOODS, rng)
    plan = {**PLANS, **STRANGERS}[taxon]
    return draw_fauna(
        taxon, plan, WOODS, n_pictures, effort, habitat, rng, difficulty or Difficulty()
    )


@pytest.fixture(scope="module")
def beetles():
    return _fauna("Carabidae")


def test_every_species_lives_somewhere_and_none_everywhere_else(beetles):
    lives = beetles.abundance > 0
    assert lives.any(axis=1).all()
    assert (lives.sum(axis=1) < len(WOODS.places)).any()
    assert len({each.name for each in beetles.species}) == len(beetles.species)


def test_an_animal_is_drawn_only_where_its_species_lives(beetles):
    rng = np.random.default_rng(1)
    names = [each.name for each in beetles.species]
    for _ in range(300):
        animal, place = beetles.draw(rng)
        assert beetles.abundance[names.index(animal.name), WOODS.places.index(place)] > 0
        here = beetles.draw_at(place, rng)
        assert beetles.abundance[names.index(here.name), WOODS.places.index(place)] > 0


def test_where_a_taxon_does_not_live_nothing_is_drawn():
    rare = _fauna("Melyridae", n_pictures=1)
    empty = [
        place
        for place, total in zip(WOODS.places, rare.abundance.sum(axis=0), strict=True)
        if total == 0
    ]
    assert empty
    assert rare.draw_at(empty[0], np.random.default_rng(0)) is None


def test_species_of_a_genus_are_more_alike_than_genera():
    fauna = _fauna("Curculionidae", n_pictures=900)
    widths = np.array([each.species.shape.ely_w for each in fauna.species])
    genera = np.array([each.genus for each in fauna.species])
    within = np.concatenate(
        [widths[genera == genus] - widths[genera == genus].mean() for genus in np.unique(genera)]
    )
    assert 0 < within.std() < 0.5 * widths.std()


def test_richer_taxa_have_more_species():
    counts = [len(_fauna("Carabidae", n_pictures=n).species) for n in (1, 25, 400)]
    assert counts == sorted(set(counts))


def test_drawing_taxa_together_makes_them_more_alike():
    def apart(alike):
        means = []
        for taxon in ("Leiodidae", "Carabidae"):
            fauna = _fauna(taxon, n_pictures=900, difficulty=Difficulty(alike=alike))
            means.append(np.mean([each.species.shape.pron_w for each in fauna.species]))
        return abs(means[0] - means[1])

    assert apart(0.8) < 0.75 * apart(0.0)


@pytest.mark.parametrize("taxon", sorted({**PLANS, **STRANGERS}))
def test_individuals_can_be_drawn_whatever_they_inherit(taxon):
    rng = np.random.default_rng(5)
    for named in _fauna(taxon, n_pictures=50).species:
        shape = draw_individual(named.species, rng, Difficulty()).shape
        values = {field.name: getattr(shape, field.name) for field in fields(Shape)}
        assert min(values.values()) >= 0
        assert values["length_px"] > 20
        assert max(values[name] for name in ("pron_widest", "ely_widest", "ely_apex")) <= 1
