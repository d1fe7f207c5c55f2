"""Shares against QuaPy, and on simulated confusions whose shares are known."""

import numpy as np
import pytest
from scipy.stats import norm

from berlese.classify.counts.shares import adjusted_shares, as_probabilities, em_shares, with_shares
from berlese.errors import SettingError

MEANS = np.array([0.0, 1.5, 3.0])


def draw(shares, n, seed):
    """Specimens of three taxa on one measure; the exact probabilities at equal shares."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, n, p=shares)
    x = rng.normal(MEANS[codes])
    density = norm.pdf(x[:, None] - MEANS)
    return density / density.sum(axis=1, keepdims=True), codes


EQUAL = np.full(3, 1 / 3)


def test_shares_that_moved_are_found():
    wanted = np.array([0.7, 0.25, 0.05])
    p, _ = draw(wanted, 20_000, 0)
    raw = np.bincount(p.argmax(axis=1), minlength=3) / len(p)
    assert np.abs(em_shares(p, EQUAL) - wanted).max() < 0.015 < np.abs(raw - wanted).max()


def test_no_other_shares_are_more_likely():
    p, _ = draw([0.5, 0.3, 0.2], 300, 1)
    found = em_shares(p, EQUAL)

    def likelihood(shares):
        return np.log(p @ (shares / EQUAL)).sum()

    rng = np.random.default_rng(2)
    others = rng.dirichlet(found * 500 + 0.1, size=300)
    assert max(map(likelihood, others)) <= likelihood(found) + 1e-6


def test_it_is_the_plain_iteration_carried_to_its_end():
    p, _ = draw([0.7, 0.2, 0.1], 200, 3)
    prior = np.array([0.5, 0.3, 0.2])
    shares = prior
    for _ in range(20_000):
        posterior = p * shares / prior
        shares = (posterior / posterior.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(em_shares(p, prior, tolerance=1e-12), shares, atol=1e-6)


def test_the_moved_probabilities_have_the_shares_as_means():
    p, _ = draw([0.6, 0.3, 0.1], 400, 4)
    shares = em_shares(p, EQUAL, tolerance=1e-12)
    np.testing.assert_allclose(with_shares(p, EQUAL, shares).mean(axis=0), shares, atol=1e-8)


def test_a_class_without_checked_specimens_gets_nothing():
    p, _ = draw(EQUAL, 100, 5)
    shares = em_shares(p, [0.5, 0.5, 0.0])
    assert shares[2] == 0
    assert shares.sum() == pytest.approx(1)


def test_quapys_em_gives_the_same():
    emq = pytest.importorskip("quapy.method.aggregative").EMQ
    p, _ = draw([0.7, 0.2, 0.1], 500, 6)
    prior = np.array([0.4, 0.35, 0.25])
    before, emq.MAX_ITER = emq.MAX_ITER, 5_000
    try:
        theirs, posteriors = emq.EM(prior, p, epsilon=1e-12)
    finally:
        emq.MAX_ITER = before
    ours = em_shares(p, prior, tolerance=1e-12)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(with_shares(p, prior, ours), posteriors, atol=1e-6)


def test_adjusted_counts_by_hand():
    # of 10 checked A, 8 are named A; of 10 checked B, 1: A s = c with c = (.45, .55) has s = 1/2
    given, true = [0] * 8 + [1] * 2 + [0] * 1 + [1] * 9, [0] * 10 + [1] * 10
    found = adjusted_shares([0] * 45 + [1] * 55, given, true, 2)
    np.testing.assert_allclose(found, [0.5, 0.5], atol=1e-7)


def test_adjusted_counts_stay_shares_where_the_inverse_does_not():
    given, true = [0] * 8 + [1] * 2 + [0] * 1 + [1] * 9, [0] * 10 + [1] * 10
    # nobody is named A, less than the one in ten of B that would be
    np.testing.assert_allclose(adjusted_shares([1] * 50, given, true, 2), [0, 1], atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_quapys_acc_gives_the_same(seed):
    acc = pytest.importorskip("quapy.method.aggregative").ACC
    checked, true = draw(EQUAL, 600, seed)
    target, _ = draw([0.5, 0.3, 0.2], 400, seed + 50)
    given = checked.argmax(axis=1)
    named = target.argmax(axis=1)
    rates = acc.getPteCondEstim(np.arange(3), true, given)
    theirs = np.linalg.solve(rates, np.bincount(named, minlength=3) / 400)
    np.testing.assert_allclose(adjusted_shares(named, given, true, 3), theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((0, 3)), "rows and classes"),
        ([[0.5, np.nan]], "NaN in the features"),
        ([[0.0, 0.0]], "all 0"),
    ],
)
def test_what_are_no_probabilities_is_refused(bad, words):
    with pytest.raises(SettingError, match=words):
        as_probabilities(bad)


def test_shares_of_other_classes_are_refused():
    with pytest.raises(SettingError, match="3 numbers"):
        em_shares([[0.2, 0.3, 0.5]], [0.5, 0.5])


def test_a_large_survey_is_quick():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(50, 0.1), size=20_000)
    assert em_shares(p, np.full(50, 0.02), tolerance=1e-6).sum() == pytest.approx(1)
