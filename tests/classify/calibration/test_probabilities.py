"""Calibration: known temperatures and biases found again, errors worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import check_grad
from scipy.special import logit, softmax
from sklearn.linear_model import LogisticRegression

from berlese.classify.calibration.probabilities import (
    BiasCorrectedTemperature,
    _objective,
    calibration_error,
    expected_calibration_error,
    reliability,
)
from berlese.errors import SettingError


def drawn(n, n_classes=4, *, temperature=2.5, bias=(0.8, -0.4, 0.1, -0.5), seed=0):
    """What a model says, and truths that follow its words at another temperature and bias."""
    rng = np.random.default_rng(seed)
    said = softmax(rng.normal(scale=3, size=(n, n_classes)), axis=1)
    true = softmax(np.log(said) / temperature + np.asarray(bias), axis=1)
    codes = (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return said, codes, true


def test_finds_a_known_temperature_and_bias():
    said, codes, true = drawn(20_000)
    fitted = BiasCorrectedTemperature(ridge=0.0).fit(said, codes)
    assert fitted.temperature_ == pytest.approx(2.5, rel=0.05)
    np.testing.assert_allclose(fitted.bias_, [0.8, -0.4, 0.1, -0.5], atol=0.08)
    np.testing.assert_allclose(fitted(said), true, atol=0.03)


def test_two_classes_are_logistic_regression_on_the_logit():
    said, codes, _ = drawn(4000, 2, bias=(0.7, -0.7), seed=3)
    ours = BiasCorrectedTemperature(ridge=0.0).fit(said, codes)
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(said[:, 1:]), codes)
    assert 1 / ours.temperature_ == pytest.approx(theirs.coef_[0, 0], abs=2e-3)
    assert ours.bias_[1] - ours.bias_[0] == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_the_gradient_is_that_of_the_loss():
    said, codes, _ = drawn(50)
    weight = np.full(50, 1 / 50)
    at = np.array([0.7, 0.3, -0.2, 0.5, 0.1])
    wrong = check_grad(
        lambda v: _objective(v, np.log(said), codes, weight, 0.02, 2.0, 0.3)[0],
        lambda v: _objective(v, np.log(said), codes, weight, 0.02, 2.0, 0.3)[1],
        at,
    )
    assert wrong < 1e-6


def test_few_specimens_leave_the_slope_near_the_expected_one_and_many_do_not():
    said, codes, _ = drawn(4000, seed=5)  # see `drawn` for the true temperature
    known = BiasCorrectedTemperature().fit(said, codes).temperature_
    few, many = (
        BiasCorrectedTemperature(slope=4.0, weight=50.0).fit(said[:n], codes[:n]).temperature_
        for n in (10, 4000)
    )
    assert few < 0.5
    assert many == pytest.approx(known, rel=0.15)


def test_weights_count_rows():
    said, codes, _ = drawn(60)
    twice = np.repeat([1, 2], 30)
    weighted = BiasCorrectedTemperature().fit(said, codes, sample_weight=twice)
    repeated = BiasCorrectedTemperature().fit(np.repeat(said, twice, axis=0), codes.repeat(twice))
    # only the weight of the term on the temperature differs: 1/60 against 1/90
    np.testing.assert_allclose(weighted(said), repeated(said), atol=0.01)


def test_a_class_without_specimens_becomes_rarer_and_stays_finite():
    said, codes, _ = drawn(400, bias=(0, 0, 0, 0))
    known = codes != 3
    fitted = BiasCorrectedTemperature().fit(said[known], codes[known])
    corrected = fitted(said[known])
    assert np.isfinite(fitted.bias_).all()
    assert 0 < corrected[:, 3].mean() < said[known, 3].mean()


@pytest.mark.parametrize("n", [1, 2, 30])
def test_names_that_are_all_right_leave_a_finite_temperature(n):
    said = np.tile([0.98, 0.01, 0.01], (n, 1))
    fitted = BiasCorrectedTemperature().fit(said, np.zeros(n, int))
    assert 0.01 <= fitted.temperature_ <= 1.0
    assert np.isfinite(fitted(said)).all()


def test_zeros_are_probabilities_too():
    said = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    corrected = BiasCorrectedTemperature().fit(said, [0, 1, 1])(said)
    assert np.isfinite(corrected).all()
    assert corrected[0, 0] < 1


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (12, 3), elements=st.floats(0, 1)), st.integers(0, 2**16))
def test_whatever_comes_in_probabilities_go_out(said, seed):
    codes = np.random.default_rng(seed).integers(0, 3, 12)
    corrected = BiasCorrectedTemperature().fit(said, codes)(said)
    assert (corrected >= 0).all()
    np.testing.assert_allclose(corrected.sum(axis=1), 1)


def test_saved_numbers_correct_the_same():
    said, codes, _ = drawn(80)
    fitted = BiasCorrectedTemperature().fit(said, codes)
    again = BiasCorrectedTemperature.of(fitted.temperature_, fitted.bias_)
    np.testing.assert_array_equal(again(said), fitted(said))


@pytest.mark.parametrize(
    ("said", "codes", "words"),
    [
        (np.zeros((0, 3)), [], "at least one specimen"),
        ([[0.5, np.nan]], [0], "NaN"),
        ([[0.5, 0.5]], [2], "columns 0 to 1"),
        ([[0.5, 0.5]], [0.0], "integers"),
        ([0.5, 0.5], [0, 1], "shape"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(said, codes, words):
    with pytest.raises(SettingError, match=words):
        BiasCorrectedTemperature().fit(said, np.asarray(codes))


def test_another_number_of_classes_is_refused():
    fitted = BiasCorrectedTemperature().fit([[0.5, 0.5]], [0])
    with pytest.raises(SettingError, match="3 classes"):
        fitted([[0.2, 0.3, 0.5]])


def test_the_error_by_hand():
    said = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.4, 0.6]]
    codes = np.array([0, 0, 1, 1, 0])
    # ten bins: (.8, .9] holds three, two right; (.6, .7] one, right; (.5, .6] one, wrong
    by_hand = (3 * (0.9 - 2 / 3) + (1 - 0.7) + 0.6) / 5
    assert expected_calibration_error(said, codes, n_bins=10) == pytest.approx(by_hand)
    table = reliability(said, codes, n_bins=10)
    assert table.n.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 3, 0]
    assert table.accuracy[8] == pytest.approx(2 / 3)
    assert np.isnan(table.accuracy[0])
    # Wilson 1927 for 2 of 3 at z = 1.644854
    assert table.low[8] == pytest.approx(0.2535, abs=5e-4)
    assert table.high[8] == pytest.approx(0.9217, abs=5e-4)


def test_right_probabilities_have_almost_no_error():
    _, codes, true = drawn(50_000)
    assert expected_calibration_error(true, codes) < 0.01


def test_the_interval_holds_the_true_error():
    # said .7 and .9, true .6 and .8: the error is .1 whatever is drawn
    rng = np.random.default_rng(5)
    kept = 0
    for seed in range(60):
        high = rng.random(300) < 0.5
        said = np.where(high, 0.9, 0.7)
        right = rng.random(300) < said - 0.1
        p = np.column_stack([said, 1 - said])
        found = calibration_error(p, (~right).astype(int), n_draws=200, random_state=seed)
        kept += found.low <= 0.1 <= found.high
    assert kept >= 48  # 54 expected of 60; fewer than 48 once in a hundred


def test_crops_of_one_photo_count_as_one():
    said, codes, _ = drawn(60)
    copies, photos = 20, np.arange(60).repeat(20)
    said, codes = said.repeat(copies, axis=0), codes.repeat(copies)
    alone = calibration_error(said, codes)
    together = calibration_error(said, codes, photos)
    assert together.value == alone.value
    assert together.high - together.low > 2 * (alone.high - alone.low)
