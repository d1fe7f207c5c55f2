"""Frames keep the depth, the profile and the scale that their files have."""

import numpy as np
import pytest
import pyvips

from berlese.errors import SettingError, UnreadablePhotoError, UnsupportedPhotoError
from berlese.photos.frames import FrameKind, open_frame, write_frame, write_numbers
from tests.photos.files import noise, picture, save


def deep(height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 65_536, (height, width, 3), np.uint16)


def test_eight_and_sixteen_bits_come_as_they_are_stored(tmp_path):
    save(tmp_path / "a.png", picture())
    save(tmp_path / "b.tif", deep(), interpretation="rgb16")
    shallow, rich = open_frame(tmp_path / "a.png"), open_frame(tmp_path / "b.tif")
    assert shallow.kind == FrameKind(64, 48, 3, 8)
    assert rich.kind == FrameKind(50, 40, 3, 16)
    np.testing.assert_array_equal(shallow.pixels(), picture())
    np.testing.assert_array_equal(rich.pixels(), deep())


def test_frames_are_upright(tmp_path):
    save(tmp_path / "a.tif", picture(), orientation=6)
    frame = open_frame(tmp_path / "a.tif")
    assert (frame.kind.width, frame.kind.height) == (48, 64)
    np.testing.assert_array_equal(frame.pixels(), np.rot90(picture(), -1))


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_what_is_written_has_the_pixels_the_profile_and_the_scale(tmp_path, suffix):
    image = pyvips.Image.new_from_array(picture()).copy(xres=250.0, yres=250.0)
    image = image.icc_transform("p3", input_profile="srgb")
    image.write_to_file(f"{tmp_path / 'in.tif'}")
    frame = open_frame(tmp_path / "in.tif")
    assert frame.pixels_per_mm == pytest.approx(250)
    write_frame(tmp_path / f"out{suffix}", frame.pixels(), frame)
    again = open_frame(tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(again.pixels(), frame.pixels())
    assert again.profile == frame.profile
    assert again.profile is not None
    assert again.pixels_per_mm == pytest.approx(250)


def test_sixteen_bits_are_written_without_loss(tmp_path):
    save(tmp_path / "a.tif", deep(), interpretation="rgb16")
    frame = open_frame(tmp_path / "a.tif")
    write_frame(tmp_path / "b.tif", frame.pixels(), frame)
    np.testing.assert_array_equal(open_frame(tmp_path / "b.tif").pixels(), deep())
    with pytest.raises(SettingError, match="JPEG has no 16 bits"):
        write_frame(tmp_path / "b.jpg", frame.pixels(), frame)


def test_numbers_are_written_as_floats(tmp_path):
    save(tmp_path / "a.png", picture())
    numbers = np.linspace(-1, 30, 48 * 64, dtype=np.float32).reshape(48, 64)
    frame = open_frame(tmp_path / "a.png")
    write_numbers(tmp_path / "depth.tif", numbers, frame)
    read = pyvips.Image.new_from_file(f"{tmp_path / 'depth.tif'}")
    assert read.format == "float"
    np.testing.assert_array_equal(read.numpy().squeeze(), numbers)
    with pytest.raises(SettingError, match=r"ends in \.tif"):
        write_numbers(tmp_path / "depth.png", numbers, frame)


def test_brightness_is_the_mean_of_the_channels_from_0_to_255(tmp_path):
    save(tmp_path / "a.tif", deep(), interpretation="rgb16")
    grey = open_frame(tmp_path / "a.tif").grey(50)
    np.testing.assert_allclose(grey, deep().mean(axis=2) * (255 / 65_535), atol=1e-3)
    assert open_frame(tmp_path / "a.tif").grey(25).shape == (20, 25)


def test_a_large_jpeg_comes_reduced_with_the_same_brightness(tmp_path):
    save(tmp_path / "a.jpg", picture(480, 640), Q=95)
    frame = open_frame(tmp_path / "a.jpg")
    small = frame.grey(80)
    assert small.shape == (60, 80)
    assert small.mean() == pytest.approx(picture(480, 640).mean(), abs=1.5)


def test_a_file_cut_off_is_told_at_the_pixels(tmp_path):
    path = save(tmp_path / "a.png", noise(200, 200))
    path.write_bytes(path.read_bytes()[:30_000])
    frame = open_frame(path)
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        frame.pixels()
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        frame.grey(100)


def test_numbers_that_are_no_colours_are_refused(tmp_path):
    image = pyvips.Image.new_from_array(np.full((40, 40), 0.5, np.float32))
    image.write_to_file(f"{tmp_path / 'a.tif'}")
    with pytest.raises(UnsupportedPhotoError, match="float"):
        open_frame(tmp_path / "a.tif")


def test_names_that_are_no_picture_are_refused(tmp_path):
    save(tmp_path / "a.png", picture())
    frame = open_frame(tmp_path / "a.png")
    with pytest.raises(SettingError, match=r"ends in \.tif"):
        write_frame(tmp_path / "a.gif", frame.pixels(), frame)
