"""Tiles go together by what their overlaps say, and stay apart where that is not enough."""

import numpy as np
import pytest

from berlese.photos.tile_jigsaw import (
    SIDES,
    Sides,
    put_together,
    sides_of,
    usual_steps,
)
from berlese.photos.tile_texture import even_detail
from tests.photos.scenes import texture


def say(grid: np.ndarray, nats: float, seed: int = 0) -> Sides:
    """What overlaps say of a grid of tile numbers: neighbours so much, all others less than 0."""
    count = grid.size
    told = np.random.default_rng(seed).normal(-10, 2, (4, count, count))
    at = {int(tile): (row, column) for (row, column), tile in np.ndenumerate(grid)}
    for first in range(count):
        for second in range(count):
            apart = (at[second][0] - at[first][0], at[second][1] - at[first][1])
            if apart in SIDES:
                told[SIDES.index(apart), first, second] = nats
    return Sides(told, np.zeros((4, count, count, 2), np.int64))


@pytest.mark.parametrize("seed", range(4))
def test_a_shuffled_grid_is_put_together(seed):
    grid = np.random.default_rng(seed).permutation(20).reshape(4, 5)
    found = put_together(say(grid, 12.0, seed))
    assert len(found) == 20
    first = found[int(grid[0, 0])]
    for (row, column), tile in np.ndenumerate(grid):
        assert found[int(tile)] == (first[0] + row, first[1] + column)


def test_overlaps_that_say_little_place_nothing():
    assert put_together(say(np.arange(9).reshape(3, 3), 3.0)) == {}


def test_of_two_tiles_that_fit_one_place_as_well_neither_is_laid():
    sides = say(np.arange(9).reshape(3, 3), 12.0)
    twin = np.zeros((4, 10, 10)) - 10
    twin[:, :9, :9] = sides.nats
    twin[:, 9, :9], twin[:, :9, 9] = sides.nats[:, 8], sides.nats[:, :, 8]
    found = put_together(Sides(twin, np.zeros((4, 10, 10, 2), np.int64)))
    assert set(found) == set(range(8))


def test_the_usual_steps_are_those_that_most_pairs_agree_on():
    shifts = [(200, 3), (-203, -1), (198, 5), (2, 150), (-1, 152), (120, 20), (90, -40), (200, 150)]
    right, down = usual_steps([np.array(each) for each in shifts])
    np.testing.assert_allclose(right, (200, 3), atol=2)
    np.testing.assert_allclose(down, (1, 151), atol=2)


def test_pairs_that_agree_on_nothing_show_no_stage():
    assert usual_steps([]) is None
    shifts = [(200, 3), (150, 0), (100, 30), (2, 150), (0, 152)]
    assert usual_steps([np.array(each) for each in shifts]) is None


def four_corners() -> list[np.ndarray]:
    scene = texture(460, 460)[..., 0].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1.5, (4, 256, 256)).astype(np.float32)
    corners = [(0, 0), (0, 204), (204, 0), (204, 204)]
    pictures = [scene[y : y + 256, x : x + 256] for y, x in corners]
    return [even_detail(each) for each in noise + pictures]


STEPS = (np.array([200.0, 4.0]), np.array([-3.0, 207.0]))


def test_tiles_are_tried_on_all_four_sides():
    sides = sides_of(four_corners(), STEPS)
    assert put_together(sides) in (
        {n: (n // 2 - r, n % 2 - c) for n in range(4)} for r in (0, 1) for c in (0, 1)
    )
    np.testing.assert_array_equal(sides.shifts[0, 0, 1], (204, 0))
    np.testing.assert_array_equal(sides.shifts[3, 2, 0], (0, -204))


def test_no_other_tile_is_tried_where_a_neighbour_is_beyond_doubt():
    tiles = [*four_corners(), even_detail(np.full((256, 256), 120, np.float32))]
    told = sides_of(tiles, STEPS, {(0, 1): 0.9}).nats
    assert told[0, 0, 1] > 50
    assert (told[0, 0, 2:] == told[0, 0, 2]).all()  # all of them as for one that was not tried
    assert told[0, 0, 2] < -1
