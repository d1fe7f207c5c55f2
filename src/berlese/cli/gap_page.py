"""The page of `gap`: both clouds, what differs, and look-alikes side by side; opens offline."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from berlese.classify.gap.distance import Difference, clouds
from berlese.cli.gap_report import WORDS, GapReport
from berlese.cli.pages import render_page
from berlese.errors import PhotoError
from berlese.photos.reading import open_photo
from berlese.photos.thumbnails import as_jpeg, data_uri
from berlese.photos.writing import atomic_write, write_text_atomic

PAGE_NAME = "gap.html"
CLOUDS_NAME = "clouds.png"
MOST_POINTS = 600  # of a set
SIDE = 180  # pixels of a picture on the page
LIBRARY_COLOUR, PHOTO_COLOUR = "#3b6ea5", "#c4562d"


def write_page(
    out: Path, report: GapReport, sides: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Path:
    """Write gap.html and clouds.png into `out`.

    Parameters
    ----------
    out : Path
    report : GapReport
    sides : two ndarrays of float64 of shape (n, dim)
        Features of the library and of the photos.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    plot_clouds(*clouds(*(_thinned(each) for each in sides)), ax=left)
    plot_differences(report.differences, ax=right)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=130, metadata={"Software": None})
    with atomic_write(out / CLOUDS_NAME) as path:
        path.write_bytes(picture.getvalue())
    page = render_page(
        "gap.html.j2",
        report=report,
        words=WORDS,
        clouds=data_uri(picture.getvalue(), "png"),
        alike=[(_small(a), a, _small(b), b) for a, b in report.alike],
    )
    write_text_atomic(out / PAGE_NAME, page)
    return out / PAGE_NAME


def plot_clouds(library: NDArray[np.float64], photos: NDArray[np.float64], *, ax: Axes) -> Axes:
    """Draw both sets as points in the plane of `berlese.classify.gap.distance.clouds`."""
    for points, colour, name in (
        (library, LIBRARY_COLOUR, "library"),
        (photos, PHOTO_COLOUR, "photos"),
    ):
        ax.scatter(
            points[:, 0], points[:, 1], s=9, alpha=0.5, color=colour, label=name, linewidths=0
        )
    ax.set(
        xlabel="what tells the sets apart", ylabel="what varies most besides", xticks=[], yticks=[]
    )
    ax.legend(frameon=False)
    return ax


def plot_differences(found: Sequence[Difference], *, ax: Axes) -> Axes:
    """Draw Cliff's delta of each property, the largest on top."""
    labels = [WORDS[each.name][0] for each in found]
    values = [each.delta for each in found]
    colours = [PHOTO_COLOUR if each.size != "small" else "#b8b8b8" for each in found]
    ax.barh(labels, values, color=colours)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.invert_yaxis()
    ax.set(xlim=(-1, 1), xlabel="Cliff's delta (right: more in the photos)")
    return ax


def _thinned(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows[np.random.default_rng(0).permutation(len(rows))[:MOST_POINTS]]


def _small(path: Path) -> str:
    """Shrink a picture for the page; empty if it cannot be opened."""
    try:
        return as_jpeg(open_photo(path).shrunk(SIDE))
    except PhotoError:
        return ""
