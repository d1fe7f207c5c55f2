"""Hard plates: their truth is what is seen, and nothing else is in it."""

import cv2
import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.simulate.beetles import DrawnBeetle
from berlese.simulate.debris import draw_bubble, draw_fibre, draw_grain
from berlese.simulate.plates import GROUNDS, PlateKind, draw_cast, draw_kind, simulate_plate
from berlese.simulate.soil import SOIL_TAXA, simulate_soil_animal


def test_only_taxa_that_were_asked_for_lie_there():
    kind = PlateKind(animals=40, taxa=("Acari", "Larva"))
    photo = simulate_plate(3, kind, size_px=700)
    assert {each.taxon for each in photo.specimens} == {"Acari", "Larva"}


def test_the_same_seed_gives_the_same_plate():
    first, second = simulate_plate(3, size_px=400), simulate_plate(3, size_px=400)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert [each.box for each in first.specimens] == [each.box for each in second.specimens]


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_animal_can_be_told_from_its_ground(ground):
    kind = PlateKind(ground=ground, animals=60, grains=0, fibres=0, bubbles=0, clumped=0)
    photo = simulate_plate(5, kind, size_px=500)
    assert len(photo.specimens) >= 8
    floor = np.median(photo.pixels.reshape(-1, 3), axis=0)
    for each in photo.specimens:
        box = each.box
        inside = photo.pixels[box.top : box.bottom, box.left : box.right][each.mask]
        assert np.abs(inside - floor).mean() > 12


def test_boxes_are_tight_around_masks_and_polygons():
    for each in simulate_plate(8, PlateKind(animals=60), size_px=450).specimens:
        assert each.mask.shape == (each.box.height, each.box.width)
        edges = (each.mask[0], each.mask[-1], each.mask[:, 0], each.mask[:, -1])
        assert all(edge.any() for edge in edges)
        low, high = each.polygon.min(axis=0), each.polygon.max(axis=0)
        np.testing.assert_allclose(low, [each.box.left + 0.5, each.box.top + 0.5])
        np.testing.assert_allclose(high, [each.box.right - 0.5, each.box.bottom - 0.5])


def test_dirt_rulers_and_bubbles_are_not_in_the_truth():
    kind = PlateKind(animals=0, grains=60, fibres=5, bubbles=5, rim=True, ruler=True, glare=True)
    photo = simulate_plate(2, kind, size_px=600)
    assert photo.specimens == ()
    assert photo.pixels.std() > 3


def test_animals_come_in_the_sizes_asked_for_with_large_beetles_among_them():
    kind = PlateKind(length_px=(20, 30), animals=20, beetles=3, clumped=0)
    lengths = [each.length_px for each in simulate_plate(4, kind, size_px=1300).specimens]
    assert sum(length >= 300 for length in lengths) >= 1
    assert sum(20 <= length <= 30 for length in lengths) >= 25


def test_kinds_of_plates_cover_all_grounds():
    kinds = [draw_kind(np.random.default_rng(seed)) for seed in range(60)]
    assert {kind.ground for kind in kinds} == set(GROUNDS)
    assert min(kind.length_px[0] for kind in kinds) < 30


def test_a_cast_is_laid_again_and_again_at_the_lengths_asked_for():
    cast = draw_cast(20, np.random.default_rng(3))
    before = [each.colour.copy() for each in cast]
    kind = PlateKind("dark", (30, 45), animals=60, grains=0, fibres=0, bubbles=0, clumped=0)
    photo = simulate_plate(5, kind, size_px=700, cast=cast)
    assert len(photo.specimens) > len(cast)
    floor = np.median(photo.pixels.reshape(-1, 3), axis=0)
    for each in photo.specimens:
        assert 30 <= each.length_px <= 45
        assert np.hypot(each.box.width, each.box.height) > 0.6 * each.length_px
        box = each.box
        inside = photo.pixels[box.top : box.bottom, box.left : box.right][each.mask]
        assert inside.mean() > floor.mean() or each.taxon not in SOIL_TAXA
    for one, other in zip(before, cast, strict=True):
        np.testing.assert_array_equal(one, other.colour)


