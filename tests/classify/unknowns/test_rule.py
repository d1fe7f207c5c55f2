"""The promise of the rule, on simulated scores and features; p-values by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from berlese.classify.unknowns.likeness import Likeness
from berlese.classify.unknowns.rule import SOFTMAX, UnknownRule
from berlese.classify.unknowns.strangers import Strangers, held_out_strangers
from berlese.errors import SettingError


def rows(scores):
    """Probabilities of two classes with the given maximum."""
    scores = np.asarray(scores, float)
    return np.column_stack([scores, 1 - scores])


def animals(rng, n, taxa, dim=12):
    """Features about one centre a taxon, the same in every call, and the taxa."""
    centres = np.random.default_rng(7).normal(0, 2, size=(8, dim))
    codes = rng.choice(taxa, n)
    return centres[codes] + rng.normal(size=(n, dim)), codes


def test_p_values_by_hand():
    rule = UnknownRule.fit(rows([0.6, 0.7, 0.8, 0.9]))
    # none of four is as low as .55; one is as low as .6; all are as low as .95
    np.testing.assert_allclose(rule.p_values(rows([0.55, 0.6, 0.95])), [1 / 5, 2 / 5, 1])


def test_the_false_alarm_is_as_promised_on_average():
    rng = np.random.default_rng(0)
    alarms = []
    for _ in range(300):
        scores = 0.5 + rng.beta(5, 2, size=260) / 2
        rule = UnknownRule.fit(rows(scores[:60]))
        alarms.append(rule.is_unknown(rows(scores[60:]), rate=0.1).mean())
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.01)


def test_the_false_alarm_of_likeness_is_as_promised_on_average():
    rng = np.random.default_rng(1)
    alarms, caught = [], []
    for _ in range(30):
        X, codes = animals(rng, 120, [0, 1, 2])
        held, _ = animals(rng, 100, [0, 1, 2])
        known, _ = animals(rng, 200, [0, 1, 2])
        strange, _ = animals(rng, 100, [5, 6])
        likeness = Likeness.fit(X, codes)
        rule = UnknownRule.fit(np.full((100, 3), 1 / 3), likeness, likeness.scores(held))
        alarms.append(rule.is_unknown(np.full((200, 3), 1 / 3), known, rate=0.1).mean())
        caught.append(rule.is_unknown(np.full((100, 3), 1 / 3), strange, rate=0.1).mean())
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.02)
    assert np.mean(caught) > 0.8


def test_every_score_of_likeness_tells_strangers_better_than_chance():
    rng = np.random.default_rng(2)
    likeness = Likeness.fit(*animals(rng, 200, [0, 1, 2, 3]))
    known, strange = animals(rng, 200, [0, 1, 2, 3])[0], animals(rng, 200, [5, 6, 7])[0]
    truth = np.repeat([1, 0], 200)
    for score in likeness.scores(np.concatenate([known, strange])).T:
        assert roc_auc_score(truth, score) > 0.7


@pytest.mark.parametrize("n", [2, 5, 40])
def test_likeness_scores_whatever_few_pictures_there_are(n):
    X, _ = animals(np.random.default_rng(3), n, [0, 1])
    scores = Likeness.fit(X, np.arange(n) % 2).scores(X)
    assert scores.shape == (n, 4)
    assert np.isfinite(scores).all()


def test_likeness_does_not_depend_on_what_else_is_scored():
    rng = np.random.default_rng(4)
    likeness = Likeness.fit(*animals(rng, 60, [0, 1, 2]))
    X, _ = animals(rng, 30, [0, 1, 5])
    one_by_one = np.concatenate([likeness.scores(row[None]) for row in X])
    np.testing.assert_allclose(likeness.scores(X), one_by_one, atol=1e-9)


def test_a_rule_with_likeness_still_knows_the_highest_probability():
    rng = np.random.default_rng(5)
    X, codes = animals(rng, 60, [0, 1])
    likeness = Likeness.fit(X, codes)
    p = rows(rng.uniform(0.5, 1, 60))
    rule = UnknownRule.fit(p, likeness, likeness.scores(X))
    plain = UnknownRule.fit(p)
    np.testing.assert_array_equal(rule.p_values(p, X, SOFTMAX), plain.p_values(p))
    with pytest.raises(SettingError, match="needs features"):
        rule.p_values(p)


def test_reviewed_strangers_are_told_from_known_animals():
    rng = np.random.default_rng(6)
    X, codes = animals(rng, 60, [0, 1, 2, 5, 6, 7])
    names, known = codes.astype(str), codes < 3
    others, _ = animals(rng, 300, [0, 1, 2, 5, 6, 7])
    strangers = Strangers.fit(X, names, known, others)
    new, truth = animals(rng, 300, [0, 1, 2, 5, 6, 7])
    assert roc_auc_score(truth < 3, strangers.scores(new)[:, 0]) > 0.95
    assert np.isclose(strangers.spread.min(), 0, atol=0.2)
    assert np.isclose(strangers.spread.max(), 1, atol=0.2)


def test_the_names_of_a_photo_do_not_score_its_own_animals():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(60, 12))  # noise: only a leak could tell known from unknown
    known = np.arange(60) % 2 == 0
    scored, scores = held_out_strangers(
        X, np.where(known, "Carabidae", ""), known, np.arange(60) // 2, None, random_state=0
    )
    assert sorted(scored) == list(np.flatnonzero(known))
    assert 0.3 < scores.mean() < 0.7


def test_too_few_calibration_specimens_call_nothing_unknown():
    rule = UnknownRule.fit(rows([0.9] * 10))
    assert rule.smallest_rate() == pytest.approx(1 / 11)
    assert not rule.is_unknown(rows([0.5]), rate=0.05).any()


def test_no_calibration_at_all_calls_nothing_unknown():
    rule = UnknownRule.fit(np.zeros((0, 2)))
    assert not rule.is_unknown(rows([0.5]), rate=0.4).any()


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(SettingError, match="rate of unknowns"):
        UnknownRule.fit(rows([0.9])).is_unknown(rows([0.5]), rate=rate)
