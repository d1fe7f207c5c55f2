"""Ways to test a head on labelled features, without looking at what it was trained on."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from berlese.classify.models.training import folds_of
from berlese.errors import SettingError
from berlese.study.metrics import Evaluation, evaluate


def most_folds(labels: ArrayLike, groups: ArrayLike | None) -> int:
    """Into how many parts labelled rows can be split: groups, or rows of the largest taxon."""
    whole = np.asarray(labels if groups is None else groups)
    if not len(whole):
        return 0
    counts = np.unique(whole, return_counts=True)[1]
    return int(counts.max()) if groups is None else len(counts)


def cross_validate(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None,
    make_head: Callable[[], Any],
    *,
    folds: int = 5,
    seed: int = 0,
) -> Evaluation:
    """Name each specimen by a head trained on the other folds, and evaluate all names together.

    Parameters
    ----------
    features : array of shape (n, dim)
    labels : array of str of shape (n,)
    groups : array of shape (n,), optional
        Rows of one group, such as one photo, are never on both sides.
    make_head : callable
        Gives an unfitted estimator.
    folds : int
    seed : int
        Of the split.

    Raises
    ------
    SettingError
        If the data cannot be split, or not into so many folds: one group, or one picture a taxon.
    """
    X, y = np.asarray(features, np.float64), np.asarray(labels, np.str_)
    most = most_folds(y, groups)
    if most < 2:
        raise SettingError("the library cannot be split: it has one group, or one picture a taxon.")
    if not 2 <= folds <= most:
        what = "pictures of its largest taxon" if groups is None else "groups"
        raise SettingError(
            f"folds must be from 2 to {most}, as many as the library has {what}; got {folds}."
        )
    splits = folds_of(y, groups, seed, folds)
    names = np.empty(len(y), dtype=y.dtype)
    for train, test in splits:
        if len(np.unique(y[train])) < 2:
            raise SettingError("a fold leaves one taxon to train on; use fewer folds or groups.")
        names[test] = make_head().fit(X[train], y[train]).predict(X[test])
    return evaluate(y, names)
