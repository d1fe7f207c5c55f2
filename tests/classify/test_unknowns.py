"""The promise of the rule, on simulated scores; p-values by hand."""

import numpy as np
import pytest

from berlese.classify.unknowns import UnknownRule
from berlese.errors import SettingError


def rows(scores):
    """Probabilities of two classes with the given maximum."""
    scores = np.asarray(scores, float)
    return np.column_stack([scores, 1 - scores])


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
