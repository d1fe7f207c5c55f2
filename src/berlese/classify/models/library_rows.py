"""The training set's features, kept beside a model so that it can be trained on again.

Adapting a model to other photos and teaching it a new taxon both start from the pictures that it
learned from; their features are a few megabytes, the pictures may be far away.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from berlese.classify.models.stored import AGAIN
from berlese.errors import BundleError

FILE_NAME = "library.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class LibraryRows:
    """What a model was trained on.

    Attributes
    ----------
    features : ndarray of float32 of shape (n, dim)
    codes : ndarray of int64 of shape (n,)
        Position of each row's taxon among the model's classes.
    groups : ndarray of int64 of shape (n,), optional
        Number of what must not be split, such as a photo.
    """

    features: NDArray[np.float32]
    codes: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, features: ArrayLike, codes: ArrayLike, groups: ArrayLike | None = None
    ) -> "LibraryRows":
        """Keep features as float32, which is what backbones give, and groups as numbers."""
        numbers = None
        if groups is not None:
            numbers = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        return cls(np.asarray(features, np.float32), np.asarray(codes, np.int64), numbers)

    def __len__(self) -> int:
        return len(self.codes)

    def to_bytes(self) -> bytes:
        """Write as safetensors."""
        arrays: dict[str, NDArray[Any]] = {
            "codes": self.codes,
            "features": np.ascontiguousarray(self.features),
        }
        if self.groups is not None:
            arrays["groups"] = self.groups
        return save(arrays)

    @classmethod
    def from_bytes(cls, content: bytes, path: Path) -> "LibraryRows":
        """Read what `to_bytes` gave; `path` is where it lies, for messages.

        Raises
        ------
        BundleError
            If the file is damaged.
        """
        try:
            arrays: dict[str, NDArray[Any]] = load(content)
            rows = cls(arrays["features"], arrays["codes"], arrays.get("groups"))
        except (KeyError, SafetensorError) as error:
            raise BundleError(
                f"{path}: cannot be read as safetensors ({error}), expected what `berlese train` "
                f"writes. {AGAIN}"
            ) from error
        parts = [rows.codes] if rows.groups is None else [rows.codes, rows.groups]
        n = len(rows.features)
        if rows.features.ndim != 2 or any(each.shape != (n,) for each in parts):
            raise BundleError(
                f"{path}: is damaged, expected a name and a group for each row of features. {AGAIN}"
            )
        if rows.codes.min(initial=0) < 0 or not np.isfinite(rows.features).all():
            raise BundleError(f"{path}: is damaged, expected finite features. {AGAIN}")
        return rows
