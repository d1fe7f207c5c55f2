"""Features on disk, found by what they were made of: a picture's bytes and a backbone.

A store is a folder with one sub-folder a backbone, holding Parquet parts of columns ``key``
(sha256 of the picture's bytes) and ``features`` (float32). Parts are written whole and never
changed, so a process killed at any moment leaves a valid store; what is damaged counts as
absent and is computed again.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from berlese.photos.writing import atomic_write

_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError)
_HASH_LENGTH = 16  # of a sub-folder's name; the whole hash stands in each part


class Origin(Protocol):
    """What made the features: any backbone."""

    name: str
    dim: int
    hash: str


class FeatureStore:
    """Features by key and backbone.

    Parameters
    ----------
    folder : Path
        Made when the first features are put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def get(self, keys: Sequence[str], backbone_hash: str) -> dict[str, NDArray[np.float32]]:
        """Fetch what is known.

        Parameters
        ----------
        keys : sequence of str
            sha256 of pictures.
        backbone_hash : str
            `Backbone.hash`.

        Returns
        -------
        dict
            One row of float32 for each key that is known.
        """
        missing = set(keys)
        found: dict[str, NDArray[np.float32]] = {}
        for part in sorted(self._of(backbone_hash).glob("part-*.parquet")):
            if not missing:
                break
            found |= dict(_rows(part, missing, backbone_hash))
            missing.difference_update(found)
        return found

    def put(self, keys: Sequence[str], features: NDArray[np.float32], backbone: Origin) -> None:
        """Add features.

        Parameters
        ----------
        keys : sequence of str
            sha256 of pictures.
        features : ndarray of shape (len(keys), backbone.dim)
            One row a picture.
        backbone : Backbone
            What made them.
        """
        if features.shape != (len(keys), backbone.dim):
            raise ValueError(
                f"features of {len(keys)} pictures by {backbone.name} must have the shape "
                f"{(len(keys), backbone.dim)}, got {features.shape}."
            )
        if not keys:
            return
        values = np.ascontiguousarray(features, np.float32)
        columns = {
            "key": pa.array(list(keys), pa.string()),
            "features": pa.FixedSizeListArray.from_arrays(values.ravel(), backbone.dim),
        }
        table = pa.table(columns).replace_schema_metadata(
            {"backbone": backbone.name, "backbone_hash": backbone.hash}
        )
        # Named by its keys: what is computed again takes the place of a damaged part.
        name = sha256("".join(keys).encode()).hexdigest()[:32]
        folder = self._of(backbone.hash)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / f"part-{name}.parquet") as temporary:
            pq.write_table(table, temporary, write_page_checksum=True)

    def _of(self, backbone_hash: str) -> Path:
        return self.folder / backbone_hash[:_HASH_LENGTH]


def _rows(
    part: Path, wanted: set[str], backbone_hash: str
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Read the wanted rows of one part; a part that cannot be read has none."""
    try:
        with pq.ParquetFile(part, page_checksum_verification=True) as file:
            stored = (file.schema_arrow.metadata or {}).get(b"backbone_hash", b"").decode()
            keys = file.read(columns=["key"])["key"].to_pylist()
            if stored != backbone_hash or wanted.isdisjoint(keys):
                return
            column = file.read(columns=["features"])["features"].combine_chunks()
        rows = column.flatten().to_numpy().astype(np.float32, copy=False).reshape(len(keys), -1)
    except _UNREADABLE:
        return
    for key, row in zip(keys, rows, strict=True):
        if key in wanted:
            yield key, row
