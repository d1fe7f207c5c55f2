"""Cells sum to the survey, and their intervals hold where samples are unlike too."""

import numpy as np
import pytest

from berlese.classify.counts.cells import count_cells
from berlese.classify.counts.corrected import estimate_counts
from berlese.errors import SettingError
from tests.classify.counts.surveys import TAXA, library, look, names, survey


@pytest.mark.parametrize("reviewed", [0, 50])
def test_cells_sum_to_the_survey(reviewed):
    p, codes, rng = survey(6)
    rows = rng.choice(400, reviewed, replace=False)
    found = estimate_counts(
        p,
        TAXA,
        same_domain=True,
        held_out=library(7),
        reviewed_rows=rows,
        reviewed_taxa=names(codes[rows]),
    )
    samples = np.array([f"site {number % 7}" for number in range(400)])
    cells = count_cells(found, samples)
    np.testing.assert_allclose(cells.counts.sum(axis=0), found.counts, atol=0.05)
    np.testing.assert_allclose(cells.counts.sum(axis=1), np.bincount(np.arange(400) % 7))
    np.testing.assert_array_equal(cells.raw.sum(axis=0), found.raw)
    assert (cells.low <= cells.counts + 0.5).all()
    assert (cells.counts <= cells.high + 0.5).all()
    for sample in range(7):
        here = np.isin(np.arange(400), rows) & (np.arange(400) % 7 == sample)
        assert (cells.low[sample] >= np.bincount(codes[here], minlength=4)).all()


def test_cells_are_covered():
    covered = []
    for seed in range(8):
        p, codes, rng = survey(seed, n=500, bias=1.0)
        rows = rng.choice(500, 60, replace=False)
        found = estimate_counts(
            p, TAXA, same_domain=False, reviewed_rows=rows, reviewed_taxa=names(codes[rows])
        )
        samples = rng.integers(0, 10, 500)
        cells = count_cells(found, samples)
        truth = np.zeros((10, 4))
        np.add.at(truth, (samples, codes), 1)
        covered.append((cells.low <= truth) & (truth <= cells.high))
    assert np.mean(covered) >= 0.88


def test_cells_of_unlike_samples_are_covered_and_nearer_than_the_model():
    covered, ours, raw = [], [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        mixtures = rng.dirichlet(np.ones(4), size=8)
        samples = np.repeat(np.arange(8), 50)
        codes = np.array([rng.choice(4, p=mixtures[sample]) for sample in samples])
        p = look(codes, rng, bias=1.0)
        rows = rng.choice(400, 60, replace=False)
        found = estimate_counts(
            p, TAXA, same_domain=False, reviewed_rows=rows, reviewed_taxa=names(codes[rows])
        )
        cells = count_cells(found, samples)
        truth = np.zeros((8, 4))
        np.add.at(truth, (samples, codes), 1)
        covered.append((cells.low <= truth) & (truth <= cells.high))
        ours.append(np.abs(cells.counts - truth).mean())
        raw.append(np.abs(cells.raw - truth).mean())
    assert 0.86 <= np.mean(covered) <= 1
    assert np.mean(ours) < 0.6 * np.mean(raw)


def test_the_same_seed_gives_the_same_cells():
    p, codes, rng = survey(3)
    rows = rng.choice(400, 50, replace=False)
    found = estimate_counts(
        p, TAXA, same_domain=False, reviewed_rows=rows, reviewed_taxa=names(codes[rows])
    )
    both = [count_cells(found, np.arange(400) % 5) for _ in range(2)]
    np.testing.assert_array_equal(both[0].low, both[1].low)


def test_a_sample_for_each_animal_is_needed():
    p, *_ = survey(13)
    with pytest.raises(SettingError, match="400 animals"):
        count_cells(estimate_counts(p, TAXA, same_domain=False), ["a"])
