"""Measures in pixels against geometry by hand, and lengths of animals found on photos."""

import cv2
import numpy as np
import pytest

from berlese.simulate.lineup import simulate_lineup
from berlese.simulate.plans import TAXA
from berlese.specimens.measure import esd_of, gaps_inside, measure, measure_mask
from berlese.specimens.outline import Box, Specimen
from berlese.specimens.segment import segment


class Plain:
    """A photo in memory."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def region(self, left, top, width, height):
        return self.pixels[top : top + height, left : left + width]


def specimen_of(mask):
    """Outline a mask as the segmenter does."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    polygon = max(contours, key=len)[:, 0, :] + 0.5
    rows, columns = np.nonzero(mask)
    box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return Specimen(box, polygon, float(mask.sum()), 1.0)


def ellipse(radii, angle=0.0, side=300):
    mask = np.zeros((side, side), np.uint8)
    cv2.ellipse(mask, (side // 2, side // 2), radii, angle, 0, 360, 1, -1)
    return mask.astype(bool)


def test_an_ellipse_has_the_measures_of_its_formulas():
    a, b = 100.5, 40.5  # half axes in pixels, the outermost ones included
    found = measure(specimen_of(ellipse((100, 40), 30)))
    perimeter = np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))  # Ramanujan
    assert found.area_px == pytest.approx(np.pi * a * b, rel=0.02)
    assert found.body_area_px == pytest.approx(found.area_px, rel=0.02)
    assert found.major_px == pytest.approx(2 * a, rel=0.01)
    assert found.minor_px == pytest.approx(2 * b, rel=0.01)
    assert found.feret_px == pytest.approx(2 * a, rel=0.01)
    assert found.length_px == pytest.approx(2 * a, rel=0.02)
    assert found.perimeter_px == pytest.approx(perimeter, rel=0.06)  # pixel steps are longer
    assert found.volume_px3 == pytest.approx(4 / 3 * np.pi * a * b**2, rel=0.06)
    assert found.angle_deg == pytest.approx(30, abs=1)
    assert esd_of(found.area_px) == pytest.approx(2 * np.sqrt(a * b), rel=0.01)


@pytest.mark.parametrize("factor", [0.1, 0.5, 3])
def test_measures_grow_with_the_picture(factor):
    mask = ellipse((100, 40), 70)
    size = tuple(round(side * factor) for side in mask.shape)
    scaled = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    one, other = measure_mask(mask), measure_mask(scaled)
    assert other.length_px == pytest.approx(factor * one.length_px, rel=0.04)
    assert other.width_px == pytest.approx(factor * one.width_px, rel=0.06)
    assert other.volume_px3 == pytest.approx(factor**3 * one.volume_px3, rel=0.12)


def test_the_axis_lies_on_the_photo_where_the_animal_does():
    mask = np.zeros((400, 500), bool)
    mask[200:241, 300:441] = ellipse((70, 20), side=141)[50:91]
    axis = measure(specimen_of(mask)).axis
    ends = axis[[0, -1]][np.argsort(axis[[0, -1], 0])]
    np.testing.assert_allclose(ends, [[300, 220.5], [441, 220.5]], atol=2.5)


def photo_with_gap():
    """A dark body with a loop of leg beside it, and a highlight as bright as the ground."""
    pixels = np.full((300, 300, 3), 225, np.uint8)
    cv2.ellipse(pixels, (150, 150), (40, 100), 0, 0, 360, (40, 35, 30), -1)
    gap = np.array([[190, 120], [230, 130], [230, 170], [190, 180]])
    cv2.polylines(pixels, [gap], True, (40, 35, 30), 6)
    cv2.circle(pixels, (145, 120), 9, (225, 225, 225), -1)
    mask = (pixels[..., 0] < 130).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(mask), contours, -1, 1, -1).astype(bool)
    return pixels, whole


def test_ground_behind_a_leg_is_a_gap_and_a_highlight_is_not():
    pixels, whole = photo_with_gap()
    gaps = gaps_inside(whole, pixels)
    assert gaps[150, 215]
    assert not gaps[120, 145]


def test_a_loop_of_leg_does_not_widen_the_body():
    pixels, whole = photo_with_gap()
    found = measure(specimen_of(whole), Plain(pixels))
    assert found.width_px == pytest.approx(81, rel=0.06)
    assert found.length_px == pytest.approx(201, rel=0.03)


def test_beetles_found_on_a_photo_are_as_long_as_they_were_drawn():
    lineup = simulate_lineup(5, TAXA, cell_px=230, longest_px=95)
    found, errors = segment(lineup.pixels), []
    for animal, box in zip(lineup.animals, lineup.boxes, strict=True):
        best = max(found, key=lambda each: each.box.iou(box))
        if best.box.iou(box) > 0.5:
            errors.append(measure(best, lineup).length_px / animal.length_px - 1)
    assert len(errors) >= 11
    assert np.mean(np.abs(errors) < 0.05) >= 0.9
