"""Names that somebody is not sure of, as taxonomists write them: open nomenclature.

``Carabidae?``, ``cf. Carabidae`` and ``aff. Carabidae`` doubt the name; ``Carabidae indet.`` says
that nothing finer was determined. The name goes into Darwin Core's scientificName, the sign into
identificationQualifier (signs: Sigovini et al. 2016, Methods Ecol. Evol. 7:1217-1225). What
stands within a name (``Carabus cf. granulatus``, ``Carabidae sp. 2``) belongs to it: many tables
have such taxa, and each is one of its own.
"""

import re
from dataclasses import dataclass

from berlese.survey.spellings import plain_name

_UNSURE = re.compile(r"\?|(?:cf|aff|nr|prob|conf)\.?", re.IGNORECASE)
_GLUED = re.compile(r"^\s*((?:cf|aff|nr)\.)(?=\w)", re.IGNORECASE)  # "cf.Carabidae"
_SURE = re.compile(r"(?:indet|stet)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QualifiedName:
    """A name, the signs that stood beside it, and whether they doubt it."""

    taxon: str
    qualifier: str | None = None
    is_unsure: bool = False


def read_name(text: str) -> QualifiedName:
    """Part a name from the signs before and behind it; of signs alone the name is empty.

    Examples
    --------
    >>> read_name("Carabidae?")
    QualifiedName(taxon='Carabidae', qualifier='?', is_unsure=True)
    >>> read_name("cf. Carabidae")
    QualifiedName(taxon='Carabidae', qualifier='cf.', is_unsure=True)
    >>> read_name("Carabidae indet.")
    QualifiedName(taxon='Carabidae', qualifier='indet.', is_unsure=False)
    >>> read_name("Carabus cf. granulatus")
    QualifiedName(taxon='Carabus cf. granulatus', qualifier=None, is_unsure=False)
    """
    apart = _GLUED.sub(r"\1 ", re.sub(r"\(\s*\?\s*\)|\?", " ? ", plain_name(text)))
    words = apart.split()
    signs = {at for at, word in enumerate(words) if word == "?"}
    for inwards in (range(len(words)), range(len(words) - 1, -1, -1)):
        for at in inwards:
            if not (_UNSURE.fullmatch(words[at]) or _SURE.fullmatch(words[at])):
                break
            signs.add(at)
    name = " ".join(word for at, word in enumerate(words) if at not in signs)
    if not signs:
        return QualifiedName(plain_name(text))
    said = [words[at] for at in sorted(signs)]
    return QualifiedName(name, " ".join(said), any(map(_UNSURE.fullmatch, said)))
