"""Read a file of weights into the names that `berlese.features.architectures` gives them.

Three formats: Keras's HDF5 (``..._notop.h5`` and ``.weights.h5``), PyTorch's ``.pth`` (read
without running code from it) and safetensors. A layer that is missing, or of another shape, is
named. Top layers, which name the classes of ImageNet, are left out.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.errors import BackboneError
from berlese.features.architectures import RESNET_BLOCKS, VGG_BLOCKS

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
TOP_LAYERS = re.compile(r"^(module\.)?(fc|classifier|head|heads)\b")
_LEAVES = {  # end of a dataset's name in Keras's file: our name of the parameter
    "kernel": "weight",
    "w": "weight",
    "bias": "bias",
    "b": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "running_mean": "running_mean",
    "moving_variance": "running_var",
    "running_std": "running_var",
}
_CONVOLUTION, _NORMALISATION = ("weight", "bias"), ("weight", "bias", "running_mean", "running_var")

State = dict[str, NDArray[np.float32]]


def is_keras(path: Path) -> bool:
    """Tell whether a file is HDF5, as Keras writes it.

    Raises
    ------
    BackboneError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE
    except OSError as error:
        raise BackboneError(f"{path}: weights cannot be read ({error.strerror}).") from error


def read_weights(path: Path, name: str) -> State:
    """Read the weights of ``vgg16``, ``vgg19`` or ``resnet50``.

    Raises
    ------
    BackboneError
        If the file is none of the three formats, is damaged, or lacks a layer of `name`.
    """
    if is_keras(path):
        return _named(path, name, _read_keras(path))
    return {key: value for key, value in read_tensors(path).items() if not TOP_LAYERS.match(key)}


def read_tensors(path: Path) -> State:
    """Read all tensors of a ``.pth`` or safetensors file, by their names there.

    Raises
    ------
    BackboneError
        If the file is neither, or damaged.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            return dict(load_file(path))
        import torch

        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # neither library names a common type for what a bad file raises
        reason = " ".join(str(error).split())[:200]
        raise BackboneError(
            f"{path}: cannot be read as weights; expected Keras's .h5, or .pth or .safetensors "
            f"({reason})."
        ) from error
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        raise BackboneError(f"{path}: holds a {type(loaded).__name__}; expected named weights.")
    return {
        str(key).removeprefix("module."): value.detach().cpu().numpy()
        for key, value in loaded.items()
        if isinstance(value, torch.Tensor)
    }


def load_into(network: Any, state: State, path: Path, name: str) -> None:
    """Fill a network with weights; nothing may be missing, left over or of another shape.

    Raises
    ------
    BackboneError
        Naming the first layer that does not fit.
    """
    import torch

    wanted = {
        key: tuple(value.shape)
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    given = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    for key, shape in wanted.items():
        if key not in given:
            raise BackboneError(f"{path}: has no {key}; expected the weights of {name}.")
        if given[key].shape != shape:
            raise BackboneError(
                f"{path}: {key} is of shape {given[key].shape}; expected {shape}, for {name}."
            )
    extra = sorted(set(given) - set(wanted))
    if extra:
        raise BackboneError(f"{path}: has {extra[0]}, which {name} has not; is it another network?")
    tensors = {key: torch.from_numpy(np.ascontiguousarray(given[key])) for key in wanted}
    network.load_state_dict(tensors, strict=False)


def _read_keras(path: Path) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Read every layer of a Keras file: name to parameters, kernels still channels last."""
    import h5py

    layers: dict[str, dict[str, NDArray[np.float32]]] = {}

    def collect(where: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        parts = where.split("/")
        if "vars" in parts:  # Keras 3: layers/<kind>/vars/<number>, the name as an attribute
            name = item.parent.attrs.get("name", parts[parts.index("vars") - 1])
            name = name.decode() if isinstance(name, bytes) else str(name)
            layers.setdefault(name, {})[parts[-1]] = np.asarray(item, np.float32)
            return
        leaf = re.sub(r"(_\d+)?:0$", "", parts[-1]).lower()
        leaf = leaf.removeprefix(parts[0].lower() + "_")
        if leaf in _LEAVES:
            layers.setdefault(parts[0], {})[_LEAVES[leaf]] = np.asarray(item, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.get("model_weights", file).visititems(collect)
    except (OSError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BackboneError(f"{path}: is a damaged HDF5 file ({reason}).") from error
    for parameters in layers.values():
        if "0" in parameters:
            order = _NORMALISATION if len(parameters) == 4 else _CONVOLUTION
            for number, parameter in enumerate(order):
                if str(number) in parameters:
                    parameters[parameter] = parameters.pop(str(number))
    return layers


def _named(path: Path, name: str, layers: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> State:
    """Rename Keras's layers, and turn kernels from (y, x, in, out) to (out, in, y, x)."""
    state: State = {}
    for theirs, ours in _keras_names(name).items():
        if theirs not in layers:
            raise BackboneError(f"{path}: has no layer {theirs}; expected the weights of {name}.")
        for parameter, values in layers[theirs].items():
            if values.ndim == 4:
                values = values.transpose(3, 2, 0, 1)
            state[f"{ours}.{parameter}"] = values
    return state


def _keras_names(name: str) -> dict[str, str]:
    """Map the layers of ``keras.applications`` to ours."""
    names: dict[str, str] = {}
    if name in VGG_BLOCKS:
        index = 0
        for block, convolutions in enumerate(VGG_BLOCKS[name], start=1):
            for convolution in range(1, convolutions + 1):
                names[f"block{block}_conv{convolution}"] = f"features.{index}"
                index += 2
            index += 1
        return names
    names |= {"conv1_conv": "conv1", "conv1_bn": "bn1"}
    for stage, blocks in enumerate(RESNET_BLOCKS, start=1):
        for block in range(blocks):
            theirs, ours = f"conv{stage + 1}_block{block + 1}_", f"layer{stage}.{block}."
            if block == 0:
                names |= {f"{theirs}0_conv": f"{ours}downsample.0"}
                names |= {f"{theirs}0_bn": f"{ours}downsample.1"}
            for number in (1, 2, 3):
                names |= {f"{theirs}{number}_conv": f"{ours}conv{number}"}
                names |= {f"{theirs}{number}_bn": f"{ours}bn{number}"}
    return names
