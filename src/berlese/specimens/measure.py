"""Length, width, area and direction of an animal from its outline."""

from dataclasses import dataclass

import cv2
import numpy as np

from berlese.specimens.outline import Specimen


@dataclass(frozen=True, slots=True)
class Measurements:
    """Size of one specimen in pixels; in millimetres, multiply by mm per pixel.

    Attributes
    ----------
    length_px, width_px : float
        Sides of the smallest rectangle around the outline, legs and antennae included.
    area_px : float
        Pixels of the animal.
    angle_deg : float
        Direction of the longer side, 0 to 180, from the x axis towards the y axis.
    """

    length_px: float
    width_px: float
    area_px: float
    angle_deg: float


def measure(specimen: Specimen) -> Measurements:
    """Measure one specimen by the smallest rectangle around its outline."""
    corners = cv2.boxPoints(cv2.minAreaRect(specimen.polygon.astype(np.float32)))
    sides = corners[1:3] - corners[:2]
    lengths = np.hypot(*sides.T)
    longer = sides[int(lengths.argmax())]
    angle = float(np.degrees(np.arctan2(longer[1], longer[0])) % 180)
    return Measurements(float(lengths.max()), float(lengths.min()), specimen.area_px, angle)
