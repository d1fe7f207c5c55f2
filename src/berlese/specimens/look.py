"""Look at candidates as pictures: which kind of thing a small network takes each for.

Measurements tell a round grain from a beetle, and hardly a mite with its legs from a crumb. The
network sees the colours over the ground, the candidate's outline and all that it is a part of;
`benchmarks/train_judge.py` trained it on the plates that the judge is trained on.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.networks import session_of

NETWORK = "look.onnx"
SIDE = 32  # pixels of the picture
MARGIN = 1.3  # sides of the picture over those of the candidate
BORDER = 4  # pixels more, for the smallest
PLANES = 5
CONTRAST_UNIT = 80.0  # grey levels
_AT_ONCE = 64
_VIEWS = ((1, 1), (-1, -1), (1, -1), (-1, 1))  # steps down and across

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def picture_of(
    pixels: _Bytes, ground: _Bytes, whole: _Mask, part: _Mask, left: int, top: int
) -> _Floats:
    """Show a candidate to the network at one size, in its surroundings.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    whole : ndarray of bool of shape (h, w)
        The thing that the candidate is a part of.
    part : ndarray of bool
        The candidate in its own frame, which stands at (left, top).

    Returns
    -------
    ndarray of float32 of shape (5, SIDE, SIDE)
        Three colours over the ground, the candidate and the whole; 0 beyond the frame.
    """
    height, width = part.shape
    side = MARGIN * max(height, width) + BORDER
    scale = SIDE / side
    across, down = left + width / 2 - side / 2, top + height / 2 - side / 2
    rows = slice(max(0, int(down)), min(whole.shape[0], int(np.ceil(down + side))))
    columns = slice(max(0, int(across)), min(whole.shape[1], int(np.ceil(across + side))))
    own = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    own[top - rows.start :, left - columns.start :][:height, :width] = part
    size = (max(1, round(own.shape[1] * scale)), max(1, round(own.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    colours, floor, masks = (
        cv2.resize(each, size, interpolation=method).astype(np.float32)
        for each in (
            pixels[rows, columns],
            ground[rows, columns],
            255 * np.dstack([own, whole[rows, columns]]).astype(np.uint8),
        )
    )
    small = np.dstack([(colours - floor) / np.float32(CONTRAST_UNIT), masks / np.float32(255)])
    first = [round((rows.start - down) * scale), round((columns.start - across) * scale)]
    small = small[max(0, -first[0]) :, max(0, -first[1]) :]
    picture = np.zeros((SIDE, SIDE, PLANES), np.float32)
    free = picture[max(0, first[0]) :, max(0, first[1]) :][: len(small), : small.shape[1]]
    free[:] = small[: len(free), : free.shape[1]]
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def log_odds(pictures: _Floats) -> _Floats:
    """Give the logarithm of the probability of each kind, the mean of four views.

    A picture is seen as it is, turned round, and in both mirrors: what it shows is the same, and
    what the network makes of its pixels is not.

    Parameters
    ----------
    pictures : ndarray of float32 of shape (n, 5, SIDE, SIDE)

    Returns
    -------
    ndarray of float32 of shape (n, 4)
        In the order of `berlese.specimens.judge.KINDS`.
    """
    parts = [
        np.mean([_of_view(some[..., ::down, ::across]) for down, across in _VIEWS], axis=0)
        for some in np.split(pictures, range(_AT_ONCE, len(pictures), _AT_ONCE))
    ]
    mean = np.concatenate(parts)
    return np.asarray(mean - np.logaddexp.reduce(mean, axis=1, keepdims=True), np.float32)


def _of_view(pictures: _Floats) -> _Floats:
    (odds,) = session_of(NETWORK).run(None, {"pictures": np.ascontiguousarray(pictures)})
    return np.asarray(odds, np.float32)
