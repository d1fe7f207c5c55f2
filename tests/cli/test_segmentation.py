"""`berlese segment PHOTO... --out`: its settings as words, and what it leaves in a folder."""

import json
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from berlese.cli.segmentation import names_below_common_folder, settings_with
from berlese.errors import SettingError
from berlese.photos.identity import sha256_of
from berlese.specimens.segment import SegmentSettings
from berlese.survey import searching
from tests.drawing import dish, save


def test_nothing_given_are_the_defaults():
    assert settings_with(None, None, "auto", "auto") == SegmentSettings()


def test_a_dish_is_three_numbers():
    settings = settings_with(None, 0.5, "light", "0.5,0.48,0.4")
    assert settings.dish == (0.5, 0.48, 0.4)
    assert settings.polarity == "light"
    assert settings.min_length_mm == 0.5


@pytest.mark.parametrize("dish", ["round", "1,2", "0.5,0.5,x", ""])
def test_another_dish_is_refused_with_what_is_expected(dish):
    with pytest.raises(SettingError, match=r"X,Y,RADIUS.*got"):
        settings_with(None, None, "auto", dish)


def test_a_length_out_of_range_is_refused_by_name():
    with pytest.raises(SettingError, match=r"min_length_mm.*-1"):
        settings_with(None, -1, "auto", "auto")


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/1.jpg"], ["1.jpg"]),
        (["a/1.jpg", "a/2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["a/1.jpg", "a/b/1.jpg"], ["1.jpg", "b/1.jpg"]),
        (["a/../b/1.jpg", "./a/1.jpg"], ["b/1.jpg", "a/1.jpg"]),
        ([], []),
    ],
)
def test_photos_are_named_from_the_folder_that_holds_them_all(paths, names):
    assert names_below_common_folder([Path(path) for path in paths]) == names


def test_photos_of_one_name_stay_two_and_pycocotools_finds_both(berlese, tmp_path):
    for folder, animals in (("may", 3), ("june", 5)):
        save(tmp_path / "photos" / folder / "1.png", dish(animals, animals))
    out = tmp_path / "found"
    result = berlese("segment", tmp_path / "photos", "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    coco = COCO(out / "specimens.json")
    counts = {
        image["file_name"]: len(coco.getAnnIds(imgIds=[image["id"]]))
        for image in coco.loadImgs(coco.getImgIds())
    }
    assert counts == {"june/1.png": 5, "may/1.png": 3}
    assert all((tmp_path / "photos" / name).is_file() for name in counts)


def test_a_new_segmentation_leaves_no_picture_of_an_old_one(berlese, tmp_path):
    kept = save(tmp_path / "photos" / "kept.png", dish(1, 6))
    gone = save(tmp_path / "photos" / "gone.png", dish(2, 3))
    out = tmp_path / "found"
    assert berlese("segment", tmp_path / "photos", "--out", out, "--quiet").exit_code == 0
    assert len(list(out.glob("crops/*/*.png"))) == 9
    notes = out / "crops" / f"kept-{sha256_of(kept)[:8]}" / "notes.txt"
    notes.write_text("a person's", encoding="utf-8")
    gone.unlink()
    options = ("--overwrite", "--quiet", "--min-length-px", "300")
    assert berlese("segment", tmp_path / "photos", "--out", out, *options).exit_code == 0
    assert json.loads((out / "specimens.json").read_bytes())["annotations"] == []
    assert list(out.glob("crops/*/*")) == [notes]
    assert [each.name for each in out.glob("overlays/*")] == [f"{notes.parent.name}.jpg"]


def test_pictures_of_a_person_in_the_folder_stay_whatever_they_are_called(
    berlese, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "plate.png", dish(1))
    out = tmp_path / "found"
    mine = [out / "crops" / "beetles-20240501" / "0001.png", out / "overlays" / "day-20240501.jpg"]
    for path in mine:
        save(path, dish(2))
    for options in ((), ("--overwrite",)):
        assert (
            berlese("segment", tmp_path / "photos", "--out", out, "--quiet", *options).exit_code
            == 0
        )
        assert all(path.is_file() for path in mine)


def test_empty_photos_and_those_that_cannot_be_opened_are_named(berlese, tmp_path):
    photos = tmp_path / "photos"
    save(photos / "empty.png", dish(1, 0))
    (photos / "IMG_1.HEIC").write_bytes(b"?")
    done = berlese("segment", photos, "--out", tmp_path / "out", "--json")
    unopened, empty = json.loads(done.stdout)["notes"]
    assert "cannot be opened: 'IMG_1.HEIC'" in unopened
    assert "No animal was found on 1 photo: 'empty.png'" in empty
    only = tmp_path / "phone"
    only.mkdir()
    (only / "IMG_2.HEIC").write_bytes(b"?")
    failed = berlese("segment", only, "--out", tmp_path / "other", "--json")
    assert "'IMG_2.HEIC'" in json.loads(failed.stdout)["failures"][0]["reason"]


@pytest.mark.parametrize(("options", "at_a_time"), [((), 2), (("--jobs", "1"), 1)])
def test_jobs_are_photos_searched_at_a_time(
    bundle, berlese, tmp_path, monkeypatch, options, at_a_time
):
    asked = []

    def one_by_one(function, items, jobs):
        asked.append(jobs)
        return map(function, items)

    monkeypatch.setattr(searching, "in_processes", one_by_one)
    monkeypatch.setattr(searching, "usable_cpus", lambda: 2)
    monkeypatch.setattr(searching, "PIXELS_A_PROCESS", 1)
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", dish(number, 2))
    for command in (
        ("segment", tmp_path / "photos", "--out", tmp_path / "found"),
        ("run", tmp_path / "photos", "--model", bundle, "--out", tmp_path / "survey"),
        ("segment", tmp_path / "survey", "--overwrite"),
    ):
        result = berlese(*command, "--quiet", *options)
        assert result.exit_code == 0, result.output
    assert asked == [at_a_time] * 3
