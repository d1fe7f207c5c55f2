"""Millimetres per pixel: stated by the user, by a ruler on the photo, or by the file's tags.

Cameras and programs write 72, 96, 150, 300 or 600 pixels an inch into every file and mean
nothing by it: that is a size on paper. So tags count as a scale only from 1,000 pixels an inch
on (40 a millimetre), which flatbed scanners and microscope software write and printing does
not, and up to 20,000 a millimetre, the limit of light. Everything else is no scale: a wrong
length is worse than none, and the user can state the scale or measure a ruler.
"""

import math
from typing import Any

from berlese.errors import SettingError

MIN_PIXELS_PER_MM = 1000 / 25.4
MAX_PIXELS_PER_MM = 20_000.0
SQUARE_TOLERANCE = 0.001


def mm_per_pixel_of_tags(image: Any) -> float | None:
    """Read the scale of an open libvips image, which keeps resolution in pixels a millimetre.

    Returns
    -------
    float or None
        None where the tags are absent, print sizes, implausible, or differ between x and y.
    """
    across, down = float(image.xres), float(image.yres)
    if not MIN_PIXELS_PER_MM <= across <= MAX_PIXELS_PER_MM:
        return None
    return 1 / across if math.isclose(across, down, rel_tol=SQUARE_TOLERANCE) else None


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
