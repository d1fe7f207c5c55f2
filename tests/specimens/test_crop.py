"""The paper's square crop, by hand and by property."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from berlese.specimens.crop import (
    cut_crop,
    cut_patches,
    edge_colour,
    pad_to_square,
    resize_square,
    with_margin,
)
from berlese.specimens.outline import Box

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


class Photo:
    """A photo in memory."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def region(self, left, top, width, height):
        return self.pixels[top : top + height, left : left + width]


def test_a_wide_picture_is_padded_above_and_below_with_the_mean_of_its_edge():
    picture = np.zeros((1, 3, 3), np.uint8)
    picture[0, :, 0] = (30, 60, 90)
    square = pad_to_square(picture)
    assert square.shape == (3, 3, 3)
    np.testing.assert_array_equal(square[1], picture[0])
    np.testing.assert_array_equal(square[[0, 2], :, 0], 60)


def test_corners_count_once_in_the_edge_colour():
    picture = np.zeros((3, 3, 3), np.uint8)
    picture[0, 0] = 80  # one of eight outermost pixels
    picture[1, 1] = 255  # not outermost
    np.testing.assert_array_equal(edge_colour(picture), [10, 10, 10])


@given(PICTURES)
def test_padding_keeps_the_picture_in_the_middle(picture):
    square = pad_to_square(picture)
    height, width = picture.shape[:2]
    side = max(height, width)
    assert square.shape == (side, side, 3)
    top, left = (side - height) // 2, (side - width) // 2
    np.testing.assert_array_equal(square[top : top + height, left : left + width], picture)


@given(PICTURES, st.integers(1, 20))
def test_resizing_gives_the_asked_size(picture, size):
    assert resize_square(pad_to_square(picture), size).shape == (size, size, 3)


def test_a_plain_colour_stays_what_it_is():
    plain = np.full((50, 50, 3), (200, 100, 7), np.uint8)
    np.testing.assert_array_equal(resize_square(plain, 20)[0, 0], (200, 100, 7))
    np.testing.assert_array_equal(resize_square(plain, 90)[0, 0], (200, 100, 7))


def test_a_margin_stops_at_the_edge_of_the_photo():
    assert with_margin(Box(0, 10, 100, 40), 102, 200, 0.1) == Box(0, 0, 102, 50)


def test_a_crop_is_the_box_with_its_margin():
    pixels = np.arange(20 * 30 * 3).reshape(20, 30, 3).astype(np.uint8)
    crop = cut_crop(Photo(pixels), Box(10, 5, 20, 10), margin=0.2)
    np.testing.assert_array_equal(crop, pixels[3:12, 8:22])


class BandedPhoto(Photo):
    def bands(self, rows):
        for top in range(0, self.height, rows):
            yield self.pixels[top : top + rows]


@given(st.integers(0, 2**32 - 1))
def test_patches_cut_in_one_passage_are_the_crops_cut_one_by_one(seed):
    rng = np.random.default_rng(seed)
    photo = BandedPhoto(rng.integers(0, 256, (700, 90, 3), np.uint8))
    boxes = []
    for _ in range(int(rng.integers(0, 9))):
        left, top = int(rng.integers(0, 80)), int(rng.integers(0, 690))
        right, bottom = int(rng.integers(left + 1, 91)), int(rng.integers(top + 1, 701))
        boxes.append(Box(left, top, right, bottom))
    patches = dict(cut_patches(photo, boxes))
    assert sorted(patches) == list(range(len(boxes)))
    for number, box in enumerate(boxes):
        patch = patches[number]
        np.testing.assert_array_equal(patch.pixels, cut_crop(photo, box))
        np.testing.assert_array_equal(patch.pixels, cut_crop(patch, box))
