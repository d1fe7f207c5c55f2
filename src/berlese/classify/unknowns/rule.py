"""Animals that the library does not know, with a stated error rate.

A specimen's score says how like the library's specimens of known taxa it is (`SCORES`). Its
conformal p-value is the share of calibration specimens, of known taxa and scored by a model that
had not seen their photos, that score as low or lower: p = (1 + #{calibration <= score}) / (n + 1).
Calling a specimen unknown where p <= rate calls at most that share of known ones unknown, as long
as they come from the calibration's domain (Bates et al. 2023, Annals of Statistics 51:149).
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.classify.unknowns.contrast import Contrast, Known, contrast
from berlese.classify.unknowns.likeness import Likeness, kept_rows
from berlese.classify.unknowns.strangers import Strangers
from berlese.errors import SettingError

DEFAULT_RATE = 0.05
CONTRAST, LIKENESS, SOFTMAX = "contrast", "likeness", "softmax"
SCORES = (CONTRAST, LIKENESS, SOFTMAX)
"""All animals of a survey together, each by its likeness alone, or by the highest probability."""


@dataclass(frozen=True, slots=True, eq=False)
class UnknownRule:
    """Tells known from unknown by the scores of held-out specimens of known taxa.

    Parameters
    ----------
    highest : ndarray of float64 of shape (n,)
        Their highest probabilities, sorted upwards.
    likeness : Likeness or Strangers, optional
        What the library looks like, or reviewed animals; without it, only the highest probability
        can be used.
    parts : ndarray of float64 of shape (n, n_scores), optional
        Scores of the same specimens by likenesses that had not seen them, each column sorted.
    joint : ndarray of float64 of shape (n,), optional
        Their mean ranks, sorted.
    known : Known, optional
        Specimens to contrast a whole survey with, see `berlese.classify.unknowns.contrast`.
    domain : Known, optional
        Without these: animals of the photos that the rule holds for, of whatever taxon. They only
        tell whether a survey is of one domain with them.
    """

    highest: NDArray[np.float64]
    likeness: Likeness | Strangers | None = None
    parts: NDArray[np.float64] | None = None
    joint: NDArray[np.float64] | None = None
    known: Known | None = None
    domain: Known | None = None

    @classmethod
    def fit(
        cls,
        probabilities: NDArray[np.float64],
        likeness: Likeness | Strangers | None = None,
        parts: NDArray[np.float64] | None = None,
        groups: NDArray[np.intp] | None = None,
        features: NDArray[np.float32] | None = None,
    ) -> "UnknownRule":
        """Keep the scores of held-out specimens.

        Parameters
        ----------
        probabilities : ndarray of float64 of shape (n, n_classes)
        likeness : Likeness or Strangers, optional
            Of the whole library, or of all reviewed animals.
        parts : ndarray of float64 of shape (n, n_scores), optional
            By likenesses of parts of these that the specimens are not in.
        groups : ndarray of int of shape (n,), optional
            Photos of the specimens.
        features : ndarray of float32 of shape (n, dim), optional
            Of the specimens, where a whole survey is to be contrasted with them; a part of them
            serves where there are many.
        """
        highest = np.sort(np.asarray(probabilities, np.float64).max(axis=1))
        if likeness is None or parts is None or not len(parts):
            return cls(highest)
        columns = np.sort(parts, axis=0)
        joint = _mean_rank(parts, columns)
        known = None
        if features is not None and groups is not None:
            named = np.asarray(probabilities).argmax(axis=1)
            kept = kept_rows(len(features), 0)
            known = Known(features[kept], joint[kept], named[kept], groups[kept])
        return cls(highest, likeness, columns, np.sort(joint), known)

    @property
    def n(self) -> int:
        """How many specimens it rests on."""
        return len(self.highest)

    def p_values(
        self,
        probabilities: NDArray[np.float64],
        features: NDArray[np.float64] | None = None,
        score: str = LIKENESS,
    ) -> NDArray[np.float64]:
        """Conformal p-value of each specimen.

        Parameters
        ----------
        probabilities : ndarray of float64 of shape (n, n_classes)
        features : ndarray of float64 of shape (n, dim), optional
            Needed for the score ``likeness``.
        score : str
            One of `SCORES`; a model that knows no likeness uses the highest probability.
        """
        if score == SOFTMAX or self.likeness is None or self.joint is None or self.parts is None:
            scores, calibration = np.asarray(probabilities).max(axis=1), self.highest
        else:
            if features is None:
                raise SettingError("the score 'likeness' needs features.")
            scores = self._joint(probabilities, np.asarray(features))
            calibration = self.joint
        at_most = np.searchsorted(calibration, scores, side="right")
        return np.asarray((1 + at_most) / (len(calibration) + 1))

    def contrasted(
        self,
        probabilities: NDArray[np.float64],
        features: NDArray[np.float64],
        groups: NDArray[Any] | None = None,
    ) -> Contrast | None:
        """Compare a whole survey with the library; None for a model that cannot.

        Parameters
        ----------
        probabilities : ndarray of float64 of shape (n, n_classes)
            Of all animals of the survey.
        features : ndarray of float64 of shape (n, dim)
        groups : ndarray of shape (n,), optional
            Photos.
        """
        like = self.known if self.known is not None else self.domain
        if like is None:
            return None
        joint, named = self._joint(probabilities, features), probabilities.argmax(axis=1)
        found = contrast(like, features, joint, named, groups)
        return found if self.known is not None else Contrast(found.check, None)

    @property
    def tells_domain(self) -> bool:
        """Whether it can be said of a survey if it is of one domain with the calibration."""
        return self.known is not None or self.domain is not None

    def in_domain(
        self,
        probabilities: NDArray[np.float64],
        features: NDArray[np.float64],
        groups: NDArray[Any] | None = None,
    ) -> "UnknownRule":
        """Give the rule together with animals of the photos that it holds for.

        Parameters
        ----------
        probabilities : ndarray of float64 of shape (n, n_classes)
            Of these animals, by the model; they may be of any taxon.
        features : ndarray of float64 of shape (n, dim)
        groups : ndarray of shape (n,), optional
            Photos.
        """
        kept = kept_rows(len(features), 0)
        photos = (
            np.arange(len(features))
            if groups is None
            else np.unique(groups, return_inverse=True)[1]
        )
        domain = Known(
            features[kept].astype(np.float32),
            self._joint(probabilities[kept], features[kept]),
            probabilities[kept].argmax(axis=1).astype(np.int64),
            photos[kept].astype(np.int64),
        )
        return replace(self, known=None, domain=domain)

    def _joint(
        self, probabilities: NDArray[np.float64], features: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Mean rank of the likeness among the calibration's, or rank of the highest probability."""
        if self.likeness is None or self.parts is None:
            return _mean_rank(probabilities.max(axis=1)[:, None], self.highest[:, None])
        return _mean_rank(self.likeness.scores(features), self.parts)

    def smallest_rate(self) -> float:
        """The strictest rate that so many calibration specimens can hold."""
        return 1 / (self.n + 1)

    def is_unknown(
        self,
        probabilities: NDArray[np.float64],
        features: NDArray[np.float64] | None = None,
        rate: float = DEFAULT_RATE,
        score: str = LIKENESS,
    ) -> NDArray[np.bool_]:
        """Tell which specimens are unknown; with too few calibration specimens, none is."""
        if not 0 <= rate < 1:
            raise SettingError(f"the rate of unknowns must be in [0, 1), got {rate!r}.")
        return self.p_values(probabilities, features, score) <= rate

    def to_state(self) -> dict[str, NDArray[Any]]:
        """Give what it rests on as arrays, to be saved."""
        state: dict[str, NDArray[Any]] = {"highest": self.highest}
        if self.likeness is not None and self.parts is not None and self.joint is not None:
            learned = self.likeness.to_state().items()
            state |= {"parts": self.parts, "joint": self.joint}
            state |= {f"likeness.{name}": array for name, array in learned}
        for kind in ("known", "domain"):
            if (like := getattr(self, kind)) is not None:
                state |= {f"{kind}.{each.name}": getattr(like, each.name) for each in fields(Known)}
        return state

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> "UnknownRule":
        """Take what `to_state` gave."""
        known, domain = (
            Known(**arrays) if arrays else None
            for arrays in (_under("known.", state), _under("domain.", state))
        )
        if "joint" not in state:
            return cls(state["highest"], domain=domain)
        learned = _under("likeness.", state)
        kind = Strangers if "spread" in learned else Likeness
        likeness = kind.from_state(learned)
        return cls(state["highest"], likeness, state["parts"], state["joint"], known, domain)


def _under(start: str, state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}


def _mean_rank(scores: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over scores of the share of calibration specimens that score as low or lower."""
    ranks = [
        np.searchsorted(calibration, values, side="right") / len(calibration)
        for values, calibration in zip(scores.T, columns.T, strict=True)
    ]
    return np.asarray(np.mean(ranks, axis=0))
