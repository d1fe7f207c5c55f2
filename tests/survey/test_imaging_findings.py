"""Each fault of a photo is named, and no other: faults are made on simulated photos."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from berlese.simulate.lineup import simulate_lineup
from berlese.simulate.plans import TAXA
from berlese.specimens.crop import with_margin
from berlese.specimens.ground import look_at_ground
from berlese.specimens.measure import filled
from berlese.specimens.outline import Box
from berlese.specimens.sharpness import look_at
from berlese.survey.imaging import SeenAnimal, SeenPhoto
from berlese.survey.imaging_findings import findings_of


def linear(pixels):
    unit = pixels / 255
    return np.where(unit < 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = np.clip(light, 0, 1)
    unit = np.where(light < 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.clip(unit * 255 + 0.5, 0, 255).astype(np.uint8)


def from_one_side(pixels):
    return encoded(linear(pixels) * np.linspace(1, 0.15, pixels.shape[1])[None, :, None])


FAULTS = {
    "out_of_focus": lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 3.5),
    "overexposed": lambda pixels: encoded(2.2 * linear(pixels)),
    "underexposed": lambda pixels: encoded(0.2 * linear(pixels)),
    "colour_cast": lambda pixels: encoded(linear(pixels) * (1, 0.85, 0.6)),
    "uneven_light": from_one_side,
    "too_small": lambda pixels: cv2.resize(
        pixels, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA
    ),
}


def outline(mask, box):
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(contours, key=len)[:, 0, :] + 0.5 + (box.left, box.top)


@pytest.fixture(scope="module")
def lineup():
    """A photo without a fault and its true outlines."""
    made = simulate_lineup(3, TAXA, cell_px=230, longest_px=95)
    outlines = [
        outline(animal.mask, box) for animal, box in zip(made.animals, made.boxes, strict=True)
    ]
    return made.pixels, outlines, [animal.length_px for animal in made.animals]


def seen(pixels, outlines, lengths, factor=1.0, path="a.jpg", scale=0.01, ruler=None):
    """Look at a photo as the survey does."""
    height, width = pixels.shape[:2]
    animals = []
    for number, (polygon, length) in enumerate(zip(outlines, lengths, strict=True), 1):
        own = factor * polygon
        low, high = np.floor(own.min(axis=0)).astype(int), np.ceil(own.max(axis=0)).astype(int)
        frame = with_margin(Box(*low, *high), width, height)
        crop = pixels[frame.top : frame.bottom, frame.left : frame.right]
        look = look_at(crop, own - (frame.left, frame.top), filled(own, frame))
        animals.append(SeenAnimal(f"a{number}", number, factor * length, **look.to_dict()))
    shrink = 600 / max(height, width)
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    ground = look_at_ground(small, [shrink * factor * polygon for polygon in outlines])
    fields = {name: getattr(ground, name) for name in ground.__slots__}
    return SeenPhoto(path, scale, "stated", ruler, fields, "", tuple(animals))


def test_nothing_is_wrong_with_a_photo_as_it_should_be(lineup):
    assert findings_of([seen(*lineup)]) == []


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_exactly_the_fault_of_a_photo_is_named(lineup, fault):
    pixels, outlines, lengths = lineup
    factor = 0.3 if fault == "too_small" else 1.0
    found = findings_of([seen(FAULTS[fault](pixels), outlines, lengths, factor)])
    assert [finding.fault for finding in found] == [fault]
    assert found[0].advice
    assert any(sign.isdigit() for sign in found[0].seen)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((300, 400, 3), 200, np.uint8), "nothing can be: .* 0 of 100 steps"),
        (np.tile(np.linspace(80, 220, 400).astype(np.uint8)[:, None], (300, 1, 3)), "on it.$"),
    ],
    ids=["one tone", "many tones"],
)
def test_a_photo_of_nothing_is_said(pixels, words):
    found = {each.fault: each for each in findings_of([seen(pixels, [], [])])}
    assert re.search(f"No animal was found .*{words}", found["no_animals"].seen)
    waiting = replace(seen(pixels, [], []), searched=False)
    assert "no_animals" not in {each.fault for each in findings_of([waiting])}


def test_parts_of_something_larger_are_named(lineup):
    photo = replace(seen(*lineup), cut_off=(6, 7, 8))
    (found,) = findings_of([photo])
    assert found.fault == "something_larger"
    assert found.seen.startswith("Number 6, 7, 8 are parts of something larger")
    soft = [replace(each, edge_px=20.0) if each.number == 7 else each for each in photo.animals]
    assert findings_of([replace(photo, animals=tuple(soft))]) == [found]  # and nothing of focus


def test_nothing_is_said_of_the_evenness_of_a_black_photo():
    black = np.zeros((300, 400, 3), np.uint8)
    faults = {each.fault for each in findings_of([seen(black, [], [])])}
    assert faults == {"no_animals", "underexposed"}


def test_sharpness_is_not_said_of_animals_that_hardly_differ_from_the_ground(lineup):
    photo = seen(*lineup)
    pale = [replace(each, edge_px=9.0 if each.number < 3 else None) for each in photo.animals]
    (found,) = findings_of([replace(photo, animals=tuple(pale))])
    assert found.fault == "low_contrast"
    assert found.seen.startswith(f"Only 2 of {len(pale)} animals differ enough")
    assert replace(photo, animals=tuple(pale)).to_dict()["edge_px"] is None
    (two,) = findings_of([replace(photo, animals=tuple(pale[:2]))])
    assert two.fault == "out_of_focus"


def test_a_photo_that_differs_from_the_others_is_the_odd_one(lineup):
    pixels, outlines, lengths = lineup
    darker = encoded(0.6 * linear(pixels))
    photos = [seen(*lineup, path=f"{number}.jpg") for number in range(5)]
    photos.append(seen(darker, outlines, lengths, path="odd.jpg"))
    found = findings_of(photos)
    assert [(finding.photo, finding.fault) for finding in found] == [("odd.jpg", "odd_light")]
    assert "darker than on the other photos" in found[0].seen


def test_a_softer_photo_among_sharp_ones_is_the_odd_one(lineup):
    pixels, outlines, lengths = lineup
    softer = cv2.GaussianBlur(pixels, (0, 0), 1.7)
    photos = [seen(*lineup, path=f"{number}.jpg") for number in range(5)]
    photos.append(seen(softer, outlines, lengths, path="soft.jpg"))
    found = [(finding.photo, finding.fault) for finding in findings_of(photos)]
    assert found == [("soft.jpg", "odd_sharpness")]


def test_four_photos_are_too_few_to_say_what_is_usual(lineup):
    pixels, outlines, lengths = lineup
    photos = [seen(*lineup, path=f"{number}.jpg") for number in range(3)]
    photos.append(seen(encoded(0.6 * linear(pixels)), outlines, lengths, path="odd.jpg"))
    assert findings_of(photos) == []


def test_animals_that_lie_out_of_the_plane_of_focus_are_named_one_by_one(lineup):
    pixels, outlines, lengths = lineup
    soft = pixels.copy()
    blurred = cv2.GaussianBlur(pixels, (0, 0), 4)
    for number in (1, 4):
        low = outlines[number].min(axis=0).astype(int) - 20
        high = outlines[number].max(axis=0).astype(int) + 20
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        soft[part] = blurred[part]
    found = findings_of([seen(soft, outlines, lengths)])
    assert [finding.fault for finding in found] == ["animals_out_of_focus"]
    assert "2 of 12 animals" in found[0].seen
    assert "number 2, 5" in found[0].seen


def test_black_silhouettes_are_told_from_a_dark_photo(lineup):
    pixels, outlines, lengths = lineup
    hard = np.where(pixels < 120, 0, pixels).astype(np.uint8)
    found = findings_of([seen(hard, outlines, lengths)])
    assert [finding.fault for finding in found] == ["black_animals"]


def test_photos_without_scale_and_files_that_are_gone_are_said(lineup):
    gone = SeenPhoto("gone.jpg", 0.01, "stated", None, None, "does not exist", ())
    found = findings_of([seen(*lineup, scale=None), gone])
    assert [(finding.photo, finding.fault) for finding in found] == [
        ("gone.jpg", "unreadable"),
        ("a.jpg", "no_scale"),
    ]
    assert found[1].seen.startswith("It has no scale")
    two = findings_of([seen(*lineup, scale=None), seen(*lineup, scale=None, path="b.jpg")])
    assert two[0].seen.startswith("It and 1 other have no scale")


def test_a_rulers_scale_is_offered_and_held_against_the_stated_one(lineup):
    (offer,) = findings_of([seen(*lineup, scale=None, ruler=0.0123)])
    assert offer.fault == "scale_offered"
    assert "`berlese add SURVEY PHOTO --mm-per-pixel 0.0123`" in offer.advice
    assert findings_of([seen(*lineup, scale=0.0122, ruler=0.0123)]) == []
    (differs,) = findings_of([seen(*lineup, scale=0.02, ruler=0.0123)])
    assert differs.fault == "scale_differs"
    assert "(stated)" in differs.seen
