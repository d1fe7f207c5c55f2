"""Open any photo lazily: upright, sRGB, 8 bits a channel, with its scale.

Pixels are uint8 arrays of shape (height, width, 3). Opening a photo reads its header; libvips
decodes the rest when it is asked for. EXIF orientation and colour are settled here and nowhere
else, so what leaves this module needs no second look. Hashes are left to `identity`.
"""

import errno
import math
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from berlese.errors import (
    PhotoError,
    PhotoTooLargeError,
    SettingError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from berlese.photos.camera_bits import CameraBits, brightened, camera_bits
from berlese.photos.colours import in_srgb
from berlese.photos.scale import mm_per_pixel_of_setting, mm_per_pixel_of_tags
from berlese.photos.tiff_directory import SIGNATURES as TIFF_SIGNATURES
from berlese.photos.tiff_extent import bytes_needed
from berlese.photos.tiff_opening import open_tiff_bytes, open_tiff_file
from berlese.photos.unmapped import PIECE, Unmapped

PHOTO_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".tif", ".tiff", ".btf", ".webp"))
UNOPENED_SUFFIXES = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".bmp", ".gif", ".psd"),
        *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw"),
        *(".czi", ".lif", ".nd2", ".vsi"),
    )
)
"""Pictures of telephones, raw ones of cameras and those of microscopes: not opened here."""
MAX_PIXELS = 2_000_000_000
MAX_PICTURE_PIXELS = 200_000_000  # `decode_image` holds the whole picture: 600 MB at this limit
MIN_PHOTO_SIDE = 16
MIN_PICTURE_SIDE = 4  # crops of mites are small
# How many channels each kind of colour has, without and with alpha.
CHANNELS = {"b-w": (1, 2), "grey16": (1, 2), "srgb": (3, 4), "rgb16": (3, 4), "cmyk": (4, 5)}
SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8"),
    *TIFF_SIGNATURES,
)

