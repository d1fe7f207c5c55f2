"""Both heads keep scikit-learn's contract, learn, and repeat themselves exactly."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from berlese.classify.heads.linear import LinearClassifier
from berlese.classify.heads.network import NetworkClassifier
from berlese.classify.heads.registry import HEADS, new_head
from berlese.errors import SettingError


@parametrize_with_checks(
    [LinearClassifier(), NetworkClassifier(hidden=(16,), dropout=0.1, max_epochs=40)]
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(300, n_features=20, centers=4, cluster_std=4.0, random_state=3)
    names = np.array(["Carabidae", "Leiodidae", "Ptiliidae", "Staphylinidae"])[y]
    return X[:200], names[:200], X[200:], names[200:]


@pytest.mark.parametrize("name", HEADS)
def test_every_head_learns_what_can_be_learned(name, blobs):
    X, y, more, truth = blobs
    head = new_head(name, random_state=0)
    if name == "paper":
        head.set_params(max_epochs=60)
    assert np.mean(head.fit(X, y).predict(more) == truth) > 0.9


@pytest.mark.parametrize("name", HEADS)
def test_the_same_seed_gives_the_same_probabilities_on_any_number_of_threads(name, blobs):
    X, y, more, _ = blobs
    answers = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        head = new_head(name, random_state=5)
        if name != "linear":
            head.set_params(max_epochs=5)
        answers.append(head.fit(X, y).predict_proba(more))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_linear_head_is_scikit_learns_logistic_regression(blobs, n_classes):
    X, y, more, _ = blobs
    kept = np.isin(y, np.unique(y)[:n_classes])
    ours = LinearClassifier(C=0.03).fit(X[kept], y[kept])
    model = LogisticRegression(C=0.03, class_weight="balanced", max_iter=2000)
    theirs = make_pipeline(StandardScaler(), model).fit(X[kept], y[kept])
    np.testing.assert_allclose(ours.predict_proba(more), theirs.predict_proba(more), atol=1e-9)


def test_the_papers_preset_has_the_papers_settings():
    head = NetworkClassifier.paper(random_state=1)
    assert (head.hidden, head.dropout) == ((512, 256), 0.6)
    assert (head.optimiser, head.learning_rate, head.weight_decay) == ("sgd", 0.01, 0.0)
    assert (head.batch_size, head.max_epochs, head.patience) == (32, 500, None)
    assert head.standardise is False


def test_training_stops_early_and_keeps_the_best_epoch(blobs):
    X, y, *_ = blobs
    head = NetworkClassifier(patience=3, max_epochs=150, random_state=0).fit(X, y)
    assert head.n_iter_ < 150


def test_an_unknown_head_is_refused_with_the_list():
    with pytest.raises(SettingError, match="one of linear, network, paper; got 'forest'"):
        new_head("forest")
