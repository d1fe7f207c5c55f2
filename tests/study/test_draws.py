"""Draws hold what they promise, whatever the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.study.draws import draw, sample
from berlese.study.plans import Group

WITHIN = Group("within", "near", 60)
LOCALITY = Group("locality", "near", 4)
MIXED = Group("adaptation", "near", 80, "far", 0.1)
TUNING = Group("tuning", "near", 50)


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_each_stratum_has_its_share_rounded_up_or_down(seed, n):
    strata = np.repeat([0, 1, 2], [20, 15, 5])
    drawn = sample(np.arange(40), n, strata, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == n
    counts = np.bincount(strata[drawn], minlength=3)
    assert (np.abs(counts - n * np.array([20, 15, 5]) / 40) <= 1).all()


def test_without_strata_every_row_is_as_likely():
    rng = np.random.default_rng(0)
    times = np.zeros(10)
    for _ in range(4000):
        times[sample(np.arange(10), 3, np.zeros(10, int), rng)] += 1
    assert np.abs(times / 4000 - 0.3).max() < 0.04  # five standard errors


@pytest.mark.parametrize("split", ["stratified", "random"])
@pytest.mark.parametrize("group", [WITHIN, LOCALITY, MIXED, TUNING], ids=lambda g: g.protocol)
class TestEveryProtocol:
    def test_no_row_is_trained_and_tested(self, libraries, group, split):
        drawn = draw(libraries, group, 1, split=split, seed=0)
        trained = [*drawn.labelled, *drawn.unlabelled]
        assert len(set(trained)) == len(trained) > 0
        assert len(drawn.tested)
        assert set(trained).isdisjoint(drawn.tested.tolist())

    def test_the_same_seed_gives_the_same_draw_and_another_another(self, libraries, group, split):
        first, again = (draw(libraries, group, 1, split=split, seed=0) for _ in range(2))
        other = draw(libraries, group, 2, split=split, seed=0)
        np.testing.assert_array_equal(first.labelled, again.labelled)
        np.testing.assert_array_equal(first.tested, again.tested)
        assert first.seed == again.seed != other.seed
        assert set(first.tested.tolist()) != set(other.tested.tolist())


def test_no_site_is_on_both_sides_of_a_locality(libraries):
    for replicate in range(20):
        drawn = draw(libraries, LOCALITY, replicate, split="stratified", seed=0)
        learnt = set(libraries.sites[drawn.labelled].tolist())
        assert len(learnt) == 4
        assert learnt.isdisjoint(libraries.sites[drawn.tested].tolist())


def test_a_mixed_draw_has_the_pools_share_of_source_and_labels_no_target_row(libraries):
    drawn = draw(libraries, MIXED, 0, split="stratified", seed=0)
    assert len(drawn.labelled) + len(drawn.unlabelled) == 80
    assert abs(len(drawn.labelled) - 80 * 120 / 210) <= 1.5
    assert set(drawn.labelled.tolist()) <= set(libraries.rows("near").tolist())
    assert set(drawn.unlabelled.tolist()) <= set(libraries.rows("far").tolist())


def test_lambda_changes_neither_draw_nor_seed(libraries):
    plain = Group("adaptation", "near", 80, "far", None)
    a, b = (draw(libraries, each, 3, split="random", seed=1) for each in (plain, MIXED))
    assert a.seed == b.seed
    np.testing.assert_array_equal(a.labelled, b.labelled)


def test_five_folds_test_each_drawn_picture_once(libraries):
    folds = [draw(libraries, TUNING, fold, split="stratified", seed=0) for fold in range(5)]
    tested = np.concatenate([fold.tested for fold in folds])
    assert sorted(tested) == sorted({*folds[0].labelled, *folds[0].tested})
    assert len(tested) == 50
