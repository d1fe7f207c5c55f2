"""Trees worked out by hand."""

import numpy as np
import pytest

from berlese.classify.naming.taxonomy import Taxonomy
from berlese.errors import SettingError

BEETLES = Taxonomy(
    ("superfamily", "order"),
    {
        "Attelabidae": ("Curculionoidea", "Coleoptera"),
        "Carabidae": ("", "Coleoptera"),
        "Curculionidae": ("Curculionoidea", "Coleoptera"),
        "debris": ("", ""),
    },
)


def test_the_tree_has_a_node_for_each_higher_taxon():
    nodes = BEETLES.tree(sorted(BEETLES.above), "family")
    assert nodes.names[4:] == ("Curculionoidea", "Coleoptera")
    assert nodes.ranks == ("family",) * 4 + ("superfamily", "order")
    assert nodes.tree.parents.tolist() == [4, 5, 4, -1, 5, -1]
    assert nodes.tree.levels.tolist() == [0, 0, 0, 0, 1, 2]


def test_probabilities_of_a_higher_taxon_are_the_sum_of_its_families():
    nodes = BEETLES.tree(sorted(BEETLES.above), "family")
    best, probability = nodes.tree.best(np.array([[0.3, 0.25, 0.3, 0.15]]), 1)
    assert (nodes.names[best[0]], probability[0]) == ("Curculionoidea", 0.6)


def test_taxa_that_the_taxonomy_lacks_have_nothing_above_them():
    assert BEETLES.tree(["Carabidae", "Staphylinidae"], "family").tree.parents.tolist() == [
        2,
        -1,
        -1,
    ]


def test_it_is_kept_as_json():
    assert Taxonomy.from_dict(BEETLES.to_dict()) == BEETLES


def test_a_taxon_under_two_others_is_refused():
    with pytest.raises(SettingError, match=r"'Curculionoidea' under 'Coleoptera'.*'Diptera'"):
        Taxonomy(
            ("superfamily", "order"),
            {"A": ("Curculionoidea", "Coleoptera"), "B": ("Curculionoidea", "Diptera")},
        )


def test_a_row_of_another_length_is_refused():
    with pytest.raises(SettingError, match="1 names for 2 ranks"):
        Taxonomy(("family", "order"), {"A": ("Carabidae",)})
