"""Candidates are compared with the likely animals and the other things of their photo."""

import numpy as np
import pytest

from berlese.specimens import context
from berlese.specimens.candidates import Candidate, packed
from berlese.specimens.context import CONTEXT, context_of
from berlese.specimens.features import FEATURES


def bar(left, top, *, upright=True, length=40, width=6):
    """A straight bar of which the ends are `length` apart."""
    shape = (length, width) if upright else (width, length)
    features = np.ones(len(FEATURES))
    known = {
        "log_length": np.log(length),
        "log_width": np.log(width),
        "log_area": np.log(length * width),
        "slender": length / width,
    }
    for name, value in known.items():
        features[FEATURES.index(name)] = value
    mask = packed(np.ones(shape, bool))
    angle = 90.0 if upright else 0.0
    return Candidate(mask, shape, left, top, 1.0, (0, 0, 1.0), length * width, angle, features, 3.0)


def ruler():
    """Ten upright ticks in a row, a tick across them below, and one too far from all others."""
    ticks = [bar(15 * number, 100) for number in range(10)]
    return [[(each,)] for each in [*ticks, bar(60, 160, upright=False), bar(4000, 3000)]]


def column(table, name):
    return np.rint(np.expm1(table[:, CONTEXT.index(name)])).astype(int).tolist()


@pytest.mark.parametrize("at_once", [1, 4, 128])
def test_ticks_of_a_ruler_are_parallel_to_each_other_however_many_are_looked_up_at_once(
    monkeypatch, at_once
):
    monkeypatch.setattr(context, "_AT_ONCE", at_once)
    found = column(context_of(ruler(), np.ones(12)), "parallel")
    assert found == [9] * 10 + [0, 0]


def test_ticks_that_stand_in_a_row_are_level():
    found = column(context_of(ruler(), np.ones(12)), "level")
    assert found == [9] * 10 + [0, 0]


def test_pieces_of_one_thing_are_no_neighbours_of_it():
    readings = ruler()
    readings[0].append((bar(0, 100), bar(0, 101)))
    found = column(context_of(readings, np.ones(14)), "parallel")
    assert found == [9] * 12 + [0, 0]


def test_where_nothing_is_slender_nothing_is_parallel():
    round_ones = [[(bar(40 * number, 100, length=20, width=20),)] for number in range(5)]
    assert column(context_of(round_ones, np.ones(5)), "parallel") == [0] * 5


def test_lengths_are_told_over_the_middle_one_of_the_likely_animals():
    readings = [[(bar(100 * number, 0, length=length),)] for number, length in enumerate((20, 40))]
    table = context_of(readings, np.array([0.1, 0.9]))
    np.testing.assert_allclose(
        np.exp(table[:, CONTEXT.index("length_in_photo")]), [0.5, 1.0], rtol=1e-4
    )
