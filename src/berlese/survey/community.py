"""The community table: how many animals of which taxon in each sample.

What counts for an animal is `berlese.survey.tables.in_force`. A name that a model predicted or
a person validated counts for its taxon; unknown and dubious animals count as ``unknown``, and
so do animals that were found but not named yet (`berlese.survey.tables.counts_as_unknown`): none
vanishes. Discarded ones (dirt, parts) do not count. Samples without animals and taxa without
animals in a sample are zeros, never missing; photos that could not be read or segmented are in
``photosFailed``, so that nobody takes such a sample's zeros for absences.

The long table adds the dry mass of the animals whose photo has a scale and whose name has a
published regression (``weighed`` says of how many).

In R: ``read.csv("community.csv", row.names = "eventID", check.names = FALSE)``; the taxa are
the columns after ``photosFailed``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from berlese.classify.naming.reserved import UNKNOWN
from berlese.errors import SettingError
from berlese.survey.failures import read_failures
from berlese.survey.masses import Mass, mass_on_photo
from berlese.survey.properties import properties_by_sample
from berlese.survey.sheets import write_table
from berlese.survey.spellings import free_name, taxon_columns
from berlese.survey.survey import Survey
from berlese.survey.tables import (
    Identification,
    Model,
    Photo,
    Sample,
    Specimen,
    counts_as_unknown,
    in_force,
)

TABLE_NAME = "community.csv"
LONG_NAME = "community_long.csv"
SAMPLES_NAME = "samples.csv"
REPORT_NAME = "report.html"
SAMPLE_COLUMNS = ("eventID", "locationID", "eventDate", "photos", "photosFailed")
LONG_COLUMNS = (
    *("eventID", "locationID", "taxon", "count", "reviewed", "meanProbability"),
    *("weighed", "biomassMg", "biomassMgLow", "biomassMgHigh"),
)
PLACE_COLUMNS = ("parentEventID", "decimalLatitude", "decimalLongitude")
LEVELS = ("sample", "site")


@dataclass(frozen=True, slots=True)
class CountedSpecimen:
    """One animal as the table counts it.

    Attributes
    ----------
    sample : str
    taxon : str
        A name, or `UNKNOWN`.
    reviewed : bool
        Whether a person said so.
    probability : float or None
        Of the name, where a model gave it.
    mass : Mass or None
        Dry mass, where the photo's scale is known and the name has a published regression.
    """

    sample: str
    taxon: str
    reviewed: bool
    probability: float | None
    mass: Mass | None = None


def counted_specimens(survey: Survey) -> list[CountedSpecimen]:
    """List the animals that count, in the order of photos and specimens."""
    specimens = selectinload(Photo.specimens)
    words = specimens.load_only(
        Specimen.number, Specimen.current, Specimen.length_px, Specimen.width_px
    ).selectinload(Specimen.identifications)
    # Outlines and the probabilities of every taxon are long, and not needed here.
    light = words.load_only(
        Identification.taxon,
        Identification.status,
        Identification.probability,
        Identification.identified_by,
    )
    query = select(Photo).where(Photo.current).order_by(Photo.path).options(light)
    with survey.reading() as session:
        every = [
            _counted(photo, specimen, in_force(specimen.identifications))
            for photo in session.scalars(query)
            for specimen in photo.specimens
            if specimen.current
        ]
    return [each for each in every if each is not None]


def _counted(
    photo: Photo, specimen: Specimen, word: Identification | None
) -> CountedSpecimen | None:
    sample = photo.sample_id
    reviewed = word is not None and word.identified_by is not None
    if counts_as_unknown(word):
        return CountedSpecimen(sample, UNKNOWN, reviewed, None)
    if word is None or word.taxon is None or word.status == "discarded":
        return None
    size = (specimen.length_px, specimen.width_px, photo.mm_per_pixel)
    mass = mass_on_photo(word.taxon, *size)
    return CountedSpecimen(sample, word.taxon, reviewed, word.probability, mass)


def samples_of(survey: Survey) -> pd.DataFrame:
    """One row a sample that was photographed, in order of id; columns `SAMPLE_COLUMNS`."""
    rows = []
    with survey.reading() as session:
        loaded = (selectinload(Sample.photos), selectinload(Sample.unusable_photos))
        for sample in session.scalars(select(Sample).order_by(Sample.id).options(*loaded)):
            photos = [photo for photo in sample.photos if photo.current]
            unusable = len(sample.unusable_photos)
            failed = unusable + sum(photo.segmentation is None for photo in photos)
            if given := len(photos) + unusable:
                rows.append((sample.id, sample.site, sample.date or "", given, failed))
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def known_taxa(survey: Survey) -> list[str]:
    """Every taxon that the models in force can give or a person gave, sorted."""
    return _taxa(survey, counted_specimens(survey))


def _taxa(survey: Survey, specimens: Iterable[CountedSpecimen]) -> list[str]:
    latest = (
        select(func.max(Identification.id))
        .join(Specimen)
        .join(Photo)
        .where(Identification.model_id.is_not(None), Specimen.current, Photo.current)
        .group_by(Identification.specimen_id)
    )
    in_use = select(Identification.model_id).where(Identification.id.in_(latest))
    with survey.reading() as session:
        models = session.scalars(select(Model.taxa).where(Model.id.in_(in_use))).all()
        # Where no animal was named, all that could have been are absent.
        models = models or session.scalars(select(Model.taxa)).all()
    by_models = {taxon for taxa in models for taxon in taxa}
    return sorted((by_models | {each.taxon for each in specimens}) - {UNKNOWN})


def count_by_sample(
    specimens: Iterable[CountedSpecimen], samples: pd.DataFrame, taxa: Sequence[str]
) -> pd.DataFrame:
    """Count animals: one row a sample, its description, one column a taxon, unknown last.

    Parameters
    ----------
    specimens : iterable of CountedSpecimen
    samples : DataFrame
        Columns `SAMPLE_COLUMNS`; the rows that the table shall have.
    taxa : sequence of str
        The taxa that shall have a column, without `UNKNOWN`. One that is called as a column
        of `samples` is written with `` (taxon)`` behind it.
    """
    counts = Counter((each.sample, each.taxon) for each in specimens)
    table = samples.copy()
    columns = taxon_columns([*taxa, UNKNOWN], SAMPLE_COLUMNS)
    for taxon, column in zip([*taxa, UNKNOWN], columns, strict=True):
        table[column] = [counts[sample, taxon] for sample in samples["eventID"]]
    return table


def sum_by_site(table: pd.DataFrame) -> pd.DataFrame:
    """Sum the table of `count_by_sample` over the samples of each site."""
    counts = table.drop(columns=["eventID", "eventDate"])
    return counts.groupby("locationID", sort=True, as_index=False).sum()


def count_long(
    specimens: Iterable[CountedSpecimen], samples: pd.DataFrame, taxa: Sequence[str]
) -> pd.DataFrame:
    """Count animals in a zero-filled long table: a row a sample and taxon, `LONG_COLUMNS`.

    Parameters
    ----------
    specimens, samples, taxa
        As for `count_by_sample`.
    """
    cells: dict[tuple[str, str], list[CountedSpecimen]] = {}
    for each in specimens:
        cells.setdefault((each.sample, each.taxon), []).append(each)
    rows = []
    for sample, site in zip(samples["eventID"], samples["locationID"], strict=True):
        for taxon in [*taxa, UNKNOWN]:
            cell = cells.get((sample, taxon), [])
            known = [each.probability for each in cell if each.probability is not None]
            mean = f"{sum(known) / len(known):.4f}" if known else ""
            reviewed = sum(each.reviewed for each in cell)
            rows.append((sample, site, taxon, len(cell), reviewed, mean, *_biomass(cell)))
    return pd.DataFrame(rows, columns=list(LONG_COLUMNS))


def _biomass(cell: Sequence[CountedSpecimen]) -> tuple[int, str, str, str]:
    """How many animals have a mass, their sum and its range; blank where none, or no range."""
    masses = [each.mass for each in cell if each.mass is not None]
    if not masses:
        return 0, "", "", ""
    total = f"{sum(mass.mg for mass in masses):.4g}"
    low = [mass.low for mass in masses if mass.low is not None]
    high = [mass.high for mass in masses if mass.high is not None]
    if len(low) < len(masses):
        return len(masses), total, "", ""
    # All animals of a taxon are weighed by the same equations: their errors do not cancel out.
    return len(masses), total, f"{sum(low):.4g}", f"{sum(high):.4g}"


def community_table(survey: Survey) -> pd.DataFrame:
    """Count the survey's animals by sample; see `count_by_sample`."""
    specimens = counted_specimens(survey)
    return count_by_sample(specimens, samples_of(survey), _taxa(survey, specimens))


