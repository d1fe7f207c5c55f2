"""Saved models: exact round trips, the same bytes, and refusals that name the file."""

import json
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.datasets import make_blobs

from berlese.classify.heads.registry import HEADS
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.training import folds_of, train_bundle
from berlese.classify.naming.promises import NamingSettings
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.errors import BundleError, BundleMismatchError, LibraryError, SettingError

BACKBONE = SimpleNamespace(name="efficientnet-lite0", hash="a" * 64)


def library(n=90, n_taxa=3):
    X, y = make_blobs(n, n_features=8, centers=n_taxa, cluster_std=2.0, random_state=1)
    return X, np.array(["Carabidae", "Käferidae", "Ptiliidae", "Zopheridae"])[y]


def train(head="linear", **options):
    X, y = library()
    return train_bundle(X, y, head=head, backbone=BACKBONE, rank="family", **options)


@pytest.fixture(scope="session")
def trained():
    """Models of the linear head and of the network; not to be changed."""
    return cache(train)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    """Folder of a trained model; to be copied before it is changed."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    trained("linear").save(folder)
    return folder


@pytest.mark.parametrize("head", ["linear", "network"])
def test_a_saved_model_predicts_exactly_the_same(head, trained, tmp_path):
    X, _ = library()
    bundle = trained(head)
    bundle.save(tmp_path / "model")
    again = Bundle.load(tmp_path / "model")
    ours = bundle.predict(X, backbone_hash=BACKBONE.hash)
    theirs = again.predict(X, backbone_hash=BACKBONE.hash)
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    np.testing.assert_array_equal(ours.unknown, theirs.unknown)
    assert again.hash == bundle.hash
    assert (again.classes, again.rank, again.head) == (bundle.classes, "family", head)


def test_the_same_training_gives_the_same_bytes(trained, tmp_path):
    trained("network").save(tmp_path / "one")
    train("network").save(tmp_path / "two")
    for file in ("bundle.json", "arrays.safetensors", "MODEL_CARD.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_features_of_another_backbone_are_refused(trained):
    with pytest.raises(BundleMismatchError, match="efficientnet-lite0"):
        trained("linear").predict(library()[0], backbone_hash="b" * 64)


def test_an_existing_folder_is_kept_unless_told_otherwise(trained, tmp_path):
    bundle = trained("linear")
    bundle.save(tmp_path / "model")
    with pytest.raises(BundleError, match="exists"):
        bundle.save(tmp_path / "model")
    bundle.save(tmp_path / "model", overwrite=True)
    assert Bundle.load(tmp_path / "model").hash == bundle.hash
    (tmp_path / "thesis").mkdir()
    with pytest.raises(BundleError, match="not a bundle"):
        bundle.save(tmp_path / "thesis", overwrite=True)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_model_that_cannot_be_put_in_place_leaves_the_old_one(trained, tmp_path, monkeypatch):
    old = trained("linear")
    old.save(tmp_path / "model")
    replace = Path.replace

    def jammed(self, target):
        if self.suffix == ".part":
            raise PermissionError("held open")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", jammed)
    with pytest.raises(PermissionError):
        train(random_state=5).save(tmp_path / "model", overwrite=True)
    assert Bundle.load(tmp_path / "model").hash == old.hash
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_what_a_person_put_beside_a_model_outlives_it(trained, tmp_path):
    bundle = trained("linear")
    bundle.save(tmp_path / "model", beside=lambda part: (part / "calibration.json").touch())
    (tmp_path / "model" / "notes.txt").write_text("Trained for the thesis.")
    bundle.save(tmp_path / "model", overwrite=True)
    assert (tmp_path / "model" / "notes.txt").read_text() == "Trained for the thesis."
    assert not (tmp_path / "model" / "calibration.json").exists()


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("bundle.json", "{", "bundle.json"),
        ("bundle.json", "[]", "bundle.json"),
        ("bundle.json", '{"format": 99}', "format 99"),
        ("bundle.json", '{"format": 1}', "damaged"),
        ("arrays.safetensors", "no", "arrays.safetensors"),
    ],
)
def test_a_damaged_model_is_refused_by_name(file, content, words, saved, tmp_path):
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / file).write_text(content)
    with pytest.raises(BundleError, match=words):
        Bundle.load(tmp_path / "model")


FACTS = ("head", "parameters", "classes", "rank", "backbone", "backbone_hash", "training")


@pytest.mark.parametrize("wrong", [None, 5, [], ["x"], {"a": 1}, True])
@pytest.mark.parametrize("fact", [*FACTS, "calibration", "taxonomy", "sha256"])
def test_a_changed_fact_is_refused_by_file(fact, wrong, saved, tmp_path):
    facts = json.loads((saved / "bundle.json").read_text(encoding="utf-8"))
    fits = {"parameters": dict, "training": dict, "calibration": type(None)}
    if isinstance(wrong, fits.get(fact, ())) or (fact == "taxonomy" and wrong is None):
        pytest.skip("is what may stand there")
    model = shutil.copytree(saved, tmp_path / "model")
    (model / "bundle.json").write_text(json.dumps(facts | {fact: wrong}), encoding="utf-8")
    with pytest.raises(BundleError, match=r"model.*(damaged|expected).*again"):
        Bundle.load(model)


@pytest.mark.parametrize("classes", [["A", "A", "B"], ["C", "A", "B"], ["A", "B"], [1, 2, 3]])
def test_classes_that_are_not_the_models_are_refused(classes, saved, tmp_path):
    model = shutil.copytree(saved, tmp_path / "model")
    facts = json.loads((model / "bundle.json").read_text(encoding="utf-8"))
    (model / "bundle.json").write_text(json.dumps(facts | {"classes": classes}), encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle\.json.*classes"):
        Bundle.load(model)


@pytest.mark.parametrize("file", ["arrays.safetensors", "library.safetensors"])
@pytest.mark.parametrize("change", ["cut", "flipped"])
def test_a_file_that_is_not_what_was_written_is_refused(file, change, saved, tmp_path):
    model = shutil.copytree(saved, tmp_path / "model")
    content = bytearray((model / file).read_bytes())
    if change == "cut":
        content = content[: len(content) // 2]
    else:
        content[-3] ^= 0xFF
    (model / file).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{file}.*expected.*again"):
        Bundle.load(model, with_rows=True)


def test_a_missing_file_is_named_with_what_to_do(saved, tmp_path):
    model = shutil.copytree(saved, tmp_path / "model")
    (model / "arrays.safetensors").unlink()
    with pytest.raises(BundleError, match=r"arrays\.safetensors: is missing.*Copy"):
        Bundle.load(model)
    (model / "bundle.json").unlink()
    with pytest.raises(BundleError, match=r"has no bundle\.json.*berlese train"):
        Bundle.load(model)


def test_a_model_may_do_without_its_librarys_features(saved, tmp_path):
    model = shutil.copytree(saved, tmp_path / "model")
    (model / "library.safetensors").unlink()
    assert Bundle.load(model, with_rows=True).rows is None


def test_the_hash_is_not_changed_by_saving(saved):
    assert Bundle.load(saved).hash == train().hash


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(BundleError, match="no bundle"):
        Bundle.load(tmp_path / "nothing")


def test_the_model_card_names_every_taxon(saved):
    card = (saved / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(taxon in card for taxon in ("Carabidae", "Käferidae", "Ptiliidae"))


def test_one_taxon_teaches_nothing():
    X, _ = library()
    with pytest.raises(LibraryError, match="one taxon, 'Carabidae'"):
        train_bundle(X, ["Carabidae"] * len(X), backbone=BACKBONE)


def test_an_empty_library_teaches_nothing():
    with pytest.raises(LibraryError, match="no pictures"):
        train_bundle(np.zeros((0, 4)), [], backbone=BACKBONE)


@pytest.mark.parametrize("word", ["unknown", "No animal", "", "validated"])
def test_a_word_that_means_something_else_is_no_class(word):
    X, y = library()
    y = np.where(y == "Carabidae", word, y)
    with pytest.raises(LibraryError, match=f"{word!r} cannot be a taxon"):
        train_bundle(X, y, backbone=BACKBONE)


@pytest.mark.parametrize("head", HEADS)
def test_taxa_of_one_picture_are_kept_and_said(head):
    X, y = library(60)
    y = np.concatenate([y, ["Rara"]])
    X = np.vstack([X, np.full(8, 40.0)])
    if head == "paper":
        pytest.skip("the same network as `network`, trained for minutes")
    bundle = train_bundle(X, y, head=head, backbone=BACKBONE)
    assert "Rara" in bundle.classes
    assert any("Rara" in note for note in bundle.training["notes"])


def test_groups_are_never_split():
    _, y = library()
    groups = np.arange(len(y)) // 4
    for train_rows, test_rows in folds_of(y, groups, 0):
        assert not set(groups[train_rows]) & set(groups[test_rows])


def test_every_row_is_tested_once():
    _, y = library()
    tested = np.concatenate([test for _, test in folds_of(y, None, 0)])
    assert sorted(tested) == list(range(len(y)))


def test_one_group_cannot_be_split():
    _, y = library()
    assert folds_of(y, np.zeros(len(y)), 0) == []
    bundle = train_bundle(*library(), np.zeros(90), backbone=BACKBONE)
    assert bundle.training["held_out"] == 0


NEWER_FACTS = ("calibration", "taxonomy", "sha256")


def as_format_1(folder):
    """Turn a saved model into what the first release wrote."""
    facts = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    arrays = load_file(folder / "arrays.safetensors")
    kept = {k: v for k, v in arrays.items() if not k.startswith(("unknown.", "held_out."))}
    kept["unknown_scores"] = arrays["unknown.highest"]
    facts = {k: v for k, v in facts.items() if k not in NEWER_FACTS} | {"format": 1}
    (folder / "bundle.json").write_text(json.dumps(facts), encoding="utf-8")
    save_file(kept, folder / "arrays.safetensors")


def test_a_model_of_the_first_release_still_names(trained, tmp_path):
    X, _ = library()
    bundle = trained("linear")
    bundle.save(tmp_path / "model")
    as_format_1(tmp_path / "model")
    old = Bundle.load(tmp_path / "model")
    said = old.predict(X, backbone_hash=BACKBONE.hash)
    np.testing.assert_array_equal(said.probabilities, bundle.classifier.predict_proba(X))
    np.testing.assert_array_equal(
        said.unknown, bundle.unknown_rule.is_unknown(said.probabilities, score="softmax")
    )
    with pytest.raises(SettingError, match="no held-out"):
        old.predict(X, backbone_hash=BACKBONE.hash, settings=NamingSettings(error_rate=0.1))


def test_probabilities_are_calibrated_on_pictures_that_the_head_had_not_seen():
    X, y = library(240)
    y = np.where(np.random.default_rng(0).random(240) < 0.25, np.roll(y, 1), y)  # wrong names
    bundle = train_bundle(X, y, backbone=BACKBONE, rank="family")
    assert bundle.calibration is not None
    assert bundle.calibration.after.value < bundle.calibration.before.value
    said = bundle.predict(X, backbone_hash=BACKBONE.hash)
    np.testing.assert_allclose(said.probabilities.sum(axis=1), 1)
    assert any("probabilities are calibrated on" in note for note in bundle.training["notes"])


def test_the_papers_threshold_cuts_the_highest_probability(trained):
    X, _ = library()
    bundle = trained("linear")
    raw = bundle.classifier.predict_proba(X).max(axis=1)
    settings = NamingSettings(unknown_score="softmax", unknown_threshold=0.9)
    said = bundle.predict(X, backbone_hash=BACKBONE.hash, settings=settings)
    np.testing.assert_array_equal(said.unknown, raw < 0.9)
    assert 0 < said.unknown.mean() < 1


def test_names_back_off_to_the_rank_that_is_sure_enough(tmp_path):
    X, y = make_blobs(
        900, n_features=8, centers=[[0] * 8, [1.2] * 8, [9] * 8], random_state=1, cluster_std=1.5
    )
    names = np.array(["Attelabidae", "Curculionidae", "Muscidae"])
    taxonomy = Taxonomy(
        ("order",),
        {
            "Attelabidae": ("Coleoptera",),
            "Curculionidae": ("Coleoptera",),
            "Muscidae": ("Diptera",),
        },
    )
    bundle = train_bundle(
        X[:600], names[y[:600]], backbone=BACKBONE, rank="family", taxonomy=taxonomy
    )
    bundle.save(tmp_path / "model")
    settings = NamingSettings(error_rate=0.02)
    said = Bundle.load(tmp_path / "model").predict(
        X[600:], backbone_hash=BACKBONE.hash, settings=settings
    )
    truth = names[y[600:]]
    orders = np.array([taxonomy.above[name][0] for name in truth])
    family = said.rank == "family"
    assert set(said.rank[~said.unsure]) == {"family", "order"}
    assert (said.taxon[family] != truth[family]).mean() < 0.05
    backed = (said.rank == "order") & ~said.unsure
    assert (said.taxon[backed] == orders[backed]).mean() > 0.95
    held = said.sets[np.arange(300), np.searchsorted(names, truth)]
    assert held.mean() > 0.95
