"""Groups of simulated animals of known taxa."""

import numpy as np
import pytest

from berlese.classify.unknowns.clusters import ALONE, alike


def test_animals_of_unlike_taxa_come_into_groups_the_largest_first():
    rng = np.random.default_rng(0)
    taxa = np.repeat([0, 1, 2], [11, 6, 4])
    X = np.abs(rng.normal(0, 3, (3, 200))[taxa] + rng.normal(0, 0.5, (21, 200)))
    groups = alike(X)
    assert groups.tolist() == taxa.tolist()


def test_animals_that_are_like_no_other_stay_alone():
    assert (alike(np.random.default_rng(1).normal(size=(12, 500))) == ALONE).mean() > 0.7


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_are_no_group(n):
    assert alike(np.ones((n, 5))).tolist() == [ALONE] * n


def test_identical_animals_are_one_group():
    assert alike(np.ones((5, 7))).tolist() == [0] * 5
