"""Glue of the verbs about models: libraries and pictures in, bundles, CSV and JSON out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from berlese.classify.heads.registry import new_head
from berlese.classify.models.bundle import Bundle, Predictions, require_place
from berlese.classify.models.training import train_bundle
from berlese.classify.naming.promises import NamingSettings
from berlese.classify.naming.reserved import UNKNOWN
from berlese.classify.unknowns.rule import CONTRAST
from berlese.cli.calibration import write_diagrams
from berlese.cli.console import Stages
from berlese.cli.groups import Extractor, Labels
from berlese.cli.libraries import SeenLibrary, seen_by
from berlese.cli.targets import list_pictures, require_absent, require_new_files
from berlese.features import backbones
from berlese.features.embed import EmbeddedFiles, embed_files
from berlese.photos.writing import write_text_atomic
from berlese.study.metrics import Evaluation, evaluate
from berlese.study.protocols import cross_validate
from berlese.survey.distance import write_distance
from berlese.survey.failures import Failure, StepReport
from berlese.survey.library import group_notes, read_library
from berlese.survey.missing import with_missing_step
from berlese.survey.naming import embed_specimens, identify_specimens
from berlese.survey.pipeline import backbone_of
from berlese.survey.sheets import write_sheet
from berlese.survey.spellings import taxon_columns
from berlese.survey.survey import Survey, is_survey
from berlese.survey.tables import current_specimens
from berlese.survey.taxonomies import taxonomy_for
from berlese.survey.training import embed_library

EVALUATION_NAMES = ("evaluation.json", "by_taxon.csv", "confusion.csv")


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What `train` learned from and what it left out."""

    bundle: Path
    taxa: tuple[str, ...]
    n_pictures: int
    skipped: int
    summary: dict[str, Any]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "bundle": str(self.bundle),
            "taxa": list(self.taxa),
            "pictures": self.n_pictures,
            "skipped": self.skipped,
            "training": self.summary,
            "notes": list(self.notes),
            "failures": [{"file": each.file, "reason": each.reason} for each in self.failures],
        }

    def in_words(self) -> str:
        """Say it in a line for a person."""
        skipped = f", {self.skipped} rows without a name" if self.skipped else ""
        first = f"{self.bundle}: {len(self.taxa)} taxa from {self.n_pictures} pictures{skipped}."
        return "\n".join([first, *self.notes])


