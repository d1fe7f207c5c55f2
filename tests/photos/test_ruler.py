"""Rulers at any angle give their scale; everything else that is striped gives none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from berlese.photos.reading import open_photo
from berlese.photos.ruler import find_ruler
from berlese.simulate.rulers import TICKS_OF_KIND, lay_ruler

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def table(seed=0, side=900):
    """A grainy grey table with some dark blobs on it."""
    rng = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 190.0)
    for _ in range(25):
        at, radius = rng.integers(0, side, 2), int(rng.integers(5, 25))
        cv2.circle(pixels, tuple(at.tolist()), radius, (60, 50, 40), -1, cv2.LINE_AA)
    return np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)


def seen(pixels, blur=0.6, noise=3.0):
    soft = cv2.GaussianBlur(pixels, (0, 0), blur)
    grain = np.random.default_rng(1).normal(0, noise, pixels.shape)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 118, 163])
def test_a_millimetre_ruler_is_read_at_any_angle(angle):
    scale = 0.091
    laid = lay_ruler(table(), middle=(450, 470), angle_deg=angle, mm_per_pixel=scale)
    ruler = find_ruler(seen(laid))
    assert ruler is not None
    assert ruler.mm_per_pixel == pytest.approx(scale, rel=0.004)
    assert ruler.mm_per_tick == 1
    assert ruler.ticks >= 55
    away = (ruler.angle_deg - angle + 90) % 180 - 90
    assert abs(away) < 1.5


@pytest.mark.parametrize(("kind", "ticks_px"), [("half_mm", 7.3), ("inch", 9.1)])
def test_other_divisions_are_told_by_their_long_ticks(kind, ticks_px):
    scale = TICKS_OF_KIND[kind][1] / ticks_px
    laid = lay_ruler(
        *(table(),), middle=(450, 450), angle_deg=33, mm_per_pixel=scale, kind=kind, n_long=4
    )
    ruler = find_ruler(seen(laid))
    assert ruler is not None
    assert ruler.mm_per_pixel == pytest.approx(scale, rel=0.004)


def test_light_ticks_on_dark_steel_are_read_as_well():
    laid = lay_ruler(table(), middle=(450, 450), angle_deg=70, mm_per_pixel=0.1, dark=True)
    ruler = find_ruler(seen(laid))
    assert ruler is not None
    assert ruler.mm_per_pixel == pytest.approx(0.1, rel=0.004)


def test_a_ruler_that_leaves_the_picture_is_read_by_what_is_seen():
    laid = lay_ruler(table(), middle=(150, 450), angle_deg=10, mm_per_pixel=0.1, n_long=8)
    ruler = find_ruler(seen(laid))
    assert ruler is not None
    assert ruler.mm_per_pixel == pytest.approx(0.1, rel=0.004)


def striped(period, high, side=900, every=None):
    """Equal lines, of which every so many-th is thicker but no longer, as on squared paper."""
    pixels = table(side=side)
    for number, x in enumerate(np.arange(100, side - 100, period)):
        thick = 2 if every and number % every == 0 else 1
        cv2.line(pixels, (round(x), 300), (round(x), 300 + high), (20, 20, 20), thick, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize(
    ("period", "high", "every"), [(8, 40, None), (8, 300, 10), (12, 30, None), (6, 200, 5)]
)
def test_stripes_without_the_pattern_of_a_ruler_are_none(period, high, every):
    assert find_ruler(seen(striped(period, high, every=every))) is None


def test_a_barcode_is_no_ruler():
    rng = np.random.default_rng(4)
    pixels, x = table(), 200
    while x < 700:
        wide = int(rng.integers(1, 4)) * 3
        cv2.rectangle(pixels, (x, 300), (x + wide - 1, 400), (15, 15, 15), -1)
        x += wide + int(rng.integers(1, 4)) * 3
    assert find_ruler(seen(pixels)) is None


def test_an_empty_table_and_noise_are_none():
    assert find_ruler(table()) is None
    noise = np.random.default_rng(0).integers(0, 255, (500, 700, 3)).astype(np.uint8)
    assert find_ruler(noise) is None
    assert find_ruler(np.full((20, 30, 3), 128, np.uint8)) is None


@pytest.mark.parametrize("name", ["bulk", "inselect"])
def test_real_photos_without_a_ruler_offer_none(name):
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    photos = sorted(folder.glob("*.jpg"))
    assert photos
    for photo in photos:
        assert find_ruler(open_photo(photo).shrunk(1600)) is None
