"""How unlike the data sets of a study are, by pairs; see `berlese.classify.gap.domain_error`."""

from itertools import combinations

import numpy as np
import pandas as pd

from berlese.classify.gap.domain_error import PICTURES_A_SET, a_distance, domain_error
from berlese.study.datasets import Libraries


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
