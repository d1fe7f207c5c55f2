"""Spiders, harvestmen, ants and flies."""

import cv2
import numpy as np
import pytest

from berlese.simulate.jointed import JOINTED_TAXA, draw_leg, simulate_jointed_animal

BROWN = np.array([110.0, 80.0, 50.0])


@pytest.mark.parametrize("taxon", JOINTED_TAXA)
def test_an_animal_fills_its_frame_and_is_the_same_for_the_same_seed(taxon):
    first, again = (
        simulate_jointed_animal(taxon, 60, BROWN, np.random.default_rng(4)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.alpha, again.alpha)
    assert first.alpha.min() >= 0
    assert first.alpha.max() <= 1
    assert first.colour.shape == (*first.alpha.shape, 3)
    seen = first.alpha > 0.02
    assert seen[0].any()
    assert seen[-1].any()
    assert seen[:, 0].any()
    assert seen[:, -1].any()


@pytest.mark.parametrize("taxon", JOINTED_TAXA)
def test_the_body_has_the_length_asked_for(taxon):
    lengths = []
    for seed in range(12):
        animal = simulate_jointed_animal(taxon, 80, BROWN, np.random.default_rng(seed))
        body = cv2.morphologyEx(
            (animal.alpha > 0.5).astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)
        )
        lengths.append(max(cv2.minAreaRect(np.argwhere(body)[:, ::-1].astype(np.float32))[1]))
    assert np.median(lengths) == pytest.approx(80, rel=0.2)


def test_legs_of_a_harvestman_reach_far_beyond_its_body():
    spans = [
        max(
            simulate_jointed_animal("Opiliones", 50, BROWN, np.random.default_rng(seed)).alpha.shape
        )
        for seed in range(10)
    ]
    assert min(spans) > 1.3 * 50
    assert max(spans) > 3 * 50


def test_the_ground_is_seen_through_the_wings_of_a_fly():
    clear = [
        (lambda alpha: ((alpha > 0.1) & (alpha < 0.5)).mean())(
            simulate_jointed_animal("Diptera", 80, BROWN, np.random.default_rng(seed)).alpha
        )
        for seed in range(8)
    ]
    assert np.mean(clear) > 0.08


def test_a_straight_leg_is_as_long_as_asked_for_and_gets_thinner():
    sheet = np.zeros((60, 240), np.uint8)
    draw_leg(sheet, np.array([20.0, 30.0]), 0.0, np.zeros(4), 200.0, 12.0)
    columns = np.flatnonzero(sheet.any(axis=0))
    assert columns[-1] - columns[0] == pytest.approx(200, abs=14)
    thick = (sheet > 127).sum(axis=0)
    assert thick[40] > thick[150] > thick[210] > 0
