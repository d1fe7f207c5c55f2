"""Parts of a hand are told from animals, whose outlines border on the ground."""

import cv2
import numpy as np
import pytest

from berlese.simulate.plates import simulate_plate
from berlese.specimens.cut_off import shares_cut_off


def ellipse(x: float, y: float, a: float, b: float, turn: float = 0.0) -> np.ndarray:
    turns = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    points = np.column_stack([a * np.cos(turns), b * np.sin(turns)])
    cos, sin = np.cos(turn), np.sin(turn)
    return points @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


@pytest.fixture
def hand() -> tuple[np.ndarray, list[np.ndarray]]:
    """A dish with two beetles and a palm with two fingers, of which outlines take the fingers."""
    rng = np.random.default_rng(0)
    photo = np.clip(rng.normal(225, 3, (600, 800, 3)), 0, 255).astype(np.uint8)
    beetles = [ellipse(150, 150, 40, 20), ellipse(300, 120, 30, 18, 1.0)]
    for beetle in beetles:
        cv2.fillPoly(photo, [beetle.astype(np.int32)], (60, 40, 30))
    cv2.fillPoly(photo, [ellipse(700, 450, 160, 140).astype(np.int32)], (205, 150, 120))
    fingers = []
    for top in (360, 440):
        cv2.rectangle(photo, (380, top), (620, top + 50), (205, 150, 120), -1)
        corners = np.array([(380, top), (540, top), (540, top + 50), (380, top + 50)], float)
        fingers.append(corners + 0.5)
    return cv2.GaussianBlur(photo, (0, 0), 1.2), [*beetles, *fingers]


def test_fingers_are_parts_of_something_larger_and_beetles_are_not(hand) -> None:
    photo, outlines = hand
    *beetles, first, second = shares_cut_off(photo, outlines)
    assert max(beetles) < 0.05
    assert first == pytest.approx(50 / 420, abs=0.03)  # of its outline lies across the finger
    assert second == pytest.approx(50 / 420, abs=0.03)


def test_animals_that_lie_on_each_other_are_not_cut_off() -> None:
    photo = np.full((300, 400, 3), 225, np.uint8)
    photo[100:200, 100:300] = (60, 40, 30)
    left = np.array([(100, 100), (200, 100), (200, 200), (100, 200)], float)
    right = left + np.array([100, 0])
    assert max(shares_cut_off(photo, [left, right])) < 0.05
    assert shares_cut_off(photo, [left])[0] == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_no_animal_of_a_hard_plate_seems_cut_off(seed: int) -> None:
    plate = simulate_plate(seed, size_px=900)
    outlines = []
    for each in plate.specimens:
        mask = each.mask.astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outlines.append(max(contours, key=len)[:, 0, :] + 0.5 + (each.box.left, each.box.top))
    assert outlines
    assert max(shares_cut_off(plate.pixels, outlines)) < 0.06


def test_nothing_is_said_of_specks_and_of_no_outline() -> None:
    photo = np.full((100, 100, 3), 100, np.uint8)
    assert shares_cut_off(photo, []) == []
    assert shares_cut_off(photo, [ellipse(50, 50, 5, 4)]) == [0.0]
