"""What a person's review teaches of what is an animal on such photos.

The ratings of `berlese.specimens.choice` were learned on plates of other dishes; the crumbs of this
one may look like animals to them. What people said of the animals found here, that some are none,
moves the ratings by a logistic model on what they rest on, drawn towards no change (a penalty on
all its weights). How strongly is chosen on photos left out; where nothing is better than leaving
the ratings as they are by more than its standard error, they stay so.

A review says nothing of what was not found, so what was left out is not taken for a lesson's sake.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from berlese.specimens.choice import KEPT_SCORE

PENALTIES = (1000.0, 300.0, 100.0, 30.0, 10.0)  # on the squares of the weights
SHIFT_PENALTY = 1.0
FOLDS = 5
FEWEST = 5  # animals, and things that are none, from which anything is learned
_SURE = 0.02  # ratings are taken for no surer than this
_FAR = 4.0  # standard deviations; what lies farther counts as far as that

_Float = NDArray[np.float64]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A change of the ratings.

    Attributes
    ----------
    mean, deviation, weights : ndarray of shape (d,)
        Of the evidence, see `berlese.specimens.choice.evidence_of`.
    shift : float
        Of the log-odds.
    """

    mean: _Float
    deviation: _Float
    weights: _Float
    shift: float

    def corrected(self, ratings: _Float, evidence: _Float) -> _Float:
        """Change ratings of shape (n,) by their evidence of shape (n, d).

        What is rated too low to be taken gets no higher.
        """
        scaled = np.clip((evidence - self.mean) / self.deviation, -_FAR, _FAR)
        changed = _probability(_log_odds(ratings) + self.shift + scaled @ self.weights)
        return np.where(ratings < KEPT_SCORE, np.minimum(changed, ratings), changed)

    def to_json(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "weights": self.weights.tolist(),
            "shift": self.shift,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Lesson":
        """Read what `to_json` gave."""
        mean, deviation, weights = (
            np.array(stored[name], float) for name in ("mean", "deviation", "weights")
        )
        return cls(mean, deviation, weights, float(stored["shift"]))


@dataclass(frozen=True, slots=True)
class Learned:
    """A lesson and what it is worth.

    Attributes
    ----------
    lesson : Lesson or None
        None where the ratings are best left as they are.
    animals, others : int
        Things reviewed that are animals, and that are none.
    loss_before, loss_after : float
        Mean logarithmic loss on photos left out, with the ratings as they were and with lessons
        drawn from the others; NaN where too little was reviewed to tell.
    """

    lesson: Lesson | None
    animals: int
    others: int
    loss_before: float
    loss_after: float


def learn(ratings: _Float, evidence: _Float, is_animal: _Mask, photos: NDArray[np.intp]) -> Learned:
    """Draw a lesson from what was reviewed.

    Parameters
    ----------
    ratings : ndarray of shape (n,)
    evidence : ndarray of shape (n, d)
    is_animal : ndarray of bool of shape (n,)
        What a person says.
    photos : ndarray of int of shape (n,)
        Number of the photo of each: a lesson is tried on other photos, where there are enough.
    """
    animals, others = int(is_animal.sum()), int((~is_animal).sum())
    before = _loss(ratings, is_animal)
    if min(animals, others) < FEWEST:
        return Learned(None, animals, others, float("nan"), float("nan"))
    folds = _folds(is_animal, photos)
    tried = []
    for penalty in PENALTIES:
        after = np.empty(len(ratings))
        for kept, left_out in folds:
            lesson = _fit(ratings[kept], evidence[kept], is_animal[kept], penalty)
            changed = lesson.corrected(ratings[left_out], evidence[left_out])
            after[left_out] = _loss(changed, is_animal[left_out])
        tried.append(after)
    best = int(np.argmin([each.mean() for each in tried]))
    gain = before - tried[best]
    sure = gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain))
    drawn = _fit(ratings, evidence, is_animal, PENALTIES[best]) if sure else None
    return Learned(drawn, animals, others, float(before.mean()), float(tried[best].mean()))


def _folds(is_animal: _Mask, photos: NDArray[np.intp]) -> list[tuple[Any, Any]]:
    # Here, since photos are mostly searched without a lesson, and importing it takes a second.
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    count = len(np.unique(photos))
    if count >= 3:
        return list(GroupKFold(min(FOLDS, count)).split(is_animal, groups=photos))
    some = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return list(some.split(is_animal, is_animal))


def _fit(ratings: _Float, evidence: _Float, is_animal: _Mask, penalty: float) -> Lesson:
    """Logistic regression with the ratings' log-odds as offset and an L2 penalty."""
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    scaled = np.clip((evidence - mean) / deviation, -_FAR, _FAR)
    offset, sign = _log_odds(ratings), np.where(is_animal, 1.0, -1.0)

    def cost(parameters: _Float) -> tuple[float, _Float]:
        shift, weights = parameters[0], parameters[1:]
        margin = sign * (offset + shift + scaled @ weights)
        pull = -sign * _probability(-margin)
        value = np.logaddexp(0, -margin).sum()
        value += 0.5 * (penalty * weights @ weights + SHIFT_PENALTY * shift**2)
        slope = np.r_[
            pull.sum() + SHIFT_PENALTY * shift,
            pull @ scaled + penalty * weights,
        ]
        return float(value), slope

    found = minimize(cost, np.zeros(1 + evidence.shape[1]), jac=True, method="L-BFGS-B").x
    return Lesson(mean, deviation, found[1:], float(found[0]))


def _loss(ratings: _Float, is_animal: _Mask) -> _Float:
    sure = np.clip(ratings, _SURE, 1 - _SURE)
    return -np.log(np.where(is_animal, sure, 1 - sure))


def _log_odds(ratings: _Float) -> _Float:
    sure = np.clip(ratings, _SURE, 1 - _SURE)
    return np.asarray(np.log(sure / (1 - sure)))


def _probability(log_odds: _Float) -> _Float:
    return np.asarray(1 / (1 + np.exp(-log_odds)))
