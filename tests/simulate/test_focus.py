"""Simulated slices are sharp where they should be, and move as they say."""

import cv2
import numpy as np

from berlese.simulate.focus import FocusDrive, defocus, domes, draw_motion, iter_slices
from tests.photos.scenes import texture

STILL = FocusDrive(slices=5, breathing=0, drift_px=0, turn_deg=0, flicker=0, noise=0)


def detail(picture: np.ndarray) -> float:
    return float(np.abs(cv2.Laplacian(picture.astype(np.float32), cv2.CV_32F)).mean())


def test_each_slice_is_sharpest_at_its_height():
    sharp = texture(60, 150)
    heights = np.repeat([0.0, 0.5, 1.0], 50)[None].repeat(60, 0).astype(np.float32)
    slices = list(iter_slices(sharp, heights, STILL, np.random.default_rng(0)))
    for third, slice_ in ((0, 0), (1, 2), (2, 4)):
        part = slice(50 * third + 15, 50 * third + 35)
        energies = [detail(each[:, part]) for each in slices]
        assert int(np.argmax(energies)) == slice_


def test_a_point_becomes_a_disc_of_the_stated_radius():
    sharp = np.zeros((81, 81, 3), np.uint8)
    sharp[40, 40] = 255
    seen = defocus(sharp, np.zeros((81, 81), np.float32), 1.0, blur_px=10, layers=100)[..., 0]
    lit = seen > seen.max() / 2
    assert abs(lit.sum() - np.pi * 10**2) < 0.05 * np.pi * 10**2
    assert abs(seen.sum() - 255) < 1


def test_what_is_near_is_blurred_over_what_is_far_but_not_the_other_way_round():
    sharp = np.full((60, 60, 3), 200, np.uint8)
    sharp[:, 30:] = 20
    heights = np.zeros((60, 60), np.float32)
    heights[:, 30:] = 1
    on_far = defocus(sharp, heights, 0.0, blur_px=8)
    on_near = defocus(sharp, heights, 1.0, blur_px=8)
    assert on_far[30, 26, 0] < 190
    assert on_near[30, 31, 0] < 25


def test_the_middle_slice_has_the_geometry_of_the_truth_and_breathing_is_a_scale():
    motion = draw_motion(FocusDrive(slices=7, breathing=0.01), (50, 60), np.random.default_rng(0))
    np.testing.assert_allclose(motion[3], [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    scales = [np.sqrt(np.linalg.det(each[:, :2])) for each in motion]
    np.testing.assert_allclose(scales, 1.01 ** (np.arange(7) - 3.0))


def test_the_same_seed_takes_the_same_slices():
    sharp, heights = texture(40, 40), np.zeros((40, 40), np.float32)
    one, two = (
        list(iter_slices(sharp, heights, FocusDrive(slices=3), np.random.default_rng(4)))
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_domes_rise_from_their_edges_the_widest_highest():
    mask = np.zeros((100, 160), bool)
    mask[10:90, 10:90] = True
    mask[40:60, 110:130] = True
    heights = domes(mask)
    assert heights.max() == 1
    assert heights[50, 50] > 0.98
    assert 0.2 < heights[50, 120] < heights[50, 50]
    assert heights[2, 2] < 0.01
