"""How sharp a picture is, as one number between 0 and 1.

The measure is the perceptual blur of Crete et al. (2007, "The blur effect", SPIE 6492): a sharp
picture loses much of its local contrast when it is blurred once more, a blurred one little. It
does not depend on brightness or contrast; noise makes a picture look sharper than it is. Which
value counts as blurred is left to `specimens`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import blur_effect


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Sharpness of a grey or RGB picture: near 0 if blurred, near 1 if every edge is crisp.

    The worse of the two directions counts: what moved during the exposure is blurred. A picture
    of one colour, or with a side under 3 pixels, has no edges to judge: 0.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < 3:
        return 0.0
    return float(np.clip(1 - blur_effect(grey), 0, 1))
