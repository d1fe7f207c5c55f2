"""Simulate photos of bulk samples with their exact truth, whole surveys, and labelled libraries.

Every site has its own community (log-normal abundances of the twelve taxa), every photo its own
dish, light and camera. Photo `k` of a survey depends on the seed and `k` alone. The pictures of
a library are cut, by the true box and a little margin, out of windows of photos that the same
simulator takes with other seeds. Boxes and polygons are in photo pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError
from berlese.simulate.beetles import ByteArray, DrawnBeetle, FloatArray, simulate_beetle
from berlese.simulate.imaging import Setup, backdrop, draw_setup, expose, lay
from berlese.simulate.plans import TAXA
from berlese.specimens.crop import with_margin
from berlese.specimens.outline import Box

Seed = int | np.random.SeedSequence | np.random.Generator

MM_PER_PIXEL = 0.025  # the smallest beetles come to about a millimetre, the largest to five
_VISIBLE = 0.35  # share of a pixel that an animal must cover to be seen there
_TOUCHING = 0.08  # share of the animals that may touch a neighbour
_OVERLAP = 0.03  # share of an animal that may lie on or under a neighbour
_TRIES = 80


@dataclass(frozen=True, slots=True, eq=False)
class TrueSpecimen:
    """One animal of a simulated photo.

    Parameters
    ----------
    taxon : str
        Its name.
    box : Box
        Tight box around its visible pixels, legs and antennae included.
    polygon : float64 array of shape (n, 2)
        Outer outline of the visible pixels, x and y in photo pixels.
    mask : bool array of shape (box.height, box.width)
        The visible pixels.
    length_px : float
        Front of the head to the end of the body.
    """

    taxon: str
    box: Box
    polygon: NDArray[np.float64]
    mask: NDArray[np.bool_]
    length_px: float


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPhoto:
    """A photo with its truth; `pixels` is uint8 RGB of shape (h, w, 3), all at one scale."""

    name: str
    pixels: ByteArray
    sample: str
    site: str
    specimens: tuple[TrueSpecimen, ...]
    mm_per_pixel: float = MM_PER_PIXEL


@dataclass(frozen=True, slots=True, eq=False)
class LibraryImage:
    """One labelled picture of a library; `name` says nothing but a number within its taxon."""

    taxon: str
    name: str
    pixels: ByteArray


@dataclass(frozen=True, slots=True)
class _Placed:
    beetle: DrawnBeetle
    left: int
    top: int

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.beetle.alpha >= _VISIBLE

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.beetle.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def _generator(seed: Seed) -> np.random.Generator:
    return np.random.default_rng(seed)


def _sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    return seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)


def draw_community(seed: Seed) -> NDArray[np.float64]:
    """Draw the shares of the twelve taxa (in the order of `TAXA`) at one site, log-normal."""
    weights = np.exp(_generator(seed).normal(0, 0.75, len(TAXA)))
    return weights / weights.sum()


def _draw_taxa(
    rng: np.random.Generator, n_specimens: int, community: Sequence[float] | None
) -> list[str]:
    shares = draw_community(rng) if community is None else np.asarray(community, float)
    if shares.shape != (len(TAXA),) or not (shares >= 0).all() or not shares.sum() > 0:
        raise SettingError(
            f"A community needs {len(TAXA)} shares of at least 0, not all 0; got {community!r}."
        )
    return [TAXA[i] for i in rng.choice(len(TAXA), size=n_specimens, p=shares / shares.sum())]


def _place(
    beetle: DrawnBeetle, setup: Setup, taken: NDArray[np.uint8], rng: np.random.Generator
) -> _Placed | None:
    """Find room in the dish: apart from the others, or now and then touching one a little."""
    height, width = beetle.alpha.shape
    seen = beetle.alpha >= _VISIBLE
    touching = rng.random() < _TOUCHING
    reach = setup.radius - 0.5 * np.hypot(height, width) - 6
    if reach <= 0:
        return None
    apart = cv2.dilate(seen.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    for _ in range(_TRIES):
        angle, far = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
        left = int(setup.centre[0] + far * np.cos(angle) - width / 2)
        top = int(setup.centre[1] + far * np.sin(angle) - height / 2)
        below = taken[top : top + height, left : left + width] > 0
        if below.shape != seen.shape:
            continue
        crossed = int((below & seen).sum())
        if crossed == 0 and not (below & apart).any():
            return _Placed(beetle, left, top)
        if touching and crossed <= min(_OVERLAP * seen.sum(), 60):
            return _Placed(beetle, left, top)
    return None


def _true_specimen(placed: _Placed, owner: NDArray[np.int16], number: int) -> TrueSpecimen | None:
    """Return what is seen of an animal; `owner` says which animal is on top at each pixel."""
    mask = (owner[placed.window] == number).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    left, top, width, height = (int(n) for n in stats[largest, :4])
    own = np.ascontiguousarray(pieces[top : top + height, left : left + width] == largest)
    outlines, _ = cv2.findContours(own.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corner = np.array([placed.left + left, placed.top + top], float)
    box = Box(
        left=placed.left + left,
        top=placed.top + top,
        right=placed.left + left + width,
        bottom=placed.top + top + height,
    )
    polygon = max(outlines, key=len)[:, 0, :].astype(float) + corner + 0.5
    return TrueSpecimen(placed.beetle.taxon, box, polygon, own, placed.beetle.length_px)


def simulate_photo(
    seed: Seed,
    *,
    sample: str = "S1",
    site: str = "site-1",
    n_specimens: int = 40,
    size_px: int = 1600,
    community: Sequence[float] | None = None,
    name: str = "photo-1",
) -> SimulatedPhoto:
    """Simulate one dish of beetles, photographed from above.

    Parameters
    ----------
    seed : int, SeedSequence or Generator
        The same seed gives the same pixels.
    sample, site : str
        Where the animals are from; the sample's name is on the label (no name, no label).
    n_specimens : int
        How many animals are put into the dish; where it is full, fewer are.
    size_px : int
        Width and height of the photo; animals do not grow with it.
    community : sequence of float, optional
        Shares of `TAXA`; drawn if not given.
    name : str
        Name of the photo, without suffix.

    Returns
    -------
    SimulatedPhoto
        Pixels and truth, specimens in the order in which they were laid.
    """
    if n_specimens < 0 or size_px < 200:
        raise SettingError(
            "simulate_photo: n_specimens must be at least 0 and size_px at least 200, "
            f"got {n_specimens} and {size_px}."
        )
    rng = _generator(seed)
    setup = draw_setup(rng, size_px, sample)
    taken = np.zeros((size_px, size_px), np.uint8)
    animals = []
    for taxon in _draw_taxa(rng, n_specimens, community):
        placed = _place(simulate_beetle(taxon, rng, light=setup.light), setup, taken, rng)
        if placed is not None:
            taken[placed.window] |= placed.seen.astype(np.uint8)
            animals.append(placed)
    window = Box(left=0, top=0, right=size_px, bottom=size_px)
    canvas, owner = _compose(setup, window, animals)
    found = (_true_specimen(each, owner, i) for i, each in enumerate(animals, start=1))
    return SimulatedPhoto(
        name=name,
        pixels=expose(canvas, setup, window, rng),
        sample=sample,
        site=site,
        specimens=tuple(each for each in found if each is not None),
    )


def _compose(
    setup: Setup, window: Box, animals: Sequence[_Placed]
) -> tuple[FloatArray, NDArray[np.int16]]:
    """Draw a window with its animals; animals are placed in the window's own pixels."""
    canvas = backdrop(setup, window)
    owner = np.zeros(canvas.shape[:2], np.int16)
    for number, placed in enumerate(animals, start=1):
        lay(canvas, placed.beetle, placed.left, placed.top, setup.light)
        owner[placed.window][placed.seen] = number
    return canvas, owner


