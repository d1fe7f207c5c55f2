"""Pictures to features: threads decode ahead while ONNX Runtime computes.

Files that cannot be read are listed and never stop the others. Features depend on a picture
alone, whatever its batch, its place or the number of threads.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import PhotoError, SettingError
from berlese.features.preprocess import Preprocessing
from berlese.features.store import FeatureStore
from berlese.photos.identity import sha256_of
from berlese.photos.reading import decode_image
from berlese.processes import usable_cpus

BATCH_SIZE = 16
_STORE_EVERY = 16  # batches a part of the store: what a kill may lose

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Float = NDArray[np.float32]


class Extractor(Protocol):
    """What is needed of a `berlese.features.backbones.Backbone`."""

    name: str
    dim: int
    hash: str
    preprocess: Preprocessing

    def embed(self, batch: _Float) -> _Float:
        """Compute features of prepared pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFiles:
    """Features of the files that can be read.

    Parameters
    ----------
    features : ndarray of float32 of shape (n_ok, dim)
        One row a path of `paths_ok`.
    paths_ok : list of Path
        In the order in which they were given.
    failures : list of (Path, str)
        The others, and what is wrong with each.
    """

    features: _Float
    paths_ok: list[Path]
    failures: list[tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class _Failed:
    reason: str


def embed_images(
    images: Iterable[NDArray[np.uint8]],
    backbone: Extractor,
    *,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[int], None] | None = None,
) -> _Float:
    """Compute features of pictures in memory.

    Parameters
    ----------
    images : iterable of ndarray of uint8 of shape (height, width, 3)
        sRGB pictures; taken one by one, so a generator is never held whole.
    backbone : Backbone
        What computes.
    batch_size : int
        Pictures computed at once: speed and memory, never the result.
    progress : callable, optional
        Called with the number of pictures just finished.

    Returns
    -------
    ndarray of float32 of shape (n, backbone.dim)
    """
    _check_count("batch_size", batch_size)
    prepared = _ahead(images, backbone.preprocess, usable_cpus(), 2 * batch_size)
    rows = []
    for batch in _batches(prepared, batch_size):
        rows.append(backbone.embed(np.stack(batch)))
        if progress is not None:
            progress(len(batch))
    return np.concatenate(rows) if rows else np.empty((0, backbone.dim), np.float32)


def embed_files(
    paths: Sequence[Path],
    backbone: Extractor,
    *,
    store: FeatureStore | None = None,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> EmbeddedFiles:
    """Compute features of picture files, or fetch those that a store knows.

    Parameters
    ----------
    paths : sequence of Path
        Small pictures, such as crops or a library's.
    backbone : Backbone
        What computes.
    store : FeatureStore, optional
        Where features are looked up first and kept afterwards, every few hundred pictures.
    jobs : int, optional
        Threads that decode; by default one for each usable CPU.
    progress : callable, optional
        Called with the number of files just finished, known and unreadable ones included.

    Returns
    -------
    EmbeddedFiles
    """
    threads = usable_cpus() if jobs is None else jobs
    _check_count("jobs", threads)
    tell = progress or (lambda finished: None)
    files = [Path(path) for path in paths]
    if store is None:
        rows, failures = _computed(dict(enumerate(files)), backbone, threads, tell)
    else:
        rows, failures = _fetched_or_computed(files, backbone, store, threads, tell)
    readable = sorted(rows)
    return EmbeddedFiles(
        np.stack([rows[at] for at in readable])
        if readable
        else np.empty((0, backbone.dim), np.float32),
        [files[at] for at in readable],
        [(files[at], failures[at]) for at in sorted(failures)],
    )


def _fetched_or_computed(
    files: Sequence[Path],
    backbone: Extractor,
    store: FeatureStore,
    threads: int,
    tell: Callable[[int], None],
) -> tuple[dict[int, _Float], dict[int, str]]:
    """Compute each content once, and only what the store does not know."""
    failures: dict[int, str] = {}
    of_key: dict[str, list[int]] = {}
    for at, key in enumerate(_ahead(files, _guarded(sha256_of), threads, 64)):
        if isinstance(key, _Failed):
            failures[at] = key.reason
        else:
            of_key.setdefault(key, []).append(at)
    known = store.get(list(of_key), backbone.hash)
    rows = {at: row for key, row in known.items() for at in of_key[key]}
    if rows or failures:
        tell(len(rows) + len(failures))
    key_of = {members[0]: key for key, members in of_key.items() if key not in known}
    todo = {at: files[at] for at in key_of}

    def keep(computed: dict[int, _Float]) -> None:
        store.put([key_of[at] for at in computed], np.stack(list(computed.values())), backbone)

    computed, unreadable = _computed(todo, backbone, threads, tell, keep)
    for at, key in key_of.items():
        for copy in of_key[key]:
            if at in computed:
                rows[copy] = computed[at]
            else:
                failures[copy] = unreadable[at]
        if len(of_key[key]) > 1:
            tell(len(of_key[key]) - 1)
    return rows, failures


def _computed(
    files: dict[int, Path],
    backbone: Extractor,
    threads: int,
    tell: Callable[[int], None],
    keep: Callable[[dict[int, _Float]], None] | None = None,
) -> tuple[dict[int, _Float], dict[int, str]]:
    """Decode and compute files; `keep` is given new rows now and then, and at the end."""

    def prepared(path: Path) -> _Float:
        return backbone.preprocess(decode_image(path))

    rows: dict[int, _Float] = {}
    failures: dict[int, str] = {}
    fresh: dict[int, _Float] = {}
    results = zip(
        files, _ahead(files.values(), _guarded(prepared), threads, 2 * BATCH_SIZE), strict=True
    )
    for batch in _batches(results, BATCH_SIZE):
        failures |= {at: result.reason for at, result in batch if isinstance(result, _Failed)}
        inputs = {at: result for at, result in batch if not isinstance(result, _Failed)}
        if inputs:
            features = backbone.embed(np.stack(list(inputs.values())))
            fresh |= dict(zip(inputs, features, strict=True))
        if keep is not None and len(fresh) >= _STORE_EVERY * BATCH_SIZE:
            keep(fresh)
            rows |= fresh
            fresh = {}
        tell(len(batch))
    if keep is not None and fresh:
        keep(fresh)
    return rows | fresh, failures


def _guarded(function: Callable[[Path], _Out]) -> Callable[[Path], _Out | _Failed]:
    """Make a function return what is wrong with a file instead of raising it."""

    def call(path: Path) -> _Out | _Failed:
        try:
            return function(path)
        except PhotoError as error:
            return _Failed(error.reason)
        except OSError as error:
            return _Failed(error.strerror or str(error))
        except (ValueError, MemoryError, cv2.error) as error:
            return _Failed(f"cannot be prepared: {error}")

    return call


def _ahead(
    items: Iterable[_In], function: Callable[[_In], _Out], threads: int, ahead: int
) -> Iterator[_Out]:
    """Apply a function in threads, at most `ahead` items early, and yield in order."""
    remaining = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Out]] = deque(
            pool.submit(function, item) for item in islice(remaining, ahead)
        )
        try:
            while waiting:
                result = waiting.popleft().result()
                for item in islice(remaining, 1):
                    waiting.append(pool.submit(function, item))
                yield result
        finally:
            for future in waiting:
                future.cancel()


def _batches(items: Iterable[_In], size: int) -> Iterator[list[_In]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise SettingError(f"{name} must be an integer of at least 1, got {value!r}.")
