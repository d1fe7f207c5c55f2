"""Planted errors come first; duplicates are found, on simulated libraries."""

import numpy as np
import pytest

from berlese.classify.library.label_noise import doubt_labels, near_duplicates
from berlese.errors import LibraryError, SettingError

TAXA = np.array(["Carabidae", "Leiodidae", "Ptiliidae", "Staphylinidae"])


def library(seed, n=240, wrong=24):
    """Four taxa that overlap a little; some names are drawn anew."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 4
    X = rng.normal(size=(n, 20)) + 2.4 * np.eye(4, 20)[codes]
    given = codes.copy()
    flipped = rng.choice(n, wrong, replace=False)
    given[flipped] = (codes[flipped] + rng.integers(1, 4, wrong)) % 4
    return X, TAXA[given], np.isin(np.arange(n), flipped)


def precision(found, flipped):
    return flipped[found.order[: flipped.sum()]].mean()


def test_wrong_names_come_first():
    shares = []
    for seed in range(3):
        X, names, flipped = library(seed)
        found = doubt_labels(X, names)
        shares.append(precision(found, flipped))
        assert found.expected_wrong == pytest.approx(24, abs=14)
    assert np.mean(shares) > 0.75


def test_later_rounds_do_not_do_worse():
    once, twice = [], []
    for seed in range(2):
        X, names, flipped = library(seed, wrong=48)
        once.append(precision(doubt_labels(X, names, rounds=1), flipped))
        twice.append(precision(doubt_labels(X, names), flipped))
    assert np.mean(twice) >= np.mean(once) - 0.01


def test_the_right_name_is_proposed():
    X, names, flipped = library(0)
    found = doubt_labels(X, names)
    truth = TAXA[np.arange(240) % 4]
    assert np.mean(found.proposed[flipped] == truth[flipped]) > 0.65


def test_groups_are_not_split():
    # pairs of the same picture; the twin of a wrong one is wrong too and would vouch for it
    X, names, flipped = library(1, n=120, wrong=12)
    X, names, flipped = np.repeat(X, 2, axis=0), np.repeat(names, 2), np.repeat(flipped, 2)
    groups = np.repeat(np.arange(120), 2)
    apart = doubt_labels(X, names)
    together = doubt_labels(X, names, groups)
    assert together.own_probability[flipped].mean() < apart.own_probability[flipped].mean()


def test_a_taxon_with_one_picture_is_no_trouble():
    X, names, _ = library(2)
    names = names.astype("<U20")
    names[0] = "Zopheridae"
    found = doubt_labels(X, names)
    assert sorted(found.order) == list(range(240))
    assert np.isfinite(found.score).all()


def test_what_cannot_be_judged_is_refused():
    X, names, _ = library(3)
    with pytest.raises(LibraryError, match="two taxa"):
        doubt_labels(X, np.full(240, "Carabidae"))
    with pytest.raises(LibraryError, match="two photos"):
        doubt_labels(X, names, np.zeros(240))


def test_pictures_saved_twice_are_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 64))
    X[10] = X[200] * 2  # the length does not matter
    X[11] = X[201] + 0.01 * rng.normal(size=64)
    pairs = near_duplicates(X)
    assert [pair[:2] for pair in pairs] == [(10, 200), (11, 201)]
    assert pairs[0][2] == pytest.approx(1)


@pytest.mark.parametrize("chunk", [20_000, 7])
def test_the_tree_finds_what_all_pairs_give(monkeypatch, chunk):
    monkeypatch.setattr("berlese.classify.library.label_noise.CHUNK", chunk)
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(60, 40)), 3, axis=0) + 0.05 * rng.normal(size=(180, 40))
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    first, second = np.triu_indices(180, 1)
    alike = (unit @ unit.T)[first, second] >= 0.997
    expected = set(zip(first[alike].tolist(), second[alike].tolist(), strict=True))
    assert {pair[:2] for pair in near_duplicates(X, least_similarity=0.997)} == expected


def test_no_duplicates_is_an_empty_list():
    assert near_duplicates(np.eye(5)) == []
    assert near_duplicates(np.ones((1, 4))) == []


def test_a_similarity_that_pairs_everything_is_refused():
    with pytest.raises(SettingError, match="least_similarity"):
        near_duplicates(np.eye(3), least_similarity=0.5)


def test_features_that_are_nan_are_refused():
    X, names, _ = library(4)
    X[7, 3] = np.nan
    with pytest.raises(LibraryError, match="row 7"):
        doubt_labels(X, names)
    with pytest.raises(LibraryError, match="row 7"):
        near_duplicates(X)


def test_two_hundred_taxa_of_two_pictures_are_judged():
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(200), 2)
    X = rng.normal(size=(400, 10)) + 5 * rng.normal(size=(200, 10))[codes]
    found = doubt_labels(X, [f"taxon {code}" for code in codes])
    assert sorted(found.order) == list(range(400))


def test_a_large_library_is_judged_by_fewer_axes(monkeypatch):
    monkeypatch.setattr("berlese.classify.library.label_noise.LARGEST", 200)
    monkeypatch.setattr("berlese.classify.library.label_noise.AXES_OF_LARGE", 8)
    X, names, flipped = library(0)
    assert precision(doubt_labels(X, names), flipped) > 0.6
