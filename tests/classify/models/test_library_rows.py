"""Stored training sets: exact round trips, and damage that is named."""

import numpy as np
import pytest

from berlese.classify.models.library_rows import LibraryRows
from berlese.errors import BundleError


def read(path):
    return LibraryRows.from_bytes(path.read_bytes(), path)


def test_features_come_back_to_the_last_bit(tmp_path):
    features = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    rows = LibraryRows.of(features, [0, 1, 2, 1, 0, 2, 2])
    (tmp_path / "rows").write_bytes(rows.to_bytes())
    again = read(tmp_path / "rows")
    np.testing.assert_array_equal(again.features, features)
    assert again.codes.tolist() == [0, 1, 2, 1, 0, 2, 2]
    assert len(again) == 7


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "rows").write_bytes(b"nothing of the kind")
    with pytest.raises(BundleError, match=r"rows: cannot be read as safetensors"):
        read(tmp_path / "rows")
