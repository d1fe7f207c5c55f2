"""Light tells a hand before the lens from defocus, flicker and drift."""

import numpy as np
import pytest

from berlese.photos.slice_light import covered, light_of
from berlese.simulate.focus import FocusDrive
from tests.photos.scenes import stack
from tests.photos.test_stack import with_a_hand

STRONG = FocusDrive(slices=8, blur_px=24.0, breathing=0.003, drift_px=2.0, flicker=0.1, noise=3.0)


@pytest.mark.parametrize("seed", range(4))
def test_strong_blur_drift_and_flicker_cover_nothing(seed):
    slices = stack(seed, STRONG).slices
    assert covered([light_of(each) for each in slices]) == {}


@pytest.mark.parametrize("number", [0, 3, 7])
def test_a_hand_and_a_failed_lamp_are_told_apart(number):
    slices = stack(1, STRONG).slices
    slices[number] = with_a_hand(slices[number])
    other = (number + 2) % 8
    slices[other] = (slices[other] * 0.2).astype(np.uint8)
    found = covered([light_of(each) for each in slices])
    assert set(found) == {number, other}
    assert "hand" in found[number]
    assert "dark" in found[other]


def test_three_slices_are_too_few_to_say():
    slices = stack(1, STRONG).slices[:3]
    slices[1] = np.zeros_like(slices[1])
    assert covered([light_of(each) for each in slices]) == {}


def test_light_is_the_mean_of_a_cell():
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[:2, :2] = (10, 20, 30)
    light = light_of(pixels)
    assert light.shape == (12, 12, 3)
    np.testing.assert_allclose(light[0, 0], (10, 20, 30))
    assert not light[1:].any()
