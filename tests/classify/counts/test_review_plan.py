"""Chances are equal, samples are spread, plans resume, goals stop."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

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


def unlikeliness_of_equal_chances(drawn, draws, chance):
    """Tail probability that rows of one chance are drawn so unequally often (chi-square)."""
    n = len(drawn)
    squares = ((drawn - draws * chance) ** 2).sum() / (draws * chance * (1 - chance))
    return chi2.sf(squares * (n - 1) / n, n - 1)


@pytest.mark.parametrize("listed", [24, 10])
def test_of_other_specimens_each_has_the_same_chance_to_be_among_the_first(listed):
    rng = np.random.default_rng(listed)
    X = rng.normal(size=(40, 2))
    # of 24 three are gone and six new; then two of those 27 are gone, and two are new again
    once = np.array([*(row for row in range(24) if row not in (4, 5, 9)), *[-1] * 6])
    twice = np.array([-1, *(row for row in range(27) if row not in (0, 25)), -1])
    sizes, draws = (1, 4, 9, 20), 2500
    drawn = np.zeros((len(sizes), len(twice)))
    for seed in range(draws):
        plan = ReviewPlan(24, rng.permutation(24)[:listed])
        for origin in (once, twice):
            plan = plan.continued(origin, rng.random(len(origin)), random_state=seed)
        assert len(set(plan.order.tolist())) == len(plan.order)
        order = plan.extended(X[: plan.n], plan.n, random_state=seed).order
        for number, size in enumerate(sizes):
            drawn[number, order[:size]] += 1
    for times, size in zip(drawn, sizes, strict=True):
        assert unlikeliness_of_equal_chances(times, draws, size / len(twice)) > 0.001


def test_a_new_specimen_is_listed_as_often_as_the_list_is_long():
    draws, m, n = 4000, 10, 24
    origin = np.array([*range(4, n), -1, -1, -1])
    rng = np.random.default_rng(1)
    listed = np.zeros(len(origin))
    for seed in range(draws):
        plan = ReviewPlan(n, rng.permutation(n)[:m])
        listed[plan.continued(origin, rng.random(len(origin)), random_state=seed).order] += 1
    # binomial: deviation of sqrt(.4 * .6 / 4000) = .0077
    np.testing.assert_allclose(listed[:-3] / draws, m / n, atol=4 * 0.0077)
    np.testing.assert_allclose(listed[-3:] / draws, m / (n + 1), atol=4 * 0.0077)


def errors_of_shares(draws, *, when_seen, as_new=False):
    """Error of the shares of three kinds among the first 50 of a spread order, a row a draw.

    Of the second kind, half turn out to be two each; of the first, some are gone. Those that are
    two are cut everywhere or, with `when_seen`, where they are among the first.
    """
    rng = np.random.default_rng(0)
    n, k = 120, 50
    kind = np.repeat([0, 1, 2], 40)
    X = 3 * np.eye(3)[kind] + rng.normal(0, 0.3, (n, 3))
    stay = np.setdiff1d(np.arange(n), np.arange(20, 36))
    errors = []
    for seed in range(draws):
        plan = ReviewPlan.draw(X, most=70, random_state=seed)
        cut = np.arange(40, 60)
        cut = np.intersect1d(cut, plan.order[:k]) if when_seen else cut
        kept = np.setdiff1d(stay, cut) if as_new else stay
        parts = np.repeat(cut, 2 if as_new else 1)
        kinds = np.concatenate([kind[kept], kind[parts]])
        origin = np.concatenate([kept, np.full(len(parts), -1)])
        now = plan.continued(origin, rng.random(len(origin)), random_state=seed)
        order = now.extended(np.zeros((now.n, 1)), k, random_state=seed).order
        errors.append(np.bincount(kinds[order[:k]], minlength=3) / k)
        errors[-1] -= np.bincount(kinds, minlength=3) / len(kinds)
    return np.array(errors)


@pytest.mark.parametrize("when_seen", [False, True])
def test_shares_stay_unbiased_where_specimens_are_cut_for_what_they_are(when_seen):
    errors = errors_of_shares(300, when_seen=when_seen)
    deviation = errors.std(axis=0) / np.sqrt(len(errors))
    assert (np.abs(errors.mean(axis=0)) < 3.5 * deviation).all()
    assert deviation.max() < 0.0022


def test_shares_are_biased_where_none_takes_the_place_of_what_was_cut_when_seen():
    # why a part keeps the rank: else, whoever cuts what is looked at takes its kind out
    errors = errors_of_shares(60, when_seen=True, as_new=True)
    assert errors[:, 1].mean() < -0.05


def test_an_order_goes_on_in_the_same_way_and_names_what_it_cannot_do():
    plan = ReviewPlan(6, np.array([3, 1, 5, 0]))
    origin, own = np.array([0, 1, 2, 3, 5, -1]), np.full(6, 0.0)
    now = plan.continued(origin, own, random_state=2)
    np.testing.assert_array_equal(now.order, [5, 3, 1, 4, 0])  # the old ones as they were
    np.testing.assert_array_equal(now.order, plan.continued(origin, own, random_state=2).order)
    np.testing.assert_allclose(now.inclusion([5, 3, 2]), [2 / 6, 2 / 6, np.nan])
    for wrong in ([0, 0, 1], [0, 6]):
        with pytest.raises(SettingError, match="each of the 6 old rows once"):
            plan.continued(np.array(wrong), np.zeros(len(wrong)))
