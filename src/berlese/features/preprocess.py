"""From a picture of any shape to the numbers that a backbone expects.

A picture is padded to a square (see `berlese.specimens.crop`), resized and normalised.
Every choice is part of `Preprocessing.describe` and so of `Preprocessing.hash`: features made
in another way are never mixed up. Decoding is left to `berlese.photos.reading`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.options import require_at_least, require_one_of
from berlese.specimens.crop import pad_to_square, resize_square

FORMAT = 1  # raised whenever the same settings give other numbers
ORDERS = ("RGB", "BGR")
LONGEST = 4  # longest side before padding, as a multiple of the input size


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Pad, resize and normalise one picture.

    Parameters
    ----------
    size : int
        Width and height of the backbone's input, in pixels.
    mean, divisor : float, or one for each channel
        Input values are ``(colour - mean) / divisor``, channels in the order of `order`.
    order : {"RGB", "BGR"}
        Of the channels.
    """

    size: int
    mean: float | tuple[float, float, float] = 127.0
    divisor: float | tuple[float, float, float] = 128.0
    order: str = "RGB"

    def __post_init__(self) -> None:
        require_at_least(self, "size", 1)
        require_one_of(self, "order", ORDERS)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Prepare one picture.

        Parameters
        ----------
        image : ndarray of uint8 of shape (height, width, 3)
            An sRGB picture of at least one pixel.

        Returns
        -------
        ndarray of float32 of shape (3, size, size)
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(
                f"a picture must be uint8 of shape (height, width, 3), "
                f"got {image.dtype} of shape {image.shape}."
            )
        square = resize_square(pad_to_square(self._bounded(image)), self.size)
        channels = cv2.split(square)
        planes = np.stack(channels if self.order == "RGB" else channels[::-1]).astype(np.float32)
        planes -= np.asarray(self.mean, np.float32).reshape(-1, 1, 1)
        planes /= np.asarray(self.divisor, np.float32).reshape(-1, 1, 1)
        return planes

    def describe(self) -> dict[str, Any]:
        """Say all that decides about the numbers, in words that can be hashed."""
        return {
            "size": self.size,
            "mean": self.mean,
            "divisor": self.divisor,
            "format": FORMAT,
            "decode": "8-bit sRGB after EXIF orientation",
            "bound": f"longest side shrunk to {LONGEST} x size before padding",
            "pad": "square, mean colour of the outermost pixels",
            "resize": "area when shrinking, cubic when enlarging",
            "layout": f"{self.order}, channels first",
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Preprocessing":
        """Make it of its fields, as read from JSON."""
        as_stored: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return cls(**as_stored)

    @property
    def hash(self) -> str:
        """Hash of `describe`."""
        return sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()

    def _bounded(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Keep the square of a long strip small: 1 x 30000 pixels would become 2.7 GB."""
        limit = LONGEST * self.size
        height, width = image.shape[:2]
        longest = max(height, width)
        if longest <= limit:
            return image
        wide = max(1, round(width * limit / longest))
        high = max(1, round(height * limit / longest))
        return np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA))
