"""Write files atomically: a reader sees the old file or the new one, never half of one.

Pictures are uint8 arrays, grey (height, width) or RGB (height, width, 3); the same pixels give
the same bytes. A killed process leaves at most a hidden file that ends in ``.part``.
"""

import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

DENSITY_AT = 13  # of the unit in a JPEG of OpenCV: behind its start, the marker, "JFIF", a version
PER_CENTIMETRE = 2
PIXELS_PER_CM_LIMIT = 1 << 16
SCALE_TOLERANCE = 0.005


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Give a temporary file beside `path`, and put it in `path`'s place on leaving.

    An error leaves `path` as it was and removes the temporary file.

    Yields
    ------
    Path
        An empty file, to be written and closed within the block.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text_atomic(path: Path | str, text: str) -> None:
    """Write text as UTF-8, line ends as they are.

    A file's name may hold bytes that are not UTF-8: they are spelled out as JSON reads them,
    ``\\udcff`` for the byte ff.
    """
    data = text.encode("utf-8", "backslashreplace")
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def write_png(path: Path | str, pixels: NDArray[np.uint8]) -> None:
    """Write a picture without loss, as PNG.

    Raises
    ------
    SettingError
        If `pixels` is no uint8 picture.
    """
    _write_encoded(path, pixels, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3])


def write_jpeg(
    path: Path | str,
    pixels: NDArray[np.uint8],
    quality: int = 90,
    *,
    mm_per_pixel: float | None = None,
) -> None:
    """Write a picture as JPEG of a quality from 1 to 100.

    Parameters
    ----------
    path : Path or str
    pixels : ndarray of uint8
    quality : int
    mm_per_pixel : float, optional
        Scale of the picture, to be kept in the file's resolution tag: in whole pixels a
        centimetre, up to 65,535.

    Raises
    ------
    SettingError
        If `pixels` is no uint8 picture or has a side over 65,500 pixels, on another quality, or on
        a scale that the tag cannot hold within half a percent.
    """
    if not 1 <= quality <= 100:
        raise SettingError(f"quality must be an integer from 1 to 100, got {quality!r}.")
    if max(np.shape(pixels), default=0) > 65_500:
        raise SettingError(f"{path}: JPEG ends at 65,500 pixels a side, got {np.shape(pixels)}.")
    tag = None if mm_per_pixel is None else _density(path, mm_per_pixel)
    _write_encoded(path, pixels, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(quality)], tag)


def _density(path: Path | str, mm_per_pixel: float) -> bytes:
    """The unit and the two densities of a JFIF header: whole pixels a centimetre."""
    exact = 10 / mm_per_pixel if mm_per_pixel > 0 else 0.0
    density = round(exact) if exact < PIXELS_PER_CM_LIMIT else 0
    if not 0 < density < PIXELS_PER_CM_LIMIT or abs(density / exact - 1) > SCALE_TOLERANCE:
        raise SettingError(
            f"{path}: a JPEG's tag holds 0.000153 to 0.05 mm per pixel, got {mm_per_pixel!r}."
        )
    return struct.pack(">BHH", PER_CENTIMETRE, density, density)


def _write_encoded(
    path: Path | str,
    pixels: NDArray[np.uint8],
    suffix: str,
    parameters: list[int],
    density: bytes | None = None,
) -> None:
    pixels = np.asarray(pixels)
    is_picture = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not is_picture or not pixels.size:
        raise SettingError(
            f"{path}: a picture must be uint8 of shape (height, width) or (height, width, 3), "
            f"got {pixels.dtype} of shape {pixels.shape}."
        )
    ordered = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    _, data = cv2.imencode(suffix, np.ascontiguousarray(ordered), parameters)
    encoded = data.tobytes()
    if density is not None:  # OpenCV writes the header of JFIF, but no resolution into it
        encoded = encoded[:DENSITY_AT] + density + encoded[DENSITY_AT + len(density) :]
    with atomic_write(path) as temporary:
        temporary.write_bytes(encoded)
