"""Dry mass of an animal by published regressions of mass on its length, or length and width.

``published/length_mass.csv`` holds ln(mass in mg) = intercept + slope * ln(x), x in millimetres
being the length, or length times width, with the source of each row; for a taxon the first row
is the estimate, since it was put first. ``published/groups.csv`` says which row's taxon a family
belongs to. None of the sources publishes what a prediction interval needs. So what is
given for one is the range of all published equations for that taxon at that size, where there
are at least `LEAST_EQUATIONS`: how far the answer hangs on whose animals were weighed. It is
no 90 % interval, and an animal may lie outside of it. A name with no row has no mass.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log

LEAST_EQUATIONS = 3


@dataclass(frozen=True, slots=True)
class Equation:
    """One published regression; mm and mg."""

    taxon: str
    predictor: str
    intercept: float
    slope: float
    source: str

    def mass_mg(self, length_mm: float, width_mm: float) -> float:
        """Dry mass of an animal of that size."""
        size = length_mm if self.predictor == "length" else length_mm * width_mm
        return exp(self.intercept + self.slope * log(size))


@dataclass(frozen=True, slots=True)
class Mass:
    """Dry mass of one animal.

    Attributes
    ----------
    mg : float
    low, high : float or None
        Range of the published equations; None where there are too few.
    source : str
        Taxon, predictor and publication of the estimate.
    interval : str
        What `low` and `high` are.
    """

    mg: float
    low: float | None
    high: float | None
    source: str
    interval: str


def dry_mass(taxon: str, length_mm: float, width_mm: float) -> Mass | None:
    """Estimate the dry mass of an animal.

    Parameters
    ----------
    taxon : str
        Its name: a family, or a taxon that has equations itself.
    length_mm, width_mm : float
        Of its body, without legs and antennae.

    Returns
    -------
    Mass or None
        None where the name has no equation.
    """
    known = equations_for(taxon)
    if not known or min(length_mm, width_mm) <= 0:
        return None
    masses = [equation.mass_mg(length_mm, width_mm) for equation in known]
    first = known[0]
    source = f"{first.taxon}, {first.predictor}: {first.source}"
    if len(known) < LEAST_EQUATIONS:
        return Mass(masses[0], None, None, source, "none published")
    interval = f"range of {len(known)} published equations"
    return Mass(masses[0], min(masses), max(masses), source, interval)


def mass_on_photo(
    taxon: str | None, length_px: float | None, width_px: float | None, mm_per_pixel: float | None
) -> Mass | None:
    """Estimate the dry mass of an animal by its size in pixels; None where it is not known."""
    if taxon is None or length_px is None or width_px is None or mm_per_pixel is None:
        return None
    return dry_mass(taxon, mm_per_pixel * length_px, mm_per_pixel * width_px)


def equations_for(taxon: str) -> tuple[Equation, ...]:
    """Give the equations for a name, those of its family first, else of its group."""
    own = _equations().get(taxon)
    return own if own is not None else _equations().get(_groups().get(taxon, ""), ())


@cache
def _equations() -> Mapping[str, tuple[Equation, ...]]:
    found: dict[str, tuple[Equation, ...]] = {}
    for row in _rows("length_mass.csv"):
        equation = Equation(
            row["taxon"],
            row["predictor"],
            float(row["intercept"]),
            float(row["slope"]),
            row["source"],
        )
        found[equation.taxon] = (*found.get(equation.taxon, ()), equation)
    return found


@cache
def _groups() -> Mapping[str, str]:
    return {row["taxon"]: row["group"] for row in _rows("groups.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("berlese.survey.published") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
