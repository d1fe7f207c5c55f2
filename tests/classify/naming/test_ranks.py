"""Prediction sets and names at a promised error, on simulated specimens with known truth."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import betabinom
from sklearn.base import BaseEstimator, ClassifierMixin

from berlese.classify.naming.ranks import (
    AHEAD,
    NO_NODE,
    BackOffRule,
    SetRule,
    Tree,
    fixed_sequence,
    risk_of_more,
)
from berlese.errors import SettingError

# 0 Carabidae, 1 Staphylinidae, 2 Formicidae, 3 Acari (an order, no family); 4 Coleoptera,
# 5 Hymenoptera; 6 Insecta; levels: family, order, class
TREE = Tree(np.array([4, 4, 5, 6, 6, 6, -1]), np.array([0, 0, 0, 1, 1, 1, 2]), 4)


def drawn(n, n_classes=4, *, scale=2.0, seed=0, shares=None):
    """True probabilities of n specimens and truths that follow them."""
    rng = np.random.default_rng(seed)
    p = softmax(rng.normal(scale=scale, size=(n, n_classes)) + np.log(shares or 1.0), axis=1)
    return p, (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def test_the_threshold_by_hand():
    # nine of each class: at error .2 of ten, two are spared, so the second lowest is kept
    true = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95])
    p = np.vstack([np.column_stack([true, 1 - true]), np.column_stack([1 - true, true])])
    rule = SetRule.fit(p, np.repeat([0, 1], 9), error=0.2)
    np.testing.assert_allclose(rule.threshold, [0.4, 0.4])
    assert rule.own.all()
    assert rule([[0.55, 0.45], [0.9, 0.1]]).tolist() == [[True, True], [True, False]]


def test_small_classes_take_the_common_threshold_and_are_named():
    p, codes = drawn(300, 3, shares=[0.59, 0.4, 0.002])
    rule = SetRule.fit(p, codes, error=0.1)
    assert rule.n[2] < 9
    assert rule.own.tolist() == [True, True, False]
    words = rule.in_words(["Carabidae", "Ptiliidae", "Rara"])
    assert "fewer than 9" in words
    assert words.endswith("Rara.")
    assert "in each taxon" in SetRule.fit(*drawn(300, 3), error=0.1).in_words("abc")


def test_without_specimens_everything_is_possible():
    rule = SetRule.fit(np.zeros((0, 3)), np.zeros(0, int))
    assert rule([[1.0, 0.0, 0.0]]).all()


def test_sets_cover_as_promised_in_every_class():
    covered = []
    for seed in range(200):
        p, codes = drawn(260, 3, seed=seed, shares=[0.6, 0.3, 0.1])
        sets = SetRule.fit(p[:160], codes[:160], error=0.2)(p[160:])
        hit = sets[np.arange(100), codes[160:]]
        covered.append([hit[codes[160:] == k].mean() for k in range(3)])
    mean = np.nanmean(covered, axis=0)
    assert (mean >= 0.79).all()
    assert (mean <= 0.87).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.floats(0.02, 0.5), st.integers(0, 2**16))
def test_stricter_promises_give_larger_sets(n, error, seed):
    p, codes = drawn(n + 20, 3, seed=seed)
    strict = SetRule.fit(p[:n], codes[:n], error=error / 2)
    loose = SetRule.fit(p[:n], codes[:n], error=error)
    common = ~strict.own & ~loose.own | strict.own & loose.own
    assert (strict.threshold[common] <= loose.threshold[common]).all()


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose features are its probabilities, for MAPIE."""

    def __init__(self, n_classes=3):
        self.n_classes = n_classes
        self.classes_ = np.arange(n_classes)
        self.is_fitted_ = True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


