"""Glue of `calibrate`: reviewed animals in, a bundle and its reliability diagram out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.classify.models.bundle import DIAGRAM_NAMES, FIGURES_NAME, Bundle, require_place
from berlese.classify.models.recalibration import recalibrate
from berlese.cli.console import Stages
from berlese.cli.groups import Labels
from berlese.errors import LibraryError, as_word
from berlese.features.backbones import Backbone
from berlese.features.store import FeatureStore
from berlese.photos.writing import atomic_write, write_text_atomic
from berlese.study.reliability import draw_reliability
from berlese.survey.failures import Failure
from berlese.survey.library import read_library
from berlese.survey.naming import embed_specimens
from berlese.survey.pipeline import backbone_of
from berlese.survey.reviewing import Animal, animals_of, chances_of
from berlese.survey.survey import Survey, is_survey
from berlese.survey.training import embed_library


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """Animals that a person named, as `berlese.classify.models.recalibration` wants them."""

    features: NDArray[np.float32]
    names: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    others: NDArray[np.float32] | None
    groups_of_others: NDArray[np.str_] | None
    domain: str
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What `calibrate` did."""

    bundle: Path
    animals: int
    figures: dict[str, Any]
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]


def calibrate_into(
    out: Path,
    bundle: Path,
    reviewed: Path,
    *,
    labels: Labels,
    weights: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> CalibrationReport:
    """Refit a bundle's promises on reviewed animals and save it under another name.

    Raises
    ------
    BundleError
        If `out` exists and `overwrite` is not set, or is the bundle itself; before anything is
        computed.
    LibraryError
        If no animal is reviewed.
    """
    require_place(out, overwrite=overwrite, source=bundle)
    model = Bundle.load(bundle, with_rows=True)
    with stages("prepare backbone"):
        session = backbone_of(model, weights=weights, jobs=jobs)
    if is_survey(reviewed):
        animals = _of_survey(reviewed, session, jobs=jobs, stages=stages)
    else:
        animals = _of_library(reviewed, session, labels, jobs=jobs, stages=stages)
    with stages("calibrate"):
        refitted = recalibrate(
            model,
            animals.features,
            animals.names,
            animals.groups,
            others=animals.others,
            groups_of_others=animals.groups_of_others,
            domain=animals.domain,
            random_state=seed,
        )
        figures = {} if refitted.calibration is None else refitted.calibration.to_dict()

        def write_figures(folder: Path) -> None:
            write_text_atomic(folder / FIGURES_NAME, json.dumps(figures, indent=1) + "\n")
            write_diagrams(folder, refitted)

        refitted.save(out, overwrite=overwrite, beside=write_figures)
    notes = (*animals.notes, *refitted.training["notes"])
    return CalibrationReport(out, len(animals.names), figures, notes, animals.failures)


def write_diagrams(folder: Path, bundle: Bundle) -> None:
    """Draw a bundle's reliability diagram into its folder, where enough animals tell."""
    if bundle.calibration is None or bundle.calibration.table is None:
        return
    for name in DIAGRAM_NAMES:
        with atomic_write(folder / name) as part:
            draw_reliability(bundle.calibration, part, name.rpartition(".")[2])


def _of_library(
    reviewed: Path,
    session: Backbone,
    labels: Labels,
    *,
    jobs: int | None,
    stages: Stages,
) -> Reviewed:
    library = read_library(reviewed, labels.taxon, labels.group)
    with stages("embed", len(library.paths)) as advance:
        embedded = embed_library(library, session, jobs=jobs, progress=advance)
    return Reviewed(
        embedded.features,
        embedded.labels,
        embedded.groups,
        None,
        None,
        reviewed.name,
        (),
        embedded.failures,
    )


def _of_survey(reviewed: Path, session: Backbone, *, jobs: int | None, stages: Stages) -> Reviewed:
    """Take the animals that were drawn at random and named; other names bias what is fitted."""
    with Survey.open(reviewed) as survey:
        animals = animals_of(survey)
        with stages("embed", len(animals)) as advance:
            report = embed_specimens(survey, session, jobs=jobs, progress=advance)
        done = [each for each in animals if each.reviewed is not None]
        drawn = ~np.isnan(chances_of(survey, animals))
        chosen = [each for each, at_random in zip(done, drawn, strict=True) if at_random]
        notes = []
        if len(chosen) < len(done) or not chosen:
            notes.append(
                f"{len(done) - len(chosen)} of {len(done)} reviewed animals were not drawn by "
                "`berlese plan`, or wait for one before them in its order; what is fitted on "
                "picked animals does not hold for the others."
            )
        usable = [each for each in chosen or done if _name(each) is not None]
        found = FeatureStore(survey.features).get(
            [each.crop_sha256 for each in animals], session.hash
        )
        usable = [each for each in usable if each.crop_sha256 in found]
        others = [each for each in animals if each.reviewed is None and each.crop_sha256 in found]
        title = survey.settings.name
    if not usable:
        raise LibraryError(
            f"{reviewed}: no animal is named by a person yet: berlese plan {as_word(reviewed)} "
            "--out review.csv, fill the sheet in, then: berlese import review.csv --into "
            f"{as_word(reviewed)} --by {as_word('YOUR NAME')}"
        )
    return Reviewed(
        np.stack([found[each.crop_sha256] for each in usable]),
        np.array([_name(each) for each in usable]),
        np.array([each.photo for each in usable]),
        np.stack([found[each.crop_sha256] for each in others]) if others else None,
        np.array([each.photo for each in others]) if others else None,
        f"survey {title}",
        tuple(notes),
        report.failures,
    )


def _name(animal: Animal) -> str | None:
    """The name that a person gave; empty for a stranger, None for what is no animal or unsure."""
    word = animal.reviewed
    if word is None or word.status in ("discarded", "dubious"):
        return None
    return str(word.taxon) if word.status == "validated" else ""
