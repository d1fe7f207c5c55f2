"""Lines that no pixel of stands out by itself are seen; noise, slopes and edges are not."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.specimens.bands import BLOCK, Sweep
from berlese.specimens.floor import stretched
from berlese.specimens.lines import REACH, lines_in
from berlese.specimens.segment import Pixels


def noisy(contrast, seed=0, deviation=1.0):
    noise = np.random.default_rng(seed).normal(0, deviation, contrast.shape)
    return cv2.GaussianBlur(
        np.clip(np.rint(np.abs(contrast + noise)), 0, 255).astype(np.uint8), (3, 3), 0
    )


def whole(contrast):
    return lines_in(contrast, slice(0, len(contrast)), BLOCK)


def drawn(angle, width, level, side=256):
    """A line through the middle, as contrast and as the pixels that are its own."""
    turn = np.deg2rad(angle)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    away = np.abs(y * np.cos(turn) - x * np.sin(turn))
    along = np.abs(y * np.sin(turn) + x * np.cos(turn))
    own = np.clip(width / 2 + 0.5 - away, 0, 1) * (along < 100)
    return level * own, own > 0.99, away


@settings(max_examples=30, deadline=None)
@given(angle=st.floats(0, 180), width=st.floats(2.5, 7), seed=st.integers(0, 99))
def test_a_line_of_any_angle_is_seen_below_the_threshold_of_a_pixel(angle, width, seed):
    contrast, own, away = drawn(angle, width, 6)
    seen = whole(noisy(contrast, seed))
    assert seen[own].mean() > 0.75
    assert not seen[away > width / 2 + 5].any()


@pytest.mark.parametrize("deviation", [0, 1, 3, 8])
def test_noise_makes_no_lines(deviation):
    seen = whole(noisy(np.zeros((512, 900)), 3, deviation))
    assert seen.mean() < 2e-5


def test_slopes_edges_and_what_is_wide_are_no_lines():
    y, x = np.mgrid[:256, :256].astype(float)
    assert not whole(noisy(x / 10)).any()  # a cloud in the liquid
    step = whole(noisy(np.where(x < 128, 0, 60.0)))
    assert not step[:, :126].any()  # the foot of an animal
    assert not step[:, 150:].any()  # its middle; near its edge it is seen anyway
    assert not whole(noisy(8 * np.exp(-(np.hypot(x - 128, y - 128) ** 2) / (2 * 30**2)))).any()


def test_a_shade_of_two_grey_levels_is_none_and_one_of_five_is():
    faint, _, _ = drawn(30, 4, 2)
    assert not whole(faint.astype(np.uint8)).any()
    plain, own, _ = drawn(30, 4, 5)
    assert whole(plain.astype(np.uint8))[own].mean() > 0.9


@pytest.mark.parametrize("slope", [0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("side", [256, 301])
def test_a_shade_that_ends_at_the_edge_of_the_photo_is_no_line(slope, side):
    rising = np.clip(np.arange(side) - (side - 30), 0, 30) * slope
    for turn in range(4):
        seen = whole(noisy(np.rot90(np.tile(rising, (side, 1)), turn)))
        assert seen.mean() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 3), (4, 4), (131, 5)])
def test_photos_of_any_size_are_looked_at(shape):
    assert whole(np.full(shape, 200, np.uint8)).shape == shape


@settings(max_examples=25, deadline=None)
@given(height=st.integers(100, 600), width=st.integers(9, 150), seed=st.integers(0, 99))
def test_bands_of_any_height_show_the_same_lines(height, width, seed):
    image = np.full((height, width, 3), 180, np.uint8)
    rng = np.random.default_rng(seed)
    for _ in range(12):
        ends = rng.integers(0, [width, height], (2, 2)).tolist()
        level = int(rng.choice([60, 160, 171, 174]))
        cv2.line(image, *ends, (level,) * 3, int(rng.integers(1, 5)))
    for seam in range(BLOCK, height, BLOCK):  # edges as far away as anything reaches
        cv2.rectangle(image, (0, seam + REACH - 4), (width, seam + REACH + 9), (60,) * 3, -1)
    image = np.clip(image + rng.normal(0, 1, image.shape), 0, 255).astype(np.uint8)
    photo = Pixels(image)
    ground = stretched(np.full((20, 20, 3), 180, np.uint8), width, height)
    few, all_at_once = (
        {(each.left, each.top): each for each in Sweep(photo, ground, 16, rows=rows).things()}
        for rows in (BLOCK, 5 * BLOCK)
    )
    assert few.keys() == all_at_once.keys()
    for place, thing in few.items():
        np.testing.assert_array_equal(thing.mask, all_at_once[place].mask)
        np.testing.assert_array_equal(thing.contrast, all_at_once[place].contrast)


def things_with(legs):
    """Things on a photo of a body with two legs, of which the ends differ so much from ground."""
    rng = np.random.default_rng(1)
    image = np.full((500, 500, 3), 180.0)
    for away in np.array([[-140, -120], [140, -100]]):
        steps = np.linspace(0, 1, 12)
        places = (250 + np.outer(steps, away)).astype(int).tolist()
        for one, other, share in zip(places, places[1:], steps, strict=False):
            level = 180 - max(legs, 60 * (1 - 2.2 * share))  # from dark to faint, as legs taper
            cv2.line(image, one, other, (level,) * 3, 3)
    cv2.ellipse(image, (250, 250), (40, 22), 20, 0, 360, (70, 60, 50), -1)
    image = np.clip(image + rng.normal(0, 1.2, image.shape), 0, 255).astype(np.uint8)
    ground = stretched(np.full((20, 20, 3), 180, np.uint8), 500, 500)
    return list(Sweep(Pixels(image), ground, 16).things())


def test_legs_fainter_than_the_threshold_are_part_of_their_animal():
    (animal,) = things_with(legs=7)
    assert animal.low > 7
    assert animal.mask.shape[1] > 270  # both legs, end to end
    (body,) = things_with(legs=0)
    assert body.mask.shape[1] < 160
