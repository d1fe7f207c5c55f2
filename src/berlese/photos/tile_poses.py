"""Place all tiles at once, so that pairs in register agree as well as they can.

Each tile has a shift and a turn. For every pair, some points of the overlap are taken into the
mosaic by either tile's pose; their distances are made least by Gauss-Newton, first squared, then
counting pairs that disagree less (Huber's weights, then Cauchy's), and pairs that contradict all
others are dropped one by one. The
first tile of each connected group stays where it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from berlese.photos.registration import Matrix
from berlese.photos.tile_pairs import Link

_ROUNDS = 20
_CLOSE_PX = 0.7  # distance from which a pair counts less
_WRONG_PX = 4.0  # residual from which the worst pair may be dropped
_WRONG_TIMES = 6.0  # the median residual, too
_STILL_PX = 1e-4
_TURN_PRIOR = 0.03  # weight of equal turns beside a pair of points
_LEAST_SURE = 0.003  # so that no direction is left open


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """Where tiles lie.

    Attributes
    ----------
    matrices : dict of int to ndarray of float64, shape (2, 3)
        From a tile's pixels to the mosaic's, for the tiles of the largest group.
    links : tuple of Link
        The pairs that hold them.
    residuals_px : ndarray of float64
        For each of these pairs, how far its points lie apart (root mean square), less along edges
        that tell nothing of a shift in their direction.
    dropped : tuple of Link
        Pairs that contradict the others, or hold other groups.
    """

    matrices: dict[int, Matrix]
    links: tuple[Link, ...]
    residuals_px: NDArray[np.float64]
    dropped: tuple[Link, ...]


def solve_poses(count: int, links: Sequence[Link]) -> Poses:
    """Place `count` tiles by the pairs that are in register.

    Parameters
    ----------
    count : int
    links : sequence of Link
    """
    kept = list(links)
    dropped: list[Link] = []
    while True:
        group = _largest_group(count, kept)
        held = [each for each in kept if each.first in group]
        if not held:
            alone = {min(group): _matrix(0, 0, 0)} if group else {}
            return Poses(alone, (), np.zeros(0), tuple(dropped))
        poses = _solve(group, held)
        residuals = np.array([_residual(poses, each) for each in held])
        worst = int(np.argmax(residuals))
        limit = max(_WRONG_PX, _WRONG_TIMES * float(np.median(residuals)))
        if residuals[worst] <= limit:
            others = [each for each in kept if each not in held]
            matrices = {tile: _matrix(*pose) for tile, pose in poses.items()}
            return Poses(matrices, tuple(held), residuals, (*dropped, *others))
        dropped.append(held[worst])
        kept.remove(held[worst])


def _largest_group(count: int, links: Sequence[Link]) -> set[int]:
    ends = np.array([(each.first, each.second) for each in links], int).reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return set(np.flatnonzero(labels == np.argmax(np.bincount(labels))).tolist())


def _matrix(x: float, y: float, turn: float) -> Matrix:
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.array([[cosine, -sine, x], [sine, cosine, y]])


def _solve(group: set[int], links: Sequence[Link]) -> dict[int, NDArray[np.float64]]:
    """Return x, y and turn of each tile in the group."""
    poses = _chained(group, links)
    numbers = {tile: number for number, tile in enumerate(sorted(group)[1:])}
    # Turns are measured by what they move at this distance, so that all unknowns are alike.
    lever = float(max(np.abs(each.points).max() for each in links))
    for weighting in (_evenly, _huber, _cauchy):
        for _ in range(_ROUNDS):
            rows = [_equations(poses, each, numbers, lever, weighting) for each in links]
            rows.append(_alike_turns(poses, numbers, lever))
            jacobian = np.vstack([each[0] for each in rows])
            rest = np.concatenate([each[1] for each in rows])
            solved = np.linalg.solve(jacobian.T @ jacobian, -jacobian.T @ rest)
            step = solved.reshape(-1, 3) / (1, 1, lever)
            for tile, number in numbers.items():
                poses[tile] = poses[tile] + step[number]
            if np.abs(solved).max(initial=0) < _STILL_PX:
                break
    return poses


def _evenly(distance: float) -> float:
    return 1.0


def _huber(distance: float) -> float:
    return min(1.0, _CLOSE_PX / max(distance, 1e-9))


def _cauchy(distance: float) -> float:
    return 1 / (1 + (distance / _CLOSE_PX) ** 2)


def _alike_turns(
    poses: dict[int, NDArray[np.float64]], numbers: dict[int, int], lever: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weak equations that no tile turns against the mean: few details tell a turn badly."""
    tiles = list(numbers)
    turns = np.array([poses[tile][2] for tile in tiles])
    block = np.zeros((len(tiles), 3 * len(tiles)))
    block[:, 2::3] = _TURN_PRIOR * np.eye(len(tiles))
    mean = float(np.median([pose[2] for pose in poses.values()]))
    return block, _TURN_PRIOR * lever * (turns - mean)


