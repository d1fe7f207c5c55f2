"""Dataset errors of a study: which pairs, and how many pictures."""

import numpy as np

from berlese.study.datasets import Dataset, Libraries
from berlese.study.divergence import divergence_table


def cloud(n, place, seed):
    return np.random.default_rng(seed).normal(place, 1, (n, 1))


def test_small_data_sets_train_on_half_and_pairs_come_once():
    data = [
        Dataset(name, cloud(n, place, seed).astype(np.float32), np.array(["x"] * n))
        for seed, (name, n, place) in enumerate((("a", 30, 0), ("b", 300, 9), ("c", 1, 0)))
    ]
    table = divergence_table(Libraries(data), replicates=2)
    assert table[["source", "target"]].drop_duplicates().to_numpy().tolist() == [["a", "b"]]
    assert table["n_train"].tolist() == [30, 30]
    assert table["error"].tolist() == [0, 0]
