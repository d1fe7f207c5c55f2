"""Slices in the wrong order and slices blurred through are seen from where they are sharp."""

import numpy as np
import pytest

from berlese.photos.slice_order import cells_of, find_order
from tests.photos.scenes import stack


def bells(slices: int, places: int = 200, seed: int = 0) -> list[np.ndarray]:
    """Energy of cells that are sharpest at known places along the focus."""
    rng = np.random.default_rng(seed)
    best = rng.uniform(0, slices - 1, places)
    height = rng.uniform(20, 200, places)
    return [
        (height * np.exp(-((best - number) ** 2) / 8) + rng.uniform(0.9, 1.1, places))
        .astype(np.float32)
        .reshape(10, -1)
        for number in range(slices)
    ]


def test_the_right_order_is_kept():
    assert find_order(bells(12)).order == tuple(range(12))
    assert not find_order(bells(12)).changed
    assert find_order(bells(12)[::-1]).order == tuple(range(12))


@pytest.mark.parametrize("seed", range(5))
def test_any_order_is_put_right(seed):
    shuffled = np.random.default_rng(seed).permutation(14)
    cells = bells(14, seed=seed)
    found = find_order([cells[number] for number in shuffled])
    right = [int(shuffled[number]) for number in found.order]
    assert right in (list(range(14)), list(range(14))[::-1])
    assert found.changed
    assert not found.blurred


def test_a_slice_blurred_through_is_found_wherever_it_stands():
    for number in (1, 5, 10):
        cells = bells(12)
        cells[number] = np.ones_like(cells[number])
        found = find_order(cells)
        assert found.blurred == (number,)
        assert not found.changed
        assert len(found.order) == 11


def test_the_ends_of_a_stack_may_be_sharp_nowhere():
    cells = [np.ones((10, 20), np.float32), *bells(9), np.ones((10, 20), np.float32)]
    assert not find_order(cells).blurred


def test_pictures_of_nothing_keep_their_order():
    found = find_order([np.ones((5, 5), np.float32)] * 6)
    assert found.order == tuple(range(6))
    assert not found.changed


def test_simulated_slices_are_ordered_by_their_cells():
    cells = [cells_of(each.mean(axis=2, dtype=np.float32)) for each in stack(3).slices]
    found = find_order([cells[number] for number in (2, 6, 0, 4, 1, 5, 3)])
    assert [(2, 6, 0, 4, 1, 5, 3)[number] for number in found.order] in (
        [0, 1, 2, 3, 4, 5, 6],
        [6, 5, 4, 3, 2, 1, 0],
    )
