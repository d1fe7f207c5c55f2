"""A TIFF says itself how long it must be, whoever wrote it."""

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from berlese.errors import UnreadablePhotoError
from berlese.photos.reading import open_photo
from berlese.photos.tiff_extent import bytes_needed
from tests.photos.files import noise, overstate, save


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 8},
        {"tile": (64, 64)},
        {"compression": "zlib", "rowsperstrip": 8},
        {"compression": "zlib", "tile": (64, 64)},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"byteorder": ">", "bigtiff": True, "tile": (64, 64)},
    ],
    ids=str,
)
def test_a_tiff_reaches_as_far_as_another_reader_says(tmp_path, options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200, 300), photometric="rgb", **options)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        ends = np.add(page.dataoffsets, page.databytecounts)
    with path.open("rb") as file:
        assert bytes_needed(file) == ends.max() <= path.stat().st_size


@pytest.mark.parametrize("options", [{}, {"tile": True, "pyramid": True}, {"bigtiff": True}])
def test_a_whole_tiff_by_libvips_needs_no_more_than_it_has(tmp_path, options):
    path = save(tmp_path / "a.tif", noise(300, 400), **options)
    with path.open("rb") as file:
        assert 0 < bytes_needed(file) <= path.stat().st_size


def test_strips_of_a_tiff_written_by_hand_are_added_up():
    entries = [
        struct.pack("<HHII", 273, 4, 1, 500),  # where the one strip begins
        struct.pack("<HHIHH", 279, 3, 1, 70, 0),  # how long it is, as a short number
    ]
    file = b"II*\0" + struct.pack("<IH", 8, 2) + b"".join(entries)
    assert bytes_needed(io.BytesIO(file)) == 570


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]))
def test_rubbish_has_no_length(data, start):
    found = bytes_needed(io.BytesIO(start + data))
    assert found is None or found >= 0


def test_a_directory_of_billions_of_strips_is_not_followed():
    entry = struct.pack("<HHII", 273, 4, 2**32 - 1, 8)
    assert bytes_needed(io.BytesIO(b"II*\0" + struct.pack("<IH", 8, 1) + entry)) is None


def test_a_directory_beyond_what_a_disk_can_hold_is_not_followed(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II+\0" + struct.pack("<HHQ", 8, 0, 2**62) + bytes(64))
    with (tmp_path / "a.tif").open("rb") as file:
        assert bytes_needed(file) is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 16},  # 200 rows are no multiple: the last strip is shorter
        {"byteorder": ">", "rowsperstrip": 16},
        {"bigtiff": True},
        {"planarconfig": "separate", "rowsperstrip": 16},
        {"tile": (64, 64)},
    ],
    ids=str,
)
def test_a_strip_said_to_be_longer_than_its_pixels_asks_for_no_more(tmp_path, options):
    path, image = tmp_path / "a.tif", noise(200, 300)
    stored = np.moveaxis(image, -1, 0) if "planarconfig" in options else image
    tifffile.imwrite(path, stored, photometric="rgb", **options)
    with path.open("rb") as file:
        needed = bytes_needed(file)
    overstate(path, 5000)
    with path.open("rb") as file:
        assert bytes_needed(file) == needed <= path.stat().st_size
    np.testing.assert_array_equal(open_photo(path).pixels(), image)
    path.write_bytes(path.read_bytes()[: needed - 1])
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        open_photo(path)


def test_a_compressed_strip_said_to_be_longer_than_the_file_is_cut_off(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200, 300), photometric="rgb", compression="zlib", rowsperstrip=16)
    overstate(path, 5000)
    with path.open("rb") as file:
        assert bytes_needed(file) > path.stat().st_size  # libtiff wants all before it unpacks any
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        open_photo(path)
