"""Plots of a study; each takes a tidy table and axes, and saves nothing.

Colours are Okabe & Ito's, told apart by the colour-blind; what colour says, a marker or a line
style says too.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from berlese.study.statistics import SCORES

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#1c2430"
GREY = "#6f7884"
SMALL = 7
SHADES = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#56B4E9", "#0072B2"])
DIRECTIONS = ((1, 0), (0.7, 0.7), (0.7, -0.7), (0, 1), (0, -1), (-1, 0), (-0.7, 0.7), (-0.7, -0.7))
OUTCOMES = {"right": "right names", "failed": "wrong names", "unknown": "unknown taxa"}


def style_of(name: str, names: Sequence[str]) -> dict[str, Any]:
    """Colour and marker of one of several names, the same in every figure."""
    at = list(names).index(name)
    return {"color": OKABE_ITO[at % len(OKABE_ITO)], "marker": MARKERS[at % len(MARKERS)]}


def plot_learning(results: pd.DataFrame, names: Sequence[str], *, ax: Axes) -> Axes:
    """Draw accuracy against training pictures for the models of one source.

    Parameters
    ----------
    results : DataFrame
        Rows of one source, protocols within, locality and between: one a training.
    names : sequence of str
        All data sets: they fix the colours.
    ax : Axes
    """
    for (protocol, target), rows in results.groupby(["protocol", "target"], sort=False):
        style = style_of(target, names)
        by_site = protocol == "locality"
        look: dict[str, Any] = style | ({"linestyle": "--", "mfc": "white"} if by_site else {})
        step = rows["n_sites"].fillna(rows["n_train"]).astype(int)
        means = rows.groupby(step)[["n_train", "acc_target"]].mean()
        size = 9
        ax.scatter(
            rows["n_train"], rows["acc_target"], s=size, alpha=0.3, lw=0, color=look["color"]
        )
        label = f"on {target}" + (", other sites" if by_site else "")
        ax.plot(means["n_train"], means["acc_target"], label=label, ms=5, lw=1.4, **look)
    ax.set(xlabel="Training images", ylabel="Accuracy")
    ax.set_xlim(left=0)
    ax.legend(loc="best", title="Tested", title_fontsize=SMALL)
    return _tidy(ax)


def plot_taxa(taxa: pd.DataFrame, score: str, *, ax: Axes) -> Axes:
    """Draw one score of each taxon against its pictures; the circle's area counts its sites.

    Parameters
    ----------
    taxa : DataFrame
        Rows of one view of `berlese.study.results.taxa_table`.
    score : {"recall", "precision", "f1"}
    ax : Axes
    """
    shown = _plotted(taxa, score)
    x, y = shown["n_images"].to_numpy(float), shown[score].to_numpy(float)
    ax.vlines(x, shown[f"{score}_low"], shown[f"{score}_high"], color=GREY, lw=0.8, zorder=1)
    ax.scatter(
        x,
        y,
        s=_areas(shown["n_sites"]),
        color=OKABE_ITO[0],
        alpha=0.65,
        lw=0.6,
        edgecolor="white",
        zorder=2,
    )
    ax.set_xscale("log")
    ax.set_ylim(-0.06, 1.12)
    images = taxa.loc[taxa["n_images"] > 0, "n_images"]
    if len(images):
        _one_two_five(ax, images.min() / 2.2, images.max() * 2.6)
    ax.set(xlabel="Images of the taxon in the source (log scale)", ylabel=_title(score))
    return _tidy(ax)


def label_taxa(taxa: pd.DataFrame, score: str, *, ax: Axes) -> None:
    """Name the circles of `plot_taxa`, once all panels of the figure have their place.

    A name stands at the first free place around its circle; without one it is left out.
    """
    shown = _plotted(taxa, score)
    names = shown["taxon"].tolist()
    points = shown[["n_images", score]].to_numpy(float)
    figure: Any = ax.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    frame = ax.get_window_extent(renderer)
    circles = ax.transData.transform(points)
    radii = np.sqrt(_areas(shown["n_sites"]) / np.pi)  # in points, as offsets are
    reaches = radii * figure.dpi / 72 + 1
    boxes: list[Any] = []
    for at in np.argsort(points[:, 0], kind="stable"):
        for distance, (dx, dy) in product((2, 7, 12, 18, 25), DIRECTIONS):
            reach = radii[at] + distance
            far = distance > 7
            text = ax.annotate(
                names[at],
                points[at],
                xytext=(reach * dx, reach * dy),
                textcoords="offset points",
                ha="left" if dx > 0 else "right" if dx < 0 else "center",
                va="bottom" if dy > 0 else "top" if dy < 0 else "center",
                fontsize=SMALL - 1,
                color=INK,
                parse_math=False,
                zorder=4,
                arrowprops={"arrowstyle": "-", "lw": 0.4, "color": GREY} if far else None,
            )
            text.set_in_layout(False)
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)
            inside = (
                frame.x0 <= box.x0
                and box.x1 <= frame.x1
                and frame.y0 <= box.y0
                and box.y1 <= frame.y1 + 6
            )
            across = np.maximum(np.maximum(box.x0 - circles[:, 0], circles[:, 0] - box.x1), 0)
            up = np.maximum(np.maximum(box.y0 - circles[:, 1], circles[:, 1] - box.y1), 0)
            hidden = (
                any(box.overlaps(other) for other in boxes)
                or (np.hypot(across, up) < reaches).any()
            )
            if inside and not hidden:
                boxes.append(box)
                break
            text.remove()


def _plotted(taxa: pd.DataFrame, score: str) -> pd.DataFrame:
    return taxa[taxa[score].notna() & (taxa["n_images"] > 0) & (taxa["n_tested"] > 0)]


def _areas(n_sites: Any) -> NDArray[np.float64]:
    """Area of a circle, in points squared, for so many sites."""
    return 16 + 2.5 * np.minimum(np.asarray(n_sites, np.float64), 50)


def plot_confidence(points: pd.DataFrame, rates: pd.DataFrame, *, ax: Axes, seed: int = 0) -> Axes:
    """Draw the highest probabilities of right names, wrong names and unknowns.

    Parameters
    ----------
    points : DataFrame
        Columns outcome (``right``, ``failed``, ``unknown``), confidence and replicate; boxes are
        of all replicates, points of the first.
    rates : DataFrame
        One row a threshold: columns rule, threshold, retained, failed_caught, unknown_caught.
    ax : Axes
    seed : int
        Of the sideways scatter of the points.
    """
    rng = np.random.default_rng(seed)
    for at, outcome in enumerate(OUTCOMES):
        rows = points[points["outcome"] == outcome]
        first = rows[rows["replicate"] == 1]["confidence"]
        colour = OKABE_ITO[(0, 1, 3)[at]]
        beside = at + rng.uniform(-0.28, 0.28, len(first))
        ax.scatter(beside, first, s=7, alpha=0.4, lw=0, color=colour, zorder=1)
        if len(rows):
            ax.boxplot(
                rows["confidence"],
                positions=[at],
                widths=0.62,
                showfliers=False,
                medianprops={"color": INK, "lw": 1.4},
                boxprops={"color": INK, "lw": 0.8},
                whiskerprops={"color": INK, "lw": 0.8},
                capprops={"color": INK, "lw": 0.8},
                zorder=3,
            )
    for (_, row), dash in zip(rates.iterrows(), ("-", "--", ":"), strict=False):
        label = f"{row['threshold']:.2f}, {row['rule']}"
        ax.axhline(row["threshold"], color=INK, lw=0.9, ls=dash, label=label, zorder=2)
    ticks = [_rates_in_words(name, rates) for name in OUTCOMES]
    ax.set_xticks(range(len(OUTCOMES)), ticks, fontsize=SMALL - 0.5)
    ax.set(ylabel="Highest probability", ylim=(min(points["confidence"].min() - 0.03, 0.9), 1.02))
    below = 0.06 + 0.045 * (1 + len(rates))  # clear of the lines of rates under the axis
    ax.legend(
        title="Threshold",
        title_fontsize=SMALL,
        loc="upper center",
        bbox_to_anchor=(0.5, -below),
        handlelength=2.6,
    )
    return _tidy(ax)


def _rates_in_words(outcome: str, rates: pd.DataFrame) -> str:
    column, verb = {
        "right": ("retained", "kept"),
        "failed": ("failed_caught", "caught"),
        "unknown": ("unknown_caught", "caught"),
    }[outcome]
    lines = [
        f"{100 * row[column]:.0f} % {verb} at {row['threshold']:.2f}"
        for _, row in rates.iterrows()
        if np.isfinite(row[column])
    ]
    return "\n".join([OUTCOMES[outcome], *lines])


def plot_reduction(means: pd.DataFrame, names: Sequence[str], *, ax: Axes) -> Axes:
    """Draw the accuracy reduction against labelled training pictures, one line a pair and model.

    Parameters
    ----------
    means : DataFrame
        Columns pair, model (``CNN`` or a DANN), n_labelled, delta and delta_sd.
    names : sequence of str
        All pairs: they fix the colours.
    ax : Axes
    """
    for (pair, model), rows in means.groupby(["pair", "model"], sort=False):
        dashed: dict[str, Any] = {} if model == "CNN" else {"ls": "--", "mfc": "white"}
        ax.errorbar(
            rows["n_labelled"],
            rows["delta"],
            yerr=rows["delta_sd"].fillna(0),
            label=f"{pair}, {model_in_words(model)}",
            ms=5,
            lw=1.4,
            elinewidth=0.7,
            capsize=1.5,
            **(style_of(pair, names) | dashed),
        )
    ax.axhline(0, color=GREY, lw=0.8, zorder=0)
    ax.set_xscale("log")
    if len(means):
        _one_two_five(ax, means["n_labelled"].min() / 1.15, means["n_labelled"].max() * 1.15)
    ax.set(
        xlabel="Labelled training images (log scale)",
        ylabel="Accuracy reduction (source − target)",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return _tidy(ax)


def model_in_words(model: str) -> str:
    """``CNN``, or ``DANN (λ = 0.1)``."""
    name, _, weight = model.partition("-")
    return f"{name} (λ = {weight})" if weight else name


def plot_regression(
    rows: pd.DataFrame, accuracy: str, label: str, *, ax: Axes, at: int = 0
) -> Axes:
    """Draw accuracies against training pictures with their regression line.

    Parameters
    ----------
    rows : DataFrame
        Columns n_train and the one named by `accuracy`; one row a training.
    accuracy : {"acc_source", "acc_target"}
    label : str
        Name of the model.
    ax : Axes
    at : int
        Which colour and marker; 1 and above are drawn open.
    """
    known = rows.dropna(subset=[accuracy])
    x, y = known["n_train"].to_numpy(float), known[accuracy].to_numpy(float)
    colour = OKABE_ITO[at] if at else INK
    face = "none" if at else colour
    ax.scatter(
        x,
        y,
        s=14,
        alpha=0.6,
        marker=MARKERS[at],
        facecolors=face,
        edgecolors=colour,
        lw=0.8,
        label=label,
    )
    if len(np.unique(x)) > 1:
        slope, intercept = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        ax.plot(ends, intercept + slope * ends, color=colour, lw=1.5, ls="--" if at else "-")
    return _tidy(ax)


def plot_map(places: pd.DataFrame, names: Sequence[str], *, ax: Axes) -> Axes:
    """Draw the first two principal components of the features, coloured by data set.

    `places` has columns dataset, x and y.
    """
    for name, rows in places.groupby("dataset", sort=False):
        ax.scatter(rows["x"], rows["y"], s=9, alpha=0.55, lw=0, label=name, **style_of(name, names))
    ax.set(xlabel="Principal component 1", ylabel="Principal component 2")
    ax.legend(markerscale=2, loc="best")
    return _tidy(ax)


def plot_counts(counts: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how many pictures each taxon (row) has in each data set (column)."""
    names = list(counts.columns)
    places = np.arange(len(counts))[::-1]
    for at, name in enumerate(names):
        beside = 0.5 * ((at + 0.5) / len(names) - 0.5)
        ax.scatter(counts[name], places - beside, s=20, lw=0, label=name, **style_of(name, names))
    for place in places:
        ax.axhline(place, color="#d9dee5", lw=0.6, zorder=0)
    ax.set_yticks(places, counts.index, parse_math=False)
    largest = max(int(counts.to_numpy().max()), 1)
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = [0] + [10**power for power in range(len(str(largest)) + 1) if 10**power <= 2 * largest]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set(xlabel="Images (log scale)", xlim=(-0.15, 2 * largest))
    ax.tick_params(axis="y", length=0)
    return _tidy(ax)


