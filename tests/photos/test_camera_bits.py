"""A camera's 12 bits in 16 are brightened; a picture of 16 bits that is merely dark is not."""

import numpy as np
import pytest
import pyvips
import tifffile

from berlese.photos.reading import decode_image, open_photo
from tests.photos.files import picture, save, vips


def grains(brightest: int, step: int = 1, darkest: int = 0) -> np.ndarray:
    """Grey noise of 16 bits between two values, both of which occur."""
    rng = np.random.default_rng(0)
    image = step * rng.integers(darkest // step, brightest // step, (60, 80), endpoint=True)
    image[0, 0], image[0, 1] = darkest, brightest
    return image.astype(np.uint16)


def written(path, image, **options):
    tifffile.imwrite(path, image, photometric="minisblack", metadata=None, **options)
    return path


def brightest_shown(path):
    """Grey of the brightest pixel, as it is shown, by both ways to read a picture."""
    shown = open_photo(path).pixels()
    np.testing.assert_array_equal(shown, decode_image(path))
    return int(shown.max())


OME = (
    '<?xml version="1.0"?><OME xmlns="o"><Image><Pixels Type="uint16" SignificantBits="{}"/>'
    "</Image></OME>"
)


# The brightest pixel is 3,000: 73 % of 12 bits are 187 of 255, 18 % of 14 are 47, 5 % of 16 are 11.
@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"description": OME.format(12)}, 187),
        ({"description": OME.format(14)}, 47),
        ({"description": OME.format(13)}, 93),
        ({"description": OME.format(16)}, 11),
        ({"description": "ImageJ=1.54f\nmin=0.0\nmax=16383.0\n"}, 47),
        ({"description": "ImageJ=1.54f\nmin=0.0\nmax=65535.0\n"}, 11),
        ({"description": '{"Camera": "x", "BitDepth": 14}'}, 47),
        ({"description": "Bit depth: 14\r\nGain: 2"}, 47),
        ({"extratags": [(341, 3, 1, 16383, True)]}, 47),
        ({"extratags": [(341, 3, 1, 65535, True)]}, 11),
        ({"extratags": [(281, 3, 1, 4095, True)]}, 187),
        # What says nothing of white: it is taken for a camera's of 12 bits.
        ({}, 187),
        ({"description": OME.format(8)}, 187),  # which the pixels gainsay
        ({"description": OME.format("many")}, 187),
        ({"description": "ImageJ=1.54f\nmin=12.0\nmax=2788.0\n"}, 187),  # as it was displayed
        ({"description": "Bit depth: 16"}, 187),  # of the file
        ({"extratags": [(281, 3, 1, 3000, True)]}, 187),  # the brightest value used
        ({"extratags": [(341, 12, 1, 3000.0, True)]}, 187),
    ],
    ids=str,
)
def test_what_the_file_says_of_its_bits_goes_before_all(tmp_path, options, shown):
    path = written(tmp_path / "a.tif", grains(3000), **options)
    assert abs(brightest_shown(path) - shown) <= 1
    assert len(open_photo(path).notes) == 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_the_white_of_a_camera_tells_its_bits(tmp_path, bits):
    path = written(tmp_path / "a.tif", grains(2**bits - 1))
    assert brightest_shown(path) == 255
    assert open_photo(path).notes == (
        f"of its 16 bits only {bits} are used, as by a camera with so many; "
        f"brightened {2 ** (16 - bits)} times",
    )


@pytest.mark.parametrize(
    ("step", "brightest", "shown"),
    [
        (16, 16 * 900, 56),  # 12 bits, shifted
        (4, 4 * 3000, 47),  # 14 bits, shifted
        (257, 257 * 60, 60),  # 8 bits, doubled
    ],
)
def test_values_in_steps_fill_all_bits_and_stay_dark(tmp_path, step, brightest, shown):
    path = written(tmp_path / "a.tif", grains(brightest, step))
    assert abs(brightest_shown(path) - shown) <= 1
    assert open_photo(path).notes == (
        f"is dark, with no pixel of a quarter of white; left so, since its values go in steps of "
        f"{step}, as if stretched over 16 bits",
    )


