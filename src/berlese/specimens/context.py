"""How a candidate compares with what else lies on its photo.

Animals of one sample are more alike than dirt is; ticks of a ruler are parallel to each other,
digits and letters stand in a row.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from berlese.specimens.candidates import Candidate, Reading
from berlese.specimens.features import FEATURES

CONTEXT = (
    "length_in_photo", "area_in_photo", "contrast_in_photo", "slender_in_photo", "crowd",
    "parallel", "level",
)  # fmt: skip
_LENGTH, _WIDTH = FEATURES.index("log_length"), FEATURES.index("log_width")
_AREA, _CONTRAST = FEATURES.index("log_area"), FEATURES.index("contrast")
_SLENDER = FEATURES.index("slender")
_MANY = 12  # neighbours of one kind; more say nothing more
_AT_ONCE = 128  # candidates whose neighbours are in memory at a time

_Float = NDArray[np.float64]


def context_of(readings: Sequence[Reading], trust: _Float) -> _Float:
    """Compare the candidates of one photo with its likely animals and with its other things.

    Parameters
    ----------
    readings : sequence of Reading
        All things of the photo.
    trust : ndarray of shape (n,)
        How likely each candidate, in the order of `candidates_in`, is one animal by itself.

    Returns
    -------
    ndarray of shape (n, len(CONTEXT))
    """
    flat = candidates_in(readings)
    owner = np.repeat(np.arange(len(readings)), [sum(map(len, each)) for each in readings])
    own = np.array([each.features[[_LENGTH, _AREA, _CONTRAST, _SLENDER]] for each in flat])
    own[:, 2:] = np.log(np.maximum(own[:, 2:], 1e-3))
    weight = np.where(trust > 0.5, trust, 0.0) + 1e-6
    typical = np.array([_weighted_median(column, weight) for column in own.T])
    neighbours = _Neighbours(readings)
    counts = neighbours.counts(flat, owner)
    near = neighbours.crowd(flat, 4 * float(np.exp(typical[0])))
    return np.column_stack([own - typical, np.log1p(near), np.log1p(np.minimum(counts, _MANY))])


def candidates_in(readings: Sequence[Reading]) -> list[Candidate]:
    """List the candidates of all cuts, in order."""
    return [each for cuts in readings for cut in cuts for each in cut]


def _weighted_median(values: _Float, weight: _Float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


class _Neighbours:
    """The photo's things as wholes, looked up by place."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        wholes = [cuts[0][0] for cuts in readings]
        self._frames = np.array([each.frame for each in wholes])
        self._sizes = np.array([each.features[[_LENGTH, _WIDTH]] for each in wholes])
        self._angles = np.array([each.angle for each in wholes])
        middles = (self._frames[:, :2] + self._frames[:, 2:]) / 2
        self._tree = cKDTree(middles)
        self._by_side = [np.argsort(self._frames[:, side]) for side in (0, 1)]
        self._sorted = [self._frames[order, side] for side, order in enumerate(self._by_side)]

    def crowd(self, candidates: Sequence[Candidate], reach: float) -> _Float:
        """How many things lie within `reach` pixels of each candidate, itself left out."""
        frames = np.array([each.frame for each in candidates])
        middles = (frames[:, :2] + frames[:, 2:]) / 2
        return np.maximum(self._tree.query_ball_point(middles, reach, return_length=True) - 1, 0)

    def counts(self, candidates: Sequence[Candidate], owner: NDArray[np.intp]) -> _Float:
        """How many other things are parallel and alike, and how many stand level and alike.

        `owner` is the number of the thing that each candidate is of; of shape (n, 2).
        """
        frames = np.array([each.frame for each in candidates])
        level = np.maximum(*(self._level(frames, owner, side) for side in (0, 1)))
        return np.column_stack([self._parallel(candidates, frames, owner), level])

    def _parallel(
        self, candidates: Sequence[Candidate], frames: _Float, owner: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        counts = np.zeros(len(candidates), np.intp)
        sizes = np.array([each.features[[_LENGTH, _WIDTH, _SLENDER]] for each in candidates])
        angles = np.array([each.angle for each in candidates])
        middles = (frames[:, :2] + frames[:, 2:]) / 2
        slender = np.flatnonzero(sizes[:, 2] >= 2.2)
        for first in range(0, len(slender), _AT_ONCE):
            some = slender[first : first + _AT_ONCE]
            found = self._tree.query_ball_point(middles[some], 6 * np.exp(sizes[some, 0]))
            near = np.concatenate([np.asarray(each, np.intp) for each in found])
            asked = some.repeat([len(each) for each in found])
            turned = np.abs((self._angles[near] - angles[asked] + 90) % 180 - 90)
            alike = (np.abs(self._sizes[near] - sizes[asked, :2]) < 0.3).all(axis=1)
            parallel = alike & (turned < 4) & (near != owner[asked])
            counts += np.bincount(asked[parallel], minlength=len(candidates))
        return counts

    def _level(self, frames: _Float, owner: NDArray[np.intp], side: int) -> NDArray[np.intp]:
        """Things whose upper and lower (or left and right) edges are level with these."""
        low, high = frames[:, side], frames[:, side + 2]
        slack = 0.08 * (high - low) + 1
        first = np.searchsorted(self._sorted[side], low - slack)
        counts = np.searchsorted(self._sorted[side], low + slack) - first
        asked = np.arange(len(frames)).repeat(counts)
        among = np.arange(len(asked)) - (np.cumsum(counts) - counts - first).repeat(counts)
        level = self._by_side[side][among]
        ends = np.abs(self._frames[level, side + 2] - high[asked]) < slack[asked]
        apart = np.abs(self._frames[level, 1 - side] - frames[asked, 1 - side])
        near = apart < 25 * (high - low)[asked]
        return np.bincount(asked[ends & near & (level != owner[asked])], minlength=len(frames))
