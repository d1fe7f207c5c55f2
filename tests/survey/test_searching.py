"""Several photos are searched at a time, and give what each gives alone."""

import os
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.photos.identity import sha256_of
from berlese.specimens.segment import SegmentSettings
from berlese.survey import searching
from berlese.survey.searching import (
    BYTES_A_PROCESS,
    PIXELS_A_PROCESS,
    Found,
    Search,
    search_photos,
)
from tests.drawing import dish, save


@pytest.fixture
def searches(tmp_path: Path) -> list[Search]:
    """Three dishes, a file that is no photo, and one that was edited since it was added."""
    for number in range(3):
        save(tmp_path / f"{number}.png", dish(number, 3 + number))
    (tmp_path / "none.png").write_bytes(b"no photo")
    paths = [tmp_path / name for name in ("0.png", "none.png", "1.png", "2.png")]
    settings = SegmentSettings()
    edited = Search(tmp_path / "0.png", settings, sha256="0" * 64)
    added = Search(tmp_path / "2.png", settings, sha256=sha256_of(tmp_path / "2.png"))
    return [*(Search(path, settings) for path in paths), edited, added]


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_photo_gives_its_animals_or_the_reason(searches, jobs):
    found = list(search_photos(searches, pixels=2 * PIXELS_A_PROCESS, jobs=jobs))
    assert [len(each.specimens) for each in found] == [3, 0, 4, 5, 0, 5]
    assert [each.failed is None for each in found] == [True, False, True, True, False, True]
    assert "edited since" in str(found[4].failed)
    alone = next(search_photos(searches[3:4], pixels=1)).specimens
    for one, other in zip(found[3].specimens, alone, strict=True):
        assert one.box == other.box
        np.testing.assert_array_equal(one.polygon, other.polygon)


@pytest.mark.parametrize(
    ("photos", "pixels", "jobs", "expected"),
    [
        (9, 3 * PIXELS_A_PROCESS, 8, 3),
        (2, 9 * PIXELS_A_PROCESS, 8, 2),
        (9, 9 * PIXELS_A_PROCESS, 4, 4),
        (9, PIXELS_A_PROCESS - 1, 8, 0),
    ],
)
def test_processes_are_started_where_they_are_worth_it(monkeypatch, photos, pixels, jobs, expected):
    asked = []

    def in_none(_, items, at_a_time):
        asked.append((len(items), at_a_time))
        return ()

    monkeypatch.setattr(searching, "in_processes", in_none)
    some = [Search(Path("a.png"), SegmentSettings())] * photos
    assert list(search_photos(some, pixels=pixels, jobs=jobs)) == []
    assert asked == [(photos, expected)]


def ends_its_process(search: Search) -> Found:
    """Search a photo, and end the process that searches it, unless it is the tests' own."""
    if search.path.name == "1.png" and parent_process() is not None:
        os._exit(9)
    return Found([], search.path.name)


def test_photos_whose_process_is_killed_are_searched_one_by_one(searches, monkeypatch):
    monkeypatch.setattr(searching, "found_by", ends_its_process)
    found = list(search_photos(searches, pixels=2 * PIXELS_A_PROCESS, jobs=2))
    assert [each.failed for each in found] == [each.path.name for each in searches]


def test_there_must_be_room_for_each_photo(monkeypatch):
    asked = []
    monkeypatch.setattr(searching, "in_processes", lambda _, items, n: asked.append(n) or ())
    monkeypatch.setattr(searching, "usable_cpus", lambda: 5)
    for memory in (None, 3 * BYTES_A_PROCESS):
        monkeypatch.setattr(searching, "memory_size", lambda memory=memory: memory)
        list(search_photos([Search(Path("a.png"), SegmentSettings())] * 9, pixels=10**10))
    assert asked == [5, 3]


def test_no_jobs_are_refused():
    with pytest.raises(SettingError, match="jobs"):
        search_photos([], pixels=0, jobs=0)
