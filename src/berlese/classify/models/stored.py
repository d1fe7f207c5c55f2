"""Read a bundle's files: there, whole, and of the right kind, or refused by name.

`bundle.json` holds the sha256 of each safetensors file beside it (bundles of earlier versions do
not), so that a changed or mixed-up file is told from what was written.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from berlese.errors import BundleError

READABLE = (1, 2)  # format 1 knew no calibration, no likeness, no taxonomy
HASHES = "sha256"
AGAIN = "Copy the whole folder again, or train the model again."
_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "head": (str, "text"),
    "parameters": (dict, "an object"),
    "classes": (list, "a list"),
    "rank": (str, "text"),
    "backbone": (str, "text"),
    "backbone_hash": (str, "text"),
    "training": (dict, "an object"),
}
_OPTIONAL: dict[str, tuple[type | tuple[type, ...], str]] = {
    "calibration": ((dict, type(None)), "an object or null"),
    "taxonomy": ((dict, type(None)), "an object or null"),
    HASHES: (dict, "an object"),
}


def read_facts(path: Path) -> dict[str, Any]:
    """Read `bundle.json`.

    Raises
    ------
    BundleError
        If it is missing or damaged, a fact is missing or of another kind, or a newer berlese
        wrote it.
    """
    try:
        facts = json.loads(_content(path).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{path}: cannot be read as a bundle's JSON ({error}), it is damaged. {AGAIN}"
        ) from error
    if not isinstance(facts, dict):
        raise BundleError(f"{path}: is not a bundle; expected a JSON object. {AGAIN}")
    version = facts.get("format")
    if version not in READABLE or isinstance(version, bool):
        raise BundleError(
            f"{path}: has format {version!r}, this program reads "
            f"{' and '.join(map(str, READABLE))}. Use the berlese that wrote it, or train again."
        )
    _check_kinds(path, facts)
    return facts


def _check_kinds(path: Path, facts: Mapping[str, Any]) -> None:
    for name, (kind, words) in (_KINDS | _OPTIONAL).items():
        if name not in facts and name in _KINDS:
            raise BundleError(f"{path}: has no {name!r}, it is damaged. {AGAIN}")
        if name in facts and not isinstance(facts[name], kind):
            raise BundleError(
                f"{path}: {name!r} is {facts[name]!r}, expected {words}; it is damaged. {AGAIN}"
            )
    classes = facts["classes"]
    if not all(isinstance(each, str) for each in classes) or sorted({*classes}) != classes:
        raise BundleError(
            f"{path}: its classes must be names, each once, in their order; it is damaged. {AGAIN}"
        )


def read_whole(path: Path, facts: Mapping[str, Any]) -> bytes:
    """Read a file beside `bundle.json` and compare it with what was written.

    Raises
    ------
    BundleError
        If it is missing, or another file than the bundle was saved with.
    """
    content = _content(path)
    expected = facts[HASHES].get(path.name, "none") if HASHES in facts else None
    found = sha256(content).hexdigest()
    if expected is not None and found != expected:
        raise BundleError(
            f"{path}: is damaged or of another model: its sha256 is {found[:12]}, expected "
            f"{str(expected)[:12]}. {AGAIN}"
        )
    return content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BundleError(f"{path}: is missing. {AGAIN}") from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}). {AGAIN}") from error
