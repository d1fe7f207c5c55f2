"""What the plots of a study show is read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from berlese.study import figures


@pytest.fixture
def ax():
    """Axes of a figure that pyplot does not know."""
    return Figure(layout="constrained").subplots()


def results(**changed):
    rows = pd.DataFrame(
        {
            "protocol": ["within"] * 4 + ["between"] * 2 + ["locality"] * 2,
            "target": ["LH"] * 4 + ["LL"] * 2 + ["LH"] * 2,
            "n_train": [100, 100, 200, 200, 100, 200, 90, 110],
            "acc_target": [0.5, 0.7, 0.8, 0.9, 0.4, 0.5, 0.3, 0.5],
            "n_sites": pd.array([None] * 6 + [4, 4], "Int64"),
        }
    )
    return rows.assign(**changed)


def test_lines_join_means_and_localities_are_dashed_and_joined_by_their_number_of_sites(ax):
    figures.plot_learning(results(), ["LH", "LL"], ax=ax)
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_allclose(lines["on LH"].get_xydata(), [[100, 0.6], [200, 0.85]])
    np.testing.assert_allclose(lines["on LH, other sites"].get_xydata(), [[100, 0.4]])
    assert lines["on LH, other sites"].get_linestyle() == "--"
    assert lines["on LH"].get_color() != lines["on LL"].get_color()
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == 8


def taxa(n=12):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "taxon": [f"Taxonidae{at}" for at in range(n)],
            "n_images": rng.integers(2, 500, n),
            "n_sites": rng.integers(1, 46, n),
            "n_tested": 5,
            "recall": rng.random(n),
            "recall_low": 0.0,
            "recall_high": 1.0,
        }
    )


def test_every_taxon_is_a_named_circle_and_names_do_not_overlap(ax):
    table = taxa()
    figures.plot_taxa(table, "recall", ax=ax)
    figures.label_taxa(table, "recall", ax=ax)
    drawn = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(drawn, table[["n_images", "recall"]])
    assert {text.get_text() for text in ax.texts} == set(table["taxon"])
    boxes = [text.get_bbox_patch() or text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 12
    assert ax.get_xscale() == "log"


def test_taxa_that_were_not_tested_are_not_drawn(ax):
    table = taxa(3).assign(n_tested=[5, 0, 5], recall=[0.2, np.nan, 0.4])
    figures.plot_taxa(table, "recall", ax=ax)
    assert len(ax.collections[-1].get_offsets()) == 2


def test_thresholds_and_rates_stand_at_the_outcomes(ax):
    points = pd.DataFrame(
        {
            "outcome": ["right"] * 3 + ["failed"] * 2 + ["unknown"],
            "confidence": [0.99, 0.97, 0.7, 0.6, 0.5, 0.8],
            "replicate": [1, 1, 2, 1, 2, 1],
        }
    )
    rates = pd.DataFrame(
        {
            "rule": ["fixed", "held out"],
            "threshold": [0.95, 0.65],
            "retained": [2 / 3, 1.0],
            "failed_caught": [1.0, 1.0],
            "unknown_caught": [1.0, np.nan],
        }
    )
    figures.plot_confidence(points, rates, ax=ax)
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks[0] == "right names\n67 % kept at 0.95\n100 % kept at 0.65"
    assert ticks[2] == "unknown taxa\n100 % caught at 0.95"
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_label()[0] != "_"]
    assert levels == [0.95, 0.65]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [2, 1, 1]


def test_adapted_models_are_dashed_in_the_colour_of_their_pair(ax):
    means = pd.DataFrame(
        {
            "pair": ["LL → LH"] * 4,
            "model": ["CNN", "CNN", "DANN-0.1", "DANN-0.1"],
            "n_labelled": [50, 100, 60, 120],
            "delta": [0.1, 0.2, 0.05, 0.1],
            "delta_sd": [0.01, np.nan, 0.01, 0.01],
        }
    )
    figures.plot_reduction(means, ["LL → LH"], ax=ax)
    plain, adapted = [bars[0] for bars in ax.containers]
    assert (plain.get_linestyle(), adapted.get_linestyle()) == ("-", "--")
    assert plain.get_color() == adapted.get_color()
    assert adapted.get_ydata().tolist() == [0.05, 0.1]
    assert ax.get_legend_handles_labels()[1] == ["LL → LH, CNN", "LL → LH, DANN (λ = 0.1)"]


def test_the_regression_line_is_the_line(ax):
    rows = pd.DataFrame({"n_train": [1, 2, 3], "acc_target": [0.1, 0.3, 0.5]})
    figures.plot_regression(rows, "acc_target", "CNN", ax=ax)
    np.testing.assert_allclose(ax.get_lines()[0].get_xydata(), [[1, 0.1], [3, 0.5]])


def test_one_size_has_points_and_no_line(ax):
    rows = pd.DataFrame({"n_train": [2, 2], "acc_target": [0.1, np.nan]})
    figures.plot_regression(rows, "acc_target", "CNN", ax=ax)
    assert not ax.get_lines()
    assert len(ax.collections[0].get_offsets()) == 1


def test_counts_are_dots_at_their_number(ax):
    counts = pd.DataFrame({"LH": [3, 0], "LL": [7, 10]}, index=["Carabidae", "$Ptiliidae$"])
    figures.plot_counts(counts, ax=ax)
    assert ax.collections[0].get_offsets()[:, 0].tolist() == [3, 0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Carabidae", "$Ptiliidae$"]
    ax.figure.draw_without_rendering()


def test_shares_are_printed_and_zero_stays_blank(ax):
    shares = pd.DataFrame([[1.0, 0.25], [0.0, 0.75]], index=["x", "y"], columns=["x", "y"])
    figures.plot_shares(shares, ax=ax)
    assert sorted(text.get_text() for text in ax.texts) == [".25", ".75", "1.00"]


def test_divergence_prints_the_mean_of_each_pair(ax):
    table = pd.DataFrame(
        {"source": ["a", "a", "a"], "target": ["b", "b", "c"], "error": [0.1, 0.2, 0.5]}
    )
    figures.plot_divergence(table, ax=ax)
    assert {"0.150", "0.500"} <= {text.get_text() for text in ax.texts}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a / c", "a / b"]


def test_a_text_table_prints_every_cell(ax):
    figures.plot_text_table(pd.DataFrame({"Taxon": ["x"], "LH": [7]}), ax=ax)
    assert [text.get_text() for text in ax.texts] == ["Taxon", "LH", "x", "7"]


def test_colours_are_okabe_and_itos_and_come_with_a_marker():
    names = list("abcdefg")
    styles = [figures.style_of(name, names) for name in names]
    assert {to_hex(style["color"]).upper() for style in styles} == set(figures.OKABE_ITO)
    assert len({style["marker"] for style in styles}) == 7


@pytest.mark.parametrize(
    ("model", "words"), [("CNN", "CNN"), ("DANN-0.1", "DANN (λ = 0.1)"), ("DANN-1", "DANN (λ = 1)")]
)
def test_models_in_words(model, words):
    assert figures.model_in_words(model) == words
