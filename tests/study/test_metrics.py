"""Figures against scikit-learn's and published ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from berlese.errors import SettingError
from berlese.study.metrics import UNKNOWN, Share, evaluate
from berlese.study.protocols import cross_validate

NAMES = st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=40)


@given(st.data())
def test_figures_agree_with_scikit_learn(data):
    truth = data.draw(NAMES)
    n = len(truth)
    given_names = data.draw(st.lists(st.sampled_from("ABC"), min_size=n, max_size=n))
    result = evaluate(truth, given_names)
    assert result.accuracy == pytest.approx(reference.accuracy_score(truth, given_names))
    taxa = [each.taxon for each in result.by_taxon]
    p, r, f, support = reference.precision_recall_fscore_support(
        truth, given_names, labels=taxa, zero_division=0
    )
    for at, each in enumerate(result.by_taxon):
        assert np.nan_to_num(each.precision) == pytest.approx(p[at])
        assert np.nan_to_num(each.recall) == pytest.approx(r[at])
        assert each.f1 == pytest.approx(f[at])
        assert each.n == support[at]
    recalls = [r[at] for at in range(len(taxa)) if support[at]]
    assert result.balanced_accuracy == pytest.approx(np.mean(recalls))


def test_wilsons_interval_by_the_published_example():
    # Newcombe 1998, Statistics in Medicine 17:857, Table I: 15 of 148 at 95 %
    share = Share.of(15, 148, level=0.95)
    assert (round(share.low, 4), round(share.high, 4)) == (0.0624, 0.1605)


def test_a_share_of_nothing_says_nothing():
    share = Share.of(0, 0)
    assert np.isnan(share.value)
    assert (share.low, share.high) == (0, 1)


def test_unknowns_are_wrong_and_stand_in_a_row_of_their_own():
    result = evaluate(["A", "A", "B"], ["A", "A", "B"], unknown=[True, False, False])
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.n_unknown == 1
    assert result.confusion.predicted == ("A", "B", UNKNOWN)
    np.testing.assert_array_equal(result.confusion.counts, [[1, 0], [0, 1], [1, 0]])


def test_taxa_that_the_model_does_not_know_are_counted_apart():
    result = evaluate(
        ["A", "X", "X"], ["A", "A", "A"], unknown=[False, True, False], known_taxa=["A"]
    )
    assert (result.n, result.accuracy) == (1, 1)
    assert (result.n_untrained, result.n_untrained_unknown) == (2, 1)


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(SettingError, match="none of the true taxa"):
        evaluate(["X"], ["A"], known_taxa=["A"])
    with pytest.raises(SettingError, match="2 true names, 1 given"):
        evaluate(["A", "B"], ["A"])


class Nearest:
    """Gives each row the name of the nearest training row."""

    def fit(self, X, y):
        self.X, self.y = X, y
        return self

    def predict(self, X):
        return self.y[np.abs(X[:, None, 0] - self.X[None, :, 0]).argmin(axis=1)]


def test_groups_that_are_copies_of_each_other_do_not_leak():
    # Every photo holds near-copies of one animal, and photos are labelled at random: a split
    # through photos would be right always, one between photos is right by chance.
    rng = np.random.default_rng(0)
    photo = np.repeat(np.arange(60), 5)
    labels = np.array(["A", "B"])[rng.integers(2, size=60)][photo]
    X = rng.normal(size=60)[photo][:, None] + rng.normal(0, 1e-4, (300, 1))
    leaky = cross_validate(X, labels, None, Nearest)
    honest = cross_validate(X, labels, photo, Nearest)
    assert leaky.accuracy > 0.95
    assert honest.accuracy < 0.7


def test_what_cannot_be_split_is_refused():
    with pytest.raises(SettingError, match="cannot be split"):
        cross_validate(np.zeros((4, 1)), list("AABB"), [1, 1, 1, 1], Nearest)


@pytest.mark.parametrize("folds", [0, 1, 4])
def test_folds_that_groups_do_not_allow_are_refused_in_words(folds):
    X, y, groups = np.arange(12.0)[:, None], list("AB" * 6), list("xxxxyyyyzzzz")
    with pytest.raises(SettingError, match=f"from 2 to 3, .* has groups; got {folds}"):
        cross_validate(X, y, groups, Nearest, folds=folds)


def test_folds_without_groups_are_as_many_as_the_largest_taxon_has_pictures():
    with pytest.raises(SettingError, match=r"from 2 to 3, .* largest taxon; got 4"):
        cross_validate(np.arange(5.0)[:, None], list("AAABB"), None, Nearest, folds=4)
