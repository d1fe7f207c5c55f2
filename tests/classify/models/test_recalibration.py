"""Promises moved to other photos: on which they hold, and that others are told from them."""

from types import SimpleNamespace

import numpy as np
import pytest

from berlese.classify.adaptation.guard import ADVICE
from berlese.classify.models.adapted import adapt_bundle
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.recalibration import recalibrate
from berlese.classify.models.training import train_bundle
from berlese.errors import SettingError

BACKBONE = SimpleNamespace(name="tiny", hash="a" * 64)
TAXA = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])


def animals(seed, n=240, camera=0.0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    look = 3 * np.eye(3, 10)[codes] + camera * np.eye(10)[7]
    return np.abs(look + rng.normal(size=(n, 10))), TAXA[codes]


@pytest.fixture(scope="module")
def recalibrated():
    """A model of one camera, with its promises moved to another by fifty reviewed animals."""
    bundle = train_bundle(*animals(0), backbone=BACKBONE)
    X, names = animals(1, camera=4.0)
    photos = np.arange(len(X)) // 4
    moved = recalibrate(
        bundle,
        X[:50],
        names[:50],
        photos[:50],
        others=X[50:],
        groups_of_others=photos[50:],
        domain="survey North",
    )
    return bundle, moved


@pytest.mark.parametrize(("camera", "same"), [(4.0, True), (0.0, False)])
def test_after_calibration_the_warning_is_of_the_reviewed_photos(recalibrated, camera, same):
    bundle, moved = recalibrated
    X, _ = animals(2, camera=camera)
    assert bundle.contrasted(X, backbone_hash=BACKBONE.hash).check.same != same
    check = moved.contrasted(X, backbone_hash=BACKBONE.hash).check
    assert check.same == same, check
    words = moved.place_in_words(check)
    assert words.startswith(
        f"the photos {'look like' if same else 'are unlike'} those of the survey"
    )
    assert words.endswith(f". {ADVICE}") != same


def test_the_reviewed_survey_itself_is_of_one_domain_with_its_animals(recalibrated):
    _, moved = recalibrated
    X, _ = animals(1, camera=4.0)
    found = moved.contrasted(X, np.arange(len(X)) // 4, backbone_hash=BACKBONE.hash)
    assert found.check.same
    assert found.p_values is None  # not all of these animals are of known taxa


def test_what_tells_the_domain_is_read_again(recalibrated, tmp_path):
    _, moved = recalibrated
    X, _ = animals(3, camera=4.0)
    moved.save(tmp_path / "moved")
    ours, theirs = (
        each.contrasted(X, backbone_hash=BACKBONE.hash).check
        for each in (moved, Bundle.load(tmp_path / "moved"))
    )
    assert ours == theirs


def test_few_reviewed_animals_alone_cannot_tell(recalibrated):
    bundle, _ = recalibrated
    X, names = animals(1, camera=4.0)
    moved = recalibrate(bundle, X[:40], names[:40], domain="survey North")
    check = moved.contrasted(X, backbone_hash=BACKBONE.hash).check
    assert check.auroc is None
    assert check.n == 40
    with pytest.raises(SettingError, match="none of the 5 reviewed animals"):
        recalibrate(bundle, X[:5], np.full(5, "Zopheridae"), domain="survey North")


def test_a_model_says_once_what_it_promises_however_often_it_is_calibrated(recalibrated):
    bundle, moved = recalibrated
    X, names = animals(5, camera=4.0)
    again = recalibrate(moved, X[:80], names[:80], domain="survey South")
    said = [note for note in again.training["notes"] if "cannot be held" in note]
    assert len(said) == 1
    assert "survey South" in said[0]
    assert not any("North" in note for note in again.training["notes"])
    assert len(again.training["notes"]) == len(bundle.training["notes"])


def test_what_a_model_could_not_promise_is_forgotten_once_it_can():
    bundle = train_bundle(*animals(0), backbone=BACKBONE)
    X, names = animals(1, camera=4.0)
    nobody = np.full(len(X), "")
    adapted, _ = adapt_bundle(
        bundle,
        X,
        nobody,
        nobody != "",
        backbone_hash=BACKBONE.hash,
        method="consensus",
        domain="survey North",
    )
    assert any("not calibrated" in note for note in adapted.training["notes"])
    refitted = recalibrate(adapted, X[:80], names[:80], domain="survey North")
    assert not any("not calibrated" in note for note in refitted.training["notes"])
