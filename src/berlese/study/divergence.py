"""How unlike two data sets are: can a linear classifier tell them apart?

Sources: Tommasi et al. 2017 and Fujisawa et al. 2023 (error of a linear SVM, C = 1, 100 + 100
pictures to train, as many to test; .5 is alike, 0 is told apart always); Ben-David et al. 2007
(proxy A-distance, 2 (1 - 2 error)).
"""

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.svm import SVC

from berlese.errors import SettingError
from berlese.study.datasets import Libraries

PICTURES_A_SET = 100


def divergence_table(libraries: Libraries, *, replicates: int = 10, seed: int = 0) -> pd.DataFrame:
    """Error and distance of each pair and replicate.

    Columns: source, target, replicate, n_train, error, a_distance. Of small data sets half train
    and half test. A pair of which one has fewer than two pictures is left out.
    """
    rows = []
    for a, b in combinations(libraries.datasets, 2):
        n = min(PICTURES_A_SET, len(libraries.rows(a)) // 2, len(libraries.rows(b)) // 2)
        for replicate in range(replicates if n else 0):
            rng = np.random.default_rng([seed, replicate])
            drawn = [rng.permutation(libraries.rows(name))[: 2 * n] for name in (a, b)]
            features = [libraries.features[each] for each in drawn]
            error = domain_error(features[0], features[1], n)
            rows.append((a, b, replicate + 1, 2 * n, error, a_distance(error)))
    columns = ["source", "target", "replicate", "n_train", "error", "a_distance"]
    return pd.DataFrame(rows, columns=columns)


def domain_error(a: np.ndarray, b: np.ndarray, n_train: int) -> float:
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


def a_distance(error: float) -> float:
    """Proxy A-distance: 0 where the data sets look alike, 2 where they are told apart always."""
    return 2 * (1 - 2 * error)