def _chained(group: set[int], links: Sequence[Link]) -> dict[int, NDArray[np.float64]]:
    """Place tiles one after the other, from the first one on, best pairs first."""
    poses = {min(group): np.zeros(3)}
    left = sorted(links, key=lambda each: -each.correlation)
    while len(poses) < len(group):
        each = next(each for each in left if (each.first in poses) != (each.second in poses))
        turn = float(np.arctan2(each.matrix[1, 0], each.matrix[0, 0]))
        if each.first in poses:  # mosaic <- first <- second
            x, y, base = poses[each.first]
            place = _matrix(x, y, base)
            inverse = -(each.matrix[:, :2].T @ each.matrix[:, 2])
            corner = place[:, :2] @ inverse + place[:, 2]
            poses[each.second] = np.array([*corner, base - turn])
        else:
            x, y, base = poses[each.second]
            place = _matrix(x, y, base)
            corner = place[:, :2] @ each.matrix[:, 2] + place[:, 2]
            poses[each.first] = np.array([*corner, base + turn])
    return poses


def _apart(poses: dict[int, NDArray[np.float64]], each: Link) -> NDArray[np.float64]:
    """Return how far the points of a pair lie apart in the mosaic, shape (n, 2)."""
    there = each.points @ each.matrix[:, :2].T + each.matrix[:, 2]
    first, second = _matrix(*poses[each.first]), _matrix(*poses[each.second])
    here = each.points @ first[:, :2].T + first[:, 2]
    return np.asarray(here - (there @ second[:, :2].T + second[:, 2]), np.float64)


def _rows_of(each: Link) -> NDArray[np.float64]:
    """Return the root of a pair's sureness: what its distances are multiplied by."""
    values, vectors = np.linalg.eigh(each.sure)
    return np.asarray(vectors * np.sqrt(np.clip(values, _LEAST_SURE, 1)) @ vectors.T, np.float64)


def _residual(poses: dict[int, NDArray[np.float64]], each: Link) -> float:
    return float(np.sqrt(np.square(_apart(poses, each) @ _rows_of(each)).sum(axis=1).mean()))


def _equations(
    poses: dict[int, NDArray[np.float64]],
    each: Link,
    numbers: dict[int, int],
    lever: float,
    weighting: Callable[[float], float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a pair's rows of the least-squares problem, weighted."""
    sure = _rows_of(each)
    apart = _apart(poses, each) @ sure
    distance = float(np.sqrt(np.square(apart).sum(axis=1).mean()))
    weight = np.sqrt(weighting(distance) * each.correlation)
    there = each.points @ each.matrix[:, :2].T + each.matrix[:, 2]
    block = np.zeros((apart.size, 3 * len(numbers)))
    for tile, points, sign in ((each.first, each.points, 1), (each.second, there, -1)):
        if tile not in numbers:
            continue
        at = 3 * numbers[tile]
        turn = _matrix(0, 0, poses[tile][2] + np.pi / 2)[:, :2]
        block[0::2, at : at + 2] = sign * sure[:, 0]
        block[1::2, at : at + 2] = sign * sure[:, 1]
        block[:, at + 2] = sign * (points @ turn.T @ sure).ravel() / lever
    return weight * block, weight * apart.ravel()
