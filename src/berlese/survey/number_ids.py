"""Ids of animals that a spreadsheet took for numbers, known again by what it made of them.

Ids are 20 hex digits. About two in ten thousand have no other letter than one ``e`` between
digits, or none, so that a spreadsheet reads a number: it keeps 15 digits at the most, shows as
many as the column has room for, and saves what it shows, as ``1.23457E+19``.
"""

import math
import re
from collections.abc import Iterable

NUMBER = re.compile(r"(?P<whole>\d+)(?:[.,](?P<part>\d*))?(?:[eE]\+?(?P<exponent>\d+))?")
OF_AN_ID = re.compile(r"\d+(?:e\d+)?")
KEPT = 1e-14  # of a number, all that a spreadsheet can lose behind its 15 digits


def is_number(written: str) -> bool:
    """Tell whether a spreadsheet can have written this for a number.

    >>> is_number("1.23457E+19"), is_number("1,5"), is_number("1.2.3"), is_number("00c0ffee")
    (True, True, False, False)
    """
    return NUMBER.fullmatch(written) is not None


def ids_meant(written: str, ids: Iterable[str]) -> list[str]:
    """List the ids that a spreadsheet can have written so; none where it is no number.

    Parameters
    ----------
    written : str
        What stands in the sheet, with a decimal point or comma.
    ids : iterable of str
        Of all animals.

    Examples
    --------
    >>> ids = ["12345678901234567890", "1234567890123456e123", "00c0ffee00c0ffee00c0"]
    >>> ids_meant("1.23457E+19", ids), ids_meant("1,2E+138", ids), ids_meant("1.3E+19", ids)
    (['12345678901234567890'], ['1234567890123456e123'], [])
    """
    match = NUMBER.fullmatch(written)
    if match is None:
        return []
    part, exponent = match["part"] or "", match["exponent"] or "0"
    value = float(f"{match['whole']}.{part}e{exponent}")
    if not math.isfinite(value):
        return []
    last_figure = float(f"1e{int(exponent) - len(part)}")
    off = last_figure / 2 + value * KEPT
    numbers = ((each, float(each)) for each in ids if OF_AN_ID.fullmatch(each))
    return [each for each, number in numbers if abs(number - value) <= off]
