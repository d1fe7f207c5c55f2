"""Stitch overlapping tiles to one picture: find their places, then draw them.

File names may tell the grid, or nothing. Pairs of neighbours are brought into register, all
tiles are placed at once, light is evened, and the mosaic is written strip by strip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import PhotoError, SettingError
from berlese.photos.brightness import brightness
from berlese.photos.frames import open_frames
from berlese.photos.mosaic import Placement, write_mosaic
from berlese.photos.registration import Matrix, after, inverse, rescaled, shift_by
from berlese.photos.tile_links import Advance, FloatArray, Stage, Tiles, find_links, more_links
from berlese.photos.tile_names import Place
from berlese.photos.tile_pairs import SMALL_SIDE, Link, overlap_speaks, small_tile
from berlese.photos.tile_poses import Poses, solve_poses

_PLAIN = 1.5  # grey levels of detail below which a tile has nothing to hold on
_KNOWN_PX = 1.0  # standard deviation of a tile's place from which it is in doubt
_GRID_FROM = 6  # tiles with a place, from which their grid tells who is off
_FAR_OFF = 4.0  # times the median distance from the grid, where one is in doubt
_FAR_PX = 6.0  # and at least so far
_PRIOR = 0.05  # weight of "this tile needs no gain" beside one overlap


@dataclass(frozen=True, slots=True, eq=False)
class PairReport:
    """How one pair of neighbours fits, for the table beside the mosaic."""

    first: Path
    second: Path
    correlation: float
    residual_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Stitched:
    """What came of the tiles.

    Attributes
    ----------
    width, height : int
        Of the mosaic, pixels.
    placements : tuple of Placement
        The tiles that were used and where they lie, but for the mosaic's origin.
    sd_px : tuple of float
        For each of these, how well the place of its middle is known against all tiles together:
        one standard deviation in the direction known worst.
    pairs : tuple of PairReport
    grid : str
        Where the places came from: ``names``, ``sequence`` or ``pictures``.
    by_name_only : tuple of Path
        Tiles that nothing holds to the rest, placed where their names say.
    doubtful : tuple of PhotoError
        Tiles that were used although their place is not known to a pixel, or is far from where
        the grid of the others has it, with words.
    left_out : tuple of PhotoError
    """

    width: int
    height: int
    placements: tuple[Placement, ...]
    sd_px: tuple[float, ...]
    pairs: tuple[PairReport, ...]
    grid: str
    by_name_only: tuple[Path, ...]
    doubtful: tuple[PhotoError, ...]
    left_out: tuple[PhotoError, ...]


def stitch_tiles(
    paths: Sequence[Path | str],
    out: Path,
    stage: Stage | None = None,
) -> Stitched:
    """Stitch overlapping tiles to one pyramidal, tiled BigTIFF.

    Parameters
    ----------
    paths : sequence of Path or str
        Two tiles or more, in any order.
    out : Path
        A name in .tif.
    stage : callable, optional
        Called with a name and a number of items, gives what is called as they are done.

    Returns
    -------
    Stitched

    Raises
    ------
    SettingError
        If fewer than two tiles fit together.
    """
    stage = stage or (lambda name, total: lambda count: None)
    tiles = _open_all(paths)
    _look(tiles, stage("look at tiles", len(tiles.frames)))
    _require_two(tiles, len(tiles.frames), len(paths))
    links, places, cells, grid = find_links(tiles, stage)
    poses = _sound_poses(tiles, links)
    more = more_links(tiles, poses, links, _expected(poses, places), stage)
    if more:
        poses = _sound_poses(tiles, [*links, *more])
    matrices, named = _place_by_name(tiles, poses, places)
    off_px = _off_grid(matrices, cells)
    sd_px = {tile: _sd_px(tiles, poses, tile, off_px) for tile in sorted(matrices)}
    doubtful = _doubtful(tiles, sd_px, off_px, named)
    _require_two(tiles, len(matrices), len(paths))
    _name_strays(tiles, matrices, places)
    placements = _placements(tiles, poses, matrices)
    ground = np.median([_border_colour(each) for each in tiles.colours], axis=0)
    ground = ground.astype(np.float32)
    width, height = write_mosaic(out, placements, ground, stage("draw", len(placements)))
    return Stitched(
        width,
        height,
        tuple(placements),
        tuple(sd_px.values()),
        _pair_reports(tiles, poses),
        grid,
        tuple(tiles.frames[number].path for number in named),
        doubtful,
        tuple(tiles.left_out),
    )


def _open_all(paths: Sequence[Path | str]) -> Tiles:
    frames, failed = open_frames(paths)
    kinds = [(frame.kind.bands, frame.kind.bits) for frame in frames]
    usual = max(kinds, key=kinds.count) if kinds else None
    for frame, kind in zip(frames, kinds, strict=True):
        if kind != usual:
            reason = (
                f"is unlike the other tiles: {frame.kind}. Left out; take all tiles with the "
                "same settings."
            )
            failed.append(PhotoError(frame.path, reason))
    return Tiles(
        [frame for frame, kind in zip(frames, kinds, strict=True) if kind == usual], failed
    )


def _look(tiles: Tiles, advance: Advance) -> None:
    """Read every tile once: its small form, and its colours still smaller."""
    sound = []
    for frame in tiles.frames:
        try:
            pixels = frame.pixels().astype(np.float32)
        except PhotoError as error:
            tiles.left_out.append(error)
            continue
        finally:
            advance(1)
        factor = max(max(pixels.shape[:2]) / SMALL_SIDE, 1.0)
        size = (round(pixels.shape[1] / factor), round(pixels.shape[0] / factor))
        resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        reduced = np.asarray(resized, np.float32).reshape(size[1], size[0], -1)
        sound.append(frame)
        tiles.colours.append(reduced)
        tiles.small.append(small_tile(brightness(reduced) * np.float32(255 / frame.kind.top)))
    tiles.frames = sound


def _require_two(tiles: Tiles, found: int, given: int) -> None:
    if found < 2:
        read = len(tiles.frames)
        why = "".join(f"\n{error}" for error in tiles.left_out)
        unlike = (
            f" Here no two of the {read} that can be read look alike where they might "
            "overlap: neighbours must be of one sample and share a twentieth of their side or more."
        )
        raise SettingError(
            f"a mosaic needs at least two tiles that fit together, got {found} of {given} given."
            f"{unlike if read > 1 else ''}{why}"
        )


def _sound_poses(tiles: Tiles, links: Sequence[Link]) -> Poses:
    """Place the tiles; drop the links of those that contradict what they come to lie on."""
    links = list(links)
    while True:
        poses = solve_poses(len(tiles.frames), links)
        doubts = _doubts(tiles, poses)
        if not doubts or max(doubts.values()) <= 0:
            return poses
        worst = max(doubts, key=lambda tile: doubts[tile])
        links = [each for each in links if worst not in (each.first, each.second)]


def _doubts(tiles: Tiles, poses: Poses) -> dict[int, int]:
    """Count for each tile the overlaps that look unlike, less those that look alike."""
    doubts = dict.fromkeys(poses.matrices, 0)
    for first, second in combinations(sorted(poses.matrices), 2):
        back = after(inverse(poses.matrices[first]), poses.matrices[second])
        middle = np.array([tiles.frames[second].kind.width, tiles.frames[second].kind.height]) / 2
        shift = back[:, :2] @ middle + back[:, 2] - middle
        small = np.round(shift / tiles.factor(first, SMALL_SIDE)).astype(np.int64)
        told = overlap_speaks(tiles.small[first], tiles.small[second], small)
        for tile in (first, second):
            doubts[tile] -= told
    return doubts


def _expected(poses: Poses, places: Sequence[Place] | None) -> dict[int, Matrix]:
    """Return where tiles lie, and where those without a place should by their names."""
    matrices = dict(poses.matrices)
    if places is None or len(matrices) < 3:
        return matrices
    known = sorted(matrices)
    fitted = _grid_fitted(matrices, dict(enumerate(places)), known)
    linear = np.mean([matrices[each][:, :2] for each in known], axis=0)
    for number, (row, column) in enumerate(places):
        if number not in matrices:
            corner = np.array([1, column, row], float) @ fitted
            matrices[number] = np.column_stack([linear, corner])
    return matrices


def _grid_fitted(
    matrices: Mapping[int, Matrix], cells: Mapping[int, Place], known: Sequence[int]
) -> NDArray[np.float64]:
    """Fit an origin and the steps of a grid (rows of (x, y)) to the corners of tiles."""
    at = np.array([(1, cells[each][1], cells[each][0]) for each in known], float)
    corners = np.array([matrices[each][:, 2] for each in known])
    return np.asarray(np.linalg.lstsq(at, corners, rcond=None)[0], np.float64)


def _off_grid(matrices: Mapping[int, Matrix], cells: Mapping[int, Place]) -> dict[int, float]:
    """Return how far each tile lies from where the grid of the others has it, in pixels."""
    known = sorted(set(matrices) & set(cells))
    if len(known) < _GRID_FROM:
        return {}
    off = {}
    for tile in known:
        others = [each for each in known if each != tile]
        fitted = _grid_fitted(matrices, cells, others)
        expected = np.array([1, cells[tile][1], cells[tile][0]], float) @ fitted
        off[tile] = float(np.hypot(*(matrices[tile][:, 2] - expected)))
    return off


def _sd_px(tiles: Tiles, poses: Poses, tile: int, off_px: Mapping[int, float]) -> float:
    """Return how well a tile's middle is known: by its pairs, or by how far others are off."""
    if tile in poses.covariances:
        kind = tiles.frames[tile].kind
        return poses.sd_px(tile, kind.width, kind.height)
    known = [off for each, off in off_px.items() if each in poses.matrices]
    return float(np.sqrt(np.mean(np.square(known)) / 2)) if known else float("inf")


