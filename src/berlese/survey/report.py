"""The report: one HTML file that opens offline and shows what was found, named and missed.

Pictures are embedded; photos are shrunk to `PHOTO_SIDE` pixels with outlines drawn over them
as SVG, crops to `CROP_SIDE`. Every name that comes from outside is escaped by the template;
an outline links to its crop and back, and nothing needs a script or the network.
"""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from berlese import __version__
from berlese.errors import PhotoError
from berlese.photos.reading import decode_image, open_photo
from berlese.photos.thumbnails import as_jpeg, fitted
from berlese.photos.writing import write_text_atomic
from berlese.survey.community import (
    REPORT_NAME,
    SAMPLE_COLUMNS,
    UNKNOWN,
    community_by_site,
    community_table,
    summarise,
)
from berlese.survey.counting import counting_section, label_of
from berlese.survey.distance import read_distance
from berlese.survey.estimates import Estimates, estimate_survey
from berlese.survey.figures import plot_abundance, plot_animals, plot_richness
from berlese.survey.imaging import look_at_photos
from berlese.survey.imaging_findings import summary_of
from berlese.survey.strangers import LARGEST_SHOWN, strangers_of
from berlese.survey.survey import Survey
from berlese.survey.tables import Model, Photo, Run, Specimen, in_force

PHOTO_SIDE = 1400
CROP_SIDE = 128


@dataclass(frozen=True, slots=True)
class ReportedSpecimen:
    """One animal as the report shows it."""

    id: str
    number: int
    taxon: str
    status: str
    reviewer: str | None
    probability: float | None
    nearest: str | None
    flags: tuple[str, ...]
    points: str
    x: int
    y: int
    crop: str


@dataclass(frozen=True, slots=True)
class ReportedPhoto:
    """One photo with its animals; `picture` is a data URI, empty if the file is gone.

    `name` is short; `path` tells photos of one name in several folders apart.
    """

    number: int
    name: str
    path: str
    sample: str
    site: str
    width: int
    height: int
    picture: str
    segmented: bool
    notes: tuple[str, ...]
    specimens: tuple[ReportedSpecimen, ...]


