"""Tell animals from parts, dirt and clumps by their measurements.

Two small networks, each a few matrices in a safetensors file of the package: the first knows the
measurements of one candidate, the second also what it looks like (`berlese.specimens.look`) and
how it compares with the photo's other likely animals.
`benchmarks/train_judge.py` trained them, on simulated plates and on plates pasted of real photos;
half of their members saw no animals but those of dishes, and no parts without threads.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from berlese.specimens.candidates import (
    AS_IS,
    CUT,
    CUT_FINELY,
    HANGING,
    LEAVE,
    TRIMMED,
    Candidate,
    Reading,
)
from berlese.specimens.context import CONTEXT, candidates_in, context_of
from berlese.specimens.features import FEATURES
from berlese.specimens.look import ANIMAL, DIRT, KINDS, SEVERAL
from berlese.specimens.networks import mean_of_members, weights_of

WEIGHTS = "judge.safetensors"
SURE = 0.94  # probability of what is not looked at
SURE_OF_BOTH = 0.7  # of what is not cut
PERHAPS_SEVERAL = 0.1  # of what is cut, though likely one animal
LEAST_SEVERAL, LIKELY_SEVERAL = 0.05, 0.5  # by its look, of what is cut into several, and finely
LEAST_PROBABILITY = 1e-4  # probability; what is less says no more

_Float = NDArray[np.float64]


def judge(readings: Sequence[Reading]) -> _Float:
    """Give the probability of each kind for the candidates of one photo.

    The mean of what the network says with and without the photo's context: a mite beside spiders
    is no less an animal for its size. It was trained to do without now and then.

    Parameters
    ----------
    readings : sequence of Reading
        All things of the photo: they are compared with each other.

    Returns
    -------
    ndarray of float64 of shape (n, 4)
        In the order of `candidates_in`; kinds as in `berlese.specimens.look.KINDS`.
    """
    weights = _weights()
    known = evidence(readings, weights)
    odds = [probabilities(known, weights, "together")]
    known[:, -len(CONTEXT) :] = weights["together.mean"][-len(CONTEXT) :]
    odds.append(probabilities(known, weights, "together"))
    return np.asarray(np.mean(odds, axis=0))


def evidence(readings: Sequence[Reading], weights: dict[str, _Float]) -> _Float:
    """Measurements, look and context of the candidates of one photo, a row each.

    What the measurements alone were sure of has not been looked at: the first network's odds stand
    in for its look.
    """
    candidates = candidates_in(readings)
    measured, looked = len(FEATURES), len(FEATURES) + len(KINDS)
    known = np.empty((len(candidates), looked + len(CONTEXT)))  # some 60 MB for a gigapixel
    for row, each in zip(known, candidates, strict=True):
        row[:measured] = each.features
    odds = probabilities(known[:, :measured], weights, "alone")
    known[:, measured:looked] = looks_of(candidates, odds)
    known[:, looked:] = context_of(readings, np.exp(known[:, measured]))
    return known


def looks_of(candidates: Sequence[Candidate], odds: _Float) -> _Float:
    """Logarithms of what candidates look like, of shape (n, 4); of `odds` where none was seen."""
    looks = np.log(np.maximum(odds, LEAST_PROBABILITY))
    for row, each in enumerate(candidates):
        if each.look is not None:
            looks[row] = np.maximum(each.look, np.log(LEAST_PROBABILITY))
    return np.asarray(looks)


def effort_for(wholes: Sequence[Candidate]) -> NDArray[np.intp]:
    """Tell which effort, from `LEAVE` to `CUT_FINELY`, is worth while for each whole thing.

    What is plainly dirt is left, or once it has been looked at, all but what hangs on its threads;
    what is plainly an animal is taken as it is, unless it may well hold a small one, too. What
    surely holds no two animals by its look is trimmed at most; what likely does is cut finely.
    """
    odds = probabilities(np.array([each.features for each in wholes]), _weights(), "alone")
    efforts, for_dirt = np.full(len(wholes), CUT), np.full(len(wholes), LEAVE)
    least = np.full(len(wholes), SURE)
    for number, each in enumerate(wholes):
        if each.look is not None:
            looks = np.exp(each.look)
            odds[number] = (odds[number] + looks) / 2
            least[number] = SURE_OF_BOTH
            for_dirt[number] = HANGING
            efforts[number] = _effort_to_cut(float(looks[SEVERAL]))
    animal = odds[:, ANIMAL] > least
    alone = (odds[:, SEVERAL] < PERHAPS_SEVERAL) | (efforts == TRIMMED)
    efforts[animal & alone] = AS_IS
    return np.where(odds[:, DIRT] > least, for_dirt, efforts)


def _effort_to_cut(several: float) -> int:
    """Effort for what is so likely several animals by its look."""
    if several < LEAST_SEVERAL:
        return TRIMMED
    return CUT if several < LIKELY_SEVERAL else CUT_FINELY


def _weights() -> dict[str, _Float]:
    return weights_of(WEIGHTS)


def probabilities(features: _Float, weights: dict[str, _Float], name: str) -> _Float:
    """Run one network on features of shape (n, d); the mean over its members."""
    return mean_of_members(features, weights, _softmax, f"{name}.")


def _softmax(values: _Float) -> _Float:
    values = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(values / values.sum(axis=1, keepdims=True))
