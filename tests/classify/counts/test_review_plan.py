"""Chances are equal, samples are spread, plans resume, goals stop."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.classify.counts.powered import ShareEstimate
from berlese.classify.counts.review_plan import Goal, ReviewPlan, local_pivotal
from berlese.errors import SettingError


def grid(side):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 1.0


def test_every_specimen_has_the_same_chance_at_every_size():
    X = np.concatenate([grid(5), 100 + grid(4)])  # two kinds of 25 and 16
    drawn = np.zeros((3, 41))
    for seed in range(600):
        order = ReviewPlan.draw(X, most=30, random_state=seed).order
        for number, size in enumerate((10, 25, 30)):
            drawn[number, order[:size]] += 1
    expected = np.array([[10], [25], [30]]) / 41
    # a share of 600 draws has a deviation of about .02; 123 shares, so 4 deviations
    assert np.abs(drawn / 600 - expected).max() < 0.085


def test_a_spread_sample_has_every_kind_in_its_proportion():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(5), [200, 100, 50, 40, 10])
    X = 20 * np.eye(5)[kinds] + rng.normal(size=(400, 5))
    plain, spread = [], []
    for seed in range(12):
        order = ReviewPlan.draw(X, random_state=seed).order
        spread.append(np.bincount(kinds[order[:100]], minlength=5) / 100)
        picked = np.random.default_rng(seed).choice(400, 100, replace=False)
        plain.append(np.bincount(kinds[picked], minlength=5) / 100)
    truth = np.bincount(kinds) / 400
    assert np.std(spread - truth) < 0.4 * np.std(plain - truth)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 60), st.data())
def test_exactly_so_many_are_drawn(n, data):
    size = data.draw(st.integers(1, n - 1))
    X = np.random.default_rng(n).normal(size=(n, 3)).round(1)
    assert len(local_pivotal(X, size, np.random.default_rng(size))) == size


def test_the_plan_survives_being_saved():
    X = np.random.default_rng(1).normal(size=(120, 6))
    plan = ReviewPlan.draw(X, random_state=3)
    again = ReviewPlan.from_dict(json.loads(json.dumps(plan.to_dict())), n=120)
    np.testing.assert_array_equal(plan.order, again.order)
    np.testing.assert_array_equal(plan.order, ReviewPlan.draw(X, random_state=3).order)
    assert sorted(plan.order) == list(range(120))


def test_the_next_rows_leave_out_what_is_reviewed():
    plan = ReviewPlan(9, np.array([4, 2, 7, 0, 5]))
    np.testing.assert_array_equal(plan.next_rows([2, 8], 3), [4, 7, 0])
    assert len(plan.next_rows(plan.order)) == 0


def test_only_an_unbroken_beginning_counts_as_drawn():
    plan = ReviewPlan(10, np.array([4, 2, 7, 0, 5]))
    # 4 and 2 are the first two; 0 comes after the gap at 7; 9 was picked
    found = plan.inclusion([0, 2, 4, 9])
    np.testing.assert_array_equal(found, [np.nan, 0.2, 0.2, np.nan])


def estimate(half):
    half = np.asarray(half, float)
    zero = np.zeros_like(half)
    return ShareEstimate(zero, zero, 2 * half, half, zero)


def test_a_goal_is_reached_when_the_widest_interval_is_narrow_enough():
    assert Goal(0.05).reached(estimate([0.05, 0.01]))
    assert not Goal(0.05).reached(estimate([0.051, 0.01]))


def test_the_planned_looks():
    assert Goal().looks(120) == [50, 75, 100, 120]
    assert Goal(promise="table").looks(300) == [50, 100, 200, 300]
    assert Goal().next_look(0, 1000) == 50
    assert Goal().next_look(60, 1000) == 75
    assert Goal().next_look(60, 65) == 65


def test_the_latest_look_is_a_planned_one():
    assert Goal().last_look(49, 1000) == 0
    assert Goal().last_look(99, 1000) == 75
    assert Goal(promise="table").last_look(399, 1000) == 200
    assert Goal().last_look(30, 30) == 30


def test_what_the_goal_will_take_goes_by_the_root_of_the_sample():
    # half as wide takes four times as many of a large survey, 4/(1 + 3 k/n) of a small one
    assert Goal(0.05).expected(0.1, 50, 10**6) == 200
    assert Goal(0.05).expected(0.1, 50, 200) == 125
    assert Goal(0.05).expected(0.4, 50, 200) == 200


def test_rows_behind_the_look_do_not_count_as_drawn():
    plan = ReviewPlan(10, np.array([4, 2, 7, 0, 5]))
    np.testing.assert_array_equal(plan.inclusion([4, 2, 7], most=2), [0.2, 0.2, np.nan])


def test_the_risk_is_split_over_looks_and_taxa():
    assert Goal(promise="table").interval_level(5) == pytest.approx(1 - 0.1 / 20)
    assert Goal().interval_level(5) == 0.9


@pytest.mark.parametrize("settings", [{"half_width": 0.0}, {"promise": "species"}, {"level": 1.0}])
def test_goals_that_mean_nothing_are_refused(settings):
    with pytest.raises(SettingError):
        Goal(**settings)


def test_a_plan_of_another_survey_is_refused():
    state = ReviewPlan.draw(np.eye(8), random_state=0).to_dict()
    with pytest.raises(SettingError, match="for 8 specimens, the survey has 9"):
        ReviewPlan.from_dict(state, n=9)
    with pytest.raises(SettingError, match="no review plan"):
        ReviewPlan.from_dict({"order": [1]}, n=9)


def test_features_that_are_not_numbers_are_refused():
    with pytest.raises(SettingError, match="finite"):
        ReviewPlan.draw(np.array([[1.0, np.nan]]))


def test_a_longer_order_begins_as_before_and_gives_all_the_same_chance():
    X = np.random.default_rng(0).normal(size=(40, 3))
    drawn = np.zeros(40)
    for seed in range(1500):
        plan = ReviewPlan.draw(X, most=10, random_state=seed)
        longer = plan.extended(X, 20, random_state=seed)
        np.testing.assert_array_equal(longer.order[:10], plan.order)
        assert len(set(longer.order.tolist())) == len(longer.order) == 20
        drawn[longer.order] += 1
    # binomial: 20 of 40, deviation sqrt(.25 / 1500) = .013
    np.testing.assert_allclose(drawn / 1500, 0.5, atol=0.06)
    assert sorted(plan.extended(X, 99, random_state=0).order) == list(range(40))
