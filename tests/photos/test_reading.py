"""Any photo comes out upright, in sRGB, in 8 bits; anything else is refused with its reason."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from berlese.errors import (
    PhotoError,
    PhotoTooLargeError,
    SettingError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from berlese.photos.reading import decode_image, find_photos, open_photo
from tests.photos.files import bomb_png, noise, picture, save, vips

# The corners a b / c d of the upright picture, and where each EXIF orientation stores them.
# Written down from the EXIF standard: row 0 and column 0 of the file are the visual ... side.
STORED_CORNERS = {
    1: "ab/cd",  # top, left
    2: "ba/dc",  # top, right
    3: "dc/ba",  # bottom, right
    4: "cd/ab",  # bottom, left
    5: "ac/bd",  # left, top
    6: "bd/ac",  # right, top
    7: "db/ca",  # right, bottom
    8: "ca/db",  # left, bottom
}
CORNER_COLOURS = {"a": (250, 20, 20), "b": (20, 200, 20), "c": (20, 20, 250), "d": (240, 230, 30)}


def corners(layout: str, height: int, width: int) -> np.ndarray:
    """Draw four quarters, `height` x `width` in all, in the colours of a layout such as ab/cd."""
    image = np.zeros((height, width, 3), np.uint8)
    rows, columns = (
        (slice(0, height // 2), slice(height // 2, None)),
        (
            slice(0, width // 2),
            slice(width // 2, None),
        ),
    )
    for row, names in zip(rows, layout.split("/"), strict=True):
        for column, name in zip(columns, names, strict=True):
            image[row, column] = CORNER_COLOURS[name]
    return image


def oriented(path: Path, orientation: int, height: int = 64, width: int = 96) -> Path:
    sides = (width, height) if orientation >= 5 else (height, width)
    stored = corners(STORED_CORNERS[orientation], *sides)
    options = {"Q": 95} if path.suffix == ".jpg" else {}
    return save(path, stored, orientation=orientation, **options)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path, orientation, suffix):
    path = oriented(tmp_path / f"a{suffix}", orientation)
    photo = open_photo(path)
    upright = corners("ab/cd", 64, 96)
    assert (photo.width, photo.height) == (96, 64)
    for decoded in (photo.pixels(), decode_image(path), photo.shrunk(96)):
        assert decoded.shape == (64, 96, 3)
        # JPEG and WebP smear the border between colours: compare inside the quarters.
        for row, column in ((16, 24), (16, 72), (48, 24), (48, 72)):
            np.testing.assert_allclose(decoded[row, column], upright[row, column], atol=6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_are_cut_from_the_upright_picture(tmp_path, orientation):
    path = save(tmp_path / "a.tif", noise(40, 60), orientation=orientation)
    photo = open_photo(path)
    whole = photo.pixels()
    np.testing.assert_array_equal(photo.region(3, 5, 20, 11), whole[5:16, 3:23])
    np.testing.assert_array_equal(photo.region(0, 0, photo.width, photo.height), whole)


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_large_turned_jpeg_needs_no_reading_backwards(tmp_path, orientation):
    path = oriented(tmp_path / "a.jpg", orientation, height=1600, width=2400)
    photo = open_photo(path)
    small = photo.shrunk(300)
    assert photo.pixels().shape == (1600, 2400, 3)
    assert small.shape == (200, 300, 3)
    upright = corners("ab/cd", 200, 300)
    assert np.abs(small.astype(int) - upright).mean() < 3


def test_an_unknown_orientation_counts_as_none(tmp_path):
    image = noise(20, 30)
    path = save(tmp_path / "a.tif", image)
    data = bytearray(save(tmp_path / "b.tif", image, orientation=6).read_bytes())
    tag = data.index(b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00")
    data[tag + 8] = 99
    (tmp_path / "b.tif").write_bytes(data)
    np.testing.assert_array_equal(open_photo(tmp_path / "b.tif").pixels(), decode_image(path))


FORMATS = {
    "png": (".png", {}),
    "tiff": (".tif", {}),
    "tiled": (".tif", {"tile": True, "tile_width": 16, "tile_height": 16}),
    "deflate": (".tif", {"compression": "deflate", "predictor": "horizontal"}),
    "lzw": (".tif", {"compression": "lzw"}),
    "bigtiff": (".tif", {"bigtiff": True}),
    "webp": (".webp", {"lossless": True}),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_lossless_formats_give_the_very_pixels(tmp_path, kind):
    suffix, options = FORMATS[kind]
    image = noise(50, 70)
    path = save(tmp_path / f"A{suffix.upper()}", image, **options)
    photo = open_photo(path)
    assert (photo.width, photo.height, photo.notes) == (70, 50, ())
    np.testing.assert_array_equal(photo.pixels(), image)
    np.testing.assert_array_equal(photo.region(30, 20, 40, 30), image[20:, 30:])
    np.testing.assert_array_equal(photo.shrunk(70), image)
    np.testing.assert_array_equal(decode_image(path), image)
    assert photo.pixels().flags.writeable


def test_a_jpeg_decodes_as_opencv_does(tmp_path):
    path = save(tmp_path / "a.jpg", picture(100, 120), Q=90)
    reference = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_allclose(decode_image(path).astype(int), reference, atol=2)


def test_a_pyramid_is_read_at_full_size_without_a_note(tmp_path):
    image = noise(300, 500)
    for subifd in (False, True):
        path = save(tmp_path / "a.tif", image, tile=True, pyramid=True, subifd=subifd)
        photo = open_photo(path)
        assert (photo.width, photo.height, photo.notes) == (500, 300, ())
        np.testing.assert_array_equal(photo.region(200, 100, 50, 40), image[100:140, 200:250])


def test_of_several_pages_the_first_is_read_and_told(tmp_path):
    pages = pyvips.Image.arrayjoin([vips(picture(48, 64, seed)) for seed in range(3)], across=1)
    pages.set_type(pyvips.GValue.gint_type, "page-height", 48)
    path = tmp_path / "a.tif"
    path.write_bytes(pages.write_to_buffer(".tif"))
    photo = open_photo(path)
    assert photo.notes == ("first of 3 pages; the others are not looked at",)
    np.testing.assert_array_equal(photo.pixels(), picture(48, 64, 0))


ODD_NAMES = [
    "with space.jpg",
    'it\'s "quoted".jpg',
    "new\nline.jpg",
    "<b>&amp;.jpg",
    "Käfer ü.jpg",
    "beetle 🪲.jpg",
    "[page=2].jpg",
    "a.jpg[shrink=8].jpg",
    "a:0,b=1.jpg",
    "-dash.jpg",
    "%d%s.jpg",
    "UPPER.JPG",
    "no suffix",
    "png called.tif",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_simply_work(tmp_path, name):
    image = picture()
    path = save(tmp_path / name, image, ".png")
    np.testing.assert_array_equal(open_photo(path).pixels(), image)
    np.testing.assert_array_equal(decode_image(path), image)


def test_a_name_that_is_no_text_works(tmp_path):
    path = tmp_path / os.fsdecode(b"latin-\xfc.png")
    image = picture()
    np.testing.assert_array_equal(open_photo(save(path, image, ".png")).pixels(), image)


def cut(suffix: str, percent: int, **options: object):
    def make(path: Path) -> None:
        data = vips(noise(400, 500)).write_to_buffer(suffix, **options)
        path.write_bytes(data[: len(data) * percent // 100])

    return make


def cut_scan(percent: int, **options: object):
    """Write a TIFF whose directory stands before its pixels, as scanners do, and cut it off."""

    def make(path: Path) -> None:
        tifffile.imwrite(path, noise(400, 500), photometric="rgb", **options)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * percent // 100])

    return make


def floats(value: float):
    def make(path: Path) -> None:
        image = np.full((64, 64, 3), 0.5, np.float32)
        image[10, 10] = value
        path.write_bytes(vips(image).write_to_buffer(".tif"))

    return make


def array(height: int, width: int):
    return lambda path: save(path, np.zeros((height, width, 3), np.uint8))


BAD = {
    "empty.jpg": (lambda path: path.write_bytes(b""), UnreadablePhotoError, "empty.*again"),
    "text.jpg": (lambda path: path.write_text("beetles"), UnsupportedPhotoError, "JPEG, PNG"),
    "cut10.jpg": (cut(".jpg", 10), UnreadablePhotoError, "cut off.*again"),
    "cut50.jpg": (cut(".jpg", 50), UnreadablePhotoError, "cut off.*again"),
    "cut99.jpg": (cut(".jpg", 99), UnreadablePhotoError, "cut off.*again"),
    "progressive.jpg": (cut(".jpg", 50, interlace=True), UnreadablePhotoError, "cut off"),
    "cut50.png": (cut(".png", 50), UnreadablePhotoError, "cut off"),
    "cut99.png": (cut(".png", 99), UnreadablePhotoError, "cut off"),
    "cut50.tif": (cut(".tif", 50), UnreadablePhotoError, "cut off"),
    "cut99.tif": (cut(".tif", 99, tile=True), UnreadablePhotoError, "cut off"),
    "scan1.tif": (cut_scan(1), UnreadablePhotoError, "cut off"),
    "scan_strips1.tif": (cut_scan(1, rowsperstrip=8), UnreadablePhotoError, "cut off"),
    "scan_tiles1.tif": (cut_scan(1, tile=(64, 64)), UnreadablePhotoError, "cut off"),
    "scan_zlib1.tif": (
        cut_scan(1, compression="zlib", rowsperstrip=8),
        UnreadablePhotoError,
        "cut",
    ),
    "cut50.webp": (cut(".webp", 50), UnreadablePhotoError, "cut off"),
    "start.jpg": (lambda path: path.write_bytes(b"\xff\xd8\xff"), UnreadablePhotoError, "cut off"),
    "bomb.png": (bomb_png, PhotoTooLargeError, "60000 x 60000.*max_pixels"),
    "dot.png": (array(1, 1), UnsupportedPhotoError, "too small.*1 x 1"),
    "line.png": (array(30_000, 1), UnsupportedPhotoError, "too small.*1 x 30000"),
    "nan.tif": (floats(np.nan), UnsupportedPhotoError, "NaN.*Export"),
    "infinite.tif": (floats(np.inf), UnsupportedPhotoError, "infinite.*Export"),
    "folder.jpg": (lambda path: path.mkdir(), UnreadablePhotoError, "folder"),
    "link.jpg": (lambda path: path.symlink_to("gone.jpg"), UnreadablePhotoError, "link"),
    "gone.jpg": (lambda path: None, UnreadablePhotoError, "does not exist"),
    "pipe.jpg": (lambda path: os.mkfifo(path), UnreadablePhotoError, "no ordinary file"),
    "svg.jpg": (
        lambda path: path.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'
        ),
        UnsupportedPhotoError,
        "expected JPEG",
    ),
    "pdf.jpg": (
        lambda path: path.write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<<>>"),
        UnsupportedPhotoError,
        "expected JPEG",
    ),
    "bmp.jpg": (
        lambda path: path.write_bytes(cv2.imencode(".bmp", noise(64, 64))[1].tobytes()),
        UnsupportedPhotoError,
        "expected JPEG",
    ),
    "five.tif": (
        lambda path: save(path, np.zeros((32, 32, 5), np.uint8), interpretation="multiband"),
        UnsupportedPhotoError,
        "5 channels.*Export",
    ),
}
WAYS = {
    "whole": lambda path: open_photo(path).pixels(),
    "region": lambda path: open_photo(path).region(0, 0, 16, 16),
    "shrunk": lambda path: open_photo(path).shrunk(40),
    "picture": decode_image,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_reason(tmp_path, name, way):
    make, kind, words = BAD[name]
    path = tmp_path / name
    make(path)
    with pytest.raises(kind, match=f"(?s){name}: .*{words}") as caught:
        WAYS[way](path)
    assert isinstance(caught.value, PhotoError)
    assert caught.value.path == path


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", picture())
    path.chmod(0)
    original = Path.open

    def refuse(self, *arguments, **options):  # tests may run as root, whom no mode bit stops
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return original(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    for read in (open_photo, decode_image):
        with pytest.raises(UnreadablePhotoError, match=r"permission denied.*readable"):
            read(path)


def test_the_pixel_limit_can_be_raised_and_lowered(tmp_path):
    bomb = bomb_png(tmp_path / "bomb.png")
    assert open_photo(bomb, max_pixels=3_600_000_000).width == 60_000
    path = save(tmp_path / "a.png", picture(50, 80))
    assert open_photo(path, max_pixels=4000).height == 50
    for read in (open_photo, decode_image):
        with pytest.raises(PhotoTooLargeError, match="max_pixels"):
            read(path, max_pixels=3999)
        with pytest.raises(SettingError, match="max_pixels"):
            read(path, max_pixels=0)


def test_a_small_crop_is_a_picture_but_no_photo(tmp_path):
    path = save(tmp_path / "a.png", picture(8, 10))
    assert decode_image(path).shape == (8, 10, 3)
    with pytest.raises(UnsupportedPhotoError, match="too small"):
        open_photo(path)


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 65, 5), (60, 0, 5, 5), (0, 0, 0, 5)])
def test_a_region_outside_of_the_photo_is_refused(tmp_path, box):
    photo = open_photo(save(tmp_path / "a.png", picture(48, 64)))
    with pytest.raises(SettingError, match="leaves the photo"):
        photo.region(*box)


@pytest.mark.parametrize("max_side", [0, -5, 2.5, True])
def test_a_photo_shrinks_to_whole_pixels_only(tmp_path, max_side):
    photo = open_photo(save(tmp_path / "a.png", picture()))
    with pytest.raises(SettingError, match="max_side"):
        photo.shrunk(max_side)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("max_side", [1, 7, 100, 333, 799, 800, 5000])
def test_shrinking_keeps_shape_and_mean_colour(tmp_path, suffix, max_side):
    image = cv2.GaussianBlur(picture(608, 800), (0, 0), 12)
    photo = open_photo(save(tmp_path / f"a{suffix}", image))
    small = photo.shrunk(max_side)
    side = min(max_side, 800)
    assert small.shape == (max(round(608 * side / 800), 1), side, 3)
    if side >= 100:
        reference = cv2.resize(image, (side, small.shape[0]), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - reference).mean() < 1.5
    np.testing.assert_allclose(small.mean((0, 1)), image.mean((0, 1)), atol=6 if side > 50 else 60)


def test_a_replaced_file_shows_its_new_pixels(tmp_path):
    path = save(tmp_path / "a.png", picture(seed=1))
    open_photo(path).pixels()
    save(path, picture(seed=2))
    np.testing.assert_array_equal(open_photo(path).pixels(), picture(seed=2))


def test_the_scale_is_the_callers_or_the_files(tmp_path):
    path = save(tmp_path / "a.tif", picture(), xres=200, yres=200)
    assert open_photo(path).mm_per_pixel == pytest.approx(0.005)
    assert open_photo(path, mm_per_pixel=0.02).mm_per_pixel == 0.02
    assert open_photo(save(tmp_path / "b.png", picture())).mm_per_pixel is None
    with pytest.raises(SettingError, match="mm_per_pixel"):
        open_photo(path, mm_per_pixel=0)


def test_threads_decode_the_same_pixels(tmp_path):
    paths = [save(tmp_path / f"{n}.jpg", picture(seed=n)) for n in range(8)]
    alone = [decode_image(path) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_image, paths * 20))
    for number, decoded in enumerate(together):
        np.testing.assert_array_equal(decoded, alone[number % 8])


def test_threads_share_one_photo(tmp_path):
    image = noise(300, 300)
    photo = open_photo(save(tmp_path / "a.png", image))
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda top: photo.region(10, top, 50, 20), range(0, 280, 7)))
    for top, part in zip(range(0, 280, 7), parts, strict=True):
        np.testing.assert_array_equal(part, image[top : top + 20, 10:60])


def test_folders_are_searched_and_named_files_are_kept(tmp_path):
    (tmp_path / "in" / "sub.jpg").mkdir(parents=True)
    (tmp_path / "in" / ".hidden").mkdir()
    names = ["b.JPG", "a.tiff", "sub.jpg/c.WebP", ".d.jpg", ".hidden/e.jpg", "notes.txt"]
    for name in names:
        (tmp_path / "in" / name).write_bytes(b"x")
    inside = [tmp_path / "in" / name for name in ("a.tiff", "b.JPG", "sub.jpg/c.WebP")]
    text, gone = tmp_path / "in" / "notes.txt", tmp_path / "gone.jpg"
    assert find_photos([tmp_path / "in"]) == inside
    assert find_photos([text, str(tmp_path / "in"), gone, text, inside[0]]) == [
        text,
        *inside,
        gone,
    ]
    assert find_photos([]) == []


def test_real_photos_decode_as_opencv_decodes_them(shared_data):
    photos = find_photos([shared_data / "bulk"])
    assert len(photos) >= 6
    for path in photos:
        photo = open_photo(path)
        reference = cv2.imread(str(path))[..., ::-1]
        assert (photo.height, photo.width) == reference.shape[:2], path
        pixels = photo.pixels()
        assert cv2.absdiff(pixels, np.ascontiguousarray(reference)).max() <= 3, path
        np.testing.assert_array_equal(photo.region(100, 120, 200, 150), pixels[120:270, 100:300])


def test_cut_real_photos_are_noticed(shared_data, tmp_path):
    for path in find_photos([shared_data / "bulk"]):
        data = path.read_bytes()
        for percent in (10, 50, 99):
            (tmp_path / "cut.jpg").write_bytes(data[: len(data) * percent // 100])
            with pytest.raises(UnreadablePhotoError, match="cut off"):
                open_photo(tmp_path / "cut.jpg").shrunk(500)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300), start=st.sampled_from([b"", b"\xff\xd8\xff", b"II*\0", b"RIFF"])
)
def test_rubbish_never_raises_anything_else(data, start, tmp_path_factory):
    path = tmp_path_factory.mktemp("rubbish") / "a.jpg"
    path.write_bytes(start + data)
    for read in WAYS.values():
        with pytest.raises(PhotoError):
            read(path)
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_bands_put_together_are_the_whole_upright_picture(tmp_path, orientation, suffix):
    photo = open_photo(oriented(tmp_path / f"a{suffix}", orientation))
    bands = list(photo.bands(24))
    assert [len(band) for band in bands[:-1]] == [24] * (len(bands) - 1)
    np.testing.assert_array_equal(np.concatenate(bands), photo.pixels())


def test_a_photo_cut_off_in_the_middle_is_refused_in_bands_too(tmp_path):
    path = save(tmp_path / "a.jpg", np.full((400, 300, 3), 90, np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        list(open_photo(path).bands(64))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 8},
        {"tile": (64, 64)},
        {"compression": "zlib", "rowsperstrip": 8},
        {"compression": "zlib", "tile": (64, 64)},
        {"byteorder": ">", "bigtiff": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("percent", [50, 99])
def test_a_scan_cut_off_in_the_middle_is_refused_whole_and_in_bands(tmp_path, options, percent):
    path = tmp_path / "a.tif"
    cut_scan(100, **options)(path)
    np.testing.assert_array_equal(open_photo(path).pixels(), noise(400, 500))
    cut_scan(percent, **options)(path)
    for read in (
        lambda: list(open_photo(path).bands(64)),
        lambda: open_photo(path).pixels(),
        lambda: open_photo(path).shrunk(100),
        lambda: open_photo(path).region(0, 380, 500, 20),
        lambda: decode_image(path),
    ):
        with pytest.raises(UnreadablePhotoError, match="cut off"):
            read()


def test_bands_of_no_rows_are_refused(tmp_path):
    photo = open_photo(save(tmp_path / "a.png", np.full((40, 30, 3), 90, np.uint8)))
    with pytest.raises(SettingError, match="rows"):
        next(photo.bands(0))
