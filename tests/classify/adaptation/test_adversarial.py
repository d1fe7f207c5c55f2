"""DANN as a method that is saved: how it is trained, and that large targets end."""

import numpy as np
import pytest
from sklearn.utils import check_random_state

from berlese.classify.adaptation import adversarial
from berlese.classify.adaptation.adversarial import AdversarialClassifier
from berlese.classify.adaptation.dann import DannClassifier
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.registry import new_adaptation
from berlese.errors import SettingError


def domains(n=90, shift=2.0):
    rng = np.random.default_rng(0)
    codes = np.arange(n) % 3
    centres = 2.5 * np.eye(3, 10)
    source, target = centres[codes] + rng.normal(size=(2, n, 10))
    target[:, 4:7] += shift
    return Domains(np.array(["a", "b", "c"]), source, codes, target, np.full(n, -1)), codes


def test_as_published_it_is_the_network_of_the_papers_estimator():
    both, _ = domains()
    published = DannClassifier(epochs=5, random_state=0)
    seed = int(check_random_state(0).randint(2**31))
    X = np.concatenate([both.source, both.target])
    y = np.concatenate([both.classes[both.codes], np.full(90, "")])
    published.fit(X, y, sample_domain=np.repeat([1, -1], 90))
    ours = AdversarialClassifier(epochs=5, random_state=seed).fit_domains(both)
    np.testing.assert_allclose(ours.scores_(X), published.predict_proba(X), rtol=1e-5)


def test_a_ramped_network_names_a_moved_target():
    both, codes = domains()
    model = new_adaptation("dann-ramped").set_params(hidden=(32,), dropout=0.0)
    named = model.fit_domains(both).scores_(both.target).argmax(axis=1)
    assert np.mean(named == codes) > 0.85


def test_many_rows_are_trained_on_for_fewer_epochs(monkeypatch):
    model = AdversarialClassifier()
    assert model._head_training(800, 800).epochs == 300
    assert model._head_training(2000, 98_000).epochs == 4
    monkeypatch.setattr(adversarial, "MOST_STEPS", 1)
    assert model._head_training(2000, 98_000).epochs == 1


def test_another_training_is_refused_by_name():
    with pytest.raises(SettingError, match=r"training.*paper.*ramped"):
        AdversarialClassifier(training="magic").fit_domains(domains()[0])
