"""Tests and regressions against SciPy, against formulas, and against a simulated truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from berlese.study.plans import Group, StudySettings
from berlese.study.statistics import (
    BY_INFORMATION,
    BY_TARGET,
    chosen_weights,
    paired_table,
    paired_tests,
    regression_table,
    spearman_table,
)


def trainings(effect=0.06, slope=0.0001, noise=0.0, replicates=10, seed=0):
    """Target accuracies of a plain and an adapted head: .5 + slope n + effect [adapted]."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "protocol": "adaptation",
            "source": "LL",
            "target": "LH",
            "model": model,
            "n_train": size,
            "replicate": replicate,
            "acc_target": 0.5 + slope * size + effect * (model != "CNN") + noise * rng.normal(),
        }
        for size in (300, 500, 800)
        for replicate in range(1, replicates + 1)
        for model in ("CNN", "DANN-0.1")
    ]
    return pd.DataFrame(rows)


def taxa(n_images, recall):
    keys = {"protocol": "within", "source": "A", "target": "A", "model": "CNN", "n_train": 4}
    return pd.DataFrame(
        {"n_images": n_images, "recall": recall, "precision": np.nan, "f1": 0.5, "n_tested": 3}
    ).assign(**keys)


def test_rank_correlation_by_hand():
    # ranks 1 2 3 4 against 2 1 3 4: rho = 1 - 6 (1 + 1) / (4 x 15) = .8
    table = spearman_table(taxa([5, 10, 50, 100], [0.3, 0.1, 0.8, 0.9])).set_index("score")
    assert table.loc["recall", "rho"] == pytest.approx(0.8)
    assert table.loc["recall", "n"] == 4
    assert np.isnan(table.loc["precision", "rho"])  # no taxon has one
    assert np.isnan(table.loc["f1", "rho"])  # all are equal


def test_without_noise_the_regression_is_the_simulated_line():
    fit = regression_table(trainings()).set_index("term")
    assert fit.loc["intercept", "estimate"] == pytest.approx(0.5)
    assert fit.loc["model", "estimate"] == pytest.approx(0.06)
    assert fit.loc["n_train", "estimate"] == pytest.approx(0.0001)
    assert fit.loc["model", "r_squared"] == pytest.approx(1)


def test_the_regressions_errors_are_those_of_the_normal_equations():
    results = trainings(noise=0.02)
    fit = regression_table(results).set_index("term")
    design = np.column_stack(
        [np.ones(60), results["model"] == "DANN-0.1", results["n_train"]]
    ).astype(float)
    y = results["acc_target"].to_numpy()
    solution, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * residual[0] / 57)
    t = solution / errors
    np.testing.assert_allclose(fit["estimate"], solution)
    np.testing.assert_allclose(fit["standard_error"], errors)
    np.testing.assert_allclose(fit["p"], 2 * stats.t.sf(np.abs(t), 57), atol=1e-12)
    np.testing.assert_allclose(fit["high"], solution + stats.t.ppf(0.95, 57) * errors)


def test_one_size_has_no_regression():
    results = trainings(noise=0.02)
    assert regression_table(results[results["n_train"] == 300]).empty


def test_paired_tests_agree_with_scipy():
    differences = np.random.default_rng(1).normal(0.02, 0.03, 10)
    tested = paired_tests(differences, test_to_train=0)
    assert tested["p_t"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert tested["p_corrected"] == pytest.approx(tested["p_t"])
    assert tested["p_wilcoxon"] == pytest.approx(stats.wilcoxon(differences).pvalue)


def test_the_corrected_test_by_hand():
    # mean 2, variance 1, n = 3; (1/3 + 2/3) x 1 = 1, so t = 2 with 2 degrees of freedom
    tested = paired_tests(np.array([1.0, 2.0, 3.0]), test_to_train=2 / 3)
    assert tested["p_corrected"] == pytest.approx(2 * stats.t.sf(2, 2))
    assert tested["high"] - tested["difference"] == pytest.approx(stats.t.ppf(0.95, 2))


@pytest.mark.parametrize(
    ("differences", "p"), [([0.1], np.nan), ([0.0, 0.0, 0.0], 1.0), ([0.1, 0.1, 0.1], np.nan)]
)
def test_where_nothing_varies_no_test_claims_anything(differences, p):
    tested = paired_tests(np.array(differences), 0.5)
    assert tested["p_t"] == pytest.approx(p, nan_ok=True)
    assert tested["difference"] == pytest.approx(differences[0])


def test_pairs_are_compared_at_each_size_and_over_all():
    table = paired_table(trainings(noise=0.01), {("LL", "LH"): 300.0}).set_index("n_train")
    assert list(table.index) == [0, 300, 500, 800]
    assert table.loc[0, "difference"] == pytest.approx(0.06, abs=0.005)
    assert table.loc[0, "p_corrected"] < 0.001
    assert (table["p_corrected"] > table["p_t"]).all()


def test_no_effect_is_seldom_found():
    found = [
        paired_table(trainings(0.0, noise=0.02, seed=seed), {("LL", "LH"): 300.0})
        .set_index("n_train")
        .loc[0, "p_t"]
        < 0.1
        for seed in range(60)
    ]
    assert sum(found) <= 13  # a tenth of 60 is 6, standard deviation 2.3


class Seen:
    """What the choice of lambda needs of a view."""

    def __init__(self, weight, information):
        self.source, self.target = "LL", "LH"
        self.group = Group("adaptation", "LL", 300, "LH", weight)
        self.result = type("Result", (), {"information": np.array(information)})


@pytest.mark.parametrize(
    ("settings", "chosen", "rule"),
    [
        (StudySettings(domain_weights=(0.1, 1.0)), "DANN-1", BY_INFORMATION),
        (StudySettings.published(domain_weights=(0.1, 1.0)), "DANN-0.1", BY_TARGET),
    ],
)
def test_lambda_is_chosen_without_target_labels_unless_as_published(settings, chosen, rule):
    best = trainings(effect=0.06)
    worse = trainings(effect=-0.1).replace({"model": {"DANN-0.1": "DANN-1"}})
    views = [Seen(0.1, [0.2, 0.4]), Seen(1.0, [0.5, 0.7]), Seen(None, [np.nan])]
    table = chosen_weights(pd.concat([best, worse]), views, settings)
    assert table.loc[table["chosen"], "model"].tolist() == [chosen]
    assert table["information"].tolist() == pytest.approx([0.3, 0.6])
    assert set(table["rule"]) == {rule}
