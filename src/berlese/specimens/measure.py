"""Size and shape of an animal from its outline: in pixels of the photo.

Length and width are those of the body, without legs and antennae (see `body`); area, perimeter,
feret and the axes of the ellipse are those of the whole outline, as EcoTaxa's columns of these
names are. In millimetres, multiply by mm per pixel (areas by its square, the volume by its cube).
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.body import Body, find_body
from berlese.specimens.crop import with_margin
from berlese.specimens.outline import Box, Specimen
from berlese.specimens.sharpness import Look, look_at

GAP_SHARE = 0.5  # of the distance from ground to body colour that a gap between legs may be off
WALL = 0.25  # of the animal's half width: what lies behind a thicker wall is a highlight
RING_PX = 3
N_STORED_AXIS = 9

_Mask = NDArray[np.bool_]
_Bytes = NDArray[np.uint8]


class _Photo(Protocol):
    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def region(self, left: int, top: int, width: int, height: int) -> _Bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Size and shape of one specimen.

    Attributes
    ----------
    length_px : float
        Of the axis through the body, from end to end, bends followed; without antennae, legs,
        mandibles and snout.
    width_px : float
        The largest of the body across its axis.
    area_px : float
        Pixels of the animal.
    body_area_px : float
        Of these, of the body.
    perimeter_px : float
        Of the outline.
    major_px, minor_px : float
        Axes of the ellipse with the outline's second moments.
    feret_px : float
        Largest distance between two points of the outline.
    volume_px3 : float
        Of the solid that the body's section makes by turning round the axis,
        pi / 4 times the integral of width squared.
    angle_deg : float
        Direction from one end of the axis to the other, 0 to 180, from the x axis towards the
        y axis.
    axis : ndarray of float64 of shape (9, 2)
        Points x, y of the axis.
    look : Look or None
        How sharp and bright it is, where its pixels were given.
    """

    length_px: float
    width_px: float
    area_px: float
    body_area_px: float
    perimeter_px: float
    major_px: float
    minor_px: float
    feret_px: float
    volume_px3: float
    angle_deg: float
    axis: NDArray[np.float64]
    look: Look | None = None

    def to_columns(self) -> dict[str, Any]:
        """Return all by name, as plain numbers and lists; the axis to a hundredth of a pixel."""
        plain = [name for name in self.__slots__ if name not in ("axis", "look")]
        values: dict[str, Any] = {name: float(getattr(self, name)) for name in plain}
        look = None if self.look is None else self.look.to_dict()
        return values | {"axis": self.axis.round(2).tolist(), "look": look}


def esd_of(area: float) -> float:
    """Diameter of the circle of that area, the equivalent spherical diameter."""
    return float(2 * np.sqrt(area / np.pi))


def measure(specimen: Specimen, photo: _Photo | None = None) -> Measurements:
    """Measure one specimen.

    Parameters
    ----------
    specimen : Specimen
        Its outline runs through the centres of the outermost pixels.
    photo : photo with `width`, `height` and `region`, optional
        Where it lies. Without it, gaps that legs and body enclose count as animal, and body
        width and volume come out too large where there are any.
    """
    frame = specimen.box
    if photo is not None:
        frame = with_margin(frame, photo.width, photo.height)
    corner = (frame.left, frame.top)
    mask = filled(specimen.polygon, frame)
    if photo is None:
        return measure_mask(mask, corner, specimen.polygon, specimen.area_px)
    pixels = photo.region(*corner, frame.width, frame.height)
    mask &= ~gaps_inside(mask, pixels)
    measured = measure_mask(mask, corner, specimen.polygon, specimen.area_px)
    return replace(measured, look=look_at(pixels, specimen.polygon - corner, mask))


