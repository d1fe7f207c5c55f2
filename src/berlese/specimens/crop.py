"""Cut one picture per animal, and make it square the way the paper does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.outline import Box

MARGIN = 0.05  # of the longer side, so that the outermost pixels are background


class _Photo(Protocol):
    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def region(self, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]: ...


class _Banded(Protocol):
    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def bands(self, rows: int) -> Iterator[NDArray[np.uint8]]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A part of a photo in memory, which gives regions in the photo's own coordinates.

    Attributes
    ----------
    pixels : ndarray of uint8 of shape (frame.height, frame.width, 3)
    frame : Box
        Where it lies on the photo.
    width, height : int
        Of the whole photo.
    """

    pixels: NDArray[np.uint8]
    frame: Box
    width: int
    height: int

    def region(self, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
        """Cut a box of the photo that lies within the patch."""
        x, y = left - self.frame.left, top - self.frame.top
        return self.pixels[y : y + height, x : x + width]


BAND_ROWS = 256


def cut_patches(
    photo: _Banded, boxes: Sequence[Box], *, margin: float = MARGIN
) -> Iterator[tuple[int, Patch]]:
    """Cut many animals out of a photo while it is read once from top to bottom.

    Yields the number of a box with its patch, as `cut_crop` would cut it, in the order in which
    their last rows go by; only the patches that are not yet whole are in memory.
    """
    frames = [with_margin(box, photo.width, photo.height, margin) for box in boxes]
    waiting = sorted(range(len(frames)), key=lambda number: -frames[number].top)
    begun: dict[int, NDArray[np.uint8]] = {}
    top = 0
    for band in photo.bands(BAND_ROWS):
        bottom = top + len(band)
        while waiting and frames[waiting[-1]].top < bottom:
            number = waiting.pop()
            begun[number] = np.empty((frames[number].height, frames[number].width, 3), np.uint8)
        for number, pixels in list(begun.items()):
            frame = frames[number]
            first, last = max(frame.top, top), min(frame.bottom, bottom)
            rows = band[first - top : last - top, frame.left : frame.right]
            pixels[first - frame.top : last - frame.top] = rows
            if frame.bottom <= bottom:
                del begun[number]
                yield number, Patch(pixels, frame, photo.width, photo.height)
        if not waiting and not begun:
            return
        top = bottom


def with_margin(box: Box, width: int, height: int, margin: float = MARGIN) -> Box:
    """Widen a box by a share of its longer side, inside a photo of `width` x `height` pixels."""
    border = round(margin * max(box.width, box.height))
    return Box(
        max(box.left - border, 0),
        max(box.top - border, 0),
        min(box.right + border, width),
        min(box.bottom + border, height),
    )


def cut_crop(photo: _Photo, box: Box, *, margin: float = MARGIN) -> NDArray[np.uint8]:
    """Cut one animal out of a photo, with a margin that stops at the photo's edge."""
    wide = with_margin(box, photo.width, photo.height, margin)
    return photo.region(wide.left, wide.top, wide.width, wide.height)


def pad_to_square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad a picture to a square with the mean colour of its outermost pixels.

    Source: Fujisawa et al. 2023, Methods.
    """
    height, width = image.shape[:2]
    if height == width:
        return image
    side = max(height, width)
    square = np.empty((side, side, 3), np.uint8)
    square[:] = edge_colour(image)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return square


def edge_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean colour of the outermost pixels, each counted once."""
    inner = [image[0], image[-1], image[1:-1, 0], image[1:-1, -1]]
    return np.rint(np.concatenate(inner).mean(axis=0)).astype(np.uint8)


def resize_square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize a square picture to `size` pixels: area means when shrinking, cubic when growing."""
    filter_ = cv2.INTER_AREA if image.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=filter_))
