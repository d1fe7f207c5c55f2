"""Networks of timm and open_clip, with a file of weights or those that the library fetches.

Needs the ``hub`` extra. What pictures a network expects is read from the library's own settings.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import open_clip as open_clip_models
import timm
import torch
from torch import nn

from berlese.errors import BackboneError
from berlese.features.preprocess import Preprocessing
from berlese.features.weights import TOP_LAYERS, load_into, read_tensors

LEVELS = 255.0  # of a colour channel; the libraries count from 0 to 1


@dataclass(frozen=True, slots=True)
class HubNetwork:
    """A network with its weights.

    Parameters
    ----------
    module : torch.nn.Module
        From pictures of shape (n, 3, size, size) to features of shape (n, dim).
    preprocess : Preprocessing
    """

    module: nn.Module
    preprocess: Preprocessing

    def weights_hash(self) -> str:
        """Hash names, shapes and values of all weights."""
        digest = sha256()
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
        return digest.hexdigest()


class _Images(nn.Module):
    """The half of a CLIP model that looks at pictures."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.visual = model.visual

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.visual(pictures)


def open_timm(name: str, weights: Path | None) -> HubNetwork:
    """Open a network of timm without its classifier.

    Raises
    ------
    BackboneError
        If timm has no such network, or its weights cannot be had or do not fit.
    """
    try:
        module = timm.create_model(name, pretrained=weights is None, num_classes=0)
    except Exception as error:  # many kinds, from an unknown name to no internet
        raise BackboneError(f"timm:{name}: timm cannot make it ({_line(error)}).") from error
    if weights is not None:
        state = read_tensors(weights)
        known = set(module.state_dict())
        kept = {k: v for k, v in state.items() if k in known or not TOP_LAYERS.match(k)}
        load_into(module, kept, weights, f"timm:{name}")
    settings = timm.data.resolve_model_data_config(module)
    mean, deviation = (_scaled(settings[key]) for key in ("mean", "std"))
    size = int(settings["input_size"][-1])
    return HubNetwork(module.eval(), Preprocessing(size, mean, deviation))


def open_clip(name: str, weights: Path | None) -> HubNetwork:
    """Open the picture half of a model of open_clip.

    Parameters
    ----------
    name : str
        A model (``ViT-B-32``), one with the tag of its weights (``ViT-B-32/laion2b_s34b_b79k``),
        or a model of a hub (``hf-hub:imageomics/bioclip-2``).
    weights : Path, optional
        A checkpoint; then no tag.

    Raises
    ------
    BackboneError
        If open_clip has no such model, or its weights cannot be had or do not fit.
    """
    model_name, _, tag = (name, "", "") if ":" in name else name.partition("/")
    if weights is None and not tag and ":" not in name:
        tags = ", ".join(open_clip_models.list_pretrained_tags_by_model(model_name)) or "none"
        raise BackboneError(
            f"open_clip:{name}: say which weights, as open_clip:{name}/TAG (known: {tags}), "
            "or give --weights FILE."
        )
    try:
        source = str(weights) if weights is not None else tag or None
        model = open_clip_models.create_model(model_name, pretrained=source)
    except Exception as error:  # many kinds, from an unknown name to no internet
        where = f" with {weights}" if weights is not None else ""
        raise BackboneError(
            f"open_clip:{name}: open_clip cannot make it{where} ({_line(error)})."
        ) from error
    visual = model.visual
    size = visual.image_size
    side = int(size[0] if isinstance(size, tuple | list) else size)
    mean = getattr(visual, "image_mean", None) or open_clip_models.OPENAI_DATASET_MEAN
    deviation = getattr(visual, "image_std", None) or open_clip_models.OPENAI_DATASET_STD
    preprocess = Preprocessing(side, _scaled(mean), _scaled(deviation))
    return HubNetwork(_Images(model).eval(), preprocess)


def _scaled(values: Any) -> tuple[float, float, float]:
    red, green, blue = (round(float(value) * LEVELS, 6) for value in values)
    return red, green, blue


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
