"""Checks of settings: what passes, what is refused and in which words."""

from types import SimpleNamespace

import numpy as np
import pytest

from berlese.errors import BerleseError, SettingError
from berlese.options import require_at_least, require_between, require_one_of


def owner(value):
    return SimpleNamespace(value=value)


@pytest.mark.parametrize("value", [1, 5, np.int64(3)])
def test_integers_from_the_bound_up_pass(value):
    require_at_least(owner(value), "value", 1)


@pytest.mark.parametrize("value", [0, 1.5, True, "2", None, float("nan")])
def test_an_integer_bound_refuses_anything_else(value):
    with pytest.raises(SettingError, match="value must be an integer of at least 1, got"):
        require_at_least(owner(value), "value", 1)


def test_a_decimal_bound_takes_decimals_and_integers():
    require_at_least(owner(0.5), "value", 0.5)
    require_at_least(owner(2), "value", 0.5)


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_an_inclusive_range_holds_its_ends(value):
    require_between(owner(value), "value", 0, 1)


@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan"), "half"])
def test_an_open_range_refuses_its_ends(value):
    with pytest.raises(SettingError, match=r"a number in \(0, 1\)"):
        require_between(owner(value), "value", 0, 1, inclusive=False)


def test_a_choice_lists_what_is_allowed():
    require_one_of(owner("adam"), "value", ["adam", "sgd"])
    with pytest.raises(SettingError, match="one of 'adam', 'sgd', got 'adamw'"):
        require_one_of(owner("adamw"), "value", ["adam", "sgd"])


def test_a_refused_setting_is_a_value_error_and_ours():
    assert issubclass(SettingError, ValueError)
    assert issubclass(SettingError, BerleseError)
