"""The report's part about counts: corrected ones with intervals, taxa, and what to review next."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from berlese.classify.counts.cells import CellCounts
from berlese.classify.counts.review_plan import Goal
from berlese.survey.estimates import NO_ANIMAL, Estimates
from berlese.survey.planning import Progress, review_progress
from berlese.survey.survey import Survey
from berlese.survey.taxon_numbers import richness_table

WIDEST = 5
POSSIBLE = (0.05, 0.95)  # between them, a look at the animal would tell


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A cell whose interval is wide, and what would make it narrower."""

    sample: str
    taxon: str
    low: int
    high: int
    advice: str


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """What the report says of counts.

    Attributes
    ----------
    estimates : Estimates or None
    by_site, by_sample : CellCounts or None
        None where no interval can be promised.
    progress : Progress or None
    open_cells : tuple of OpenCell
        The widest first.
    richness : DataFrame
    """

    estimates: Estimates | None
    by_site: CellCounts | None
    by_sample: CellCounts | None
    progress: Progress | None
    open_cells: tuple[OpenCell, ...]
    richness: pd.DataFrame


def counting_section(survey: Survey, estimates: Estimates | None) -> Counting:
    """Gather it from a survey and the counts of `estimate_survey`."""
    richness = richness_table(survey, estimates)
    if estimates is None:
        return Counting(None, None, None, None, (), richness)
    progress = review_progress(survey, Goal(), estimates)
    if not estimates.hold:
        return Counting(estimates, None, None, progress, (), richness)
    return Counting(
        estimates,
        estimates.by_site,
        estimates.by_sample,
        progress,
        tuple(widest_cells(estimates, estimates.by_sample)),
        richness,
    )


def widest_cells(estimates: Estimates, cells: CellCounts) -> list[OpenCell]:
    """Find the cells with the widest intervals, and say what would tighten each.

    A cell is unsure because of its own animals, which a look at them settles, or because the
    taxon's total is unsure, which only more animals at random settle.
    """
    width = cells.high - cells.low
    counts, member = estimates.counts, np.array(estimates.samples)
    found = []
    for place in np.argsort(-width, axis=None, kind="stable")[:WIDEST]:
        i, j = np.unravel_index(place, width.shape)
        if not width[i, j]:
            break
        p = counts.probabilities[(member == cells.samples[i]) & ~counts.reviewed, j]
        possible = int(((p > POSSIBLE[0]) & (p < POSSIBLE[1])).sum())
        if cells.own[i, j] > 0.5 and possible:
            advice = f"name the {possible} animals of this sample that may be it"
        else:
            advice = "go on with berlese plan: how common it is in the whole survey is unsure"
        ends = (int(cells.low[i, j]), int(cells.high[i, j]))
        found.append(OpenCell(cells.samples[i], cells.taxa[j], *ends, advice))
    return found


def label_of(taxon: str) -> str:
    """A taxon as the report heads its column."""
    return f"{taxon} (dirt, parts)" if taxon == NO_ANIMAL else taxon
