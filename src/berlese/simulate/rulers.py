"""Lay a ruler with a known scale on a picture: the truth for finding one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

FINER = 3  # the ruler is drawn at this multiple and shrunk
TICKS_OF_KIND = {  # ticks from one long tick to the next, and mm from tick to tick
    "mm": (10, 1.0),
    "half_mm": (20, 0.5),
    "inch": (16, 25.4 / 16),
}


def lay_ruler(
    pixels: NDArray[np.uint8],
    *,
    middle: tuple[float, float],
    angle_deg: float,
    mm_per_pixel: float,
    kind: str = "mm",
    n_long: int = 6,
    dark: bool = False,
) -> NDArray[np.uint8]:
    """Return a picture with a ruler on it, ticks along one edge and digits at long ones.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        sRGB; not changed.
    middle : tuple of float
        Where the ruler's middle lies, x and y.
    angle_deg : float
        Its direction, from the x axis towards the y axis.
    mm_per_pixel : float
        Scale of the picture.
    kind : {"mm", "half_mm", "inch"}
        How it is divided.
    n_long : int
        Long ticks that it has, less one.
    dark : bool
        Light ticks on dark ground, as steel rulers in raking light have.
    """
    if kind not in TICKS_OF_KIND:
        raise SettingError(f"kind must be one of {', '.join(TICKS_OF_KIND)}; got {kind!r}.")
    ruler = _drawn(kind, n_long, FINER / mm_per_pixel, dark=dark)
    turn = cv2.getRotationMatrix2D((ruler.shape[1] / 2, ruler.shape[0] / 2), -angle_deg, 1 / FINER)
    turn[:, 2] += np.subtract(middle, (ruler.shape[1] / 2, ruler.shape[0] / 2))
    size = (pixels.shape[1], pixels.shape[0])
    # A blur of the finer drawing keeps its lines from breaking up where it is shrunk.
    soft = cv2.GaussianBlur(ruler, (0, 0), 0.4 * FINER)
    laid = cv2.warpAffine(soft, turn, size, flags=cv2.INTER_LINEAR)
    full = np.full(ruler.shape[:2], 255, np.uint8)
    cover = cv2.warpAffine(full, turn, size, flags=cv2.INTER_LINEAR)
    share = cover[..., None].astype(np.float32) / 255
    return np.asarray(pixels * (1 - share) + laid * share + 0.5).astype(np.uint8)


def _drawn(kind: str, n_long: int, pixels_per_mm: float, *, dark: bool) -> NDArray[np.uint8]:
    every, step_mm = TICKS_OF_KIND[kind]
    high, edge = round(14 * pixels_per_mm), round(3 * pixels_per_mm)
    wide = round(n_long * every * step_mm * pixels_per_mm) + 2 * edge
    ground, ink = ((52, 50, 48), (205, 205, 200)) if dark else ((238, 236, 226), (30, 30, 34))
    ruler = np.full((high, wide, 3), ground, np.uint8)
    thick = max(1, round(0.2 * step_mm * pixels_per_mm))
    for number in range(n_long * every + 1):
        long, middle = number % every == 0, number % (every // 2) == 0
        reach = 5.0 if long else 4.0 if middle else 2.4 if kind == "half_mm" and number % 2 else 3.0
        x = edge + number * step_mm * pixels_per_mm
        left, right = round(x - thick / 2), round(x + thick / 2)
        cv2.rectangle(
            ruler, (left, 0), (max(left, right - 1), round(reach * pixels_per_mm)), ink, -1
        )
        if long:
            at = (round(x - pixels_per_mm), round(9 * pixels_per_mm))
            size = 0.1 * pixels_per_mm
            cv2.putText(
                *(ruler, str(number // every), at, cv2.FONT_HERSHEY_SIMPLEX, size, ink),
                max(1, round(0.3 * pixels_per_mm)),
                cv2.LINE_AA,
            )
    return ruler
