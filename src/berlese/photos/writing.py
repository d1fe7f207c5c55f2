"""Write files atomically: a reader sees the old file or the new one, never half of one.

Pictures are uint8 arrays, grey (height, width) or RGB (height, width, 3); the same pixels give
the same bytes. A killed process leaves at most a hidden file that ends in ``.part``.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError


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


def write_jpeg(path: Path | str, pixels: NDArray[np.uint8], quality: int = 90) -> None:
    """Write a picture as JPEG of a quality from 1 to 100.

    Raises
    ------
    SettingError
        If `pixels` is no uint8 picture or has a side over 65,500 pixels, or on another quality.
    """
    if not 1 <= quality <= 100:
        raise SettingError(f"quality must be an integer from 1 to 100, got {quality!r}.")
    if max(np.shape(pixels), default=0) > 65_500:
        raise SettingError(f"{path}: JPEG ends at 65,500 pixels a side, got {np.shape(pixels)}.")
    _write_encoded(path, pixels, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(quality)])


def _write_encoded(
    path: Path | str, pixels: NDArray[np.uint8], suffix: str, parameters: list[int]
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
    with atomic_write(path) as temporary:
        temporary.write_bytes(data.tobytes())
