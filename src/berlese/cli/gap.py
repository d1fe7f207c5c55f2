"""Glue of `gap`: a library and a photo set in, gap.json, gap.html and its pictures out."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from berlese.classify.gap.distance import (
    MEASURED,
    Expectation,
    differences,
    expected_accuracy,
    look_alikes,
)
from berlese.classify.gap.domain_error import DomainError, drawn_domain_error
from berlese.classify.heads.registry import DEFAULT_HEAD, new_head
from berlese.cli.console import Stages
from berlese.cli.gap_page import write_page
from berlese.cli.gap_report import GapReport
from berlese.cli.groups import Extractor, Labels
from berlese.cli.targets import require_absent
from berlese.errors import PhotoError
from berlese.features import backbones
from berlese.photos.reading import decode_image
from berlese.photos.writing import write_text_atomic
from berlese.specimens.appearance import PROPERTIES, appearance
from berlese.study.protocols import cross_validate, most_folds
from berlese.survey.library import read_library
from berlese.survey.photo_sets import read_photo_set
from berlese.survey.training import EmbeddedLibrary, embed_library

JSON_NAME = "gap.json"
MOST_PICTURES = 300  # of a set whose light, colour and scale are measured


def gap_into(
    out: Path,
    library: Path,
    target: Path,
    *,
    labels: Labels,
    extractor: Extractor,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> GapReport:
    """Compare a library with a photo set and write what was found.

    Raises
    ------
    SettingError
        If `out` exists and `overwrite` is not set.
    """
    require_absent([out / JSON_NAME], overwrite=overwrite)
    labelled = read_library(library, labels.taxon, labels.group)
    with stages("prepare backbone"):
        session = backbones.load(extractor.backbone, weights=extractor.weights, threads=jobs)
    with stages("embed library", len(labelled.paths)) as advance:
        embedded = embed_library(labelled, session, jobs=jobs, progress=advance)
    with stages("embed photos") as advance:
        photo_set = read_photo_set(target, session, jobs=jobs, progress=advance)
    with stages("compare"):
        sides = (np.asarray(embedded.features, float), np.asarray(photo_set.features, float))
        error = drawn_domain_error(*sides, random_state=seed)
        looks = [_looks(paths, seed) for paths in (embedded.paths, photo_set.paths)]
        report = GapReport(
            (len(embedded.paths), len(photo_set)),
            error,
            tuple(differences(looks[0], looks[1], PROPERTIES)),
            _expected(embedded, error, seed),
            tuple((embedded.paths[a], photo_set.paths[b]) for a, b in look_alikes(*sides)),
            embedded.failures + photo_set.failures,
        )
    out.mkdir(parents=True, exist_ok=True)
    write_page(out, report, sides)
    text = json.dumps(report.to_dict(), ensure_ascii=False, indent=1, default=str) + "\n"
    write_text_atomic(out / JSON_NAME, text)
    return report


def _looks(paths: Sequence[Path], seed: int) -> NDArray[np.float64]:
    """Measure some pictures, drawn at random; those that cannot be decoded are left out."""
    drawn = np.random.default_rng(seed).permutation(len(paths))[:MOST_PICTURES]
    rows = []
    for row in np.sort(drawn):
        try:
            rows.append(appearance(decode_image(paths[row])).to_row())
        except PhotoError:
            continue
    return np.array(rows)


def _expected(embedded: EmbeddedLibrary, error: DomainError, seed: int) -> Expectation | None:
    """Range of accuracy; None where the library is too small to hold pictures out."""
    folds = min(3, most_folds(embedded.labels, embedded.groups))
    if folds < 2 or len(embedded.paths) < 2 * len(set(embedded.labels.tolist())):
        return None
    within = cross_validate(
        embedded.features,
        embedded.labels,
        embedded.groups,
        lambda: new_head(DEFAULT_HEAD, random_state=seed),
        folds=folds,
        seed=seed,
    )
    return expected_accuracy(within.accuracy, error, MEASURED)
