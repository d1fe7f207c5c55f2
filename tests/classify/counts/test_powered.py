"""The reviewed sample corrects any model; the interval keeps its promise; by hand where it can."""

import numpy as np
import pytest

from berlese.classify.counts.powered import (
    Reviewed,
    alike_ones,
    powered_shares,
    recalibrated,
    stacking_weights,
    target_classifier,
)
from berlese.classify.heads.neighbours import neighbour_graph
from berlese.errors import SettingError

SHARES = np.array([0.6, 0.3, 0.09, 0.01])


def survey(seed, n=600, skill=0.7):
    """Names, and a model that is biased towards the third taxon."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(4, n, p=SHARES)
    logits = rng.normal(size=(n, 4)) + 2 * skill * np.eye(4)[codes] + [0, 0, 1.0, 0]
    p = np.exp(logits)
    return codes, p / p.sum(axis=1, keepdims=True), rng


def reviewed_at_random(codes, k, rng):
    rows = rng.choice(len(codes), k, replace=False)
    return Reviewed.of(rows, codes[rows], n=len(codes), n_classes=4)


def nothing(rows, codes):
    return np.zeros((600, 4))


def test_a_model_that_says_nothing_leaves_the_sample():
    codes, _, rng = survey(0)
    reviewed = reviewed_at_random(codes, 60, rng)
    found = powered_shares([nothing], reviewed, n=600, n_classes=4)
    share = np.bincount(reviewed.codes, minlength=4) / 60
    np.testing.assert_allclose(found.shares, share, atol=1e-12)
    # variance by hand: (k s^2 + 1/2) / (k + 1) / k, without replacement
    variance = (60 * share * (1 - share) + 0.5) / 61 / 60 * (1 - 60 / 600)
    np.testing.assert_allclose(found.deviation, np.sqrt(variance))


def test_a_model_that_knows_all_gives_the_truth():
    codes, _, rng = survey(1)
    reviewed = reviewed_at_random(codes, 60, rng)
    found = powered_shares([lambda *_: np.eye(4)[codes]], reviewed, n=600, n_classes=4)
    np.testing.assert_allclose(found.shares, np.bincount(codes, minlength=4) / 600, atol=1e-12)


def test_unequal_chances_are_made_up_for():
    # the second half of the survey, all of taxon 1, was drawn three times as often
    codes = np.repeat([0, 1], 300)
    estimates = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first = rng.choice(300, 20, replace=False)
        second = 300 + rng.choice(300, 60, replace=False)
        rows = np.concatenate([first, second])
        inclusion = np.repeat([20 / 300, 60 / 300], [20, 60])
        reviewed = Reviewed.of(rows, codes[rows], inclusion, n=600, n_classes=2)
        found = powered_shares([lambda *_: np.zeros((600, 2))], reviewed, n=600, n_classes=2)
        estimates.append(found.shares[0])
    assert np.mean(estimates) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("k", [50, 150])
def test_the_interval_covers_and_the_estimate_has_no_bias(k):
    errors, covered, alone = [], [], []
    for seed in range(80):
        codes, p, rng = survey(seed)
        truth = np.bincount(codes, minlength=4) / 600
        reviewed = reviewed_at_random(codes, k, rng)
        found = powered_shares([recalibrated(p)], reviewed, n=600, n_classes=4)
        errors.append(found.shares - truth)
        covered.append((found.low <= truth) & (truth <= found.high))
        alone.append(np.bincount(reviewed.codes, minlength=4) / k - truth)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.008
    assert np.mean(np.abs(errors)) < np.mean(np.abs(alone))
    assert 0.86 <= np.mean(covered) <= 0.98
    assert np.mean(covered, axis=0)[3] >= 0.88  # one in a hundred


def test_specimens_that_were_picked_teach_but_do_not_count():
    codes, _p, rng = survey(2)
    drawn = rng.choice(600, 50, replace=False)
    picked = np.setdiff1d(np.flatnonzero(codes == 2), drawn)[:30]
    rows = np.concatenate([drawn, picked])
    inclusion = np.concatenate([np.full(50, 50 / 600), np.full(len(picked), np.nan)])
    both = Reviewed.of(rows, codes[rows], inclusion, n=600, n_classes=4)
    found = powered_shares([nothing], both, n=600, n_classes=4)
    share = np.bincount(codes[drawn], minlength=4) / 50
    assert found.shares[2] == pytest.approx(share[2], rel=0.2)  # but for what is known to be there
    assert found.low[2] >= len(picked) / 600


def test_a_whole_survey_reviewed_leaves_no_doubt():
    codes, p, _ = survey(3)
    everyone = Reviewed.of(np.arange(600), codes, n=600, n_classes=4)
    found = powered_shares([recalibrated(p)], everyone, n=600, n_classes=4)
    truth = np.bincount(codes, minlength=4) / 600
    for values in (found.shares, found.low, found.high):
        np.testing.assert_allclose(values, truth, atol=1e-12)


def test_the_target_classifier_is_plain_logistic_regression():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(4)
    X = rng.normal(size=(80, 200))
    codes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
    rows = np.arange(40)
    ours = target_classifier(X, 3)(rows, codes[rows])
    Z = StandardScaler().fit_transform(X)
    theirs = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8).fit(Z[rows], codes[rows])
    np.testing.assert_allclose(ours, theirs.predict_proba(Z), atol=2e-3)


def test_one_taxon_only_is_no_trouble():
    X = np.random.default_rng(5).normal(size=(60, 5))
    codes = np.zeros(40, int)
    both = [target_classifier(X, 3), recalibrated(np.full((60, 3), 1 / 3))]
    reviewed = Reviewed.of(np.arange(40), codes, n=60, n_classes=3)
    found = powered_shares(both, reviewed, n=60, n_classes=3)
    assert found.shares[0] > 0.95
    assert (found.high[1:] > 0).all()  # two thirds were looked at, the rest may hold others


def test_weights_are_those_by_hand_where_each_name_is_known_to_one_predictor():
    # three names known to the first alone, one to the second alone: (3 + 2, 1 + 2) / 8, nearly
    likely = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    np.testing.assert_allclose(stacking_weights(likely), [5 / 8, 3 / 8], atol=2e-3)


def test_predictors_that_say_the_same_are_trusted_alike():
    likely = np.tile(np.random.default_rng(6).random(30), (3, 1))
    np.testing.assert_allclose(stacking_weights(likely), 1 / 3)


def test_a_useless_model_beside_a_good_one_widens_intervals_little():
    codes, p, rng = survey(7, skill=2.0)
    noise = np.random.default_rng(8).dirichlet(np.ones(4), 600)
    reviewed = reviewed_at_random(codes, 60, rng)
    good, both, useless = (
        powered_shares([recalibrated(q) for q in each], reviewed, n=600, n_classes=4)
        for each in ([p], [p, noise], [noise])
    )
    widths = [(found.high - found.low).mean() for found in (good, both, useless)]
    assert widths[1] < widths[0] + (widths[2] - widths[0]) / 5


def test_names_reach_the_specimens_that_are_alike():
    rng = np.random.default_rng(9)
    codes = rng.integers(3, size=90)
    X = 6 * np.eye(3, 20)[codes] + rng.normal(size=(90, 20))
    rows = np.array([np.flatnonzero(codes == code)[0] for code in range(3)])
    for predict in alike_ones(neighbour_graph(X - X.mean(axis=0), 6), 3):
        p = predict(rows, codes[rows])
        assert p.shape == (90, 3)
        assert (p.argmax(axis=1) == codes).mean() > 0.95


@pytest.mark.parametrize(
    ("rows", "codes", "inclusion", "words"),
    [
        ([0, 0], [1, 1], None, "twice"),
        ([0, 9], [1, 1], None, "0 to 4"),
        ([0, 1], [1, 7], None, "classes"),
        ([0, 1], [1], None, "one of each"),
        ([0, 1], [1, 1], [0.0, 0.5], "sampling"),
    ],
)
def test_what_cannot_have_been_reviewed_is_refused(rows, codes, inclusion, words):
    with pytest.raises(SettingError, match=words):
        Reviewed.of(rows, codes, inclusion, n=5, n_classes=4)


def test_one_reviewed_specimen_is_too_few():
    reviewed = Reviewed.of([3], [0], n=600, n_classes=4)
    with pytest.raises(SettingError, match="at least two"):
        powered_shares([nothing], reviewed, n=600, n_classes=4)
