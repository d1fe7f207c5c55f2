"""What is kept of how photos were taken, and when they are looked at again."""

import numpy as np
import pytest
from sqlalchemy import select

from berlese.simulate.rulers import lay_ruler
from berlese.specimens.segment import SegmentSettings
from berlese.survey.imaging import look_at_photos, offered_scales
from berlese.survey.report import write_report
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.tables import Photo, current_specimens
from tests.drawing import dish, save


def test_photos_are_looked_at_once_and_again_when_segmented_anew(survey, tmp_path, monkeypatch):
    save(tmp_path / "photos" / "a.png", dish(0, 4))
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    calls = []
    from berlese.survey import imaging

    def counting(small, outlines):
        calls.append(len(outlines))
        return look_at_ground(small, outlines)

    look_at_ground = imaging.look_at_ground
    monkeypatch.setattr(imaging, "look_at_ground", counting)
    first = look_at_photos(survey)
    assert look_at_photos(survey) == first
    assert calls == [4]
    segment_photos(survey, SegmentSettings(min_length_px=20))
    look_at_photos(survey)
    assert len(calls) == 2


def test_each_animal_has_a_look_and_the_photo_their_medians(survey, tmp_path):
    save(tmp_path / "photos" / "a.png", dish(0, 5))
    add_photos(survey, [tmp_path / "photos"], mm_per_pixel=0.5)
    segment_photos(survey)
    (photo,) = look_at_photos(survey)
    edges = sorted(animal.edge_px for animal in photo.animals)
    assert photo.median("edge_px") == edges[2]
    assert 1 < edges[2] < 4.5
    figures = photo.to_dict()
    assert figures["length_mm"] == 0.5 * figures["length_px"]
    assert 0.8 < figures["ground_evenness"] <= 1


def test_a_photo_that_is_gone_is_said_and_the_others_are_looked_at(survey, tmp_path):
    for name in "ab":
        save(tmp_path / "photos" / f"{name}.png", dish(ord(name), 3))
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    (tmp_path / "photos" / "a.png").unlink()
    gone, there = look_at_photos(survey)
    assert gone.ground is None
    assert "does not exist" in gone.reason
    assert there.ground is not None


def test_specimens_without_a_look_get_one_from_their_crops(survey, tmp_path):
    save(tmp_path / "photos" / "a.png", dish(0, 3))
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    before = look_at_photos(survey)
    with survey.writing() as session:
        for row in session.scalars(current_specimens()):
            row.look = None
        session.scalars(select(Photo)).one().imaging = None
    assert look_at_photos(survey) == before


def test_the_report_says_how_the_photos_were_taken(named):
    page = write_report(named).read_text(encoding="utf-8")
    assert 'id="imaging"' in page
    assert "lengths are in pixels only" in page


def test_a_ruler_is_offered_for_photos_without_a_scale_alone(survey, tmp_path):
    pixels = np.full((700, 900, 3), 222, np.uint8)
    for name, scale in (("a", 0.08), ("b", 0.1)):
        laid = lay_ruler(pixels, middle=(450, 350), angle_deg=20, mm_per_pixel=scale, n_long=5)
        save(tmp_path / "photos" / f"{name}.png", laid)
    add_photos(survey, [tmp_path / "photos"])
    add_photos(survey, [tmp_path / "photos" / "b.png"], mm_per_pixel=0.1)
    offers = offered_scales(survey)
    assert [path.rsplit("/", 1)[-1] for path in offers] == ["a.png"]
    assert next(iter(offers.values())) == pytest.approx(0.08, rel=0.005)
    assert all(photo.mm_per_pixel in (None, 0.1) for photo in look_at_photos(survey))


def test_a_very_narrow_photo_is_looked_at(survey, tmp_path):
    strip = np.random.default_rng(0).integers(200, 220, (16, 40_000, 3)).astype(np.uint8)
    save(tmp_path / "photos" / "strip.png", strip)
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    (seen,) = look_at_photos(survey)
    assert seen.reason == ""
    assert 80 < seen.ground["level"] < 88  # sRGB 200 to 220
