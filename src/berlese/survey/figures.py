"""Plots of a community table; each takes a tidy table and axes, and saves nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

BLUE = "#0072B2"
GREY = "#8A929C"
LABEL_LENGTH = 26


def plot_abundance(counts: pd.Series, *, ax: Axes) -> Axes:
    """Draw how many animals each taxon has, the commonest on top.

    Parameters
    ----------
    counts : Series
        Animals by taxon; ``unknown`` is drawn grey and last.
    ax : Axes
    """
    named = counts.drop("unknown", errors="ignore").sort_values(kind="stable")
    unknown = counts[counts.index == "unknown"]
    ordered: Any = pd.concat([unknown, named])
    colours = [GREY] * len(unknown) + [BLUE] * len(named)
    ax.barh(np.arange(len(ordered)), ordered.to_numpy(), color=colours, height=0.7)
    _name_rows(ax, ordered.index.to_list())
    _print_values(ax, ordered.to_list())
    return _finish(ax, "Animals of each taxon")


def plot_animals(sites: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how many animals each site has, the first site on top; unknown ones in grey.

    Parameters
    ----------
    sites : DataFrame
        Columns site, animals (all) and unknown.
    ax : Axes
    """
    rows = sites.iloc[::-1]
    places = np.arange(len(rows))
    named = (rows["animals"] - rows["unknown"]).to_numpy()
    ax.barh(places, named, color=BLUE, height=0.7)
    ax.barh(places, rows["unknown"].to_numpy(), left=named, color=GREY, height=0.7)
    _name_rows(ax, rows["site"].to_list())
    _print_values(ax, rows["animals"].to_list())
    return _finish(ax, "Animals at each site (grey: unknown)")


def plot_richness(sites: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how many taxa were named at each site, the first site on top.

    Parameters
    ----------
    sites : DataFrame
        Columns site and taxa.
    ax : Axes
    """
    rows = sites.iloc[::-1]
    places = np.arange(len(rows))
    taxa = rows["taxa"].to_numpy()
    ax.hlines(places, 0, taxa, color=BLUE, linewidth=1.2)
    ax.scatter(taxa, places, color=BLUE, s=34, zorder=3)
    _name_rows(ax, rows["site"].to_list())
    _print_values(ax, taxa.tolist())
    return _finish(ax, "Taxa named at each site")


def _name_rows(ax: Axes, names: Sequence[object]) -> None:
    """Label the rows as plain text: a dollar sign in a name begins no formula."""
    labels = [str(name) for name in names]
    short = [s if len(s) <= LABEL_LENGTH else s[: LABEL_LENGTH - 1] + "…" for s in labels]
    ax.set_yticks(np.arange(len(short)), short, parse_math=False)
    ax.set_ylim(-0.6, max(len(short), 1) - 0.4)


def _print_values(ax: Axes, values: Sequence[int]) -> None:
    for place, value in enumerate(values):
        ax.annotate(
            str(value),
            (value, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    ax.set_xlim(0, max([1, *values]) * 1.15)


def _finish(ax: Axes, label: str) -> Axes:
    ax.set_title(label, loc="left", fontsize=9.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, prune="upper"))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax
