"""Adaptation with reviewed animals: what few names change, and what is held out."""

import numpy as np
import pytest

from berlese.classify.adaptation.consensus import ConsensusClassifier
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.reviewed import ReviewedClassifier

CLASSES = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])


def crossed(n=150, reviewed=24, seed=0):
    """A target whose classes lie where the source has others: only names can tell."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    source = 4 * np.eye(3, 8)[codes] + rng.normal(size=(n, 8))
    target = 4 * np.eye(3, 8)[(codes + 1) % 3] + rng.normal(size=(n, 8))
    said = np.full(n, -1)
    rows = rng.permutation(n)[:reviewed]
    said[rows] = codes[rows]
    return Domains(CLASSES, source, codes, target, said), codes


def accuracy(model, domains, codes):
    return np.mean(model.fit_domains(domains).scores_(domains.target).argmax(axis=1) == codes)


def test_names_overrule_a_library_that_misleads():
    domains, codes = crossed()
    assert accuracy(ConsensusClassifier(), domains, codes) < 0.2
    assert accuracy(ReviewedClassifier(), domains, codes) > 0.9


def test_three_names_do_not_overrule_a_library_that_is_right():
    domains, codes = crossed(reviewed=3)
    same = Domains(CLASSES, domains.source, domains.codes, domains.source, domains.reviewed)
    assert accuracy(ReviewedClassifier(), same, codes) > 0.95


def test_without_names_it_is_the_consensus():
    domains, _ = crossed()
    unnamed = domains.without_names()
    ours = ReviewedClassifier().fit_domains(unnamed).scores_(domains.target)
    theirs = ConsensusClassifier().fit_domains(unnamed).scores_(domains.target)
    np.testing.assert_array_equal(ours, theirs)


def test_held_out_names_are_not_those_that_were_given():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 6))  # nothing to learn: a name cannot be guessed by the others
    codes = rng.integers(0, 3, 200)
    said = np.where(np.arange(200) < 100, codes, -1)
    domains = Domains(CLASSES, rng.normal(size=(60, 6)), np.arange(60) % 3, X, said)
    model = ReviewedClassifier().fit_domains(domains)
    given = np.flatnonzero(said >= 0)
    assert np.mean(model.held_out_[given] == said[given]) == pytest.approx(1 / 3, abs=0.15)
    assert (model.held_out_[said < 0] == -1).all()


def test_large_targets_are_thinned_but_reviewed_rows_stay(monkeypatch):
    monkeypatch.setattr("berlese.classify.adaptation.consensus.LARGEST", 60)
    domains, codes = crossed()
    model = ReviewedClassifier().fit_domains(domains)
    assert (model.held_out_[domains.is_reviewed] >= 0).all()
    assert np.mean(model.scores_(domains.target).argmax(axis=1) == codes) > 0.8
