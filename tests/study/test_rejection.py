"""Rates of a threshold, worked out by hand."""

import numpy as np
import pytest

from berlese.study.datasets import Dataset, Libraries
from berlese.study.plans import Plan, StudySettings
from berlese.study.rejection import (
    FIXED,
    HELD_OUT,
    SCORED,
    confidence_points,
    rejection_table,
    threshold_keeping,
)
from berlese.study.results import views_of

PLAN = Plan((), (("A", "B"),), ("A", "B"))
N = 44


@pytest.fixture
def libraries():
    """A: 44 pictures of x and y; B: one x and one z, which A lacks; an unknown of B's camera."""
    flat = np.zeros((N, 1), np.float32)
    return Libraries(
        [
            Dataset("A", flat, np.array(["x", "y"] * (N // 2))),
            Dataset("B", flat[:2], np.array(["x", "z"])),
        ],
        {"B": Dataset("B-unknown", flat[:1], np.array(["w"]))},
    )


def rates(libraries, by_hand, settings):
    rows = np.arange(N + 3)
    tested = (rows < 4)[None]
    named = np.where(rows % 2 == 0, 0, 1)[None].copy()
    named[0, 3] = 0  # one mistake
    confidence = np.linspace(0.5, 0.99, N + 3)[None].copy()
    confidence[0, :4] = [0.99, 0.9, 0.97, 0.96]
    confidence[0, N:] = [0.98, 0.94, 0.99]
    result = by_hand(libraries, named, tested, confidence=confidence)
    views = list(views_of(libraries, PLAN, [result], ("within", "between")))
    return rejection_table(libraries, views, settings).set_index(["target", "rule"]), views


def test_rates_by_hand(libraries, by_hand):
    table, _ = rates(libraries, by_hand, StudySettings())
    fixed = table.loc[("A", FIXED)]
    assert (fixed["n_right"], fixed["n_failed"], fixed["n_unknown"]) == (3, 1, 0)
    assert fixed["retained"] == pytest.approx(2 / 3)  # .99 and .97 stay, .90 goes
    assert fixed["failed_caught"] == 0  # the mistake has .96
    assert np.isnan(fixed["unknown_caught"])
    across = table.loc[("B", FIXED)]
    assert across["n_unknown"] == 2  # z, which A lacks, and the stranger
    assert across["unknown_caught"] == pytest.approx(1 / 2)


def test_a_chosen_threshold_looks_at_other_pictures_than_it_is_scored_on(libraries, by_hand):
    table, _ = rates(libraries, by_hand, StudySettings(keep=0.9))
    held_out = np.linspace(0.5, 0.99, N + 3)[4:N]
    assert table.loc[("A", HELD_OUT), "threshold"] == pytest.approx(held_out[4])  # 4 of 40 below
    assert SCORED not in table.index.get_level_values("rule")


def test_as_published_the_scored_pictures_choose(libraries, by_hand):
    table, _ = rates(libraries, by_hand, StudySettings.published())
    assert table.loc[("A", SCORED), "threshold"] == pytest.approx(0.9)
    assert table.loc[("A", SCORED), "retained"] == 1


def test_every_tested_picture_is_one_point(libraries, by_hand):
    _, views = rates(libraries, by_hand, StudySettings())
    points = confidence_points(libraries, views[1], 0)
    assert points["outcome"].value_counts().to_dict() == {"right": 1, "unknown": 2}


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.95])
def test_a_threshold_keeps_at_least_what_it_promises(keep):
    right = np.random.default_rng(0).random(101).astype(np.float32)
    threshold = threshold_keeping(right, keep)
    assert keep <= (right >= threshold).mean() <= keep + 0.02
