"""The whole path on one survey: photos, model, specimens, names, table, report.

Every stage resumes by itself, so the same call finishes what a killed one began.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from berlese import __version__
from berlese.classify.heads.registry import DEFAULT_HEAD
from berlese.classify.models.bundle import Bundle
from berlese.classify.naming.promises import NamingSettings
from berlese.errors import SettingError, SurveyError
from berlese.features import backbones
from berlese.photos.writing import write_text_atomic
from berlese.specimens.segment import SegmentSettings
from berlese.survey.adding import count_photos
from berlese.survey.community import summarise
from berlese.survey.distance import write_distance
from berlese.survey.failures import Failure, StepReport
from berlese.survey.library import group_notes, read_library
from berlese.survey.outputs import write_outputs
from berlese.survey.report import write_report
from berlese.survey.reviewing import drawn_names, with_notes_on_order
from berlese.survey.samples import hash_of_sheet, read_sample_sheet
from berlese.survey.steps import (
    add_photos,
    embed_specimens,
    identify_specimens,
    segment_photos,
)
from berlese.survey.survey import Survey
from berlese.survey.tables import current_photos, current_specimens
from berlese.survey.taxonomies import taxonomy_for
from berlese.survey.training import embed_library, train_or_reuse

SUMMARY_NAME = "summary.json"


class Stages(Protocol):
    """Shows progress: entered with a stage's name and total, gives a function to advance it."""

    seconds: dict[str, float]

    def __call__(
        self, name: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a run shall do; either `library` or `model` is given.

    Parameters
    ----------
    library : Path, optional
        Labelled pictures to train on.
    model : Path, optional
        A bundle that is trained already.
    samples : Path, optional
        Sheet of samples.
    taxon, group : str
        Columns of a CSV library.
    backbone : str
        Feature extractor of a new model; a bundle brings its own.
    weights : Path, optional
        File of the backbone's weights, where it needs one.
    head : str
        Classifier of a new model.
    mm_per_pixel : float, optional
        Scale of the photos; without it, what their files or the survey state.
    taxonomy : Path, optional
        Table of what stands above a library's taxa; nested folders tell it too.
    naming : NamingSettings
        How sure a name must be, and what is unknown.
    max_pixels : int, optional
        Larger photos are refused, see `berlese.survey.adding.add_photos`.
    seed : int
        Of everything random.
    jobs : int, optional
        Threads; as many as there are processors without it.
    photos_at_a_time : int, optional
        Searched for animals, see `berlese.survey.segmenting.segment_photos`.
    segmentation : SegmentSettings
        How animals are found.
    """

    library: Path | None = None
    model: Path | None = None
    samples: Path | None = None
    taxon: str = "taxon"
    group: str | None = None
    backbone: str = backbones.DEFAULT_BACKBONE
    weights: Path | None = None
    head: str = DEFAULT_HEAD
    mm_per_pixel: float | None = None
    taxonomy: Path | None = None
    naming: NamingSettings = field(default_factory=NamingSettings)
    max_pixels: int | None = None
    seed: int = 0
    jobs: int | None = None
    photos_at_a_time: int | None = 1
    segmentation: SegmentSettings = field(default_factory=SegmentSettings)

    def __post_init__(self) -> None:
        if (self.library is None) == (self.model is None):
            raise SettingError(
                "give either --library LIBRARY (a folder of pictures for each taxon) or --model "
                "BUNDLE (what `berlese train` made)."
            )
        for name in ("library", "model", "samples", "taxonomy"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                raise SettingError(f"--{name} {path}: does not exist; check the path.")
        if self.samples is not None:
            read_sample_sheet(self.samples)  # a wrong one shall stop a run before it begins

    def describe(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return {
            "library": None if self.library is None else str(self.library),
            "model": None if self.model is None else str(self.model),
            "samples": None if self.samples is None else str(self.samples),
            "taxon": self.taxon,
            "group": self.group,
            "backbone": self.backbone,
            "weights": None if self.weights is None else str(self.weights),
            "head": self.head,
            "mm_per_pixel": self.mm_per_pixel,
            "taxonomy": None if self.taxonomy is None else str(self.taxonomy),
            **self.naming.to_dict(),
            "max_pixels": self.max_pixels,
            "seed": self.seed,
            "segmentation": self.segmentation.model_dump(mode="json"),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ModelInUse:
    """What names the animals: a bundle, the folder that it lies in, and its backbone.

    `notes` tell where the library's groups cannot serve, and what was wrong with bundles that were
    to be used.
    """

    bundle: Bundle
    path: Path
    backbone: backbones.Backbone
    notes: tuple[str, ...] = ()


def run_path(
    survey: Survey,
    photos: list[Path],
    settings: RunSettings,
    stages: Stages,
    *,
    compare: Callable[[Survey], Mapping[str, float] | None] | None = None,
) -> dict[str, Any]:
    """Run the whole path and return the summary that `write_summary` stores.

    Parameters
    ----------
    survey : Survey
    photos : list of Path
        And folders of them.
    settings : RunSettings
    stages : Stages
    compare : callable, optional
        Compares the survey with its truth, where that is known, else None: `truth` of summary and
        report.

    Raises
    ------
    SurveyError
        If not one photo can be used.
    LibraryError, BundleError
        If there is nothing to name animals by.
    """
    sheets = hash_of_sheet(settings.samples)
    with survey.exclusive():
        with survey.recorded("run", settings.describe(), sheets):
            added, model, library_failures = _name_animals(survey, photos, settings, stages)
        # The report lists the runs: this one is finished but for what is made of it.
        with stages("table and report"):
            written = write_outputs(survey)
            distance = write_distance(survey, model.bundle, model.path)
            truth = None if compare is None else compare(survey)
            write_report(survey, estimates=written.estimates, truth=truth)
    return {
        "domain": None if distance is None else distance.to_dict(),
        **summarise(survey),
        "library_failures": [asdict(failure) for failure in library_failures],
        "notes": [*added.notes, *model.notes, *written.notes],
        "seconds": dict(stages.seconds),
        "settings": settings.describe() | {"version": __version__, "model_hash": model.bundle.hash},
        **({} if truth is None else {"truth": dict(truth)}),
    }


def _name_animals(
    survey: Survey, photos: list[Path], settings: RunSettings, stages: Stages
) -> tuple[StepReport, ModelInUse, tuple[Failure, ...]]:
    """Go from photos to named animals; tell of the photos, the model and its library."""
    drawn = drawn_names(survey)
    with stages("photos", count_photos(survey, photos)) as advance:
        added = add_photos(
            survey,
            photos,
            settings.samples,
            mm_per_pixel=settings.mm_per_pixel,
            max_pixels=settings.max_pixels,
            progress=advance,
        )
    _refuse_if_none(survey, lambda photo: True)
    model, library_failures = model_for(survey, settings, stages)
    with stages("segment", survey.count(current_photos())) as advance:
        segmented = segment_photos(
            survey,
            settings.segmentation,
            max_pixels=settings.max_pixels,
            jobs=settings.photos_at_a_time,
            progress=advance,
        )
    _refuse_if_none(survey, lambda photo: photo.segmentation is not None)
    animals = survey.count(current_specimens())
    with stages("embed", animals) as advance:
        embed_specimens(survey, model.backbone, jobs=settings.jobs, progress=advance)
    with stages("identify", animals) as advance:
        identify_specimens(survey, model.bundle, settings.naming, progress=advance)
    noted = replace(added, notes=(*added.notes, *segmented.notes))
    return with_notes_on_order(noted, survey, drawn), model, library_failures


def model_for(
    survey: Survey, settings: RunSettings, stages: Stages
) -> tuple[ModelInUse, tuple[Failure, ...]]:
    """Load the bundle that was asked for, or train one on the library, once."""
    if settings.model is not None:
        bundle = Bundle.load(settings.model, with_rows=True)
        with stages("prepare backbone"):
            backbone = backbone_of(bundle, weights=settings.weights, jobs=settings.jobs)
        return ModelInUse(bundle, settings.model, backbone), ()
    if settings.library is None:
        raise SettingError("there is neither a library nor a model.")
    library = read_library(settings.library, settings.taxon, settings.group)
    with stages("prepare backbone"):
        backbone = backbones.load(
            settings.backbone, weights=settings.weights, threads=settings.jobs
        )
    with stages("embed library", len(library.paths)) as advance:
        embedded = embed_library(library, backbone, jobs=settings.jobs, progress=advance)
    with stages("train"):
        bundle, path, notes = train_or_reuse(
            embedded,
            library,
            backbone,
            survey.models,
            head=settings.head,
            taxonomy=taxonomy_for(library, settings.taxonomy),
            random_state=settings.seed,
            jobs=settings.jobs,
        )
    return ModelInUse(bundle, path, backbone, (*group_notes(library), *notes)), embedded.failures


def backbone_of(
    bundle: Bundle, *, weights: Path | None = None, jobs: int | None = None
) -> backbones.Backbone:
    """Load the backbone that a bundle was trained on.

    Parameters
    ----------
    bundle : Bundle
    weights : Path, optional
        File of weights, where the backbone was made of one and is not in the cache.
    jobs : int, optional
        Threads.

    Raises
    ------
    BundleMismatchError
        If the backbone of that name now has other weights or another preprocessing.
    """
    if weights is None:
        exported = backbones.find_exported(bundle.backbone_hash, threads=jobs)
        if exported is not None:
            return exported
    backbone = backbones.load(bundle.backbone, weights=weights, threads=jobs)
    bundle.require_backbone(backbone.hash)
    return backbone


def _refuse_if_none(survey: Survey, usable: Callable[[Any], bool]) -> None:
    with survey.reading() as session:
        if any(usable(photo) for photo in session.scalars(current_photos())):
            return
    failures = summarise(survey)["failed"]
    first = f" The first: {failures[0]['file']}: {failures[0]['reason']}" if failures else ""
    raise SurveyError(f"not one photo could be used; failures.csv says why.{first}")


def write_summary(survey: Survey, summary: Mapping[str, Any]) -> Path:
    """Write `summary.json` into the survey folder."""
    path = survey.folder / SUMMARY_NAME
    write_text_atomic(path, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    return path
