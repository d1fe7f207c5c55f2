"""Whatever lies among the photos, the good ones go on and the bad one is named with its reason."""

import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.drawing import dish, save


def jpeg_cut_at(percent):
    def make(path):
        data = cv2.imencode(".jpg", dish(5)[..., ::-1])[1].tobytes()
        path.write_bytes(data[: len(data) * percent // 100])

    return make


def bomb_png(path):
    """A PNG of a few hundred bytes that declares 60,000 x 60,000 pixels."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def float_tiff(value):
    def make(path):
        image = np.full((64, 64), 0.5, np.float32)
        image[10, 10] = value
        path.write_bytes(cv2.imencode(".tiff", image)[1].tobytes())

    return make


BAD_PHOTOS = {
    "empty.jpg": (lambda path: path.write_bytes(b""), "empty"),
    "text.jpg": (lambda path: path.write_text("a list of animals"), "photo|image|format"),
    "cut10.jpg": (jpeg_cut_at(10), "cut|damaged|incomplete|truncated"),
    "cut50.jpg": (jpeg_cut_at(50), "cut|damaged|incomplete|truncated"),
    "cut99.jpg": (jpeg_cut_at(99), "cut|damaged|incomplete|truncated"),
    "bomb.png": (bomb_png, "pixels"),
    "dot.png": (lambda path: save(path, np.zeros((1, 1, 3), np.uint8)), "small|1 x 1"),
    "line.png": (lambda path: save(path, np.zeros((30_000, 1, 3), np.uint8)), "small|1 x 30"),
    "nan.tiff": (float_tiff(np.nan), "NaN|not a number|finite"),
    "infinite.tiff": (float_tiff(np.inf), "NaN|infinit|finite"),
    "dangling.jpg": (lambda path: path.symlink_to(path.with_name("gone.jpg")), "link|exist|found"),
    "drawing.svg": (
        lambda path: path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>'),
        "photo|image|format",
    ),
}

ODD_NAMES = [
    "with space.png",
    'it\'s "quoted".png',
    "new\nline.png",
    "<b>bold.png",
    "Käfer ü.png",
    "beetle 🪲.png",
    "[page=2].png",
    "-dash.png",
    "UPPER.PNG",
]


def failures_of(survey):
    with (survey / "failures.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(berlese, tmp_path, bundle, *photos):
    survey = tmp_path / "survey"
    result = berlese("run", *photos, "--model", bundle, "--out", survey, "--quiet", "--json")
    return result, survey


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_a_bad_photo_is_listed_and_the_good_one_goes_on(name, berlese, bundle, tmp_path):
    make, words = BAD_PHOTOS[name]
    make(tmp_path / name)
    good = save(tmp_path / "good.png", dish(1, 1))
    result, survey = run(berlese, tmp_path, bundle, tmp_path / name, good)
    assert result.exit_code == 1, result.output
    (row,) = failures_of(survey)
    assert row["file"].endswith(name)
    assert any(word.lower() in row["reason"].lower() for word in words.split("|")), row
    summary = json.loads((survey / "summary.json").read_text(encoding="utf-8"))
    assert (summary["failures"], summary["specimens"]) == (1, 1)


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_a_bad_photo_alone_ends_with_exit_code_two(name, berlese, bundle, tmp_path):
    BAD_PHOTOS[name][0](tmp_path / name)
    result, _ = run(berlese, tmp_path, bundle, tmp_path / name)
    assert result.exit_code == 2, result.output


def test_a_folder_called_like_a_photo_is_searched_and_found_empty(berlese, bundle, tmp_path):
    (tmp_path / "a.jpg").mkdir()
    result, _ = run(berlese, tmp_path, bundle, tmp_path / "a.jpg")
    assert result.exit_code == 2
    assert "a.jpg" in result.output


def test_an_unreadable_file_is_listed(berlese, bundle, tmp_path, monkeypatch):
    secret = save(tmp_path / "secret.png", dish(2))
    good = save(tmp_path / "good.png", dish(1, 1))
    refuse_to_open(monkeypatch, secret)
    result, survey = run(berlese, tmp_path, bundle, secret, good)
    assert result.exit_code == 1, result.output
    (row,) = failures_of(survey)
    assert row["file"].endswith("secret.png")
    assert "permission" in row["reason"].lower()


def refuse_to_open(monkeypatch, path):
    """Tests may run as root, whom no permission bit stops: refuse the one file in Python."""
    import builtins
    import io
    import os

    def guard(original):
        def opened(file, *arguments, **options):
            if isinstance(file, str | os.PathLike) and os.fspath(file) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return original(file, *arguments, **options)

        return opened

    monkeypatch.setattr(io, "open", guard(io.open))
    monkeypatch.setattr(builtins, "open", guard(builtins.open))
    monkeypatch.setattr(os, "open", guard(os.open))
    monkeypatch.setattr(os, "access", lambda file, mode, **_: os.fspath(file) != str(path))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_ordinary_photos(name, berlese, bundle, tmp_path):
    photo = save(tmp_path / "photos" / name, dish(1, 1))
    result, survey = run(berlese, tmp_path, bundle, photo)
    assert result.exit_code == 0, result.output
    assert json.loads((survey / "summary.json").read_text(encoding="utf-8"))["specimens"] == 1
    report = next(survey.rglob("report.html")).read_text(encoding="utf-8")
    assert "<b>bold" not in report


def test_two_photos_of_one_name_in_two_folders_both_count(berlese, bundle, tmp_path):
    first = save(tmp_path / "north" / "a.png", dish(1, 1))
    second = save(tmp_path / "south" / "a.png", dish(2, 1))
    result, survey = run(berlese, tmp_path, bundle, first, second)
    assert result.exit_code == 0, result.output
    assert json.loads((survey / "summary.json").read_text())["specimens"] == 2


def test_the_same_photo_twice_counts_once(berlese, bundle, tmp_path):
    photo = save(tmp_path / "a.png", dish(1, 1))
    shutil.copy(photo, tmp_path / "copy.png")
    result, survey = run(berlese, tmp_path, bundle, photo, photo, tmp_path / "copy.png")
    assert result.exit_code == 1, result.output
    assert "same content" in failures_of(survey)[0]["reason"]
    summary = json.loads((survey / "summary.json").read_text())
    assert (summary["photos"], summary["specimens"]) == (1, 1)


def libraries(tmp_path, library):
    (tmp_path / "nothing").mkdir()
    shutil.copytree(library / "Longidae", tmp_path / "single" / "Longidae")
    return {"nothing": tmp_path / "nothing", "single": tmp_path / "single"}


@pytest.mark.parametrize(
    ("which", "words"), [("nothing", "no pictures|empty"), ("single", "two|one taxon|one class")]
)
def test_a_library_that_teaches_nothing_is_refused(which, words, berlese, library, tmp_path):
    folder = libraries(tmp_path, library)[which]
    result = berlese("train", folder, "--out", tmp_path / "model")
    assert result.exit_code == 2, result.output
    assert any(word in result.output for word in words.split("|")), result.output
    assert not (tmp_path / "model").exists()


def test_classes_of_one_picture_are_kept(berlese, library, tmp_path):
    shutil.copytree(library, tmp_path / "library")
    save(tmp_path / "library" / "Rara" / "only.png", dish(3)[:64, :64])
    model = tmp_path / "model"
    result = berlese(
        "train", tmp_path / "library", "--out", model, "--backbone", "efficientnet-lite0"
    )
    assert result.exit_code == 0, result.output
    assert "Rara" in json.loads((model / "bundle.json").read_text())["classes"]


def test_a_damaged_library_picture_is_left_out_and_named(berlese, library, tmp_path):
    shutil.copytree(library, tmp_path / "library")
    (tmp_path / "library" / "Longidae" / "broken.jpg").write_bytes(b"\xff\xd8 not a jpeg")
    result = berlese(
        "train",
        tmp_path / "library",
        "--out",
        tmp_path / "model",
        "--backbone",
        "efficientnet-lite0",
    )
    assert result.exit_code == 1, result.output
    assert "broken.jpg" in result.output


def test_a_model_of_another_preprocessing_is_refused(berlese, bundle, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(bundle, other)
    document = json.loads((other / "bundle.json").read_text())
    changed = json.dumps(document).replace(document["backbone_hash"], "0" * 64)
    (other / "bundle.json").write_text(changed)
    photo = save(tmp_path / "good.png", dish(1, 1))
    result = berlese("predict", other, photo, "--out", tmp_path / "names.csv")
    assert result.exit_code == 2, result.output
    assert "backbone" in result.output
    assert not (tmp_path / "names.csv").exists()


@pytest.fixture
def strange_names(tmp_path, monkeypatch):
    """A folder to work in with pictures whose names are a formula and no UTF-8; one is damaged."""
    folder = tmp_path / "pictures"
    save(folder / "=1+1.png", dish(1, 1))
    save(folder / "b.png", dish(2, 1))
    if sys.platform != "linux":
        pytest.skip("other systems take no file name that is not Unicode")
    (folder / "b.png").rename(os.fsdecode(os.fsencode(folder) + b"/\xff.png"))
    Path(os.fsdecode(os.fsencode(folder) + b"/\xfe.png")).write_bytes(b"no picture")
    monkeypatch.chdir(folder)
    return folder


def test_names_become_no_formula_and_need_not_be_utf8(strange_names, bundle, berlese, tmp_path):
    out = tmp_path / "p.csv"
    result = berlese("predict", bundle, "=1+1.png", strange_names, "--out", out)
    assert result.exit_code == 1, result.output
    with out.open(encoding="utf-8", newline="") as file:
        files = [row["file"] for row in csv.DictReader(file)]
    assert files[0] == "'=1+1.png"
    assert files[-1].endswith("\\udcff.png")


def test_every_name_can_be_printed(strange_names, tmp_path):
    command = [sys.executable, "-m", "berlese", "segment", ".", "--out", str(tmp_path / "out")]
    result = subprocess.run([*command, "--json"], capture_output=True, check=False)
    assert result.returncode == 1, result.stderr
    (failure,) = json.loads(result.stdout)["failures"]
    assert os.fsencode(failure["file"]) == b"\xfe.png"
    document = json.loads((tmp_path / "out" / "specimens.json").read_bytes())
    assert [os.fsencode(each["file_name"]) for each in document["images"]] == [
        b"=1+1.png",
        b"\xff.png",
    ]
