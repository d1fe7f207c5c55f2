"""Photos with dark corners, shadows or light from one side seen as if lit evenly."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.floor import ground_of
from berlese.specimens.light import Evened, evened, uneven_light
from berlese.specimens.matching import match_boxes
from berlese.specimens.segment import Pixels, segment

SIDE = 400


def sheet(light, colour=(220, 210, 200), animal=(60, 50, 40)):
    """A sheet with animals, of which each pixel gets a share of the light."""
    pixels = np.full((SIDE, SIDE, 3), colour, float)
    for x in range(40, SIDE, 80):
        pixels[190:200, x - 15 : x + 15] = animal
    return np.rint(pixels * np.broadcast_to(light, (SIDE, SIDE))[..., None]).astype(np.uint8)


def from_one_side(low=0.4):
    return np.linspace(low, 1.0, SIDE)[None]


def shaded(low=0.5):
    """A shadow with a sharp edge on the left half."""
    return np.where(np.arange(SIDE) < SIDE / 2, low, 1.0)[None]


def seen(pixels):
    light = uneven_light(pixels, ground_of(pixels))
    return None if light is None else evened(pixels, light, int(light.max()))


@pytest.mark.parametrize("low", [1.0, 0.8])
def test_a_sheet_that_is_lit_nearly_evenly_is_left_as_it_is(low):
    assert seen(sheet(from_one_side(low))) is None


def dish_on_a_table(light):
    """A round sheet with animals, and the pixels that are inside."""
    across, down = np.meshgrid(np.arange(SIDE) - SIDE / 2, np.arange(SIDE) - SIDE / 2)
    inside = np.hypot(across, down) < 0.45 * SIDE
    return np.where(inside[..., None], sheet(light), np.uint8(60)), inside


def test_a_dark_table_around_a_dish_is_no_lack_of_light():
    pixels, inside = dish_on_a_table(1.0)
    assert uneven_light(pixels, ground_of(pixels), inside) is None


def test_in_a_dish_the_light_is_that_of_the_dish_up_to_its_rim():
    pixels, inside = dish_on_a_table(from_one_side())
    alone = sheet(from_one_side())
    levels = uneven_light(pixels, ground_of(pixels), inside)
    assert (levels[~inside] == levels.max()).all()
    off = np.abs(levels[inside].astype(int) - uneven_light(alone, ground_of(alone))[inside])
    assert np.percentile(off, 99) <= 12


def test_a_dark_ground_tells_nothing_of_the_light():
    assert seen(sheet(from_one_side(), (60, 60, 60), (200, 190, 180))) is None


def test_light_from_one_side_becomes_even_and_colours_stay():
    result = seen(sheet(from_one_side())).astype(float)
    ground, animals = result[20:380:40, 20:380], result[195, 45:370:80]
    # full light is that of the brightest tenth, which lies from .94 to 1
    share = np.clip(np.linspace(0.4, 1.0, SIDE)[20:380] / 0.94, 1.0, None)[None, :, None]
    np.testing.assert_allclose(
        ground / share, np.broadcast_to([207, 197, 188], ground.shape), atol=4
    )
    np.testing.assert_allclose(animals, np.broadcast_to([56, 47, 38], animals.shape), atol=4)


def test_the_edge_of_a_shadow_goes_with_the_shadow():
    pixels = sheet(shaded())
    pixels[180:210] = pixels[0]
    result = seen(pixels).astype(int)
    assert np.abs(result - result[0, -1]).max() <= 2


def test_faint_animals_do_not_pass_for_a_lack_of_light():
    pixels = sheet(from_one_side(), animal=(200, 190, 180))
    result = seen(pixels).astype(int)
    ground, animals = result[100, 45:370:80], result[195, 45:370:80]
    assert (ground - animals >= 17).all()  # 20 at 220, and less at .94 of it


def test_no_more_than_three_times_the_light_is_added():
    pixels = sheet(shaded(0.1))
    result = seen(pixels)
    np.testing.assert_allclose(result[20, 20], 3 * pixels[20, 20].astype(int), atol=3)


@settings(max_examples=30, deadline=None)
@given(
    low=st.floats(0.05, 1.0),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    animal=st.tuples(*[st.integers(0, 255)] * 3),
    edge=st.booleans(),
)
def test_nothing_becomes_darker_and_the_photo_is_not_written_to(low, colour, animal, edge):
    pixels = sheet(shaded(low) if edge else from_one_side(low), colour, animal)
    before = pixels.copy()
    result = seen(pixels)
    if result is not None:
        assert (result >= pixels).all()
        assert (result <= np.minimum(3.1 * pixels + 1, 255)).all()
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("rows", [32, 128, 512])
def test_a_photo_in_bands_is_evened_as_a_whole_one(rows):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (300, 210, 3), dtype=np.uint8)
    slope = np.linspace(80, 160, 30)[:, None, None] + np.linspace(0, 60, 21)[None, :, None]
    levels = np.repeat(slope.astype(np.uint8), 3, axis=2)
    photo = Evened(Pixels(pixels), levels)
    whole = np.concatenate(list(photo.bands(1024)))
    np.testing.assert_array_equal(np.concatenate(list(photo.bands(rows))), whole)
    stretched = cv2.resize(levels, (210, 300), interpolation=cv2.INTER_LINEAR).astype(float)
    expected = np.minimum(pixels * (int(levels.max()) / stretched), 255)
    assert np.abs(whole - expected).max() <= 5  # the levels are whole numbers


def test_the_shrunk_copy_is_evened_like_the_photo():
    pixels = sheet(from_one_side())
    light = uneven_light(pixels, ground_of(pixels))
    photo = Evened(Pixels(pixels), light)
    small = cv2.resize(next(photo.bands(SIDE)), (100, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(photo.shrunk(100).astype(int) - small)[:40].max() <= 3


@pytest.mark.parametrize("light", ["from one side", "half in shade"])
def test_animals_are_found_where_little_light_falls(light):
    kind = PlateKind(ground="white", length_px=(50, 120), animals=26, clumped=0.0, grains=20)
    met = np.zeros(2, int)
    for seed in (51, 52):
        photo = simulate_plate(seed, kind, size_px=1100)
        truth = [each.box for each in photo.specimens]
        across = np.arange(1100) / 1100
        falls = {
            "from one side": 0.3 + 0.7 * across,
            "half in shade": np.where(across < 0.5, 0.4, 1.0),
        }[light]
        dimmed = np.rint(photo.pixels * falls[None, :, None]).astype(np.uint8)
        for number, pixels in enumerate((photo.pixels, dimmed)):
            met[number] += len(match_boxes([each.box for each in segment(pixels)], truth))
    assert met[1] >= 0.9 * met[0] > 0
