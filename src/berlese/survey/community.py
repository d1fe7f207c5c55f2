"""The community table: how many animals of which taxon in each sample.

What counts for an animal is `berlese.survey.tables.in_force`. A name that a model predicted or
a person validated counts for its taxon; unknown and dubious animals count as ``unknown``;
discarded ones (dirt, parts) do not count. Samples without animals and taxa without animals in
a sample are zeros, never missing; a sample with a photo that could not be segmented is marked.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from berlese.photos.writing import write_text_atomic
from berlese.survey.failures import read_failures
from berlese.survey.survey import Survey
from berlese.survey.tables import Model, Photo, Sample, Specimen, in_force

TABLE_NAME = "community.csv"
LONG_NAME = "community_long.csv"
REPORT_NAME = "report.html"
UNKNOWN = "unknown"
PERSON = ("validated", "dubious", "discarded")
SAMPLE_COLUMNS = ("eventID", "locationID", "eventDate", "photos", "photosFailed")


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
    """

    sample: str
    taxon: str
    reviewed: bool
    probability: float | None


def counted_specimens(survey: Survey) -> list[CountedSpecimen]:
    """List the animals that count, in the order of photos and specimens."""
    counted = []
    with survey.reading() as session:
        query = (
            select(Photo)
            .where(Photo.current)
            .order_by(Photo.path)
            .options(selectinload(Photo.specimens).selectinload(Specimen.identifications))
        )
        for photo in session.scalars(query):
            for specimen in photo.specimens:
                word = in_force(specimen.identifications)
                if not specimen.current or word is None or word.status == "discarded":
                    continue
                sure = word.status in ("predicted", "validated") and word.taxon is not None
                counted.append(
                    CountedSpecimen(
                        photo.sample_id,
                        str(word.taxon) if sure else UNKNOWN,
                        word.identified_by is not None,
                        word.probability if sure else None,
                    )
                )
    return counted


def samples_of(survey: Survey) -> pd.DataFrame:
    """One row a sample with current photos, in order of id; columns `SAMPLE_COLUMNS`."""
    rows = []
    with survey.reading() as session:
        query = select(Sample).order_by(Sample.id).options(selectinload(Sample.photos))
        for sample in session.scalars(query):
            photos = [photo for photo in sample.photos if photo.current]
            if photos:
                failed = sum(photo.segmentation is None for photo in photos)
                row = (sample.id, sample.site, sample.date or "", len(photos), failed)
                rows.append(row)
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def known_taxa(survey: Survey) -> list[str]:
    """Every taxon that a model of this survey can give or a person gave, sorted."""
    with survey.reading() as session:
        by_models = {taxon for taxa in session.scalars(select(Model.taxa)) for taxon in taxa}
    return sorted(by_models | {each.taxon for each in counted_specimens(survey)} - {UNKNOWN})


def community_table(survey: Survey) -> pd.DataFrame:
    """Wide table: one row a sample, its description, one column a taxon, unknown last."""
    counts = Counter((each.sample, each.taxon) for each in counted_specimens(survey))
    table = samples_of(survey)
    for taxon in [*known_taxa(survey), UNKNOWN]:
        table[taxon] = [counts[sample, taxon] for sample in table["eventID"]]
    return table


def community_by_site(survey: Survey) -> pd.DataFrame:
    """The wide table summed over the samples of each site."""
    table = community_table(survey).drop(columns=["eventID", "eventDate"])
    return table.groupby("locationID", sort=True, as_index=False).sum()


def long_table(survey: Survey) -> pd.DataFrame:
    """Zero-filled long table: a row a sample and taxon, with what was reviewed."""
    specimens = counted_specimens(survey)
    samples = samples_of(survey)
    rows = []
    for sample, site in zip(samples["eventID"], samples["locationID"], strict=True):
        for taxon in [*known_taxa(survey), UNKNOWN]:
            cell = [each for each in specimens if (each.sample, each.taxon) == (sample, taxon)]
            known = [each.probability for each in cell if each.probability is not None]
            mean = f"{sum(known) / len(known):.4f}" if known else ""
            reviewed = sum(each.reviewed for each in cell)
            rows.append((sample, site, taxon, len(cell), reviewed, mean))
    columns = ["eventID", "locationID", "taxon", "count", "reviewed", "meanProbability"]
    return pd.DataFrame(rows, columns=columns)


def write_tables(survey: Survey) -> list[Path]:
    """Write community.csv and community_long.csv; the same survey gives the same bytes."""
    paths = [survey.exports / TABLE_NAME, survey.exports / LONG_NAME]
    for path, table in zip(paths, (community_table(survey), long_table(survey)), strict=True):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.itertuples(index=False, name=None))
        write_text_atomic(path, text.getvalue())
    return paths


def summarise(survey: Survey) -> dict[str, Any]:
    """Count what a survey holds: photos, failures, specimens, identified, unknown."""
    specimens = counted_specimens(survey)
    failures = read_failures(survey.folder)
    unknown = sum(each.taxon == UNKNOWN for each in specimens)
    with survey.reading() as session:
        current = select(Photo).where(Photo.current).options(selectinload(Photo.specimens))
        photos = session.scalars(current).all()
        animals = sum(specimen.current for photo in photos for specimen in photo.specimens)
        segmented = sum(photo.segmentation is not None for photo in photos)
    return {
        "photos": segmented,
        "failures": len(failures),
        "specimens": animals,
        "identified": len(specimens) - unknown,
        "unknown": unknown,
        "failed": [{"file": f.file, "stage": f.stage, "reason": f.reason} for f in failures],
    }
