"""What the animals of a survey measure: one table for spreadsheets, one for Darwin Core.

Columns in pixels bear EcoTaxa's names (``object_area``, ``object_major``, ...); columns in
millimetres and the dry mass are filled where the photo's scale is known. Discarded animals are
left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import or_
from sqlalchemy.orm import joinedload, selectinload

from berlese.errors import PhotoError
from berlese.photos.reading import decode_image
from berlese.specimens.crop import with_margin
from berlese.specimens.measure import esd_of, measure
from berlese.specimens.outline import Box
from berlese.specimens.outline import Specimen as FoundSpecimen
from berlese.survey.community import UNKNOWN
from berlese.survey.masses import mass_on_photo
from berlese.survey.sheets import write_table
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, Specimen, current_specimens, in_force

MEASUREMENTS_NAME = "measurements.csv"
FACTS_NAME = "measurementorfact.csv"
DIGITS = 6  # significant ones


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that is measured.

    Attributes
    ----------
    name, unit : str
        Its column in millimetres, and its unit there.
    attribute : str
        Of `berlese.survey.tables.Specimen`, in pixels.
    power : int
        Of mm per pixel that turns one into the other.
    method : str
        How, in words, for Darwin Core's measurementMethod.
    """

    name: str
    unit: str
    attribute: str
    power: int
    method: str


