"""Crops of a former segmentation go, but for those that a person spoke of."""

from pathlib import Path

import numpy as np
from sqlalchemy import select

from berlese.specimens.segment import SegmentSettings
from berlese.survey.reviewing import GivenName, add_names
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Specimen
from tests.drawing import dish, save


def crops_of(survey: Survey) -> set[str]:
    return {path.relative_to(survey.folder).as_posix() for path in survey.crops.rglob("*.png")}


def test_crops_that_nobody_refers_to_are_removed(survey: Survey, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", dish(0, 5))
    add_photos(survey, [tmp_path / "photos"])
    segment_photos(survey)
    before = crops_of(survey)
    assert len(before) == 5
    folder = survey.folder / min(before)
    notes = save(folder.with_name("my drawing.png"), dish(1, 1))
    left_by_a_killed_run = save(folder.with_name(f"{'ab' * 10}.png"), dish(1, 1))
    with survey.reading() as session:
        spoken = min(session.scalars(select(Specimen.id)))
    add_names(survey, [GivenName(spoken, "Carabidae", "validated", "sheet")], "Ada")
    # nothing is that long: all five are gone
    segment_photos(survey, SegmentSettings(min_length_px=5000))
    kept = [path for path in before if spoken in path]
    assert crops_of(survey) == {*kept, notes.relative_to(survey.folder).as_posix()}
    assert not left_by_a_killed_run.exists()
    segment_photos(survey)
    assert crops_of(survey) == before | {notes.relative_to(survey.folder).as_posix()}


def test_photos_without_an_animal_are_named(survey: Survey, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png", dish(0, 5))
    save(tmp_path / "photos" / "empty.png", dish(1, 0))
    save(tmp_path / "photos" / "nothing.png", np.full((300, 400, 3), 180, np.uint8))
    add_photos(survey, [tmp_path / "photos"])
    (note,) = segment_photos(survey).notes
    assert note == (
        "No animal was found on 2 photos: 'empty.png', 'nothing.png'. Look whether there is one."
    )
    assert segment_photos(survey).notes == (note,)
