"""Unknowns by a threshold on the highest probability: what it keeps and what it catches.

Source: Fujisawa et al. 2023 use .95 and score it on the pictures that it was seen on. Here a
threshold is also chosen on held-out pictures of the source, to keep a stated share of the right
names there; scored is it on other pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese.study.datasets import Libraries
from berlese.study.plans import StudySettings
from berlese.study.results import View

COLUMNS = [
    *("source", "target", "n_train", "replicate", "rule", "threshold", "retained"),
    *("failed_caught", "unknown_caught", "mean_right", "mean_failed", "mean_unknown"),
    *("n_right", "n_failed", "n_unknown"),
]
FEWEST_HELD_OUT = 20
FIXED = "fixed"
HELD_OUT = "held out"
SCORED = "on the scored pictures"


@dataclass(frozen=True, slots=True, eq=False)
class Confidences:
    """Highest probabilities of one head: right names, wrong names, unknowns, held-out right."""

    right: NDArray[np.float32]
    failed: NDArray[np.float32]
    unknown: NDArray[np.float32]
    held_out_right: NDArray[np.float32]


def rejection_table(
    libraries: Libraries, views: Sequence[View], settings: StudySettings
) -> pd.DataFrame:
    """Rates of each head, one row a threshold.

    Columns: source, target, n_train, replicate, rule, threshold, retained (share of the right
    names at or above it), failed_caught and unknown_caught (shares below), mean_right,
    mean_failed, mean_unknown (confidences) and the counts n_right, n_failed, n_unknown.
    """
    rows = []
    for view in views:
        if view.protocol not in ("within", "between"):
            continue
        for at in range(len(view.result.seeds)):
            said = confidences_of(libraries, view, at)
            for rule, threshold in _thresholds(said, settings):
                rows.append(
                    {
                        "source": view.source,
                        "target": view.target,
                        "n_train": view.group.size,
                        "replicate": at + 1,
                        "rule": rule,
                        "threshold": threshold,
                        "retained": 1 - _share_below(said.right, threshold),
                        "failed_caught": _share_below(said.failed, threshold),
                        "unknown_caught": _share_below(said.unknown, threshold),
                        "mean_right": _mean(said.right),
                        "mean_failed": _mean(said.failed),
                        "mean_unknown": _mean(said.unknown),
                        "n_right": len(said.right),
                        "n_failed": len(said.failed),
                        "n_unknown": len(said.unknown),
                    }
                )
    return pd.DataFrame(rows, columns=COLUMNS)


def confidence_points(libraries: Libraries, view: View, replicate: int) -> pd.DataFrame:
    """Confidence of every picture of one head: columns outcome and confidence."""
    said = confidences_of(libraries, view, replicate)
    parts = {"right": said.right, "failed": said.failed, "unknown": said.unknown}
    return pd.concat(
        [pd.DataFrame({"outcome": name, "confidence": part}) for name, part in parts.items()],
        ignore_index=True,
    )


def confidences_of(libraries: Libraries, view: View, at: int) -> Confidences:
    """Collect one head's confidences; held out are the source's rows that nothing else uses."""
    result = view.result
    confidence, named = result.confidence[at], result.named[at]
    right = named == libraries.codes
    asked = view.on_target[at]
    source = np.zeros(len(libraries), bool)
    source[libraries.rows(view.source)] = True
    held_out = source & ~result.labelled[at] & ~asked
    return Confidences(
        right=confidence[asked & right],
        failed=confidence[asked & ~right],
        unknown=confidence[libraries.unknown_rows(view.source, view.target)],
        held_out_right=confidence[held_out & right],
    )


def threshold_keeping(right: NDArray[np.float32], keep: float) -> float:
    """The largest threshold at which at least the share `keep` of these names is kept."""
    ordered = np.sort(right)
    spared = int(np.floor((1 - keep) * len(ordered) + 1e-9))  # 4 of 40 at .9, not 3.999
    return float(ordered[spared])


def _thresholds(said: Confidences, settings: StudySettings) -> list[tuple[str, float]]:
    found = [(FIXED, settings.fixed_threshold)]
    if len(said.held_out_right) >= FEWEST_HELD_OUT:
        found.append((HELD_OUT, threshold_keeping(said.held_out_right, settings.keep)))
    if settings.as_published and len(said.right):
        found.append((SCORED, threshold_keeping(said.right, settings.keep)))
    return found


def _share_below(values: NDArray[np.float32], threshold: float) -> float:
    return float((values < threshold).mean()) if len(values) else float("nan")


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean()) if len(values) else float("nan")
