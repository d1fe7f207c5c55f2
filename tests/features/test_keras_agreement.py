"""The same random weights give the same features in Keras's own networks and in ours."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from berlese.features import backbones
from berlese.photos.reading import decode_image
from berlese.specimens.crop import pad_to_square, resize_square

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "keras_features.py"


@pytest.fixture(scope="module")
def keras_python():
    """Interpreter of an environment with Keras and TensorFlow."""
    python = os.environ.get("BERLESE_KERAS_PYTHON")
    if not python:
        pytest.skip("BERLESE_KERAS_PYTHON is not set; `make test-hub` sets it")
    return python


@pytest.fixture(scope="module")
def squares(shared_data, tmp_path_factory):
    """Six real photos as squares of 255 pixels, and the file that holds them."""
    files = sorted((shared_data / "insects" / "field" / "Coleoptera").glob("*.jpg"))[:6]
    pictures = np.stack([resize_square(pad_to_square(decode_image(file)), 255) for file in files])
    path = tmp_path_factory.mktemp("pictures") / "pictures.npy"
    np.save(path, pictures)
    return pictures, path


@pytest.mark.hub
@pytest.mark.parametrize("name", ["vgg19", "vgg16", "resnet50"])
def test_features_agree_with_keras(name, keras_python, squares, tmp_path):
    pictures, path = squares
    command = [keras_python, str(SCRIPT), name, str(path), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    theirs = np.load(tmp_path / f"{name}.npy")
    assert theirs.std() > 0.01
    for file in (f"{name}_notop.h5", f"{name}.weights.h5"):
        backbone = backbones.load(name, weights=tmp_path / file, cache=tmp_path / "cache")
        batch = np.stack([backbone.preprocess(picture) for picture in pictures])
        difference = np.abs(backbone.embed(batch) - theirs).max() / np.abs(theirs).max()
        print(f"{file}: largest difference {difference:.1e} of the largest value")
        assert difference < 1e-4
