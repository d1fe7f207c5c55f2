"""How many bytes a TIFF must have, by its own directory.

Where the directory stands before the pixels, as scanners and cameras write it, libvips fills what
is missing of a file that was cut off with black and says nothing. So strips and tiles are held
against the size of the file: TIFF 6.0 and BigTIFF in both byte orders, of the first page, which
is the one that is read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
OFFSETS_AND_COUNTS = ((273, 279), (324, 325))  # of strips, of tiles
ITEMS = {3: "H", 4: "I", 16: "Q"}
MOST_ITEMS = 50_000_000  # a directory that claims more is damaged


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a TIFF writes numbers: its byte order, and the sizes of TIFF or BigTIFF."""

    order: str
    place: str
    count: str

    def read(self, file: BinaryIO, at: int, kinds: str) -> tuple[int, ...]:
        """Read numbers; a `struct.error` where they are not all there."""
        file.seek(at)
        layout = self.order + kinds
        return struct.unpack(layout, file.read(struct.calcsize(layout)))

    def size(self, kinds: str) -> int:
        return struct.calcsize(self.order + kinds)


def bytes_needed(file: BinaryIO) -> int | None:
    """Tell up to which byte the first page of a TIFF reaches; moves the file's position.

    Parameters
    ----------
    file : binary file
        Seekable.

    Returns
    -------
    int or None
        None where it is no TIFF, or its directory cannot be followed, which libvips tells.
    """
    try:
        lists = dict(_lists(file))
    except (struct.error, OSError, OverflowError, ValueError):
        return None
    ends = [
        offset + count
        for offsets, counts in OFFSETS_AND_COUNTS
        for offset, count in zip(lists.get(offsets, ()), lists.get(counts, ()), strict=False)
    ]
    return max(ends, default=None)


def _lists(file: BinaryIO) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Give the tags that say where strips and tiles begin, and how long they are."""
    file.seek(0)
    start = file.read(4)
    if start not in SIGNATURES:
        return
    order = "<" if start.startswith(b"II") else ">"
    is_big = b"+" in start
    layout = _Layout(order, "Q", "Q") if is_big else _Layout(order, "I", "H")
    (directory,) = layout.read(file, 8 if is_big else 4, layout.place)
    (entries,) = layout.read(file, directory, layout.count)
    entry = "HH" + 2 * layout.place
    for number in range(entries):
        at = directory + layout.size(layout.count) + number * layout.size(entry)
        tag, kind, items, value = layout.read(file, at, entry)
        if not any(tag in pair for pair in OFFSETS_AND_COUNTS) or kind not in ITEMS:
            continue
        if items > MOST_ITEMS:
            raise ValueError(f"tag {tag} of {items} items")
        kinds = f"{items}{ITEMS[kind]}"
        is_inline = layout.size(kinds) <= layout.size(layout.place)
        value_at = at + layout.size(entry) - layout.size(layout.place)
        yield tag, layout.read(file, value_at if is_inline else value, kinds)