def test_animals_of_a_cast_lie_at_any_angle():
    cast = [
        each for each in draw_cast(20, np.random.default_rng(3)) if each.taxon == "Poduromorpha"
    ]
    kind = PlateKind("white", (60, 61), animals=80, grains=0, fibres=0, bubbles=0, clumped=0)
    photo = simulate_plate(6, kind, size_px=900, cast=cast)
    angles = [cv2.minAreaRect(each.polygon.astype(np.float32))[2] for each in photo.specimens]
    assert len(angles) > 20
    assert np.histogram(np.mod(angles, 90), bins=3, range=(0, 90))[0].min() > 2


def test_others_hide_no_more_of_an_animal_than_was_asked_for():
    disc = np.zeros((61, 61), np.float32)
    cv2.circle(disc, (30, 30), 28, 1.0, -1)
    black = DrawnBeetle("Carabidae", np.repeat(disc[..., None] * 9, 3, axis=2), disc, 57.0)
    kind = PlateKind(
        ground="white",
        length_px=(57, 57),
        animals=60,
        grains=0,
        fibres=0,
        bubbles=0,
        clumped=1.0,
        most_overlap=0.3,
    )
    shown = [
        each.mask.sum() / disc.sum()
        for seed in range(6)
        for each in simulate_plate(seed, kind, size_px=500, cast=[black]).specimens
    ]
    assert len(shown) > 100
    assert min(shown) > 0.65  # 0.7 but for the edges, which turning makes soft
    assert sum(share < 0.8 for share in shown) > 5


def test_what_has_the_colour_of_the_ground_beyond_an_animal_is_no_part_of_it():
    kind = PlateKind(
        ground="dark", length_px=(90, 90), animals=9, grains=0, fibres=0, bubbles=0, clumped=0
    )
    empty = simulate_plate(2, kind, size_px=500, cast=[_bar((200, 200, 200))])
    floor = np.median(empty.pixels.reshape(-1, 3), axis=0)
    for colour, least, most in (((200, 200, 200), 80, 105), (floor, 30, 55)):
        photo = simulate_plate(2, kind, size_px=500, cast=[_bar(colour)])
        lengths = [cv2.minAreaRect(each.polygon.astype(np.float32))[1] for each in photo.specimens]
        assert len(lengths) >= 3
        assert all(least < max(each) < most for each in lengths), lengths


def _bar(end) -> DrawnBeetle:
    """Pale on one half, `end` on the other; 90 by 20 pixels."""
    alpha = np.zeros((30, 100), np.float32)
    alpha[5:25, 5:95] = 1
    colour = np.full((30, 100, 3), 200, np.float32)
    colour[:, 50:] = end
    return DrawnBeetle("Carabidae", colour * alpha[..., None], alpha, 90.0)


def test_an_unknown_ground_is_refused():
    with pytest.raises(SettingError, match="velvet"):
        simulate_plate(1, PlateKind(ground="velvet"), size_px=300)
    with pytest.raises(SettingError, match="Pisces"):
        simulate_plate(1, PlateKind(taxa=("Acari", "Pisces")), size_px=300)
    with pytest.raises(SettingError, match="size_px"):
        simulate_plate(1, size_px=50)


@pytest.mark.parametrize("taxon", SOIL_TAXA)
@pytest.mark.parametrize("length", [24, 240])
def test_a_soil_animal_is_about_as_long_as_asked(taxon, length):
    rng = np.random.default_rng(7)
    animal = simulate_soil_animal(taxon, length, np.array([90.0, 80.0, 70.0]), rng)
    assert animal.alpha.min() >= 0
    assert animal.alpha.max() <= 1
    points = np.argwhere(animal.alpha > 0.5)[:, ::-1].astype(np.float32)
    longest = max(cv2.minAreaRect(points)[1])
    assert 0.45 * length < longest < 2.2 * length  # curled larvae are shorter, antennae add


@pytest.mark.parametrize("draw", [draw_grain, draw_fibre, draw_bubble])
def test_debris_stays_within_its_frame(draw):
    rng = np.random.default_rng(1)
    for _ in range(20):
        alpha, colour = draw(rng, np.full(3, 180.0), 60)
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        assert alpha.max() > 0.1
        assert colour.shape in {(3,), (*alpha.shape, 3)}
        edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert (edge < 0.6).all()
