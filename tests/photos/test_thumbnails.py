"""Small copies of pictures of any shape."""

import base64

import cv2
import numpy as np
import pytest

from berlese.photos.thumbnails import as_jpeg, fitted

SHAPES = [(1, 1), (1, 9000), (2, 9000), (9000, 1), (9000, 2), (100, 60)]


def image(shape):
    return np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_narrowest_strip_keeps_a_pixel(shape):
    small = fitted(image(shape), 50)
    assert min(small.shape[:2]) >= 1
    assert max(small.shape[:2]) == min(50, max(shape))
    assert max(fitted(image(shape), 50, enlarge=True).shape[:2]) == 50


def test_a_picture_of_the_right_size_is_itself():
    picture = image((50, 40))
    assert fitted(picture, 50) is picture
    assert fitted(picture, 80) is picture


@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_shows_the_picture(shape):
    kind, _, text = as_jpeg(fitted(image(shape), 50)).partition(",")
    assert kind == "data:image/jpeg;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == fitted(image(shape), 50).shape
