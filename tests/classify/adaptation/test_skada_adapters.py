"""skada's adapters behind our interface: what they move, and what is said where they cannot."""

import sys

import numpy as np
import pytest
import sklearn

from berlese.classify.adaptation import skada_adapters
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.registry import new_adaptation, saved_head
from berlese.classify.adaptation.skada_adapters import ADAPTERS, SkadaClassifier
from berlese.errors import MissingPackageError, SettingError

MISSING = "skada is not installed: pip install 'berlese[adaptation]'"


def stretched(n=150):
    """Three classes told by two features; the target's are mixed, as by another camera."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % 3
    centres = np.array([[3.0, 0, 0], [0, 3.0, 0], [-3.0, -3.0, 0]])
    source, target = centres[codes] + rng.normal(0, 0.7, (2, n, 3))
    mixing = np.array([[1.0, 0.7, 0], [0.0, 1.0, 0], [0, 0, 1.0]])
    classes = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])
    return Domains(classes, source, codes, target @ mixing, np.full(n, -1)), codes


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_gives_a_model_that_is_saved_and_leaves_scikit_learn_as_it_was(adapter):
    pytest.importorskip("ot", reason=MISSING)
    pytest.importorskip("skada", reason=MISSING)
    sklearn.set_config(enable_metadata_routing=False)
    domains, codes = stretched()
    model = new_adaptation(f"skada:{adapter}").fit_domains(domains)
    assert not sklearn.get_config()["enable_metadata_routing"]
    p = model.scores_(domains.target)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.mean(p.argmax(axis=1) == codes) > 0.7
    again = saved_head(f"skada:{adapter}").set_params(**model.get_params())
    again.set_state(model.classes_, model.to_state())
    np.testing.assert_array_equal(again.scores_(domains.target), p)


def test_a_linear_map_undoes_mixed_features():
    pytest.importorskip("skada", reason=MISSING)
    domains, codes = stretched()
    moved = SkadaClassifier("LinearOTMapping").fit_domains(domains)
    plain = SkadaClassifier("LinearOTMapping").fit_domains(
        Domains(domains.classes, domains.source, codes, domains.target[:0], domains.reviewed[:0])
    )
    right = [np.mean(m.scores_(domains.target).argmax(axis=1) == codes) for m in (moved, plain)]
    assert right[0] > right[1]


def test_many_rows_names_unknown_and_a_missing_package_are_refused_in_words(monkeypatch):
    domains, _ = stretched()
    with pytest.raises(SettingError, match=r"CORAL.*got 'skada:Magic'"):
        new_adaptation("skada:Magic")
    monkeypatch.setitem(sys.modules, "skada", None)
    with pytest.raises(MissingPackageError, match=r"berlese\[adaptation\]"):
        SkadaClassifier().fit_domains(domains)
    monkeypatch.setattr(skada_adapters, "LARGEST", 50)
    with pytest.raises(SettingError, match="50 a side at most, got 150; use the method consensus"):
        SkadaClassifier("KMMReweight").fit_domains(domains)
