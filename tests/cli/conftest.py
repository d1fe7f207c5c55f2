"""A labelled library, a model of it, and the command line as a function."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from berlese.cli.app import app
from tests.drawing import SHAPES, paper, put_animal, save


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    """A folder per taxon with eight pictures each."""
    folder = tmp_path_factory.mktemp("library")
    rng = np.random.default_rng(0)
    for taxon in SHAPES:
        for number in range(8):
            image = paper(64, 64, rng)
            put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
            save(folder / taxon / f"{number}.png", image)
    return folder


@pytest.fixture(scope="session")
def berlese():
    """Run the command line in this process: ``berlese("run", ...)`` gives typer's result."""
    runner = CliRunner()

    def run(*arguments: object):
        return runner.invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def bundle(library, berlese, tmp_path_factory) -> Path:
    """A model of the two drawn taxa on the fast backbone."""
    path = tmp_path_factory.mktemp("models") / "drawn.bundle"
    result = berlese("train", library, "--out", path, "--backbone", "efficientnet-lite0")
    assert result.exit_code == 0, result.output
    return path
