"""Plots of a community table; each takes a tidy table and axes, and saves nothing."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

BLUE = "#0072B2"
GREY = "#999999"


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
    places = np.arange(len(ordered))
    ax.barh(places, ordered.to_numpy(), color=colours, height=0.7)
    ax.set_yticks(places, ordered.index.to_list())
    for place, count in zip(places, ordered, strict=True):
        ax.annotate(f" {count}", (count, place), va="center", fontsize=8)
    ax.set_xlabel("Animals")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_richness(sites: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how many taxa were named at each site against how many animals.

    Parameters
    ----------
    sites : DataFrame
        Columns site, animals and taxa.
    ax : Axes
    """
    ax.scatter(sites["animals"], sites["taxa"], color=BLUE, s=40, zorder=3)
    for row in sites.itertuples():
        ax.annotate(f" {row.site}", (row.animals, row.taxa), fontsize=8, va="bottom")
    ax.set(xlabel="Animals at the site", ylabel="Taxa named")
    ax.set_ylim(0, max(float(sites["taxa"].max()) * 1.2, 1))
    ax.set_xlim(0, max(float(sites["animals"].max()) * 1.2, 1))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.3)
    return ax
