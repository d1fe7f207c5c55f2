"""Adapted bundles: what they keep, what they say, and what cannot be adapted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from berlese.classify.calibration.probabilities import calibration_error
from berlese.classify.models.adapted import adapt_bundle, reviewed_codes
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.recalibration import recalibrate
from berlese.classify.models.training import train_bundle
from berlese.errors import BundleError, BundleMismatchError, SettingError

BACKBONE = SimpleNamespace(name="tiny", hash="a" * 64)
TAXA = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    codes = np.arange(90) % 3
    X = 3 * np.eye(3, 8)[codes] + rng.normal(size=(90, 8))
    return train_bundle(X, TAXA[codes], backbone=BACKBONE, rank="family")


def photos(n=150, reviewed=0):
    rng = np.random.default_rng(1)
    codes = np.arange(n) % 3
    X = 3 * np.eye(3, 8)[codes] + rng.normal(size=(n, 8)) + 3 * np.eye(8)[0]
    names = np.where(np.arange(n) < reviewed, TAXA[codes], "")
    return X, names, codes


def adapt(bundle, X, names, **options):
    return adapt_bundle(bundle, X, names, names != "", backbone_hash=BACKBONE.hash, **options)


def test_an_adapted_bundle_is_read_again_and_names_the_same(trained, tmp_path):
    X, names, codes = photos(reviewed=30)
    adapted, verdict = adapt(trained, X, names)
    assert verdict.method == adapted.head == "reviewed"
    adapted.save(tmp_path / "adapted")
    again = Bundle.load(tmp_path / "adapted", with_rows=True)
    ours, theirs = (b.predict(X, backbone_hash=BACKBONE.hash) for b in (adapted, again))
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    assert np.mean(theirs.taxon == TAXA[codes]) > 0.9
    assert again.training["adaptation"] == verdict.to_dict()
    np.testing.assert_array_equal(again.rows.features, trained.rows.features)
    assert again.hash == adapted.hash != trained.hash


def test_reviewed_taxa_that_the_model_lacks_are_named_and_left_out(trained):
    X, names, _ = photos(reviewed=30)
    names = names.astype("U20")
    names[:4] = "Zopheridae"
    _, verdict = adapt(trained, X, names)
    assert verdict.reviewed == 26
    assert any("Zopheridae" in reason for reason in verdict.reasons)
    assert reviewed_codes(names[:5], list(TAXA)).tolist() == [-1, -1, -1, -1, 1]


@pytest.mark.parametrize("kind", ["the library itself", "one taxon", "one animal"])
def test_odd_targets_give_a_bundle_that_names_them(trained, kind):
    X, _, codes = photos()
    if kind == "the library itself":
        X = trained.rows.features
    if kind == "one taxon":
        X = X[codes == 1]
    if kind == "one animal":
        X = X[:1]
    adapted, _ = adapt(trained, X, np.full(len(X), ""), method="consensus")
    predicted = adapted.predict(X, backbone_hash=BACKBONE.hash)
    assert np.isfinite(predicted.probabilities).all()
    assert len(predicted.taxon) == len(X)


def test_what_cannot_be_adapted_is_refused_in_words(trained):
    X, names, _ = photos()
    with pytest.raises(BundleError, match="without its library's features"):
        adapt(replace(trained, rows=None), X, names)
    with pytest.raises(BundleMismatchError, match="tiny"):
        adapt_bundle(trained, X, names, names != "", backbone_hash="b" * 64)
    X[3, 2] = np.nan
    with pytest.raises(SettingError, match="NaN"):
        adapt(trained, X, names)


def test_names_calibrate_the_adapted_model_and_say_where_it_holds(trained, tmp_path):
    X, names, codes = photos(n=400, reviewed=60)
    adapted, _ = adapt(trained, X, names, domain="survey North", method="reviewed")
    assert adapted.domain == adapted.calibration.domain == "survey North"
    assert adapted.calibration.n == len(adapted.held_out.codes) == 60
    said = adapted.predict(X[60:], backbone_hash=BACKBONE.hash).probabilities
    raw = adapted.classifier.predict_proba(X[60:])
    ours, before = (calibration_error(p, codes[60:]).value for p in (said, raw))
    assert ours < max(before, 0.05)
    assert any("60 held-out pictures of the survey North" in n for n in adapted.training["notes"])
    assert not any("of the library" in note for note in adapted.training["notes"])
    adapted.save(tmp_path / "adapted")
    again = Bundle.load(tmp_path / "adapted")
    np.testing.assert_array_equal(
        said, again.predict(X[60:], backbone_hash=BACKBONE.hash).probabilities
    )


def test_held_out_animals_are_judged_by_models_without_their_names(trained):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 8))  # nothing to learn: a name cannot be guessed by the others
    names = np.where(np.arange(300) < 100, TAXA[rng.integers(0, 3, 300)], "")
    adapted, _ = adapt(trained, X, names, method="reviewed")
    seen = adapted.seen
    assert seen.probabilities.max(axis=1).mean() == pytest.approx(1 / 3, abs=0.15)
    assert np.mean(seen.probabilities.argmax(axis=1) == seen.codes) < 0.5


def test_without_names_an_adapted_model_promises_nothing(trained):
    X, names, _ = photos()
    adapted, _ = adapt(trained, X, names, method="consensus", domain="north")
    assert adapted.calibration is None
    assert adapted.domain == "north"
    assert any("not calibrated" in note for note in adapted.training["notes"])
    found = adapted.contrasted(X, backbone_hash=BACKBONE.hash)
    assert found.p_values is None
    assert "was not checked there" in adapted.place_in_words(found.check)


def test_an_adapted_model_warns_of_photos_unlike_those_it_was_adapted_to(trained):
    X, names, _ = photos(n=300, reviewed=60)
    adapted, _ = adapt(trained, X, names, method="reviewed", domain="north")
    fresh = np.random.default_rng(7).normal(0, 0.05, X.shape) + X
    library = np.random.default_rng(8).choice(trained.rows.features, 300)
    for there, same in ((fresh, True), (library + np.eye(8)[6] * 4, False)):
        found = adapted.contrasted(there, backbone_hash=BACKBONE.hash)
        assert found.check.same == same
        assert ("unlike those of the north" in adapted.place_in_words(found.check)) != same


def photos_with_strangers(n=320, reviewed=0):
    """Every fourth animal is of a taxon that no library has, and looks like none of its taxa."""
    X, _, codes = photos(n)
    strange = np.arange(n) % 4 == 3
    X[strange] += 5 * np.eye(8)[6] - 3 * np.eye(3, 8)[codes[strange]]
    truth = np.where(strange, "unknown", TAXA[codes])
    return X, np.where(np.arange(n) < reviewed, truth, ""), strange


def test_reviewed_strangers_tell_an_adapted_model_what_is_unknown(trained, tmp_path):
    X, names, strange = photos_with_strangers(reviewed=80)
    adapted, _ = adapt(trained, X, names, domain="survey North")
    assert adapted.head == "reviewed"
    adapted.save(tmp_path / "adapted")
    for model in (adapted, Bundle.load(tmp_path / "adapted")):
        told = model.predict(X[80:], backbone_hash=BACKBONE.hash).unknown
        assert told[strange[80:]].mean() > 0.8
        assert told[~strange[80:]].mean() < 0.12
    assert any("20 reviewed unknown ones" in note for note in adapted.training["notes"])
    # Without them, the least sure names are all that it has.
    few = np.where(names == "unknown", "", names)
    blind, _ = adapt(trained, X, few, domain="survey North")
    caught = blind.predict(X[80:], backbone_hash=BACKBONE.hash).unknown[strange[80:]].mean()
    assert caught < 0.8
    assert any("by the highest probability" in note for note in blind.training["notes"])


def test_an_adapted_model_is_not_calibrated_by_animals_that_it_learned_from(trained):
    X, names, codes = photos(n=400, reviewed=60)
    adapted, _ = adapt(trained, X, names, method="reviewed")
    with pytest.raises(SettingError, match="learned from all 60 reviewed animals"):
        recalibrate(adapted, X[:60], names[:60], domain="north")
    truth = TAXA[codes]
    refitted = recalibrate(adapted, X[:100], truth[:100], domain="north")
    assert refitted.calibration.n == 40
    assert any(
        "60 reviewed animals that the model has learned" in n for n in refitted.training["notes"]
    )
    unnamed, _ = adapt(trained, X, np.full(400, ""), method="consensus")
    assert recalibrate(unnamed, X[:60], names[:60], domain="north").calibration.n == 60


def test_a_model_is_not_calibrated_by_its_own_library(trained):
    rows = trained.rows.features
    with pytest.raises(SettingError, match="learned from all 90"):
        recalibrate(trained, rows, TAXA[trained.rows.codes], domain="library")