def community_by_site(survey: Survey) -> pd.DataFrame:
    """Count the survey's animals by site; see `sum_by_site`."""
    return sum_by_site(community_table(survey))


def long_table(survey: Survey) -> pd.DataFrame:
    """Count the survey's animals in a long table, see `count_long`, with what sheets said."""
    specimens = counted_specimens(survey)
    table = count_long(specimens, samples_of(survey), _taxa(survey, specimens))
    return with_properties(table, survey)


def sample_table(survey: Survey) -> pd.DataFrame:
    """One row a sample in the order of the other tables: all that sheets of samples said of it."""
    table = samples_of(survey)
    query = select(Sample.id, Sample.event, Sample.latitude, Sample.longitude)
    with survey.reading() as session:
        places = {
            sample: ["" if each is None else each for each in rest]
            for sample, *rest in session.execute(query)
        }
    for at, column in enumerate(PLACE_COLUMNS):
        table[column] = [places[sample][at] for sample in table["eventID"]]
    return with_properties(table, survey)


def with_properties(table: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Put the other columns of the sheets of samples behind a table that has ``eventID``.

    One that is called as a column of the table is written with `` (sample)`` behind it.
    """
    said = properties_by_sample(survey)
    names = dict.fromkeys(name for properties in said.values() for name in properties)
    table = table.copy()
    ours = tuple(table.columns)
    for name in names:
        column = free_name(f"{name} (sample)" if name in ours else name, table.columns)
        table[column] = [said.get(sample, {}).get(name, "") for sample in table["eventID"]]
    return table


def write_tables(survey: Survey, *, level: Literal["sample", "site"] = "sample") -> list[Path]:
    """Write community.csv, community_long.csv and samples.csv; always the same bytes.

    Parameters
    ----------
    survey : Survey
    level : {"sample", "site"}
        What a row of community.csv is; the other tables are by sample always.
    """
    if level not in LEVELS:
        raise SettingError(f"level must be one of {', '.join(LEVELS)}; got {level!r}.")
    wide = community_table(survey) if level == "sample" else community_by_site(survey)
    paths = [survey.exports / name for name in (TABLE_NAME, LONG_NAME, SAMPLES_NAME)]
    tables = (wide, long_table(survey), sample_table(survey))
    for path, table in zip(paths, tables, strict=True):
        write_table(path, table)
    return paths


def summarise(survey: Survey) -> dict[str, Any]:
    """Count what a survey holds; specimens are identified, unknown or discarded."""
    specimens = counted_specimens(survey)
    failures = read_failures(survey.folder)
    unknown = sum(each.taxon == UNKNOWN for each in specimens)
    current = select(Photo).where(Photo.current)
    found = select(Specimen.id).join(Photo).where(Photo.current, Specimen.current)
    animals = survey.count(found)
    return {
        "photos": survey.count(current.where(Photo.segmentation.is_not(None))),
        "failures": len(failures),
        "specimens": animals,
        "identified": len(specimens) - unknown,
        "unknown": unknown,
        "discarded": animals - len(specimens),
        "failed": [{"file": f.file, "stage": f.stage, "reason": f.reason} for f in failures],
    }
