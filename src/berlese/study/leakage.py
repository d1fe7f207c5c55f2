"""What training and test share that makes a test too easy: a site, a photo, the same picture.

Nothing is removed: a study that repeats a published split must leak as it did, and say so.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese.study.datasets import Libraries
from berlese.study.results import KEYS, View

KINDS = {"site": "sites", "photo": "groups", "picture": "hashes"}
UNKNOWN = -1


def leakage_table(libraries: Libraries, views: Sequence[View]) -> pd.DataFrame:
    """Share of the test pictures that share a site, a photo or all bytes with a training picture.

    Columns: those of a view, then ``same_site``, ``same_photo`` and ``same_picture``, means over
    the replicates. NaN where nothing is known of it, so that it could not be looked for. Pictures
    that an adaptation trains on without their taxon count as trained on.
    """
    codes = {kind: _coded(getattr(libraries, what)) for kind, what in KINDS.items()}
    rows = []
    for view in views:
        trained = view.result.labelled | view.result.unlabelled
        shares = {
            f"same_{kind}": _mean_share(of_kind, trained, view.on_target)
            for kind, of_kind in codes.items()
        }
        group = view.group
        what = (view.protocol, view.source, view.target, group.model, group.size)
        rows.append(dict(zip(KEYS, what, strict=True)) | shares)
    return pd.DataFrame(rows, columns=[*KEYS, *(f"same_{kind}" for kind in KINDS)])


def duplicates(libraries: Libraries) -> list[tuple[int, int]]:
    """Pairs of rows of the same bytes: each copy with the first of its kind."""
    first: dict[str, int] = {}
    pairs = []
    for row, value in enumerate(libraries.hashes.tolist()):
        if value and first.setdefault(value, row) != row:
            pairs.append((first[value], row))
    return pairs


def _coded(values: NDArray[np.str_]) -> NDArray[np.intp]:
    _, codes = np.unique(values, return_inverse=True)
    return np.where(values == "", UNKNOWN, codes)


def _mean_share(
    codes: NDArray[np.intp], trained: NDArray[np.bool_], tested: NDArray[np.bool_]
) -> float:
    shares = []
    for train, test in zip(trained, tested, strict=True):
        known = codes[test][codes[test] != UNKNOWN]
        learnt = codes[train][codes[train] != UNKNOWN]
        if len(known) and len(learnt):
            shares.append(np.isin(known, learnt).sum() / test.sum())
    return float(np.mean(shares)) if shares else float("nan")
