"""What the trainings of a study say, as tidy tables.

A *view* is one training group looked at on one target: a group of ``within`` is seen on its own
test pictures (protocol ``within``) and on every target of its pairs (``between``). Pictures of
taxa that the source lacks are in no view; they count among the unknowns.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese.study.datasets import Libraries
from berlese.study.metrics import Confusion, Share, evaluate
from berlese.study.plans import Group, Plan
from berlese.study.trainings import GroupResult

Mask = NDArray[np.bool_]
BOOTSTRAPS = 500
KEYS = ["protocol", "source", "target", "model", "n_train"]
RESULT_COLUMNS = [
    *KEYS,
    "replicate",
    "seed",
    "acc_source",
    "acc_target",
    "delta",
    "seconds",
    "balanced_source",
    "balanced_target",
    "n_labelled",
    "n_sites",
]
TAXA_COLUMNS = [
    *KEYS,
    "taxon",
    "n_images",
    "n_sites",
    "n_tested",
    *(f"{score}{end}" for score in ("recall", "precision", "f1") for end in ("", "_low", "_high")),
]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One group on one target.

    Parameters
    ----------
    protocol, source, target : str
    result : GroupResult
    on_source, on_target : ndarray of bool of shape (n_replicates, n_rows)
        Where its accuracy on the source, and on the target, is measured.
    """

    protocol: str
    source: str
    target: str
    result: GroupResult
    on_source: Mask
    on_target: Mask

    @property
    def group(self) -> Group:
        """What was trained."""
        return self.result.group

    @property
    def name(self) -> str:
        """``LH`` or ``GH → LH``."""
        return self.source if self.source == self.target else f"{self.source} → {self.target}"


def views_of(
    libraries: Libraries, plan: Plan, results: Sequence[GroupResult], protocols: Collection[str]
) -> Iterator[View]:
    """Look at every result on each of its targets, in the order of the groups."""
    for result in results:
        group = result.group
        tested = result.tested
        if group.protocol == "adaptation":
            on_source = tested & _mask(libraries, libraries.rows(group.source))
            on_target = tested & _learnt_rows(libraries, group.source, group.target)
            yield View("adaptation", group.source, group.target, result, on_source, on_target)
        elif group.protocol == "locality":
            known = tested & _learnt_rows(libraries, group.source, group.source)
            yield View("locality", group.source, group.source, result, known, known)
        elif group.protocol == "within":
            if "within" in protocols:
                yield View("within", group.source, group.source, result, tested, tested)
            for source, target in plan.pairs if "between" in protocols else ():
                if source == group.source:
                    learnt = _learnt_rows(libraries, source, target)
                    on_target = np.broadcast_to(learnt, tested.shape)
                    yield View("between", source, target, result, tested, on_target)


def _mask(libraries: Libraries, rows: NDArray[np.intp]) -> Mask:
    mask = np.zeros(len(libraries), bool)
    mask[rows] = True
    return mask


def _learnt_rows(libraries: Libraries, source: str, target: str) -> Mask:
    foreign = libraries.foreign_rows(source, target)
    return _mask(libraries, np.setdiff1d(libraries.rows(target), foreign))


def results_table(libraries: Libraries, views: Sequence[View]) -> pd.DataFrame:
    """One row a training and target; columns `RESULT_COLUMNS`.

    `n_train` counts the pictures trained on, those of an adaptation's target included;
    `n_labelled` those with a taxon.
    """
    rows = []
    for view in views:
        result = view.result
        for at in range(len(result.seeds)):
            source = _accuracies(libraries, result.named[at], view.on_source[at])
            target = _accuracies(libraries, result.named[at], view.on_target[at])
            n_labelled = int(result.labelled[at].sum())
            rows.append(
                {
                    "protocol": view.protocol,
                    "source": view.source,
                    "target": view.target,
                    "model": view.group.model,
                    "n_train": n_labelled + int(result.unlabelled[at].sum()),
                    "replicate": at + 1,
                    "seed": int(result.seeds[at]),
                    "acc_source": source[0],
                    "acc_target": target[0],
                    "delta": source[0] - target[0],
                    "seconds": round(result.seconds, 3),
                    "balanced_source": source[1],
                    "balanced_target": target[1],
                    "n_labelled": n_labelled,
                    "n_sites": view.group.size if view.protocol == "locality" else None,
                }
            )
    return pd.DataFrame(rows, columns=RESULT_COLUMNS).astype({"n_sites": "Int64"})


def _accuracies(libraries: Libraries, named: NDArray[np.int16], rows: Mask) -> tuple[float, float]:
    """Accuracy and balanced accuracy, the mean recall of the taxa that occur."""
    if not rows.any():
        return float("nan"), float("nan")
    codes = libraries.codes[rows]
    right = (named[rows] == codes).astype(float)
    n = np.bincount(codes)
    recalls = np.bincount(codes, weights=right)[n > 0] / n[n > 0]
    return float(right.mean()), float(recalls.mean())


