"""Clumps cut by what the pixels tell of their animals."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.specimens import clumps
from berlese.specimens.clumps import (
    LONGEST,
    STEP,
    THICKNESSES,
    UNIT,
    clump_patch,
    gathered,
    ways_by_network,
)


def telling(labels):
    """What each pixel would tell of its label if it knew all: middle and spread."""
    told = np.zeros((6, *labels.shape), np.float32)
    for number in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == number)
        values, vectors = np.linalg.eigh(np.cov(rows, columns, bias=True))
        root = vectors @ np.diag(np.sqrt(np.maximum(values, 0))) @ vectors.T
        told[0, rows, columns] = rows.mean() - rows
        told[1, rows, columns] = columns.mean() - columns
        told[2:5, rows, columns] = np.array([root[0, 0], root[1, 1], 2**0.5 * root[0, 1]])[:, None]
    return told / np.float32(UNIT)


@given(
    middles=st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=6, unique=True
    ),
    noise=st.floats(0, 1.0),
)
def test_pixels_that_tell_of_one_animal_are_one_animal(middles, noise):
    truth = np.zeros((110, 110), np.int32)
    for number, (down, across) in enumerate(middles, start=1):
        cv2.circle(truth, (18 * across, 18 * down), 8, number, -1)
    rng = np.random.default_rng(0)
    told = telling(truth) + rng.normal(0, noise / UNIT, (6, *truth.shape)).astype(np.float32)
    labels = gathered(told, truth > 0, 8, 12)
    pairs = np.unique(np.stack([truth[truth > 0], labels[truth > 0]]), axis=1)
    assert pairs.shape[1] == len(middles)
    assert labels.max() == len(middles)


def test_parts_of_an_animal_under_another_are_one_animal():
    truth = np.zeros((60, 60), np.int32)
    cv2.line(truth, (8, 22), (52, 22), 1, 7)
    cv2.line(truth, (36, 8), (36, 56), 2, 7)
    labels = gathered(telling(truth), truth > 0, 8, 12)
    assert labels[22, 10] == labels[22, 50] != labels[50, 36]


def test_animals_that_cross_in_the_middle_of_both_are_told_apart_by_their_spread():
    truth = np.zeros((80, 80), np.int32)
    cv2.line(truth, (8, 40), (72, 40), 1, 9)
    cv2.line(truth, (40, 8), (40, 72), 2, 9)
    told = telling(truth)
    labels = gathered(told, truth > 0, 8, 12)
    assert labels.max() == 2
    assert labels[40, 12] == labels[40, 68] != labels[12, 40] == labels[68, 40]
    told[2:5] = 0  # the middles alone do not tell
    assert gathered(told, truth > 0, 8, 12).max() == 1


def test_what_pixels_are_not_sure_of_makes_no_animal_of_its_own():
    truth = np.zeros((60, 90), np.int32)
    cv2.circle(truth, (25, 30), 16, 1, -1)
    cv2.circle(truth, (65, 30), 5, 2, -1)
    told = telling(truth)
    assert gathered(told, truth > 0, 8, 12).max() == 2
    told[5][truth == 2] = 3  # far off, they say
    assert gathered(told, truth > 0, 8, 12).max() == 1


def test_what_tells_of_nothing_in_particular_is_nothing():
    rng = np.random.default_rng(1)
    told = rng.uniform(-4, 4, (6, 64, 64)).astype(np.float32)
    inside = np.zeros((64, 64), bool)
    inside[30:34, 30:34] = True
    assert gathered(told, inside, 8, 12).max() == 0
    assert gathered(told, np.zeros((64, 64), bool), 8, 12).max() == 0


def test_large_clumps_are_told_by_some_of_their_pixels():
    truth = np.zeros((400, 400), np.int32)
    for number, (down, across) in enumerate(np.ndindex(4, 4), start=1):
        cv2.circle(truth, (50 + 95 * across, 50 + 95 * down), 45, number, -1)
    labels = gathered(telling(truth), truth > 0, 14, 21)
    assert labels.max() == 16
    assert len(np.unique(np.stack([truth[truth > 0], labels[truth > 0]]), axis=1).T) == 16


@given(
    height=st.integers(4, 400), width=st.integers(4, 400), thickness=st.sampled_from(THICKNESSES)
)
def test_a_patch_has_the_things_proportions_and_a_side_that_the_network_takes(
    height, width, thickness
):
    pixels = np.full((height, width, 3), 90, np.uint8)
    mask = np.ones((height, width), bool)
    values, scale = clump_patch(pixels, pixels + np.uint8(80), mask, thickness)
    assert values.shape[0] == 4
    longest = LONGEST * thickness
    assert all(side % STEP == 0 and side <= longest + STEP for side in values.shape[1:])
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


def test_a_tangle_is_shown_to_the_network_in_more_detail_too(monkeypatch):
    pixels, ground, truth = two_worms()
    asked = []

    def told_by_network(*shown):
        asked.append(shown[-1])
        return told(*shown)

    told = clumps.told_by_network
    monkeypatch.setattr(clumps, "told_by_network", told_by_network)
    shown = (pixels, ground, truth > 0, 16)
    once = ways_by_network(*shown, finely=False)
    assert asked == [THICKNESSES[0]]
    asked.clear()
    monkeypatch.setattr(clumps, "TANGLE", max(map(len, once)))
    twice = ways_by_network(*shown)
    assert asked == list(THICKNESSES)
    assert [len(way) for way in twice[: len(once)]] == [len(way) for way in once]
    asked.clear()
    monkeypatch.setattr(clumps, "TANGLE", 1 + max(map(len, once)))
    assert len(ways_by_network(*shown)) == len(once)
    assert asked == [THICKNESSES[0]]
