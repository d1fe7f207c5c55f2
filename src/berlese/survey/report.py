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

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.figure import Figure
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from berlese import __version__
from berlese.errors import PhotoError
from berlese.photos.reading import decode_image, open_photo
from berlese.photos.thumbnails import as_jpeg, fitted
from berlese.photos.writing import write_text_atomic
from berlese.specimens.labels import PlacedLabel, place_labels
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
from berlese.survey.strangers import LARGEST_SHOWN, Strangers, strangers_of
from berlese.survey.survey import Survey
from berlese.survey.tables import Model, Photo, Run, Specimen, in_force
from berlese.survey.trust import trust_in

PHOTO_SIDE = 1400
CROP_SIDE = 128
# Height of numbers as a share of the photo's longer side, up to so many animals.
LETTERS = ((60, 0.017), (200, 0.013), (float("inf"), 0.01))
DIGIT = 0.92  # width of a digit of a bold, wide typeface in heights of one
HALO = 0.3  # what surrounds a number, in heights
FLAG_WORDS = {
    "touches_edge": "cut by the edge",
    "too_small": "very small",
    "several": "perhaps several animals",
}


@dataclass(frozen=True, slots=True)
class ReportedSpecimen:
    """One animal as the report shows it; `flags` are words."""

    id: str
    number: int
    taxon: str
    status: str
    reviewer: str | None
    probability: float | None
    nearest: str | None
    flags: tuple[str, ...]
    points: str
    label: PlacedLabel
    length_mm: float | None
    crop: str


@dataclass(frozen=True, slots=True)
class ReportedPhoto:
    """One photo with its animals; `picture` is a data URI, empty if the file is gone.

    `name` is short; `path` tells photos of one name in several folders apart. `letters` is the
    height of the animals' numbers in pixels of the photo.
    """

    number: int
    name: str
    path: str
    sample: str
    site: str
    width: int
    height: int
    picture: str
    letters: float
    segmented: bool
    notes: tuple[str, ...]
    specimens: tuple[ReportedSpecimen, ...]


Shown = tuple[ReportedPhoto, ReportedSpecimen]


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
    path = survey.exports / REPORT_NAME
    template = _environment().get_template("report.html.j2")
    write_text_atomic(path, template.render(_shown(survey, estimates), truth=truth))
    return path


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("berlese.survey"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(survey: Survey, estimates: Estimates | None) -> dict[str, Any]:
    """Gather what the page shows, by the names that the template calls it."""
    photos = _photos(survey)
    sites, samples = community_by_site(survey), community_table(survey)
    counting = counting_section(survey, estimates or estimate_survey(survey))
    groups, strangers = _by_taxon(photos), strangers_of(survey, counting.estimates)
    distance = read_distance(survey)
    reviewed = 0 if counting.progress is None else counting.progress.drawn
    steps = () if distance is None else distance.next_steps(survey, reviewed=reviewed)
    return {
        "title": survey.settings.name,
        "summary": summarise(survey),
        "photos": photos,
        "groups": [group for group in groups if group[0] != UNKNOWN],
        "lengths": _lengths(groups),
        "people": any(each.reviewer for photo in photos for each in photo.specimens),
        "sites": _matrix(sites),
        "samples": _matrix(samples),
        "figure": _figure(sites),
        "imaging": summary_of(look_at_photos(survey)),
        "distance": distance,
        "steps": steps,
        "counting": counting,
        "strangers": strangers,
        "trust": trust_in(survey),
        "with_code": with_code,
        "largest_shown": LARGEST_SHOWN,
        **_unknown_ones(dict(groups).get(UNKNOWN, []), strangers),
        "label_of": label_of,
        "models": _models(survey),
        "runs": _runs(survey),
        "version": __version__,
        "unknown": UNKNOWN,
    }


def with_code(text: str) -> Markup:
    """Escape words for the page; what stands between backticks is set as code."""
    parts = enumerate(text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in parts
    )


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
    specimens = [each for each in photo.specimens if each.current]
    letters = _letters(photo, len(specimens))
    labels = place_labels(
        [np.array(each.polygon, float) for each in specimens],
        [(letters * (DIGIT * len(str(each.number)) + HALO), letters) for each in specimens],
        photo.width,
        photo.height,
    )
    return ReportedPhoto(
        number,
        PurePosixPath(photo.path).name,
        photo.path,
        photo.sample_id,
        photo.sample.site,
        photo.width,
        photo.height,
        picture,
        letters,
        photo.segmentation is not None,
        tuple(photo.notes),
        tuple(
            _specimen(survey, each, label, photo.mm_per_pixel)
            for each, label in zip(specimens, labels, strict=True)
        ),
    )


def _letters(photo: Photo, n_animals: int) -> float:
    """Height of numbers in pixels of the photo: smaller where many animals share it."""
    share = next(size for most, size in LETTERS if n_animals <= most)
    return share * max(photo.width, photo.height)


def _specimen(
    survey: Survey, specimen: Specimen, label: PlacedLabel, mm_per_pixel: float | None
) -> ReportedSpecimen:
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
        tuple(_flag_in_words(flag, specimen) for flag in specimen.flags),
        " ".join(f"{x:.0f},{y:.0f}" for x, y in specimen.polygon),
        label,
        None
        if mm_per_pixel is None or specimen.length_px is None
        else specimen.length_px * mm_per_pixel,
        crop,
    )


def _flag_in_words(flag: str, specimen: Specimen) -> str:
    words = FLAG_WORDS.get(flag, flag.replace("_", " "))
    sure = specimen.several if flag == "several" else None
    return words if sure is None else f"{words} ({100 * sure:.0f} %)"


def _by_taxon(photos: list[ReportedPhoto]) -> list[tuple[str, list[Shown]]]:
    """Animals by taxon, the surest first; unknown ones last."""
    groups: dict[str, list[Shown]] = {}
    for photo in photos:
        for specimen in photo.specimens:
            if specimen.status != "discarded":
                groups.setdefault(specimen.taxon, []).append((photo, specimen))
    for members in groups.values():
        members.sort(key=lambda member: (-(member[1].probability or 0), member[1].id))
    return sorted(groups.items(), key=lambda group: (group[0] == UNKNOWN, group[0]))


def _unknown_ones(members: list[Shown], strangers: Strangers) -> dict[str, Any]:
    """Put unknown animals into the groups of those that look alike, each once."""
    by_id = {each.id: (photo, each) for photo, each in members}
    groups = []
    for group in strangers.groups[:LARGEST_SHOWN]:
        shown = [by_id.pop(each.specimen_id) for each in group.animals if each.specimen_id in by_id]
        groups.append((group, shown))
    others = list(by_id.values())
    return {"unknown_animals": members, "unknown_groups": groups, "unknown_others": others}


def _lengths(groups: list[tuple[str, list[Shown]]]) -> list[dict[str, Any]]:
    """Shortest, median and longest of each taxon, where a scale is known."""
    rows = []
    for taxon, members in groups:
        mm = [each.length_mm for _, each in members if each.length_mm is not None]
        if mm:
            middle = float(np.median(mm))
            row = {"n": len(mm), "shortest": min(mm), "median": middle, "longest": max(mm)}
            rows.append({"taxon": taxon, **row})
    return rows


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
