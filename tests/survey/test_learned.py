"""A model that learns a taxon later: from features beside the bundle, pictures not needed."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from berlese.classify.bundle import Bundle
from berlese.classify.training import train_bundle
from berlese.errors import BundleError, LibraryError
from berlese.survey.learned import LEARNED_NAME, Learned, grow

NAMES = np.array(["Carabidae", "Cisidae", "Leiodidae"])


@dataclass(frozen=True)
class Origin:
    name: str = "tiny"
    hash: str = "0" * 64


@pytest.fixture(scope="module")
def parts():
    X, codes = make_blobs(240, n_features=12, centers=3, cluster_std=3.0, random_state=0)
    learned = Learned(X.astype(np.float32), NAMES[codes], None)
    old = codes < 2
    return (
        Learned(learned.features[old], learned.labels[old], None),
        Learned(learned.features[~old], learned.labels[~old], None),
    )


@pytest.fixture(scope="module")
def bundle(parts) -> Bundle:
    return train_bundle(parts[0].features, parts[0].labels, backbone=Origin(), rank="family")


def test_a_new_taxon_is_known_afterwards_and_the_old_ones_still_are(parts, bundle) -> None:
    old, new = parts
    grown = grow(bundle, old, new, Origin(), random_state=0)
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
    grown = grow(bundle, old, new, Origin(), random_state=0)
    grown.bundle.save(tmp_path / "model")
    grown.learned.save(tmp_path / "model")
    assert Bundle.load(tmp_path / "model").hash == grown.bundle.hash
    again = Learned.load(tmp_path / "model")
    np.testing.assert_array_equal(again.features, grown.learned.features)
    np.testing.assert_array_equal(again.labels, grown.learned.labels)
    assert again.groups is None


def test_pictures_that_it_knows_are_not_learned_twice(parts, bundle) -> None:
    old, new = parts
    both = old.joined(new)
    grown = grow(bundle, old, both, Origin(), random_state=0)
    assert (grown.n_added, grown.n_known) == (len(new.labels), len(old.labels))
    with pytest.raises(LibraryError, match="nothing to add"):
        grow(bundle, old, old, Origin(), random_state=0)


def test_one_picture_of_a_new_taxon_is_taken(parts, bundle) -> None:
    old, new = parts
    one = Learned(new.features[:1], new.labels[:1], None)
    grown = grow(bundle, old, one, Origin(), random_state=0)
    assert "Leiodidae" in grown.bundle.classes
    assert any("one picture only" in note for note in grown.bundle.training["notes"])


def test_groups_of_one_part_do_not_join_pictures_of_the_other(parts) -> None:
    old, new = parts
    grouped = Learned(new.features, new.labels, np.repeat(["a", "b"], len(new.labels) // 2))
    groups = old.joined(grouped).groups
    assert groups is not None
    assert len(set(groups.tolist())) == len(old.labels) + 2


def test_a_bundle_without_features_says_what_to_do(tmp_path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(BundleError, match="Train it again"):
        Learned.load(tmp_path / "model")
    (tmp_path / "model" / LEARNED_NAME).write_bytes(b"no tensors")
    with pytest.raises(BundleError, match="damaged"):
        Learned.load(tmp_path / "model")