def train_into(
    out: Path,
    library: Path,
    *,
    labels: Labels,
    extractor: Extractor,
    head: str,
    taxonomy: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> TrainingReport:
    """Train on a library and save the bundle.

    Raises
    ------
    BundleError
        If `out` exists and `overwrite` is not set; before anything is computed.
    LibraryError
        If the library is empty or has one class.
    """
    require_place(out, overwrite=overwrite)
    labelled = read_library(library, labels.taxon, labels.group)
    tree = taxonomy_for(labelled, taxonomy)
    with stages("prepare backbone"):
        session = backbones.load(extractor.backbone, weights=extractor.weights, threads=jobs)
    with stages("embed library", len(labelled.paths)) as advance:
        embedded = embed_library(labelled, session, jobs=jobs, progress=advance)
    with stages("train"):
        bundle = train_bundle(
            embedded.features,
            embedded.labels,
            embedded.groups,
            head=head,
            backbone=session,
            rank=labelled.rank,
            taxonomy=tree,
            random_state=seed,
            jobs=jobs,
        )
        bundle.save(out, overwrite=overwrite, beside=lambda part: write_diagrams(part, bundle))
    return TrainingReport(
        out,
        tuple(bundle.classes),
        len(embedded.paths),
        labelled.skipped,
        dict(bundle.training),
        embedded.failures,
        tuple(group_notes(labelled)),
    )


def embed_into_cache(
    target: Path,
    *,
    extractor: Extractor,
    taxon: str,
    jobs: int | None,
    stages: Stages,
) -> StepReport:
    """Make the features of a survey's animals, or of a library's pictures."""
    with stages("prepare backbone"):
        session = backbones.load(extractor.backbone, weights=extractor.weights, threads=jobs)
    if is_survey(target):
        with (
            Survey.open(target) as survey,
            stages("embed", survey.count(current_specimens())) as advance,
        ):
            return embed_specimens(survey, session, jobs=jobs, progress=advance)
    library = read_library(target, taxon)
    with stages("embed", len(library.paths)) as advance:
        embedded = embed_library(library, session, jobs=jobs, progress=advance)
    return StepReport(len(embedded.paths), 0, embedded.failures)


def evaluate_into(
    out: Path,
    bundle: Path,
    library: Path,
    *,
    labels: Labels,
    folds: int | None,
    weights: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    beside: Sequence[str],
    stages: Stages,
) -> tuple[Evaluation, tuple[Failure, ...], list[str]]:
    """Evaluate a bundle on a library, or its head retrained on folds of that library.

    Returns
    -------
    evaluation : Evaluation
    failures : tuple of Failure
    notes : list of str
        What the library's groups mean for it.

    Raises
    ------
    SettingError
        If `out` holds an evaluation, or one of the files that will be written `beside` it, and
        `overwrite` is not set; before anything is computed.
    """
    require_absent((out / name for name in (*EVALUATION_NAMES, *beside)), overwrite=overwrite)
    model = Bundle.load(bundle)
    seen = seen_by(model, library, labels, weights=weights, jobs=jobs, stages=stages)
    with stages("evaluate"):
        evaluation = _evaluated(model, seen, folds, seed)
    notes = group_notes(seen.library)
    _write_evaluation(out, evaluation, notes)
    return evaluation, seen.embedded.failures, notes


def _evaluated(model: Bundle, seen: SeenLibrary, folds: int | None, seed: int) -> Evaluation:
    """Compare the library's names with those of the model, or of its head without each fold."""
    embedded = seen.embedded
    if folds is None:
        predicted = model.predict(embedded.features, backbone_hash=seen.backbone.hash)
        return evaluate(
            embedded.labels, predicted.taxon, unknown=predicted.unknown, known_taxa=model.classes
        )
    return cross_validate(
        embedded.features,
        embedded.labels,
        embedded.groups,
        lambda: new_head(model.head, random_state=seed),
        folds=folds,
        seed=seed,
    )


def _write_evaluation(out: Path, evaluation: Evaluation, notes: Sequence[str]) -> None:
    """Write what `EVALUATION_NAMES` lists."""
    out.mkdir(parents=True, exist_ok=True)
    document = evaluation.to_dict() | {"notes": list(notes)}
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    as_json, by_taxon, confusion = (out / name for name in EVALUATION_NAMES)
    write_text_atomic(as_json, text)
    write_sheet(
        by_taxon,
        ["taxon", "n", "recall", "precision", "f1"],
        [[e.taxon, e.n, e.recall, e.precision, e.f1] for e in evaluation.by_taxon],
    )
    write_sheet(
        confusion,
        ["predicted", *taxon_columns(evaluation.confusion.true, ["predicted"])],
        [
            [name, *map(int, row)]
            for name, row in zip(
                evaluation.confusion.predicted, evaluation.confusion.counts, strict=True
            )
        ],
    )


def predict_survey(
    bundle: Path,
    survey: Path,
    *,
    naming: NamingSettings,
    weights: Path | None,
    jobs: int | None,
    stages: Stages,
) -> StepReport:
    """Name the animals of a survey; features that are missing are made first."""
    model = Bundle.load(bundle, with_rows=True)
    with stages("prepare backbone"):
        session = backbone_of(model, weights=weights, jobs=jobs)
    with Survey.open(survey) as opened:
        settings = {"bundle": str(bundle), **naming.to_dict()}
        with (
            opened.exclusive(),
            opened.recorded("predict", settings, {"bundle": model.hash}),
        ):
            animals = opened.count(current_specimens())
            with stages("embed", animals) as advance:
                embedded = embed_specimens(opened, session, jobs=jobs, progress=advance)
            with stages("identify", animals) as advance:
                named = identify_specimens(opened, model, naming, progress=advance)
            distance = write_distance(opened, model, bundle)
            if distance is not None:
                named = replace(named, notes=(f"{distance.headline()} {distance.meaning()}",))
            named = with_missing_step(named, opened)
    damaged = {failure.file for failure in embedded.failures}
    others = [failure for failure in named.failures if failure.file not in damaged]
    return replace(named, failures=(*embedded.failures, *others))


def predict_into(
    out: Path,
    bundle: Path,
    targets: Sequence[Path],
    *,
    probabilities: bool,
    naming: NamingSettings,
    weights: Path | None,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> StepReport:
    """Name pictures of single animals into a CSV file."""
    require_absent([out], overwrite=overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    model = Bundle.load(bundle)
    with stages("prepare backbone"):
        session = backbone_of(model, weights=weights, jobs=jobs)
    paths, failures, unopened = list_pictures(targets, "predict")
    require_new_files([out], [*paths, *targets], overwrite=overwrite)
    with stages("embed", len(paths)) as advance:
        embedded = embed_files(paths, session, jobs=jobs, progress=advance)
    failures += [Failure(str(path), "predict", reason) for path, reason in embedded.failures]
    notes: tuple[str, ...] = ()
    if embedded.paths_ok:
        together = None
        if naming.unknown_score == CONTRAST:
            together = model.contrasted(embedded.features, backbone_hash=session.hash)
        predicted = model.predict(
            embedded.features, backbone_hash=session.hash, settings=naming, together=together
        )
        if together is not None:
            notes = (f"{model.place_in_words(together.check)}.",)
        _write_predictions(out, embedded, predicted, model, probabilities=probabilities)
        named = sum(predicted.status(at) == "predicted" for at in range(len(predicted.taxon)))
        without = len(predicted.taxon) - named
        notes = (f"{out}: {named} with a name, {without} {UNKNOWN} (column taxon).", *notes)
    return StepReport(len(embedded.paths_ok), 0, tuple(failures), (*unopened, *notes))


def _write_predictions(
    out: Path,
    embedded: EmbeddedFiles,
    predicted: Predictions,
    model: Bundle,
    *,
    probabilities: bool,
) -> None:
    """Write a row a picture; where the status says that no name counts, `taxon` says so too."""
    header = ["file", "taxon", "status", "bestTaxon", "rank", "probability", "likeness"]
    rows: list[list[Any]] = [
        [
            str(path),
            predicted.taxon[at] if predicted.status(at) == "predicted" else UNKNOWN,
            predicted.status(at),
            predicted.taxon[at],
            predicted.rank[at],
            f"{predicted.probability[at]:.6f}",
            f"{predicted.p_value[at]:.6f}",
        ]
        for at, path in enumerate(embedded.paths_ok)
    ]
    if predicted.sets is not None:
        header += ["may_be"]
        for row, members in zip(rows, predicted.sets, strict=True):
            row.append("|".join(np.array(model.classes)[members]))
    if probabilities:
        header += taxon_columns(model.classes, header)
        for row, values in zip(rows, np.asarray(predicted.probabilities), strict=True):
            row += [f"{value:.6f}" for value in values]
    write_sheet(out, header, rows)
