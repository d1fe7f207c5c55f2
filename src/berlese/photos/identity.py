"""A photo is known by the hash of its bytes."""

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Hash a file's bytes as 64 hex digits; reads it in pieces.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
