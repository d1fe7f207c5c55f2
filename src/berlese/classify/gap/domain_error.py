"""How unlike two sets of pictures are: can a linear classifier tell them apart?

Sources: Tommasi et al. 2017 and Fujisawa et al. 2023 (error of a linear SVM, C = 1, 100 + 100
pictures to train, as many to test; .5 is alike, 0 is told apart always); Ben-David et al. 2007
(proxy A-distance, 2 (1 - 2 error)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t
from sklearn.svm import SVC

from berlese.errors import SettingError

PICTURES_A_SET = 100
LEVEL = 0.9
ALIKE = 0.4  # sets whose interval reaches this error count as alike


@dataclass(frozen=True, slots=True)
class DomainError:
    """Error of telling two sets apart, with its interval at 90 % over random draws.

    Attributes
    ----------
    value, low, high : float
        0 is told apart always, .5 is alike.
    n_train : int
        Pictures of each set that a draw trained on.
    draws : int
    """

    value: float
    low: float
    high: float
    n_train: int
    draws: int

    @property
    def alike(self) -> bool:
        """Whether the sets count as alike."""
        return self.high >= ALIKE

    def in_words(self) -> str:
        """Say it in a sentence."""
        told = "look alike" if self.alike else "differ"
        return (
            f"Library and photos {told}: a linear classifier tells one from the other in "
            f"{1 - self.value:.1%} of cases (90 % interval {1 - self.high:.1%} to "
            f"{1 - self.low:.1%}; 50 % would mean alike, 100 % always told apart)."
        )


def domain_error(a: NDArray[np.floating], b: NDArray[np.floating], n_train: int) -> float:
    """Share of wrong answers of a linear SVM to "which data set is this from?".

    Parameters
    ----------
    a, b : ndarray of shape (n, dim)
        Features; the first `n_train` rows of each train, the others test.
    n_train : int
    """
    if not 0 < n_train < min(len(a), len(b)):
        raise SettingError(
            f"n_train must leave rows to test: got {n_train} of {len(a)} and {len(b)}."
        )
    classifier = SVC(kernel="linear", C=1.0)
    classifier.fit(np.concatenate([a[:n_train], b[:n_train]]), np.repeat([0, 1], n_train))
    wrong = np.concatenate(
        [classifier.predict(a[n_train:]) != 0, classifier.predict(b[n_train:]) != 1]
    )
    return float(wrong.mean())


def drawn_domain_error(
    a: NDArray[np.floating], b: NDArray[np.floating], *, draws: int = 10, random_state: int = 0
) -> DomainError:
    """Average `domain_error` over random draws of 100 + 100 pictures, or half of a smaller set.

    Parameters
    ----------
    a, b : ndarray of shape (n, dim)
    draws : int
        Two at least.
    random_state : int

    Raises
    ------
    SettingError
        If a set has fewer than two pictures.
    """
    n = min(PICTURES_A_SET, len(a) // 2, len(b) // 2)
    if n < 1:
        raise SettingError(
            f"sets of {len(a)} and {len(b)} pictures cannot be compared; two each are needed."
        )
    rng = np.random.default_rng(random_state)
    errors = []
    for _ in range(draws):
        rows = [rng.permutation(len(each))[: 2 * n] for each in (a, b)]
        errors.append(domain_error(a[rows[0]], b[rows[1]], n))
    mean, sd = float(np.mean(errors)), float(np.std(errors, ddof=1))
    # Draws overlap, so their spread is widened as for resampled tests (Nadeau & Bengio 2003).
    half = float(t.ppf((1 + LEVEL) / 2, draws - 1)) * sd * np.sqrt(1 / draws + 1)
    return DomainError(mean, float(max(mean - half, 0)), float(min(mean + half, 1)), n, draws)


def a_distance(error: float) -> float:
    """Proxy A-distance: 0 where the data sets look alike, 2 where they are told apart always."""
    return 2 * (1 - 2 * error)
