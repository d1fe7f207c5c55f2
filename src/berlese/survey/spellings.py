"""Names of taxa as people type them: one spelling a taxon, and a word on those that are new."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

NEAR = 0.75  # likeness from which a known name is offered for a new one


def plain_name(text: str) -> str:
    """Spell a name in one way: no space around it, composed accents (macOS splits them).

    >>> plain_name(" Carabidae ")
    'Carabidae'
    """
    return unicodedata.normalize("NFC", " ".join(text.split()))


def taxon_columns(taxa: Sequence[str], ours: Collection[str]) -> list[str]:
    """Name a column for each taxon of a table whose other columns are `ours`.

    A taxon that is called as one of these has `` (taxon)`` behind its name, and a number where
    that is another taxon's name.
    """
    named: list[str] = []
    for taxon in taxa:
        others = {*ours, *named, *taxa} - {taxon}
        named.append(free_name(f"{taxon} (taxon)" if taxon in ours else taxon, others))
    return named


def free_name(name: str, others: Collection[str]) -> str:
    """Number a name that is among `others`: ``notes (2)``."""
    number, free = 1, name
    while free in others:
        number += 1
        free = f"{name} ({number})"
    return free


class Spellings:
    """Settle names on the spelling that is in use, and remember those that nobody used.

    Parameters
    ----------
    known : iterable of str
        Names in use.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {name.casefold(): name for name in known}
        self._new: dict[str, str | None] = {}
        self._respelled: dict[str, str] = {}

    def knows(self, name: str) -> bool:
        """Tell whether a name is in use, in any case."""
        return name.casefold() in self._known

    def settle(self, text: str) -> str:
        """Give the known name that differs by case and spaces only, else the name itself."""
        name = plain_name(text)
        known = self._known.get(name.casefold())
        if known is None:
            near = get_close_matches(name.casefold(), self._known, n=1, cutoff=NEAR)
            self._new[name] = self._known[near[0]] if near else None
            self._known[name.casefold()] = name
            return name
        if known != name:
            self._respelled[name] = known
        return known

    def notes(self, *, all_new: bool = True) -> list[str]:
        """Say which names are new and which were respelled.

        Parameters
        ----------
        all_new : bool
            Whether to name also the new ones that are spelled like no other.
        """
        new = [
            f"{name!r} is a new name here" + (f"; did you mean {near!r}?" if near else ".")
            for name, near in self._new.items()
            if all_new or near
        ]
        return new + [
            f"{name!r} was taken as {known!r}." for name, known in self._respelled.items()
        ]