def _doubtful(
    tiles: Tiles,
    sd_px: Mapping[int, float],
    off_px: Mapping[int, float],
    named: Sequence[int],
) -> tuple[PhotoError, ...]:
    """Name the tiles whose place is not known to a pixel, or is unlike the others'."""
    usual = float(np.median(list(off_px.values()))) if off_px else 0.0
    found = []
    for tile, deviation in sd_px.items():
        off = off_px.get(tile, 0.0)
        if tile in named:
            continue  # said of each already
        if deviation > _KNOWN_PX:
            reason = (
                f"its place is known to {deviation:.1f} pixels only: what overlaps it shows too "
                "little there. Look at its borders, or take it again with more overlap."
            )
        elif off > max(_FAR_OFF * usual, _FAR_PX):
            reason = (
                f"lies {off:.0f} pixels off the grid of the other tiles, they {usual:.0f}: it may "
                "be joined to the wrong place. Look at its borders."
            )
        else:
            continue
        found.append(PhotoError(tiles.frames[tile].path, reason))
    return tuple(found)


def _place_by_name(
    tiles: Tiles, poses: Poses, places: Sequence[Place] | None
) -> tuple[dict[int, Matrix], list[int]]:
    """Add what nothing holds to the rest where its name says it lies.

    That is tiles whose borders show nothing, and groups of tiles in register among themselves.
    A single tile with detail that fits none of its neighbours is not believed.
    """
    matrices = dict(poses.matrices)
    expected = _expected(poses, places)
    by_name = []
    rest = list(poses.dropped)
    while rest:
        group = solve_poses(len(tiles.frames), rest)
        if not group.links:
            break
        rest = list(group.dropped)
        own = [tile for tile in group.matrices if tile in expected and tile not in matrices]
        if len(own) < len(group.matrices):
            continue
        apart = [expected[tile][:, 2] - group.matrices[tile][:, 2] for tile in own]
        move = shift_by(*np.median(apart, axis=0))
        matrices |= {tile: after(move, group.matrices[tile]) for tile in own}
        by_name += own
    for tile, small in enumerate(tiles.small):
        if tile not in matrices and tile in expected and _edge_detail(small.detail) < _PLAIN:
            matrices[tile] = expected[tile]
            by_name.append(tile)
    return matrices, sorted(by_name)


