"""A survey that is named as a whole: what is kept, repeated and said."""

import numpy as np
import pytest

from berlese.classify.contrast import FEWEST
from berlese.classify.promises import NamingSettings
from berlese.classify.training import train_bundle
from berlese.features.store import FeatureStore
from berlese.survey.domain import read_domain
from berlese.survey.reviewing import animals_of
from berlese.survey.steps import add_photos, embed_specimens, identify_specimens, segment_photos
from tests.drawing import dish, save


@pytest.fixture(scope="module")
def dishes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dishes")
    for number in range(7):
        save(folder / f"{number}.png", dish(number, 9))
    return folder


@pytest.fixture
def seen(survey, backbone, dishes):
    """Sixty-three animals with features, and a library of the very same look."""
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
    return survey, train_bundle(library, taxa, backbone=backbone)


def test_the_check_of_the_domain_is_said_and_kept(seen):
    survey, bundle = seen
    report = identify_specimens(survey, bundle)
    assert "the photos" in report.notes[0]
    kept = read_domain(survey, bundle.hash)
    assert kept["words"] == report.notes[0]
    assert kept["animals"] == len(animals_of(survey))
    assert read_domain(survey, "another model") is None


def test_naming_twice_does_nothing_until_a_photo_joins(seen, dishes, tmp_path, backbone):
    survey, bundle = seen
    first = identify_specimens(survey, bundle)
    assert identify_specimens(survey, bundle).n_done == 0
    save(tmp_path / "late.png", dish(9, 4))
    add_photos(survey, [tmp_path / "late.png"])
    segment_photos(survey)
    embed_specimens(survey, backbone)
    again = identify_specimens(survey, bundle)
    assert again.n_done > first.n_done  # all are judged together, so all are judged anew


def test_animals_judged_for_themselves_are_not_named_again(seen, tmp_path, backbone):
    survey, bundle = seen
    alone = NamingSettings(unknown_score="likeness")
    assert identify_specimens(survey, bundle, alone).notes == ()
    save(tmp_path / "late.png", dish(9, 4))
    add_photos(survey, [tmp_path / "late.png"])
    segment_photos(survey)
    embed_specimens(survey, backbone)
    assert identify_specimens(survey, bundle, alone).n_done <= 4
