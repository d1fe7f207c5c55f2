"""How far a survey's animals are from the library that named them, for the report."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from berlese.classify.gap.domain_error import DomainError, drawn_domain_error
from berlese.classify.models.bundle import Bundle
from berlese.features.store import FeatureStore
from berlese.photos.writing import remove_file, write_text_atomic
from berlese.survey.reviewing import animals_of
from berlese.survey.survey import Survey

DISTANCE_NAME = "distance.json"
FEWEST = 20  # animals, and pictures of the library
DRAWS = 5


def write_distance(survey: Survey, bundle: Bundle) -> DomainError | None:
    """Measure the distance and keep it in the survey's exports; None where there is too little.

    Parameters
    ----------
    survey : Survey
        With features of the bundle's backbone.
    bundle : Bundle
        What names the animals; without its library's rows nothing can be measured.
    """
    path = _path(survey)
    keys = [animal.crop_sha256 for animal in animals_of(survey)]
    found = FeatureStore(survey.features).get(keys, bundle.backbone_hash)
    if bundle.rows is None or min(len(found), len(bundle.rows)) < FEWEST:
        remove_file(path)
        return None
    features = np.stack([found[key] for key in sorted(found)])
    error = drawn_domain_error(bundle.rows.features, features, draws=DRAWS)
    write_text_atomic(path, json.dumps(asdict(error), indent=1) + "\n")
    return error


def read_distance(survey: Survey) -> DomainError | None:
    """Read what `write_distance` kept; None where there is nothing."""
    try:
        return DomainError(**json.loads(_path(survey).read_text(encoding="utf-8")))
    except (FileNotFoundError, TypeError, ValueError):
        return None


def _path(survey: Survey) -> Path:
    return survey.exports / DISTANCE_NAME
