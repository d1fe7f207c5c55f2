"""How many taxa each sample and site has: Chao1, and richness at one coverage, in richness.csv.

The formulas stand on taxa seen once or twice (`berlese.classify.counts.richness`), and a wrong
name makes such taxa. Reviewed surveys give corrected counts, to whole animals; others what the
model named, and then no interval is given. Unknown animals are left out: nobody knows of how many
taxa they are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese.classify.counts.richness import DRAWS, chao1, richness_at_coverage, sample_coverage
from berlese.survey.community import (
    SAMPLE_COLUMNS,
    UNKNOWN,
    community_table,
    sum_by_site,
)
from berlese.survey.estimates import NO_ANIMAL, Estimates, write_estimates
from berlese.survey.sheets import write_table
from berlese.survey.survey import Survey

RICHNESS_NAME = "richness.csv"
FEWEST = 10
"""Animals below which a sample is not compared with others at one coverage."""
COLUMNS = (
    "level",
    "id",
    "animals",
    "taxa",
    "chao1",
    "chao1Low",
    "chao1High",
    "coverage",
    "comparedAt",
    "taxaAtCoverage",
    "taxaAtCoverageLow",
    "taxaAtCoverageHigh",
    "countsFrom",
)


def richness_table(survey: Survey, estimates: Estimates | None) -> pd.DataFrame:
    """Estimate the number of taxa of every sample and site; columns `COLUMNS`.

    Parameters
    ----------
    survey : Survey
    estimates : Estimates or None
        Corrected counts, where there are any.
    """
    reviewed = estimates is not None and estimates.from_review
    if estimates is not None and reviewed:
        kept = [taxon not in (UNKNOWN, NO_ANIMAL) for taxon in estimates.counts.taxa]
        levels = {
            level: (cells.samples, np.round(cells.counts[:, kept]).astype(int))
            for level, cells in (("sample", estimates.by_sample), ("site", estimates.by_site))
        }
    else:
        table = community_table(survey)
        levels = {
            "sample": _counts_of(table, "eventID"),
            "site": _counts_of(sum_by_site(table), "locationID"),
        }
    rows = [row for level, (ids, x) in levels.items() for row in _rows(level, ids, x, reviewed)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _counts_of(table: pd.DataFrame, key: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    taxa = [name for name in table.columns if name not in (*SAMPLE_COLUMNS, UNKNOWN)]
    return tuple(table[key]), table[taxa].to_numpy(int)


def _rows(
    level: str, ids: Sequence[str], counts: NDArray[np.int64], reviewed: bool
) -> list[tuple[object, ...]]:
    """Rows of one level, compared at the smallest coverage that any of its larger ones has."""
    compared = [sample_coverage(x) for x in counts if x.sum() >= FEWEST]
    at = min((each for each in compared if each > 0), default=None)
    basis = "reviewed, corrected" if reviewed else "as named, without intervals"
    return [
        (level, name, *_figures(x, at, reviewed), basis)
        for name, x in zip(ids, counts, strict=True)
    ]


def _figures(x: NDArray[np.int64], at: float | None, intervals: bool) -> tuple[object, ...]:
    if not x.sum():
        return (0, 0, *[""] * 8)
    all_of_them, coverage = chao1(x), sample_coverage(x)
    ends = (round(all_of_them.low, 1), round(all_of_them.high, 1)) if intervals else ("", "")
    figures = (int(x.sum()), all_of_them.observed, round(all_of_them.estimate, 1), *ends)
    figures += (round(coverage, 3),)
    if at is None or x.sum() < FEWEST or coverage < at:
        return (*figures, "", "", "", "")
    fair = richness_at_coverage(x, at, n_draws=DRAWS if intervals else 0)
    ends = (round(fair.low, 1), round(fair.high, 1)) if intervals else ("", "")
    return (*figures, round(at, 3), round(fair.estimate, 1), *ends)


def write_counts(survey: Survey, estimates: Estimates | None) -> list[Path]:
    """Write richness.csv, and community_estimates.csv where intervals can be promised."""
    path = survey.exports / RICHNESS_NAME
    write_table(path, richness_table(survey, estimates))
    return [*write_estimates(survey, estimates), path]