# The loaders that libvips does not trust (SVG, PDF, ImageMagick) stay shut whatever the bytes say.
# A cached operation would show a file's old pixels after the file was replaced.
pyvips.block_untrusted_set(True)
pyvips.cache_set_max(0)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo whose header was read and whose pixels were not.

    Attributes
    ----------
    path : Path
        The file.
    width, height : int
        Pixels, after EXIF orientation.
    mm_per_pixel : float or None
        Scale, where it is known.
    notes : tuple of str
        What a person should know, such as further pages that are not looked at.
    spare_bits : int
        Upper bits of 16 that no pixel uses, by which it is brightened.
    """

    path: Path
    width: int
    height: int
    mm_per_pixel: float | None
    notes: tuple[str, ...] = ()
    spare_bits: int = 0
    _opened: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)

    def pixels(self) -> NDArray[np.uint8]:
        """Decode the whole photo.

        Raises
        ------
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        raw = open_page(self.path, access="sequential")
        return _decoded(_as_rgb(raw, self.path, self.spare_bits)[0], _orientation(raw), self.path)

    def region(self, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
        """Decode a part of the photo; the box must lie inside of it.

        The first call opens the file for random access, and later calls use that again: tiled
        files are read tile by tile, others are decoded once, beyond 100 MB into a temporary file.

        Raises
        ------
        SettingError
            If the box leaves the photo.
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        inside = left >= 0 and top >= 0 and width > 0 and height > 0
        if not (inside and left + width <= self.width and top + height <= self.height):
            raise SettingError(
                f"{self.path}: the region {width} x {height} at ({left}, {top}) leaves the photo "
                f"of {self.width} x {self.height} pixels."
            )
        if not self._opened:
            raw = open_page(self.path, access="random")
            self._opened.append((_as_rgb(raw, self.path, self.spare_bits)[0], _orientation(raw)))
        image, orientation = self._opened[0]
        if _mirrors_columns(orientation):
            left = self.width - left - width
        if _mirrors_rows(orientation):
            top = self.height - top - height
        if _swaps_sides(orientation):
            left, top, width, height = top, left, height, width
        part = _checked(image, self.path, "crop", left, top, width, height)
        return _decoded(part, orientation, self.path)

    def bands(self, rows: int) -> Iterator[NDArray[np.uint8]]:
        """Decode the photo from top to bottom, `rows` rows at a time; the last may be fewer.

        Only a few bands are in memory at a time, whatever the photo's size; a photo that lies
        turned in its file is first decoded whole, beyond 100 MB into a temporary file.

        Raises
        ------
        SettingError
            If `rows` is no integer of at least 1.
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
            raise SettingError(f"rows must be an integer of at least 1, got {rows!r}.")
        _require_file(self.path)
        try:
            with self.path.open("rb", buffering=PIECE) as file:
                yield from self._bands(rows, Unmapped(file))
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _bands(self, rows: int, file: Unmapped) -> Iterator[NDArray[np.uint8]]:
        with file.reading():
            raw = open_page(self.path, access="sequential", file=file)
        orientation = _orientation(raw)
        image = _as_rgb(raw, self.path, self.spare_bits)[0]
        if _swaps_sides(orientation) or _mirrors_rows(orientation):
            for top in range(0, self.height, rows):
                yield self.region(0, top, self.width, min(rows, self.height - top))
            return
        # One region for all bands: a new pipeline for each would ask for the first rows again.
        # Row by row: whole bands, freed amid the rows that libvips keeps, leave holes of 50 MB.
        region = pyvips.Region.new(image)
        for top in range(0, self.height, rows):
            band = np.empty((min(rows, self.height - top), self.width, 3), np.uint8)
            shown = band[:, ::-1] if _mirrors_columns(orientation) else band
            try:
                with file.reading():
                    for row, pixels in enumerate(shown, top):
                        stored = np.frombuffer(region.fetch(0, row, self.width, 1), np.uint8)
                        pixels[:] = stored.reshape(-1, 3)
            except pyvips.Error as error:
                raise damaged(self.path, error) from error
            yield band

    def shrunk(self, max_side: int) -> NDArray[np.uint8]:
        """Decode the photo so that its longer side is at most `max_side` pixels.

        A photo that is small enough keeps its size. Sides are rounded to whole pixels.

        Raises
        ------
        SettingError
            If `max_side` is no integer of at least 1.
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        if isinstance(max_side, bool) or not isinstance(max_side, int) or max_side < 1:
            raise SettingError(f"max_side must be an integer of at least 1, got {max_side!r}.")
        factor = min(max_side / max(self.width, self.height), 1.0)
        raw = open_page(self.path, access="sequential", factor=factor)
        image = _as_rgb(raw, self.path, self.spare_bits)[0]
        orientation = _orientation(raw)
        if factor < 1:
            sides = [max(round(side * factor), 1) for side in (self.width, self.height)]
            width, height = reversed(sides) if _swaps_sides(orientation) else sides
            image = _checked(
                *(image, self.path, "resize", width / image.width),
                vscale=height / image.height,
                kernel="lanczos3",
            )
        return _decoded(image, orientation, self.path)


def open_photo(
    path: Path | str, *, max_pixels: int = MAX_PIXELS, mm_per_pixel: float | None = None
) -> Photo:
    """Open a photo: read its header, check it, and leave the pixels for later.

    Parameters
    ----------
    path : Path or str
        JPEG, PNG, TIFF, BigTIFF or WebP, whatever its name; the content decides.
    max_pixels : int
        Larger pictures are refused: a small file may declare a picture that fills any memory.
    mm_per_pixel : float, optional
        Scale, where the caller knows it; goes before the file's own tags.

    Returns
    -------
    Photo

    Raises
    ------
    UnreadablePhotoError
        If the file is missing, empty, not to be read, or damaged in its header.
    UnsupportedPhotoError
        If it is no photo, too small, or holds numbers that are no colours.
    PhotoTooLargeError
        If it has more than `max_pixels` pixels.
    SettingError
        If `max_pixels` or `mm_per_pixel` is not a number above 0.
    """
    path = Path(path)
    scale = None if mm_per_pixel is None else mm_per_pixel_of_setting(mm_per_pixel)
    raw = open_page(path, access="sequential")
    _require_size(raw, path, MIN_PHOTO_SIDE, max_pixels)
    bits = _camera_bits(open_page(path, access="sequential"), path, lambda: path.open("rb"))
    _, notes = _as_rgb(raw, path, bits.spare)
    width, height = raw.width, raw.height
    if _swaps_sides(_orientation(raw)):
        width, height = height, width
    if scale is None:
        scale = mm_per_pixel_of_tags(raw)
    told = (*_page_notes(raw, path), *_bit_notes(raw), *bits.notes, *notes)
    return Photo(path, width, height, scale, told, bits.spare)


def decode_image(path: Path | str, *, max_pixels: int = MAX_PICTURE_PIXELS) -> NDArray[np.uint8]:
    """Decode a small picture, such as a crop or a library picture, whole; safe in threads.

    Orientation and colour follow the rules of `open_photo`.

    Raises
    ------
    UnreadablePhotoError, UnsupportedPhotoError, PhotoTooLargeError
        As `open_photo`, and if the picture is cut off or damaged anywhere.
    """
    path = Path(path)
    _require_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error

    def opened() -> Any:
        if data.startswith(TIFF_SIGNATURES):
            return open_tiff_bytes(data, access="sequential")
        return pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")

    try:
        raw = opened()
    except pyvips.Error as error:
        raise _refusal(path, data, error) from error
    _require_size(raw, path, MIN_PICTURE_SIDE, max_pixels)
    bits = _camera_bits(opened(), path, lambda: BytesIO(data))
    return _decoded(_as_rgb(raw, path, bits.spare)[0], _orientation(raw), path)


def find_photos(paths: Iterable[Path | str]) -> list[Path]:
    """List the photos that paths lead to, each once, in the order given.

    Folders are searched, sub-folders too, for the suffixes of photos in any case; what they
    hold is sorted, and names that begin with a dot are left out. A path that is no folder is
    kept whatever its name, existing or not: opening it tells what is wrong with it.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        found |= dict.fromkeys(search_folder(path)[0] if path.is_dir() else [path])
    return list(found)


def search_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the photos in a folder and its sub-folders, and the pictures that cannot be opened.

    Both are sorted. Of these, a camera's raw picture that lies beside a photo of its name is left
    out: it shows the same.
    """
    inside = sorted(folder.rglob("*"))
    photos = [path for path in inside if _has_suffix(path, folder, PHOTO_SUFFIXES)]
    names = {path.with_suffix("") for path in photos}
    unopened = [path for path in inside if _has_suffix(path, folder, UNOPENED_SUFFIXES)]
    return photos, [path for path in unopened if path.with_suffix("") not in names]


def _has_suffix(path: Path, root: Path, suffixes: Collection[str]) -> bool:
    """Tell whether a path is a file of one of these suffixes, hidden nowhere below `root`."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.suffix.lower() in suffixes and not path.is_dir()


def open_page(path: Path, *, access: str, factor: float = 1.0, file: Unmapped | None = None) -> Any:
    """Read the header of the first page; a JPEG may come at 1/2 to 1/8 if it is to be shrunk.

    A JPEG is read from `file` where that is given, and mapped into memory where it is not.
    What comes is the page as it is stored; only `frames` wants it so. Others ask `open_photo`.
    """
    start = _require_file(path)
    options: dict[str, object] = {"access": access, "fail_on": "truncated"}
    jpeg = start.startswith(b"\xff\xd8\xff")
    if jpeg and factor < 1:
        # Twice the wanted size is left for the final, better filter.
        options["shrink"] = 2 ** min(max(int(math.log2(1 / (2 * factor))), 0), 3)
    try:
        if start.startswith(TIFF_SIGNATURES):
            return open_tiff_file(path, access)
        if jpeg and file is not None:
            return pyvips.Image.new_from_source(file.source, "", **options)
        # A source takes the name as it is; `new_from_file` would read options out of brackets.
        source = pyvips.Source.new_from_file(os.fsencode(path))
        return pyvips.Image.new_from_source(source, "", **options)
    except pyvips.Error as error:
        raise _refusal(path, start, error) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _require_file(path: Path) -> bytes:
    """Refuse what is no readable file with content; return its first bytes."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "no ordinary file"
            raise UnreadablePhotoError(path, f"is {what}; expected a photo.")
        with path.open("rb") as file:
            start = file.read(16)
            needed, size = bytes_needed(file), path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if not start:
        raise UnreadablePhotoError(
            path, "is an empty file; expected a photo. Copy it again from the camera."
        )
    if needed is not None and needed > size:
        raise UnreadablePhotoError(
            path,
            f"is cut off: it has {size:,} of the {needed:,} bytes that its pictures take; expected "
            "a whole picture. Copy it again, or scan it anew.",
        )
    return start


def _unreadable(path: Path, error: OSError) -> UnreadablePhotoError:
    if error.errno == errno.ENOENT and path.is_symlink():
        reason = "is a link to a file that does not exist; restore that file or remove the link."
    elif error.errno == errno.ENOENT:
        reason = "does not exist; check the path."
    elif error.errno in (errno.EACCES, errno.EPERM):
        reason = "cannot be read: permission denied. Make the file readable."
    else:
        reason = f"cannot be read: {error.strerror}. Check the disk and the path."
    return UnreadablePhotoError(path, reason)


def _refusal(path: Path, start: bytes, error: pyvips.Error) -> PhotoError:
    if start.startswith(SIGNATURES):
        return damaged(path, error)
    return UnsupportedPhotoError(
        path,
        "is no photo in a format that can be opened, whatever its name says; expected JPEG, PNG, "
        "TIFF or WebP. Export it as one of these.",
    )


def damaged(path: Path, error: pyvips.Error) -> UnreadablePhotoError:
    """Make the error of a file that libvips began to read and could not finish."""
    detail = str(error.detail or error.message).strip().splitlines()
    return UnreadablePhotoError(
        path,
        f"is cut off, damaged or of an unknown kind ({detail[0] if detail else 'no detail'}); "
        "expected a whole picture. Copy it again from the camera, or export it anew.",
    )


def _require_size(raw: Any, path: Path, min_side: int, max_pixels: int) -> None:
    if isinstance(max_pixels, bool) or not isinstance(max_pixels, int) or max_pixels < 1:
        raise SettingError(f"max_pixels must be an integer of at least 1, got {max_pixels!r}.")
    if raw.width * raw.height > max_pixels:
        raise PhotoTooLargeError(
            path,
            f"has {raw.width} x {raw.height} = {raw.width * raw.height:,} pixels, expected at most "
            f"{max_pixels:,}. If it is a real photo, raise max_pixels (--max-pixels "
            f"{raw.width * raw.height}).",
        )
    if min(raw.width, raw.height) < min_side:
        raise UnsupportedPhotoError(
            path,
            f"is too small to show an animal: {raw.width} x {raw.height} pixels, expected at "
            f"least {min_side} on either side.",
        )


def _page_notes(raw: Any, path: Path) -> list[str]:
    """Tell of pages that are not looked at; smaller copies in a pyramid are none."""
    pages = raw.get("n-pages") if raw.get_typeof("n-pages") else 1
    if pages < 2:
        return []
    if str(raw.get("vips-loader")).startswith("tiff"):
        try:
            source = pyvips.Source.new_from_file(os.fsencode(path))
            second = pyvips.Image.new_from_source(source, "", page=1)
        except pyvips.Error as error:
            raise damaged(path, error) from error
        halves = ((raw.width, second.width), (raw.height, second.height))
        if all(abs(whole / 2 - half) <= 1 for whole, half in halves):
            return []
    return [f"first of {pages} pages; the others are not looked at"]


def _bit_notes(raw: Any) -> list[str]:
    """Tell of scans in black and white, in which no edge is where it was."""
    bits = raw.get("bits-per-sample") if raw.get_typeof("bits-per-sample") else 8
    if bits != 1 or raw.bands != 1:
        return []
    return ["has black and white only and no greys; photograph or scan it in grey or colour"]


def _camera_bits(image: Any, path: Path, open_file: Callable[[], BinaryIO]) -> CameraBits:
    try:
        return camera_bits(image, open_file)
    except pyvips.Error as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _as_rgb(image: Any, path: Path, spare_bits: int) -> tuple[Any, list[str]]:
    """Turn any colours into sRGB of 8 bits on white ground; nothing is decoded yet."""
    if image.format not in ("uchar", "ushort"):
        raise UnsupportedPhotoError(
            path,
            f"holds {image.format} numbers, which may be NaN, infinite or negative; expected 8 or "
            "16 bits a channel. Export it as an ordinary 8 or 16 bit TIFF.",
        )
    if image.bands not in CHANNELS.get(image.interpretation, ()):
        raise UnsupportedPhotoError(
            path,
            f"holds {image.bands} channels of kind {image.interpretation}; expected grey, RGB or "
            "CMYK. Export it as RGB.",
        )
    try:
        return in_srgb(brightened(image, spare_bits) if spare_bits else image)
    except pyvips.Error as error:
        raise damaged(path, error) from error


def _checked(image: Any, path: Path, operation: str, *arguments: object, **options: object) -> Any:
    """Run a libvips operation on an open image, with our words on what is wrong."""
    try:
        return getattr(image, operation)(*arguments, **options)
    except pyvips.Error as error:
        raise damaged(path, error) from error


def _decoded(image: Any, orientation: int, path: Path) -> NDArray[np.uint8]:
    """Decode stored pixels and turn them upright."""
    try:
        stored = np.frombuffer(image.write_to_memory(), np.uint8)
    except pyvips.Error as error:
        raise damaged(path, error) from error
    array = stored.reshape(image.height, image.width, 3)
    if _swaps_sides(orientation):
        array = array.swapaxes(0, 1)
    if _mirrors_columns(orientation):
        array = array[:, ::-1]
    if _mirrors_rows(orientation):
        array = array[::-1]
    return np.array(array, order="C")


def _orientation(image: Any) -> int:
    """EXIF orientation, 1 where it is absent or no known value.

    Upright pixels are the stored ones, transposed from 5 on, and then mirrored.
    """
    value = image.get("orientation") if image.get_typeof("orientation") else 1
    return int(value) if value in range(1, 9) else 1


def _swaps_sides(orientation: int) -> bool:
    return orientation >= 5


def _mirrors_columns(orientation: int) -> bool:
    return orientation in (2, 3, 6, 7)


def _mirrors_rows(orientation: int) -> bool:
    return orientation in (3, 4, 7, 8)
