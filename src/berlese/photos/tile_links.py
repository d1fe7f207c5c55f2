"""Find which tiles lie beside which, and bring each such pair into register.

File names may tell the grid, or a running number through it, or nothing: then tiles are tried
beside each other by what they show. What is found are links, of which `stitch` makes one picture.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from berlese.errors import PhotoError
from berlese.photos.frames import Frame
from berlese.photos.registration import Matrix, after, inverse, rescaled
from berlese.photos.tile_jigsaw import NEAR, SIDES, put_together, sides_of, usual_steps
from berlese.photos.tile_names import Place, grid_of, layout_of_sequence, sequence_of
from berlese.photos.tile_pairs import ENOUGH, SMALL_SIDE, Link, SmallTile, link, rough_shift
from berlese.photos.tile_poses import Poses
from berlese.photos.tile_texture import even_detail

FloatArray = NDArray[np.float32]
Numbers = NDArray[np.float64]
Advance = Callable[[int], None]
Stage = Callable[[str, int | None], Advance]
"""Called with a name and a number of items, gives what is called as they are done."""
Rough = dict[tuple[int, int], tuple[float, Numbers]]
"""For pairs of tiles, correlation and shift in small pixels."""
Guesses = dict[tuple[int, int], Numbers]
"""For pairs of tiles, where to look for the second, in small pixels."""

_REGISTER_SIDE = 2048
_MATCH_SIDE = 640  # of tiles, where each is tried beside each
_DETAILS_HELD = 12  # tiles of which the detail is kept while pairs are registered
_LEAST_OVERLAP = 0.02  # share of a tile, from which a pair is tried
_NEAR = 0.12  # of a tile's side, by which a step may differ from the usual one at first sight
_ROUGH = 3.0  # small pixels, by which a shift found at first sight may be wrong
_NEIGHBOURS = 3.0  # nats that hold two tiles together which lie side by side for other reasons
_ALIKE = 0.6  # correlation of small tiles, where no name says that they lie side by side
_SURE = 0.03  # of the least sure direction, there: outlines of dishes fit in many places


@dataclass(slots=True, eq=False)
class Tiles:
    """Tiles while they are worked on.

    Attributes
    ----------
    frames : list of Frame
    left_out : list of PhotoError
        Pictures that are no tile of this mosaic, each with its reason.
    small : list of SmallTile
        Of each tile, what it looks like at a common small size.
    colours : list of ndarray of float32
        Of each tile, the same in colours.
    details : ordered dict of int to ndarray of float32
        Of the latest few, the evened detail for registering.
    """

    frames: list[Frame]
    left_out: list[PhotoError]
    small: list[SmallTile] = field(default_factory=list)
    colours: list[FloatArray] = field(default_factory=list)
    details: OrderedDict[int, FloatArray] = field(default_factory=OrderedDict)

    def factor(self, number: int, side: int) -> float:
        """Return how many pixels of a tile one of its reduced form stands for."""
        kind = self.frames[number].kind
        return max(max(kind.width, kind.height) / side, 1.0)

    def detail(self, number: int) -> FloatArray:
        """Return a tile's evened detail for registering; the latest few are kept."""
        if number not in self.details:
            self.details[number] = even_detail(self.frames[number].grey(_REGISTER_SIDE))
            if len(self.details) > _DETAILS_HELD:
                self.details.popitem(last=False)
        self.details.move_to_end(number)
        return self.details[number]