QUANTITIES = (
    Quantity(
        *("length_mm", "mm", "length_px", 1),
        "axis of the body from end to end, without antennae, legs, mandibles and snout",
    ),
    Quantity("width_mm", "mm", "width_px", 1, "largest width of the body across its axis"),
    Quantity("area_mm2", "mm^2", "area_px", 2, "area of the outline, legs and antennae included"),
    Quantity("body_area_mm2", "mm^2", "body_area_px", 2, "area without legs and antennae"),
    Quantity("perimeter_mm", "mm", "perimeter_px", 1, "length of the outline"),
    Quantity("major_mm", "mm", "major_px", 1, "major axis of the ellipse of the same moments"),
    Quantity("minor_mm", "mm", "minor_px", 1, "minor axis of the ellipse of the same moments"),
    Quantity("feret_mm", "mm", "feret_px", 1, "largest distance between points of the outline"),
    Quantity(
        *("volume_mm3", "mm^3", "volume_px3", 3),
        "body turned round its axis: pi / 4 times the integral of width squared",
    ),
)
ECOTAXA = {
    "object_area": "area_px",
    "object_perim.": "perimeter_px",
    "object_major": "major_px",
    "object_minor": "minor_px",
    "object_feret": "feret_px",
    "object_angle": "angle_deg",
}
MASS_COLUMNS = ("mass_mg", "mass_mg_low", "mass_mg_high", "mass_source", "mass_interval")
IDENTITY = (
    *("occurrenceID", "eventID", "locationID", "accessURI", "scientificName", "taxonRank"),
    *("identificationQualifier", "identificationVerificationStatus", "flags"),
    *("severalProbability", "mm_per_pixel", "mm_per_pixel_source"),
)
LOOK = ("edge_px", "detail", "burnt", "crushed")
"""How sharp and bright it is, see `berlese.specimens.sharpness.Look`."""
FACT_COLUMNS = (
    *("occurrenceID", "measurementID", "measurementType", "measurementValue"),
    *("measurementAccuracy", "measurementUnit", "measurementMethod"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Crop:
    """The part of a photo that a crop file holds."""

    pixels: NDArray[np.uint8]
    width: int
    height: int

    def region(self, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
        """Give the crop, which is what `measure` asks for."""
        return self.pixels


def measure_anew(survey: Survey) -> int:
    """Measure the specimens that were not, or by an older berlese, by their outlines and crops.

    Returns
    -------
    int
        How many there were.
    """
    with survey.writing() as session:
        query = current_specimens().where(or_(Specimen.feret_px.is_(None), Specimen.look.is_(None)))
        old = session.scalars(query.options(joinedload(Specimen.photo))).all()
        for row in old:
            if len(row.polygon) > 2:
                for name, value in _measured(survey, row).items():
                    setattr(row, name, value)
        return len(old)


def _measured(survey: Survey, row: Specimen) -> dict[str, Any]:
    photo = row.photo
    box = row.box_on(photo)
    polygon = np.array(row.polygon, float)
    found = FoundSpecimen(box, polygon, row.area_px or 0.0, row.score)
    crop = _crop_of(survey, row, with_margin(box, photo.width, photo.height))
    columns = measure(found, crop).to_columns()
    return columns if row.area_px is None else columns | {"area_px": row.area_px}


def _crop_of(survey: Survey, row: Specimen, frame: Box) -> _Crop | None:
    """Open a crop file; None if it is gone or not as `frame` says."""
    try:
        pixels = decode_image(survey.absolute(row.crop_path))
    except (PhotoError, OSError):
        return None
    if pixels.shape[:2] != (frame.height, frame.width):
        return None
    return _Crop(pixels, row.photo.width, row.photo.height)


def measurements_of(survey: Survey) -> pd.DataFrame:
    """One row an animal: what it is, what it measures; blank where the scale is not known."""
    columns = [*IDENTITY, *(quantity.name for quantity in QUANTITIES)]
    columns += ["esd_mm", *MASS_COLUMNS, "length_px", "width_px", *ECOTAXA, "object_esd", *LOOK]
    return pd.DataFrame(_rows(survey), columns=columns)


def _rows(survey: Survey) -> Iterator[dict[str, Any]]:
    query = current_specimens().options(
        selectinload(Specimen.identifications),
        joinedload(Specimen.photo).joinedload(Photo.sample),
    )
    with survey.reading() as session:
        for row in session.scalars(query):
            word = in_force(row.identifications)
            if word is not None and word.status == "discarded":
                continue
            named = word is not None and word.status in ("predicted", "validated")
            photo = row.photo
            yield {
                "occurrenceID": row.id,
                "eventID": photo.sample_id,
                "locationID": photo.sample.site,
                "accessURI": photo.path,
                "scientificName": word.taxon if named and word is not None else UNKNOWN,
                "taxonRank": (word.rank or "") if named and word is not None else "",
                "identificationQualifier": (word.qualifier or "") if word is not None else "",
                "identificationVerificationStatus": word.status if word is not None else "",
                "flags": " ".join(row.flags),
                "severalProbability": _short(row.several, 1),
                "mm_per_pixel": _short(photo.mm_per_pixel, 1),
                "mm_per_pixel_source": photo.scale_source or "",
                **_sizes(row, photo.mm_per_pixel),
                **{name: _short((row.look or {}).get(name), 1) for name in LOOK},
                **_mass(row, word.taxon if named and word is not None else None),
            }


def _sizes(row: Specimen, scale: float | None) -> dict[str, Any]:
    """All lengths, areas and volumes of one specimen, in millimetres and in pixels."""
    esd = None if row.area_px is None else esd_of(row.area_px)
    sizes: dict[str, Any] = {
        quantity.name: _short(
            getattr(row, quantity.attribute), None if scale is None else scale**quantity.power
        )
        for quantity in QUANTITIES
    }
    sizes["esd_mm"] = _short(esd, scale)
    sizes |= {name: _short(getattr(row, name), 1) for name in ("length_px", "width_px")}
    sizes |= {name: _short(getattr(row, attribute), 1) for name, attribute in ECOTAXA.items()}
    return sizes | {"object_esd": _short(esd, 1)}


def _mass(row: Specimen, taxon: str | None) -> dict[str, Any]:
    """Dry mass by the name in force, with its range and source; blank where not known."""
    mass = mass_on_photo(taxon, row.length_px, row.width_px, row.photo.mm_per_pixel)
    if mass is None:
        return dict.fromkeys(MASS_COLUMNS, "")
    figures = (_short(value, 1) for value in (mass.mg, mass.low, mass.high))
    return dict(zip(MASS_COLUMNS, (*figures, mass.source, mass.interval), strict=True))


def _short(value: float | None, factor: float | None) -> float | str:
    """Scale a number and round it to `DIGITS` significant digits; blank if it is not known."""
    if value is None or factor is None:
        return ""
    return float(f"{value * factor:.{DIGITS}g}")


def facts_of(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the table of measurements into Darwin Core's MeasurementOrFact, a row a fact.

    Parameters
    ----------
    table : DataFrame
        From `measurements_of`; animals on photos without a scale have no fact.
    """
    rows = [
        (
            identity,
            f"{identity}:{quantity.name}",
            quantity.name.rpartition("_")[0].replace("_", " "),
            value,
            "",
            quantity.unit,
            quantity.method,
        )
        for quantity in QUANTITIES
        for identity, value in zip(table["occurrenceID"], table[quantity.name], strict=True)
        if value != ""
    ]
    rows += [
        (
            row["occurrenceID"],
            f"{row['occurrenceID']}:mass_mg",
            "dry mass",
            row["mass_mg"],
            "" if row["mass_mg_low"] == "" else f"{row['mass_mg_low']} to {row['mass_mg_high']}",
            "mg",
            f"published regression: {row['mass_source']}; accuracy: {row['mass_interval']}",
        )
        for row in table.to_dict("records")
        if row["mass_mg"] != ""
    ]
    return pd.DataFrame(sorted(rows), columns=list(FACT_COLUMNS))


def write_measurements(survey: Survey) -> list[Path]:
    """Write measurements.csv and measurementorfact.csv; the same survey gives the same bytes."""
    measure_anew(survey)
    table = measurements_of(survey)
    paths = [survey.exports / MEASUREMENTS_NAME, survey.exports / FACTS_NAME]
    for path, content in zip(paths, (table, facts_of(table)), strict=True):
        write_table(path, content)
    return paths
