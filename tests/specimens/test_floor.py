"""The ground is what the photo would be without animals."""

import cv2
import numpy as np
import pytest

from berlese.specimens.floor import contrast_of, ground_of, overview_side, stretched


def sloped(height=300, width=400, low=120, high=200):
    row = np.linspace(low, high, width)
    return np.repeat(np.tile(row, (height, 1))[..., None], 3, axis=2).astype(np.uint8)


def test_the_ground_follows_uneven_light_below_animals():
    clean = sloped()
    image = clean.copy()
    cv2.ellipse(image, (200, 150), (30, 15), 20, 0, 360, (20, 20, 20), -1)
    cv2.ellipse(image, (90, 60), (30, 15), 20, 0, 360, (250, 250, 250), -1)
    away = np.abs(ground_of(image).astype(int) - clean)
    assert np.percentile(away, 99) <= 6


def test_an_animal_that_covers_a_twentieth_of_the_photo_does_not_become_ground():
    image = sloped(low=180, high=190)
    cv2.ellipse(image, (200, 150), (70, 30), 0, 0, 360, (40, 30, 30), -1)
    assert ground_of(image)[150, 200].mean() > 170


@pytest.mark.parametrize(
    ("size", "side"),
    [((600, 400), 1024), ((2000, 1500), 1024), ((3000, 4000), 1600), ((31_600, 9_000), 2048)],
)
def test_large_photos_have_a_larger_copy(size, side):
    assert overview_side(*size) == side


def test_clouds_are_followed_as_far_on_the_copy_of_a_large_photo():
    across = np.arange(1500)
    row = 150 + 25 * np.sin(2 * np.pi * across / 60)  # 300 pixels of a photo of 7,500 a cloud
    clean = np.repeat(np.tile(row, (300, 1))[..., None], 3, axis=2).astype(np.uint8)
    image = clean.copy()
    cv2.ellipse(image, (700, 150), (9, 4), 20, 0, 360, (20, 20, 20), -1)
    near = np.abs(ground_of(image, 0.2).astype(int) - clean)[20:-20, 60:-60]
    far = np.abs(ground_of(image).astype(int) - clean)[20:-20, 60:-60]
    assert np.percentile(near, 95) <= 8
    assert np.percentile(far, 95) > 15  # as if a cloud were an animal's size


def test_rows_of_the_ground_are_those_of_the_whole():
    ground = stretched(ground_of(sloped()), 1600, 1200)
    whole = ground.rows(0, 1200)
    assert whole.shape == (1200, 1600, 3)
    np.testing.assert_array_equal(ground.rows(333, 460), whole[333:460])
    np.testing.assert_array_equal(
        ground.strip(320, 460).crop(slice(13, 140), slice(50, 90)), whole[333:460, 50:90]
    )


@pytest.mark.parametrize(
    ("polarity", "dark", "light"), [("auto", 40, 30), ("dark", 40, 0), ("light", 0, 30)]
)
def test_contrast_counts_grey_levels_in_the_direction_asked(polarity, dark, light):
    ground = np.full((2, 2, 3), 100, np.uint8)
    pixels = ground.copy()
    pixels[0, 0], pixels[1, 1] = 60, 130
    contrast = contrast_of(pixels, ground, polarity)
    assert (contrast[0, 0], contrast[1, 1], contrast[0, 1]) == (dark, light, 0)


def test_yellow_on_white_counts_by_its_blue():
    ground = np.full((1, 1, 3), 240, np.uint8)
    yellow = np.array([[[236, 226, 160]]], np.uint8)
    assert contrast_of(yellow, ground)[0, 0] > 40
