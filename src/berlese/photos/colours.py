"""Any colours as sRGB of 8 bits: grey, RGB and CMYK, with a colour profile, alpha, or neither."""

import struct
from typing import Any

import pyvips


def in_srgb(image: Any) -> tuple[Any, list[str]]:
    """Turn a picture into sRGB of 8 bits, by its own colour profile if it has one that is sound.

    Parameters
    ----------
    image : pyvips.Image
        Grey, RGB or CMYK of 8 or 16 bits a channel, with alpha or without, which is laid on white.

    Returns
    -------
    (pyvips.Image, list of str)
        The picture, of which nothing is decoded yet, and what a person should know.

    Raises
    ------
    pyvips.Error
        If libvips cannot convert it.
    """
    is_cmyk = image.interpretation == "cmyk"
    if is_cmyk and image.format == "ushort":
        image = (image >> 8).cast("uchar").copy(interpretation="cmyk")
    if image.hasalpha():
        paper = 0 if is_cmyk else 65535 if image.format == "ushort" else 255
        image = image.flatten(background=paper)
    notes = []
    if image.get_typeof("icc-profile-data"):
        kind = b"CMYK" if is_cmyk else b"GRAY" if image.bands == 1 else b"RGB "
        try:
            return _in_srgb_by_profile(image, kind), []
        except pyvips.Error:
            notes = ["the embedded colour profile is damaged or of other colours; not applied"]
            image = image.copy()
            image.remove("icc-profile-data")
    return image if image.interpretation == "srgb" else image.colourspace("srgb"), notes


def _in_srgb_by_profile(image: Any, kind: bytes) -> Any:
    if not _is_profile(bytes(image.get("icc-profile-data")), kind):
        raise pyvips.Error("no profile for these colours")
    return image.icc_transform("srgb", embedded=True, intent="perceptual", depth=8)


def _is_profile(profile: bytes, kind: bytes) -> bool:
    """Tell whether an ICC profile has its signature, its kind of colour and all of its tags.

    libvips takes sRGB for a profile that it cannot use and tells nobody.
    """
    if len(profile) < 132 or profile[36:40] != b"acsp" or profile[16:20] != kind:
        return False
    (count,) = struct.unpack_from(">I", profile, 128)
    if not 1 <= count <= (len(profile) - 132) // 12:
        return False
    tags = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
    return all(offset + size <= len(profile) for _, offset, size in tags)
