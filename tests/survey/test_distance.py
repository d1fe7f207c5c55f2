"""The distance of a survey's animals from its library: kept, shown, and not where too little is."""

import numpy as np
import pytest

from berlese.classify.models.training import train_bundle
from berlese.survey import distance
from berlese.survey.distance import read_distance, write_distance
from berlese.survey.report import write_report
from berlese.survey.reviewing import animals_of, stored_features
from berlese.survey.survey import Survey


def model(survey: Survey, backbone, offset: float):
    """A model whose library is the survey's own animals, moved along every feature."""
    features = stored_features(survey, animals_of(survey), backbone.name, backbone.hash)
    labels = np.array(["Longidae", "Rotundidae"])[np.arange(len(features)) % 2]
    return train_bundle(np.tile(features, (3, 1)) + offset, np.tile(labels, 3), backbone=backbone)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(distance, "FEWEST", 10)


def test_a_library_from_elsewhere_is_told_in_the_report(named: Survey, backbone, small) -> None:
    error = write_distance(named, model(named, backbone, 5.0))
    assert error is not None
    assert error.value == 0
    assert not error.alike
    assert read_distance(named) == error
    page = write_report(named).read_text(encoding="utf-8")
    assert "How far the photos are from the library" in page
    assert "berlese adapt" in page


def test_the_own_animals_as_a_library_are_alike(named: Survey, backbone, small) -> None:
    error = write_distance(named, model(named, backbone, 0.0))
    assert error is not None
    assert error.alike
    assert "berlese adapt" not in write_report(named).read_text(encoding="utf-8")


def test_few_animals_tell_nothing_and_an_old_word_is_not_kept(named, backbone, monkeypatch) -> None:
    bundle = model(named, backbone, 5.0)
    monkeypatch.setattr(distance, "FEWEST", 10)
    assert write_distance(named, bundle) is not None
    monkeypatch.undo()
    assert write_distance(named, bundle) is None
    assert read_distance(named) is None
    assert "How far the photos are" not in write_report(named).read_text(encoding="utf-8")
