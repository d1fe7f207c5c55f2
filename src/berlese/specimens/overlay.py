"""Draw what was found over the photo, for a person to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.outline import Specimen

OUTLINE = (0, 114, 178)  # blue and vermilion: told apart by every eye
DOUBTFUL = (213, 94, 0)


def draw_overlay(
    pixels: NDArray[np.uint8],
    specimens: Sequence[Specimen],
    labels: Sequence[str] | None = None,
    *,
    photo_width: int | None = None,
) -> NDArray[np.uint8]:
    """Draw outlines with a number or a label each; flagged specimens in vermilion.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        The photo, or a shrunk copy; not changed.
    specimens : sequence of Specimen
        In pixels of the whole photo.
    labels : sequence of str, optional
        One each; the numbers from 1 by default.
    photo_width : int, optional
        Width of the whole photo, where `pixels` is shrunk.
    """
    picture = np.ascontiguousarray(pixels).copy()
    factor = 1.0 if photo_width is None else picture.shape[1] / photo_width
    line = max(1, round(max(picture.shape[:2]) / 900))
    for number, specimen in enumerate(specimens):
        colour = DOUBTFUL if specimen.flags else OUTLINE
        points = np.rint(specimen.polygon * factor).astype(np.int32)
        cv2.polylines(picture, [points], True, colour, line, cv2.LINE_AA)
        text = str(number + 1) if labels is None else labels[number]
        corner = (round(specimen.box.left * factor), round(specimen.box.top * factor) - 3)
        size = 0.45 * line
        cv2.putText(
            picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, colour, line, cv2.LINE_AA
        )
    return picture