def simulate_survey(
    seed: int | np.random.SeedSequence,
    *,
    n_photos: int = 6,
    specimens_per_photo: int = 40,
    n_sites: int = 3,
    size_px: int = 1600,
) -> Iterator[SimulatedPhoto]:
    """Simulate the photos of a survey, one sample a photo, the sites taking turns.

    Photo `k` is the same however many photos are asked for.
    """
    if n_photos < 0 or n_sites < 1:
        raise SettingError(
            "simulate_survey: n_photos must be at least 0 and n_sites at least 1, "
            f"got {n_photos} and {n_sites}."
        )
    entropy = _sequence(seed)
    key = tuple(entropy.spawn_key)
    communities = [
        draw_community(np.random.SeedSequence(entropy.entropy, spawn_key=(*key, 0, i)))
        for i in range(n_sites)
    ]
    for k in range(n_photos):
        yield simulate_photo(
            np.random.SeedSequence(entropy.entropy, spawn_key=(*key, 1, k)),
            sample=f"S{k + 1:03d}",
            site=f"site-{k % n_sites + 1}",
            n_specimens=specimens_per_photo,
            size_px=size_px,
            community=communities[k % n_sites].tolist(),
            name=f"dish-{k + 1:03d}",
        )


def simulate_library(
    seed: int | np.random.SeedSequence, *, per_taxon: int = 40
) -> Iterator[LibraryImage]:
    """Simulate labelled pictures, taxon after taxon, cut as from photos of other samples.

    Picture `k` of a taxon is the same however many are asked for.
    """
    if per_taxon < 0:
        raise SettingError(f"simulate_library: per_taxon must be at least 0, got {per_taxon}.")
    entropy = _sequence(seed)
    for number, taxon in enumerate(TAXA):
        for k in range(per_taxon):
            key = (*entropy.spawn_key, 2, number, k)
            rng = np.random.default_rng(np.random.SeedSequence(entropy.entropy, spawn_key=key))
            yield LibraryImage(taxon, f"{k + 1:04d}", _library_crop(taxon, rng))


