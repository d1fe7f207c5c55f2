"""Animals that the library does not know, with a stated error rate.

The score is the highest probability that a head gives. A new specimen's conformal p-value is
the share of calibration specimens, of known taxa and named by a head that had not seen them,
that score as low or lower: p = (1 + #{calibration <= score}) / (n + 1). Calling a specimen
unknown where p <= rate calls at most that share of known ones unknown, as long as they come
from the calibration's domain (Bates et al. 2023, Annals of Statistics 51:149).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

DEFAULT_RATE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class UnknownRule:
    """Tells known from unknown by the scores of held-out specimens of known taxa.

    Parameters
    ----------
    calibration : ndarray of float64 of shape (n,)
        Their highest probabilities, sorted upwards.
    """

    calibration: NDArray[np.float64]

    @classmethod
    def fit(cls, probabilities: NDArray[np.float64]) -> "UnknownRule":
        """Keep the scores of held-out probabilities of shape (n, n_classes)."""
        return cls(np.sort(np.asarray(probabilities, np.float64).max(axis=1)))

    def p_values(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Conformal p-value of each row of shape (n, n_classes)."""
        scores = np.asarray(probabilities, np.float64).max(axis=1)
        at_most = np.searchsorted(self.calibration, scores, side="right")
        return (1 + at_most) / (len(self.calibration) + 1)

    def smallest_rate(self) -> float:
        """The strictest rate that so many calibration specimens can hold."""
        return 1 / (len(self.calibration) + 1)

    def is_unknown(
        self, probabilities: NDArray[np.float64], rate: float = DEFAULT_RATE
    ) -> NDArray[np.bool_]:
        """Tell which rows are unknown; with too few calibration specimens, none is."""
        if not 0 <= rate < 1:
            raise SettingError(f"the rate of unknowns must be in [0, 1), got {rate!r}.")
        return self.p_values(probabilities) <= rate
