"""An empty survey, and a backbone that needs no weights."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from berlese.features.preprocess import Preprocessing
from berlese.survey.survey import Survey


class TinyBackbone:
    """Mean colours of a 4 x 4 grid as features: all that two drawn taxa need."""

    def __init__(self) -> None:
        self.name = "tiny"
        self.dim = 48
        self.preprocess = Preprocessing(size=32)
        self.hash = sha256(b"tiny").hexdigest()
        self.seen = 0

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average cells of 8 x 8 pixels; `seen` counts the images."""
        self.seen += len(batch)
        cells = batch.reshape(len(batch), 3, 4, 8, 4, 8).mean(axis=(3, 5))
        return cells.reshape(len(batch), self.dim).astype(np.float32)


@pytest.fixture
def backbone() -> TinyBackbone:
    """A fresh backbone that has seen nothing."""
    return TinyBackbone()


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[Survey]:
    """An empty survey in a folder of its own."""
    with Survey.create(tmp_path / "survey") as opened:
        yield opened
