"""Taxonomies of nested folders and of tables, by hand."""

import numpy as np
import pytest

from berlese.errors import LibraryError
from berlese.survey.library import read_library
from berlese.survey.taxonomies import read_taxonomy, taxonomy_for
from tests.drawing import paper, save

RNG = np.random.default_rng(0)
TABLE = "order,family,taxon\nColeoptera,Carabidae,Abax\nDiptera,Muscidae,Musca\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "taxonomy.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_nested_folders_tell_what_is_above_what(tmp_path):
    for folder in ("Coleoptera/Caraboidea/Carabidae", "Coleoptera/Hydraenidae", "debris"):
        save(tmp_path / folder / "a.png", paper(8, 8, RNG))
    taxonomy = taxonomy_for(read_library(tmp_path))
    assert taxonomy.ranks == ("superfamily", "order")
    assert dict(taxonomy.above) == {
        "Carabidae": ("Caraboidea", "Coleoptera"),
        "Hydraenidae": ("", "Coleoptera"),
        "debris": ("", ""),
    }


def test_flat_folders_tell_nothing(tmp_path):
    save(tmp_path / "Carabidae" / "a.png", paper(8, 8, RNG))
    assert taxonomy_for(read_library(tmp_path)) is None


def test_a_table_is_read_upwards_whatever_the_order_of_columns(table):
    taxonomy = read_taxonomy(table, ["Abax"])
    assert taxonomy.ranks == ("family", "order")
    assert dict(taxonomy.above) == {"Abax": ("Carabidae", "Coleoptera")}


def test_without_a_column_of_names_the_lowest_rank_names_the_taxa(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("family;order\nCarabidae;Coleoptera\n", encoding="utf-8")
    assert dict(read_taxonomy(path, ["Carabidae"]).above) == {"Carabidae": ("Coleoptera",)}


def test_a_taxon_does_not_stand_above_itself(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("taxon,family,order\nCarabidae,Carabidae,Coleoptera\n", encoding="utf-8")
    assert dict(read_taxonomy(path, ["Carabidae"]).above) == {"Carabidae": ("", "Coleoptera")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TABLE, "no row for 'Mus'"),
        ("taxon,colour\nMus,grey\n", "no column of a rank"),
        ("taxon,order\nMus,A\nMus,B\n", "line 3: 'Mus' has another row"),
        ("taxon,family,order\nMus,F,A\nAbax,F,B\n", "'F' under 'A'"),
        ("taxon,order\nMus,Unknown\n", "line 2: 'Unknown' cannot be a taxon"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text, words, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LibraryError, match=words):
        read_taxonomy(path, ["Mus", "Abax"] if "Abax" in text else ["Mus"])
