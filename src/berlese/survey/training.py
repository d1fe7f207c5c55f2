"""Train a model on a labelled library: pictures to features to bundle.

Features of libraries are kept in the user's cache, apart from any survey, since one library
serves many surveys and is never written to.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from berlese import __version__
from berlese.classify.models.bundle import FORMAT as BUNDLE_FORMAT
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.training import train_bundle
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.errors import BundleError, LibraryError
from berlese.features.backbones import Backbone, cache_folder
from berlese.features.embed import embed_files
from berlese.features.store import FeatureStore
from berlese.survey.failures import Failure
from berlese.survey.library import Library

STAGE = "library"


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedLibrary:
    """A library's readable pictures as features.

    Parameters
    ----------
    features : ndarray of float32 of shape (n, dim)
        One row a picture.
    labels : ndarray of str of shape (n,)
        The taxon of each.
    groups : ndarray of str of shape (n,), optional
        What must not be split.
    paths : tuple of Path
        The pictures.
    failures : tuple of Failure
        Pictures that cannot be read, and entries that cannot be used.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    paths: tuple[Path, ...]
    failures: tuple[Failure, ...]

    def content_hash(self) -> str:
        """Hash what a model learns from: features, labels and groups, in their order."""
        digest = sha256(np.ascontiguousarray(self.features).tobytes())
        groups = None if self.groups is None else self.groups.tolist()
        digest.update(json.dumps([self.labels.tolist(), groups]).encode())
        return digest.hexdigest()


def embed_library(
    library: Library,
    backbone: Backbone,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> EmbeddedLibrary:
    """Turn a library's pictures into features, or fetch those made earlier.

    Raises
    ------
    LibraryError
        If not one picture can be read.
    """
    store = FeatureStore(cache_folder() / "features")
    embedded = embed_files(library.paths, backbone, store=store, jobs=jobs, progress=progress)
    rows = {path: row for row, path in enumerate(embedded.paths_ok)}
    kept = [number for number, path in enumerate(library.paths) if path in rows]
    failures = tuple(Failure(str(path), STAGE, reason) for path, reason in embedded.failures)
    if not kept:
        first = f" The first: {failures[0].file}: {failures[0].reason}" if failures else ""
        raise LibraryError(
            f"none of the library's {len(library.paths)} pictures is readable.{first}"
        )
    paths = tuple(library.paths[number] for number in kept)
    return EmbeddedLibrary(
        features=embedded.features[[rows[path] for path in paths]],
        labels=np.array([library.labels[number] for number in kept]),
        groups=None if library.groups is None else np.array([library.groups[n] for n in kept]),
        paths=paths,
        failures=library.failures + failures,
    )


def train_or_reuse(
    embedded: EmbeddedLibrary,
    library: Library,
    backbone: Backbone,
    models: Path,
    *,
    head: str,
    taxonomy: Taxonomy | None = None,
    random_state: int,
    jobs: int | None = None,
) -> tuple[Bundle, Path, tuple[str, ...]]:
    """Train on a library, or load the bundle that the same training left in `models`.

    One that is damaged stays as it is: the next one is saved beside it.

    Returns
    -------
    bundle : Bundle
    path : Path
        Where it lies, in `models`.
    notes : tuple of str
        What was damaged.
    """
    tree = None if taxonomy is None else taxonomy.to_dict()
    learned_from = [embedded.content_hash(), backbone.hash, library.rank, tree]
    what = [*learned_from, head, random_state, BUNDLE_FORMAT, __version__]
    damaged: list[tuple[Path, BundleError]] = []
    for path in _places(models / sha256(json.dumps(what).encode()).hexdigest()[:16]):
        if not path.exists():
            break
        try:
            return Bundle.load(path, with_rows=True), path, _notes(damaged, path)
        except BundleError as error:
            damaged.append((path, error))
    bundle = train_bundle(
        embedded.features,
        embedded.labels,
        embedded.groups,
        head=head,
        backbone=backbone,
        rank=library.rank,
        taxonomy=taxonomy,
        random_state=random_state,
        jobs=jobs,
    )
    bundle.save(path)
    return bundle, path, _notes(damaged, path)


def _places(first: Path) -> Iterator[Path]:
    """Name where one bundle may lie: behind the first, places for when those before are damaged."""
    yield first
    for number in count(2):
        yield first.with_name(f"{first.name}-{number}")


def _notes(damaged: list[tuple[Path, BundleError]], used: Path) -> tuple[str, ...]:
    return tuple(
        f"{error} Used instead: {used}, trained anew on the library; {folder} may be deleted."
        for folder, error in damaged
    )
