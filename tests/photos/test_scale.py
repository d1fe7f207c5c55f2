"""A scale is what a user states, a ruler, or tags that printing would not write."""

import math
from types import SimpleNamespace

import pytest

from berlese.errors import SettingError
from berlese.photos.reading import open_photo
from berlese.photos.scale import (
    mm_per_pixel_of_ruler,
    mm_per_pixel_of_setting,
    mm_per_pixel_of_tags,
)
from tests.photos.files import picture, save


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
@pytest.mark.parametrize("dpi", [72, 96, 150, 180, 240, 300, 600])
def test_print_sizes_are_no_scale(tmp_path, dpi, suffix):
    per_mm = dpi / 25.4
    path = save(tmp_path / f"a{suffix}", picture(), xres=per_mm, yres=per_mm)
    assert open_photo(path).mm_per_pixel is None


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
@pytest.mark.parametrize("per_mm", [1200 / 25.4, 4800 / 25.4, 500.0])
def test_scanners_and_microscopes_state_a_scale(tmp_path, per_mm, suffix):
    path = save(tmp_path / f"a{suffix}", picture(), xres=per_mm, yres=per_mm)
    assert open_photo(path).mm_per_pixel == pytest.approx(1 / per_mm, rel=2e-3)


@pytest.mark.parametrize("unit", ["cm", "inch"])
def test_the_unit_of_the_tag_does_not_matter(tmp_path, unit):
    path = save(tmp_path / "a.tif", picture(), xres=200, yres=200, resunit=unit)
    assert open_photo(path).mm_per_pixel == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("across", "down"), [(1.0, 1.0), (100.0, 200.0), (1e9, 1e9), (0.0, 0.0), (math.nan, math.nan)]
)
def test_implausible_tags_are_no_scale(across, down):
    assert mm_per_pixel_of_tags(SimpleNamespace(xres=across, yres=down)) is None


def test_a_ruler_gives_its_scale():
    assert mm_per_pixel_of_ruler(10, 400) == pytest.approx(0.025)  # 1 cm over 400 pixels


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "2", True])
def test_lengths_are_finite_and_above_zero(value):
    with pytest.raises(SettingError, match="length_mm must be a finite number above 0"):
        mm_per_pixel_of_ruler(value, 100)
    with pytest.raises(SettingError, match="length_px must be a finite number above 0"):
        mm_per_pixel_of_ruler(1, value)
    with pytest.raises(SettingError, match="mm_per_pixel must be a finite number above 0"):
        mm_per_pixel_of_setting(value)
