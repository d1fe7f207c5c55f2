"""The paper's figures and tables as plates: a drawn figure, its caption and its data.

Figures 2 to 6, S2 to S4 and Tables S1, S3 and S4 keep the paper's numbers; a study of other
data has one figure after S4 for each further pair. Nothing is saved here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from berlese.study import figures
from berlese.study.analysis import Analysis, mean_rejection
from berlese.study.datasets import Libraries
from berlese.study.plans import Plan
from berlese.study.rejection import HELD_OUT, SCORED, confidence_points
from berlese.study.results import KEYS, View, column_scaled, confusion_of
from berlese.study.statistics import SCORES

WIDTH = 7.1  # inches: two columns of a journal
STYLE: Any = {
    "svg.hashsalt": "berlese",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": figures.SMALL,
    "legend.frameon": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": figures.INK,
    "axes.axisbelow": True,
}


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """One figure or table.

    Parameters
    ----------
    name : str
        Of its files, such as ``figure_2``.
    title, caption : str
    figure : Figure
    data : DataFrame
        What it shows.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    data: pd.DataFrame


def iter_plates(libraries: Libraries, plan: Plan, analysis: Analysis) -> Iterator[Plate]:
    """Draw what the study has data for, one plate after the other in the paper's order."""
    makers: list[Callable[[], Plate | None]] = [
        partial(_table_s1, analysis),
        partial(_figure_s2, libraries, analysis),
        partial(_figure_2, libraries, analysis),
        partial(_confusion, libraries, plan, analysis, within=True),
        partial(_figure_3, plan, analysis),
        partial(_figure_4, libraries, plan, analysis),
        partial(_figure_5, analysis),
        partial(_confusion, libraries, plan, analysis, within=False),
        *(partial(_adaptation, analysis, at) for at in range(len(plan.pairs))),
    ]
    with rc_context(STYLE):
        for make in makers:
            plate = make()
            if plate is not None:
                yield plate


def _new_figure(height: float, width: float = WIDTH) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _table_s1(analysis: Analysis) -> Plate:
    counts = analysis.counts
    total = counts.sum().rename("Total").to_frame().T
    table = pd.concat([counts, total]).reset_index(names="Taxon")
    figure = _new_figure(0.35 + 0.2 * len(table), min(2 + 0.8 * counts.shape[1], WIDTH))
    figures.plot_text_table(table, ax=figure.subplots())
    caption = "Number of images of each taxon and data set."
    return Plate("table_s1", "Table S1", caption, figure, table)


def _figure_s2(libraries: Libraries, analysis: Analysis) -> Plate | None:
    if analysis.places.empty:
        return None
    names = list(libraries.datasets)
    figure = _new_figure(max(3.4, 1.2 + 0.21 * len(analysis.counts)))
    if analysis.divergence.empty:
        right, left = figure.subplots(1, 2)
    else:
        grid = figure.subplot_mosaic([["taxa", "map"], ["taxa", "error"]], height_ratios=(1.3, 1))
        right, left = grid["taxa"], grid["map"]
        figures.letter(figures.plot_divergence(analysis.divergence, ax=grid["error"]), 2)
    figures.letter(figures.plot_counts(analysis.counts, ax=right), 0)
    figures.letter(figures.plot_map(analysis.places, names, ax=left), 1)
    x, y = 100 * analysis.places[["x_share", "y_share"]].iloc[0]
    left.set(xlabel=f"Principal component 1 ({x:.0f} %)", ylabel=f"Component 2 ({y:.0f} %)")
    caption = (
        "The data. (a) Images of each taxon. (b) Features of at most 300 images of each data set "
        "on their first two principal components, with the share of the variance."
    )
    if not analysis.divergence.empty:
        caption += (
            " (c) Dataset classification error of a linear support vector machine: 0, the data "
            "sets are told apart always; .5, never. Points are replicates, bars their means."
        )
    data = analysis.divergence if len(analysis.divergence) else analysis.places
    return Plate("figure_s2", "Figure S2", caption, figure, data)


