"""Optimal transport: what it moves, what it refuses, and what it says where POT is missing."""

import sys

import numpy as np
import pytest

from berlese.classify.adaptation import transport
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.transport import TransportClassifier
from berlese.errors import MissingPackageError, SettingError

CLASSES = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])


def turned(n=120):
    """A target that is the source turned by sixty degrees, in which no mean or deviation moves."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % 3
    angles = np.array([0.0, 120.0, 240.0])[codes] + rng.normal(0, 8, n)
    lengths = np.array([3.0, 2.0, 2.0])[codes]
    source, target = (
        lengths[:, None] * np.column_stack([np.cos(a), np.sin(a)])
        for a in (np.radians(angles), np.radians(angles + 40))
    )
    return Domains(CLASSES, source, codes, target, np.full(n, -1)), codes


def test_the_library_is_carried_to_a_turned_target():
    pytest.importorskip("ot", reason="POT is not installed: pip install 'berlese[adaptation]'")
    domains, codes = turned()
    model = TransportClassifier(entropy=0.02, C=1.0).fit_domains(domains)
    assert np.mean(model.scores_(domains.target).argmax(axis=1) == codes) > 0.95
    again = TransportClassifier()
    again.set_state(model.classes_, model.to_state())
    np.testing.assert_array_equal(again.scores_(domains.target), model.scores_(domains.target))


def test_many_rows_are_refused_in_words(monkeypatch):
    monkeypatch.setattr(transport, "LARGEST", 50)
    with pytest.raises(SettingError, match=r"50 a side at most, got 120; use the method consensus"):
        TransportClassifier().fit_domains(turned()[0])


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot.da", None)
    with pytest.raises(MissingPackageError, match=r"berlese\[adaptation\]"):
        TransportClassifier().fit_domains(turned()[0])