def find_links(
    tiles: Tiles, stage: Stage
) -> tuple[list[Link], list[Place] | None, dict[int, Place], str]:
    """Register all pairs of neighbours; say what the grid was read from.

    Returns
    -------
    (list of Link, list or None, dict, str)
        The pairs; the places that names tell; the row and column of each tile that has one,
        whether by its name or by how the tiles go together; and the grid's origin.
    """
    stems = [frame.path.stem for frame in tiles.frames]
    places, grid = grid_of(stems), "names"
    every = list(combinations(range(len(stems)), 2))
    if places is not None:
        beside = [pair for pair in every if _are_neighbours(places, *pair)]
        rough = _rough(tiles, beside, stage("find neighbours", len(beside)))
        guesses, agree = _by_usual_steps(rough, places)
        if agree < len(stems) / 2:  # the names do not fit the pictures
            places = None
    cells: dict[int, Place] = {}
    near = NEAR * SMALL_SIDE
    if places is None:
        rough = _rough(tiles, every, stage("find neighbours", len(every)))
        alike = {pair: each for pair, each in rough.items() if each[0] >= _ALIKE}
        usual = usual_steps(shift for _, shift in alike.values())
        places, grid = _layout(stems, alike, usual), "sequence"
        if places is not None:
            guesses, _ = _by_usual_steps(rough, places)
        else:
            grid, near = "pictures", _ROUGH
            guesses = {pair: shift for pair, (_, shift) in alike.items()}
            cells, told = _by_jigsaw(tiles, rough, usual, stage)
            guesses = told or guesses
    advance = stage("register pairs", len(guesses))
    links = []
    for (first, second), guess in guesses.items():
        enough = ENOUGH if places is None and not cells else _NEIGHBOURS
        links.append(_fine(tiles, first, second, guess, near, enough=enough))
        advance(1)
    found = [each for each in links if each is not None]
    if places is not None:
        cells = dict(enumerate(places))
    elif not cells:
        found = [each for each in found if np.linalg.eigvalsh(each.sure)[0] >= _SURE]
    return found, places, cells, grid


def _by_usual_steps(rough: Rough, places: Sequence[Place]) -> tuple[Guesses, int]:
    """Take the step of most pairs along the rows, or down the columns, for all neighbours.

    Returns
    -------
    (dict, int)
        Where the second tile of each pair is to be looked for; and how many lie there at first
        sight.
    """
    guesses: Guesses = {}
    agree = 0
    for axis in (0, 1):
        along = []
        for (first, second), (correlation, shift) in rough.items():
            step = places[second][axis] - places[first][axis]
            if abs(step) == 1 and _are_neighbours(places, first, second):
                along.append((correlation, shift * step))
        if not along:
            continue
        steps = np.array([each[1] for each in along])
        sure = np.array([each[0] for each in along])
        usual = np.median(steps[sure >= np.median(sure)], axis=0)
        agree += int((np.abs(steps - usual).max(axis=1) <= _NEAR * SMALL_SIDE).sum())
        for first, second in combinations(range(len(places)), 2):
            step = places[second][axis] - places[first][axis]
            if abs(step) == 1 and _are_neighbours(places, first, second):
                guesses[first, second] = usual * step
    return guesses, agree


def _layout(
    stems: Sequence[str], alike: Rough, usual: tuple[Numbers, Numbers] | None
) -> list[Place] | None:
    """Return the grid through which a running number goes, if there is one and it fits."""
    sequence = sequence_of(stems)
    shifts = {pair: shift for pair, (_, shift) in alike.items()}
    return layout_of_sequence(sequence, _beside(shifts, usual)) if sequence else None


