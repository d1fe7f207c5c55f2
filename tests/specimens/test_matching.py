"""One-to-one pairing, by hand."""

import pytest

from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box

A, B = Box(0, 0, 10, 10), Box(20, 0, 30, 10)


def test_each_box_is_used_once():
    doubled = [A, Box(0, 0, 10, 9)]
    assert match_boxes(doubled, [A]) == [(0, 0, 1.0)]


def test_a_pair_below_the_least_overlap_is_none():
    assert match_boxes([Box(0, 0, 10, 4)], [A]) == []
    assert match_boxes([Box(0, 0, 10, 4)], [A], min_iou=0.4) == [(0, 0, pytest.approx(0.4))]


def test_more_pairs_go_before_a_better_pair():
    # the first found box fits both true ones; the second fits only the first true one
    wide, narrow = Box(0, 0, 10, 12), Box(0, 0, 10, 8)
    truth = [Box(0, 0, 10, 11), Box(0, 2, 10, 16)]
    pairs = match_boxes([wide, narrow], truth)
    assert [(found, true) for found, true, _ in pairs] == [(0, 1), (1, 0)]


def test_nothing_matches_nothing():
    assert match_boxes([], [A]) == []
    assert match_boxes([A, B], []) == []
