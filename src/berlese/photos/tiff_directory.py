"""What the first directory of a TIFF says, as far as libvips does not tell it.

TIFF 6.0 and BigTIFF in both byte orders. A directory is a sorted list of fields, each with a
tag, the kind and number of its values, and the values or the place where they stand.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, STRIP_ROWS, STRIP_COUNTS = 273, 277, 278, 279
MAX_VALUE, PLANES, TILE_WIDTH, TILE_HEIGHT = 281, 284, 322, 323
TILE_OFFSETS, TILE_COUNTS, MAX_VALUE_OF_KIND = 324, 325, 341
UNCOMPRESSED = 1
_KINDS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # of whole numbers
_MOST_VALUES = 50_000_000  # a directory that claims more is damaged
_MOST_FIELDS = 65_535  # as many as a TIFF that is no BigTIFF can have


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, the number of its values and where they stand in the file."""

    order: str
    kind: int
    items: int
    values_at: int

    @property
    def layout(self) -> str:
        """How `struct` writes a value; only of whole numbers."""
        return self.order + _KINDS[self.kind]

    @property
    def item_bytes(self) -> int:
        """How many bytes a value has; only of whole numbers."""
        return struct.calcsize(self.layout)


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """The first directory of a TIFF.

    Attributes
    ----------
    order : str
        Byte order, as `struct` writes it.
    is_big : bool
        Whether it is a BigTIFF.
    at : int
        Where the directory stands in the file.
    count : int
        How many fields stand in it, copies of one tag too.
    fields : mapping of int to Field
        By tag, in the order of the file.
    """

    order: str
    is_big: bool
    at: int
    count: int
    fields: Mapping[int, Field]

    @property
    def place(self) -> str:
        """How `struct` writes a place in the file."""
        return "Q" if self.is_big else "I"

    @property
    def field_layout(self) -> struct.Struct:
        """How a field is written: tag, kind, number of values, values or their place."""
        return struct.Struct(f"{self.order}HH{2 * self.place}")

    @property
    def count_layout(self) -> struct.Struct:
        """How the number of fields is written, which stands before them."""
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def fields_at(self) -> int:
        """Where the first field stands."""
        return self.at + self.count_layout.size

    def numbers(self, file: BinaryIO, tag: int) -> tuple[int, ...]:
        """Read the values of a field; none where it is absent or holds no whole numbers.

        Raises
        ------
        struct.error, OSError, OverflowError, ValueError
            If the values are not all there.
        """
        field = self.fields.get(tag)
        if field is None or field.kind not in _KINDS:
            return ()
        if field.items > _MOST_VALUES:
            raise ValueError(f"tag {tag} of {field.items} values")
        return _read(file, field.values_at, f"{self.order}{field.items}{_KINDS[field.kind]}")

    def number(self, file: BinaryIO, tag: int, default: int) -> int:
        """Read the first value of a field, or say what TIFF 6.0 assumes where it is absent."""
        return next(iter(self.numbers(file, tag)), default)


def read_directory(file: BinaryIO) -> TiffDirectory | None:
    """Read the first directory of a TIFF; moves the file's position.

    Parameters
    ----------
    file : binary file
        Seekable.

    Returns
    -------
    TiffDirectory or None
        None where it is no TIFF.

    Raises
    ------
    struct.error, OSError, OverflowError, ValueError
        If the directory cannot be followed.
    """
    file.seek(0)
    start = file.read(4)
    if start not in SIGNATURES:
        return None
    order = "<" if start.startswith(b"II") else ">"
    is_big = b"+" in start
    place, place_bytes = ("Q", 8) if is_big else ("I", 4)
    (at,) = _read(file, 8 if is_big else 4, order + place)
    (count,) = _read(file, at, order + ("Q" if is_big else "H"))
    if count > _MOST_FIELDS:
        raise ValueError(f"a directory of {count} fields")
    directory = TiffDirectory(order, is_big, at, count, {})
    layout = directory.field_layout
    file.seek(directory.fields_at)
    data = file.read(count * layout.size)
    fields = {}
    for number, (tag, kind, items, value) in enumerate(layout.iter_unpack(data)):
        value_at = directory.fields_at + (number + 1) * layout.size - place_bytes
        is_inline = kind in _KINDS and struct.calcsize(_KINDS[kind]) * items <= place_bytes
        fields[tag] = Field(order, kind, items, value_at if is_inline else value)
    if len(data) < count * layout.size:
        raise struct.error("the directory is cut off")
    return TiffDirectory(order, is_big, at, count, fields)


def _read(file: BinaryIO, at: int, layout: str) -> tuple[int, ...]:
    """Read numbers; a `struct.error` where they are not all there."""
    file.seek(at)
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
