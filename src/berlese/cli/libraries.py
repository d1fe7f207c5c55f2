"""Labelled pictures as the features that a bundle works on, for every verb that takes both."""

from dataclasses import dataclass
from pathlib import Path

from berlese.classify.models.bundle import Bundle
from berlese.cli.console import Stages
from berlese.cli.groups import Labels
from berlese.features.backbones import Backbone
from berlese.survey.library import Library, read_library
from berlese.survey.pipeline import backbone_of
from berlese.survey.training import EmbeddedLibrary, embed_library


@dataclass(frozen=True, slots=True, eq=False)
class SeenLibrary:
    """A library as a bundle's backbone sees it."""

    library: Library
    embedded: EmbeddedLibrary
    backbone: Backbone


def seen_by(
    bundle: Bundle,
    library: Path,
    labels: Labels,
    *,
    weights: Path | None,
    jobs: int | None,
    stages: Stages,
) -> SeenLibrary:
    """Read a library and make its features with a bundle's backbone; those known are fetched.

    Raises
    ------
    LibraryError
        If there is nothing to read.
    BundleMismatchError
        If the backbone of that name is another one now.
    """
    with stages("prepare backbone"):
        session = backbone_of(bundle, weights=weights, jobs=jobs)
    labelled = read_library(library, labels.taxon, labels.group)
    with stages("embed library", len(labelled.paths)) as advance:
        embedded = embed_library(labelled, session, jobs=jobs, progress=advance)
    return SeenLibrary(labelled, embedded, session)
