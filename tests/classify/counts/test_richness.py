"""Richness against published figures: EstimateS (by scikit-bio's tests) and iNEXT's spider data.

The spiders of a girdled and a logged stand of hemlock (Ellison et al. 2010) are iNEXT's example:
26 species of 168 animals and 37 of 252, covering 92.89 % and 94.46 % of their communities.
"""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from berlese.classify.counts.richness import (
    chao1,
    richness_at_coverage,
    richness_at_size,
    sample_coverage,
)
from berlese.errors import SettingError

GIRDLED = [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2] + [1] * 12
LOGGED = [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2] + [1] * 14
MIXED = [0, 1, 1, 4, 2, 5, 2, 4, 1, 2]
NO_SINGLES = [0, 2, 2, 4, 5]
NO_DOUBLES = [0, 1, 1, 4, 5]


@pytest.mark.parametrize(
    ("counts", "estimate", "low", "high"),
    [(MIXED, 9.75, 9.07, 17.45), (NO_SINGLES, 4, 4, 4.95), (NO_DOUBLES, 5, 4.08, 17.27)],
)
def test_bias_corrected_chao1_is_that_of_estimates(counts, estimate, low, high):
    found = chao1(counts, level=0.95)
    assert found.estimate == estimate
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)


@pytest.mark.parametrize(
    ("counts", "estimate", "low", "high"),
    [(GIRDLED, 43.893, 30.511, 96.971), (LOGGED, 61.403, 43.502, 128.583)],
)
def test_classic_chao1_is_that_of_inext(counts, estimate, low, high):
    found = chao1(counts, bias_corrected=False, level=0.95)
    assert found.estimate == pytest.approx(estimate, abs=5e-4)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-3)


def test_coverage_is_that_of_inext():
    assert sample_coverage(GIRDLED) == pytest.approx(0.9289, abs=5e-5)
    assert sample_coverage(LOGGED) == pytest.approx(0.9446, abs=5e-5)


def test_extrapolation_is_that_of_inext():
    found = richness_at_size(GIRDLED, 300)
    assert found.estimate == pytest.approx(33.317733, abs=1e-6)
    assert found.coverage == pytest.approx(0.9579518, abs=1e-7)
    # iNEXT's 95 % interval is 25.80 to 40.83, from 50 draws
    half = (found.high - found.low) / 2 * 1.959964 / 1.644854
    assert half == pytest.approx(7.51, rel=0.3)


def test_rarefaction_is_the_mean_of_smaller_samples():
    rng = np.random.default_rng(0)
    animals = np.repeat(np.arange(len(LOGGED)), LOGGED)
    drawn = [len(set(rng.choice(animals, 60, replace=False))) for _ in range(4000)]
    assert richness_at_size(LOGGED, 60).estimate == pytest.approx(np.mean(drawn), abs=0.12)


def test_rarefied_coverage_by_hand():
    # counts 3, 1: of samples of 2 from 4 animals, taxon 1 is missed never and taxon 2 in 1/2;
    # eq. 4b: 1 - 3/4 C(1,2)/C(3,2) - 1/4 C(3,2)/C(3,2) = 3/4
    assert richness_at_size([3, 1], 2).coverage == pytest.approx(0.75)
    assert richness_at_size([3, 1], 2).estimate == pytest.approx(1.5)


def test_equal_coverage_is_reached_by_the_size_that_covers_it():
    found = richness_at_coverage(LOGGED, 0.929)
    again = richness_at_size(LOGGED, found.animals)
    assert again.coverage == pytest.approx(0.929, abs=1e-9)
    assert again.estimate == pytest.approx(found.estimate)
    assert found.animals < 252


def test_the_interval_of_chao1_covers_a_community_that_it_fits():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(200):
        drawn = rng.multinomial(100, np.full(60, 1 / 60))
        found = chao1(drawn)
        covered.append(found.low - 1e-9 <= 60 <= found.high + 1e-9)
    assert np.mean(covered) > 0.85


def test_between_whole_animals_the_curve_is_the_line_between_theirs():
    # counts 1, 1: one animal covers nothing by eq. 4b, two cover 1 - 2/2 * 1/3 = 2/3 by eq. 4a
    assert richness_at_size([1, 1], 1.5).coverage == pytest.approx(1 / 3)
    assert richness_at_size([1, 1], 1.5).estimate == pytest.approx(1.5)


