"""Look at candidates as pictures: which kind of thing small networks take each for.

Measurements tell a round grain from a beetle, and hardly a mite with its legs from a crumb. A
network sees the colours over the ground, the candidate's outline and all that it is a part of;
`benchmarks/train_judge.py` trained it on the plates that the judge is trained on: four networks
look together, of which two saw no animals but those of dishes. Of what may be an animal by that,
another sees four times as many pixels and more of its surroundings: two beetles tip to tip are one
long thing at first sight. `benchmarks/train_closer_look.py` trained it.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.networks import session_of

KINDS = ("animal", "several", "part", "dirt")
ANIMAL, SEVERAL, PART, DIRT = range(len(KINDS))
BORDER = 4  # pixels of the photo by which a picture is larger, for the smallest candidates
PLANES = 5
CONTRAST_UNIT = 80.0  # grey levels
_AT_ONCE = 64
_VIEWS = ((1, 1), (-1, -1), (1, -1), (-1, 1))  # steps down and across


class Lens(NamedTuple):
    """How a network sees candidates: pictures of `side` pixels.

    Their sides are `margin` times those of the candidates, and `BORDER` pixels of the photo more;
    of each it is shown so many `views`.
    """

    network: str
    side: int
    margin: float
    views: int


FIRST = Lens("look.onnx", 32, 1.3, 4)
CLOSER = Lens("closer_look.onnx", 64, 1.5, 2)

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def picture_of(
    pixels: _Bytes,
    ground: _Bytes,
    whole: _Mask,
    part: _Mask,
    left: int,
    top: int,
    lens: Lens = FIRST,
) -> _Floats:
    """Show a candidate to a network at one size, in its surroundings.

    Parameters
    ----------
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    whole : ndarray of bool of shape (h, w)
        The thing that the candidate is a part of.
    part : ndarray of bool
        The candidate in its own frame, which stands at (left, top).
    lens : Lens, optional
        Of the network that is to see it; `FIRST` without it.

    Returns
    -------
    ndarray of float32 of shape (5, side, side)
        Three colours over the ground, the candidate and the whole; 0 beyond the frame.
    """
    height, width = part.shape
    side = lens.margin * max(height, width) + BORDER
    scale = lens.side / side
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
    picture = np.zeros((lens.side, lens.side, PLANES), np.float32)
    free = picture[max(0, first[0]) :, max(0, first[1]) :][: len(small), : small.shape[1]]
    free[:] = small[: len(free), : free.shape[1]]
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def log_odds(pictures: _Floats) -> _Floats:
    """Give the logarithm of the probability of each kind at first sight, the mean of four views.

    A picture is seen as it is, turned round, and in both mirrors: what it shows is the same, and
    what the network makes of its pixels is not.

    Parameters
    ----------
    pictures : ndarray of float32 of shape (n, 5, side, side)
        By `FIRST`.

    Returns
    -------
    ndarray of float32 of shape (n, 4)
        In the order of `KINDS`.
    """
    return _normed(_seen(pictures, FIRST))


def closer_look(pictures: _Floats) -> _Floats:
    """Give the same by a closer look, and how well an animal is outlined; the mean of two views.

    Parameters
    ----------
    pictures : ndarray of float32 of shape (n, 5, side, side)
        By `CLOSER`.

    Returns
    -------
    ndarray of float32 of shape (n, 5)
        Last the log-odds of an animal whose box is met: trained to be a probability of 0 up to an
        IoU of .3, of 1 from .7, and even between.
    """
    told = _seen(pictures, CLOSER)
    return np.hstack([_normed(told[:, :-1]), told[:, -1:]])


def _normed(told: _Floats) -> _Floats:
    return np.asarray(told - np.logaddexp.reduce(told, axis=1, keepdims=True), np.float32)


def _seen(pictures: _Floats, lens: Lens) -> _Floats:
    """What a network tells of pictures, the mean of the views."""
    if not len(pictures):
        return np.empty((0, len(KINDS) + (lens is CLOSER)), np.float32)
    views = _VIEWS[: lens.views]
    parts = [
        np.mean([_of_view(some[..., ::down, ::across], lens) for down, across in views], axis=0)
        for some in np.split(pictures, range(_AT_ONCE, len(pictures), _AT_ONCE))
    ]
    return np.concatenate(parts)


def _of_view(pictures: _Floats, lens: Lens) -> _Floats:
    (told,) = session_of(lens.network).run(None, {"pictures": np.ascontiguousarray(pictures)})
    return np.asarray(told, np.float32)
