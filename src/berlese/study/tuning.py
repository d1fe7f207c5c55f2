"""Choose units and dropout by five-fold cross-validation, as the paper did on 200 pictures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from berlese.study.datasets import Libraries
from berlese.study.trainings import GroupResult


def tuning_table(libraries: Libraries, results: Sequence[GroupResult]) -> pd.DataFrame:
    """Held-out accuracy of each candidate.

    Columns: source, n, hidden, dropout, accuracy (of all held-out pictures), sd (between folds)
    and best. Of equal ones the first is best: fewer units, then less dropout.
    """
    rows = []
    for result in results:
        if result.group.protocol != "tuning":
            continue
        folds = [
            named[tested] == libraries.codes[tested]
            for named, tested in zip(result.named, result.tested, strict=True)
        ]
        rows.append(
            {
                "source": result.group.source,
                "n": result.group.size,
                "hidden": " ".join(map(str, result.group.hidden)),
                "dropout": result.group.dropout,
                "accuracy": float(np.concatenate(folds).mean()),
                "sd": float(np.std([fold.mean() for fold in folds], ddof=1)),
            }
        )
    table = pd.DataFrame(rows, columns=["source", "n", "hidden", "dropout", "accuracy", "sd"])
    table["best"] = table.index == (table["accuracy"].idxmax() if len(table) else None)
    return table
