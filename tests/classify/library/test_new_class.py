"""A model that learned a taxon later is as good as one that learned it at once."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from berlese.classify.heads.linear import LinearClassifier
from berlese.classify.library.new_class import add_pictures, old_scores
from berlese.errors import LibraryError

NAMES = np.array(["Carabidae", "Leiodidae", "Ptiliidae", "Staphylinidae"])


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(600, n_features=30, centers=4, cluster_std=5.0, random_state=1)
    return X[:400], NAMES[y[:400]], X[400:], NAMES[y[400:]]


@pytest.mark.parametrize("new", ["Carabidae", "Ptiliidae"])
def test_it_is_training_on_all_pictures(blobs, new):
    X, y, more, _truth = blobs
    old = y != new
    before = LinearClassifier().fit(X[old], y[old])
    extended = add_pictures(before, X[old], y[old], X[~old], y[~old])
    at_once = LinearClassifier().fit(X, y)
    assert extended.added == (new,)
    np.testing.assert_array_equal(extended.classifier.classes_, NAMES)
    assert np.mean(extended.classifier.predict(more) == at_once.predict(more)) > 0.98
    ours, theirs = extended.classifier.predict_proba(more), at_once.predict_proba(more)
    assert np.abs(ours - theirs).mean() < 0.01


def test_the_older_model_stays_as_it_was(blobs):
    X, y, more, _ = blobs
    old = y != "Ptiliidae"
    before = LinearClassifier().fit(X[old], y[old])
    said = before.predict_proba(more)
    add_pictures(before, X[old], y[old], X[~old], y[~old])
    np.testing.assert_array_equal(before.predict_proba(more), said)


def test_old_scores_stay_comparable(blobs):
    X, y, more, truth = blobs
    old = y != "Ptiliidae"
    before = LinearClassifier().fit(X[old], y[old])
    extended = add_pictures(before, X[old], y[old], X[~old], y[~old])
    known = truth != "Ptiliidae"
    was = before.predict_proba(more[known])
    now = old_scores(extended.classifier.predict_proba(more[known]), NAMES != "Ptiliidae")
    np.testing.assert_allclose(now.sum(axis=1), 1)
    assert np.abs(now - was).mean() < 0.03
    assert extended.renamed < 0.1


def test_more_pictures_of_known_taxa_are_taken_too(blobs):
    X, y, more, truth = blobs
    before = LinearClassifier().fit(X[:200], y[:200])
    extended = add_pictures(before, X[:200], y[:200], X[200:], y[200:])
    assert extended.added == ()
    assert np.mean(extended.classifier.predict(more) == truth) > 0.9


def test_two_taxa_become_three_and_stay_two(blobs):
    X, y, *_ = blobs
    two = np.isin(y, NAMES[:2])
    before = LinearClassifier().fit(X[two], y[two])
    third = y == NAMES[2]
    assert len(add_pictures(before, X[two], y[two], X[third], y[third]).classifier.classes_) == 3
    same = add_pictures(before, X[two], y[two], X[two][:5], y[two][:5])
    assert len(same.classifier.classes_) == 2


@pytest.mark.parametrize("shape", [(0, 30), (3, 29)])
def test_nothing_to_add_is_refused(blobs, shape):
    X, y, *_ = blobs
    before = LinearClassifier().fit(X, y)
    with pytest.raises(LibraryError, match="nothing to add"):
        add_pictures(before, X, y, np.zeros(shape), ["a"] * shape[0])


def test_features_that_are_nan_are_refused(blobs):
    X, y, *_ = blobs
    before = LinearClassifier().fit(X, y)
    with pytest.raises(LibraryError, match="NaN"):
        add_pictures(before, X, y, np.full((2, 30), np.nan), ["a", "a"])
