"""Small copies of pictures, and pictures inside pages that open offline."""

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 82


def fitted(image: NDArray[np.uint8], side: int, *, enlarge: bool = False) -> NDArray[np.uint8]:
    """Shrink a picture until its longer side is `side` pixels at the most; both keep one pixel.

    Parameters
    ----------
    image : ndarray of uint8 of shape (height, width, 3)
    side : int
    enlarge : bool
        Bring smaller pictures to that size too.

    Returns
    -------
    ndarray of uint8 of shape (height, width, 3)
        By area means; `image` itself where nothing is to be done.
    """
    factor = side / max(image.shape[:2])
    if factor == 1 or (factor > 1 and not enlarge):
        return image
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def as_jpeg(pixels: NDArray[np.uint8]) -> str:
    """Give RGB pixels as a data URI."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), parameters)
    return data_uri(data.tobytes(), "jpeg")


def data_uri(data: bytes, kind: str) -> str:
    """Give an encoded picture as a data URI; `kind` is ``jpeg``, ``png`` or ``svg+xml``."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
