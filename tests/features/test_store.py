from hashlib import sha256

import numpy as np
import pytest

from berlese.features.store import FeatureStore


def keys_of(count, start=0):
    return [sha256(str(at).encode()).hexdigest() for at in range(start, start + count)]


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "features")


def test_what_is_put_comes_back_bit_by_bit(store, mean_colour):
    keys = keys_of(5)
    values = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    store.put(keys[:2], values[:2], mean_colour)
    FeatureStore(store.folder).put(keys[2:], values[2:], mean_colour)
    found = store.get([keys[4], keys[0], "absent"], mean_colour.hash)
    assert set(found) == {keys[4], keys[0]}
    assert found[keys[0]].dtype == np.float32
    np.testing.assert_array_equal(found[keys[0]], values[0])
    np.testing.assert_array_equal(found[keys[4]], values[4])


def test_another_backbone_sees_nothing(store, mean_colour):
    store.put(keys_of(2), np.ones((2, 3), np.float32), mean_colour)
    assert store.get(keys_of(2), "0" * 64) == {}
    assert store.get(keys_of(2), mean_colour.hash[:16] + "0" * 48) == {}


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_part_cut_off_anywhere_counts_as_absent_and_can_be_put_again(store, mean_colour, keep):
    keys, values = keys_of(3), np.full((3, 3), 2.5, np.float32)
    store.put(keys, values, mean_colour)
    other = keys_of(1, start=9)
    store.put(other, values[:1], mean_colour)
    damaged = next(
        p
        for p in store.folder.rglob("*.parquet")
        if len(p.read_bytes()) and keys[0].encode() in p.read_bytes()
    )
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    assert set(store.get(keys + other, mean_colour.hash)) == set(other)
    store.put(keys, values, mean_colour)
    assert set(store.get(keys + other, mean_colour.hash)) == {*keys, *other}


def test_a_flipped_bit_in_the_values_is_noticed(store, mean_colour):
    keys, values = keys_of(1), np.array([[1.5, -2.25, 3.125]], np.float32)
    store.put(keys, values, mean_colour)
    part = next(store.folder.rglob("*.parquet"))
    content = bytearray(part.read_bytes())
    at = content.find(values[0, 1:2].tobytes())
    assert at > 0
    content[at] ^= 1
    part.write_bytes(bytes(content))
    assert store.get(keys, mean_colour.hash) == {}


def test_temporary_files_left_by_a_kill_are_ignored(store, mean_colour):
    store.put(keys_of(1), np.ones((1, 3), np.float32), mean_colour)
    folder = next(store.folder.iterdir())
    (folder / ".abc.part").write_bytes(b"half a part")
    assert len(store.get(keys_of(1), mean_colour.hash)) == 1


def test_features_of_another_shape_are_refused(store, mean_colour):
    with pytest.raises(ValueError, match=r"must have the shape \(2, 3\), got \(2, 4\)"):
        store.put(keys_of(2), np.ones((2, 4), np.float32), mean_colour)


def test_an_empty_store_knows_nothing_and_makes_no_folder(store, mean_colour):
    assert store.get(keys_of(1), mean_colour.hash) == {}
    store.put([], np.empty((0, 3), np.float32), mean_colour)
    assert not store.folder.exists()
