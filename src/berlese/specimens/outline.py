"""What a found animal is: a box, an outline, a score and flags; in pixels of the upright photo."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def in_reading_order(specimens: Iterable[Specimen]) -> list[Specimen]:
    """Sort animals in rows of 100 pixels from the top, each from the left."""
    return sorted(specimens, key=lambda each: (each.box.top // 100, each.box.left, each.box.top))
