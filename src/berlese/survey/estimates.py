"""Corrected counts with intervals, from the animals that people named.

The model's names are wrong now and then, and more often for one taxon than for another, so its
counts are biased. Animals that were drawn at random and named by a person (`berlese plan`,
`berlese import`) show by how much: see `berlese.classify.counts.corrected`. Whatever a person
can say is a class of its own: a taxon, unknown, or no animal at all. Without them, held-out
pictures of the library show it, where the photos are like the library's and hold none but its
taxa.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese.classify.counts.cells import CellCounts, count_cells
from berlese.classify.counts.corrected import RAW, REVIEWED, Counts, by_review, estimate_counts
from berlese.classify.counts.powered import LEVEL
from berlese.classify.naming.reserved import NO_ANIMAL, UNKNOWN
from berlese.errors import SurveyError
from berlese.photos.writing import remove_file
from berlese.survey.checked import Checked, checked_by_library
from berlese.survey.community import samples_of
from berlese.survey.reviewing import Animal, animals_of, chances_of, features_of
from berlese.survey.sheets import write_table
from berlese.survey.survey import Survey
from berlese.survey.tables import counts_as_unknown

ESTIMATES_NAME = "community_estimates.csv"
COLUMNS = ("eventID", "taxon", "named", "estimate", "low", "high")


@dataclass(frozen=True, eq=False)
class Estimates:
    """Corrected counts of a survey.

    Attributes
    ----------
    counts : Counts
        Of all its animals; `NO_ANIMAL` is one of its taxa.
    samples : tuple of str
        The sample of each animal.
    sites : tuple of str
        The site of each animal.
    reviewed : int
        Animals that a person has named, drawn at random or not.
    """

    counts: Counts
    samples: tuple[str, ...]
    sites: tuple[str, ...]
    reviewed: int

    @property
    def hold(self) -> bool:
        """Whether there are intervals."""
        return self.counts.method != RAW

    @property
    def from_review(self) -> bool:
        """Whether the intervals stand on reviewed animals, not on the library."""
        return self.counts.method == REVIEWED

    @cached_property
    def by_sample(self) -> CellCounts:
        """The counts, spread over the samples."""
        return count_cells(self.counts, self.samples)

    @cached_property
    def by_site(self) -> CellCounts:
        """The counts, spread over the sites."""
        return count_cells(self.counts, self.sites)


def estimate_survey(
    survey: Survey, *, level: float | None = None, look: int | None = None
) -> Estimates | None:
    """Correct a survey's counts by what people said; None where no model has named animals.

    Parameters
    ----------
    survey : Survey
    level : float, optional
        Of the intervals; 90 % by default.
    look : int, optional
        Only so many of the first animals of the review's order stand for others.
    """
    animals = animals_of(survey)
    taxa = sorted({taxon for animal in animals for taxon in _probabilities(animal)})
    if not taxa:
        return None
    reviewed = [row for row, animal in enumerate(animals) if animal.reviewed is not None]
    chances = chances_of(survey, animals, most=look)
    checked = Checked(None)
    if look is None and not by_review(int(np.isfinite(chances).sum()), len(animals)):
        checked = checked_by_library(survey, animals, taxa)
    columns = taxa if checked.held_out is not None else [*taxa, UNKNOWN, NO_ANIMAL]
    counts = estimate_counts(
        _matrix(animals, columns),
        columns,
        same_domain=checked.held_out is not None,
        features=_features(survey, animals),
        reviewed_rows=reviewed,
        reviewed_taxa=[_said(animals[row]) for row in reviewed],
        inclusion=chances,
        held_out=checked.held_out,
        why_not=checked.why_not,
        level=LEVEL if level is None else level,
    )
    site = dict(samples_of(survey)[["eventID", "locationID"]].itertuples(index=False, name=None))
    samples = tuple(animal.sample for animal in animals)
    sites = tuple(site[sample] for sample in samples)
    return Estimates(counts, samples, sites, len(reviewed))


def _probabilities(animal: Animal) -> dict[str, float]:
    return {} if animal.named is None else animal.named.probabilities or {}


def _matrix(animals: Sequence[Animal], columns: Sequence[str]) -> NDArray[np.float64]:
    """The model's word, as the table counts it: an animal that is unknown is so for sure.

    It is the model's also where a person has spoken since: how both differ is what corrects the
    counts. Without a column for unknown, there are none but the library's taxa, and unknown is a
    false alarm.
    """
    place = {taxon: number for number, taxon in enumerate(columns)}
    matrix = np.zeros((len(animals), len(columns)))
    for row, animal in enumerate(animals):
        if UNKNOWN in place and counts_as_unknown(animal.named):
            matrix[row, place[UNKNOWN]] = 1
        else:
            for taxon, probability in _probabilities(animal).items():
                matrix[row, place[taxon]] = probability
    sums = matrix.sum(axis=1, keepdims=True)
    if UNKNOWN in place:
        matrix[sums[:, 0] == 0, place[UNKNOWN]] = 1
    return matrix / np.where(sums > 0, sums, 1)


def _said(animal: Animal) -> str:
    word = animal.reviewed
    if word is None or (word.status == "validated" and word.taxon is None):
        raise SurveyError(f"animal {animal.specimen_id} has no word of a person.")
    if word.status == "discarded":
        return NO_ANIMAL
    return str(word.taxon) if word.status == "validated" else UNKNOWN


def _features(survey: Survey, animals: Sequence[Animal]) -> NDArray[np.float64] | None:
    """Features sharpen the estimate; without them it holds as well."""
    try:
        return features_of(survey, animals)
    except SurveyError:
        return None


def long_estimates(estimates: Estimates) -> pd.DataFrame:
    """One row a sample and taxon, `COLUMNS`: as named by the model, corrected, with interval."""
    cells = estimates.by_sample
    rows = [
        (
            sample,
            taxon,
            int(cells.raw[i, j]),
            round(float(cells.counts[i, j]), 2),
            int(cells.low[i, j]),
            int(cells.high[i, j]),
        )
        for i, sample in enumerate(cells.samples)
        for j, taxon in enumerate(cells.taxa)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_estimates(survey: Survey, estimates: Estimates | None) -> list[Path]:
    """Write community_estimates.csv; an older one goes where no interval can be promised now."""
    path = survey.exports / ESTIMATES_NAME
    if estimates is None or not estimates.hold:
        remove_file(path)
        return []
    write_table(path, long_estimates(estimates))
    return [path]
