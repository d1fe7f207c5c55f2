"""The sharpest slice is found between slices, and plain places take it from around."""

import cv2
import numpy as np

from berlese.photos.depth import DepthFinder, DepthFusion, sharpness, spread
from tests.photos.scenes import texture

SHAPE = (60, 80)
EVERYWHERE = np.ones(SHAPE, bool)


def find(places: np.ndarray, slices: int) -> np.ndarray:
    """Sharpness that falls off like a bell around the true place, ten times the noise at best."""
    finder = DepthFinder(SHAPE)
    for number in range(slices):
        finder.add((50 * np.exp(-((places - number) ** 2) / 2)).astype(np.float32), EVERYWHERE)
    return finder.result(0)


def test_a_place_between_slices_is_found_to_a_hundredth():
    places = np.full(SHAPE, 3.3, np.float32)
    places[:, 40:] = 1.75
    found = find(places, 7)
    np.testing.assert_allclose(found[:, :35], 3.3, atol=0.01)
    np.testing.assert_allclose(found[:, 45:], 1.75, atol=0.01)


def test_the_first_and_the_last_slice_can_be_the_sharpest():
    np.testing.assert_allclose(find(np.zeros(SHAPE), 5), 0, atol=0.01)
    np.testing.assert_allclose(find(np.full(SHAPE, 4.0), 5), 4, atol=0.01)


def test_blur_lowers_sharpness_and_noise_alone_has_one():
    sharp = texture(*SHAPE)[..., 0].astype(np.float32)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2)
    assert (sharpness(sharp, 8, 1.0) > 1.5 * sharpness(blurred, 8, 1.0)).all()
    noise = np.random.default_rng(0).normal(100, 2, (200, 200)).astype(np.float32)
    assert 0.9 < sharpness(noise, 8, 2.0).mean() < 1.1


def test_untrusted_places_take_the_values_around():
    values = np.full(SHAPE, 9.0, np.float32)
    trust = np.zeros(SHAPE, np.float32)
    values[:, :10], trust[:, :10] = 2, 1
    values[:, 70:], trust[:, 70:] = 4, 1
    found = spread(values, trust, 2)
    np.testing.assert_allclose(found[:, 2], 2, atol=0.1)
    np.testing.assert_allclose(found[:, -2], 4, atol=0.1)
    assert (found[:, 20:60] > 1.9).all()
    assert (found[:, 20:60] < 4.1).all()


def test_values_of_whole_trust_are_kept_without_smoothing():
    values = np.random.default_rng(0).uniform(0, 9, SHAPE).astype(np.float32)
    cv2.GaussianBlur(values, (0, 0), 5, values)
    np.testing.assert_allclose(spread(values, np.ones(SHAPE, np.float32), 0), values, atol=0.1)


def test_a_picture_is_built_from_the_slices_that_the_depth_names():
    depth = np.zeros(SHAPE, np.float32)
    depth[:, 40:] = 1.5
    fusion = DepthFusion(depth)
    for number in range(3):
        fusion.add(number, np.full((*SHAPE, 3), 10.0 * number, np.float32), EVERYWHERE)
    picture = fusion.result()
    np.testing.assert_allclose(picture[:, :40], 0, atol=0.01)
    np.testing.assert_allclose(picture[:, 40:], 15, atol=0.01)
