"""The animals that nobody could name: which of them look alike, and how many there may be.

Animals count as unknown by the word in force, a model's or a person's, as in the community table
(`berlese.survey.tables.counts_as_unknown`). Those that look alike are put into groups
(`berlese.classify.unknowns.clusters`): one name given to a group names many animals.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from berlese.classify.unknowns.clusters import ALONE, alike
from berlese.errors import SurveyError
from berlese.photos.writing import remove_file
from berlese.survey.community import UNKNOWN
from berlese.survey.estimates import Estimates
from berlese.survey.reviewing import Animal, animals_of, features_of
from berlese.survey.sheets import write_table
from berlese.survey.survey import Survey
from berlese.survey.tables import counts_as_unknown

UNKNOWNS_NAME = "unknowns.csv"
COLUMNS = ("occurrenceID", "eventID", "photo", "organismNumber", "group", "nearest")
LARGEST_SHOWN = 12  # groups in the report
WORDS = ("", "", "", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")


@dataclass(frozen=True, slots=True)
class Group:
    """Unknown animals that look alike.

    Attributes
    ----------
    number : int
        From 1, the largest first.
    animals : tuple of Animal
    nearest : str
        The taxon that the model found nearest for most of them; empty where none did.
    """

    number: int
    animals: tuple[Animal, ...]
    nearest: str

    def in_words(self) -> str:
        """Say it as a heading: "Eleven alike: perhaps one taxon"."""
        n = len(self.animals)
        count = WORDS[n] if n < len(WORDS) else str(n)
        samples = len({animal.sample for animal in self.animals})
        where = "in one sample" if samples == 1 else f"in {samples} samples"
        return f"{count.capitalize()} alike, {where}: perhaps one taxon"


@dataclass(frozen=True, slots=True)
class Strangers:
    """What the report says of unknown animals.

    Attributes
    ----------
    groups : tuple of Group
    alone : int
        Unknown animals like no two others, or that no model has looked at.
    interval : tuple of int, optional
        How many unknown animals there are, estimate, low and high, from animals reviewed at random.
    """

    groups: tuple[Group, ...]
    alone: int
    interval: tuple[int, int, int] | None

    @property
    def n(self) -> int:
        """How many animals are unknown."""
        return self.alone + sum(len(group.animals) for group in self.groups)


def strangers_of(survey: Survey, estimates: Estimates | None = None) -> Strangers:
    """Gather what is known of a survey's unknown animals."""
    unknown = [animal for animal in animals_of(survey) if is_unknown(animal)]
    named = [animal for animal in unknown if animal.named is not None]  # these have features
    numbers: list[int]
    try:
        numbers = alike(features_of(survey, named)).tolist() if named else []
    except SurveyError:  # features are gone: they are counted, not grouped
        numbers = [ALONE] * len(named)
    members: dict[int, list[Animal]] = {}
    for animal, number in zip(named, numbers, strict=True):
        members.setdefault(int(number), []).append(animal)
    alone = len(members.pop(ALONE, [])) + len(unknown) - len(named)
    groups = tuple(
        Group(number + 1, tuple(members[number]), _nearest(members[number]))
        for number in sorted(members)
    )
    return Strangers(groups, alone, _interval(estimates))


def is_unknown(animal: Animal) -> bool:
    """Whether it counts as unknown; a person's word goes before a model's."""
    return counts_as_unknown(animal.named if animal.reviewed is None else animal.reviewed)


def _nearest(animals: list[Animal]) -> str:
    taxa = [str(each.named.taxon) for each in animals if each.named and each.named.taxon]
    return max(sorted(set(taxa)), key=taxa.count) if taxa else ""


def _interval(estimates: Estimates | None) -> tuple[int, int, int] | None:
    """The row of the corrected counts that holds what is unknown."""
    if estimates is None or not estimates.hold:
        return None
    for row in estimates.counts.to_dict()["by_taxon"]:
        if row["taxon"] == UNKNOWN:
            return round(row["count"]), round(row["low"]), round(row["high"])
    return None


def write_unknowns(survey: Survey) -> list[Path]:
    """Write unknowns.csv, a row an unknown animal; an older one goes where there is none now."""
    path = survey.exports / UNKNOWNS_NAME
    found = strangers_of(survey)
    if not found.n:
        remove_file(path)
        return []
    grouped = {
        animal.specimen_id: group.number for group in found.groups for animal in group.animals
    }
    rows = [
        (
            animal.specimen_id,
            animal.sample,
            animal.photo,
            animal.number,
            grouped.get(animal.specimen_id, ""),
            _nearest([animal]),
        )
        for animal in animals_of(survey)
        if is_unknown(animal)
    ]
    write_table(path, pd.DataFrame(rows, columns=list(COLUMNS)))
    return [path]
