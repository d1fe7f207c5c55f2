"""What a found animal is: a box, an outline, a score and flags; in pixels of the upright photo."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

FLAGS = ("touches_edge", "too_small", "blurred", "several")


@dataclass(frozen=True, slots=True)
class Box:
    """Upright box in photo pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top:
            raise SettingError(f"a box needs a width and a height above 0, got {self!r}.")

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height

    def iou(self, other: "Box") -> float:
        """Intersection over union with another box, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(across, 0) * max(down, 0)
        return shared / (self.area + other.area - shared)

    def normalised(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Give x, y, width, height as fractions of a photo of `width` x `height` pixels."""
        return self.left / width, self.top / height, self.width / width, self.height / height

    @classmethod
    def from_normalised(
        cls, fractions: tuple[float, float, float, float], width: int, height: int
    ) -> "Box":
        """Make a box of x, y, width, height as fractions of a photo."""
        x, y, across, down = fractions
        return cls(
            round(x * width),
            round(y * height),
            round((x + across) * width),
            round((y + down) * height),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """One animal on a photo.

    Attributes
    ----------
    box : Box
        Around the outline.
    polygon : ndarray of float64 of shape (n, 2)
        Outline, x and y.
    area_px : float
        Pixels of the animal.
    score : float
        From 0 to 1: how sure it is that this is an animal.
    flags : tuple of str
        Out of `FLAGS`.
    several : float
        From 0 to 1: how likely it is that this holds more than one animal.
    """

    box: Box
    polygon: NDArray[np.float64]
    area_px: float
    score: float
    flags: tuple[str, ...] = ()
    several: float = 0.0


def outline_of(
    mask: NDArray[np.bool_], *, size: Callable[[Any], float] = len
) -> NDArray[np.float64]:
    """Draw the outline of a mask through the middles of its outermost pixels.

    Parameters
    ----------
    mask : ndarray of bool of shape (h, w)
    size : callable
        By which the outline is chosen where the mask has several pieces: that of the largest.

    Returns
    -------
    ndarray of float64 of shape (n, 2)
        x and y from the top left corner of the mask.
    """
    framed = np.pad(mask, 1).astype(np.uint8)
    contours, _ = cv2.findContours(framed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=size)
    simple = cv2.approxPolyDP(contour, 0.7, True)
    points = (simple if len(simple) >= 3 else contour)[:, 0, :].astype(np.float64)
    return np.asarray(points - 1 + 0.5)


def box_around(
    polygon: NDArray[np.float64], *, margin: int = 0, photo_size: tuple[int, int] | None = None
) -> Box:
    """Give the box of whole pixels that an outline lies in.

    Parameters
    ----------
    polygon : ndarray of float64 of shape (n, 2)
    margin : int
        Pixels more on each side.
    photo_size : tuple of int, optional
        Width and height of the photo that the box must not leave.
    """
    low, high = np.floor(polygon.min(axis=0)) - margin, np.ceil(polygon.max(axis=0)) + margin
    left, top = int(low[0]), int(low[1])
    right, bottom = max(int(high[0]), left + 1), max(int(high[1]), top + 1)
    if photo_size is None:
        return Box(left, top, right, bottom)
    width, height = photo_size
    return Box(max(left, 0), max(top, 0), min(right, width), min(bottom, height))


def in_reading_order(specimens: Iterable[Specimen]) -> list[Specimen]:
    """Sort animals in rows of 100 pixels from the top, each from the left."""
    return sorted(specimens, key=lambda each: (each.box.top // 100, each.box.left, each.box.top))
