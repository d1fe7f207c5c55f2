"""Whatever colours a file holds, they come out as sRGB of 8 bits on white."""

import numpy as np
import pytest
import pyvips

from berlese.photos.reading import decode_image, open_photo
from tests.photos.files import picture, png_with_profile, save, vips


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_keep_their_upper_eight(tmp_path, suffix):
    image = np.zeros((20, 30, 3), np.uint16)
    image[..., 0], image[..., 1], image[..., 2] = 0x80FF, 0xFFFF, 0x0100
    path = save(tmp_path / f"a{suffix}", image, interpretation="rgb16")
    assert open_photo(path).pixels()[4, 5].tolist() == [0x80, 0xFF, 0x01]
    grey = save(tmp_path / f"b{suffix}", image[..., 0], interpretation="grey16")
    assert decode_image(grey)[4, 5].tolist() == [0x80, 0x80, 0x80]


def test_grey_black_and_white_and_palette_become_rgb(tmp_path):
    steps = np.tile(np.repeat([0, 255], 16).astype(np.uint8), (32, 1))
    expected = np.stack([steps] * 3, axis=-1)
    for name, options in {"grey": {}, "bit": {"bitdepth": 1}, "palette": {"palette": True}}.items():
        path = save(tmp_path / f"{name}.png", steps, **options)
        np.testing.assert_array_equal(decode_image(path), expected, err_msg=name)
    path = save(tmp_path / "fax.tif", steps, bitdepth=1, compression="ccittfax4")
    np.testing.assert_array_equal(decode_image(path), expected)
    for name in ("fax.tif", "bit.png"):
        (note,) = open_photo(tmp_path / name).notes
        assert note.startswith("has black and white only")
    assert (
        open_photo(tmp_path / "grey.png").notes == open_photo(tmp_path / "palette.png").notes == ()
    )


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_transparent_pixels_lie_on_white(tmp_path, suffix):
    image = np.zeros((32, 32, 4), np.uint8)
    image[..., 0] = 200
    image[:16, :, 3] = 255
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    decoded = decode_image(save(tmp_path / f"a{suffix}", image, **options))
    assert decoded[5, 5].tolist() == [200, 0, 0]
    assert decoded[25, 5].tolist() == [255, 255, 255]


def test_half_transparent_sixteen_bits_mix_with_white(tmp_path):
    image = np.zeros((20, 20, 4), np.uint16)
    image[..., 0], image[..., 3] = 65535, 32768
    decoded = decode_image(save(tmp_path / "a.png", image, interpretation="rgb16"))
    np.testing.assert_allclose(decoded[3, 3], [255, 127, 127], atol=1)
    grey = np.zeros((20, 20, 2), np.uint8)
    grey[..., 1] = 51  # a fifth of black on white
    path = save(tmp_path / "b.png", grey, interpretation="b-w")
    np.testing.assert_allclose(decode_image(path)[3, 3], [204] * 3, atol=1)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(tmp_path, suffix):
    inks = np.zeros((32, 32, 4), np.uint8)
    inks[:, 16:, 3] = 255  # black ink on the right, bare paper on the left
    decoded = decode_image(save(tmp_path / f"a{suffix}", inks, interpretation="cmyk"))
    assert decoded.shape == (32, 32, 3)
    assert decoded[10, 4].min() > 245
    assert decoded[10, 28].max() < 60


def test_an_embedded_profile_is_applied(tmp_path):
    # Display P3 has the red of sRGB further out: its (200, 100, 50) lies outside of plain sRGB's.
    # The target was worked out by hand from the two standards' matrices (same D65, same curve).
    p3 = bytes(pyvips.Image.profile_load("p3"))
    image = np.full((32, 32, 3), (200, 100, 50), np.uint8)
    path = png_with_profile(tmp_path / "p3.png", image, p3)
    np.testing.assert_allclose(decode_image(path)[3, 3], p3_to_srgb((200, 100, 50)), atol=2)
    same = png_with_profile(tmp_path / "srgb.png", image, bytes(pyvips.Image.profile_load("srgb")))
    np.testing.assert_allclose(decode_image(same)[3, 3], (200, 100, 50), atol=1)


def test_an_embedded_profile_is_applied_to_sixteen_bits(tmp_path):
    image = vips(np.full((32, 32, 3), np.array((200, 100, 50)) * 257, np.uint16))
    image = image.copy(interpretation="rgb16")
    profile = bytes(pyvips.Image.profile_load("p3"))
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    for suffix in (".tif", ".png"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(image.write_to_buffer(suffix))
        for shown in (open_photo(path).pixels(), decode_image(path)):
            assert shown.dtype == np.uint8
            np.testing.assert_allclose(shown[3, 3], p3_to_srgb((200, 100, 50)), atol=2)


def p3_to_srgb(colour: tuple[int, int, int]) -> np.ndarray:
    """Colour of Display P3 in sRGB, from the published primaries of both."""

    def to_xyz(primaries: list[tuple[float, float]]) -> np.ndarray:
        columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
        white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
        return columns * np.linalg.solve(columns, white)

    wide = to_xyz([(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)])
    narrow = to_xyz([(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)])
    value = np.array(colour) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.linalg.solve(narrow, wide @ linear), 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return curve * 255


# Where to overwrite a valid profile: all of it, its signature, its tags, its kind of colour.
DAMAGES = {"all": (0, 480), "signature": (36, 40), "tags": (128, 200), "colours": (16, 20)}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("byte", [0, 255])
def test_a_broken_profile_is_noted_and_ignored(tmp_path, damage, byte):
    image = picture()
    profile = bytes(pyvips.Image.profile_load("p3"))
    tiff = vips(image)
    tiff.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    data = bytearray(tiff.write_to_buffer(".tif"))
    start, end = DAMAGES[damage]
    at = data.index(profile)
    data[at + start : at + end] = bytes([byte]) * (end - start)
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    photo = open_photo(path)
    assert photo.notes == (
        "the embedded colour profile is damaged or of other colours; not applied",
    )
    np.testing.assert_array_equal(photo.pixels(), image)
    np.testing.assert_array_equal(photo.region(0, 0, 30, 20), image[:20, :30])


def test_a_profile_without_its_curves_is_noted_and_ignored(tmp_path):
    image = vips(picture())
    profile = bytes(pyvips.Image.profile_load("p3"))
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    path = tmp_path / "a.tif"
    path.write_bytes(image.write_to_buffer(".tif").replace(b"para", b"beet"))
    photo = open_photo(path)
    assert len(photo.notes) == 1
    np.testing.assert_array_equal(photo.pixels(), picture())


@pytest.mark.parametrize("profile", [b"rubbish" * 40, b""])
def test_a_png_with_rubbish_for_a_profile_opens(tmp_path, profile):
    path = png_with_profile(tmp_path / "a.png", picture(), profile)
    np.testing.assert_array_equal(open_photo(path).pixels(), picture())
