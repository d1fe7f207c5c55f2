"""Distances of two sets by hand and against known distributions."""

import numpy as np
import pytest
from scipy.stats import norm

from berlese.classify.gap.distance import (
    MeasuredPair,
    cliffs_delta,
    clouds,
    differences,
    expected_accuracy,
    look_alikes,
)
from berlese.classify.gap.domain_error import (
    DomainError,
    a_distance,
    domain_error,
    drawn_domain_error,
)
from berlese.errors import SettingError


def cloud(n, place, seed, dim=1):
    return np.random.default_rng(seed).normal(place, 1, (n, dim))


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
def test_the_error_is_that_of_the_best_cut_between_two_clouds(distance):
    error = domain_error(cloud(2400, 0, 1), cloud(2400, distance, 2), 400)
    assert error == pytest.approx(norm.cdf(-distance / 2), abs=0.03)


def test_the_interval_holds_the_error_of_the_best_cut():
    found = drawn_domain_error(cloud(900, 0, 1), cloud(900, 1.5, 2))
    assert found.low < norm.cdf(-0.75) < found.high
    assert found.low < found.value < found.high


def test_small_sets_train_on_half_and_single_pictures_are_refused():
    assert drawn_domain_error(cloud(30, 0, 1), cloud(300, 9, 2)).n_train == 15
    with pytest.raises(SettingError, match="cannot be compared"):
        drawn_domain_error(cloud(1, 0, 1), cloud(300, 9, 2))


def test_the_distance_by_hand():
    assert (a_distance(0.5), a_distance(0.0), a_distance(0.2)) == (0, 2, pytest.approx(1.2))


def test_rows_to_test_on_are_asked_for():
    with pytest.raises(SettingError, match="must leave rows to test"):
        domain_error(cloud(5, 0, 1), cloud(9, 0, 2), 5)


def test_cliffs_delta_by_hand():
    # Of six pairs, four have more in b, one less, one the same.
    assert cliffs_delta(np.array([1.0, 3.0]), np.array([2.0, 3.0, 4.0])) == pytest.approx(3 / 6)


def test_the_largest_difference_comes_first_with_its_medians():
    library = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    target = np.array([[9.0, 1.0], [8.0, 2.0], [7.0, 4.0]])
    first, second = differences(library, target, ["sharpness", "contrast"])
    assert (first.name, first.delta, first.size) == ("sharpness", 1.0, "strong")
    assert (first.library, first.target) == (1.0, 8.0)
    assert second.size == "small"


@pytest.mark.parametrize("most", [3000, 50])  # of larger sets, the axes are found by a part
def test_clouds_lie_apart_along_what_tells_them_apart(monkeypatch, most):
    monkeypatch.setattr("berlese.classify.gap.distance.MOST", most)
    library, target = cloud(80, 0, 1, dim=6), cloud(70, 0, 2, dim=6)
    target[:, 3] += 4
    for each in (library, target):
        each[:, :3] += 3 * each[:, :1]  # three features that vary together, in both sets
    left, right = clouds(library, target)
    assert left[:, 0].max() < np.median(right[:, 0])
    assert np.abs(np.corrcoef(right[:, 1], target[:, 0])[0, 1]) > 0.9


@pytest.mark.parametrize("chunk", [1024, 7])
def test_look_alikes_are_found_through_a_shift(monkeypatch, chunk):
    monkeypatch.setattr("berlese.classify.gap.distance.CHUNK", chunk)
    library = cloud(40, 0, 1, dim=12)
    target = np.concatenate([library[[7, 21]] * 1.0, cloud(38, 0, 5, dim=12)]) * 2 + 30
    assert {tuple(pair) for pair in look_alikes(library, target, 2)} == {(7, 0), (21, 1)}


def test_the_range_is_that_of_pairs_as_far_apart():
    measured = [
        MeasuredPair("near", 0.45, 0.99),
        MeasuredPair("far", 0.02, 0.5),
        MeasuredPair("far too", 0.03, 0.8),
        MeasuredPair("farther", 0.01, 0.6),
    ]
    found = expected_accuracy(0.9, DomainError(0.02, 0.0, 0.05, 100, 10), measured)
    assert (found.low, found.high) == (pytest.approx(0.45), pytest.approx(0.72))
    assert {each.name for each in found.pairs} == {"far", "far too", "farther"}
