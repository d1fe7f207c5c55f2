"""How many of its 16 bits a picture uses: cameras of 8, 10, 12 and 14 bits leave the upper ones 0.

Such a picture is nearly black, and of its greys hardly any are left in 8 bits, unless it is
brightened by the bits that no pixel uses. A picture of 16 bits that is merely dark looks the same
at first sight, and is to stay dark. What tells them apart, the surest first:

1. The file says it: ``SignificantBits`` of OME-XML, the tags ``SMaxSampleValue`` and
   ``MaxSampleValue``, a bit depth in the description, or white as it was set in ImageJ.
2. The brightest pixel is exactly the white of a camera: 255, 1,023, 4,095 or 16,383.
3. With a colour profile the picture was developed, and a profile's white is that of 16 bits.
4. Where values go in steps, such as multiples of 16, fewer bits were stretched over all 16.
5. Otherwise nothing tells. Then the picture is taken for a camera's with the fewest bits that hold
   its brightest pixel: it is the one under which it was exposed best, and should it be wrong,
   nothing is lost by it, whereas a camera's 12 bits taken for 16 keep 16 greys.
"""

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyvips

from berlese.photos import tiff_directory as tiff
from berlese.photos.scale import ome_pixels

SENSOR_BITS = (8, 10, 12, 14)
BAND_ROWS = 128  # that are looked at together for their brightest pixel
STEP = 4  # the least by which values of 14 bits or fewer, stretched over 16, differ
FEWEST_VALUES = 16  # of a picture that can be said to go in steps
_WHITE = 65535


@dataclass(frozen=True, slots=True)
class CameraBits:
    """How many of 16 bits a picture uses.

    Attributes
    ----------
    used : int
        Bits up to white; 16 where nothing is spare.
    notes : tuple of str
        What a person should know of it: what was done and why.
    """

    used: int = 16
    notes: tuple[str, ...] = ()

    @property
    def spare(self) -> int:
        """Upper bits that no pixel uses, by which the picture is to be brightened."""
        return 16 - self.used


def camera_bits(image: Any, open_file: Callable[[], BinaryIO]) -> CameraBits:
    """Tell how many of its 16 bits a picture uses; an 8-bit picture has none to spare.

    Ordinary pictures are read as far as their first bright pixel.

    Parameters
    ----------
    image : pyvips.Image
        Opened to be read once from top to bottom.
    open_file : callable
        Opens the file that it comes from, for what libvips does not tell of it.

    Raises
    ------
    pyvips.Error
        If the picture is cut off or damaged.
    OSError
        If the file cannot be read.
    """
    if image.format != "ushort":
        return CameraBits()
    found = _brightest_and_step(image)
    if found is None or found[0] == 0:
        return CameraBits()
    brightest, step = found
    with open_file() as file:
        stated = _stated_bits(image, file)
    if stated is not None and brightest < 2**stated:
        return _as_stated(stated)
    used = next(bits for bits in SENSOR_BITS if brightest < 2**bits)
    if brightest == 2**used - 1:
        return CameraBits(used, (_brightened_note(used),))
    if image.get_typeof("icc-profile-data"):
        return _dark("its colour profile is one of 16 bits")
    if step >= STEP:
        return _dark(f"its values go in steps of {step}, as if stretched over 16 bits")
    why = "; the file does not say so, and a merely dark picture of 16 bits would look the same"
    return CameraBits(used, (_brightened_note(used) + why,))


def brightened(image: Any, spare_bits: int) -> Any:
    """Let a camera's bits fill 16, white being white."""
    factor = _WHITE / (2 ** (16 - spare_bits) - 1)
    return (image * factor).rint().cast("ushort").copy(interpretation=image.interpretation)


def _as_stated(bits: int) -> CameraBits:
    if bits == 16:
        return _dark("its file says that it has 16 bits")
    return CameraBits(bits, (f"{_brightened_note(bits)}; the file says so",))


def _brightened_note(used: int) -> str:
    return (
        f"of its 16 bits only {used} are used, as by a camera with so many; "
        f"brightened {2 ** (16 - used)} times"
    )


def _dark(why: str) -> CameraBits:
    """Leave a picture dark; the note has no number of its own, so that photos can share it."""
    return CameraBits(16, (f"is dark, with no pixel of a quarter of white; left so, since {why}",))


def _brightest_and_step(image: Any) -> tuple[int, int] | None:
    """Find the brightest value and the smallest step between values, 1 where they go in none.

    None as soon as a value is too bright for a camera of fewer bits.
    """
    region = pyvips.Region.new(image)
    colours = image.bands - image.hasalpha()  # what is opaque is 65,535 beside any camera's bits
    seen = np.zeros(2 ** max(SENSOR_BITS), bool)
    brightest, step = 0, len(seen)
    for top in range(0, image.height, BAND_ROWS):
        rows = min(BAND_ROWS, image.height - top)
        band = np.frombuffer(region.fetch(0, top, image.width, rows), np.uint16)
        band = band.reshape(-1, image.bands)[:, :colours]
        brightest = max(brightest, int(band.max()))
        if brightest >= len(seen):
            return None
        if step >= STEP:  # two neighbours were seen otherwise, and more tell nothing
            seen[band] = True
            step = int(np.diff(np.flatnonzero(seen)).min(initial=step))
    return brightest, step if step >= STEP and seen.sum() >= FEWEST_VALUES else 1


def _stated_bits(image: Any, file: BinaryIO) -> int | None:
    """Read how many bits the file says that its white has; None where it says nothing."""
    text = str(image.get("image-description")) if image.get_typeof("image-description") else ""
    pixels = ome_pixels(text)
    if pixels is not None:
        stated = _whole(pixels.get("SignificantBits", ""))
    elif text.startswith("ImageJ="):
        shown = re.search(r"^max=(\d+)(?:\.0*)?\s*$", text, re.MULTILINE)
        stated = _bits_of_white(_whole(shown[1])) if shown else None
    else:
        found = re.search(r"bit[ _-]?depth\W{1,4}(\d+)", text, re.IGNORECASE)
        # 16 is what such words say of every file of 16 bits, whichever camera wrote it.
        stated = _whole(found[1]) if found and _whole(found[1]) != 16 else None
    if stated is None:
        stated = _bits_of_white(_white_of_tags(file))
    return stated if stated is not None and min(SENSOR_BITS) <= stated <= 16 else None


def _white_of_tags(file: BinaryIO) -> int | None:
    try:
        directory = tiff.read_directory(file)
        if directory is None:
            return None
        for tag in (tiff.MAX_VALUE_OF_KIND, tiff.MAX_VALUE):
            values = directory.numbers(file, tag)
            if values:
                return max(values)
    except (struct.error, OSError, OverflowError, ValueError):
        return None
    return None


def _bits_of_white(white: int | None) -> int | None:
    """Tell of how many bits this is the white; None where it is a brightest pixel like any."""
    is_white = white is not None and white > 0 and (white + 1) & white == 0
    return int(math.log2(white + 1)) if is_white and white is not None else None


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 6 else None
