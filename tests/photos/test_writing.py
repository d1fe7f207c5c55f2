"""Files are written whole or not at all, and pictures come back as they went in."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from berlese.errors import SettingError
from berlese.photos.reading import decode_image, open_photo
from berlese.photos.writing import (
    all_or_none,
    atomic_folder,
    atomic_write,
    remove_file,
    write_jpeg,
    write_png,
    write_text_atomic,
)
from tests.photos.files import picture

sides = st.integers(16, 40)
PICTURES = st.tuples(sides, sides).flatmap(lambda shape: arrays(np.uint8, (*shape, 3)))


@settings(max_examples=50, deadline=None)
@given(pixels=PICTURES)
def test_png_keeps_every_pixel(pixels, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.png"
    write_png(path, pixels)
    np.testing.assert_array_equal(open_photo(path).pixels(), pixels)
    np.testing.assert_array_equal(decode_image(path), pixels)


def test_grey_arrays_are_written_the_right_way_round(tmp_path):
    grey = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
    write_png(tmp_path / "a.png", grey)
    np.testing.assert_array_equal(decode_image(tmp_path / "a.png")[..., 1], grey)


def test_jpeg_is_near_at_high_quality_and_smaller_at_low(tmp_path):
    image = picture(96, 128)
    write_jpeg(tmp_path / "high.jpg", image, 97)
    write_jpeg(tmp_path / "low.jpg", image, quality=30)
    centres = (slice(4, None, 8), slice(4, None, 8))
    near = np.abs(decode_image(tmp_path / "high.jpg")[centres].astype(int) - image[centres])
    assert near.mean() < 12
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size


@pytest.mark.parametrize("write", [write_png, write_jpeg])
def test_the_same_pixels_give_the_same_bytes(tmp_path, write):
    write(tmp_path / "a", picture())
    write(tmp_path / "b", picture()[:, ::-1][:, ::-1])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8,), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, pixels):
    for write in (write_png, write_jpeg):
        with pytest.raises(SettingError, match="uint8 of shape"):
            write(tmp_path / "a.png", pixels)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [0, 101])
def test_jpeg_quality_is_checked(tmp_path, quality):
    with pytest.raises(SettingError, match="quality"):
        write_jpeg(tmp_path / "a.jpg", picture(), quality)


def test_jpeg_has_a_largest_side(tmp_path):
    with pytest.raises(SettingError, match="65,500"):
        write_jpeg(tmp_path / "a.jpg", np.zeros((1, 65_501, 3), np.uint8))


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_text_atomic(path, "old")
    with pytest.raises(RuntimeError, match="stop"):
        stop_halfway(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def stop_halfway(path):
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")


def test_text_keeps_its_line_ends_and_letters(tmp_path):
    write_text_atomic(tmp_path / "a.csv", "Käfer\r\n🪲\n")
    assert (tmp_path / "a.csv").read_bytes() == "Käfer\r\n🪲\n".encode()


def test_the_file_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text_atomic(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys\n"
        "from berlese.photos.writing import atomic_write\n"
        "with atomic_write(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"
    left = [each.name for each in Path(tmp_path).iterdir() if each != path]
    assert all(name.startswith(".") and name.endswith(".part") for name in left)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_files_written_together_appear_together(tmp_path):
    write_text_atomic(tmp_path / "old", "1")
    write_text_atomic(tmp_path / "gone", "1")
    with all_or_none():
        write_text_atomic(tmp_path / "old", "2")
        write_text_atomic(tmp_path / "new", "2")
        remove_file(tmp_path / "gone")
        remove_file(tmp_path / "never")
        seen = {name: text for name, text in contents(tmp_path).items() if name[0] != "."}
        assert seen == {"old": "1", "gone": "1"}
    assert contents(tmp_path) == {"old": "2", "new": "2"}


def test_an_error_between_files_written_together_leaves_all_as_they_were(tmp_path):
    write_text_atomic(tmp_path / "old", "1")
    write_text_atomic(tmp_path / "gone", "1")
    with pytest.raises(OSError, match="full"), all_or_none():  # noqa: PT012 - each step counts
        write_text_atomic(tmp_path / "old", "2")
        remove_file(tmp_path / "gone")
        write_text_atomic(tmp_path / "new", "2")
        raise OSError("full")
    assert contents(tmp_path) == {"old": "1", "gone": "1"}


def test_an_error_while_files_are_put_in_place_takes_back_those_before(tmp_path):
    for name in ("a", "gone"):
        write_text_atomic(tmp_path / name, "1")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError), all_or_none():  # noqa: PT011, PT012 - of the system
        write_text_atomic(tmp_path / "a", "2")
        write_text_atomic(tmp_path / "b", "2")
        remove_file(tmp_path / "gone")
        write_text_atomic(tmp_path / "folder", "a file cannot take a folder's place")
    (tmp_path / "folder").rmdir()
    assert contents(tmp_path) == {"a": "1", "gone": "1"}


def test_a_folder_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "model"
    for text in ("1", "2"):
        with atomic_folder(place) as part:
            (part / "a").write_text(text)
    assert contents(place) == {"a": "2"}
    with pytest.raises(OSError, match="full"), atomic_folder(place) as part:  # noqa: PT012
        (part / "a").write_text("3")
        raise OSError("full")
    assert contents(place) == {"a": "2"}
    replace = Path.replace

    def jammed(self, target):
        if self.suffix == ".part":
            raise PermissionError("held open")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", jammed)
    with pytest.raises(PermissionError, match="held open"), atomic_folder(place) as part:
        (part / "a").write_text("4")
    assert contents(place) == {"a": "2"}
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("mm_per_pixel", [0.025, 0.01, 0.0005])
def test_a_jpeg_keeps_its_scale_and_its_pixels(tmp_path, mm_per_pixel):
    write_jpeg(tmp_path / "plain.jpg", picture())
    write_jpeg(tmp_path / "scaled.jpg", picture(), mm_per_pixel=mm_per_pixel)
    assert open_photo(tmp_path / "scaled.jpg").mm_per_pixel == pytest.approx(mm_per_pixel, rel=1e-3)
    assert open_photo(tmp_path / "plain.jpg").mm_per_pixel is None
    plain, scaled = (decode_image(tmp_path / f"{name}.jpg") for name in ("plain", "scaled"))
    np.testing.assert_array_equal(plain, scaled)


def test_the_tag_of_a_scale_is_that_of_the_jfif_standard(tmp_path):
    write_jpeg(tmp_path / "a.jpg", picture(), mm_per_pixel=0.025)
    header = (tmp_path / "a.jpg").read_bytes()[:18]
    assert header[6:11] == b"JFIF\0"
    assert header[13:] == b"\x02\x01\x90\x01\x90"  # centimetres, 400 and 400


@pytest.mark.parametrize("mm_per_pixel", [0.0, -1.0, 7.0, 1e-5, float("nan")])
def test_a_scale_that_the_tag_cannot_hold_is_refused(tmp_path, mm_per_pixel):
    with pytest.raises(SettingError, match="mm per pixel"):
        write_jpeg(tmp_path / "a.jpg", picture(), mm_per_pixel=mm_per_pixel)
    assert not list(tmp_path.iterdir())