def test_twelve_bits_stretched_evenly_are_told_by_their_steps(tmp_path):
    image = np.round(grains(900) * (65535 / 4095)).astype(np.uint16)  # steps of 16 and 17
    path = written(tmp_path / "a.tif", image)
    assert abs(brightest_shown(path) - 56) <= 1
    (note,) = open_photo(path).notes
    assert "steps of 16" in note


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_developed_picture_stays_dark(tmp_path, suffix):
    rgb = vips(np.repeat(grains(9000)[..., None], 3, axis=2), interpretation="rgb16")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(rgb.write_to_buffer(suffix))
    assert open_photo(path).spare_bits == 2
    rgb = rgb.copy()
    rgb.set_type(
        pyvips.GValue.blob_type, "icc-profile-data", bytes(pyvips.Image.profile_load("srgb"))
    )
    path.write_bytes(rgb.write_to_buffer(suffix))
    photo = open_photo(path)
    assert photo.spare_bits == 0
    assert abs(brightest_shown(path) - 35) <= 1  # 9,000 of 65,535
    (note,) = photo.notes
    assert note.endswith("left so, since its colour profile is one of 16 bits")


def test_where_nothing_tells_the_note_says_what_was_assumed(tmp_path):
    path = written(tmp_path / "a.tif", grains(9000))
    assert abs(brightest_shown(path) - 140) <= 1  # of the 16,383 of 14 bits
    assert open_photo(path).notes == (
        "of its 16 bits only 14 are used, as by a camera with so many; brightened 4 times; the "
        "file does not say so, and a merely dark picture of 16 bits would look the same",
    )


def test_a_few_greys_are_no_steps(tmp_path):
    image = np.full((60, 80), 900, np.uint16)
    image[20:, :40] = 3000
    assert open_photo(written(tmp_path / "a.tif", image)).spare_bits == 4


def test_a_bright_picture_is_told_nothing_whatever_its_file_says(tmp_path):
    path = written(tmp_path / "a.tif", grains(40_000), description=OME.format(12))
    photo = open_photo(path)
    assert (photo.spare_bits, photo.notes) == (0, ())


def test_pictures_of_eight_bits_have_none_to_spare(tmp_path):
    assert open_photo(save(tmp_path / "a.png", np.full((40, 40, 3), 9, np.uint8))).notes == ()


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_bits_that_a_camera_has_fill_the_picture(tmp_path, suffix, bits):
    image = picture(200, 64)
    image[:150] //= 4  # the bright pixels come last
    image[-1, -1] = 255
    as_stored = np.round(image * ((2**bits - 1) / 255)).astype(np.uint16)
    path = save(tmp_path / f"a{suffix}", as_stored, interpretation="rgb16")
    photo = open_photo(path)
    assert photo.notes == (
        f"of its 16 bits only {bits} are used, as by a camera with so many; "
        f"brightened {2 ** (16 - bits)} times",
    )
    ways = [
        photo.pixels(),
        np.concatenate(list(photo.bands(64))),
        photo.region(0, 0, 64, 200),
        photo.shrunk(200),
        decode_image(path),
    ]
    for decoded in ways:
        assert np.abs(decoded.astype(int) - image).max() <= 1


def test_bits_are_those_of_the_colours_not_of_what_says_that_all_is_opaque(tmp_path):
    image = np.full((40, 64, 4), 65535, np.uint16)
    image[..., :3] = np.linspace(0, 4095, 64).astype(np.uint16)[None, :, None]
    photo = open_photo(save(tmp_path / "a.png", image, interpretation="rgb16"))
    assert photo.spare_bits == 4
    wanted = np.linspace(0, 255, 64)[None, :, None]
    assert np.abs(photo.pixels() - wanted).max() <= 1.5


def test_sixteen_bits_that_are_used_or_all_black_stay_as_they_are(tmp_path):
    image = np.full((300, 64, 3), 900, np.uint16)
    image[280, 5, 1] = 2**14
    photo = open_photo(save(tmp_path / "a.tif", image, interpretation="rgb16"))
    assert photo.notes == ()
    assert photo.pixels()[0, 0].tolist() == [3, 3, 3]
    black = open_photo(save(tmp_path / "b.png", np.zeros_like(image), interpretation="rgb16"))
    assert black.notes == ()
    assert black.pixels().max() == 0
