"""Pictures at their own depth: what stacking and stitching read, and what they write.

`reading` gives every photo as sRGB of 8 bits, which is what finding animals needs. A frame keeps
what the camera wrote: 8 or 16 bits, grey or RGB, its colour profile and its scale, so that the
picture made of many has all that one had. Frames are upright; alpha is laid on white.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from berlese.errors import PhotoError, SettingError
from berlese.photos.brightness import brightness
from berlese.photos.reading import MAX_PIXELS, damaged, open_page, open_photo
from berlese.photos.scale import pixels_per_mm_of_calibration, pixels_per_mm_of_tags
from berlese.photos.writing import atomic_write

FRAME_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
_BIGTIFF_BYTES = 2**31  # a compressed file that stays below needs no BigTIFF


@dataclass(frozen=True, slots=True)
class FrameKind:
    """What frames must share to become one picture.

    Attributes
    ----------
    width, height : int
        Pixels, upright.
    bands : int
        1 for grey, 3 for RGB.
    bits : int
        8 or 16, a channel.
    """

    width: int
    height: int
    bands: int
    bits: int

    def __str__(self) -> str:
        colour = "grey" if self.bands == 1 else "RGB"
        return f"{self.width} x {self.height} pixels, {colour}, {self.bits} bits"

    @property
    def top(self) -> int:
        """The brightest value."""
        return 65535 if self.bits == 16 else 255


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture whose header was read and whose pixels were not.

    Attributes
    ----------
    path : Path
    kind : FrameKind
    pixels_per_mm : float
        As the file's tags have it, a size on paper too; 0 where they are silent.
    profile : bytes or None
        ICC profile.
    """

    path: Path
    kind: FrameKind
    pixels_per_mm: float
    profile: bytes | None

    def pixels(self) -> NDArray[np.generic]:
        """Decode the frame: uint8 or uint16, shape (height, width, bands).

        Raises
        ------
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        return _decoded(_stored(self.path, 1.0), self.path)

    def grey(self, max_side: int) -> NDArray[np.float32]:
        """Decode it as brightness, 0 to 255, the longer side at most `max_side` pixels.

        Raises
        ------
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        return brightness(self.reduced(max_side))

    def reduced(self, max_side: int) -> NDArray[np.float32]:
        """Decode it with channels from 0 to 255, the longer side at most `max_side` pixels.

        Returns
        -------
        ndarray of float32, shape (height, width, bands)

        Raises
        ------
        UnreadablePhotoError
            If the file is cut off or damaged.
        """
        factor = min(max_side / max(self.kind.width, self.kind.height), 1.0)
        pixels = _decoded(_stored(self.path, factor), self.path).astype(np.float32)
        pixels *= np.float32(255 / self.kind.top)
        if factor == 1:
            return pixels
        size = (max(round(self.kind.width * factor), 1), max(round(self.kind.height * factor), 1))
        resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return np.asarray(resized, np.float32).reshape(size[1], size[0], -1)