def write_report(
    survey: Survey,
    *,
    estimates: Estimates | None = None,
    truth: Mapping[str, float] | None = None,
) -> Path:
    """Write report.html into the survey's exports and return its path.

    Parameters
    ----------
    survey : Survey
    estimates : Estimates, optional
        Its counts, where `berlese.survey.outputs` has just made them; made here without.
    truth : mapping, optional
        Figures of `berlese.study.detection.DetectionReport`, where the truth is known.
    """
    environment = Environment(
        loader=PackageLoader("berlese.survey"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    photos = _photos(survey)
    sites, samples = community_by_site(survey), community_table(survey)
    counting = counting_section(survey, estimates or estimate_survey(survey))
    page = environment.get_template("report.html.j2").render(
        title=survey.settings.name,
        summary=summarise(survey),
        photos=photos,
        groups=_by_taxon(photos),
        sites=_matrix(sites),
        samples=_matrix(samples),
        figure=_figure(sites),
        imaging=summary_of(look_at_photos(survey)),
        distance=read_distance(survey),
        counting=counting,
        strangers=strangers_of(survey, counting.estimates),
        largest_shown=LARGEST_SHOWN,
        crops={each.id: each.crop for photo in photos for each in photo.specimens},
        label_of=label_of,
        models=_models(survey),
        runs=_runs(survey),
        truth=truth,
        version=__version__,
        unknown=UNKNOWN,
    )
    path = survey.exports / REPORT_NAME
    write_text_atomic(path, page)
    return path


def _photos(survey: Survey) -> list[ReportedPhoto]:
    query = (
        select(Photo)
        .where(Photo.current)
        .order_by(Photo.path)
        .options(
            selectinload(Photo.sample),
            selectinload(Photo.specimens).selectinload(Specimen.identifications),
        )
    )
    with survey.reading() as session:
        return [_photo(survey, photo, at) for at, photo in enumerate(session.scalars(query), 1)]


def _photo(survey: Survey, photo: Photo, number: int) -> ReportedPhoto:
    path = survey.absolute(photo.path)
    try:
        opened = open_photo(path, max_pixels=max(photo.width * photo.height, 1))
        picture = as_jpeg(opened.shrunk(PHOTO_SIDE))
    except (PhotoError, OSError):
        picture = ""
    return ReportedPhoto(
        number,
        PurePosixPath(photo.path).name,
        photo.path,
        photo.sample_id,
        photo.sample.site,
        photo.width,
        photo.height,
        picture,
        photo.segmentation is not None,
        tuple(photo.notes),
        tuple(_specimen(survey, each) for each in photo.specimens if each.current),
    )


def _specimen(survey: Survey, specimen: Specimen) -> ReportedSpecimen:
    word = in_force(specimen.identifications)
    status = word.status if word is not None else "not named"
    named = word is not None and status in ("predicted", "validated")
    try:
        crop = as_jpeg(fitted(decode_image(survey.absolute(specimen.crop_path)), CROP_SIDE))
    except (PhotoError, OSError):
        crop = ""
    return ReportedSpecimen(
        specimen.id,
        specimen.number,
        str(word.taxon) if named and word is not None else UNKNOWN,
        status,
        word.identified_by if word is not None else None,
        word.probability if word is not None else None,
        word.taxon if word is not None and not named else None,
        tuple(specimen.flags),
        " ".join(f"{x:.0f},{y:.0f}" for x, y in specimen.polygon),
        *_top(specimen.polygon),
        crop,
    )


def _top(polygon: list[list[float]]) -> tuple[int, int]:
    """Find the uppermost point of an outline: where its number stands."""
    x, y = min(polygon, key=lambda point: point[1])
    return round(x), round(y)


def _by_taxon(
    photos: list[ReportedPhoto],
) -> list[tuple[str, list[tuple[ReportedPhoto, ReportedSpecimen]]]]:
    """Animals by taxon, the surest first; unknown ones last."""
    groups: dict[str, list[tuple[ReportedPhoto, ReportedSpecimen]]] = {}
    for photo in photos:
        for specimen in photo.specimens:
            if specimen.status != "discarded":
                groups.setdefault(specimen.taxon, []).append((photo, specimen))
    for members in groups.values():
        members.sort(key=lambda member: (-(member[1].probability or 0), member[1].id))
    return sorted(groups.items(), key=lambda group: (group[0] == UNKNOWN, group[0]))


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A community table for the page: what describes a row, and its counts.

    `rows` are (descriptions, counts, total); `totals` are of the columns of counts.
    """

    labels: tuple[str, ...]
    taxa: tuple[str, ...]
    rows: tuple[tuple[tuple[Any, ...], tuple[int, ...], int], ...]
    totals: tuple[int, ...]
    largest: int


HEADINGS = {
    "eventID": "Sample",
    "locationID": "Site",
    "eventDate": "Date",
    "photos": "Photos",
    "photosFailed": "Photos failed",
}


def _matrix(table: pd.DataFrame) -> _Matrix:
    """Split a table into descriptions and counts; columns that say nothing are left out."""
    described = table[[name for name in table.columns if name in SAMPLE_COLUMNS]]
    counts = table.drop(columns=described.columns)
    silent = [
        name
        for name, blank in (("eventDate", ""), ("photosFailed", 0))
        if name in described and (described[name] == blank).all()
    ]
    described = described.drop(columns=silent)
    rows = zip(
        described.itertuples(index=False, name=None),
        counts.itertuples(index=False, name=None),
        strict=True,
    )
    return _Matrix(
        labels=tuple(HEADINGS[name] for name in described.columns),
        taxa=tuple(map(str, counts.columns)),
        rows=tuple((words, numbers, sum(numbers)) for words, numbers in rows),
        totals=tuple(counts.sum().tolist()),
        largest=max(counts.to_numpy().max(initial=0), 1),
    )


def _figure(sites: pd.DataFrame) -> str:
    """Abundance and richness by site as one SVG text, the same for the same survey.

    Empty for a survey without photos.
    """
    if sites.empty:
        return ""
    counts = sites.drop(columns=["locationID", "photos", "photosFailed"])
    tidy = pd.DataFrame(
        {
            "site": sites["locationID"],
            "animals": counts.sum(axis=1),
            "unknown": counts[UNKNOWN],
            "taxa": (counts.drop(columns=UNKNOWN) > 0).sum(axis=1),
        }
    )
    height = 1.0 + 0.25 * max(counts.shape[1], len(tidy), 4)
    style: Any = {"svg.hashsalt": "berlese", "svg.fonttype": "none", "font.size": 9}
    with rc_context(style), warnings.catch_warnings():
        figure = Figure(figsize=(11, height), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 0.8))
        plot_abundance(counts.sum(axis=0), ax=left)
        plot_animals(tidy, ax=middle)
        plot_richness(tidy, ax=right).set_yticklabels([])
        text = io.StringIO()
        # Letters stay text in the SVG: the browser has fonts that matplotlib has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue().partition("<svg")[2]


def _models(survey: Survey) -> list[dict[str, Any]]:
    with survey.reading() as session:
        return [
            {
                "id": model.id,
                "rank": model.rank,
                "taxa": list(model.taxa),
                "backbone": model.backbone,
                "training": dict(model.training),
            }
            for model in session.scalars(select(Model).order_by(Model.id))
        ]


def _runs(survey: Survey) -> list[dict[str, Any]]:
    with survey.reading() as session:
        return [
            {
                "command": run.command,
                "version": run.version,
                "settings": {key: str(value) for key, value in run.settings.items()},
                "started": run.started_at,
                "finished": run.finished_at or "not finished",
            }
            for run in session.scalars(select(Run).order_by(Run.id))
        ]