@example([1, 1])
@given(st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(any))
def test_never_fewer_taxa_than_seen_and_never_covered_more_than_all(counts):
    for bias_corrected in (True, False):
        found = chao1(counts, bias_corrected=bias_corrected)
        assert found.observed <= found.low <= found.estimate + 1e-9 <= found.high + 1e-6
    assert 0 <= sample_coverage(counts) <= 1
    n = sum(counts)
    sizes = np.linspace(1, 2 * n, 7)
    curve = [richness_at_size(counts, size, n_draws=2) for size in sizes]
    assert np.all(np.diff([each.estimate for each in curve]) >= -1e-6)
    assert np.all(np.diff([each.coverage for each in curve]) >= -1e-6)


def exact(counts, m):
    """Richness and coverage of m of the animals, by counting subsets (eqs. 4a, 4b)."""
    x, n = [each for each in counts if each], sum(counts)
    taxa = sum(1 - Fraction(comb(n - each, m), comb(n, m)) for each in x)
    if m < n:
        gaps = (Fraction(each, n) * Fraction(comb(n - each, m), comb(n - 1, m)) for each in x)
        return taxa, 1 - sum(gaps)
    f1, f2 = x.count(1), x.count(2)
    missed = Fraction(n - 1, n) * (Fraction(f1**2, 2 * f2) if f2 else Fraction(f1 * (f1 - 1), 2))
    slowing = n * missed / (n * missed + f1) if missed else 0
    return taxa, 1 - Fraction(f1, n) * slowing


@settings(deadline=None)
@example([1, 1], 0.5)
@example([3000, 200, 40, 2, 1, 1], 0.9)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=30).filter(lambda counts: sum(counts) > 1),
    st.floats(0.01, 1),
)
def test_rarefied_figures_are_those_of_counted_subsets(counts, part):
    n = sum(counts)
    m = max(1, round(part * n))
    taxa, covered = exact(counts, m)
    found = richness_at_size(counts, m, n_draws=0)
    assert found.estimate == pytest.approx(float(taxa), abs=1e-9)
    assert found.coverage == pytest.approx(float(covered), abs=1e-9)
    if 0 < covered < exact(counts, n)[1]:
        at = richness_at_coverage(counts, float(covered), n_draws=0)
        again = richness_at_size(counts, at.animals, n_draws=0)
        assert again.coverage == pytest.approx(float(covered), abs=1e-9)
        assert again.estimate == pytest.approx(at.estimate, abs=1e-9)


def test_the_interval_is_that_of_samples_taken_one_by_one():
    # 1.64 standard deviations of the estimates of 200 draws from the community of appendix G
    counts, coverage = np.array(GIRDLED), 0.9
    found = richness_at_coverage(counts, coverage)
    n = counts.sum()
    p, gap = counts / n, 1 - sample_coverage(counts)
    seen = p * (1 - gap / np.sum(p * (1 - p) ** n) * (1 - p) ** n)
    missed = int(np.ceil((n - 1) / n * 12**2 / (2 * 4)))
    shares = np.concatenate([seen, np.full(missed, gap / missed)])
    drawn = np.random.default_rng(0).multinomial(n, shares / shares.sum(), size=200)
    one_by_one = [richness_at_coverage(row, coverage, n_draws=0).estimate for row in drawn]
    half = 1.6448536269514722 * np.std(one_by_one, ddof=1)
    assert (found.high - found.low) / 2 == pytest.approx(half, abs=1e-9)


@pytest.mark.parametrize("counts", [[0, 0], [1.5, 2], [-1, 3], [np.nan, 1], [[1, 2]]])
def test_what_are_no_counts_is_refused(counts):
    with pytest.raises(SettingError):
        chao1(counts)


def test_what_cannot_be_reached_is_refused_with_the_limit():
    with pytest.raises(SettingError, match="twice the animals"):
        richness_at_coverage(GIRDLED, 0.999)
    with pytest.raises(SettingError, match="from 1 to 336"):
        richness_at_size(GIRDLED, 400)
