"""An empty survey, and a backbone that needs no weights."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from berlese.classify.models.training import train_bundle
from berlese.classify.unknowns.contrast import FEWEST
from berlese.features.embed import embed_files
from berlese.features.preprocess import Preprocessing
from berlese.features.store import FeatureStore
from berlese.survey.library import read_library
from berlese.survey.reviewing import animals_of
from berlese.survey.steps import add_photos, embed_specimens, identify_specimens, segment_photos
from berlese.survey.survey import Survey
from tests.drawing import SHAPES, dish, paper, put_animal, save

N_ANIMALS = 15  # of the survey `named`


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


@contextmanager
def copied(made: Path, folder: Path) -> Iterator[Survey]:
    """Copy a survey with the photos beside it from `made`, and open it, to be changed at will."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    with Survey.open(folder / "survey") as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_once(tmp_path_factory) -> Path:
    """Folder of an empty survey."""
    folder = tmp_path_factory.mktemp("empty")
    Survey.create(folder / "survey").close()
    return folder


@pytest.fixture
def survey(empty_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """An empty survey in a folder of its own."""
    with copied(empty_once, tmp_path) as opened:
        yield opened


def draw_library(folder: Path) -> Path:
    """Draw six pictures of each taxon, in a folder each."""
    rng = np.random.default_rng(0)
    for taxon in SHAPES:
        for number in range(6):
            image = paper(64, 64, rng)
            put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
            save(folder / taxon / f"{number}.png", image)
    return folder


@pytest.fixture
def drawn_library(tmp_path: Path) -> Path:
    """A library of the drawn taxa, to be changed at will."""
    return draw_library(tmp_path / "library")


@pytest.fixture(scope="session")
def named_once(tmp_path_factory) -> Path:
    """Folder of two photos, and of a survey whose animals a model of the drawn taxa has named."""
    folder, backbone = tmp_path_factory.mktemp("named"), TinyBackbone()
    library = read_library(draw_library(folder / "library"))
    features = embed_files(list(library.paths), backbone).features
    bundle = train_bundle(features, list(library.labels), head="linear", backbone=backbone)
    for number, count in enumerate((8, 7)):
        save(folder / "photos" / f"{number}.png", dish(number, count))
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [folder / "photos"])
        segment_photos(survey)
        embed_specimens(survey, backbone)
        identify_specimens(survey, bundle)
    return folder


@pytest.fixture
def named(named_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """The survey of `named_once`, of fifteen animals."""
    with copied(named_once, tmp_path) as survey:
        yield survey


@pytest.fixture(scope="session")
def dishes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dishes")
    for number in range(7):
        save(folder / f"{number}.png", dish(number, 9))
    return folder


@pytest.fixture(scope="session")
def seen_once(tmp_path_factory, dishes):
    """Folder with a survey of sixty-three animals with features, and a model of their look."""
    folder, backbone = tmp_path_factory.mktemp("seen"), TinyBackbone()
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [dishes])
        segment_photos(survey)
        embed_specimens(survey, backbone)
        animals = animals_of(survey)
        assert len(animals) >= FEWEST
        store = FeatureStore(survey.features)
        found = store.get([each.crop_sha256 for each in animals], backbone.hash)
    X = np.stack([found[each.crop_sha256] for each in animals]).astype(float)
    rng = np.random.default_rng(0)
    library = np.concatenate([X, X]) + rng.normal(0, 0.3 * X.std(axis=0), (2 * len(X), X.shape[1]))
    first = np.linalg.svd(library - library.mean(axis=0), full_matrices=False)[0][:, 0]
    taxa = np.where(first > np.median(first), "Rotundidae", "Quadridae")
    return folder, train_bundle(library, taxa, backbone=backbone)


@pytest.fixture
def seen(seen_once, tmp_path):
    """The survey and the model of `seen_once`, to be changed at will."""
    folder, bundle = seen_once
    with copied(folder, tmp_path) as survey:
        yield survey, bundle
