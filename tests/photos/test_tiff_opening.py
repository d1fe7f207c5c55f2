"""A TIFF of which a part cannot be unpacked is refused; one with odd tags is not."""

import struct

import numpy as np
import pytest
import tifffile

from berlese.errors import UnreadablePhotoError
from berlese.photos.reading import decode_image, open_photo
from tests.photos.files import noise, overstate, save

STRIPS = {"rowsperstrip": 16}
ONE_STRIP = {"rowsperstrip": 200}
TILES = {"tile": (64, 64)}
# LZW and JPEG are written by libvips, the others by tifffile.
WRITERS = {
    "deflate": lambda path, image, layout: tifffile.imwrite(
        path, image, photometric="rgb", compression="zlib", **layout
    ),
    "lzw": lambda path, image, layout: save(
        path,
        image,
        compression="lzw",
        **({"tile": True, "tile_width": 64, "tile_height": 64} if "tile" in layout else {}),
    ),
}
READERS = {
    "whole": lambda path: open_photo(path).pixels(),
    "bands": lambda path: list(open_photo(path).bands(40)),
    "shrunk": lambda path: open_photo(path).shrunk(60),
    "region": lambda path: open_photo(path).region(0, 0, 300, 200),
    "picture": decode_image,
}


def damage_piece(path, which):
    """Lose the first half of a strip or tile; `which` is 0 for the first to 1 for the last."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        number = round(which * (len(page.dataoffsets) - 1))
        start, count = page.dataoffsets[number], page.databytecounts[number]
    data = bytearray(path.read_bytes())
    data[start : start + count // 2] = bytes(count // 2)
    path.write_bytes(data)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("which", [0, 0.5, 1])
@pytest.mark.parametrize("layout", [STRIPS, ONE_STRIP, TILES], ids=str)
@pytest.mark.parametrize("writer", WRITERS)
def test_what_cannot_be_unpacked_is_refused(tmp_path, writer, layout, which, read):
    path = tmp_path / "a.tif"
    WRITERS[writer](path, noise(200, 300), layout)
    READERS[read](path)
    damage_piece(path, which)
    with pytest.raises(UnreadablePhotoError, match="damaged"):
        READERS[read](path)


def harmless(path, layout, tags, **options):
    """Write two pages with tags that libtiff warns of, or takes for an error."""
    extra = [(tag, kind, len(value) if kind == 2 else 1, value, True) for tag, kind, value in tags]
    with tifffile.TiffWriter(path, **options) as writer:
        for seed in (0, 1):
            writer.write(
                noise(200, 300, seed),
                photometric="rgb",
                compression="zlib",
                extratags=extra,
                metadata=None,
                **layout,
            )
    return path


HARMLESS = {
    "a microscope's own tags": [(34118, 2, b"Zeiss\0"), (51123, 2, b"{}\0"), (60001, 4, 42)],
    "an orientation of no meaning": [(274, 3, 0)],
    "a profile that is none": [(34675, 2, b"rubbish\0")],
    "a text without its end": [(305, 2, b"program")],
    "a text twice ended": [(305, 2, b"pro\0gram\0")],
    "a number where a text is expected": [(271, 4, 7)],
}


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}], ids=str)
@pytest.mark.parametrize("layout", [STRIPS, ONE_STRIP, TILES], ids=str)
@pytest.mark.parametrize("tags", HARMLESS)
def test_odd_tags_hinder_nothing(tmp_path, tags, layout, options):
    path = harmless(tmp_path / "a.tif", layout, HARMLESS[tags], **options)
    before = path.read_bytes()
    np.testing.assert_array_equal(open_photo(path).pixels(), noise(200, 300))
    np.testing.assert_array_equal(open_photo(path).region(0, 0, 300, 200), noise(200, 300))
    np.testing.assert_array_equal(decode_image(path), noise(200, 300))
    assert path.read_bytes() == before


@pytest.mark.parametrize("layout", [STRIPS, ONE_STRIP, TILES], ids=str)
def test_a_microscopes_own_tags_hide_no_damage(tmp_path, layout):
    path = harmless(tmp_path / "a.tif", layout, HARMLESS["a microscope's own tags"])
    damage_piece(path, 0.5)
    with pytest.raises(UnreadablePhotoError, match="damaged"):
        open_photo(path).pixels()


def test_tags_out_of_order_hinder_nothing(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200, 300), photometric="rgb", compression="zlib", **STRIPS)
    data = bytearray(path.read_bytes())
    (at,) = struct.unpack_from("<I", data, 4)
    first, second = data[at + 2 : at + 14], data[at + 14 : at + 26]
    data[at + 2 : at + 26] = second + first
    path.write_bytes(data)
    np.testing.assert_array_equal(open_photo(path).pixels(), noise(200, 300))


@pytest.mark.parametrize("compression", ["jpeg", "webp", "packbits", "deflate", "lzw"])
@pytest.mark.parametrize("tile", [False, True])
def test_whole_files_of_every_compression_open(tmp_path, compression, tile):
    image = np.zeros((200, 300, 3), np.uint8)  # JPEG and WebP keep slopes nearly
    image[..., 0], image[..., 1] = np.arange(300) // 2, np.arange(200)[:, None]
    path = save(tmp_path / "a.tif", image, compression=compression, Q=95, tile=tile)
    shown = open_photo(path).pixels()
    assert np.abs(shown.astype(int) - image).mean() < 4
    np.testing.assert_array_equal(decode_image(path), shown)


def test_strips_that_libtiff_cannot_read_as_stated_are_read_from_bytes_too(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200, 300), photometric="rgb", rowsperstrip=16)
    overstate(path, 5000)
    np.testing.assert_array_equal(decode_image(path), noise(200, 300))
    for read in READERS.values():
        read(path)
