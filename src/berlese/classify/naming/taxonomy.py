"""What stands above the taxa that a model knows: families in superfamilies, in orders.

A taxonomy is a table: a row a taxon, a column a rank. Cells may be empty, and branches may have
unlike depths; `Taxonomy.tree` turns the table into the numbers that
`berlese.classify.naming.ranks` needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from berlese.classify.naming.ranks import NO_NODE, Tree
from berlese.errors import SettingError


@dataclass(frozen=True, slots=True)
class Nodes:
    """A tree with the words for its nodes: taxa first, then what is above them.

    Attributes
    ----------
    tree : Tree
    names, ranks : tuple of str
        Of each node.
    """

    tree: Tree
    names: tuple[str, ...]
    ranks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Higher taxa of a model's taxa.

    Parameters
    ----------
    ranks : tuple of str
        Above the taxa, the lowest first.
    above : mapping of str to tuple of str
        For each taxon, its higher taxon of each rank; empty where it has none or it is not known.

    Raises
    ------
    SettingError
        If a row has another number of cells, or one taxon stands under two others.
    """

    ranks: tuple[str, ...]
    above: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        found: dict[tuple[int, str], tuple[str, tuple[int, str] | None]] = {}
        for taxon, names in self.above.items():
            if len(names) != len(self.ranks):
                raise SettingError(
                    f"the taxonomy of {taxon!r} has {len(names)} names for {len(self.ranks)} ranks."
                )
            line = self._line(taxon)
            for node, parent in zip_longest(line, line[1:]):
                first, known = found.setdefault(node, (taxon, parent))
                if known != parent:
                    raise SettingError(
                        f"the taxonomy has {node[1]!r} under {_word(known)} (row {first!r}) and "
                        f"under {_word(parent)} (row {taxon!r}); a taxon stands at one place."
                    )

    def _line(self, taxon: str) -> list[tuple[int, str]]:
        """Level and name of what is above a taxon, the lowest first."""
        names = self.above.get(taxon, ())
        return [(level, name) for level, name in enumerate(names, start=1) if name]

    def tree(self, taxa: Sequence[str], rank: str) -> Nodes:
        """Number the nodes above the taxa of a model.

        Parameters
        ----------
        taxa : sequence of str
            In the model's order; those that the taxonomy lacks have nothing above them.
        rank : str
            Of the taxa.
        """
        places: dict[tuple[int, str], int] = {}
        for taxon in taxa:
            for node in self._line(taxon):
                places.setdefault(node, len(taxa) + len(places))
        parents = np.full(len(taxa) + len(places), NO_NODE)
        for number, taxon in enumerate(taxa):
            at = number
            for node in self._line(taxon):
                parents[at] = places[node]
                at = places[node]
        levels = np.array([0] * len(taxa) + [level for level, _ in places])
        return Nodes(
            Tree(parents, levels, len(taxa)),
            (*taxa, *(name for _, name in places)),
            (*[rank] * len(taxa), *(self.ranks[level - 1] for level, _ in places)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "ranks": list(self.ranks),
            "above": {taxon: list(self.above[taxon]) for taxon in sorted(self.above)},
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "Taxonomy":
        """Take what `to_dict` gave."""
        above = {taxon: tuple(names) for taxon, names in facts["above"].items()}
        return cls(tuple(facts["ranks"]), above)


def _word(node: tuple[int, str] | None) -> str:
    return "nothing" if node is None else repr(node[1])