@pytest.mark.parametrize("n", [57, 200])
def test_the_common_threshold_is_mapies(n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapie = pytest.importorskip("mapie.classification")
        p, codes = drawn(n + 300, 3, seed=4)
        theirs = mapie.SplitConformalClassifier(
            Given(), confidence_level=0.9, conformity_score="lac", prefit=True
        ).conformalize(p[:n], codes[:n])
        sets = theirs.predict_set(p[n:])[1][:, :, 0]
    rule = SetRule.fit(p[:n], codes[:n], error=0.1)
    common = np.sort(p[np.arange(n), codes[:n]])[int(np.floor((n + 1) * 0.1)) - 1]
    np.testing.assert_array_equal(sets, p[n:] >= common)
    assert rule.error == 0.1


def risk_by_hand(mistakes, n, error=0.1):
    """Chance of more than `error` wrong among `AHEAD`, by scipy."""
    return betabinom.sf(int(error * AHEAD), AHEAD, mistakes + 1, n - mistakes)


def test_the_sequence_starts_where_a_pass_is_possible():
    fewest = next(n for n in range(1, 200) if risk_by_hand(0, n) <= 0.1)
    assert fewest == 22  # as for an endless table: ln .1 / ln .9 = 21.9
    for n, expected in ((fewest - 1, np.inf), (fewest, 0.5)):
        confidence = np.linspace(1, 0.5, n)
        assert fixed_sequence(confidence, np.zeros(n, bool), 0.1, 0.1)[0] == expected


def test_the_sequence_ends_at_its_first_failure():
    wrong = np.zeros(200, bool)
    wrong[[30, 31, 32]] = True  # three of 33: the bound is far above .1, though 3 of 200 is fine
    confidence = np.linspace(1, 0.2, 200)
    threshold, through = fixed_sequence(confidence, wrong)
    assert threshold == pytest.approx(confidence[29])
    assert not through
    # a sequence that begins behind the mistakes goes through to the end
    assert fixed_sequence(confidence, wrong, start=0.5) == (pytest.approx(0.2), True)


@pytest.mark.parametrize(("error", "n", "k"), [(0.1, 60, 1), (0.1, 200, 9), (0.05, 300, 6)])
def test_passed_is_what_leaves_so_many_names_ahead_within_the_error(error, n, k):
    found = risk_of_more(np.array([k, n]), np.array([n, n]), error)
    assert found[0] == pytest.approx(risk_by_hand(k, n, error), abs=1e-9)
    assert found[1] == pytest.approx(1)
    wrong = np.arange(n) < k
    for risk in (found[0] * 1.01, found[0] * 0.99):
        assert (fixed_sequence(np.ones(n), wrong, error, risk)[0] == 1.0) == (risk > found[0])


def test_names_keep_their_promise():
    kept, shares = 0, []
    for seed in range(200):
        p, codes = drawn(300, seed=seed)
        rule = BackOffRule.fit(p, codes, error=0.1, risk=0.1)
        many, truth = drawn(4000, seed=seed + 10_000)
        named = np.flatnonzero(rule(many).node != NO_NODE)
        shares.append(len(named) / 4000)
        table = named[:AHEAD]
        kept += not len(table) or (rule(many).node[table] != truth[table]).mean() <= 0.1
    assert kept >= 170  # 180 promised; fewer than 170 once in a hundred at exactly .9
    assert np.mean(shares) > 0.05


def test_every_rank_of_a_tree_keeps_its_promise():
    kept = np.zeros(200, bool)
    for seed in range(200):
        p, codes = drawn(300, seed=seed, scale=1.5)
        rule = BackOffRule.fit(p, codes, TREE, error=0.1, risk=0.1)
        many, truth = drawn(3000, seed=seed + 10_000, scale=1.5)
        fine = []
        for level, threshold in zip(TREE.ranks, rule.threshold, strict=True):
            nodes, sure = TREE.best(many, level)
            stated = sure >= threshold
            wrong = nodes[stated] != TREE.ancestors(level)[truth[stated]]
            fine.append(not stated.any() or wrong.mean() <= 0.1)
        kept[seed] = all(fine)
    assert kept.sum() >= 170


# twelve subfamilies in six families, three superfamilies and two orders
DEEP = Tree(
    np.array([*(12 + np.arange(12) // 2), *(18 + np.arange(6) // 2), 21, 21, 22, -1, -1]),
    np.repeat([0, 1, 2, 3], [12, 6, 3, 2]),
    12,
)


def seen_by_a_model(n, rng):
    """Probabilities of animals of the deep tree, whose mistakes mostly stay near, and the truth."""
    taxa = rng.integers(0, 12, n)
    above = [DEEP.ancestors(level) for level in range(4)]
    shared = sum((nodes[:, None] == nodes).astype(float) for nodes in above)
    look = shared + 2 * np.eye(12)
    return softmax(look[taxa] + rng.normal(0, 1.8, (n, 12)), axis=1), taxa


def test_four_ranks_keep_the_promise_at_once_within_two_points():
    seeds, kept, wrong, named = 250, 0, np.zeros(4), np.zeros(4)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        rule = BackOffRule.fit(*seen_by_a_model(400, rng), DEEP, error=0.1, risk=0.1)
        p, taxa = seen_by_a_model(1500, rng)
        shares = []
        for level, threshold in enumerate(rule.threshold):
            nodes, sure = DEEP.best(p, level)
            table = np.flatnonzero(sure >= threshold)
            named[level] += len(table) / len(p) / seeds
            mistakes = nodes[table] != DEEP.ancestors(level)[taxa[table]]
            shares.append(mistakes[:AHEAD].mean() if len(table) else 0.0)
            wrong[level] += shares[-1] / seeds
        kept += max(shares) <= 0.1
    assert kept / seeds >= 0.88
    assert (wrong <= 0.1).all()
    assert (np.diff(named) > -0.005).all(), named  # each higher rank names as many or more
    assert named[0] > 0.2
    assert named[3] > 0.8


def test_backs_off_to_the_order_where_the_family_is_doubtful():
    p = np.array([[0.97, 0.01, 0.01, 0.01], [0.5, 0.48, 0.01, 0.01], [0.3, 0.1, 0.3, 0.3]])
    rule = BackOffRule(TREE, np.array([0.9, 0.8, np.inf]), 0.1, 0.1)
    names = rule(p)
    assert names.node.tolist() == [0, 4, NO_NODE]
    np.testing.assert_allclose(names.probability[:2], [0.97, 0.98])
    assert np.isnan(names.probability[2])


def test_classes_may_stand_at_different_ranks():
    assert TREE.ancestors(0).tolist() == [0, 1, 2, NO_NODE]
    assert TREE.ancestors(1).tolist() == [4, 4, 5, 3]
    assert TREE.ancestors(2).tolist() == [6, 6, 6, 6]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**16))
def test_higher_ranks_are_never_less_probable(seed):
    p, _ = drawn(20, seed=seed)
    whole = Tree(np.array([4, 4, 5, 5, 6, 6, -1]), np.array([0, 0, 0, 0, 1, 1, 2]), 4)
    sure = np.array([whole.best(p, level)[1] for level in whole.ranks])
    assert (np.diff(sure, axis=0) >= -1e-12).all()
    np.testing.assert_allclose(sure[-1], 1)


def test_too_few_specimens_name_nothing():
    p, codes = drawn(15)
    assert (BackOffRule.fit(p, codes)(p).node == NO_NODE).all()


@pytest.mark.parametrize(
    ("parents", "levels", "words"),
    [
        ([2, 2, -1], [0, 0, 0], "higher"),
        ([1, -1, -1], [0, 1, 1], "no classes"),
        ([5, 2, -1], [0, 0, 1], "numbers of nodes"),
        ([-1, -1], [0], "levels"),
    ],
)
def test_what_is_no_tree_is_refused(parents, levels, words):
    with pytest.raises(SettingError, match=words):
        Tree(np.array(parents), np.array(levels), 2)


@pytest.mark.parametrize("error", [0.0, 1.0, -0.1])
def test_impossible_promises_are_refused(error):
    p, codes = drawn(30)
    with pytest.raises(SettingError, match="between 0 and 1"):
        SetRule.fit(p, codes, error=error)
    with pytest.raises(SettingError, match="between 0 and 1"):
        BackOffRule.fit(p, codes, error=error)
