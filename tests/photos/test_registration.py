"""Shifts, turns and scales that were made are found again to hundredths of a pixel."""

import cv2
import numpy as np
import pytest

from berlese.photos.registration import (
    after,
    identity,
    inverse,
    lay_onto,
    register,
    rescaled,
    shift_by,
    shown_by,
)
from tests.photos.scenes import texture

CORNERS = np.array([[0, 0, 1], [199, 0, 1], [0, 149, 1], [199, 149, 1]]).T


def moved(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture whose pixel at `matrix` (x, y, 1) shows what the given one has at (x, y)."""
    size = picture.shape[1::-1]
    return cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def grey(seed: int = 0) -> np.ndarray:
    return texture(150, 200, seed).mean(axis=2, dtype=np.float32)


@pytest.mark.parametrize(
    ("shift", "turn", "scale"),
    [((0.37, -0.61), 0, 1), ((6.2, 4.9), 0, 1), ((-2.4, 3.3), 0.7, 1), ((1.5, -2.5), -0.3, 1.012)],
)
def test_a_known_move_is_found_within_five_hundredths_of_a_pixel(shift, turn, scale):
    true = cv2.getRotationMatrix2D((99.5, 74.5), turn, scale)
    true[:, 2] += shift
    found = register(grey(), moved(grey(), true))
    assert np.hypot(*(found.matrix @ CORNERS - true @ CORNERS)).max() < 0.05
    assert found.correlation > 0.99


def test_light_does_not_move_the_picture_and_its_gain_is_found():
    dark = 0.8 * moved(grey(), shift_by(1.25, -0.5)) + 9
    found = register(grey(), dark)
    np.testing.assert_allclose(found.matrix[:, 2], (1.25, -0.5), atol=0.05)
    assert found.gain == pytest.approx(1.25, abs=0.02)


def test_what_may_not_turn_or_scale_only_shifts():
    found = register(grey(), moved(grey(), shift_by(2.5, 1.5)), scale=False, turn=False)
    np.testing.assert_array_equal(found.matrix[:, :2], identity()[:, :2])
    np.testing.assert_allclose(found.matrix[:, 2], (2.5, 1.5), atol=0.05)


def test_another_scene_does_not_correlate():
    assert register(grey(0), grey(1)).correlation < 0.5


def test_pictures_of_one_colour_stay_where_they_are():
    flat = np.full((100, 100), 128, np.float32)
    found = register(flat, flat)
    np.testing.assert_allclose(found.matrix, identity())
    assert found.correlation == 0


def test_a_move_and_its_inverse_leave_every_point():
    move = cv2.getRotationMatrix2D((30, 40), 12, 1.1)
    np.testing.assert_allclose(after(inverse(move), move), identity(), atol=1e-12)


def test_a_move_of_a_reduced_picture_fits_the_whole_one():
    # In a picture of half the size, its outer corner (-0.5, -0.5) moves by half as much.
    whole = rescaled(shift_by(3, 4), 2)
    np.testing.assert_allclose(whole, shift_by(6, 8))
    turn = np.array([[0.0, -1, 0], [1, 0, 0]])  # about pixel (0, 0) of the reduced picture
    np.testing.assert_allclose(rescaled(turn, 2) @ (0.5, 0.5, 1), (0.5, 0.5))


def test_pixels_that_a_moved_picture_does_not_show_are_known():
    shown = shown_by(shift_by(3, 0), (10, 5), (10, 5))
    assert shown[:, :7].all()
    assert not shown[:, 7:].any()
    picture = np.arange(50, dtype=np.float32).reshape(5, 10)
    laid = lay_onto(picture, shift_by(3, 0), (10, 5), smooth=True)
    np.testing.assert_allclose(laid[:, :7], picture[:, 3:])