def plot_divergence(divergence: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the dataset classification error of each pair: points of replicates, and the mean."""
    pairs = list(dict.fromkeys(zip(divergence["source"], divergence["target"], strict=True)))
    for place, (a, b) in enumerate(reversed(pairs)):
        error = divergence[(divergence["source"] == a) & (divergence["target"] == b)]["error"]
        ax.scatter(error, np.full(len(error), place), s=12, alpha=0.4, lw=0, color=OKABE_ITO[0])
        ax.plot(error.mean(), place, "|", ms=15, mew=2, color=INK)
        ax.annotate(
            f"{error.mean():.3f}",
            (error.mean(), place),
            xytext=(0, 9),
            ha="center",
            textcoords="offset points",
            fontsize=SMALL,
        )
    ax.axvline(0.5, color=GREY, lw=0.8, ls=":")
    ax.annotate(
        "alike",
        (0.5, -0.55),
        xytext=(-3, 0),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL,
        color=GREY,
    )
    ax.set_yticks(range(len(pairs)), [f"{a} / {b}" for a, b in reversed(pairs)])
    ax.set(
        xlim=(-0.015, 0.53), ylim=(-0.65, len(pairs) - 0.15), xlabel="Dataset classification error"
    )
    return _tidy(ax)


def plot_shares(shares: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw a column-scaled confusion matrix: names given in rows, true taxa in columns."""
    values = shares.to_numpy()
    ax.imshow(values, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if value > 0:
            text = "<.01" if value < 0.005 else f"{value:.2f}".removeprefix("0")
            shade = "white" if value > 0.6 else INK
            ax.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=shade)
    ax.set_xticks(
        range(shares.shape[1]),
        shares.columns,
        rotation=45,
        ha="left",
        rotation_mode="anchor",
        parse_math=False,
    )
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_yticks(range(shares.shape[0]), shares.index, parse_math=False)
    ax.set(xlabel="True taxon", ylabel="Predicted taxon")
    ax.tick_params(length=0)
    ax.set_xticks(np.arange(-0.5, shares.shape[1]), minor=True)
    ax.set_yticks(np.arange(-0.5, shares.shape[0]), minor=True)
    ax.grid(which="minor", color="#d9dee5", lw=0.5)
    ax.tick_params(which="minor", length=0)
    return ax


def plot_text_table(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Print a table of text, first column left, the others right, with lines as in print."""
    rows = [list(map(str, table.columns)), *table.astype(str).to_numpy().tolist()]
    n = len(rows)
    widths = [max(len(row[at]) for row in rows) + 2 for at in range(table.shape[1])]
    ends = np.cumsum(widths) / sum(widths)
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(n + 0.1, -0.3))
    for line, row in enumerate(rows):
        weight = "bold" if line == 0 else "normal"
        for at, cell in enumerate(row):
            place, side = (0.0, "left") if at == 0 else (ends[at], "right")
            ax.text(place, line + 0.5, cell, ha=side, va="center", weight=weight, parse_math=False)
    for line, width in ((0, 1.0), (1, 0.6), (n, 1.0)):
        ax.axhline(line, color=INK, lw=width)
    return ax


def letter(ax: Axes, at: int, title: str = "") -> None:
    """Mark a panel with its letter and title."""
    ax.set_title(f"({'abcdefghijklmnopqrstuvwxyz'[at]}) {title}".rstrip(), loc="left")


def _title(score: str) -> str:
    return dict(zip(SCORES, ("Recall", "Precision", "F1-score"), strict=True))[score]


def _one_two_five(ax: Axes, low: float, high: float) -> None:
    """Label a logarithmic axis at 1, 2, 5, 10, ..."""
    ticks = [f * 10**p for p in range(7) for f in (1, 2, 5) if low <= f * 10**p <= high]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlim(low, high)


def _tidy(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_xscale() == "linear" and not isinstance(ax.xaxis.get_major_locator(), FixedLocator):
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, min_n_ticks=3, steps=[1, 2, 5, 10]))
    return ax


def legend_of_sites(counts: Sequence[int]) -> list[Line2D]:
    """Handles that say which circle stands for how many sites."""
    return [
        Line2D(
            [],
            [],
            ls="",
            marker="o",
            color=OKABE_ITO[0],
            alpha=0.65,
            ms=float(np.sqrt(_areas(count))),
            label=f"{count} sites",
        )
        for count in counts
    ]
