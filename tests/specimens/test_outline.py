"""Geometry of boxes, by hand and by property."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.errors import SettingError
from berlese.specimens.outline import (
    Box,
    Specimen,
    box_around,
    in_reading_order,
    outline_of,
)

SIDE = 5000


@st.composite
def boxes(draw):
    left, top = draw(st.integers(0, SIDE - 2)), draw(st.integers(0, SIDE - 2))
    right, bottom = draw(st.integers(left + 1, SIDE)), draw(st.integers(top + 1, SIDE))
    return Box(left, top, right, bottom)


@given(boxes(), st.integers(SIDE, 2 * SIDE), st.integers(SIDE, 2 * SIDE))
def test_fractions_lead_back_to_the_same_pixels(box, width, height):
    assert Box.from_normalised(box.normalised(width, height), width, height) == box


@given(boxes(), boxes())
def test_overlap_is_mutual_and_a_share(box, other):
    assert box.iou(other) == other.iou(box)
    assert 0 <= box.iou(other) <= 1
    assert box.iou(box) == 1


def test_overlap_by_hand():
    # 10 x 10 and 10 x 10, shifted by 5: 50 shared of 150
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 20, 10)) == 0


@pytest.mark.parametrize("corners", [(5, 0, 5, 9), (0, 9, 5, 9), (6, 0, 5, 9)])
def test_a_box_without_pixels_is_refused(corners):
    with pytest.raises(SettingError, match="width and a height above 0"):
        Box(*corners)


def test_animals_are_read_by_rows_of_a_hundred_pixels_then_from_the_left():
    boxes = [(5, 250), (300, 20), (10, 90), (200, 130)]
    animals = [Specimen(Box(x, y, x + 9, y + 9), np.zeros((3, 2)), 9.0, 1.0) for x, y in boxes]
    found = [(each.box.left, each.box.top) for each in in_reading_order(animals)]
    assert found == [(10, 90), (300, 20), (200, 130), (5, 250)]


def test_a_box_holds_all_of_an_outline() -> None:
    box = box_around(np.array([[10.5, 20.5], [30.2, 40.9]]), margin=2)
    assert (box.left, box.top, box.right, box.bottom) == (8, 18, 33, 43)


def test_a_box_does_not_leave_the_photo() -> None:
    outline = np.array([[0.5, 20.5], [30.2, 40.9]])
    assert box_around(outline, margin=2, photo_size=(31, 60)) == Box(0, 18, 31, 43)
    assert box_around(np.array([[7.0, 9.0]])) == Box(7, 9, 8, 10)  # a single point has a pixel


def test_an_outline_runs_through_the_middles_of_the_outermost_pixels() -> None:
    mask = np.zeros((9, 12), bool)
    mask[2:6, 3:10] = True
    outline = outline_of(mask)
    assert {tuple(point) for point in outline} == {(3.5, 2.5), (9.5, 2.5), (9.5, 5.5), (3.5, 5.5)}


def test_of_several_pieces_the_largest_is_outlined_by_its_rim_or_by_its_area() -> None:
    mask = np.zeros((40, 60), bool)
    mask[2, 2:58] = True  # a hair, with a longer rim
    mask[20:32, 20:32] = True
    assert outline_of(mask)[:, 1].max() == 2.5
    assert outline_of(mask, size=cv2.contourArea)[:, 1].min() == 20.5
