"""Sharpness falls with blur and does not care for brightness or contrast."""

import cv2
import numpy as np
import pytest

from berlese.photos.quality import sharpness
from berlese.photos.reading import open_photo
from tests.photos.files import picture


def test_more_blur_is_less_sharp():
    image = picture(128, 160)
    values = [sharpness(image)]
    values += [sharpness(cv2.GaussianBlur(image, (0, 0), sigma)) for sigma in (1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] - values[-1] > 0.3
    assert all(0 <= value <= 1 for value in values)


def test_contrast_and_brightness_do_not_matter():
    image = picture(128, 160)
    dim = (image // 4 + 100).astype(np.uint8)
    assert sharpness(dim) == pytest.approx(sharpness(image), abs=0.03)


@pytest.mark.parametrize("shape", [(20, 20, 3), (20, 20), (2, 50, 3), (1, 1)])
def test_a_picture_without_edges_is_not_sharp(shape):
    assert sharpness(np.full(shape, 90, np.uint8)) == 0.0


def test_motion_in_one_direction_is_blur():
    image = picture(128, 160)
    for kernel in ((1, 15), (15, 1)):
        assert sharpness(cv2.blur(image, kernel)) < sharpness(image) - 0.2


def test_real_photos_lose_sharpness_when_blurred(shared_data):
    for path in sorted((shared_data / "bulk").glob("*.jpg")):
        image = open_photo(path).shrunk(800)
        assert sharpness(cv2.GaussianBlur(image, (0, 0), 3)) < sharpness(image) - 0.1, path
