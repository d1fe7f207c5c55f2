"""Tables worked out by hand: data set A has x, x, x, y; B has y and z, which A lacks."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from berlese.study.metrics import Share
from berlese.study.plans import Plan
from berlese.study.results import (
    column_scaled,
    confusion_of,
    counts_table,
    mean_table,
    results_table,
    taxa_table,
    views_of,
)

X, Y = 0, 1
PLAN = Plan((), (("A", "B"),), ("A", "B"))
NAMED = [[X, X, Y, Y, Y, X], [X, Y, Y, Y, X, X]]
TESTED = [[1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 0, 0]]


@pytest.fixture
def views(six, by_hand):
    result = by_hand(six, NAMED, TESTED, labelled=[[1, 0, 0, 0, 0, 0]] * 2)
    return list(views_of(six, PLAN, [result], ("within", "between")))


def test_accuracies_and_reduction(six, views):
    table = results_table(six, views).set_index(["protocol", "replicate"])
    assert table.loc[("within", 1), "acc_source"] == 3 / 4
    assert table.loc[("within", 1), "balanced_source"] == pytest.approx((2 / 3 + 1) / 2)
    assert table.loc[("within", 2), "acc_source"] == 1 / 2
    # B's picture of z is no mistake: A never learnt z
    assert table.loc[("between", 1), "acc_target"] == 1
    assert table.loc[("between", 1), "delta"] == pytest.approx(-1 / 4)
    assert table.loc[("between", 2), "acc_target"] == 0
    assert (table["n_train"] == 1).all()
    assert (table["seconds"] == 0.5).all()


def test_means_are_over_replicates(six, views):
    means = mean_table(results_table(six, views)).set_index("protocol")
    assert means.loc["within", "acc_target"] == pytest.approx(5 / 8)
    assert means.loc["within", "acc_target_max"] == 3 / 4
    assert means.loc["within", "acc_target_sd"] == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert means.loc["within", "replicates"] == 2


def test_recall_and_precision_put_replicates_together(six, views):
    within = taxa_table(six, views[:1]).set_index("taxon")
    # x was tested 3 + 1 times and named right twice; y twice, right twice; y was named 4 times
    assert within.loc["x", "recall"] == pytest.approx(2 / 4)
    assert within.loc["x", "precision"] == 1
    assert within.loc["y", "recall"] == 1
    assert within.loc["y", "precision"] == pytest.approx(2 / 4)
    assert within.loc["x", "f1"] == pytest.approx(2 * 2 / (4 + 2))
    assert within["n_images"].to_dict() == {"x": 3, "y": 1}
    assert within["n_sites"].to_dict() == {"x": 2, "y": 1}


def test_a_picture_counts_once_in_the_width_of_an_interval(six, views):
    x = taxa_table(six, views[:1]).set_index("taxon").loc["x"]
    expected = Share.of(1.5, 3)  # half of three different pictures, though four answers
    assert (x["recall_low"], x["recall_high"]) == pytest.approx((expected.low, expected.high))
    assert x["f1_low"] <= x["f1"] <= x["f1_high"]


def test_the_interval_of_f1_covers_the_truth_as_often_as_it_says(by_hand):
    from berlese.study.datasets import Dataset, Libraries

    rng = np.random.default_rng(3)
    covered = 0
    for run in range(60):
        truth = rng.integers(2, size=150)
        named = np.where(rng.random(150) < 0.8, truth, 1 - truth)
        data = Dataset("A", np.zeros((150, 1), np.float32), np.array(["x", "y"])[truth])
        result = by_hand(None, [named], np.ones((1, 150)))
        view = next(views_of(Libraries([data]), PLAN, [result], ("within",)))
        row = taxa_table(Libraries([data]), [view], seed=run).iloc[0]
        assert row["f1"] == pytest.approx(f1_score(truth, named, pos_label=0))
        covered += row["f1_low"] <= 0.8 <= row["f1_high"]  # F1 of symmetric errors is .8
    assert 47 <= covered <= 60  # .9 of 60 is 54, standard deviation 2.3


def test_columns_of_a_confusion_sum_to_one_and_are_true_taxa(six, views):
    shares = column_scaled(confusion_of(six, views[0]))
    assert shares.loc["y", "x"] == pytest.approx(2 / 4)
    assert shares.loc["y", "y"] == 1
    assert shares.sum().tolist() == pytest.approx([1, 1])


def test_counts_are_by_taxon_and_data_set(six):
    assert counts_table(six).to_dict() == {
        "A": {"x": 3, "y": 1, "z": 0},
        "B": {"x": 0, "y": 1, "z": 1},
    }


def test_only_protocols_that_were_asked_for_are_seen(six, by_hand):
    result = by_hand(six, NAMED, TESTED)
    assert [v.protocol for v in views_of(six, PLAN, [result], ("between",))] == ["between"]
    assert list(views_of(six, PLAN, [result], ("tuning",))) == []
