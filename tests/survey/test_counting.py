"""The report's part about counts: advice follows where the doubt lies."""

import numpy as np

from berlese.classify.counts.corrected import estimate_counts
from berlese.survey.counting import widest_cells
from berlese.survey.estimates import Estimates

TAXA = ("Carabidae", "Cisidae", "Leiodidae")


def survey_of(doubtful: float, k: int) -> Estimates:
    """Two samples of 100; in the second the model wavers between two taxa."""
    rng = np.random.default_rng(0)
    codes = rng.choice(3, 200, p=[0.6, 0.3, 0.1])
    p = np.full((200, 3), 0.01)
    p[np.arange(200), codes] = 0.98
    p[100:, :2] = [[doubtful, 1 - doubtful]]
    p[100:, 2] = 1e-3
    rows = rng.choice(200, k, replace=False)
    counts = estimate_counts(
        p,
        TAXA,
        same_domain=False,
        reviewed_rows=rows,
        reviewed_taxa=[TAXA[code] for code in codes[rows]],
    )
    return Estimates(counts, ("a",) * 100 + ("b",) * 100, ("site",) * 200, 0)


def test_the_widest_cell_is_where_the_model_wavers() -> None:
    estimates = survey_of(0.5, 120)
    found = widest_cells(estimates, estimates.by_sample)
    assert found[0].sample == "b"
    assert found[0].taxon in ("Carabidae", "Cisidae")
    widths = [cell.high - cell.low for cell in found]
    assert widths == sorted(widths, reverse=True)


def test_the_advice_names_the_animals_that_may_be_it() -> None:
    estimates = survey_of(0.5, 120)
    cells = estimates.by_sample
    cells.own[:] = 1.0
    waver = int((~estimates.counts.reviewed[100:]).sum())
    first = widest_cells(estimates, cells)[0]
    assert first.advice == f"name the {waver} animals of this sample that may be it"
    cells.own[:] = 0.0
    assert "go on with berlese plan" in widest_cells(estimates, cells)[0].advice


def test_a_survey_all_reviewed_has_nothing_open() -> None:
    estimates = survey_of(0.5, 200)
    assert widest_cells(estimates, estimates.by_sample) == []
