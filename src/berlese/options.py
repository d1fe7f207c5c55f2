"""Checks of settings and constructor arguments, all with one shape of message.

``require_*`` take the owner (an estimator or any object with the attribute), the
attribute's name and what is allowed; they raise `SettingError` or return nothing.
"""

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from berlese.errors import SettingError


def _refuse(owner: Any, name: str, allowed: str, value: object) -> None:
    where = owner if isinstance(owner, str) else type(owner).__name__
    raise SettingError(f"{where}: {name} must be {allowed}, got {value!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and value == value


def require_at_least(owner: Any, name: str, low: float) -> None:
    """Refuse anything but a number of `low` or more; an integer `low` asks for an integer."""
    value = getattr(owner, name)
    kind = "an integer" if isinstance(low, int) else "a number"
    right_type = isinstance(value, Integral) if isinstance(low, int) else True
    if not (_is_number(value) and right_type and value >= low):
        _refuse(owner, name, f"{kind} of at least {low}", value)


def require_between(
    owner: Any, name: str, low: float, high: float, *, inclusive: bool = True
) -> None:
    """Refuse numbers outside ``[low, high]``, or outside ``(low, high)`` if not inclusive."""
    value = getattr(owner, name)
    if _is_number(value):
        inside = low <= value <= high if inclusive else low < value < high
        if inside:
            return
    brackets = "[]" if inclusive else "()"
    _refuse(owner, name, f"a number in {brackets[0]}{low}, {high}{brackets[1]}", value)


def require_one_of(owner: Any, name: str, allowed: Collection[object]) -> None:
    """Refuse values that are not listed in `allowed`."""
    value = getattr(owner, name)
    if value not in allowed:
        _refuse(owner, name, "one of " + ", ".join(map(repr, allowed)), value)
