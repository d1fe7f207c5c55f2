"""A scale is what a user states, a ruler, or tags that printing would not write."""

import math

import pytest
import pyvips
import tifffile

from berlese.errors import SettingError
from berlese.photos.reading import open_photo
from berlese.photos.scale import (
    mm_per_pixel_of_ruler,
    mm_per_pixel_of_setting,
    mm_per_pixel_of_tags,
)
from tests.photos.files import picture, save, vips


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
    image = vips(picture(), xres=across, yres=down)
    image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "cm")
    assert mm_per_pixel_of_tags(image) is None


def test_a_tag_without_a_unit_is_a_ratio_of_sides_and_no_scale(tmp_path):
    path = tmp_path / "a.tif"
    for density in (1, 72, 300, 4000):
        tifffile.imwrite(
            path, picture(), photometric="rgb", resolution=(density, density), resolutionunit="NONE"
        )
        assert open_photo(path).mm_per_pixel is None


@pytest.mark.parametrize(
    ("pixels_per_unit", "unit", "mm_per_pixel"),
    [
        (80, "mm", 0.0125),
        (5, "mm", 0.2),  # coarse, but somebody calibrated it
        (0.08, "micron", 0.0125),
        (0.08, "um", 0.0125),
        (0.08, "µm", 0.0125),
        (0.08, "\\u00B5m", 0.0125),  # as ImageJ writes it
        (80, "pixel", None),
        (72, "inch", None),  # taken over from a camera's tags
        (1e5, "mm", None),  # finer than light
    ],
)
def test_what_was_calibrated_in_imagej_is_a_scale(tmp_path, pixels_per_unit, unit, mm_per_pixel):
    path = tmp_path / "a.tif"
    description = f"ImageJ=1.54f\nunit={unit}\nmin=0.0\nmax=255.0\n"
    tifffile.imwrite(
        *(path, picture()[..., 0]),
        description=description.encode(),
        metadata=None,
        resolution=(pixels_per_unit, pixels_per_unit),
        resolutionunit="NONE",
    )
    expected = None if mm_per_pixel is None else pytest.approx(mm_per_pixel, rel=1e-6)
    assert open_photo(path).mm_per_pixel == expected


@pytest.mark.parametrize(
    ("size", "unit", "mm_per_pixel"),
    [(12.5, "µm", 0.0125), (0.0125, "mm", 0.0125), (12500.0, "nm", 0.0125), (1.0, "pixel", None)],
)
def test_what_microscopes_write_as_ome_tiff_is_a_scale(tmp_path, size, unit, mm_per_pixel):
    path = tmp_path / "a.ome.tif"
    sides = {f"PhysicalSize{side}": size for side in "XY"}
    units = {f"PhysicalSize{side}Unit": unit for side in "XY"}
    tifffile.imwrite(path, picture()[..., 0], ome=True, metadata={"axes": "YX", **sides, **units})
    expected = None if mm_per_pixel is None else pytest.approx(mm_per_pixel, rel=1e-6)
    assert open_photo(path).mm_per_pixel == expected


@pytest.mark.parametrize(
    ("size", "unit"),  # of 12.5 thousandths of a millimetre
    [
        (12.5, "\u00b5m"),  # the micro sign
        (12.5, "\u03bcm"),  # the Greek letter
        (0.0125, "mm"),
        (0.00125, "cm"),
        (0.000125, "dm"),
        (0.0000125, "m"),
        (12500.0, "nm"),
        (125000.0, "\u00c5"),
        (125000.0, "\u212b"),  # the angstrom sign, which means the letter
        (125000.0, "A\u030a"),  # the letter in two
        (12500000.0, "pm"),
        (0.0125 / 25.4, "in"),
        (12.5 / 25.4, "thou"),
        (0.0125 / 304.8, "ft"),
        (0.0125 * 72 / 25.4, "pt"),
    ],
)
def test_every_unit_of_ome_is_read(tmp_path, size, unit):
    path = tmp_path / "a.ome.tif"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org"><Image>'
        f'<Pixels PhysicalSizeX="{size}" PhysicalSizeXUnit="{unit}" '
        f'PhysicalSizeY="{size}" PhysicalSizeYUnit="{unit}"/></Image></OME>'
    )
    tifffile.imwrite(path, picture()[..., 0], description=text.encode(), metadata=None)
    assert open_photo(path).mm_per_pixel == pytest.approx(0.0125, rel=1e-6)


def test_sides_of_ome_may_have_two_units(tmp_path):
    path = tmp_path / "a.ome.tif"
    sides = {"PhysicalSizeX": 12.5, "PhysicalSizeY": 0.0125, "PhysicalSizeYUnit": "mm"}
    tifffile.imwrite(path, picture()[..., 0], ome=True, metadata={"axes": "YX", **sides})
    assert open_photo(path).mm_per_pixel == pytest.approx(0.0125, rel=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        '<ome:OME xmlns:ome="o"><ome:Image><ome:Pixels {}/></ome:Image></ome:OME>',
        '<?xml version="1.0"?>\n<!-- by hand -->\n<A:OME xmlns:A="o"><A:Pixels {}/></A:OME>',
        "<OME><Image><Pixels {}/></Image></OME>",
    ],
)
def test_names_of_ome_may_have_a_prefix_or_no_home(tmp_path, text):
    path = tmp_path / "a.tif"
    description = text.format('PhysicalSizeX="12.5" PhysicalSizeY="12.5"')
    tifffile.imwrite(path, picture()[..., 0], description=description, metadata=None)
    assert open_photo(path).mm_per_pixel == pytest.approx(0.0125, rel=1e-6)


@pytest.mark.parametrize(
    "description",
    [
        "<OME",
        '<ome:OME><ome:Pixels PhysicalSizeX="1" PhysicalSizeY="1"/></ome:OME>',  # a prefix of none
        '<OME xmlns="o"><Pixels PhysicalSizeX="1" PhysicalSizeXUnit="ly" PhysicalSizeY="1"/></OME>',
        '<OME xmlns="o"><Pixels PhysicalSizeX="x" PhysicalSizeY="1"/></OME>',
        '<OME xmlns="o"><Pixels PhysicalSizeX="-1" PhysicalSizeY="-1"/></OME>',
        '<OME xmlns="o"><Pixels PhysicalSizeX="1" PhysicalSizeY="2"/></OME>',
        '<!DOCTYPE a [<!ENTITY b "10">]><OME xmlns="o"><Pixels PhysicalSizeX="&b;"/></OME>',
        "ImageJ=1.54f\nunit=mm\n",  # and the tag says nothing
        b"ImageJ=1.54f\nunit=\xb5m\n",  # in Latin-1
    ],
)
def test_a_description_that_states_no_scale_does_no_harm(tmp_path, description):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture()[..., 0], description=description, metadata=None)
    assert open_photo(path).mm_per_pixel is None


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
