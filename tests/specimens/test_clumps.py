"""Clumps cut by where the pixels point to."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.specimens.clumps import LONGEST, STEP, clump_patch, gathered, ways_by_network


def pointing(labels):
    """Offsets from each pixel to the middle of its label."""
    offsets = np.zeros((2, *labels.shape), np.float32)
    for number in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == number)
        offsets[0, rows, columns] = rows.mean() - rows
        offsets[1, rows, columns] = columns.mean() - columns
    return offsets


@given(
    middles=st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=6, unique=True
    ),
    noise=st.floats(0, 1.0),
)
def test_pixels_that_point_to_one_middle_are_one_animal(middles, noise):
    truth = np.zeros((110, 110), np.int32)
    for number, (down, across) in enumerate(middles, start=1):
        cv2.circle(truth, (18 * across, 18 * down), 8, number, -1)
    rng = np.random.default_rng(0)
    offsets = pointing(truth) + rng.normal(0, noise, (2, *truth.shape)).astype(np.float32)
    labels = gathered(offsets, truth > 0, 5)
    pairs = np.unique(np.stack([truth[truth > 0], labels[truth > 0]]), axis=1)
    assert pairs.shape[1] == len(middles)
    assert labels.max() == len(middles)


def test_parts_of_an_animal_under_another_point_to_the_same_middle():
    truth = np.zeros((60, 60), np.int32)
    cv2.line(truth, (8, 22), (52, 22), 1, 7)
    cv2.line(truth, (36, 8), (36, 56), 2, 7)
    labels = gathered(pointing(truth) + np.float32(0.3), truth > 0, 5)
    assert labels[22, 10] == labels[22, 50] != labels[50, 36]


def test_middles_that_are_equally_likely_and_side_by_side_are_one():
    inside = np.zeros((40, 40), bool)
    inside[16:24, 14:27] = True
    rows, columns = np.nonzero(inside)
    offsets = np.zeros((2, 40, 40), np.float32)
    offsets[0, rows, columns] = 20 - rows
    offsets[1, rows, columns] = np.where(columns <= 19, 20, 21) - columns
    offsets[1, rows[columns == 20], columns[columns == 20]] = np.resize([0, 1], 8)
    assert gathered(offsets, inside, 9).max() == 1


def test_what_points_nowhere_in_particular_is_nothing():
    rng = np.random.default_rng(1)
    offsets = rng.uniform(-60, 60, (2, 64, 64)).astype(np.float32)
    inside = np.zeros((64, 64), bool)
    inside[30:34, 30:34] = True
    assert gathered(offsets, inside, 5).max() == 0


@given(height=st.integers(4, 400), width=st.integers(4, 400))
def test_a_patch_has_the_things_proportions_and_a_side_that_the_network_takes(height, width):
    pixels = np.full((height, width, 3), 90, np.uint8)
    mask = np.ones((height, width), bool)
    values, scale = clump_patch(pixels, pixels + np.uint8(80), mask)
    assert values.shape[0] == 4
    assert all(side % STEP == 0 and side <= LONGEST + STEP for side in values.shape[1:])
    seen = values[3] > 0.5
    assert seen.any(axis=1).sum() == pytest.approx(height * scale, abs=1)
    assert seen.any(axis=0).sum() == pytest.approx(width * scale, abs=1)
    np.testing.assert_allclose(values[:3, seen], -1, atol=1e-5)


def two_worms():
    """Two long animals that cross: no neck tells them apart."""
    pixels = np.full((120, 120, 3), 225, np.uint8)
    truth = np.zeros((120, 120), np.uint8)
    for number, (ends, colour) in enumerate(
        ((((10, 30), (100, 50)), (150, 120, 90)), (((85, 12), (70, 112)), (70, 55, 50))), start=1
    ):
        cv2.line(pixels, *ends, colour, 13, cv2.LINE_AA)
        cv2.line(truth, *ends, number, 13)
    ground = np.full_like(pixels, 225)
    return cv2.GaussianBlur(pixels, (0, 0), 0.8), ground, truth


def test_the_network_parts_animals_that_cross():
    pixels, ground, truth = two_worms()
    ways = ways_by_network(pixels, ground, truth > 0, 16)
    assert ways
    parts = []
    for part, left, top in ways[0]:
        whole = np.zeros(truth.shape, bool)
        whole[top : top + part.shape[0], left : left + part.shape[1]] = part
        parts.append(whole)
    on_top = max((part & (truth == 2)).sum() / (part | (truth == 2)).sum() for part in parts)
    assert on_top > 0.6


def test_one_beetle_is_not_cut():
    pixels = np.full((90, 70, 3), 220, np.uint8)
    mask = np.zeros((90, 70), np.uint8)
    for image, colour in ((pixels, (50, 40, 35)), (mask, 1)):
        cv2.ellipse(image, (35, 50), (20, 30), 0, 0, 360, colour, -1)
        cv2.ellipse(image, (35, 17), (10, 9), 0, 0, 360, colour, -1)
    assert not ways_by_network(pixels, np.full_like(pixels, 220), mask > 0, 16)
