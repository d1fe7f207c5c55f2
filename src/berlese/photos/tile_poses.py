"""Place all tiles at once, so that pairs in register agree as well as they can.

Each tile has a shift and a turn. For every pair, some points of the overlap are taken into the
mosaic by either tile's pose; their distances, in units of how well the overlap tells them, are
made least by Gauss-Newton on a sparse normal matrix, first squared, then counting pairs that
disagree less (Huber's weights, then Cauchy's), and pairs that contradict all others are dropped
one by one. The inverse of that matrix says how well each tile is known. The first tile of each
connected group stays where it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    minimum_spanning_tree,
)
from scipy.sparse.linalg import splu

from berlese.photos.registration import Matrix
from berlese.photos.tile_pairs import Link

Numbers = NDArray[np.float64]

_ROUNDS = 20
_CLOSE_PX = 0.7  # distance from which a pair counts less, at least
_CLOSE_SD = 2.0  # the same in standard deviations of the pair
_WRONG_PX = 4.0  # residual from which the worst pair may be dropped
_WRONG_TIMES = 6.0  # the median residual, too
_WRONG_SD = 4.0  # and the pair's own standard deviation
_STILL_PX = 1e-4
_TURN_SD = np.radians(2.0)  # of the tiles' turns about the usual one
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
    covariances : dict of int to ndarray of float64, shape (3, 3)
        Of a tile's x, y (pixels) and turn (radians), against all tiles together, those that are
        held well for more: a shift or turn of the whole mosaic is no error.
    """

    matrices: dict[int, Matrix]
    links: tuple[Link, ...]
    residuals_px: Numbers
    dropped: tuple[Link, ...]
    covariances: dict[int, Numbers]

    def sd_px(self, tile: int, width: int, height: int) -> float:
        """Return how well the middle of a tile is known, in the direction known worst.

        One standard deviation, in pixels, by the covariance carried to that point.
        """
        x, y = self.matrices[tile][:, :2] @ ((width - 1) / 2, (height - 1) / 2)
        carry = np.array([[1, 0, -y], [0, 1, x]])
        spread = carry @ self.covariances[tile] @ carry.T
        return float(np.sqrt(max(np.linalg.eigvalsh(spread)[-1], 0.0)))


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
            known = dict.fromkeys(alone, np.zeros((3, 3)))
            return Poses(alone, (), np.zeros(0), tuple(dropped), known)
        problem = _Problem.of(group, held)
        poses = _solve(problem)
        residuals = _length(problem.apart(poses) @ problem.sure)
        limits = np.maximum(_WRONG_TIMES * np.median(residuals), _WRONG_SD * problem.sd)
        excess = residuals / np.maximum(limits, _WRONG_PX)
        worst = int(np.argmax(excess))
        if excess[worst] <= 1:
            others = [each for each in kept if each not in held]
            matrices = {tile: _matrix(*poses[n]) for n, tile in enumerate(problem.tiles)}
            known = _covariances(problem, poses)
            return Poses(matrices, tuple(held), residuals, (*dropped, *others), known)
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


def _turned(points: Numbers, turns: Numbers) -> Numbers:
    """Turn the points (n, k, 2) of each of n pairs by an angle each."""
    cosine, sine = np.cos(turns)[:, None], np.sin(turns)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=2)


