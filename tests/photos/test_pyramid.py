"""Pyramids come apart and together, and fusion takes each detail from where it is sharp."""

import cv2
import numpy as np
import pytest

from berlese.photos.pyramid import PyramidFusion, collapse, laplacian, levels_of, noise_of
from tests.photos.scenes import psnr, texture

EVERYWHERE = np.ones((120, 160), bool)


def floats(seed: int = 0) -> np.ndarray:
    return texture(120, 160, seed).astype(np.float32)


@pytest.mark.parametrize("shape", [(120, 160), (121, 163), (97, 50)])
def test_a_pyramid_put_together_is_the_picture(shape):
    picture = texture(*shape).astype(np.float32)
    np.testing.assert_allclose(collapse(laplacian(picture, 4)), picture, atol=1e-3)


def test_noise_is_estimated_beside_detail():
    rng = np.random.default_rng(0)
    grey = np.full((300, 300), 120, np.float32)
    grey[100:200, 100:200] += texture(100, 100)[..., 0]
    grey += rng.normal(0, 3, grey.shape).astype(np.float32)
    assert noise_of(grey) == pytest.approx(3, rel=0.15)


def test_halves_that_are_sharp_in_turn_make_a_picture_that_is_sharp_throughout():
    sharp = floats()
    soft = cv2.GaussianBlur(sharp, (0, 0), 4)
    left, right = sharp.copy(), sharp.copy()
    left[:, 80:], right[:, :80] = soft[:, 80:], soft[:, :80]
    fusion = PyramidFusion((120, 160), noise=1.0)
    for slice_ in (left, right):
        fusion.add(slice_, EVERYWHERE)
    assert psnr(fusion.result(), sharp) > 34


def test_where_nothing_is_to_be_seen_noise_is_averaged():
    rng = np.random.default_rng(0)
    fusion = PyramidFusion((120, 160), noise=2.0)
    for _ in range(16):
        noisy = 120 + rng.normal(0, 2, (120, 160, 3))
        fusion.add(noisy.astype(np.float32), EVERYWHERE)
    # The mean of 16 would have a quarter of the noise; a hard choice would raise it.
    assert fusion.result().std() < 0.6 * 2


def test_the_order_of_slices_makes_no_difference():
    slices = [floats(), cv2.GaussianBlur(floats(), (0, 0), 2), floats(1)]
    results = []
    for given in (slices, slices[::-1]):
        fusion = PyramidFusion((120, 160), noise=1.0)
        for slice_ in given:
            fusion.add(slice_, EVERYWHERE)
        results.append(fusion.result())
    np.testing.assert_allclose(*results, atol=0.01)


def test_what_a_slice_does_not_show_is_taken_from_the_others():
    shown = EVERYWHERE.copy()
    shown[:, :60] = False
    wild = floats(1)
    fusion = PyramidFusion((120, 160), noise=1.0)
    fusion.add(cv2.GaussianBlur(floats(), (0, 0), 3), EVERYWHERE)
    fusion.add(wild, shown)
    hidden = fusion.result()[:, :40]
    blurred = cv2.GaussianBlur(floats(), (0, 0), 3)[:, :40]
    assert np.abs(hidden - blurred).mean() < 1.5


def test_small_pictures_have_few_bands():
    assert levels_of((16, 16)) == 1
    assert levels_of((4000, 6000)) == 7