def _edge_detail(detail: FloatArray) -> float:
    """Return the standard deviation of detail in the outer quarter of a tile."""
    rows, columns = detail.shape[0] // 8, detail.shape[1] // 8
    inner = np.zeros(detail.shape, bool)
    inner[rows:-rows, columns:-columns] = True
    return float(detail[~inner].std())


def _name_strays(tiles: Tiles, matrices: dict[int, Matrix], places: Sequence[Place] | None) -> None:
    """Leave out the tiles that have no place, each with its reason."""
    for number, frame in enumerate(tiles.frames):
        if number in matrices:
            continue
        where = (
            "it looks like none of the tiles beside which its name puts it. Left out. Is its name "
            "right (without names that tell places, tiles go together by what they show)? Is it "
            if places is not None
            else "it looks enough like no other tile where they might overlap. Left out. Is it "
        )
        reason = (
            f"fits nowhere: {where}of another sample, is there only plain ground at its borders, "
            "or do tiles overlap by less than a twentieth?"
        )
        tiles.left_out.append(PhotoError(frame.path, reason))


def _placements(tiles: Tiles, poses: Poses, matrices: Mapping[int, Matrix]) -> list[Placement]:
    """Say of each tile that has a place where it lies and how it is brightened."""
    used = sorted(matrices)
    gains = _gains(tiles, poses, used)
    return [Placement(tiles.frames[tile], matrices[tile], gains[tile]) for tile in used]


