"""Noisy photos seen as smooth ones."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.matching import match_boxes
from berlese.specimens.noise import MOST_RADIUS, Smoothed, noise_of, radius_for
from berlese.specimens.segment import Pixels, segment


def noisy(pixels, deviation, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


@settings(max_examples=20, deadline=None)
@given(deviation=st.floats(1.5, 25), level=st.integers(110, 140), seed=st.integers(0, 99))
def test_the_deviation_of_gaussian_noise_is_told(deviation, level, seed):
    sheet = np.full((128, 500, 3), level, np.uint8)
    assert noise_of(noisy(sheet, deviation, seed)) == pytest.approx(deviation, rel=0.06)


def test_animals_are_no_noise():
    rng = np.random.default_rng(2)
    sheet = np.full((128, 1200, 3), 220, np.uint8)
    for across in range(20, 1200, 60):
        cv2.ellipse(
            sheet, (across, 64), (22, 50), float(rng.uniform(0, 20)), 0, 360, (40, 30, 20), -1
        )
    assert noise_of(noisy(sheet, 2)) == pytest.approx(2, rel=0.1)


def test_clipped_and_tiny_pictures_have_no_noise():
    assert noise_of(np.full((128, 400, 3), 255, np.uint8)) == 0
    assert noise_of(np.zeros((128, 400, 3), np.uint8)) == 0
    assert noise_of(np.full((2, 400, 3), 90, np.uint8)) == 0


def test_the_more_noise_the_wider_the_gaussian():
    radii = [radius_for(each) for each in np.linspace(0, 30, 200)]
    assert radii == sorted(radii)
    assert radii[0] == 0
    assert radii[-1] == MOST_RADIUS


def test_a_quiet_photo_passes_unchanged():
    pixels = noisy(simulate_plate(3, size_px=400).pixels, 0.0)
    bands = list(Smoothed(Pixels(pixels)).bands(128))
    np.testing.assert_array_equal(np.concatenate(bands), pixels)
    assert Smoothed(Pixels(pixels)).shrunk(50).shape == (50, 50, 3)


def test_a_loud_photo_is_smoothed_as_by_one_gaussian_over_all_of_it():
    pixels = noisy(np.full((700, 300, 3), 128, np.uint8), 20)
    before = pixels.copy()
    smooth = np.concatenate(list(Smoothed(Pixels(pixels)).bands(256)))
    whole = cv2.GaussianBlur(pixels, (9, 9), MOST_RADIUS, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_array_equal(smooth, whole)
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("height", [513, 640, 700])
def test_bands_of_any_height_are_smoothed_alike(height):
    rng = np.random.default_rng(1)
    rising = np.arange(height)[:, None, None] / 40  # little noise above, much below
    pixels = np.clip(120 + rising * rng.normal(0, 1, (height, 260, 3)), 0, 255).astype(np.uint8)
    one, other = (np.concatenate(list(Smoothed(Pixels(pixels)).bands(n))) for n in (128, 512))
    np.testing.assert_array_equal(one, other)
    assert (one != pixels).any()
    assert (one[:64] == pixels[:64]).all()


@pytest.mark.parametrize(("seed", "ground"), [(41, "ethanol"), (43, "dark")])
def test_animals_are_found_in_much_noise(seed, ground):
    kind = PlateKind(ground=ground, length_px=(40, 90), animals=24, clumped=0.0)
    photo = simulate_plate(seed, kind, size_px=800)
    truth = [each.box for each in photo.specimens]
    met = [
        len(match_boxes([each.box for each in segment(pixels)], truth))
        for pixels in (photo.pixels, noisy(photo.pixels, 15))
    ]
    assert met[1] >= 0.8 * met[0] > 0
