"""Candidates as pictures, and what the network takes them for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.look import (
    BORDER,
    CLOSER,
    FIRST,
    KINDS,
    Lens,
    closer_look,
    log_odds,
    picture_of,
)
from berlese.specimens.outline import Box
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo

BOTH = pytest.mark.parametrize("lens", [FIRST, CLOSER])


def shown(height, width, left, top, lens=FIRST, frame=(260, 300)):
    """Picture of a filled box that is 40 grey levels darker than its ground."""
    pixels, ground = (np.full((*frame, 3), level, np.uint8) for level in (160, 200))
    part = np.ones((height, width), bool)
    whole = np.zeros(frame, bool)
    whole[top : top + height, left : left + width] = True
    pixels[~whole] = 200
    return picture_of(pixels, ground, whole, part, left, top, lens)


@BOTH
@given(
    height=st.integers(3, 120), width=st.integers(3, 120), left=st.integers(0, 180),
    top=st.integers(0, 140),
)  # fmt: skip
def test_a_candidate_stands_in_the_middle_at_its_proportions(lens, height, width, left, top):
    picture = shown(height, width, left, top, lens)
    side = lens.side
    assert picture.shape == (5, side, side)
    assert picture.dtype == np.float32
    scale = side / (lens.margin * max(height, width) + BORDER)
    shift = 1.6 * side / 32
    area = height * width * scale**2
    np.testing.assert_allclose(picture[3].sum(), area, rtol=0.35, atol=24 * (side / 32) ** 2)
    down, across = np.average(np.indices((side, side)).reshape(2, -1) + 0.5, 1, picture[3].ravel())
    assert (down, across) == pytest.approx((side / 2, side / 2), abs=shift)


@BOTH
@given(left=st.integers(40, 160), top=st.integers(40, 120))
def test_a_picture_does_not_depend_on_where_the_candidate_lies(lens, left, top):
    here, there = shown(30, 50, left, top, lens), shown(30, 50, 100, 80, lens)
    np.testing.assert_allclose(here, there, atol=1e-6)


@BOTH
def test_colours_are_those_over_the_ground(lens):
    picture = shown(60, 60, 100, 100, lens)
    middle = picture[:, lens.side // 2, lens.side // 2]
    np.testing.assert_allclose(middle, [-0.5, -0.5, -0.5, 1, 1], atol=1e-6)
    np.testing.assert_allclose(picture[:, 0, 0], 0, atol=1e-6)


def test_a_part_is_shown_within_its_whole():
    pixels = ground = np.full((40, 80, 3), 200, np.uint8)
    whole = np.ones((40, 80), bool)
    picture = picture_of(pixels, ground, whole, np.ones((40, 40), bool), 40, 0)
    own, all_of_it = picture[3] > 0.5, picture[4] > 0.5
    assert (own <= all_of_it).all()
    assert all_of_it.sum() > 1.05 * own.sum()


@pytest.mark.parametrize(("lens", "told_of"), [(FIRST, log_odds), (CLOSER, closer_look)])
def test_odds_are_those_of_one_picture_whatever_others_it_comes_with(lens: Lens, told_of):
    rng = np.random.default_rng(0)
    pictures = rng.normal(0, 1, (130, 5, lens.side, lens.side)).astype(np.float32)
    together = told_of(pictures)
    assert together.shape == (130, len(KINDS) + (lens is CLOSER))
    np.testing.assert_allclose(np.exp(together[:, : len(KINDS)]).sum(axis=1), 1, rtol=1e-5)
    alone = np.vstack([told_of(pictures[row : row + 1]) for row in (0, 63, 64, 129)])
    np.testing.assert_allclose(alone, together[[0, 63, 64, 129]], atol=1e-4)


def looks_of(kind):
    """What the wholes on a plate look like, their boxes, and those of the animals."""
    wholes, truth = wholes_of(kind)
    looks = np.array([each.look for each in wholes]).argmax(axis=1)
    boxes = [Box(*(round(side) for side in each.frame)) for each in wholes]
    return looks, boxes, truth


def wholes_of(kind):
    """Whole things on a plate, and the boxes of the animals."""
    plate = simulate_plate(2005, kind, size_px=900)
    wholes = [cuts[0][0] for cuts in read_photo(Pixels(plate.pixels), SegmentSettings())]
    return wholes, [each.box for each in plate.specimens]


def test_the_outline_of_an_animal_looks_like_an_animal():
    kind = PlateKind(animals=25, grains=0, fibres=0, bubbles=0, clumped=0)
    looks, boxes, truth = looks_of(kind)
    outlines = [max(box.iou(each) for each in truth) > 0.8 for box in boxes]
    assert sum(outlines) > 15
    assert (looks[outlines] == KINDS.index("animal")).mean() > 0.8


def test_grains_look_like_dirt():
    looks, *_ = looks_of(PlateKind(animals=0, grains=90, fibres=0, bubbles=0))
    assert len(looks) > 25
    assert (looks == KINDS.index("dirt")).mean() > 0.9


def test_a_closer_look_tells_animals_from_all_else_and_skips_what_is_surely_dirt():
    wholes, truth = wholes_of(PlateKind(animals=25, grains=60, fibres=0, bubbles=0, clumped=0))
    boxes = [Box(*(round(side) for side in each.frame)) for each in wholes]
    ious = np.array([max(box.iou(each) for each in truth) for box in boxes])
    seen = np.array([each.closer is not None for each in wholes])
    assert seen[ious > 0.7].mean() > 0.9
    assert seen[ious < 0.3].mean() < 0.7
    met = np.array([each.closer[-1] if each.closer is not None else np.nan for each in wholes])
    assert (met[seen & (ious > 0.7)] > 0).mean() > 0.8
    assert (met[seen & (ious < 0.3)] < 0).mean() > 0.6