def measure_mask(
    mask: _Mask,
    corner: tuple[int, int] = (0, 0),
    polygon: NDArray[np.float64] | None = None,
    area_px: float | None = None,
) -> Measurements:
    """Measure the animal that a mask shows; `corner` is where its frame lies on the photo.

    `polygon` and `area_px` are of the outline, where they are known better.
    """
    body = find_body(mask)
    outline = _outline_of(mask) + corner if polygon is None else polygon
    # The outline runs through pixel centres; half a pixel all round belongs to the animal.
    perimeter = float(cv2.arcLength(outline.astype(np.float32), True)) + np.pi
    major, minor = _ellipse(mask)
    between = body.axis[-1] - body.axis[0]
    angle = float(np.degrees(np.arctan2(between[1], between[0])) % 180)
    every = np.linspace(0, len(body.axis) - 1, N_STORED_AXIS).round().astype(int)
    return Measurements(
        length_px=body.length,
        width_px=body.width,
        area_px=float(mask.sum()) if area_px is None else float(area_px),
        body_area_px=float(body.mask.sum()),
        perimeter_px=perimeter,
        major_px=major,
        minor_px=minor,
        feret_px=_feret(outline) + 1,
        volume_px3=_volume(body),
        angle_deg=angle,
        axis=body.axis[every] + corner,
    )


def filled(polygon: NDArray[np.float64], frame: Box) -> _Mask:
    """Fill an outline that runs through pixel centres, in a frame of the photo."""
    mask = np.zeros((frame.height, frame.width), np.uint8)
    corners = polygon - 0.5 - (frame.left, frame.top)
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    if not mask.any():
        x, y = np.clip(corners.mean(axis=0).astype(int), 0, (frame.width - 1, frame.height - 1))
        mask[y, x] = 1
    return mask.astype(bool)


def gaps_inside(mask: _Mask, pixels: _Bytes) -> _Mask:
    """Find the ground that shows between legs and body, inside a filled outline.

    A gap has the colour of the ground around the animal and lies behind a thin wall, a leg or
    an antenna; a highlight on the body has a thick one. Outlines that stand outside of the
    edge's middle are drawn in to it by the same rule.

    Parameters
    ----------
    mask : ndarray of bool of shape (height, width)
    pixels : ndarray of uint8 of shape (height, width, 3)
        sRGB.
    """
    none = np.zeros_like(mask)
    around = cv2.dilate(mask.astype(np.uint8), np.ones((2 * RING_PX + 1,) * 2, np.uint8)) > 0
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    half_width = float(depth.max())
    outside = ~around
    if not outside.any() or not mask.any():
        return none
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    away = np.linalg.norm(lab - np.median(lab[outside], axis=0), axis=2)
    # Long legs may enclose more ground than there is body: the body is what differs most.
    body = away[mask & (away > 0.5 * np.percentile(away[mask], 95))]
    if len(body) == 0:
        return none
    share = away / max(float(np.median(body)), 1e-6)
    count, labels = cv2.connectedComponents((mask & (share < GAP_SHARE)).astype(np.uint8))
    wall = np.full(count, np.inf)
    np.minimum.at(wall, labels.ravel(), depth.ravel())
    behind_limb = wall <= WALL * half_width
    behind_limb[0] = False
    return np.asarray(behind_limb[labels])


def _outline_of(mask: _Mask) -> NDArray[np.float64]:
    framed = np.pad(mask, 1).astype(np.uint8)
    contours, _ = cv2.findContours(framed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(contours, key=len)[:, 0, :].astype(np.float64) - 0.5)


def _ellipse(mask: _Mask) -> tuple[float, float]:
    """Axes of the ellipse with the mask's second moments; a pixel has the moments of a square."""
    rows, columns = np.nonzero(mask)
    centred = np.stack([columns - columns.mean(), rows - rows.mean()])
    moments = np.linalg.eigvalsh(centred @ centred.T / len(rows) + np.eye(2) / 12)
    minor, major = 4 * np.sqrt(moments)
    return float(major), float(minor)


def _feret(outline: NDArray[np.float64]) -> float:
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0, :].astype(np.float64)
    apart = hull[:, None, :] - hull[None, :, :]
    return float(np.hypot(apart[..., 0], apart[..., 1]).max())


def _volume(body: Body) -> float:
    step = body.length / (len(body.axis) - 1)
    return float(np.pi / 4 * np.trapezoid(body.widths**2, dx=step))
