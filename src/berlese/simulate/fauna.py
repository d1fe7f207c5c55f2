"""Faunas for simulated libraries: genera, species, and which of them live where.

A fauna is a region's list of species: genera are draws around the body plans of their taxa,
species draws around their genera. Abundances are log-normal (few common species, many rare),
and a species lives at some of the region's places only, more often in the kind of habitat that
it likes. Pictures are left to `berlese.simulate.libraries`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from berlese.simulate.plans import BodyPlan, Colour, Shape, Species, vary

# Traits that make a taxon what it is, or a species small: never drawn towards the average.
_KEPT = ("length_px", "rostrum_len", "rostrum_w", "rostrum_curve", "mandible", "wings", "gape")
_SHARES = ("pron_front", "pron_base", "pron_widest", "ely_base", "ely_widest", "ely_apex")
_DRAB: tuple[Colour, ...] = (
    (30, 25, 23), (44, 31, 24), (66, 42, 28), (92, 56, 32), (118, 72, 38), (140, 90, 48),
)  # fmt: skip
_HABITATS = 5  # Source: Fujisawa et al. 2023, Methods, forest habitats of the Troodos


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How far the animals of a taxon differ, and how alike taxa are.

    The defaults were set by trial until the paper's network, trained on 700 pictures of LH, named
    96 of 100 others rightly, as in the paper. Nothing else of the libraries was tuned.

    Parameters
    ----------
    wider : float
        How far genera reach beyond the range of their taxon's plan, as a share of it.
    alike : float
        Largest share by which a genus is drawn from its plan towards an average beetle.
    drab : float
        Share of the genera that are brown or black as beetles of any taxon are.
    species : float
        Standard deviation of species around their genus, as a share of the plan's range.
    individual : float
        How far individuals differ, against `berlese.simulate.plans.vary`.
    """

    wider: float = 0.6
    alike: float = 0.55
    drab: float = 0.6
    species: float = 0.16
    individual: float = 1.5


@dataclass(frozen=True, slots=True)
class NamedSpecies:
    """A species with the code names that a sorter would give it."""

    genus: str
    name: str
    species: Species


@dataclass(frozen=True, slots=True)
class Region:
    """Where a fauna lives.

    Parameters
    ----------
    code : str
        Letter in the names of its genera.
    places : tuple of str
        Names of its sites.
    richness : float
        Species a taxon, for one that is represented by a single picture; the number grows with
        the square root of the pictures.
    range : float
        Share of the places where a common species lives; rare ones live at fewer.
    """

    code: str
    places: tuple[str, ...]
    richness: float
    range: float


@dataclass(frozen=True, slots=True, eq=False)
class Fauna:
    """The species of one taxon in a region, and how common each is at each place.

    Parameters
    ----------
    species : tuple of NamedSpecies
    places : tuple of str
    abundance : float64 array of shape (species, places)
        Expected animals, in any unit; 0 where a species does not live.
    """

    species: tuple[NamedSpecies, ...]
    places: tuple[str, ...]
    abundance: NDArray[np.float64]

    def draw(self, rng: np.random.Generator) -> tuple[NamedSpecies, str]:
        """Draw an animal that the region's samples hold: its species and its place."""
        shares = (self.abundance / self.abundance.sum()).ravel()
        species, place = divmod(int(rng.choice(shares.size, p=shares)), len(self.places))
        return self.species[species], self.places[place]

    def draw_at(self, place: str, rng: np.random.Generator) -> NamedSpecies | None:
        """Draw an animal of one place, or None where the taxon does not live there."""
        here = self.abundance[:, self.places.index(place)]
        if not here.any():
            return None
        return self.species[int(rng.choice(len(here), p=here / here.sum()))]


def draw_fauna(
    taxon: str,
    plan: BodyPlan,
    region: Region,
    n_pictures: int,
    effort: NDArray[np.float64],
    habitat: NDArray[np.intp],
    rng: np.random.Generator,
    difficulty: Difficulty,
) -> Fauna:
    """Draw the species of one taxon in a region.

    Parameters
    ----------
    taxon : str
    plan : BodyPlan
        Of the taxon.
    region : Region
    n_pictures : int
        How many pictures of the taxon the region's libraries hold; richer taxa have more.
    effort : float64 array of shape (places,)
        How many animals each place gave.
    habitat : intp array of shape (places,)
        Kind of habitat of each place.
    rng : Generator
    difficulty : Difficulty
    """
    n_species = max(2, round(region.richness * np.sqrt(n_pictures)))
    species: list[NamedSpecies] = []
    while len(species) < n_species:
        genus = f"{taxon}-{region.code}{len({each.genus for each in species}) + 1}"
        model = _draw_genus(taxon, plan, rng, difficulty)
        for number in range(min(1 + int(rng.geometric(0.5)), n_species - len(species))):
            own = _draw_species(model, plan, rng, difficulty)
            species.append(NamedSpecies(genus, f"{genus} sp{number + 1}", own))
    abundance = _draw_abundance(n_species, region, effort, habitat, rng)
    return Fauna(tuple(species), region.places, abundance)


