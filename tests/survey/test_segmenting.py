"""What a person spoke of stays: crops of a former segmentation, and names, or it is told."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from berlese.specimens.outline import Specimen as FoundSpecimen
from berlese.specimens.segment import SegmentSettings
from berlese.survey import searching, segmenting
from berlese.survey.reviewing import GivenName, add_names, animals_of
from berlese.survey.segmenting import outlined
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


def test_a_photo_whose_animals_cannot_be_taken_in_stops_no_other(
    survey: Survey, tmp_path: Path, monkeypatch
) -> None:
    for number in range(2):
        save(tmp_path / "photos" / f"{number}.png", dish(number, 3))
    add_photos(survey, [tmp_path / "photos"])
    real, asked = segmenting.as_people_want, []

    def fails_first(*arguments):
        asked.append(arguments)
        if len(asked) == 1:
            raise ValueError("no outline")
        return real(*arguments)

    monkeypatch.setattr(segmenting, "as_people_want", fails_first)
    report = segment_photos(survey)
    assert (report.n_done, [each.reason for each in report.failures]) == (
        1,
        ["ValueError: no outline"],
    )


def test_photos_are_searched_in_processes_as_one_by_one(
    survey: Survey, tmp_path: Path, monkeypatch
) -> None:
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", dish(number, 2 + number))
    add_photos(survey, [tmp_path / "photos"])
    save(tmp_path / "photos" / "1.png", dish(7, 1))  # edited since
    real, jobs = searching.in_processes, []

    def counted(function, items, at_a_time):
        jobs.append(at_a_time)
        return real(function, items, at_a_time)

    monkeypatch.setattr(searching, "in_processes", counted)
    monkeypatch.setattr(searching, "PIXELS_A_PROCESS", 1)
    reports = [segment_photos(survey, overwrite=True, jobs=each) for each in (1, 2)]
    assert jobs == [1, 2]
    assert reports[0] == reports[1]
    assert (reports[1].n_done, len(reports[1].failures)) == (2, 1)
    assert len(animals_of(survey)) == 6


def rectangle(left: float, right: float, bottom: float = 140) -> FoundSpecimen:
    corners = [[left, 100], [right, 100], [right, bottom], [left, bottom]]
    return outlined(np.array(corners, float), 360, 360)


@pytest.fixture
def outlines(survey: Survey, tmp_path: Path, monkeypatch) -> list[FoundSpecimen]:
    """What the next search finds on the only photo of a survey: three animals at first."""
    found = [rectangle(20, 80), rectangle(120, 180), rectangle(220, 280)]
    monkeypatch.setattr(searching, "segment_photo", lambda *_, **__: list(found))
    save(tmp_path / "a.png", dish(0, 5))
    add_photos(survey, [tmp_path / "a.png"])
    segment_photos(survey)
    for animal, taxon in zip(animals_of(survey), ("Araneae", "Acari", None), strict=True):
        status = "validated" if taxon else "discarded"
        given = GivenName(animal.specimen_id, taxon, status, "sheet", insists=True)
        add_names(survey, [given], "Ada")
    return found


def said_of(survey: Survey) -> list[str | None]:
    """The name of every animal that counts now."""
    return [None if each.reviewed is None else each.reviewed.taxon for each in animals_of(survey)]


def test_names_that_go_over_to_no_animal_are_told(survey: Survey, outlines) -> None:
    outlines[:] = [rectangle(20, 45), rectangle(120, 182)]  # 25 of 60 pixels; 60 of 62; gone
    (note,) = segment_photos(survey, overwrite=True).notes
    assert note.startswith("../a.png: what was said of animal 1 (Araneae, by Ada) did not go over")
    assert "stays in the database" in note
    assert said_of(survey) == [None, "Acari"]
    assert segment_photos(survey, overwrite=True).notes == ()  # once is enough
    outlines[0] = rectangle(20, 80)
    assert segment_photos(survey, overwrite=True).notes == ()
    assert said_of(survey) == ["Araneae", "Acari"]  # what was said of it is still there


def test_the_word_that_it_is_no_animal_is_told_where_one_is_found(survey: Survey, outlines) -> None:
    outlines[2] = rectangle(255, 310)
    (note,) = segment_photos(survey, overwrite=True).notes
    assert "animal 3 (discarded, by Ada)" in note


def test_a_name_goes_to_no_part_of_an_animal_that_is_found_to_be_several(
    survey: Survey, outlines
) -> None:
    outlines[0:1] = [rectangle(20, 66), rectangle(67, 80)]  # the larger fills three quarters
    (note,) = segment_photos(survey, overwrite=True).notes
    assert "animal 1 (Araneae, by Ada)" in note
    assert said_of(survey) == [None, None, "Acari", None]


def test_a_crumb_beside_an_animal_does_not_take_its_name(survey: Survey, outlines) -> None:
    outlines[0:1] = [rectangle(20, 77), rectangle(78, 80)]
    assert segment_photos(survey, overwrite=True).notes == ()
    assert said_of(survey) == ["Araneae", None, "Acari", None]
