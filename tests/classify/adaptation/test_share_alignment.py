"""Alignment that allows for other shares: moments by hand, and a target with both shifts."""

import numpy as np
import pytest

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import fit_source
from berlese.classify.adaptation.scores import LinearScores
from berlese.classify.adaptation.share_alignment import ShareAlignedClassifier, with_shares
from berlese.classify.heads.standardising import Standardiser


def test_moments_with_other_shares_by_hand():
    X = np.array([[0.0], [2.0], [10.0], [10.0]])
    codes = np.array([0, 0, 1, 1])
    # Class 0 has mean 1 and variance 1, class 1 mean 10 and none; with shares 3 : 1 the mean is
    # 3.25, the variance 3/4 (1 + 2.25^2) + 1/4 6.75^2.
    found = with_shares(X, codes, np.array([0.75, 0.25]))
    assert found.mean == pytest.approx([3.25])
    assert found.deviation**2 == pytest.approx([0.75 * (1 + 2.25**2) + 0.25 * 6.75**2])


def test_equal_shares_of_equal_classes_are_the_plain_moments():
    X = np.random.default_rng(0).normal(size=(60, 4))
    found = with_shares(X, np.arange(60) % 3, np.full(3, 1 / 3))
    np.testing.assert_allclose(found.mean, X.mean(axis=0))
    np.testing.assert_allclose(found.deviation, X.std(axis=0))


def moved_and_uneven(n=600, seed=0):
    """Three classes in other shares, all moved by a camera along what tells them, and besides."""
    rng = np.random.default_rng(seed)
    centres = 4 * np.eye(3, 10)
    source, target = np.arange(n) % 3, rng.choice(3, n, p=[0.8, 0.15, 0.05])
    there = centres[target] + rng.normal(size=(n, 10))
    there = 1.3 * there + np.array([1.5, 1.5, 0, 2, 0, 0, 2, 0, 0, 0])
    domains = Domains(
        np.arange(3),
        centres[source] + rng.normal(size=(n, 10)),
        source,
        there,
        np.full(n, -1),
    )
    return domains, target


def test_a_moved_target_of_other_shares_is_named_better_than_by_plain_alignment():
    domains, truth = moved_and_uneven()
    source = fit_source(domains, 0.01)
    target = Standardiser.of(domains.target)
    plain = LinearScores(target, source.coefficients, source.intercepts)(domains.target)
    model = ShareAlignedClassifier().fit_domains(domains)
    named = model.scores_(domains.target).argmax(axis=1)
    assert np.mean(named == truth) > np.mean(plain.argmax(axis=1) == truth) + 0.05
    assert np.mean(named == truth) > 0.95
    np.testing.assert_allclose(model.shares_, [0.8, 0.15, 0.05], atol=0.06)