def mean_table(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and best of the replicates of each training size.

    Trainings by locality are put together by their number of sites, and `n_train` is then the
    mean number of pictures.
    """
    results = results.assign(step=results["n_sites"].fillna(results["n_train"]).astype(int))
    keys = [key for key in KEYS if key != "n_train"]
    return (
        results.groupby([*keys, "step"], sort=False)
        .agg(
            n_train=("n_train", "mean"),
            replicates=("replicate", "size"),
            acc_source=("acc_source", "mean"),
            acc_target=("acc_target", "mean"),
            acc_target_sd=("acc_target", "std"),
            acc_target_max=("acc_target", "max"),
            balanced_target=("balanced_target", "mean"),
            delta=("delta", "mean"),
            delta_sd=("delta", "std"),
        )
        .reset_index()
    )


def taxa_table(libraries: Libraries, views: Sequence[View], *, seed: int = 0) -> pd.DataFrame:
    """Recall, precision and F1 of each taxon with 90 % intervals, replicates put together.

    A picture that several replicates name counts once in the width of an interval: those of
    recall and precision are Wilson's for so many different pictures, those of F1 are from a
    bootstrap of the pictures. `n_images` and `n_sites` describe the taxon in the source.
    """
    rows = [row for view in views for row in _taxa_of(libraries, view, seed)]
    return pd.DataFrame(rows, columns=TAXA_COLUMNS)


def _taxa_of(libraries: Libraries, view: View, seed: int) -> list[dict[str, Any]]:
    times = view.on_target.sum(axis=0)
    rows = np.flatnonzero(times)
    codes = np.arange(len(libraries.taxa))
    is_taxon = (libraries.codes[rows, None] == codes).astype(float)
    named = np.stack(
        [
            ((view.result.named[:, rows] == code) & view.on_target[:, rows]).sum(axis=0)
            for code in codes
        ],
        axis=1,
    ).astype(float)
    tested = is_taxon * times[rows, None]
    right = is_taxon * named
    f1_low, f1_high = _bootstrapped_f1(right, tested, named, seed)
    of_source = libraries.codes[libraries.rows(view.source)]
    sites_of_source = libraries.sites[libraries.rows(view.source)]
    table = []
    for code in codes:
        if not (tested[:, code].any() or named[:, code].any()):
            continue
        recall = _share(right[:, code], tested[:, code])
        precision = _share(right[:, code], named[:, code])
        sites = set(sites_of_source[of_source == code].tolist()) - {""}
        total = tested[:, code].sum() + named[:, code].sum()
        table.append(
            {
                "protocol": view.protocol,
                "source": view.source,
                "target": view.target,
                "model": view.group.model,
                "n_train": view.group.size,
                "taxon": libraries.taxa[code],
                "n_images": int((of_source == code).sum()),
                "n_sites": len(sites),
                "n_tested": int((tested[:, code] > 0).sum()),
                "recall": recall.value,
                "recall_low": recall.low,
                "recall_high": recall.high,
                "precision": precision.value,
                "precision_low": precision.low,
                "precision_high": precision.high,
                "f1": 2 * right[:, code].sum() / total,
                "f1_low": f1_low[code],
                "f1_high": f1_high[code],
            }
        )
    return table


def _share(right: NDArray[np.float64], asked: NDArray[np.float64]) -> Share:
    """Share of all answers, as sure as the number of different pictures allows."""
    n_pictures = int((asked > 0).sum())
    if n_pictures == 0:
        return Share.of(0, 0)
    return Share.of(float(right.sum() / asked.sum()) * n_pictures, n_pictures)


def _bootstrapped_f1(
    right: NDArray[np.float64],
    tested: NDArray[np.float64],
    named: NDArray[np.float64],
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of each taxon's F1 when the pictures are drawn again."""
    n = len(right)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n, np.full(n, 1 / n), size=BOOTSTRAPS).astype(float)
    total = draws @ (tested + named)
    f1 = np.divide(2 * (draws @ right), total, out=np.zeros_like(total), where=total > 0)
    low, high = np.quantile(f1, [0.05, 0.95], axis=0)
    return low, high


def confusion_of(libraries: Libraries, view: View) -> Confusion:
    """Count names given to true taxa over all replicates."""
    taxa = np.array(libraries.taxa)
    truth = np.concatenate([libraries.codes[mask] for mask in view.on_target])
    pairs = zip(view.result.named, view.on_target, strict=True)
    named = np.concatenate([row[mask] for row, mask in pairs])
    return evaluate(taxa[truth], taxa[named]).confusion


def column_scaled(confusion: Confusion) -> pd.DataFrame:
    """Share of each true taxon (column) that got each name (row): columns sum to one."""
    shares = confusion.counts / confusion.counts.sum(axis=0)
    return pd.DataFrame(shares, index=list(confusion.predicted), columns=list(confusion.true))


def counts_table(libraries: Libraries) -> pd.DataFrame:
    """Pictures of each taxon and data set, as in the paper's Table S1."""
    columns = {
        name: pd.Series(data.labels).value_counts() for name, data in libraries.datasets.items()
    }
    table = pd.DataFrame(columns).reindex(list(libraries.taxa)).fillna(0).astype(int)
    table.index.name = "taxon"
    return table
