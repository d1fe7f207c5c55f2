"""Properties of drawn pictures whose light, scale and shape are known."""

import cv2
import numpy as np
import pytest

from berlese.specimens.appearance import PROPERTIES, appearance


def picture(ground=(230, 230, 230), animal=(60, 50, 40), axes=(60, 20), side=256):
    image = np.full((side, side, 3), ground, np.uint8)
    cv2.ellipse(image, (side // 2, side // 2), axes, 30, 0, 360, animal, -1, cv2.LINE_AA)
    return image


def test_scale_and_shape_are_those_that_were_drawn():
    found = appearance(picture())
    assert found.size_px == 256
    assert found.filling == pytest.approx(np.pi * 60 * 20 / 256**2, rel=0.05)
    assert found.elongation == pytest.approx(3, rel=0.05)


def test_light_and_colour_of_the_ground():
    warm, cold = appearance(picture((240, 220, 170))), appearance(picture((200, 215, 240)))
    assert warm.ground_warmth > 20 > 0 > cold.ground_warmth
    grey = appearance(picture((119, 119, 119), animal=(255, 255, 255)))
    assert grey.ground_lightness == pytest.approx(50, abs=1)  # sRGB 119 is L = 50
    assert grey.contrast == pytest.approx(-50, abs=2)
    assert grey.colourfulness == pytest.approx(0, abs=1)


def test_blurring_lowers_sharpness_alone():
    rng = np.random.default_rng(0)
    noisy = np.clip(picture() + rng.normal(0, 12, (256, 256, 1)), 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(noisy, (0, 0), 3)
    assert appearance(noisy).sharpness > appearance(blurred).sharpness + 1
    assert appearance(blurred).filling == pytest.approx(appearance(noisy).filling, abs=0.02)


def test_uneven_ground_is_told():
    image = picture()
    image[:, :128] //= 2
    assert appearance(image).ground_unevenness > 15 > 1 > appearance(picture()).ground_unevenness


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 3), np.uint8), np.full((40, 9, 3), 255, np.uint8)]
)
def test_pictures_without_an_animal_give_numbers(image):
    row = appearance(image).to_row()
    assert row.shape == (len(PROPERTIES),)
    assert np.isfinite(row).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (2, 5000), (5000, 2), (4, 3000)])
def test_the_narrowest_strip_is_measured(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    found = appearance(image)
    assert found.size_px == max(shape)
    assert np.isfinite(found.to_row()).all()
