"""A survey against a library, on simulated features: the promise, what it finds, and its limits."""

import numpy as np
import pytest

from berlese.classify.unknowns.contrast import FEWEST, DomainCheck, Known, contrast

DIM = 16
CENTRES = np.random.default_rng(3).normal(0, 1.5, size=(6, DIM))


def drawn(rng, n, taxa, shift=0.0):
    """Features about the centre of a taxon, the taxon, and a likeness that is a weak hint."""
    codes = rng.choice(taxa, n)
    X = np.abs(CENTRES[codes] + rng.normal(size=(n, DIM)) + shift)
    likeness = rng.normal(size=n) - 0.5 * (codes > 2)
    return X, codes, likeness


def seen_together(rng, survey, n=300):
    """A library of taxa 0 to 2 against a survey."""
    X, codes, likeness = drawn(rng, n, [0, 1, 2])
    known = Known(X.astype(np.float32), _ranks(likeness, likeness), codes, np.arange(n))
    there, taxa, hint = survey
    return contrast(known, there, _ranks(hint, likeness), np.minimum(taxa, 2))


def _ranks(values, calibration):
    return np.searchsorted(np.sort(calibration), values, side="right") / len(calibration)


def test_strangers_in_numbers_are_found_and_the_rate_is_kept():
    alarms, caught = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        survey = drawn(rng, 300, [0, 1, 2, 4, 5])
        found = seen_together(rng, survey)
        assert found.check.same, found.check
        strange = survey[1] > 2
        alarms.append((found.p_values[~strange] <= 0.05).mean())
        caught.append((found.p_values[strange] <= 0.05).mean())
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.025)
    assert np.mean(caught) > 0.35  # likeness alone finds normal.cdf(-1.645 + .5) = .13 of them


def test_moved_shares_of_taxa_are_no_other_domain():
    alarms = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found = seen_together(rng, drawn(rng, 300, [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]))
        assert found.check.same, found.check
        alarms.append((found.p_values <= 0.05).mean())
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.03)


def test_another_camera_gets_no_promise():
    rng = np.random.default_rng(0)
    found = seen_together(rng, drawn(rng, 300, [0, 1, 2], shift=1.5))
    assert found.p_values is None
    assert not found.check.same
    assert "no rate of unknowns" in found.check.in_words("library")
    assert found.check.asks_for_review


def test_few_animals_tell_nothing():
    rng = np.random.default_rng(0)
    found = seen_together(rng, drawn(rng, FEWEST - 1, [0, 1, 2]))
    assert found.p_values is None
    assert found.check == DomainCheck(FEWEST - 1, None)
    assert "too few" in found.check.in_words("library")
    assert not found.check.asks_for_review


def test_too_few_that_look_like_the_library_give_no_figure():
    rng = np.random.default_rng(0)
    X, codes, likeness = drawn(rng, 300, [3, 4, 5])
    found = seen_together(rng, (X, codes, np.where(np.arange(300) < 14, likeness + 9, -9)))
    assert found.p_values is None
    assert found.check == DomainCheck(300, None, alike=14)
    assert not found.check.same
    words = found.check.in_words("library")
    assert "only 14 of 300 animals look like those of the library" in words
    assert "AUROC" not in words
    assert found.check.asks_for_review


def test_the_same_survey_gives_the_same_p_values():
    found = [
        seen_together(np.random.default_rng(1), drawn(np.random.default_rng(2), 120, [0, 1, 5]))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(found[0].p_values, found[1].p_values)


def test_a_slight_difference_of_all_photos_does_not_make_strangers_of_known_animals():
    alarms, caught = [], []
    for seed in range(100, 112):
        rng = np.random.default_rng(seed)
        survey = drawn(rng, 300, [0, 1, 2, 4, 5], shift=0.4)
        found = seen_together(rng, survey)
        if found.p_values is None:
            continue  # nothing was promised
        strange = survey[1] > 2
        alarms.append((found.p_values[~strange] <= 0.05).mean())
        caught.append((found.p_values[strange] <= 0.05).mean())
    assert len(alarms) >= 5
    assert np.mean(alarms) < 0.06
    assert np.mean(caught) > 0.3
