"""All tables of a study, from its results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from berlese.study.datasets import Libraries
from berlese.study.divergence import divergence_table
from berlese.study.leakage import duplicates, leakage_table
from berlese.study.metrics import LEVEL
from berlese.study.plans import Plan, StudySettings
from berlese.study.rejection import rejection_table
from berlese.study.results import (
    View,
    counts_table,
    mean_table,
    results_table,
    taxa_table,
    views_of,
)
from berlese.study.sizes import nearest
from berlese.study.statistics import (
    chosen_weights,
    paired_table,
    regression_table,
    spearman_table,
)
from berlese.study.trainings import GroupResult
from berlese.study.tuning import tuning_table

WITHIN_SHOWN = 400  # training pictures of the paper's Figure 3, left, and Table S3
BETWEEN_SHOWN = 800  # and right, and Table S4
PICTURES_ON_MAP = 300


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The tables of a study; each is empty where its protocol did not run.

    Attributes
    ----------
    views : tuple of View
    results, means, taxa, spearman, regression, paired, weights : DataFrame
    rejection, divergence, tuning, leakage, counts, places : DataFrame
    duplicates : list of (int, int)
        Rows of the same picture.
    notes : tuple of str
        What did not run or needs a warning, in words.
    """

    views: tuple[View, ...]
    results: pd.DataFrame
    means: pd.DataFrame
    taxa: pd.DataFrame
    spearman: pd.DataFrame
    regression: pd.DataFrame
    paired: pd.DataFrame
    weights: pd.DataFrame
    rejection: pd.DataFrame
    divergence: pd.DataFrame
    tuning: pd.DataFrame
    leakage: pd.DataFrame
    counts: pd.DataFrame
    places: pd.DataFrame
    duplicates: list[tuple[int, int]]
    notes: tuple[str, ...]

    def view_shown(self, source: str, target: str) -> View | None:
        """The view that figures of one pair show: the size nearest to the paper's, if any ran."""
        protocol, wanted = (
            ("within", WITHIN_SHOWN) if source == target else ("between", BETWEEN_SHOWN)
        )
        found = [
            view
            for view in self.views
            if (view.protocol, view.source, view.target) == (protocol, source, target)
        ]
        if not found:
            return None
        size = nearest([view.group.size for view in found], wanted)
        return next(view for view in found if view.group.size == size)

    def to_statistics(self) -> dict[str, Any]:
        """Give the tables of statistics as JSON types; NaN as None."""
        return {
            "interval_level": LEVEL,
            "accuracy": _records(self.means),
            "divergence": _records(_mean_divergence(self.divergence)),
            "spearman": _records(self.spearman),
            "regression": _records(self.regression),
            "paired": _records(self.paired),
            "lambda": _records(self.weights),
            "unknowns": _records(mean_rejection(self.rejection)),
            "tuning": _records(self.tuning),
            "leakage": _records(self.leakage),
            "duplicate_pictures": len(self.duplicates),
            "notes": list(self.notes),
        }


def analyse(
    libraries: Libraries, plan: Plan, settings: StudySettings, results: Sequence[GroupResult]
) -> Analysis:
    """Make all tables."""
    asked = settings.protocols
    views = tuple(views_of(libraries, plan, results, asked))
    # Unknowns are looked at through heads of `within`, which may not have been asked for itself.
    through = tuple(views_of(libraries, plan, results, ("within", "between")))
    table = results_table(libraries, views)
    taxa = taxa_table(libraries, views, seed=settings.seed)
    n_test = {
        (view.source, view.target): float(view.on_target.sum(axis=1).mean())
        for view in views
        if view.protocol == "adaptation"
    }
    with_divergence = "divergence" in asked and len(libraries.datasets) > 1
    return Analysis(
        views=views,
        results=table,
        means=mean_table(table),
        taxa=taxa,
        spearman=spearman_table(taxa),
        regression=pd.concat(
            [regression_table(table, response) for response in ("acc_target", "delta")]
        ),
        paired=paired_table(table, n_test),
        weights=chosen_weights(table, views, settings),
        rejection=rejection_table(libraries, through if "unknowns" in asked else (), settings),
        divergence=divergence_table(
            libraries,
            replicates=settings.replicates if with_divergence else 0,
            seed=settings.seed,
        ),
        tuning=tuning_table(libraries, results),
        leakage=leakage_table(libraries, views),
        counts=counts_table(libraries),
        places=feature_places(libraries, seed=settings.seed),
        duplicates=duplicates(libraries),
        notes=plan.notes + _warnings(libraries, plan, settings),
    )


def _warnings(libraries: Libraries, plan: Plan, settings: StudySettings) -> tuple[str, ...]:
    notes = []
    if settings.replicates == 1:
        notes.append("One replicate: there is no spread, and no paired test; give --replicates 10.")
    if "unknowns" in settings.protocols:
        notes += [
            f"{source} → {target}: no picture of an unknown taxon is there, so catching them is "
            "not tested; give --unknowns."
            for source, target in [(plan.shown[1],) * 2, plan.shown]
            if not len(libraries.unknown_rows(source, target))
        ]
    for kind, values in (("photo", libraries.groups), ("site", libraries.sites)):
        if not (values != "").any():
            notes.append(f"No {kind} of any picture is known: a leak by {kind} cannot be seen.")
    return tuple(dict.fromkeys(notes))


def feature_places(libraries: Libraries, *, seed: int = 0) -> pd.DataFrame:
    """First two principal components of at most 300 pictures a data set.

    Columns: dataset, x, y, and the share of the variance of both in ``x_share``, ``y_share``.
    """
    rng = np.random.default_rng(seed)
    drawn = {
        name: rng.permutation(libraries.rows(name))[:PICTURES_ON_MAP] for name in libraries.datasets
    }
    features = libraries.features[np.concatenate(list(drawn.values()))].astype(np.float64)
    names = np.repeat(list(drawn), [len(rows) for rows in drawn.values()])
    n = min(2, *features.shape, len(features) - 1)
    if n < 2:
        return pd.DataFrame(columns=["dataset", "x", "y", "x_share", "y_share"])
    pca = PCA(n_components=2, svd_solver="full").fit(features)
    x, y = pca.transform(features).T
    shares = pca.explained_variance_ratio_
    return pd.DataFrame(
        {"dataset": names, "x": x, "y": y, "x_share": shares[0], "y_share": shares[1]}
    )


def mean_rejection(rejection: pd.DataFrame) -> pd.DataFrame:
    """Mean rates of the replicates."""
    if rejection.empty:
        return rejection
    keys = ["source", "target", "n_train", "rule"]
    return rejection.drop(columns="replicate").groupby(keys, sort=False).mean().reset_index()


def _mean_divergence(divergence: pd.DataFrame) -> pd.DataFrame:
    return (
        divergence.groupby(["source", "target"], sort=False)
        .agg(
            error=("error", "mean"),
            error_sd=("error", "std"),
            a_distance=("a_distance", "mean"),
            n_train=("n_train", "first"),
            replicates=("replicate", "size"),
        )
        .reset_index()
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON types, rounded to six digits that count."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.6g}")
    return None if value is pd.NA else value