def _by_jigsaw(
    tiles: Tiles, rough: Rough, usual: tuple[Numbers, Numbers] | None, stage: Stage
) -> tuple[dict[int, Place], Guesses]:
    """Put tiles together whose names tell nothing; return their cells, and where neighbours lie."""
    if usual is None:
        return {}, {}
    count = len(tiles.frames)
    details = [
        even_detail(frame.grey(_MATCH_SIDE)).astype(np.float16)  # all at once: held short
        for frame in tiles.frames
    ]
    larger = tiles.factor(0, SMALL_SIDE) / tiles.factor(0, _MATCH_SIDE)
    sides = sides_of(
        details,
        (usual[0] * larger, usual[1] * larger),
        {pair: correlation for pair, (correlation, _) in rough.items()},
        stage("put tiles together", count * (count - 1) // 2),
    )
    cells = put_together(sides)
    guesses = {}
    for first, second in combinations(sorted(cells), 2):
        apart = (cells[second][0] - cells[first][0], cells[second][1] - cells[first][1])
        if apart in SIDES:
            guesses[first, second] = sides.shifts[SIDES.index(apart), first, second] / larger
    return cells, guesses


def _are_neighbours(places: Sequence[Place], first: int, second: int) -> bool:
    apart = [abs(one - other) for one, other in zip(places[first], places[second], strict=True)]
    return sum(apart) == 1


def _rough(tiles: Tiles, pairs: Sequence[tuple[int, int]], advance: Callable[[int], None]) -> Rough:
    found = {}
    for first, second in pairs:
        shift = rough_shift(tiles.small[first], tiles.small[second])
        if shift is not None:
            found[first, second] = shift
        advance(1)
    return found


def _beside(
    shifts: Mapping[tuple[int, int], Numbers], usual: tuple[Numbers, Numbers] | None
) -> dict[tuple[int, int], Place]:
    """Return for pairs side by side the step in rows and columns; corners are none.

    Where tiles have usual steps, pairs that are apart by others were taken for neighbours by
    mistake.
    """
    found = {}
    for pair, shift in shifts.items():
        for down, right in SIDES:
            along = 0 if right else 1
            ahead = shift * (right or down)
            if usual is not None:
                if np.abs(ahead - usual[along]).max() <= _NEAR * SMALL_SIDE:
                    found[pair] = (down, right)
            elif abs(ahead[1 - along]) < 0.25 * SMALL_SIDE < ahead[along]:
                found[pair] = (down, right)
    return found


def more_links(
    tiles: Tiles,
    poses: Poses,
    links: Sequence[Link],
    matrices: Mapping[int, Matrix],
    stage: Stage,
) -> list[Link]:
    """Register the pairs that must overlap by what is known now, but were not found before.

    Parameters
    ----------
    tiles : Tiles
    poses : Poses
        Of the links found before.
    links : sequence of Link
        These links, those included that were dropped since.
    matrices : mapping of int to Matrix
        Where each tile lies, or should by its name.
    stage : callable
    """
    known = {(each.first, each.second) for each in poses.links}
    pairs = []
    for first, second in combinations(sorted(matrices), 2):
        kind = tiles.frames[first].kind
        shift = after(inverse(matrices[first]), matrices[second])[:, 2]
        free = 1 - np.abs(shift) / (kind.width, kind.height)
        if (first, second) not in known and free.min() > 0 and free.prod() > _LEAST_OVERLAP:
            near = _ROUGH if {first, second} <= set(poses.matrices) else NEAR * SMALL_SIDE
            pairs.append((first, second, shift * SMALL_SIDE / max(kind.width, kind.height), near))
    advance = stage("register more pairs", len(pairs))
    found = []
    for first, second, guess, near in pairs:
        found.append(_fine(tiles, first, second, guess, near, features=False))
        advance(1)
    dropped = {(each.first, each.second) for each in links if each not in poses.links}
    return [each for each in found if each and (each.first, each.second) not in dropped]


def _fine(
    tiles: Tiles,
    first: int,
    second: int,
    guess: Numbers,
    near: float,
    *,
    features: bool = True,
    enough: float = _NEIGHBOURS,
) -> Link | None:
    """Register a pair, and return it in whole pixels of the tiles.

    Parameters
    ----------
    guess : ndarray of float64, shape (2,)
        Where the second tile's corner lies in the first one's, in small pixels.
    near : float
        By how much that may be wrong, in small pixels.
    features, enough
        As of `link`.
    """
    factor = tiles.factor(first, _REGISTER_SIDE)
    reduced = tiles.factor(first, SMALL_SIDE) / factor
    reach = int(np.ceil(near * reduced))
    found = link(
        first, second, tiles.detail, guess * reduced, reach, features=features, enough=enough
    )
    if found is None or factor == 1:
        return found
    points = (found.points + 0.5) * factor - 0.5
    matrix = rescaled(found.matrix, factor)
    return replace(found, matrix=matrix, points=points, sd_px=found.sd_px * factor)
