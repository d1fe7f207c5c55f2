"""Lay single beetles out in rows on a dish, each in a known pose: the truth for measuring.

Lengths come from the drawing itself: the body is drawn around an axis from its front to its
end, bent sideways as a parabola.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from berlese.simulate.beetles import (
    ByteArray,
    DrawnBeetle,
    Pose,
    draw_beetle,
    draw_pose,
)
from berlese.simulate.imaging import backdrop, draw_setup, expose, lay
from berlese.simulate.plans import SPECIES_PER_TAXON, Species, species_of, vary
from berlese.specimens.outline import Box

SEEN = 0.35  # share of a pixel that an animal must cover to be seen there
DISH = 0.62  # side of the square inside the dish, of the photo's side


@dataclass(frozen=True, slots=True, eq=False)
class PosedBeetle:
    """One animal with its true measures.

    Attributes
    ----------
    species : Species
        What was drawn.
    pose : Pose
        How it lies.
    drawn : DrawnBeetle
        Its picture.
    length_px : float
        Along the bent axis of the body, from the front of the head to the end of the body.
    width_px : float
        Of the widest part of the body.
    """

    species: Species
    pose: Pose
    drawn: DrawnBeetle
    length_px: float
    width_px: float

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The pixels in which it is seen, legs and antennae included."""
        return np.asarray(self.drawn.alpha >= SEEN)


@dataclass(frozen=True, slots=True, eq=False)
class Lineup:
    """A photo of animals in rows; `boxes` are of the animals, in the same order."""

    pixels: ByteArray
    animals: tuple[PosedBeetle, ...]
    boxes: tuple[Box, ...]

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.pixels.shape[0]

    def region(self, left: int, top: int, width: int, height: int) -> ByteArray:
        """Give a part of the photo, as an opened photo does."""
        return self.pixels[top : top + height, left : left + width]


def pose_beetle(
    taxon: str,
    rng: np.random.Generator,
    *,
    light: float = -2.2,
    bend: float | None = None,
    longest_px: float | None = None,
) -> PosedBeetle:
    """Draw an animal of a taxon in any pose, and keep its true length and width.

    Parameters
    ----------
    taxon : str
        One of `berlese.simulate.plans.TAXA`.
    rng : Generator
        Source of species, individual and pose.
    light : float
        As for `draw_beetle`.
    bend : float, optional
        Sideways curve of the body in body lengths, instead of the taxon's own.
    longest_px : float, optional
        Larger animals are drawn at this length.
    """
    species = vary(species_of(taxon, int(rng.integers(SPECIES_PER_TAXON))), rng)
    shape = species.shape
    if longest_px is not None and shape.length_px > longest_px:
        shape = replace(shape, length_px=longest_px)
        species = replace(species, shape=shape)
    pose = draw_pose(taxon, rng)
    if bend is not None:
        pose = replace(pose, bend=bend)
    parts = [shape.pron_w, shape.ely_w, *([shape.abd_w] if shape.abd_len > 0.01 else [])]
    return PosedBeetle(
        species,
        pose,
        draw_beetle(species, pose, rng, light=light),
        shape.length_px * _arc(pose.bend),
        shape.length_px * max(parts),
    )


def _arc(bend: float) -> float:
    """Length of the axis x = bend * y^2 for y from -1/2 to 1/2, a straight one being 1 long."""
    if abs(bend) < 1e-6:
        return 1.0
    return float((np.sqrt(1 + bend**2) + np.arcsinh(bend) / bend) / 2)


def simulate_lineup(
    seed: int,
    taxa: Sequence[str],
    *,
    columns: int = 4,
    cell_px: int = 420,
    longest_px: float | None = None,
) -> Lineup:
    """Photograph animals in rows in the middle of a dish, each in a cell of its own.

    Parameters
    ----------
    seed : int
        The same seed gives the same pixels.
    taxa : sequence of str
        One animal each.
    columns, cell_px : int
        The grid; the photo is as large as it needs.
    longest_px : float, optional
        As for `pose_beetle`.
    """
    rng = np.random.default_rng(seed)
    rows = -(-len(taxa) // columns)
    side = round(max(columns, rows) * cell_px / DISH)
    setup = draw_setup(rng, side, "")
    window = Box(0, 0, side, side)
    canvas = backdrop(setup, window)
    corner = np.array([side - columns * cell_px, side - rows * cell_px]) // 2
    animals, boxes = [], []
    for number, taxon in enumerate(taxa):
        animal = pose_beetle(taxon, rng, light=setup.light, longest_px=longest_px)
        height, width = animal.drawn.alpha.shape
        row, column = divmod(number, columns)
        left = int(corner[0] + column * cell_px + (cell_px - width) // 2)
        top = int(corner[1] + row * cell_px + (cell_px - height) // 2)
        lay(canvas, animal.drawn, left, top, setup.light)
        animals.append(animal)
        boxes.append(Box(left, top, left + width, top + height))
    return Lineup(expose(canvas, setup, window, rng), tuple(animals), tuple(boxes))
