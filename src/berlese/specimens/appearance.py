"""What a picture of one animal looks like, whatever the animal: light, colour, scale, sharpness.

Measured on the picture alone, so that a library and photos from elsewhere can be compared. The
animal is what differs from the picture's border by more than Otsu's threshold.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.thumbnails import fitted

SIDE = 256  # pixels of the longer side at which all but `size_px` and `sharpness` are measured
FEWEST = 20  # pixels of an animal


@dataclass(frozen=True, slots=True)
class Appearance:
    """Ten numbers of one picture.

    Attributes
    ----------
    size_px : float
        Longer side of the picture.
    sharpness : float
        Logarithm of the variance of the Laplacian over that of the lightness, at full size.
    ground_lightness, ground_warmth : float
        CIELAB L (0 to 100) and b (yellow above 0, blue below) of the border, medians.
    ground_unevenness : float
        Standard deviation of L along the border.
    contrast : float
        Difference of L between ground and animal; above 0 the animal is darker.
    colourfulness : float
        Mean CIELAB chroma of the animal.
    filling : float
        Share of the picture that the animal covers.
    elongation : float
        Longer over shorter axis of the animal's ellipse of inertia.
    texture : float
        Standard deviation of L over the animal.
    """

    size_px: float
    sharpness: float
    ground_lightness: float
    ground_warmth: float
    ground_unevenness: float
    contrast: float
    colourfulness: float
    filling: float
    elongation: float
    texture: float

    def to_row(self) -> NDArray[np.float64]:
        """Give the numbers in the order of `PROPERTIES`."""
        return np.array([getattr(self, name) for name in PROPERTIES])


PROPERTIES = tuple(field.name for field in fields(Appearance))


def appearance(pixels: NDArray[np.uint8]) -> Appearance:
    """Measure a picture.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        RGB.
    """
    lightness = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    blur = float(cv2.Laplacian(lightness, cv2.CV_32F).var())
    small = fitted(pixels, SIDE, enlarge=True)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    border = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    ground = np.median(border, axis=0)
    animal = _animal(lab, ground)
    inside = lab[animal] if animal.sum() >= FEWEST else lab.reshape(-1, 3)
    return Appearance(
        size_px=float(max(pixels.shape[:2])),
        sharpness=float(np.log((blur + 1) / (float(lightness.var()) + 1))),
        ground_lightness=float(ground[0]),
        ground_warmth=float(ground[2]),
        ground_unevenness=float(border[:, 0].std()),
        contrast=float(ground[0] - inside[:, 0].mean()),
        colourfulness=float(np.hypot(inside[:, 1], inside[:, 2]).mean()),
        filling=float(animal.mean()),
        elongation=_elongation(animal),
        texture=float(inside[:, 0].std()),
    )


def _animal(lab: NDArray[np.float64], ground: NDArray[np.float64]) -> NDArray[np.bool_]:
    distance = np.linalg.norm(lab - ground, axis=2)
    scaled = (255 * distance / max(distance.max(), 1e-9)).astype(np.uint8)
    _, mask = cv2.threshold(scaled, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return mask.astype(bool)


def _elongation(animal: NDArray[np.bool_]) -> float:
    places = np.argwhere(animal)
    if len(places) < FEWEST:
        return 1.0
    variances = np.linalg.eigvalsh(np.cov(places.T))
    return float(np.sqrt(variances[1] / max(variances[0], 1e-9)))