def _gains(tiles: Tiles, poses: Poses, used: Sequence[int]) -> dict[int, FloatArray]:
    """Return the factor a channel that makes each tile as bright as its neighbours."""
    numbers = {tile: number for number, tile in enumerate(used)}
    rows, ratios = [], []
    for each in poses.links:
        row = np.zeros(len(used))
        row[numbers[each.first]], row[numbers[each.second]] = 1, -1
        rows.append(row)
        ratios.append(_log_ratio(tiles, each))
    bands = tiles.colours[0].shape[2]
    rows += list(_PRIOR * np.eye(len(used)))
    ratios += [np.zeros(bands)] * len(used)
    logs = np.linalg.lstsq(np.array(rows), np.array(ratios), rcond=None)[0]
    return {tile: np.exp(logs[numbers[tile]]).astype(np.float32) for tile in used}


def _log_ratio(tiles: Tiles, each: Link) -> NDArray[np.float64]:
    """Return the logarithm of second over first a channel, the median over their overlap."""
    factor = tiles.factor(each.first, SMALL_SIDE)
    one, other = tiles.colours[each.first], tiles.colours[each.second]
    matrix = rescaled(each.matrix, 1 / factor)
    size = (one.shape[1], one.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, matrix, size, flags=flags, borderValue=(-1e6,) * 4)
    laid = laid.reshape(one.shape)
    both = (laid > 1).all(axis=2) & (one > 1).all(axis=2)
    if both.sum() < 16:
        return np.zeros(one.shape[2])
    return np.asarray(np.median(np.log(laid[both] / one[both]), axis=0), np.float64)


def _border_colour(colours: FloatArray) -> FloatArray:
    edge = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    return np.asarray(np.median(edge, axis=0), np.float32)


def _pair_reports(tiles: Tiles, poses: Poses) -> tuple[PairReport, ...]:
    return tuple(
        PairReport(
            tiles.frames[each.first].path,
            tiles.frames[each.second].path,
            each.correlation,
            residual,
        )
        for each, residual in zip(poses.links, poses.residuals_px.tolist(), strict=True)
    )
