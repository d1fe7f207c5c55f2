"""A model that learns a taxon later: from features beside the bundle, pictures not needed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from berlese.classify.library.growing import LabelledFeatures, grow
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.training import train_bundle
from berlese.errors import BundleError, LibraryError

NAMES = np.array(["Carabidae", "Cisidae", "Leiodidae"])


@dataclass(frozen=True)
class Origin:
    name: str = "tiny"
    hash: str = "0" * 64


@pytest.fixture(scope="module")
def parts():
    X, codes = make_blobs(240, n_features=12, centers=3, cluster_std=3.0, random_state=0)
    learned = LabelledFeatures(X.astype(np.float32), NAMES[codes], None)
    old = codes < 2
    return (
        LabelledFeatures(learned.features[old], learned.labels[old], None),
        LabelledFeatures(learned.features[~old], learned.labels[~old], None),
    )


@pytest.fixture(scope="module")
def bundle(parts) -> Bundle:
    return train_bundle(parts[0].features, parts[0].labels, backbone=Origin(), rank="family")


def test_a_new_taxon_is_known_afterwards_and_the_old_ones_still_are(parts, bundle) -> None:
    _, new = parts
    grown = grow(bundle, new, Origin(), random_state=0)
    assert grown.added == ("Leiodidae",)
    assert grown.bundle.classes == NAMES.tolist()
    assert grown.bundle.rank == "family"
    assert grown.bundle.training["pictures"] == 240
    right = grown.bundle.classifier.predict(new.features.astype(float)) == new.labels
    assert right.mean() > 0.9
    assert grown.renamed < 0.1
    # the same scale as before, so that scores can be compared
    np.testing.assert_array_equal(
        grown.bundle.classifier.standardiser_.mean, bundle.classifier.standardiser_.mean
    )


def test_it_survives_saving(parts, bundle, tmp_path) -> None:
    old, new = parts
    grown = grow(bundle, new, Origin(), random_state=0)
    grown.bundle.save(tmp_path / "model")
    loaded = Bundle.load(tmp_path / "model", with_rows=True)
    assert loaded.hash == grown.bundle.hash
    again = LabelledFeatures.of_bundle(loaded)
    np.testing.assert_array_equal(again.features, np.concatenate([old.features, new.features]))
    np.testing.assert_array_equal(again.labels, np.concatenate([old.labels, new.labels]))
    assert again.groups is None


def test_pictures_that_it_knows_are_not_learned_twice(parts, bundle) -> None:
    old, new = parts
    both = old.joined(new)
    grown = grow(bundle, both, Origin(), random_state=0)
    assert (grown.n_added, grown.n_known) == (len(new.labels), len(old.labels))
    with pytest.raises(LibraryError, match="nothing to add"):
        grow(bundle, old, Origin(), random_state=0)


def test_a_known_taxon_in_another_case_is_refused_with_both_spellings(parts, bundle) -> None:
    _, new = parts
    mixed = np.where(np.arange(len(new.labels)) < 2, "carabidae", new.labels)
    with pytest.raises(LibraryError, match=r"'carabidae' and the model's 'Carabidae'.*case only"):
        grow(bundle, LabelledFeatures(new.features, mixed, None), Origin(), random_state=0)


def test_one_picture_of_a_new_taxon_is_taken(parts, bundle) -> None:
    _, new = parts
    one = LabelledFeatures(new.features[:1], new.labels[:1], None)
    grown = grow(bundle, one, Origin(), random_state=0)
    assert "Leiodidae" in grown.bundle.classes
    assert any("one picture only" in note for note in grown.bundle.training["notes"])


def test_groups_of_one_part_do_not_join_pictures_of_the_other(parts) -> None:
    old, new = parts
    grouped = LabelledFeatures(
        new.features, new.labels, np.repeat(["a", "b"], len(new.labels) // 2)
    )
    groups = old.joined(grouped).groups
    assert groups is not None
    assert len(set(groups.tolist())) == len(old.labels) + 2


def test_groups_are_kept_beside_the_bundle(parts, tmp_path) -> None:
    old, _ = parts
    photos = np.repeat(np.arange(len(old.labels) // 4), 4).astype(str)
    train_bundle(old.features, old.labels, photos, backbone=Origin()).save(tmp_path / "model")
    again = LabelledFeatures.of_bundle(Bundle.load(tmp_path / "model", with_rows=True)).groups
    assert again is not None
    same = again[:, None] == again
    np.testing.assert_array_equal(same, photos[:, None] == photos)


def test_a_bundle_without_features_says_what_to_do(bundle) -> None:
    with pytest.raises(BundleError, match="Train it again"):
        LabelledFeatures.of_bundle(replace(bundle, rows=None))


def test_an_adapted_model_is_not_taught_but_the_one_it_comes_from(parts, bundle) -> None:
    adapted = replace(bundle, head="prototypes")
    with pytest.raises(BundleError, match=r"adapted to other photos .* then adapt again"):
        grow(adapted, parts[1], Origin(), random_state=0)