def _library_crop(taxon: str, rng: np.random.Generator, size_px: int = 1600) -> ByteArray:
    """Photograph a window of a dish with one animal of `taxon` and cut it out."""
    setup = draw_setup(rng, size_px, "")
    main = simulate_beetle(taxon, rng, light=setup.light)
    height, width = main.alpha.shape
    taken = np.zeros((size_px, size_px), np.uint8)
    centre = _place(main, setup, taken, rng)
    if centre is None:
        raise SettingError(f"A {taxon} of {width} x {height} pixels does not fit into the dish.")
    margin = 40
    window = Box(
        left=max(0, centre.left - margin),
        top=max(0, centre.top - margin),
        right=min(size_px, centre.left + width + margin),
        bottom=min(size_px, centre.top + height + margin),
    )
    inside = _Placed(main, centre.left - window.left, centre.top - window.top)
    animals = [inside, *_neighbours(inside, window, setup, rng)]
    canvas, owner = _compose(setup, window, animals)
    truth = _true_specimen(inside, owner, 1)
    if truth is None:
        raise SettingError(f"A {taxon} is hidden altogether.")
    pixels = expose(canvas, setup, window, rng)
    cut = with_margin(truth.box, window.width, window.height)
    return np.ascontiguousarray(pixels[cut.top : cut.bottom, cut.left : cut.right])


def _neighbours(
    inside: _Placed, window: Box, setup: Setup, rng: np.random.Generator
) -> list[_Placed]:
    """Lay up to one more animal, partly within the window, clear of the first."""
    if rng.random() > 0.3:
        return []
    other = simulate_beetle(TAXA[int(rng.integers(len(TAXA)))], rng, light=setup.light)
    height, width = other.alpha.shape
    occupied = np.zeros((window.height, window.width), np.uint8)
    occupied[inside.window] = inside.seen
    near = cv2.dilate(occupied, np.ones((7, 7), np.uint8)) > 0
    for _ in range(12):
        left = int(rng.integers(-width + 20, window.width - 20))
        top = int(rng.integers(-height + 20, window.height - 20))
        rows = slice(max(0, top), min(window.height, top + height))
        columns = slice(max(0, left), min(window.width, left + width))
        own = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        if not (near[rows, columns] & (other.alpha[own] > _VISIBLE)).any():
            part = DrawnBeetle(other.taxon, other.colour[own], other.alpha[own], other.length_px)
            return [_Placed(part, columns.start, rows.start)]
    return []
