"""Candidates are measured many at once, and each as if it were alone."""

import cv2
import numpy as np
import pytest

from berlese.specimens.bands import Thing
from berlese.specimens.features import FEATURES, Piece, measured

GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def thing_of(mask, seed=0, margin=4, shade=(90, 70, 50)):
    """Show a shape on even ground, with noise, `margin` pixels from the edge of its frame."""
    rng = np.random.default_rng(seed)
    whole = np.pad(mask, margin)
    pixels = np.full((*whole.shape, 3), 200.0)
    pixels[whole] = shade
    pixels = np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
    ground = np.full_like(pixels, 200)
    contrast = np.abs(pixels.astype(int) - ground).max(axis=2).astype(np.uint8)
    return Piece(Thing(0, 0, pixels, ground, contrast, whole, 9.0), mask, margin, margin)


def ellipse(across, down, angle=0):
    side = 2 * max(across, down) + 3
    drawn = np.zeros((side, side), np.uint8)
    cv2.ellipse(drawn, (side // 2, side // 2), (across, down), angle, 0, 360, 1, -1)
    left, top, width, height = cv2.boundingRect(drawn)
    return drawn[top : top + height, left : left + width] > 0


def features_of(piece):
    return dict(zip(FEATURES, measured([piece]).features[0].tolist(), strict=True))


def test_a_rectangle_has_the_sides_that_it_was_drawn_with():
    found = measured([thing_of(np.ones((10, 40), bool))])
    values = dict(zip(FEATURES, found.features[0].tolist(), strict=True))
    assert np.exp(values["log_length"]) == pytest.approx(40)
    assert np.exp(values["log_width"]) == pytest.approx(10)
    assert np.exp(values["log_area"]) == pytest.approx(400)
    assert found.pixels[0] == 400
    assert values["aspect"] == pytest.approx(4)
    assert (values["taper"], values["skew"]) == pytest.approx((0, 0), abs=1e-9)
    assert (values["holes"], values["limbs"], values["parts"]) == pytest.approx((0, 0, 1))
    assert found.angle[0] % 180 == pytest.approx(0)


def test_a_ring_has_the_hole_that_it_was_drawn_with():
    whole, hole = ellipse(20, 20), np.zeros((41, 41), bool)
    hole[12:29, 12:29] = ellipse(8, 8)
    share = hole.sum() / whole.sum()
    assert features_of(thing_of(whole & ~hole))["holes"] == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("legs", [0, 2, 6])
def test_legs_are_counted(legs):
    drawn = np.zeros((90, 120), np.uint8)
    cv2.ellipse(drawn, (60, 45), (40, 14), 0, 0, 360, 1, -1)
    for number in range(legs):
        x = 40 + 20 * (number // 2)
        cv2.line(drawn, (x, 45), (x, 5 if number % 2 else 85), 1, 3)
    left, top, width, height = cv2.boundingRect(drawn)
    piece = thing_of(drawn[top : top + height, left : left + width] > 0)
    assert features_of(piece)["limbs"] == legs


def test_contrast_and_colour_are_those_of_its_own_pixels():
    mask = ellipse(30, 14, 25)
    piece = thing_of(mask, seed=3)
    own = piece.thing.mask
    values = features_of(piece)
    contrast = piece.thing.contrast[own].astype(float)
    pixels = piece.thing.pixels[own].astype(float)
    away = pixels - 200
    assert values["contrast"] == pytest.approx(contrast.mean())
    assert values["contrast_cv"] == pytest.approx(contrast.std() / contrast.mean())
    assert values["level"] == pytest.approx((pixels @ GREY).mean(), abs=0.5)
    assert values["ground_level"] == pytest.approx(200)
    assert values["red_green"] == pytest.approx((away[:, 0] - away[:, 1]).mean() / contrast.mean())
    top = np.sort(contrast)[int(0.95 * len(contrast))]
    assert values["contrast_top"] == pytest.approx(top / contrast.mean())
    assert values["direction"] < 0
    assert values["opposed"] == 0


def test_an_animal_out_of_focus_has_a_wider_edge():
    sharp = thing_of(ellipse(30, 20), margin=20)
    soft = cv2.GaussianBlur(sharp.thing.pixels, (0, 0), 4)
    blurred = Piece(
        Thing(0, 0, soft, sharp.thing.ground, sharp.thing.contrast, sharp.thing.mask, 9.0),
        *(sharp.mask, 20, 20),
    )
    narrow, wide = measured([sharp, blurred]).edge_width
    assert narrow < 5
    assert wide > 8


def test_each_is_measured_as_if_it_were_alone():
    rng = np.random.default_rng(5)
    pieces = [
        thing_of(
            ellipse(int(across), int(rng.integers(2, across + 1)), float(rng.uniform(0, 180))),
            seed=number,
            margin=int(rng.integers(0, 6)),  # some end at the edge of the photo
            shade=rng.integers(20, 190, 3),
        )
        for number, across in enumerate(rng.integers(4, 70, 60))
    ]
    together = measured(pieces)
    for number, piece in enumerate(pieces):
        alone = measured([piece])
        np.testing.assert_allclose(together.features[number], alone.features[0], rtol=1e-6)
        assert together.edge_width[number] == pytest.approx(alone.edge_width[0])
        assert together.angle[number] == alone.angle[0]


def test_of_nothing_nothing_is_measured():
    assert measured([]).features.shape == (0, len(FEATURES))
