"""Dim and tinted photos seen as well lit ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.exposure import MOST_GAIN, Exposed, gains_of, raised
from berlese.specimens.matching import match_boxes
from berlese.specimens.segment import Pixels, segment


def sheet(colour, animal, side=300):
    """A sheet with one animal on it."""
    pixels = np.full((side, side, 3), colour, np.uint8)
    pixels[140:160, 120:180] = animal
    return pixels


def test_a_photo_that_is_lit_well_is_left_as_it_is():
    pixels = sheet((226, 224, 219), (60, 50, 40))
    assert gains_of(pixels).tolist() == [1, 1, 1]
    assert raised(pixels, gains_of(pixels)) is pixels


def test_a_tinted_sheet_becomes_a_light_grey():
    pixels = sheet((99, 132, 219), (20, 15, 12))
    seen = raised(pixels, gains_of(pixels))
    assert seen[5, 5].tolist() == pytest.approx([220, 220, 220], abs=2)


def test_pale_animals_on_a_grey_ground_keep_their_contrast():
    pixels = sheet((130, 130, 130), (205, 200, 190))
    gains = gains_of(pixels)
    seen = raised(pixels, gains)
    assert seen.max() <= 240
    assert (seen[150, 150].astype(int) - seen[5, 5] >= [75, 70, 60]).all()


def test_on_a_dark_ground_colours_stay_and_the_brightest_become_nearly_white():
    pixels = sheet((12, 12, 14), (110, 100, 80))
    gains = gains_of(pixels)
    assert gains[0] == gains[1] == gains[2]
    assert raised(pixels, gains)[150, 150].tolist() == pytest.approx([240, 218, 175], abs=1)


@given(
    ground=st.tuples(*[st.integers(0, 255)] * 3),
    animal=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_nothing_becomes_darker_and_noise_does_not_grow_without_bounds(ground, animal):
    pixels = sheet(ground, animal, side=200)
    gains = gains_of(pixels)
    assert ((gains >= 1) & (gains <= MOST_GAIN)).all()
    before = pixels.copy()
    assert (raised(pixels, gains) >= pixels).all()
    np.testing.assert_array_equal(pixels, before)


def test_a_photo_in_bands_is_raised_as_a_whole_one():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (250, 90, 3), dtype=np.uint8)
    gains = np.array([1.5, 1.2, 2.7])
    photo = Exposed(Pixels(pixels), gains)
    np.testing.assert_array_equal(np.concatenate(list(photo.bands(64))), raised(pixels, gains))
    np.testing.assert_array_equal(photo.shrunk(1000), raised(pixels, gains))
    expected = np.minimum(np.rint(pixels * gains), 255)
    np.testing.assert_array_equal(raised(pixels, gains), expected.astype(np.uint8))


@pytest.mark.parametrize("light", [(0.35, 0.35, 0.35), (0.45, 0.6, 1.0)], ids=["dim", "bluish"])
def test_animals_are_found_in_dim_and_in_coloured_light(light):
    kind = PlateKind(ground="white", length_px=(60, 140), animals=24, clumped=0.0)
    photo = simulate_plate(41, kind, size_px=1100)
    truth = [each.box for each in photo.specimens]
    met = [
        len(match_boxes([each.box for each in segment(pixels)], truth))
        for pixels in (photo.pixels, (photo.pixels * np.array(light)).astype(np.uint8))
    ]
    assert met[1] >= 0.9 * met[0] > 0
