"""Brightness is the mean of the channels, whatever they are."""

import numpy as np
import pytest

from berlese.photos.brightness import brightness


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("bands", [1, 3])
def test_brightness_is_the_mean_over_the_channels(dtype, bands):
    picture = np.random.default_rng(0).integers(0, 250, (7, 9, bands)).astype(dtype)
    picture[0, 0] = np.iinfo(np.uint16).max if dtype == np.uint16 else 255
    found = brightness(picture)
    assert found.dtype == np.float32
    assert found.shape == (7, 9)
    np.testing.assert_allclose(found, picture.astype(float).mean(axis=2), rtol=1e-6)


def test_a_grey_picture_is_its_own_brightness():
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4)
    np.testing.assert_array_equal(brightness(grey), grey)
