"""Draw what was found over the photo, for a person to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.labels import place_labels
from berlese.specimens.outline import Specimen

OUTLINE = (0, 114, 178)  # blue and vermilion: told apart by every eye
DOUBTFUL = (213, 94, 0)
HALO = (255, 255, 255)
AROUND = tuple((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_overlay(
    pixels: NDArray[np.uint8],
    specimens: Sequence[Specimen],
    labels: Sequence[str] | None = None,
    *,
    photo_width: int | None = None,
) -> NDArray[np.uint8]:
    """Draw outlines with a number or a label each, on free ground; flagged ones in vermilion.

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
    outlines = [specimen.polygon * factor for specimen in specimens]
    texts = labels or [str(number) for number in range(1, len(outlines) + 1)]
    size = 0.55 * line
    sizes = [_size_of(text, size, line) for text in texts]
    placed = place_labels(outlines, sizes, picture.shape[1], picture.shape[0])
    for outline, specimen in zip(outlines, specimens, strict=True):
        points = np.rint(outline).astype(np.int32)
        cv2.polylines(picture, [points], True, _colour(specimen), line, cv2.LINE_AA)
    for text, label, specimen in zip(texts, placed, specimens, strict=True):
        colour = _colour(specimen)
        if label.line is not None:
            start, end = ((round(x), round(y)) for x, y in label.line)
            cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)
        corner = (round(label.left) + line, round(label.bottom) - line)
        for right, down in AROUND:  # a thicker text would be a longer one
            beside = (corner[0] + right * line, corner[1] + down * line)
            cv2.putText(picture, text, beside, FONT, size, HALO, line, cv2.LINE_AA)
        cv2.putText(picture, text, corner, FONT, size, colour, line, cv2.LINE_AA)
    return picture


def _colour(specimen: Specimen) -> tuple[int, int, int]:
    return DOUBTFUL if specimen.flags else OUTLINE


def _size_of(text: str, size: float, line: int) -> tuple[float, float]:
    """Width and height of a text with its halo."""
    (width, height), below = cv2.getTextSize(text, FONT, size, line)
    hangs = below if any(letter in "gjpqy,;()[]" for letter in text) else 0
    return width + 2.0 * line, height + hangs + 2.0 * line
