"""What lies on a photo is cut out whole, in bands of any height."""

import cv2
import numpy as np
import pytest

from berlese.specimens.bands import BLOCK, Sweep
from berlese.specimens.dish import Dish
from berlese.specimens.floor import ground_of, stretched
from berlese.specimens.segment import Pixels


def photo_with(ellipses, width=700, height=900, noise=2.0, seed=0):
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 180.0)
    for centre, axes, angle in ellipses:
        cv2.ellipse(image, centre, axes, angle, 0, 360, (70, 60, 50), -1)
    return np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def sweep_of(image, rows=BLOCK, **options):
    photo = Pixels(image)
    ground = stretched(ground_of(photo.shrunk(1024)), photo.width, photo.height)
    return Sweep(photo, ground, 16, rows=rows, **options)


ANIMALS = [
    ((100, 128), (40, 14), 90),  # across the first seam
    ((300, 256), (30, 10), 10),  # along a seam
    ((500, 400), (150, 60), 80),  # across two
    ((600, 60), (24, 10), 0),
    ((200, 700), (60, 20), 45),
]


@pytest.mark.parametrize("rows", [BLOCK, 2 * BLOCK, 4 * BLOCK, 8 * BLOCK])
def test_an_animal_across_a_seam_is_one_and_whole(rows):
    things = list(sweep_of(photo_with(ANIMALS), rows).things())
    assert len(things) == len(ANIMALS)
    for centre, axes, angle in ANIMALS:
        truth = np.zeros((900, 700), np.uint8)
        cv2.ellipse(truth, centre, axes, angle, 0, 360, 1, -1)
        best = 0.0
        for thing in things:
            mask = np.zeros(truth.shape, bool)
            height, width = thing.mask.shape
            mask[thing.top : thing.top + height, thing.left : thing.left + width] = thing.mask
            best = max(best, (mask & (truth > 0)).sum() / (mask | (truth > 0)).sum())
        assert best > 0.8


def test_bands_of_any_height_give_the_same_pixels():
    image = photo_with(ANIMALS, noise=6)
    plain = {(t.left, t.top): t for t in sweep_of(image).things()}
    for rows in (2 * BLOCK, 5 * BLOCK):
        other = {(t.left, t.top): t for t in sweep_of(image, rows).things()}
        assert other.keys() == plain.keys()
        for place, thing in plain.items():
            np.testing.assert_array_equal(other[place].mask, thing.mask)
            np.testing.assert_array_equal(other[place].pixels, thing.pixels)


def test_what_is_taller_than_the_rows_kept_is_named_not_cut(monkeypatch):
    monkeypatch.setattr("berlese.specimens.bands.KEPT_ROWS", 256)
    sweep = sweep_of(photo_with([((300, 450), (390, 40), 90), ((500, 100), (30, 10), 0)]))
    assert len(list(sweep.things())) == 1
    ((left, top, right, bottom),) = sweep.tall
    assert top < 70
    assert bottom > 830
    assert left < 265 < 335 < right


def test_only_the_rows_kept_are_in_memory(monkeypatch):
    monkeypatch.setattr("berlese.specimens.bands.KEPT_ROWS", 256)
    sweep = sweep_of(photo_with(ANIMALS, height=2000))
    for _ in sweep.things():
        assert sum(len(band.pixels) for band in sweep._kept) <= 256 + BLOCK


def test_noise_alone_is_nothing():
    assert list(sweep_of(photo_with([], noise=8)).things()) == []


def test_one_polarity_sees_only_its_own():
    image = photo_with([((200, 200), (40, 14), 0)])
    cv2.ellipse(image, (400, 500), (40, 14), 0, 0, 360, (250, 250, 245), -1)
    tops = {
        polarity: [thing.top for thing in sweep_of(image, polarity=polarity).things()]
        for polarity in ("auto", "dark", "light")
    }
    assert len(tops["auto"]) == 2
    assert [top < 300 for top in tops["dark"]] == [True]
    assert [top > 300 for top in tops["light"]] == [True]


def test_outside_of_the_dish_is_nothing():
    image = photo_with([((350, 450), (40, 14), 0), ((60, 60), (40, 14), 0)])
    (thing,) = sweep_of(image, inside=Dish(350, 450, np.array([300.0]))).things()
    assert thing.top > 400
