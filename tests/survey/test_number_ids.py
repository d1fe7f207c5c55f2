"""Ids that a spreadsheet showed as numbers: known again, whatever it kept of them."""

import pytest

from berlese.survey.number_ids import ids_meant

DIGITS, POWER, SMALL, ZERO = (
    "12345678901234567890",
    "1234567890123456e123",
    "00000000001234567890",
    "0e123456789012345678",
)
OTHERS = ("00c0ffee00c0ffee00c0", "9e999999999999999999", "98765432109876543210")
IDS = (DIGITS, POWER, SMALL, ZERO, *OTHERS)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.23457E+19", DIGITS),
        ("1,23457E+19", DIGITS),
        ("1E+19", DIGITS),
        ("12345678901234500000", DIGITS),  # cut to 15 digits
        ("12345678901234600000", DIGITS),
        ("1.23456789012346E+019", DIGITS),
        ("1.23457E+138", POWER),
        ("1234567890", SMALL),
        ("1.23E+09", SMALL),
        ("0", ZERO),
        ("0.00E+00", ZERO),
        ("9.87654E+19", OTHERS[2]),
    ],
)
def test_a_number_means_the_id_that_is_shown_so(written: str, meant: str) -> None:
    assert ids_meant(written, IDS) == [meant]


@pytest.mark.parametrize("written", ["1.23456E+19", "1234567891", "2E+19", "1E+999", "", "c0ffee"])
def test_another_number_means_none(written: str) -> None:
    assert ids_meant(written, IDS) == []


def test_all_are_told_where_a_number_can_mean_several() -> None:
    ids = [DIGITS, "12345698901234567890"]
    assert ids_meant("1.2346E+19", ids) == ids
    assert ids_meant("1.23457E+19", ids) == ids
    assert ids_meant("1.234568E+19", ids) == [DIGITS]