def _figure_2(libraries: Libraries, analysis: Analysis) -> Plate | None:
    results = analysis.results
    results = results[results["protocol"].isin(["within", "locality", "between"])]
    if results.empty:
        return None
    names = list(libraries.datasets)
    sources = [name for name in names if (results["source"] == name).any()]
    columns = min(len(sources), 3)
    rows = -(-len(sources) // columns)
    figure = _new_figure(0.3 + 2.5 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    lowest = float(results["acc_target"].min())
    for at, (source, ax) in enumerate(zip(sources, panels, strict=False)):
        figures.plot_learning(results[results["source"] == source], names, ax=ax)
        figures.letter(ax, at, f"Trained on {source}")
        ax.set_ylim(max(np.floor(10 * lowest) / 10 - 0.02, 0) if lowest > 0.1 else 0, 1.01)
        if at % columns:
            ax.set_ylabel("")
    for ax in panels[len(sources) :]:
        ax.remove()
    caption = (
        "Effect of the number of training images on the accuracy, for models of each data set. "
        "Small points are replicates; lines join their means. Dashed with open markers: trained "
        "on the images of some sites, tested on images of others."
    )
    return Plate("figure_2", "Figure 2", caption, figure, results)


def _shown_views(plan: Plan, analysis: Analysis) -> list[View]:
    """The two columns of Figures 3 and 4: within the target, and from source to target."""
    source, target = plan.shown
    pairs = dict.fromkeys([(target, target), (source, target)])
    found = [analysis.view_shown(*pair) for pair in pairs]
    return [view for view in found if view is not None]


def _described(view: View) -> str:
    return f"{view.name}, {view.group.size} training images"


def _rows_of(table: pd.DataFrame, view: View) -> pd.DataFrame:
    wanted = (view.protocol, view.source, view.target, view.group.model, view.group.size)
    mask = np.ones(len(table), bool)
    for key, value in zip(KEYS, wanted, strict=True):
        mask &= (table[key] == value).to_numpy()
    return table[mask]


def _figure_3(plan: Plan, analysis: Analysis) -> Plate | None:
    views = _shown_views(plan, analysis)
    if not views:
        return None
    figure = _new_figure(7.2)
    panels = figure.subplots(len(SCORES), len(views), squeeze=False)
    for column, view in enumerate(views):
        taxa = _rows_of(analysis.taxa, view)
        rho = _rows_of(analysis.spearman, view).set_index("score")["rho"]
        for row, score in enumerate(SCORES):
            ax = panels[row, column]
            figures.plot_taxa(taxa, score, ax=ax)
            above = f"{_described(view)}\n" if row == 0 else ""
            known = f"Spearman's ρ = {rho[score]:.2f}" if np.isfinite(rho[score]) else ""
            figures.letter(ax, row * len(views) + column, above + known)
            if row + 1 < len(SCORES):
                ax.set_xlabel("")
    data = pd.concat([_rows_of(analysis.taxa, view) for view in views])
    most = int(data["n_sites"].max())
    if most:
        counts = sorted({max(most // 5, 1), max(most // 2, 1), most})
        keys = figures.legend_of_sites(counts)
        figure.legend(handles=keys, loc="outside lower right", ncols=len(keys))
    for (row, column), ax in np.ndenumerate(panels):
        figures.label_taxa(_rows_of(analysis.taxa, views[column]), SCORES[row], ax=ax)
    caption = (
        "Recall, precision and F1-score of each taxon against its number of images in the source. "
        "Bars are 90 % intervals over different images."
    )
    if most:
        caption += " The area of a circle grows with the number of sites of the taxon."
    return Plate("figure_3", "Figure 3", caption, figure, data)


def _confusion(
    libraries: Libraries, plan: Plan, analysis: Analysis, *, within: bool
) -> Plate | None:
    source, target = plan.shown
    if not within and source == target:
        return None
    view = analysis.view_shown(target if within else source, target)
    if view is None:
        return None
    shares = column_scaled(confusion_of(libraries, view))
    figure = _new_figure(1.5 + 0.26 * len(shares), min(2.2 + 0.48 * shares.shape[1], WIDTH))
    figures.plot_shares(shares, ax=figure.subplots())
    number = "S3" if within else "S4"
    caption = (
        f"Column-scaled confusion matrix of {_described(view)}, all replicates: rows are the "
        "predicted, columns the true taxa; each column sums to one."
    )
    data = shares.rename_axis(index="predicted").reset_index()
    return Plate(f"table_{number.lower()}", f"Table {number}", caption, figure, data)


def _figure_4(libraries: Libraries, plan: Plan, analysis: Analysis) -> Plate | None:
    views = _shown_views(plan, analysis)
    if analysis.rejection.empty or not views:
        return None
    n_rules = analysis.rejection["rule"].nunique()
    figure = _new_figure(3.6 + 0.3 * n_rules)
    panels = figure.subplots(1, len(views), squeeze=False, sharey=True)[0]
    parts = []
    rates = mean_rejection(analysis.rejection)
    for at, (view, ax) in enumerate(zip(views, panels, strict=True)):
        points = _points(libraries, view)
        of_view = rates[
            (rates["source"] == view.source)
            & (rates["target"] == view.target)
            & (rates["n_train"] == view.group.size)
        ]
        figures.plot_confidence(points, of_view, ax=ax)
        figures.letter(ax, at, _described(view))
        if at:
            ax.set_ylabel("")
        parts.append(points.assign(source=view.source, target=view.target))
    rules = set(analysis.rejection["rule"])
    chosen = [rule for rule in (HELD_OUT, SCORED) if rule in rules]
    caption = (
        "Highest probability of right names, wrong names and taxa that the model never saw; "
        "boxes are of all replicates, points of the first. Horizontal lines: the fixed threshold"
        + "".join(f", and the mean threshold chosen {_rule_in_words(rule)}" for rule in chosen)
        + ". Rates are means over the replicates."
    )
    return Plate("figure_4", "Figure 4", caption, figure, pd.concat(parts))


def _rule_in_words(rule: str) -> str:
    if rule == HELD_OUT:
        return "on held-out images of the source"
    return "on the very images that it is scored on (as published: it flatters)"


def _points(libraries: Libraries, view: View) -> pd.DataFrame:
    return pd.concat(
        [
            confidence_points(libraries, view, at).assign(replicate=at + 1)
            for at in range(len(view.result.seeds))
        ],
        ignore_index=True,
    )


def _figure_5(analysis: Analysis) -> Plate | None:
    results = analysis.results
    chosen = set(
        analysis.weights.loc[analysis.weights["chosen"], ["source", "target", "model"]].itertuples(
            index=False, name=None
        )
    )
    adapted = pd.Series(
        list(zip(results["source"], results["target"], results["model"], strict=True)),
        index=results.index,
        dtype=object,
    ).isin(chosen)
    rows = results[(results["protocol"] == "between") | adapted]
    rows = rows.assign(pair=rows["source"] + " → " + rows["target"])
    if rows.empty:
        return None
    means = (
        rows.groupby(["pair", "model", "n_train"], sort=False)
        .agg(n_labelled=("n_labelled", "mean"), delta=("delta", "mean"), delta_sd=("delta", "std"))
        .reset_index()
    )
    figure = _new_figure(3.6)
    figures.plot_reduction(means, list(dict.fromkeys(means["pair"])), ax=figure.subplots())
    caption = (
        "Accuracy reduction: accuracy on the source less accuracy on the target, mean and standard "
        "deviation of the replicates. Higher is worse. Solid: plain models; dashed, open markers: "
        "models adapted to the target (DANN), by the number of their labelled images."
    )
    return Plate("figure_5", "Figure 5", caption, figure, means)


def _adaptation(analysis: Analysis, at: int) -> Plate | None:
    """Figure 6 for the first pair of the adaptations, S3, S4, ... for the next."""
    pairs = list(
        dict.fromkeys(zip(analysis.weights["source"], analysis.weights["target"], strict=True))
    )
    if at >= len(pairs):
        return None
    source, target = pairs[at]
    weights = analysis.weights
    of_pair = (weights["source"] == source) & (weights["target"] == target) & weights["chosen"]
    model = str(weights.loc[of_pair, "model"].iloc[0])
    results = analysis.results
    ours = results[results["source"] == source]
    of_target = ours[ours["target"] == target]
    plain = {
        "acc_target": of_target[of_target["protocol"] == "between"],
        "acc_source": ours[ours["protocol"] == "within"],
    }
    mixed = of_target[of_target["protocol"] == "adaptation"]
    figure = _new_figure(5.2)
    panels = figure.subplots(2, 2, sharey="row")
    tested = {"acc_target": f"{source} → {target}", "acc_source": f"{source} → {source}"}
    for row, accuracy in enumerate(("acc_target", "acc_source")):
        left, right = panels[row]
        figures.plot_regression(plain[accuracy], accuracy, "CNN", ax=left)
        for place, name in enumerate((model, "CNN")):
            label = figures.model_in_words(name) + (", same draws" if name == "CNN" else "")
            rows = mixed[mixed["model"] == name]
            figures.plot_regression(rows, accuracy, label, ax=right, at=place)
        figures.letter(left, 2 * row, f"CNN, tested {tested[accuracy]}")
        figures.letter(right, 2 * row + 1, f"DANN, tested {tested[accuracy]}")
        left.set_ylabel("Accuracy")
    keys = panels[1][1].get_legend_handles_labels()
    figure.legend(*keys, loc="outside lower right", ncols=len(keys[1]))  # never over a point
    panels[1][0].set_xlabel(f"Training images of {source}")
    panels[1][1].set_xlabel(f"Training images of {source} and {target}")
    number = "6" if at == 0 else f"S{at + 2}"
    caption = (
        f"Effect of the number of images on the accuracy of plain (left) and adapted models "
        f"(right) of {source}, tested on {target} (top) and on {source} (bottom), with regression "
        f"lines. Adapted models saw a mixed draw: labelled images of {source}, unlabelled ones of "
        f"{target}. Open markers, dashed: plain models on the labelled images of the same draws, "
        "with as many steps."
    )
    data = pd.concat([plain["acc_target"], plain["acc_source"], mixed])
    return Plate(f"figure_{number.lower()}", f"Figure {number}", caption, figure, data)