def _length(apart: Numbers) -> Numbers:
    return np.asarray(np.sqrt(np.square(apart).sum(axis=2).mean(axis=1)), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The pairs of one group as arrays, a row each; tiles are numbered within the group."""

    tiles: list[int]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    here: Numbers  # points in the first tile's pixels (n, k, 2)
    there: Numbers  # the same in the second tile's
    moves: Numbers  # from first to second (n, 2, 3)
    sure: Numbers  # roots of their sureness (n, 2, 2)
    sd: Numbers  # of a shift that they tell best, pixels (n,)

    @classmethod
    def of(cls, group: set[int], links: Sequence[Link]) -> "_Problem":
        tiles = sorted(group)
        number = {tile: n for n, tile in enumerate(tiles)}
        here = np.stack([each.points for each in links])
        moves = np.stack([each.matrix for each in links])
        there = np.einsum("nkj,nij->nki", here, moves[:, :, :2]) + moves[:, None, :, 2]
        return cls(
            tiles,
            np.array([number[each.first] for each in links]),
            np.array([number[each.second] for each in links]),
            here,
            there,
            moves,
            np.stack([_root(each.sure) for each in links]),
            np.array([each.sd_px for each in links]),
        )

    def lever(self) -> float:
        """At what distance a turn is measured by what it moves, so that all unknowns are alike."""
        return float(np.abs(self.here).max())

    def apart(self, poses: Numbers) -> Numbers:
        """Return how far the points of each pair lie apart in the mosaic, shape (n, k, 2)."""
        one, two = poses[self.first], poses[self.second]
        here = _turned(self.here, one[:, 2]) + one[:, None, :2]
        return np.asarray(here - _turned(self.there, two[:, 2]) - two[:, None, :2], np.float64)

    def equations(
        self, poses: Numbers, weighting: Callable[[Numbers], Numbers]
    ) -> tuple[sparse.csc_matrix, Numbers]:
        """Return the least-squares problem for a step, for all tiles: Jacobian and rest.

        The points of a pair share what it tells. A last row a tile says, weakly, that none turns
        against the usual turn: few details tell a turn badly.
        """
        apart = self.apart(poses) @ self.sure
        pairs, points = apart.shape[:2]
        close = np.maximum(_CLOSE_PX, _CLOSE_SD * self.sd)
        weight = np.sqrt(weighting(_length(apart) / close) / points) / self.sd
        values, columns = [], []
        for tile, at, sign in ((self.first, self.here, 1), (self.second, self.there, -1)):
            turn = _turned(at, poses[tile, 2] + np.pi / 2) / self.lever()
            shift = np.broadcast_to(self.sure[:, None], (pairs, points, 2, 2))
            block = np.concatenate([shift, (turn @ self.sure)[:, :, None]], axis=2)
            values.append(sign * weight[:, None, None, None] * block.swapaxes(2, 3))
            columns.append(3 * tile[:, None] + np.arange(3))
        jacobian = np.concatenate(values, axis=3).reshape(2 * pairs * points, 6)
        at = np.repeat(np.concatenate(columns, axis=1), 2 * points, axis=0)
        row = np.repeat(np.arange(len(jacobian)), 6)
        count = len(self.tiles)
        prior = 1 / (self.lever() * _TURN_SD)
        turns = poses[:, 2] - np.median(poses[:, 2])
        matrix = sparse.coo_matrix(
            (
                np.concatenate([jacobian.ravel(), np.full(count, prior)]),
                (
                    np.concatenate([row, len(jacobian) + np.arange(count)]),
                    np.concatenate([at.ravel(), 3 * np.arange(count) + 2]),
                ),
            ),
            shape=(len(jacobian) + count, 3 * count),
        )
        rest = np.concatenate([(weight[:, None, None] * apart).ravel(), turns / _TURN_SD])
        return matrix.tocsc(), rest


def _root(sure: Numbers) -> Numbers:
    """Return the root of a pair's sureness: what its distances are multiplied by."""
    values, vectors = np.linalg.eigh(sure)
    return np.asarray(vectors * np.sqrt(np.clip(values, _LEAST_SURE, 1)) @ vectors.T, np.float64)


def _evenly(distance: Numbers) -> Numbers:
    return np.ones_like(distance)


def _huber(distance: Numbers) -> Numbers:
    return np.asarray(np.minimum(1.0, 1 / np.maximum(distance, 1e-9)), np.float64)


def _cauchy(distance: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.square(distance)), np.float64)


def _solve(problem: _Problem) -> Numbers:
    """Return x, y and turn of each tile in the group, shape (n, 3)."""
    poses = _chained(problem)
    for weighting in (_evenly, _huber, _cauchy):
        for _ in range(_ROUNDS):
            jacobian, rest = problem.equations(poses, weighting)
            free = jacobian[:, 3:]
            solved = splu((free.T @ free).tocsc()).solve(-(free.T @ rest))
            poses[1:] += solved.reshape(-1, 3) / (1, 1, problem.lever())
            if np.abs(solved).max(initial=0) < _STILL_PX:
                break
    return poses


