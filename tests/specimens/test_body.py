"""The body's axis against shapes whose geometry is known by construction."""

import cv2
import numpy as np
import pytest

from berlese.simulate.lineup import pose_beetle
from berlese.simulate.plans import TAXA
from berlese.specimens.body import find_body


def drawn(*shapes, side=400):
    mask = np.zeros((side, side), np.uint8)
    for draw in shapes:
        draw(mask)
    return mask.astype(bool)


def ellipse(middle, radii, angle):
    return lambda mask: cv2.ellipse(mask, middle, radii, angle, 0, 360, 1, -1)


def line(start, end, thick):
    return lambda mask: cv2.line(mask, start, end, 1, thick)


def leg_from(middle, angle, reach, thick=8):
    end = middle + reach * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    return line(tuple(middle), tuple(end.round().astype(int).tolist()), thick)


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_an_ellipse_is_as_long_and_wide_as_its_axes_at_any_angle(angle):
    body = find_body(drawn(ellipse((200, 200), (120, 50), angle)))
    assert body.length == pytest.approx(241, rel=0.02)
    assert body.width == pytest.approx(101, rel=0.03)


@pytest.mark.parametrize("angle", [0, 30, 75])
def test_legs_and_antennae_do_not_change_a_body(angle):
    middle = np.array([200, 200])
    legs = [leg_from(middle, angle + turn, 180) for turn in (60, 90, 120, 240, 270, 300)]
    forwards = [leg_from(middle, angle + turn, 195, thick=5) for turn in (-8, 8)]
    bare = find_body(drawn(ellipse((200, 200), (110, 45), angle)))
    whole = find_body(drawn(ellipse((200, 200), (110, 45), angle), *legs, *forwards))
    assert whole.length == pytest.approx(bare.length, rel=0.03)
    assert whole.width == pytest.approx(bare.width, rel=0.05)
    assert whole.mask.sum() == pytest.approx(bare.mask.sum(), rel=0.08)


def test_a_curled_body_is_as_long_as_its_arc():
    # Three quarters of a circle of radius 100, 40 thick, with round ends: 471 and 40.
    mask = np.zeros((400, 400), np.uint8)
    cv2.ellipse(mask, (200, 200), (100, 100), 0, 0, 270, 1, 40)
    body = find_body(mask.astype(bool))
    assert body.length == pytest.approx(1.5 * np.pi * 100 + 40, rel=0.04)
    assert body.width == pytest.approx(41, rel=0.08)


@pytest.mark.parametrize("radius", [2, 6, 40])
def test_a_disc_is_as_long_as_wide_however_small(radius):
    mask = np.zeros((100, 100), np.uint8)
    cv2.circle(mask, (50, 50), radius, 1, -1)
    body = find_body(mask.astype(bool))
    across = 2 * np.sqrt(mask.sum() / np.pi)
    assert body.length == pytest.approx(across, rel=0.15)
    assert body.width == pytest.approx(across, rel=0.15)


def test_two_parts_on_a_thin_stalk_are_one_body():
    waist = line((170, 200), (230, 200), 5)
    front, hind = ellipse((120, 200), (50, 28), 0), ellipse((280, 200), (60, 40), 0)
    body = find_body(drawn(front, waist, hind))
    assert body.length == pytest.approx(340 - 70 + 1, rel=0.03)


@pytest.mark.parametrize("mask", [np.ones((1, 1), bool), np.ones((1, 30), bool)])
def test_single_pixels_and_threads_have_a_length(mask):
    body = find_body(mask)
    assert body.length == pytest.approx(mask.shape[1], abs=1.5)
    assert np.isfinite(body.width)
    assert np.isfinite(body.axis).all()


@pytest.mark.parametrize("taxon", TAXA)
def test_beetles_of_each_plan_are_as_long_as_they_were_drawn(taxon):
    errors = []
    for seed in range(4):
        animal = pose_beetle(taxon, np.random.default_rng([20, seed]))
        errors.append(find_body(animal.mask).length / animal.length_px - 1)
    assert np.median(np.abs(errors)) < 0.04
    assert np.abs(errors).max() < 0.15


@pytest.mark.parametrize("bend", [-0.9, -0.5, 0.5, 0.9])
def test_bent_rove_beetles_are_as_long_as_straight_ones(bend):
    animal = pose_beetle("Staphylinidae", np.random.default_rng(3), bend=bend)
    assert find_body(animal.mask).length == pytest.approx(animal.length_px, rel=0.05)
