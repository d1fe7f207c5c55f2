"""Write files atomically: a reader sees the old file or the new one, never half of one.

Pictures are uint8 arrays, grey (height, width) or RGB (height, width, 3); the same pixels give
the same bytes. A killed process leaves at most a hidden file that ends in ``.part``.
"""

import os
import secrets
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

_WAITING: ContextVar[list[tuple[Path | None, Path]] | None] = ContextVar("waiting", default=None)
"""Inside `all_or_none`: finished files with the places that wait for them; None clears a place."""
DENSITY_AT = 13  # of the unit in a JPEG of OpenCV: behind its start, the marker, "JFIF", a version
PER_CENTIMETRE = 2
PIXELS_PER_CM_LIMIT = 1 << 16
SCALE_TOLERANCE = 0.005


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Give a temporary file beside `path`, and put it in `path`'s place on leaving.

    An error leaves `path` as it was and removes the temporary file. Inside `all_or_none` the file
    waits for the others.

    Yields
    ------
    Path
        An empty file, to be written and closed within the block.
    """
    path = Path(path)
    temporary = _hidden_beside(path)
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        _settle(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_file(path: Path | str) -> None:
    """Remove a file of our own, if it is there; inside `all_or_none`, together with the others."""
    _settle(None, Path(path))


@contextmanager
def all_or_none() -> Iterator[None]:
    """Let what is written and removed within take effect together on leaving, or not at all.

    It holds for `atomic_write`, what builds on it, and `remove_file`, in this thread.
    """
    waiting: list[tuple[Path | None, Path]] = []
    token = _WAITING.set(waiting)
    try:
        yield
        _put_in_place(waiting)
    finally:
        _WAITING.reset(token)
        for temporary, _ in waiting:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Give an empty folder beside `path`, and put it in `path`'s place on leaving.

    An error leaves `path` as it was and removes the new folder.

    Yields
    ------
    Path
        The folder to fill.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = _hidden_beside(path), _hidden_beside(path).with_suffix(".old")
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            path.replace(old)
        temporary.replace(path)
    except BaseException:
        if old.exists():
            old.replace(path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _hidden_beside(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.part")


def _settle(temporary: Path | None, path: Path) -> None:
    waiting = _WAITING.get()
    if waiting is not None:
        waiting.append((temporary, path))
    elif temporary is None:
        path.unlink(missing_ok=True)
    else:
        temporary.replace(path)


def _put_in_place(waiting: list[tuple[Path | None, Path]]) -> None:
    """Replace and remove one file after the other; an error takes back those before."""
    done: list[tuple[Path | None, Path]] = []
    try:
        for temporary, path in waiting:
            copy = _copied(path)
            done.append((copy, path))
            if temporary is None:
                path.unlink(missing_ok=True)
            else:
                temporary.replace(path)
    except BaseException:
        for copy, path in reversed(done):
            if copy is not None:
                copy.replace(path)
            else:
                with suppress(OSError):  # was not there, and did not get there
                    path.unlink()
        raise
    finally:
        for copy, _ in done:
            if copy is not None:
                copy.unlink(missing_ok=True)


def _copied(path: Path) -> Path | None:
    """Keep a file under a hidden name as well; None where there is none."""
    if not path.is_file():
        return None
    copy = _hidden_beside(path)
    try:
        os.link(path, copy)
    except OSError:  # a file system without links
        shutil.copy2(path, copy)
    return copy


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
