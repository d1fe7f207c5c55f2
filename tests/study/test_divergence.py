"""Dataset error against what two normal clouds allow."""

import numpy as np
import pytest
from scipy.stats import norm

from berlese.errors import SettingError
from berlese.study.datasets import Dataset, Libraries
from berlese.study.divergence import a_distance, divergence_table, domain_error


def cloud(n, place, seed):
    return np.random.default_rng(seed).normal(place, 1, (n, 1))


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
def test_the_error_is_that_of_the_best_cut_between_two_clouds(distance):
    error = domain_error(cloud(2400, 0, 1), cloud(2400, distance, 2), 400)
    assert error == pytest.approx(norm.cdf(-distance / 2), abs=0.03)


def test_the_distance_by_hand():
    assert (a_distance(0.5), a_distance(0.0), a_distance(0.2)) == (0, 2, pytest.approx(1.2))


def test_small_data_sets_train_on_half_and_pairs_come_once():
    data = [
        Dataset(name, cloud(n, place, seed).astype(np.float32), np.array(["x"] * n))
        for seed, (name, n, place) in enumerate((("a", 30, 0), ("b", 300, 9), ("c", 1, 0)))
    ]
    table = divergence_table(Libraries(data), replicates=2)
    assert table[["source", "target"]].drop_duplicates().to_numpy().tolist() == [["a", "b"]]
    assert table["n_train"].tolist() == [30, 30]
    assert table["error"].tolist() == [0, 0]


def test_rows_to_test_on_are_asked_for():
    with pytest.raises(SettingError, match="must leave rows to test"):
        domain_error(cloud(5, 0, 1), cloud(9, 0, 2), 5)
