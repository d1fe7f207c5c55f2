"""Which specimens a model has learned from: they cannot tell how good it is."""

from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.classify.models.bundle import Bundle

LEARNED_FROM = "learned_from"  # in the training summary of a model that was adapted by names
DIGITS = 16


def hashes_of(features: ArrayLike) -> list[str]:
    """Hash each row of features of shape (n, dim), as float32: what backbones give."""
    rows = np.ascontiguousarray(features, np.float32)
    return [sha256(row.tobytes()).hexdigest()[:DIGITS] for row in rows]


def learned_rows(bundle: Bundle, features: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows of features of shape (n, dim) a model has learned from.

    Those of its library are known only where the bundle was loaded with its rows.
    """
    learned = set(bundle.training.get(LEARNED_FROM, ()))
    if bundle.rows is not None:
        learned |= set(hashes_of(bundle.rows.features))
    return np.array([each in learned for each in hashes_of(features)], bool)
