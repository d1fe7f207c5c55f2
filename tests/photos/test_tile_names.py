"""Rows and columns are read out of the names that microscopes give, and out of nothing else."""

import pytest

from berlese.photos.tile_names import grid_of, layout_of_sequence, sequence_of


@pytest.mark.parametrize(
    ("stems", "places"),
    [
        (["r00_c00", "r00_c01", "r01_c00"], [(0, 0), (0, 1), (1, 0)]),
        (["plate3-Row 1 Col 2", "plate3-Row 2 Col 2"], [(0, 0), (1, 0)]),
        (["c01r02", "c02r02"], [(0, 0), (0, 1)]),
        (["tile_x003_y001", "tile_x003_y002", "tile_x004_y002"], [(0, 0), (1, 0), (1, 1)]),
        (["y10x20", "y10x10"], [(0, 1), (0, 0)]),
        (["dish_5_7", "dish_6_7"], [(0, 0), (0, 1)]),
    ],
)
def test_common_names_tell_the_grid(stems, places):
    assert grid_of(stems) == places


@pytest.mark.parametrize(
    "stems",
    [
        ["a", "b", "c"],
        ["IMG_0001", "IMG_0002", "other"],
        ["r1_c1", "r1_c1 copy"],
        ["2026-11-24", "2026-11-30", "2026-12-07", "2027-01-11", "2027-02-17"],
    ],
)
def test_names_that_tell_nothing_or_contradict_themselves_are_not_believed(stems):
    assert grid_of(stems) is None


def test_a_running_number_ranks_the_tiles_by_value_not_by_letters():
    assert sequence_of(["t10", "t9", "t11"]) == [1, 0, 2]
    assert sequence_of(["t1", "u1"]) is None
    assert sequence_of(["a", "b"]) is None


def test_a_snake_is_told_from_a_raster_by_what_lies_beside_what():
    # Three columns, back on the second row:  0 1 2 / 5 4 3
    beside = {(0, 1): (0, 1), (1, 2): (0, 1), (2, 3): (1, 0), (3, 4): (0, -1), (1, 4): (1, 0)}
    places = layout_of_sequence(range(6), beside)
    assert places == [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]
    # Two rows of three, each from the left:  0 1 2 / 3 4 5
    beside = {(0, 1): (0, 1), (1, 2): (0, 1), (0, 3): (1, 0), (3, 4): (0, 1), (2, 5): (1, 0)}
    assert layout_of_sequence(range(6), beside)[3] == (1, 0)


def test_a_layout_that_explains_too_little_is_none():
    assert layout_of_sequence(range(4), {(0, 3): (0, 1), (1, 2): (0, -1), (0, 2): (0, 1)}) is None
    assert layout_of_sequence(range(4), {}) is None
