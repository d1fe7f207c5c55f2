"""How sharp, how bright and how well lit an animal is, from its crop and its outline.

`edge_px` is what one photo can be compared with another by: the pixels over which brightness
climbs from the animal to the ground, at the sharpest tenth of its outline. A camera in focus
gives 2 to 4 whatever the animal; resizing scales it like every other length.
"""

from dataclasses import asdict, dataclass
from math import isnan

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

BURNT = 253  # grey levels from which a pixel holds no detail
CRUSHED = 12
LEAST_CONTRAST = 25.0  # grey levels between both sides of an edge that can be measured
N_POINTS = 240
REACH_PX = 10.0  # that is looked at on both sides of the outline; of large animals more:
REACH_SHARE = 0.05  # of the root of the area
N_STEPS = 80  # along a line across the outline
SHARPEST = 10  # percentile of the edges

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Look:
    """How one animal looks.

    Attributes
    ----------
    edge_px : float
        Width of its sharpest edges; NaN where it hardly differs from the ground.
    detail : float
        Share of the texture on it, by energy of the Laplacian, that is finer than two pixels.
    burnt, crushed : float
        Shares of its pixels that are white or black and so hold no detail.
    """

    edge_px: float
    detail: float
    burnt: float
    crushed: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the fields for JSON, which knows no NaN."""
        rounded = {name: round(value, 4) for name, value in asdict(self).items()}
        return {name: None if isnan(value) else value for name, value in rounded.items()}


def look_at(crop: _Bytes, polygon: NDArray[np.float64], mask: _Mask) -> Look:
    """Look at one animal.

    Parameters
    ----------
    crop : ndarray of uint8 of shape (height, width, 3)
        sRGB, with some ground around the animal.
    polygon : ndarray of float64 of shape (n, 2)
        Its outline in pixels of the crop.
    mask : ndarray of bool of shape (height, width)
        Its pixels.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    own = crop[mask]
    return Look(
        edge_px=_edge_width(grey, polygon, max(REACH_PX, REACH_SHARE * np.sqrt(mask.sum()))),
        detail=_fine_detail(grey, mask),
        burnt=float((own.min(axis=1) >= BURNT).mean()) if len(own) else 0.0,
        crushed=float((own.max(axis=1) <= CRUSHED).mean()) if len(own) else 0.0,
    )


def _edge_width(grey: NDArray[np.float32], polygon: NDArray[np.float64], reach: float) -> float:
    """Contrast over steepest slope along lines across the outline; the sharpest of them.

    A step blurred by a Gaussian of sigma pixels is 2.5 sigma wide by this rule.
    """
    points, across = _stations(polygon)
    away, step = np.linspace(-reach, reach, N_STEPS + 1, retstep=True)
    at = points[:, None, :] + away[None, :, None] * across[:, None, :] - 0.5
    lines = map_coordinates(grey, [at[..., 1], at[..., 0]], order=1, mode="nearest")
    steps = np.diff(cv2.GaussianBlur(lines, (0, 0), sigmaX=2.0, sigmaY=1e-3), axis=1) / step
    steepest = np.abs(steps).argmax(axis=1)
    slope = np.take_along_axis(steps, steepest[:, None], 1)[:, 0]
    # Only the edge itself counts, not other legs and animals along the line.
    near = np.abs(np.arange(lines.shape[1])[None, :] - steepest[:, None]) * step <= reach / 2
    high = np.where(near, lines, -np.inf).max(axis=1)
    low = np.where(near, lines, np.inf).min(axis=1)
    clear = (high - low) >= LEAST_CONTRAST
    if clear.sum() < 8:
        return float("nan")
    widths = (high - low)[clear] / np.abs(slope[clear])
    return float(np.percentile(widths, SHARPEST))


def _stations(polygon: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points evenly spaced along a closed outline, and unit vectors across it."""
    closed = np.vstack([polygon, polygon[:1]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    places = np.linspace(0, along[-1], N_POINTS, endpoint=False)
    points = np.column_stack([np.interp(places, along, closed[:, k]) for k in (0, 1)])
    way = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    return points, np.column_stack([-way[:, 1], way[:, 0]])


def _fine_detail(grey: NDArray[np.float32], mask: _Mask) -> float:
    """Energy of the Laplacian of the picture itself over that plus the twice blurred one's."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if inner.sum() < 20:
        inner = mask
    fine, coarse = (
        float(np.square(sigma**2 * cv2.Laplacian(blurred, cv2.CV_32F)[inner]).mean())
        for sigma in (1.0, 2.0)
        for blurred in (cv2.GaussianBlur(grey, (0, 0), sigma),)
    )
    return fine / max(fine + coarse, 1e-9)
