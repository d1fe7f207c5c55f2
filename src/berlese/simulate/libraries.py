"""Simulate the paper's three labelled libraries, and animals of taxa that none of them teaches.

=========  ========================  ===============================
library    animals                   microscope
=========  ========================  ===============================
LH         leaf litter, 46 sites     stacked (high quality)
LL         the same species, sites   stereoscope (low quality)
GH         other genera, 11 places   stacked
=========  ========================  ===============================

Counts by taxon are those of Table S1, times `scale`. `plan_libraries` says which animals there
are, without drawing one; `simulate_pictures` draws them. Picture `k` of a taxon depends on the
seed and `k` alone, however many are asked for and whatever the number of processes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from berlese.errors import SettingError
from berlese.processes import in_processes
from berlese.simulate.beetles import ByteArray
from berlese.simulate.fauna import (
    Difficulty,
    Fauna,
    NamedSpecies,
    Region,
    draw_fauna,
    draw_habitats,
    draw_individual,
)
from berlese.simulate.microscopes import draw_view, is_small, photograph
from berlese.simulate.plans import PLANS, TAXA
from berlese.simulate.strangers import STRANGERS

UNKNOWN_SUFFIX = "-unknown"
UNKNOWN_PER_TAXON = 2
_TRAYS = 3  # a site, library and class of size
_CHUNK = 16  # pictures that a process draws at a time

# Source: Fujisawa et al. 2023, Table S1; LH, LL, GH. The table's own total of LH, 730, is not
# the sum of its rows; 960 is, and only that fits 700 pictures to train on and 200 to test.
TABLE_S1: Mapping[str, tuple[int, int, int]] = {
    "Brentidae": (18, 11, 67),
    "Carabidae": (223, 40, 155),
    "Chrysomelidae": (8, 16, 445),
    "Cryptophagidae": (11, 16, 42),
    "Curculionidae": (111, 33, 351),
    "Latridiidae": (26, 13, 28),
    "Leiodidae": (6, 2, 28),
    "Melyridae": (5, 11, 8),
    "Ptiliidae": (52, 14, 17),
    "Scaphidiinae": (6, 6, 37),
    "Staphylinidae": (463, 117, 443),
    "Tenebrionidae": (31, 27, 66),
}

_LITTER = Region("C", tuple(f"site-{n:02d}" for n in range(1, 47)), richness=2.0, range=0.7)
_GLOBE = Region("G", tuple(f"place-{n:02d}" for n in range(1, 12)), richness=3.5, range=0.2)


@dataclass(frozen=True, slots=True)
class LibraryKind:
    """What one library shows, and how it was photographed."""

    name: str
    region: Region
    setup: str
    counts: Mapping[str, int]
    known: bool = True


def _counted(column: int) -> dict[str, int]:
    return {taxon: counts[column] for taxon, counts in TABLE_S1.items()}


LIBRARIES: tuple[LibraryKind, ...] = (
    LibraryKind("LH", _LITTER, "stacked", _counted(0)),
    LibraryKind("LL", _LITTER, "stereoscope", _counted(1)),
    LibraryKind("GH", _GLOBE, "stacked", _counted(2)),
    LibraryKind(
        "LH" + UNKNOWN_SUFFIX,
        _LITTER,
        "stacked",
        dict.fromkeys(STRANGERS, UNKNOWN_PER_TAXON),
        known=False,
    ),
)


@dataclass(frozen=True, slots=True)
class PlannedPicture:
    """One picture that is to be drawn, and the truth about it.

    Parameters
    ----------
    dataset, taxon : str
        Its folders.
    number : int
        Counted from 1 within both.
    animal : NamedSpecies
        What it shows.
    neighbour : NamedSpecies, optional
        What lived at the same place and may lie beside it.
    site : str
        Where the animal was caught.
    tray : int
        Which of the site's photographs it was cut from.
    setup : str
        The microscope.
    known : bool
        Whether the libraries teach its taxon.
    """

    dataset: str
    taxon: str
    number: int
    animal: NamedSpecies
    neighbour: NamedSpecies | None
    site: str
    tray: int
    setup: str
    known: bool

    @property
    def file(self) -> str:
        """Path below the folder of all libraries, with forward slashes."""
        return f"{self.dataset}/{self.taxon}/{self.number:04d}.jpg"


def plan_libraries(
    seed: int, *, scale: float = 1.0, difficulty: Difficulty | None = None
) -> list[PlannedPicture]:
    """Say which pictures the libraries hold, without drawing them.

    Parameters
    ----------
    seed : int
        Of faunas, sites and animals.
    scale : float
        What the counts of Table S1 are multiplied by; every taxon keeps one picture at least.
    difficulty : Difficulty, optional
        How hard the taxa are to tell apart; by default as within the paper's LH.

    Raises
    ------
    SettingError
        On a scale that is not above 0.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise SettingError(f"plan_libraries: scale must be a number above 0, got {scale!r}.")
    difficulty = difficulty or Difficulty()
    faunas = {region: _draw_faunas(seed, region, difficulty) for region in (_LITTER, _GLOBE)}
    planned = []
    for kind in LIBRARIES:
        for taxon, count in kind.counts.items():
            fauna = faunas[kind.region]
            planned += [
                _plan_picture(seed, kind, taxon, number, fauna)
                for number in range(1, max(1, round(scale * count)) + 1)
            ]
    return planned


