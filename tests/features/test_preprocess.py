import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.features.preprocess import Preprocessing


def test_values_are_centred_at_127_and_divided_by_128_in_rgb_order():
    image = np.full((4, 4, 3), (127, 255, 63), np.uint8)
    prepared = Preprocessing(4)(image)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared[0], 0)
    np.testing.assert_array_equal(prepared[1], 1)
    np.testing.assert_array_equal(prepared[2], -0.5)


def test_a_wide_picture_keeps_its_proportions_between_bars_of_its_edge_colour():
    image = np.full((20, 40, 3), 191, np.uint8)  # (191 - 127) / 128 = 0.5
    image[1:-1, 1:-1] = 255
    prepared = Preprocessing(40)(image)
    np.testing.assert_array_equal(prepared[:, :10], 0.5)
    np.testing.assert_array_equal(prepared[:, 11:29, 1:-1], 1)
    np.testing.assert_array_equal(prepared[:, 30:], 0.5)


@given(height=st.integers(1, 90), width=st.integers(1, 90), shade=st.integers(0, 255))
@settings(deadline=None, max_examples=50)
def test_one_colour_stays_one_colour_whatever_the_shape(height, width, shade):
    prepared = Preprocessing(32)(np.full((height, width, 3), shade, np.uint8))
    assert prepared.shape == (3, 32, 32)
    np.testing.assert_array_equal(prepared, np.float32((shade - 127) / 128))


def test_a_strip_of_thirty_thousand_pixels_needs_no_square_of_that_side():
    prepared = Preprocessing(32)(np.full((1, 30000, 3), 255, np.uint8))
    np.testing.assert_array_equal(prepared, 1)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
    ids=["grey", "float", "empty"],
)
def test_what_is_no_rgb_picture_is_refused(image):
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(height, width, 3\)"):
        Preprocessing(4)(image)


def test_the_hash_follows_every_setting():
    hashes = {
        each.hash
        for each in (
            Preprocessing(4),
            Preprocessing(5),
            Preprocessing(4, mean=128),
            Preprocessing(4, divisor=127.5),
        )
    }
    assert len(hashes) == 4
    assert Preprocessing(4).hash == Preprocessing(4, 127.0, 128.0).hash
