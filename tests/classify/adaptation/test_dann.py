"""The adversarial estimator keeps scikit-learn's contract and adapts where it can."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from berlese.classify.adaptation.dann import DannClassifier


@parametrize_with_checks(
    [DannClassifier(hidden=(32,), dropout=0.1, learning_rate=0.1, epochs=60, batch_size=8)]
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def moved():
    """Two classes told apart by one axis; the target lies two units off along another."""
    rng = np.random.default_rng(0)
    y = np.array(["Carabidae", "Leiodidae"])[np.arange(400) % 2]
    domain = np.where(np.arange(400) < 200, 1, -2)
    X = rng.normal(0, 1, (400, 12))
    X[:, 0] += np.where(y == "Carabidae", 2, -2)
    # The source shows its classes on a second axis as well, which the target has turned round.
    X[:, 1] += np.where(y == "Carabidae", 3, -3) * np.where(domain > 0, 1, -1) / 2
    X[:, 2] += np.where(domain > 0, -1, 1)
    return X, y, domain


def test_names_of_the_target_are_not_looked_at(moved):
    X, y, domain = moved
    hidden_names = np.where(domain > 0, y, "hidden")
    settings = {"hidden": (16,), "epochs": 5, "random_state": 1}
    one = DannClassifier(**settings).fit(X, y, sample_domain=domain)
    other = DannClassifier(**settings).fit(X, hidden_names, sample_domain=domain)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert set(one.classes_) == {"Carabidae", "Leiodidae"}


def test_adapted_layers_know_the_domain_less_well(moved):
    X, y, domain = moved
    told = []
    for reversal in (0.0, 1.0):
        model = DannClassifier(
            hidden=(16,), dropout=0.0, learning_rate=0.1, epochs=100, domain_weight=1.0,
            reversal=reversal, random_state=0,
        ).fit(X, y, sample_domain=domain)  # fmt: skip
        told.append(np.mean((model.head_.predict_domain(X) > 0.5) == (domain > 0)))
    assert told[0] > 0.75
    assert told[1] < told[0] - 0.1


def test_without_a_target_it_is_an_ordinary_head(moved):
    X, y, domain = moved
    model = DannClassifier(hidden=(16,), epochs=30, learning_rate=0.1, random_state=0)
    source = domain > 0
    assert model.fit(X[source], y[source]).score(X[source], y[source]) > 0.95
    assert model.head_.domain_layer is None


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (np.ones(3), "shape"),
        (np.zeros(400), "positive"),
        (-np.ones(400), "no row of the source"),
    ],
)
def test_domains_that_make_no_sense_are_refused(domain, words, moved):
    X, y, _ = moved
    with pytest.raises(ValueError, match=words):
        DannClassifier().fit(X, y, sample_domain=domain)


def test_ganins_settings_reach_the_training():
    model = DannClassifier.ganin(random_state=3)
    assert (model.hidden, model.activation, model.batches) == ((50,), "sigmoid", "balanced")
    assert model.dropout == 0
    assert model.random_state == 3
