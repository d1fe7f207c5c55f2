import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.errors import SettingError
from berlese.simulate.plans import TAXA
from berlese.simulate.surveys import (
    draw_community,
    simulate_library,
    simulate_photo,
    simulate_survey,
)


@pytest.fixture(scope="module")
def photo():
    return simulate_photo(5, n_specimens=40)


def _filled(polygon, shape):
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.floor(polygon).astype(np.int32)], 1)
    return canvas > 0


def _check_truth(photo):
    height, width = photo.pixels.shape[:2]
    taken = np.zeros((height, width), int)
    for animal in photo.specimens:
        box, mask = animal.box, animal.mask
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height
        assert mask.shape == (box.height, box.width)
        for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
            assert edge.any()
        assert animal.polygon.min(axis=0) == pytest.approx([box.left + 0.5, box.top + 0.5])
        assert animal.polygon.max(axis=0) == pytest.approx([box.right - 0.5, box.bottom - 0.5])
        filled = _filled(animal.polygon, (height, width))[
            box.top : box.bottom, box.left : box.right
        ]
        assert not (mask & ~filled).any()
        taken[box.top : box.bottom, box.left : box.right] += mask
    assert taken.max(initial=0) <= 1  # a pixel shows one animal


def test_a_photo_holds_what_was_asked_for(photo):
    assert photo.pixels.shape == (1600, 1600, 3)
    assert photo.pixels.dtype == np.uint8
    assert 36 <= len(photo.specimens) <= 40
    assert {animal.taxon for animal in photo.specimens} <= set(TAXA)
    assert (photo.sample, photo.site) == ("S1", "site-1")


def test_masks_boxes_and_polygons_agree(photo):
    _check_truth(photo)


def test_masks_lie_on_the_animals(photo):
    grey = photo.pixels.astype(float).min(axis=2)
    for animal in photo.specimens:
        box = animal.box
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        inside = np.median(grey[rows, columns][animal.mask])
        outside = np.median(grey[rows, columns][~animal.mask])
        assert inside < outside - 40


def test_animals_overlap_only_a_little(photo):
    boxes = [animal.box for animal in photo.specimens]
    overlaps = [first.iou(second) for i, first in enumerate(boxes) for second in boxes[i + 1 :]]
    assert max(overlaps) < 0.35
    touching = 0
    for animal in photo.specimens:
        ring = cv2.dilate(np.pad(animal.mask, 2).astype(np.uint8), np.ones((3, 3), np.uint8))
        box = animal.box
        for other in photo.specimens:
            if other is animal:
                continue
            left = max(box.left - 2, other.box.left)
            right = min(box.right + 2, other.box.right)
            top = max(box.top - 2, other.box.top)
            bottom = min(box.bottom + 2, other.box.bottom)
            if left >= right or top >= bottom:
                continue
            own = ring[
                top - box.top + 2 : bottom - box.top + 2, left - box.left + 2 : right - box.left + 2
            ]
            beside = other.mask[
                top - other.box.top : bottom - other.box.top,
                left - other.box.left : right - other.box.left,
            ]
            touching += bool((own.astype(bool) & beside).any())
    assert touching // 2 <= 0.2 * len(boxes)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**40), size=st.integers(460, 640), n=st.integers(0, 4))
def test_any_seed_gives_a_sound_photo_and_gives_it_again(seed, size, n):
    first = simulate_photo(seed, size_px=size, n_specimens=n)
    again = simulate_photo(seed, size_px=size, n_specimens=n)
    _check_truth(first)
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert [animal.box for animal in first.specimens] == [animal.box for animal in again.specimens]
    assert len(first.specimens) <= n


def test_photo_k_does_not_depend_on_how_many_photos_are_made():
    small = {"specimens_per_photo": 2, "size_px": 500, "n_sites": 2}
    three = list(simulate_survey(9, n_photos=3, **small))
    two = list(simulate_survey(9, n_photos=2, **small))
    for one, same in zip(two, three, strict=False):
        assert one.pixels.tobytes() == same.pixels.tobytes()
    assert [photo.site for photo in three] == ["site-1", "site-2", "site-1"]
    assert len({photo.name for photo in three}) == len({photo.sample for photo in three}) == 3
    assert (three[0].pixels != three[2].pixels).any()


def test_a_dish_that_is_full_takes_no_more():
    packed = simulate_photo(2, size_px=420, n_specimens=60)
    assert 0 < len(packed.specimens) < 60
    _check_truth(packed)


def test_communities_differ_from_site_to_site_and_are_uneven():
    shares = np.array([draw_community(seed) for seed in range(40)])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares > 0).all()
    assert np.median(shares.max(axis=1) / shares.min(axis=1)) > 5
    assert len(set(shares.argmax(axis=1))) > 4


def test_a_community_of_one_taxon_gives_that_taxon_only():
    only = [float(taxon == "Ptiliidae") for taxon in TAXA]
    photo = simulate_photo(1, size_px=500, n_specimens=5, community=only)
    assert {animal.taxon for animal in photo.specimens} == {"Ptiliidae"}


@pytest.mark.parametrize("community", [[0.0] * 12, [1.0] * 11, [-1.0] + [1.0] * 11])
def test_an_impossible_community_is_refused(community):
    with pytest.raises(SettingError, match="community"):
        simulate_photo(1, size_px=500, n_specimens=1, community=community)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="size_px"):
        simulate_photo(1, size_px=50)
    with pytest.raises(SettingError, match="n_sites"):
        next(simulate_survey(1, n_sites=0))
    with pytest.raises(SettingError, match="per_taxon"):
        next(simulate_library(1, per_taxon=-1))


def test_a_library_holds_every_taxon_and_its_names_are_numbers():
    images = list(simulate_library(3, per_taxon=2))
    assert [image.taxon for image in images] == [taxon for taxon in TAXA for _ in range(2)]
    assert [image.name for image in images[:2]] == ["0001", "0002"]
    assert len({image.pixels.tobytes() for image in images}) == len(images)


def test_library_pictures_do_not_depend_on_how_many_are_made():
    few = next(simulate_library(3, per_taxon=1))
    many = next(simulate_library(3, per_taxon=3))
    assert few.pixels.tobytes() == many.pixels.tobytes()
    other = next(simulate_library(4, per_taxon=1))
    assert few.pixels.tobytes() != other.pixels.tobytes()


def test_library_pictures_look_like_crops_of_photos(photo):
    # The light floor makes up the border of crops of both kinds, the animal their middle.
    def border_and_middle(crop):
        grey = crop.astype(float).mean(axis=2)
        edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        return np.median(edge), np.percentile(grey, 5)

    crops = [image.pixels for image in simulate_library(3, per_taxon=2)]
    cuts = [
        photo.pixels[a.box.top : a.box.bottom, a.box.left : a.box.right] for a in photo.specimens
    ]
    library = np.median([border_and_middle(crop) for crop in crops], axis=0)
    survey = np.median([border_and_middle(cut) for cut in cuts], axis=0)
    np.testing.assert_allclose(library, survey, atol=45)
    assert library[0] - library[1] > 90
