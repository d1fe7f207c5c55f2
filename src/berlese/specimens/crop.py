"""Cut one picture per animal, and make it square the way the paper does."""

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
