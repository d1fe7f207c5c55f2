"""Millimetres per pixel: stated by the user, by a ruler on the photo, or by the file itself.

Cameras and programs write 72, 96, 150, 300 or 600 pixels an inch into every file and mean
nothing by it: that is a size on paper. So tags count as a scale only from 1,000 pixels an inch
on (40 a millimetre), which flatbed scanners and microscope software write and printing does
not, and up to 20,000 a millimetre, the limit of light. A tag without a unit is a ratio of sides
and no scale (TIFF 6.0, ResolutionUnit 1). What somebody calibrated in ImageJ or Fiji, in
millimetres or less, or what microscope software wrote as OME-TIFF, is meant, however coarse.
Everything else is no scale: a wrong length is worse than none, and the user can state the scale
or measure a ruler.
"""

import math
import re
import unicodedata
from typing import Any
from xml.etree import ElementTree

from berlese.errors import SettingError

MIN_PIXELS_PER_MM = 1000 / 25.4
MAX_PIXELS_PER_MM = 20_000.0
SQUARE_TOLERANCE = 0.001
MM_OF_UNIT = {
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1.0),
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer"), 1e-3),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-6),
}
"""Both micro signs: U+00B5 and the Greek letter."""
MM_OF_OME_UNIT = {
    **MM_OF_UNIT,
    **{"km": 1e6, "hm": 1e5, "dam": 1e4, "m": 1e3, "dm": 1e2, "cm": 10.0},
    **{"\u00c5": 1e-7, "pm": 1e-9, "fm": 1e-12},
    **{"thou": 0.0254, "li": 25.4 / 12, "in": 25.4, "ft": 304.8, "yd": 914.4, "pt": 25.4 / 72},
}
"""The lengths of the OME schema, normalised: of two micro signs the Greek one, of two signs of the
angstrom the letter. Its lengths of the sky are left out, and `pixel` is none."""


def mm_per_pixel_of_tags(image: Any) -> float | None:
    """Read the scale that an open libvips image states.

    Returns
    -------
    float or None
        None where the file is silent, states a print size or something implausible, or where
        x and y differ.
    """
    across = pixels_per_mm_of_calibration(image)
    if across is not None:
        return 1 / across if across <= MAX_PIXELS_PER_MM else None
    across = pixels_per_mm_of_tags(image)
    return 1 / across if MIN_PIXELS_PER_MM <= across <= MAX_PIXELS_PER_MM else None


def pixels_per_mm_of_tags(image: Any) -> float:
    """Read the resolution tags of an open libvips image, a size on paper too.

    Returns
    -------
    float
        Pixels a millimetre; 0 where the file is silent, names no unit, or x and y differ.
    """
    if not (image.get_typeof("resolution-unit") or _loader(image).startswith("png")):
        return 0.0  # without a unit: a ratio of sides, or what libvips says of a silent file
    across, down = float(image.xres), float(image.yres)
    alike = across > 0 and math.isclose(across, down, rel_tol=SQUARE_TOLERANCE)
    silent = math.isclose(across, 1, rel_tol=1e-6)
    return across if alike and not silent else 0.0


def pixels_per_mm_of_calibration(image: Any) -> float | None:
    """Read what ImageJ or OME software wrote of an open libvips image; None where neither did.

    ImageJ keeps pixels per unit in the resolution tags and the unit in the description; inches
    and centimetres are left to the tags, since it takes them over from any file that it opens.
    OME-XML has PhysicalSizeX and PhysicalSizeY, in micrometres if no unit is given.
    """
    text = str(image.get("image-description")) if image.get_typeof("image-description") else ""
    if text.startswith("ImageJ="):
        unit = re.search(r"^unit=(.*)$", text, re.MULTILINE)
        mm = MM_OF_UNIT.get(_unescaped(unit[1].strip())) if unit else None
        sides = [] if mm is None else [_raw(image, side) / mm for side in ("xres", "yres")]
    else:
        sides = _sides_of_ome(text)
    if len(sides) != 2 or not all(math.isfinite(side) and side > 0 for side in sides):
        return None
    if sides == [1.0, 1.0]:
        return None  # what libvips says where the tags are silent
    return sides[0] if math.isclose(*sides, rel_tol=SQUARE_TOLERANCE) else None


def _raw(image: Any, side: str) -> float:
    """Give a resolution tag as it stands in the file, whatever its unit."""
    unit = image.get("resolution-unit") if image.get_typeof("resolution-unit") else ""
    return float(getattr(image, side)) * {"in": 25.4, "cm": 10.0}.get(str(unit), 1.0)


def _unescaped(unit: str) -> str:
    """Turn ImageJ's way to write a letter beyond ASCII back into it."""
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), unit)


def _sides_of_ome(text: str) -> list[float]:
    """Pixels a millimetre along x and y, as far as OME-XML says."""
    pixels = ome_pixels(text)
    if pixels is None:
        return []
    sides = []
    for name in ("PhysicalSizeX", "PhysicalSizeY"):
        unit = unicodedata.normalize("NFKC", pixels.get(f"{name}Unit", "um").strip())
        mm = MM_OF_OME_UNIT.get(unit)
        try:
            size = float(pixels.get(name, ""))
        except ValueError:
            return []
        if mm is not None and size > 0:
            sides.append(1 / (size * mm))
    return sides


def ome_pixels(text: str) -> ElementTree.Element | None:
    """Find what OME-XML says of the first picture's pixels, whatever prefix its names have."""
    if not re.search(r"<(\w+:)?OME\b", text) or "<!DOCTYPE" in text:
        return None  # OME has no document type, whose entities could be made to fill any memory
    try:
        root = ElementTree.fromstring(text.strip())
    except ElementTree.ParseError:
        return None
    return next((each for each in root.iter() if each.tag.rpartition("}")[2] == "Pixels"), None)


def _loader(image: Any) -> str:
    return str(image.get("vips-loader")) if image.get_typeof("vips-loader") else ""


def mm_per_pixel_of_setting(value: float) -> float:
    """Check a scale that the user states, in millimetres per pixel.

    Raises
    ------
    SettingError
        If it is not a finite number above 0.
    """
    return _positive("mm_per_pixel", value)


def mm_per_pixel_of_ruler(length_mm: float, length_px: float) -> float:
    """Scale from a ruler: `length_mm` of it cover `length_px` pixels of the photo.

    Raises
    ------
    SettingError
        If a length is not a finite number above 0.
    """
    return _positive("length_mm", length_mm) / _positive("length_px", length_px)


def _positive(name: str, value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and value > 0):
        raise SettingError(f"{name} must be a finite number above 0, got {value!r}.")
    return float(value)