def draw_individual(species: Species, rng: np.random.Generator, difficulty: Difficulty) -> Species:
    """Draw one animal of a species."""
    animal = vary(species, rng, spread=difficulty.individual)
    shares = {name: _bounded(name, getattr(animal.shape, name)) for name in _SHARES}
    return replace(animal, shape=replace(animal.shape, **shares))


def draw_habitats(region: Region, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Draw the effort and the kind of habitat of a region's places."""
    n_places = len(region.places)
    effort = np.exp(rng.normal(0, 0.3, n_places))
    return effort, rng.permutation(np.arange(n_places) % _HABITATS)


def _draw_abundance(
    n_species: int,
    region: Region,
    effort: NDArray[np.float64],
    habitat: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    n_places = len(region.places)
    common = rng.normal(0, 1.4, n_species)
    liking = rng.normal(0, 1.0, (n_species, _HABITATS))[:, habitat]
    local = rng.normal(0, 0.8, (n_species, n_places))
    rank = np.argsort(np.argsort(-common)) / max(n_species - 1, 1)
    lives = rng.random((n_species, n_places)) < (region.range * (1 - 0.8 * rank))[:, None]
    lives[np.arange(n_species), rng.integers(n_places, size=n_species)] = True
    return np.where(lives, effort * np.exp(common[:, None] + liking + local), 0.0)


def _draw_genus(
    taxon: str, plan: BodyPlan, rng: np.random.Generator, difficulty: Difficulty
) -> Species:
    share = float(rng.uniform(0, difficulty.alike))
    average = Shape(length_px=100.0)
    traits = {}
    for name, (low, high) in plan.ranges.items():
        reach = difficulty.wider * (high - low)
        value = float(rng.uniform(low - reach, high + reach))
        if name not in _KEPT:
            value += share * (getattr(average, name) - value)
        traits[name] = _bounded(name, value)
    colours = _DRAB if rng.random() < difficulty.drab else plan.colours
    colour = _tinted(colours[int(rng.integers(len(colours)))], 0.12, rng)
    others = plan.pronotum_colours
    own = bool(others) and colours is plan.colours and rng.random() < 0.5
    return Species(
        taxon=taxon,
        shape=Shape(**traits),
        antenna=plan.antenna,
        colour=colour,
        pronotum_colour=others[int(rng.integers(len(others)))] if own else colour,
        leg_colour=plan.leg_colours[int(rng.integers(len(plan.leg_colours)))],
        pattern=plan.patterns[int(rng.integers(len(plan.patterns)))],
    )


def _draw_species(
    genus: Species, plan: BodyPlan, rng: np.random.Generator, difficulty: Difficulty
) -> Species:
    traits = {}
    for name, (low, high) in plan.ranges.items():
        moved = getattr(genus.shape, name) + difficulty.species * (high - low) * rng.normal()
        traits[name] = _bounded(name, float(moved))
    same = genus.pronotum_colour == genus.colour
    colour = _tinted(genus.colour, 0.18, rng)
    return Species(
        taxon=genus.taxon,
        shape=Shape(**traits),
        antenna=genus.antenna,
        colour=colour,
        pronotum_colour=colour if same else _tinted(genus.pronotum_colour, 0.18, rng),
        leg_colour=_tinted(genus.leg_colour, 0.18, rng),
        pattern=genus.pattern
        if rng.random() < 0.7
        else plan.patterns[int(rng.integers(len(plan.patterns)))],
    )


def _bounded(name: str, value: float) -> float:
    """Keep a trait drawable: nothing below 0, no share above 1, no beetle too small to see."""
    if name == "length_px":
        return max(value, 34.0)
    return float(np.clip(value, 0.0, 1.0 if name in _SHARES else 99.0))


def _tinted(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    paler = np.exp(rng.normal(0, spread))
    shifted = np.clip(np.array(colour) * paler * np.exp(rng.normal(0, 0.03, 3)), 8, 225)
    return (int(shifted[0]), int(shifted[1]), int(shifted[2]))
