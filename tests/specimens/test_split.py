"""Touching bodies come apart, single ones stay whole."""

import cv2
import numpy as np
import pytest

from berlese.specimens.split import grown, split_touching


def drawn(*ellipses, shape=(200, 300)):
    mask = np.zeros(shape, np.uint8)
    for centre, axes, angle in ellipses:
        cv2.ellipse(mask, centre, axes, angle, 0, 360, 1, -1)
    return mask.astype(bool)


def test_two_bodies_with_a_narrow_neck_are_cut_into_all_their_pixels():
    mask = drawn(((100, 100), (40, 25), 0), ((178, 100), (40, 25), 0))
    parts = split_touching(mask, 30, neck=0.4)
    assert len(parts) == 2
    together = np.zeros(mask.shape, int)
    for part, left, top in parts:
        together[top : top + part.shape[0], left : left + part.shape[1]] += part
    np.testing.assert_array_equal(together, mask.astype(int))
    assert {left for _, left, _ in parts} == {60, 139} or len({p[1] for p in parts}) == 2


@pytest.mark.parametrize("neck", [0.4, 0.62, 0.82])
def test_a_plain_body_is_never_cut(neck):
    mask = drawn(((150, 100), (90, 30), 30))
    assert len(split_touching(mask, 30, neck=neck)) == 1


def test_a_wide_neck_is_cut_only_where_asked():
    mask = drawn(((100, 100), (40, 25), 0), ((165, 100), (40, 25), 0))
    assert len(split_touching(mask, 30, neck=0.4)) == 1
    assert len(split_touching(mask, 30, neck=0.82)) == 2


def test_a_leg_is_no_animal():
    mask = drawn(((100, 100), (40, 25), 0))
    mask[98:102, 130:220] = True
    assert len(split_touching(mask, 30, neck=0.82)) == 1


def test_pixels_go_to_the_nearest_body():
    mask = np.ones((10, 40), bool)
    bodies = np.zeros((10, 40), np.int32)
    bodies[4, 5], bodies[4, 34] = 1, 2
    parts = grown(mask, bodies, 5)
    assert sorted(part.shape[1] for part, _, _ in parts) == [20, 20]
