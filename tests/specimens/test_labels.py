"""Labels stand on no animal, on no other label, inside the photo, and lead to their own animal."""

import cv2
import numpy as np
import pytest

from berlese.specimens.labels import place_labels

SIDE = 600


def ellipse(x, y, across, down, turned=0.0):
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.column_stack([across * np.cos(angles), down * np.sin(angles)])
    turn = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return points @ turn.T + (x, y)


def crowd(seed, count):
    rng = np.random.default_rng(seed)
    return [
        ellipse(*rng.uniform(20, SIDE - 20, 2), *rng.uniform(4, 18, 2), rng.uniform(0, 3))
        for _ in range(count)
    ]


def drawn(polygons):
    """Every pixel of the animals, at the photo's own resolution."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32)], 1)
    return canvas


def pixels(label):
    rows = slice(int(np.ceil(label.top)), int(label.bottom))
    return rows, slice(int(np.ceil(label.left)), int(label.left + label.width))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 12, 60])
def test_no_label_hides_an_animal_or_another_label(seed, count):
    polygons = crowd(seed, count)
    placed = place_labels(polygons, [(22.0, 12.0)] * count, SIDE, SIDE)
    taken = drawn(polygons)
    for label in placed:
        assert taken[pixels(label)].sum() == 0
        taken[pixels(label)] = 1


@pytest.mark.parametrize("count", [0, 1, 60, 400])
def test_every_label_lies_within_the_photo_even_where_there_is_no_room(count):
    placed = place_labels(crowd(1, count), [(30.0, 14.0)] * count, SIDE, SIDE)
    assert len(placed) == count
    for label in placed:
        assert 0 <= label.left <= SIDE - label.width
        assert 0 <= label.top <= SIDE - label.height


def test_a_lonely_animal_has_its_label_close_above_and_without_a_line():
    polygon = ellipse(300, 300, 40, 20)
    (label,) = place_labels([polygon], [(20.0, 10.0)], SIDE, SIDE)
    assert 280 - 10 <= label.bottom <= 280
    assert abs(label.left + label.width / 2 - 300) < 10
    assert label.line is None


def test_an_animal_at_the_upper_edge_has_its_label_elsewhere():
    polygon = ellipse(300, 15, 40, 18)
    (label,) = place_labels([polygon], [(20.0, 10.0)], SIDE, SIDE)
    assert drawn([polygon])[pixels(label)].sum() == 0
    assert label.line is None


def test_a_label_without_room_beside_its_animal_is_led_to_it():
    ring = [
        ellipse(300 + 42 * np.cos(a), 300 + 42 * np.sin(a), 17, 17) for a in np.arange(0, 6.3, 0.52)
    ]
    middle = ellipse(300, 300, 22, 22)
    polygons = [*ring, middle]
    label = place_labels(polygons, [(24.0, 12.0)] * len(polygons), SIDE, SIDE)[-1]
    assert label.line is not None
    start, end = label.line
    assert label.left <= start[0] <= label.left + label.width
    assert label.top <= start[1] <= label.bottom
    assert np.hypot(end[0] - 300, end[1] - 300) == pytest.approx(22, abs=0.5)


def test_an_animal_that_fills_the_photo_has_a_label_all_the_same():
    polygon = np.array([[0.0, 0.0], [SIDE, 0.0], [SIDE, SIDE], [0.0, SIDE]])
    (label,) = place_labels([polygon], [(20.0, 10.0)], SIDE, SIDE)
    assert label.left >= 0
    assert label.bottom <= SIDE
