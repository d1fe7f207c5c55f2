"""A backbone without weights, the real one exported once, and pictures of any shape."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from berlese.features.backbones import Backbone, load
from berlese.features.preprocess import Preprocessing
from berlese.photos.writing import write_png


@dataclass
class MeanColour:
    """Mean of each colour channel: features that a person can work out by hand."""

    name: str = "mean-colour"
    dim: int = 3
    size: int = 8

    def __post_init__(self) -> None:
        self.preprocess = Preprocessing(self.size)
        self.hash = sha256(b"mean-colour").hexdigest()
        self.batches: list[int] = []

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(len(batch))
        return batch.mean(axis=(2, 3)).astype(np.float32)


@pytest.fixture
def mean_colour() -> MeanColour:
    return MeanColour()


@pytest.fixture(scope="session")
def lite0() -> Backbone:
    return load("efficientnet-lite0", threads=1)


@pytest.fixture
def pictures() -> list[NDArray[np.uint8]]:
    """Seven pictures of unlike shapes, with structure at all scales."""
    rng = np.random.default_rng(5)
    shapes = [(40, 90), (224, 224), (300, 120), (1, 1), (500, 499), (17, 230), (260, 260)]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


@pytest.fixture
def plain(tmp_path: Path) -> Callable[[str, tuple[int, int, int]], Path]:
    """Save a picture of one colour."""

    def save(name: str, colour: tuple[int, int, int]) -> Path:
        write_png(tmp_path / name, np.full((6, 9, 3), colour, np.uint8))
        return tmp_path / name

    return save
