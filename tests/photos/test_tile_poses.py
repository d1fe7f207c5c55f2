"""Known places are found again from pairs, and a wrong pair does not bend the others."""

import numpy as np
import pytest

from berlese.photos.registration import after, inverse
from berlese.photos.tile_pairs import Link
from berlese.photos.tile_poses import solve_poses

POINTS = np.array([[80.0, 5], [95, 5], [80, 90], [95, 90], [87, 47]])


def place(x: float, y: float, turn: float) -> np.ndarray:
    return np.array([[np.cos(turn), -np.sin(turn), x], [np.sin(turn), np.cos(turn), y]])


def truth(count: int = 9, seed: int = 0) -> list[np.ndarray]:
    """A grid of 3 x 3 tiles, 80 pixels apart, each a little off and turned."""
    rng = np.random.default_rng(seed)
    return [
        place(
            80 * (n % 3) + rng.normal(0, 3), 80 * (n // 3) + rng.normal(0, 3), rng.normal(0, 0.003)
        )
        for n in range(count)
    ]


def links_of(matrices: list[np.ndarray]) -> list[Link]:
    pairs = [(n, n + 1) for n in range(9) if n % 3 < 2] + [(n, n + 3) for n in range(6)]
    return [
        Link(one, two, after(inverse(matrices[two]), matrices[one]), POINTS, 0.9, np.eye(2), 0.1)
        for one, two in pairs
    ]


def apart(found: dict[int, np.ndarray], true: list[np.ndarray]) -> float:
    """Largest distance of any tile's corners, with the first tile laid on its true place."""
    move = after(true[min(found)], inverse(found[min(found)]))
    corners = np.array([[0, 0, 1], [99, 0, 1], [0, 99, 1], [99, 99, 1]]).T
    return max(
        np.hypot(*(after(move, matrix) @ corners - true[tile] @ corners)).max()
        for tile, matrix in found.items()
    )


def test_pairs_without_error_give_the_true_places():
    true = truth()
    poses = solve_poses(9, links_of(true))
    assert apart(poses.matrices, true) < 0.1
    assert poses.residuals_px.max() < 0.02
    assert not poses.dropped


@pytest.mark.parametrize("size", [5.0, 30.0, 300.0])
def test_a_wrong_pair_is_dropped_and_bends_nothing(size):
    true = truth()
    links = links_of(true)
    wrong = next(each for each in links if (each.first, each.second) == (1, 4))
    wrong.matrix[:, 2] += (size, -size)
    poses = solve_poses(9, links)
    assert poses.dropped == (wrong,)
    assert apart(poses.matrices, true) < 0.1


def test_a_pair_that_cannot_tell_one_direction_does_not_decide_it():
    true = truth()
    links = links_of(true)
    wrong = links[3].matrix.copy()
    wrong[1, 2] += 3.0  # three pixels along an edge that runs up and down
    links[3] = Link(links[3].first, links[3].second, wrong, POINTS, 0.9, np.diag([1.0, 0.0]), 0.1)
    assert apart(solve_poses(9, links).matrices, true) < 0.25


def test_the_largest_group_is_placed_and_the_other_named():
    true = truth()
    links = [each for each in links_of(true) if {each.first, each.second} & {0, 1, 2} == set()]
    links += [each for each in links_of(true) if {each.first, each.second} <= {0, 1}]
    poses = solve_poses(9, links)
    assert set(poses.matrices) == {3, 4, 5, 6, 7, 8}
    assert [(each.first, each.second) for each in poses.dropped] == [(0, 1)]


def test_tiles_without_pairs_have_no_places():
    poses = solve_poses(3, [])
    assert len(poses.matrices) == 1
    assert not poses.links


def perturbed(each: Link, rng: np.random.Generator) -> Link:
    """Move a pair by what its standard deviation says: a shift, and a turn about its points."""
    there = each.points @ each.matrix[:, :2].T + each.matrix[:, 2]
    middle = there.mean(axis=0)
    reach = np.sqrt(np.square(there - middle).sum(axis=1).mean())
    turn = place(0, 0, rng.normal(0, each.sd_px / reach))
    turn[:, 2] = middle - turn[:, :2] @ middle + rng.normal(0, each.sd_px, 2)
    matrix = after(turn, each.matrix)
    return Link(each.first, each.second, matrix, each.points, 0.9, each.sure, each.sd_px)


def test_the_stated_deviation_is_that_of_tiles_placed_by_pairs_that_err_as_they_say():
    true, rng = truth(), np.random.default_rng(0)
    exact = links_of(true)
    middle = np.array([49.5, 49.5, 1])
    right = np.array([each @ middle for each in true])
    apart_px, told_px = [], []
    for _ in range(40):
        poses = solve_poses(9, [perturbed(each, rng) for each in exact])
        found = np.array([poses.matrices[tile] @ middle for tile in range(9)])
        here, there = found - found.mean(axis=0), right - right.mean(axis=0)
        left, _, end = np.linalg.svd(here.T @ there)
        apart_px.append(here @ (left @ end) - there)
        told_px.append([poses.sd_px(tile, 100, 100) for tile in range(9)])
    spread = np.sqrt(np.square(apart_px).mean(axis=0).max(axis=1))
    told = np.mean(told_px, axis=0)
    # Told in the worst direction, which need not be along x or y, and with a floor for the lens.
    assert (spread < 1.2 * told).all()
    assert (spread > 0.6 * told).all()


def test_a_tile_that_one_weak_pair_holds_is_known_no_better_than_that_pair():
    exact = links_of(truth())
    links = [each for each in exact if 8 not in (each.first, each.second)]
    last = next(each for each in exact if (each.first, each.second) == (7, 8))
    links.append(Link(7, 8, last.matrix, last.points, 0.9, np.eye(2), 5.0))
    poses = solve_poses(9, links)
    known = [poses.sd_px(tile, 100, 100) for tile in range(9)]
    assert known[8] > 5
    assert max(known[:8]) < 0.5


def test_nine_hundred_tiles_lie_where_they_should():
    side = 30
    step = np.array([[1.0, 0, -80], [0, 1, 0]]), np.array([[1.0, 0, 0], [0, 1, -80]])
    links = [
        Link(n, n + ahead, step[ahead > 1], POINTS, 0.9, np.eye(2), 0.1)
        for n in range(side * side)
        for ahead in (1, side)
        if (n % side < side - 1 if ahead == 1 else n < side * (side - 1))
    ]
    poses = solve_poses(side * side, links)
    right = np.array([[80 * (n % side), 80 * (n // side)] for n in range(side * side)])
    corners = np.array([poses.matrices[n][:, 2] for n in range(side * side)])
    np.testing.assert_allclose(corners, right, atol=1e-3)
