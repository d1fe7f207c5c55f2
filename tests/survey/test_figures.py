"""What the plots show is read back from the axes."""

import io

import pandas as pd
import pytest
from matplotlib.figure import Figure

from berlese.survey.figures import plot_abundance, plot_animals, plot_richness


@pytest.fixture
def ax():
    """Axes of a figure that pyplot does not know."""
    return Figure().subplots()


SITES = pd.DataFrame(
    {"site": ["north", "south"], "animals": [9, 4], "unknown": [2, 0], "taxa": [3, 1]}
)


def row_names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def printed(ax):
    return [text.get_text() for text in ax.texts]


def test_the_commonest_taxon_is_on_top_and_unknown_is_last_and_grey(ax):
    counts = pd.Series({"Carabidae": 2, "Leiodidae": 7, "unknown": 9})
    assert plot_abundance(counts, ax=ax) is ax
    assert row_names(ax)[::-1] == ["Leiodidae", "Carabidae", "unknown"]
    assert [bar.get_width() for bar in ax.patches][::-1] == [7, 2, 9]
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours[1] == colours[2] != colours[0]
    assert printed(ax) == ["9", "2", "7"]


def test_the_animals_of_a_site_are_named_ones_and_then_unknown_ones(ax):
    plot_animals(SITES, ax=ax)
    assert row_names(ax) == ["south", "north"]
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert spans == [(0, 4), (0, 7), (4, 4), (7, 9)]
    assert printed(ax) == ["4", "9"]


def test_richness_is_the_place_of_the_dot(ax):
    plot_richness(SITES, ax=ax)
    assert ax.collections[1].get_offsets().tolist() == [[1, 0], [3, 1]]
    assert row_names(ax) == ["south", "north"]


@pytest.mark.parametrize("name", [r"$\frac$", "_hidden", "a$b$c", "x" * 300])
def test_names_are_plain_text_and_long_ones_are_cut(ax, name):
    plot_abundance(pd.Series({name: 1}), ax=ax)
    ax.figure.savefig(io.BytesIO(), format="svg")
    shown = row_names(ax)[0]
    assert shown == name if len(name) < 20 else len(shown) < 30


def test_a_table_without_rows_can_be_drawn(ax):
    plot_animals(SITES.iloc[:0], ax=ax)
    plot_richness(SITES.iloc[:0], ax=ax)
    ax.figure.savefig(io.BytesIO(), format="svg")
    assert row_names(ax) == []
