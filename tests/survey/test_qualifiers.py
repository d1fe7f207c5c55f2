"""Signs of doubt are told from names as taxonomists use them."""

import pytest

from berlese.survey.qualifiers import read_name


@pytest.mark.parametrize(
    ("text", "taxon", "qualifier", "is_unsure"),
    [
        ("Coleoptera?", "Coleoptera", "?", True),
        ("?Coleoptera", "Coleoptera", "?", True),
        ("Coleoptera ?", "Coleoptera", "?", True),
        ("Coleoptera (?)", "Coleoptera", "?", True),
        ("Carabus ? granulatus", "Carabus granulatus", "?", True),
        ("cf. Carabidae", "Carabidae", "cf.", True),
        ("Carabidae cf", "Carabidae", "cf", True),
        ("aff. Carabidae?", "Carabidae", "aff. ?", True),
        ("cf.Carabidae", "Carabidae", "cf.", True),
        ("Carabus cf.granulatus", "Carabus cf.granulatus", None, False),
        ("nr Carabidae", "Carabidae", "nr", True),
        ("Carabidae indet.", "Carabidae", "indet.", False),
        ("Carabidae", "Carabidae", None, False),
        ("Carabus cf. granulatus", "Carabus cf. granulatus", None, False),
        ("Carabidae sp. 2", "Carabidae sp. 2", None, False),
        ("Scolytinae  gen.", "Scolytinae gen.", None, False),
        ("Cf", "", "Cf", True),
        ("?", "", "?", True),
        ("Indetia", "Indetia", None, False),
    ],
)
def test_a_name_is_parted_from_its_signs(text, taxon, qualifier, is_unsure) -> None:
    name = read_name(text)
    assert (name.taxon, name.qualifier, name.is_unsure) == (taxon, qualifier, is_unsure)
