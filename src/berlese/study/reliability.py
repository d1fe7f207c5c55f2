"""What a model said beside what came true: the reliability diagram of a calibration."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from berlese.classify.calibration.probabilities import Calibration
from berlese.study.figures import GREY, INK, OKABE_ITO


def plot_reliability(calibration: Calibration, *, ax: Axes) -> Axes:
    """Draw the share of right names against the probability, with Wilson bars at 90 %.

    Parameters
    ----------
    calibration : Calibration
        With a table: of 20 specimens or more.
    ax : Axes
        The area of a point grows with the number of specimens in its bin.
    """
    table = calibration.table
    if table is None or calibration.after is None:
        raise ValueError("the calibration rests on too few specimens for a diagram.")
    ax.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="as promised")
    filled = table.n > 0
    said, true = table.confidence[filled], table.accuracy[filled]
    # a Wilson interval holds its share, but for the last digit
    below = np.maximum(true - table.low[filled], 0)
    above = np.maximum(table.high[filled] - true, 0)
    ax.errorbar(said, true, yerr=[below, above], fmt="none", ecolor=OKABE_ITO[0], lw=1.2)
    share = table.n[filled] / table.n.sum()
    ax.scatter(said, true, s=15 + 300 * share, color=OKABE_ITO[0], zorder=3, label="observed")
    error = calibration.after
    ax.set_title(
        f"{calibration.n} animals of the {calibration.domain}\n"
        f"off by {error.value:.3f} on average ({error.low:.3f} to {error.high:.3f})",
        fontsize="medium",
        color=INK,
    )
    ax.set(xlabel="probability given", ylabel="share of right names", xlim=(0, 1), ylim=(0, 1.02))
    ax.set_aspect("equal")
    ax.legend(loc="upper left", frameon=False)
    return ax


def draw_reliability(calibration: Calibration, path: Path, kind: str) -> None:
    """Write the diagram as ``png`` or ``svg``; the same calibration gives the same bytes."""
    style: Any = {"svg.hashsalt": "berlese", "svg.fonttype": "none", "font.size": 9}
    with rc_context(style):
        figure = Figure(figsize=(4, 4.2), layout="constrained")
        plot_reliability(calibration, ax=figure.subplots())
        metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(path, format=kind, dpi=150, metadata=metadata)
