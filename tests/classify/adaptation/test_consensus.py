"""What the consensus does where it is not sure of the names that it gives."""

import numpy as np
import pytest

from berlese.classify.adaptation.consensus import SURE, ConsensusClassifier
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import fit_source

CLASSES = np.array(["Carabidae", "Leiodidae", "Ptiliidae", "Staphylinidae"])


def moved(distance: float) -> Domains:
    """A library, and photos of another camera; the farther apart the taxa, the surer one can be."""
    rng = np.random.default_rng(0)
    codes = np.arange(240) % 4
    look = distance * np.eye(4, 12)[codes]
    source, target = (look + rng.normal(size=(240, 12)) + light for light in (0.0, 0.7))
    return Domains(CLASSES, source, codes, target, np.full(240, -1))


@pytest.fixture
def unsure():
    return moved(0.6)


def test_where_it_is_sure_it_names_alone():
    domains = moved(6.0)
    model = ConsensusClassifier().fit_domains(domains)
    assert model.sureness_ >= SURE
    careful = ConsensusClassifier(trust="careful").fit_domains(domains)
    assert type(model.scores_) is type(careful.scores_)


def test_where_it_is_not_the_library_has_half_a_say(unsure):
    model = ConsensusClassifier().fit_domains(unsure)
    assert model.sureness_ < SURE
    agreed, library = model.scores_.members
    X = unsure.target
    np.testing.assert_allclose(library(X), fit_source(unsure, model.C)(X))
    np.testing.assert_allclose(model.scores_(X), (agreed(X) + library(X)) / 2)
    assert model.sureness_ == pytest.approx(agreed(X).max(axis=1).mean())


def test_a_saved_braked_model_predicts_the_same(unsure):
    model = ConsensusClassifier().fit_domains(unsure)
    again = ConsensusClassifier()
    again.set_state(CLASSES, model.to_state())
    np.testing.assert_array_equal(
        model.predict_proba(unsure.target), again.predict_proba(unsure.target)
    )


def test_who_asks_for_one_mixture_gets_it_alone(unsure):
    model = ConsensusClassifier(trust="careful").fit_domains(unsure)
    assert not hasattr(model.scores_, "members")