def _sequence(seed: int, *key: int | str) -> np.random.SeedSequence:
    """Return the stream of one thing: names count as well as numbers."""
    words = [each if isinstance(each, int) else int.from_bytes(each.encode()) for each in key]
    return np.random.SeedSequence([seed, *words])


def _draw_faunas(seed: int, region: Region, difficulty: Difficulty) -> dict[str, Fauna]:
    effort, habitat = draw_habitats(region, np.random.default_rng(_sequence(seed, region.code)))
    result = {}
    for taxon, plan in {**PLANS, **STRANGERS}.items():
        pictures = sum(kind.counts.get(taxon, 0) for kind in LIBRARIES if kind.region is region)
        rng = np.random.default_rng(_sequence(seed, region.code, taxon))
        result[taxon] = draw_fauna(taxon, plan, region, pictures, effort, habitat, rng, difficulty)
    return result


def _plan_picture(
    seed: int, kind: LibraryKind, taxon: str, number: int, faunas: Mapping[str, Fauna]
) -> PlannedPicture:
    rng = np.random.default_rng(_sequence(seed, kind.name, taxon, number, "plan"))
    animal, site = faunas[taxon].draw(rng)
    shares = np.array([TABLE_S1[other] for other in TAXA], float).sum(axis=1)
    other = TAXA[int(rng.choice(len(TAXA), p=shares / shares.sum()))]
    return PlannedPicture(
        dataset=kind.name,
        taxon=taxon,
        number=number,
        animal=animal,
        neighbour=faunas[other].draw_at(site, rng),
        site=site,
        tray=int(rng.integers(_TRAYS)),
        setup=kind.setup,
        known=kind.known,
    )


def draw_picture(
    seed: int, planned: PlannedPicture, *, difficulty: Difficulty | None = None
) -> ByteArray:
    """Draw one planned picture; uint8 RGB."""
    difficulty = difficulty or Difficulty()
    library = planned.dataset.removesuffix(UNKNOWN_SUFFIX)
    small = is_small(planned.animal.species)
    tray = _sequence(seed, library, planned.site, planned.tray, "small" if small else "large")
    view = draw_view(planned.setup, np.random.default_rng(tray), small=small)
    key = (planned.dataset, planned.taxon, planned.number, "picture")
    rng = np.random.default_rng(_sequence(seed, *key))
    animal = draw_individual(planned.animal.species, rng, difficulty)
    neighbour = None
    if planned.neighbour is not None and is_small(planned.neighbour.species) == small:
        neighbour = draw_individual(planned.neighbour.species, rng, difficulty)
    return photograph(view, animal, neighbour, rng)


def simulate_pictures(
    seed: int, planned: Sequence[PlannedPicture], *, jobs: int = 1
) -> Iterator[tuple[PlannedPicture, ByteArray]]:
    """Draw planned pictures, in their order, in `jobs` processes.

    Raises
    ------
    SettingError
        If `jobs` is below 1.
    """
    if jobs < 1:
        raise SettingError(f"simulate_pictures: jobs must be at least 1, got {jobs!r}.")
    jobs = min(jobs, len(planned) // _CHUNK + 1)
    drawn = in_processes(partial(draw_picture, seed), planned, jobs, at_once=_CHUNK)
    yield from zip(planned, drawn, strict=True)