def _chained(problem: _Problem) -> Numbers:
    """Place tiles one after the other, from the first one on, along the best pairs."""
    count = len(problem.tiles)
    best: dict[tuple[int, int], int] = {}
    for pair in np.argsort(-problem.sd):  # the best of two between the same tiles comes last
        best[int(problem.first[pair]), int(problem.second[pair])] = int(pair)
    rows, columns = np.array(list(best)).T
    costs = problem.sd[list(best.values())]
    tree = minimum_spanning_tree(sparse.coo_matrix((costs, (rows, columns)), shape=(count, count)))
    order, before = breadth_first_order(tree, 0, directed=False)
    poses = np.zeros((count, 3))
    for tile in order[1:].tolist():
        known = int(before[tile])
        forward = (known, tile) in best and tree[known, tile] > 0
        move = problem.moves[best[(known, tile) if forward else (tile, known)]]
        turn = float(np.arctan2(move[1, 0], move[0, 0]))
        place = _matrix(*poses[known])
        # Mosaic <- first <- second: the way back where the known tile is the first.
        corner = -(move[:, :2].T @ move[:, 2]) if forward else move[:, 2]
        poses[tile, :2] = place[:, :2] @ corner + place[:, 2]
        poses[tile, 2] = poses[known, 2] + (-turn if forward else turn)
    return poses


def _covariances(problem: _Problem, poses: Numbers) -> dict[int, Numbers]:
    """Return each tile's covariance against all tiles together.

    That is the covariance of a free network (inner constraints; Koch 1999), each tile with the
    weight of the pairs that hold it: the one against a tile held fast, less what the whole mosaic
    shifts and turns in it. Where pairs disagree by more than
    they should, all of it grows as they do (the reduced chi squared). One tile at a time is solved
    for, so that memory does not grow with their square.
    """
    jacobian, rest = problem.equations(poses, _cauchy)
    count, pairs = len(problem.tiles), len(problem.sd)
    over = 3 * pairs - 3 * (count - 1)
    disagree = max(1.0, float(rest @ rest) / over) if over > 0 else 1.0
    held = np.bincount(problem.first, problem.sd**-2, count)
    held += np.bincount(problem.second, problem.sd**-2, count)
    anchor = int(np.argmax(held))
    free = np.delete(np.arange(3 * count), 3 * anchor + np.arange(3))
    reduced = jacobian[:, free]
    factors = splu((reduced.T @ reduced).tocsc())
    moves = _common_moves(problem, poses)
    weighted = np.repeat(held, 3)[:, None] * moves  # one tile that hangs loose moves no other
    shares = moves @ np.linalg.inv(moves.T @ weighted)
    crossed = np.zeros_like(moves)  # of all tiles with the moves of the whole
    crossed[free] = factors.solve(weighted[free])
    whole = weighted.T @ crossed
    unit = np.array([1, 1, 1 / problem.lever()])
    known = {}
    for number, tile in enumerate(problem.tiles):
        own = slice(3 * number, 3 * number + 3)
        block = np.zeros((3, 3))
        if number != anchor:
            at = 3 * (number - (number > anchor))
            right = np.zeros((len(free), 3))
            right[at : at + 3] = np.eye(3)
            block = factors.solve(right)[at : at + 3]
        shift = crossed[own] @ shares[own].T
        block = block - shift - shift.T + shares[own] @ whole @ shares[own].T
        known[tile] = disagree * unit[:, None] * block * unit
    return known


def _common_moves(problem: _Problem, poses: Numbers) -> Numbers:
    """Return how all unknowns change as the whole mosaic shifts right, down, and turns."""
    count, lever = len(problem.tiles), problem.lever()
    moves = np.zeros((count, 3, 3))
    moves[:, 0, 0] = moves[:, 1, 1] = 1
    centred = (poses[:, :2] - poses[:, :2].mean(axis=0)) / lever
    moves[:, 0, 2], moves[:, 1, 2], moves[:, 2, 2] = -centred[:, 1], centred[:, 0], 1
    return moves.reshape(3 * count, 3)
