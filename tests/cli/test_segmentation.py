"""The settings of `berlese segment` as words of the command line."""

import pytest

from berlese.cli.segmentation import settings_with
from berlese.errors import SettingError
from berlese.specimens.segment import SegmentSettings


def test_nothing_given_are_the_defaults():
    assert settings_with(None, None, "auto", "auto") == SegmentSettings()


def test_a_dish_is_three_numbers():
    settings = settings_with(None, 0.5, "light", "0.5,0.48,0.4")
    assert settings.dish == (0.5, 0.48, 0.4)
    assert settings.polarity == "light"
    assert settings.min_length_mm == 0.5


@pytest.mark.parametrize("dish", ["round", "1,2", "0.5,0.5,x", ""])
def test_another_dish_is_refused_with_what_is_expected(dish):
    with pytest.raises(SettingError, match=r"X,Y,RADIUS.*got"):
        settings_with(None, None, "auto", dish)


def test_a_length_out_of_range_is_refused_by_name():
    with pytest.raises(SettingError, match=r"min_length_mm.*-1"):
        settings_with(None, -1, "auto", "auto")
