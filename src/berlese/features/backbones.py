"""Frozen networks that turn pictures into features, run by ONNX Runtime on the CPU.

A backbone is exported to ONNX once, into the user's cache (`cache_folder`); later starts need
neither torch nor the weights' architecture. Its hash says which weights and which preprocessing
made a feature, and is the same on every machine. Which names there are, and how each is made, is
`berlese.features.sources`.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import platformdirs
from filelock import FileLock
from numpy.typing import NDArray

from berlese.errors import BackboneError
from berlese.features.export import INPUT
from berlese.features.preprocess import Preprocessing
from berlese.features.sources import DEFAULT_BACKBONE, BackboneInfo, Recipe, find_recipe, listing
from berlese.photos.writing import atomic_write, write_text_atomic
from berlese.processes import usable_cpus

__all__ = [
    "DEFAULT_BACKBONE",
    "Backbone",
    "BackboneInfo",
    "cache_folder",
    "find_exported",
    "listing",
    "load",
]

FORMAT = 1  # raised whenever the same weights give other features, beyond rounding


class Backbone:
    """A feature extractor that is ready to run; see `load`.

    Parameters
    ----------
    name : str
        What it was loaded by.
    model : Path
        The ONNX file.
    preprocess : Preprocessing
        Makes one input of one picture.
    hash : str
        Names weights, network and preprocessing; not the file, see `load`.
    threads : int, optional
        Threads of ONNX Runtime; by default one for each CPU that this process may use.

    Attributes
    ----------
    dim : int
        Values a picture.
    """

    def __init__(
        self,
        name: str,
        model: Path,
        preprocess: Preprocessing,
        hash: str,
        *,
        threads: int | None = None,
    ) -> None:
        self.name = name
        self.preprocess = preprocess
        self.hash = hash
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cpus() if threads is None else max(1, threads)
        options.log_severity_level = 3
        # Idle threads would otherwise burn the time in which pictures are decoded.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self.dim = int(self.session.get_outputs()[0].shape[1])

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute features.

        Parameters
        ----------
        batch : ndarray of float32 of shape (n, 3, size, size)
            Pictures as `preprocess` makes them.

        Returns
        -------
        ndarray of float32 of shape (n, dim)
        """
        if len(batch) == 0:
            return np.empty((0, self.dim), np.float32)
        (features,) = self.session.run(None, {INPUT: batch})
        return np.asarray(features, np.float32)


def cache_folder() -> Path:
    """Name the folder of what can be made again; ``BERLESE_CACHE`` moves it."""
    named = os.environ.get("BERLESE_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("berlese", appauthor=False)


def load(
    name: str,
    *,
    weights: Path | None = None,
    cache: Path | None = None,
    threads: int | None = None,
) -> Backbone:
    """Load a backbone, and export it first where it is not in the cache.

    Parameters
    ----------
    name : str
        One of `listing`; where that says so, ``FILE`` or ``NAME`` stands for one's own.
    weights : Path, optional
        File of weights, for the networks that take one.
    cache : Path, optional
        Folder of exported backbones; by default ``backbones`` in `cache_folder`.
    threads : int, optional
        See `Backbone`.

    Raises
    ------
    BackboneError
        If the name is unknown, or weights are missing or cannot be read.
    MissingPackageError
        If the network needs the ``hub`` extra.
    """
    recipe = find_recipe(name, weights)
    graph = _digest(recipe.facts)
    hash = _digest({"graph": graph, "preprocessing": recipe.preprocess.describe()})
    path = _folder(cache) / f"{recipe.stem}-{graph[:16]}.onnx"
    backbone = _open(name, path, recipe, hash, threads)
    if recipe.remembered:
        _remember(path, backbone)
    return backbone


def find_exported(
    hash: str, *, cache: Path | None = None, threads: int | None = None
) -> Backbone | None:
    """Find a backbone that was exported from a file of weights, without that file.

    Parameters
    ----------
    hash : str
        The backbone's.
    cache : Path, optional
    threads : int, optional
        See `load`.
    """
    for path in sorted(_folder(cache).glob("*.json")):
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        model = path.with_suffix(".onnx")
        if card.get("hash") == hash and model.is_file():
            preprocess = Preprocessing.from_dict(card["preprocessing"])
            return Backbone(card["name"], model, preprocess, hash, threads=threads)
    return None


def _folder(cache: Path | None) -> Path:
    return cache_folder() / "backbones" if cache is None else cache


def _remember(model: Path, backbone: Backbone) -> None:
    card = {
        "name": backbone.name,
        "hash": backbone.hash,
        "preprocessing": asdict(backbone.preprocess),
    }
    text = json.dumps(card, indent=1) + "\n"
    path = model.with_suffix(".json")
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text_atomic(path, text)


def _open(name: str, path: Path, recipe: Recipe, hash: str, threads: int | None) -> Backbone:
    """Open the file in the cache; make it where it is missing, once more where it is damaged."""
    if not path.is_file():
        _make(path, recipe.build)
    try:
        return Backbone(name, path, recipe.preprocess, hash, threads=threads)
    except Exception:  # ONNX Runtime's own exceptions share no public base
        _make(path, recipe.build, replace=True)
    return Backbone(name, path, recipe.preprocess, hash, threads=threads)


def _make(path: Path, build: Callable[[Path], None], *, replace: bool = False) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if replace or not path.is_file():  # another process may have been faster
                with atomic_write(path) as temporary:
                    build(temporary)
    except OSError as error:
        raise BackboneError(
            f"{path}: the exported backbone cannot be written ({error.strerror}); "
            "set BERLESE_CACHE to a folder that can be written to."
        ) from error


def _digest(facts: Mapping[str, Any]) -> str:
    return sha256(json.dumps({**facts, "format": FORMAT}, sort_keys=True).encode()).hexdigest()
