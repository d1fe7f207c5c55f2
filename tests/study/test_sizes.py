"""The rule against the grids of Fujisawa et al. 2023, which name no rule."""

import pytest

from berlese.errors import SettingError
from berlese.study import sizes

LH, LL, GH = 960, 306, 1687  # rows of Table S1


@pytest.mark.parametrize(
    ("n", "test", "training"),
    [
        (LH, 200, list(range(100, 701, 100))),
        (LL, 50, list(range(50, 251, 50))),
        (GH, 200, list(range(100, 901, 100))),
    ],
)
def test_the_papers_counts_give_the_papers_sizes(n, test, training):
    assert sizes.test_size(n) == test
    assert sizes.training_sizes(n) == training


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (LL, LH, list(range(300, 801, 100))),
        (GH, LH, list(range(400, 1401, 200))),
        (GH, LL, list(range(300, 1001, 100))),
    ],
)
def test_the_papers_counts_give_the_papers_mixed_sizes(source, target, expected):
    assert sizes.mixed_sizes(source, target) == expected
    assert sizes.mixed_test_size(source + target) == 400


def test_46_sites_are_taken_as_in_the_paper_and_one_is_always_left():
    assert sizes.site_counts(46) == [4, 8, 12, 16, 20, 24, 28]
    assert sizes.site_counts(3) == [1, 2]
    assert sizes.site_counts(1) == []


@pytest.mark.parametrize("n", [0, 1, 3, 8, 20, 77, 500, 12_345])
def test_any_data_are_split_without_overlap_in_at_most_ten_steps(n):
    found = sizes.training_sizes(n, largest=10**6)
    assert len(found) <= 10
    assert all(size + sizes.test_size(n) <= n for size in found)


def test_the_nearest_size_is_the_smaller_of_two_and_must_exist():
    assert sizes.nearest([300, 500], 400) == 300
    with pytest.raises(SettingError, match="none was run"):
        sizes.nearest([], 400)
