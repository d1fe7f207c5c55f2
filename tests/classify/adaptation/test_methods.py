"""Every method of adaptation: contract, storage, what it may look at, and whether it adapts."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from berlese.classify.adaptation.adversarial import AdversarialClassifier
from berlese.classify.adaptation.consensus import ConsensusClassifier
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.label_shift import LabelShiftClassifier
from berlese.classify.adaptation.prototypes import (
    NearestMeanClassifier,
    PrototypeClassifier,
    prototypes,
)
from berlese.classify.adaptation.retraining import (
    DensityRatioClassifier,
    InformationMaximisationClassifier,
    SelfTrainingClassifier,
    density_ratios,
    information_gradient,
    surest,
)
from berlese.classify.adaptation.reviewed import ReviewedClassifier
from berlese.classify.adaptation.scores import LinearScores
from berlese.classify.adaptation.share_alignment import ShareAlignedClassifier
from berlese.classify.adaptation.vote import VoteClassifier
from berlese.classify.heads.standardising import Standardiser
from berlese.errors import SettingError

METHODS = [
    PrototypeClassifier(),
    PrototypeClassifier(statistics="target"),
    PrototypeClassifier(statistics="source"),
    NearestMeanClassifier(),
    InformationMaximisationClassifier(),
    InformationMaximisationClassifier(shares="estimated"),
    SelfTrainingClassifier(),
    DensityRatioClassifier(),
    LabelShiftClassifier(),
    ShareAlignedClassifier(),
    AdversarialClassifier(hidden=(16,), dropout=0.0, epochs=60),
    AdversarialClassifier(training="ramped", hidden=(16,), dropout=0.0),
    VoteClassifier(),
    ConsensusClassifier(),
    ReviewedClassifier(),
]
BLIND = [each for each in METHODS if not isinstance(each, ReviewedClassifier)]
TAXA = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])
every_method = pytest.mark.parametrize("method", METHODS, ids=str)


@parametrize_with_checks(METHODS)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def moved_library(n=120, shift=2.0, shares=(1 / 3, 1 / 3, 1 / 3), seed=0):
    """Three taxa in ten features; the target is the same moved along a direction of its own."""
    rng = np.random.default_rng(seed)
    centres = 2.5 * np.eye(3, 10)
    source = np.arange(n) % 3
    target = rng.choice(3, n, p=shares)
    X = np.concatenate([centres[source], centres[target]]) + rng.normal(size=(2 * n, 10))
    X[n:, [0, 4, 5]] += shift
    domain = np.repeat([1, -2], n)
    return X, TAXA[np.concatenate([source, target])], domain


@pytest.mark.parametrize("method", BLIND, ids=str)
def test_masked_and_reviewed_targets_are_not_looked_at(method):
    X, y, domain = moved_library()
    masked = np.where(domain > 0, y, "")
    one = method.fit(X, y, sample_domain=domain).predict_proba(X)
    other = method.fit(X, masked, sample_domain=domain).predict_proba(X)
    np.testing.assert_array_equal(one, other)


@every_method
def test_a_saved_method_predicts_exactly_the_same(method):
    X, y, domain = moved_library()
    method.fit(X, y, sample_domain=domain)
    again = type(method)(**method.get_params())
    again.set_state(method.classes_, method.to_state())
    np.testing.assert_array_equal(again.predict_proba(X), method.predict_proba(X))


@every_method
def test_probabilities_are_probabilities_in_the_order_of_the_classes(method):
    X, y, domain = moved_library(shift=0)
    p = method.fit(X, y, sample_domain=domain).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.mean(method.classes_[p.argmax(axis=1)] == y) > 0.85


@pytest.mark.parametrize(
    "method",
    [each for each in METHODS if each.get_params().get("statistics") == "target"]
    + [ConsensusClassifier(trust="bold")],
    ids=str,
)
def test_a_moved_target_is_moved_back_by_methods_that_use_its_statistics(method):
    X, y, domain = moved_library(shift=2.5)
    target = domain < 0
    plain = LabelShiftClassifier().fit(X[~target], y[~target]).score(X[target], y[target])
    assert method.fit(X, y, sample_domain=domain).score(X[target], y[target]) > plain + 0.1


def test_other_shares_alone_are_corrected():
    X, y, domain = moved_library(n=600, shift=0.0, shares=(0.9, 0.08, 0.02))
    X[:] *= [0.35] * 3 + [1] * 7  # taxa overlap, so that shares matter
    target = domain < 0
    model = LabelShiftClassifier(C=1.0).fit(X, y, sample_domain=domain)
    plain = LabelShiftClassifier(C=1.0).fit(X[~target], y[~target])
    assert model.score(X[target], y[target]) > plain.score(X[target], y[target]) + 0.02


@every_method
@pytest.mark.parametrize(
    "change", ["one class", "one picture of a class", "no target", "target is source", "one taxon"]
)
def test_odd_data_are_named_or_refused_in_words(method, change):
    X, y, domain = moved_library()
    if change == "one class":
        y = np.full_like(y, "Carabidae")
        with pytest.raises(ValueError, match="two classes"):
            method.fit(X, y, sample_domain=domain)
        return
    if change == "one picture of a class":
        rows = (domain < 0) | (y != "Leiodidae") | (np.arange(len(y)) == 1)
        X, y, domain = X[rows], y[rows], domain[rows]
    if change == "no target":
        X, y, domain = X[domain > 0], y[domain > 0], domain[domain > 0]
    if change == "target is source":
        X[domain < 0] = X[domain > 0]
    if change == "one taxon":
        rows = (domain > 0) | (y == "Ptiliidae")
        X, y, domain = X[rows], y[rows], domain[rows]
    p = method.fit(X, y, sample_domain=domain).predict_proba(X)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_reviewed_names_that_the_source_lacks_are_refused_by_name():
    X, y, domain = moved_library()
    y = np.where(domain > 0, y, "Zopheridae")
    with pytest.raises(SettingError, match=r"Zopheridae.*Add these classes"):
        VoteClassifier().fit(X, y, sample_domain=domain)


def test_prototypes_by_hand():
    # Two features, weights along the axes; of three rows named first the surest is kept.
    source = LinearScores(Standardiser.none(2), np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2))
    target = np.array([[4.0, 0.0], [1.0, 0.9], [2.0, 1.0], [0.0, 3.0]])
    scores = prototypes(target, source, Standardiser.none(2), kept=1)
    np.testing.assert_allclose(scores.prototypes, np.eye(2))
    two = prototypes(target, source, Standardiser.none(2), kept=2)
    first = np.array([2 + 2 / np.sqrt(5), 1 / np.sqrt(5)])
    np.testing.assert_allclose(two.prototypes[0], first / np.linalg.norm(first))
    logit = 15 * 1.0 - 15 * 0.0
    np.testing.assert_allclose(scores(target[:1])[0, 0], 1 / (1 + np.exp(-logit)))


def test_half_way_statistics_by_hand():
    X = np.array([[0.0], [2.0], [10.0], [18.0]])
    model = PrototypeClassifier().fit(X, [0, 1, -1, -1], sample_domain=[1, 1, -1, -1])
    # Source: mean 1, deviation 1; target: mean 14, deviation 4.
    assert model.scores_.standardiser.mean == pytest.approx([7.5])
    assert model.scores_.standardiser.deviation == pytest.approx([2.0])


def test_the_gradient_of_information_is_that_of_its_objective():
    rng = np.random.default_rng(3)
    Z, weights = rng.normal(size=(12, 4)), rng.normal(size=(3, 4))
    wanted = np.array([0.5, 0.3, 0.2])

    def objective(flat):
        logits = Z @ flat.reshape(3, 4).T
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        mean = p.mean(axis=0)
        return -(p * np.log(p)).sum(axis=1).mean() + (mean * np.log(mean / wanted)).sum()

    steps = 1e-6 * np.eye(12)
    flat = weights.ravel()
    numeric = [(objective(flat + e) - objective(flat - e)) / 2e-6 for e in steps]
    np.testing.assert_allclose(information_gradient(Z, weights, wanted).ravel(), numeric, atol=1e-7)


def test_the_surest_share_of_each_named_class_is_chosen():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    named, rows = surest(p, 0.5)
    assert named.tolist() == [0, 0, 0, 1]
    assert sorted(rows) == [0, 1, 3]


def test_self_training_on_a_part_of_a_large_target_names_as_well(monkeypatch):
    X, y, domain = moved_library()
    whole = SelfTrainingClassifier().fit(X, y, sample_domain=domain)
    monkeypatch.setattr("berlese.classify.adaptation.retraining.MOST", 30)
    part = SelfTrainingClassifier().fit(X, y, sample_domain=domain)
    assert np.abs(part.scores_.coefficients - whole.scores_.coefficients).max() > 0
    assert np.mean(part.predict(X) == whole.predict(X)) > 0.8


def test_density_ratios_are_those_of_two_gaussians():
    rng = np.random.default_rng(5)
    source, target = rng.normal(0, 1, (4000, 1)), rng.normal(1, 1, (4000, 1))
    codes = np.arange(4000) % 2
    unnamed = np.full(4000, -1)
    ratios = density_ratios(Domains(np.arange(2), source, codes, target, unnamed))
    np.testing.assert_allclose(np.log(ratios), source[:, 0] - 0.5, atol=0.25)