def open_frame(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """Open a picture for stacking or stitching: read its header and check it.

    Raises
    ------
    UnreadablePhotoError, UnsupportedPhotoError, PhotoTooLargeError
        As `open_photo`.
    """
    photo = open_photo(path, max_pixels=max_pixels)
    image = _stored(photo.path, 1.0)
    bits = 16 if image.format == "ushort" else 8
    profile = bytes(image.get("icc-profile-data")) if image.get_typeof("icc-profile-data") else None
    kind = FrameKind(photo.width, photo.height, image.bands, bits)
    return Frame(
        photo.path,
        kind,
        pixels_per_mm_of_calibration(image) or pixels_per_mm_of_tags(image),
        profile,
    )


def open_frames(paths: Iterable[Path | str]) -> tuple[list[Frame], list[PhotoError]]:
    """Open pictures, each once; return those to be used, and what is wrong with the others."""
    frames, failed = [], []
    for path in dict.fromkeys(map(Path, paths)):
        try:
            frames.append(open_frame(path))
        except PhotoError as error:
            failed.append(error)
    return frames, failed


def _stored(path: Path, factor: float) -> Any:
    image = open_page(path, access="sequential", factor=factor)
    try:
        if image.interpretation == "cmyk":
            image = image.colourspace("srgb")
        if image.hasalpha():
            image = image.flatten(background=65535 if image.format == "ushort" else 255)
        return image.autorot()
    except pyvips.Error as error:
        raise damaged(path, error) from error


def _decoded(image: Any, path: Path) -> NDArray[np.generic]:
    kind = np.uint16 if image.format == "ushort" else np.uint8
    try:
        stored = np.frombuffer(image.write_to_memory(), kind)
    except pyvips.Error as error:
        raise damaged(path, error) from error
    return stored.reshape(image.height, image.width, image.bands)


def require_frame_suffix(path: Path, bits: int | None = None) -> None:
    """Refuse a name that is no picture's, or a JPEG for 16 bits.

    Raises
    ------
    SettingError
    """
    if path.suffix.lower() not in FRAME_SUFFIXES:
        raise SettingError(
            f"{path}: is to be a picture; expected a name that ends in .tif, .png or .jpg."
        )
    if bits == 16 and path.suffix.lower() in (".jpg", ".jpeg"):
        raise SettingError(f"{path}: JPEG has no 16 bits; expected a name in .tif or .png.")


def write_frame(path: Path | str, pixels: NDArray[np.generic], like: Frame) -> None:
    """Write a picture with the scale and the colour profile of `like`; whole or not at all.

    Parameters
    ----------
    path : Path or str
        ``.tif`` (without loss, BigTIFF where it must be), ``.png`` or ``.jpg``.
    pixels : ndarray of uint8 or uint16, shape (height, width, bands)
    like : Frame

    Raises
    ------
    SettingError
        If the name is no picture's, or a JPEG for 16 bits.
    """
    path = Path(path)
    require_frame_suffix(path, 16 if pixels.dtype == np.uint16 else 8)
    image = as_image(pixels, like)
    with atomic_write(path) as temporary:
        name = f"{temporary}"
        if path.suffix.lower() in (".tif", ".tiff"):
            big = pixels.nbytes > _BIGTIFF_BYTES
            image.tiffsave(name, compression="deflate", predictor="horizontal", bigtiff=big)
        elif path.suffix.lower() == ".png":
            image.pngsave(name, compression=3)
        else:
            image.jpegsave(name, Q=95)


def write_numbers(path: Path | str, numbers: NDArray[np.float32], like: Frame) -> None:
    """Write an array of numbers, such as heights, as a TIFF of 32-bit floats.

    Raises
    ------
    SettingError
        If the name does not end in .tif or .tiff.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SettingError(f"{path}: heights are numbers; expected a name that ends in .tif.")
    image = as_image(np.ascontiguousarray(numbers[..., None], np.float32), like)
    with atomic_write(path) as temporary:
        image.tiffsave(f"{temporary}", compression="deflate", predictor="float")


def as_image(pixels: NDArray[np.generic], like: Frame) -> Any:
    """Make a libvips image of an array, with the scale and the profile of `like`."""
    return dressed(pyvips.Image.new_from_array(np.ascontiguousarray(pixels)), like)


def dressed(image: Any, like: Frame) -> Any:
    """Give a libvips image its kind of colour, and the scale and the profile of `like`."""
    kinds = {"uchar": ("b-w", "srgb"), "ushort": ("grey16", "rgb16")}.get(image.format)
    scale = like.pixels_per_mm or 1.0
    image = image.copy(
        interpretation=kinds[image.bands == 3] if kinds else "b-w", xres=scale, yres=scale
    )
    if like.profile is not None and kinds:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", like.profile)
    return image
