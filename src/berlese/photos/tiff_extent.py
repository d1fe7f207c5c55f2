"""How many bytes a TIFF must have, by its own directory.

Where the directory stands before the pixels, as scanners and cameras write it, libvips fills what
is missing of a file that was cut off with black and says nothing. So strips and tiles are held
against the size of the file: of the first page, which is the one that is read. Some programs
overstate how long the last strip is. Where pixels are not compressed, a strip needs no more bytes
than its pixels have; libvips would ask for more, and has to be told the true length.
"""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from berlese.photos import tiff_directory as tiff
from berlese.photos.tiff_directory import TiffDirectory, read_directory

_SEPARATE = 2  # planes of one colour each


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
        return max((start + needed for start, _, needed, _ in _pieces(file)), default=None)
    except (struct.error, OSError, OverflowError, ValueError):
        return None


def true_lengths(file: BinaryIO, size: int) -> dict[int, bytes]:
    """Tell what to write where for strips and tiles that are said to leave the file, and do not.

    Parameters
    ----------
    file : binary file
        Seekable; its position moves.
    size : int
        Bytes of the file.

    Returns
    -------
    dict of int to bytes
        By place in the directory; empty where nothing is overstated.
    """
    try:
        return {
            field.values_at + index * field.item_bytes: struct.pack(field.layout, needed)
            for start, stated, needed, (field, index) in _pieces(file)
            if start + needed <= size < start + stated
        }
    except (struct.error, OSError, OverflowError, ValueError):
        return {}


def _pieces(file: BinaryIO) -> Iterator[tuple[int, int, int, tuple[tiff.Field, int]]]:
    """Give of each strip or tile its start, its stated and its needed bytes, and who states them.

    The last is the field that states the bytes, and the index therein.
    """
    directory = read_directory(file)
    if directory is None:
        return
    for offsets, counts, bytes_of_pixels in (
        (tiff.STRIP_OFFSETS, tiff.STRIP_COUNTS, _strip_bytes),
        (tiff.TILE_OFFSETS, tiff.TILE_COUNTS, _tile_bytes),
    ):
        starts, lengths = directory.numbers(file, offsets), directory.numbers(file, counts)
        if not (starts and lengths):
            continue
        needed = bytes_of_pixels(file, directory)
        is_plain = directory.number(file, tiff.COMPRESSION, tiff.UNCOMPRESSED) == tiff.UNCOMPRESSED
        for number, (start, length) in enumerate(zip(starts, lengths, strict=False)):
            # A directory without the picture's sides has no pixels to count: take it at its word.
            least = min(length, needed(number) or length) if is_plain else length
            yield start, length, least, (directory.fields[counts], number)


def _strip_bytes(file: BinaryIO, directory: TiffDirectory) -> Callable[[int], int]:
    """Say of the number of a strip how many bytes its pixels have."""
    height = directory.number(file, tiff.HEIGHT, 0)
    rows = max(min(directory.number(file, tiff.STRIP_ROWS, height), height), 1)
    strips = -(-height // rows)  # of each plane
    row_bytes = _row_bytes(file, directory, directory.number(file, tiff.WIDTH, 0))
    return lambda number: row_bytes * min(rows, height - rows * (number % max(strips, 1)))


def _tile_bytes(file: BinaryIO, directory: TiffDirectory) -> Callable[[int], int]:
    """Say how many bytes a tile has: all have the same, also where they leave the picture."""
    row_bytes = _row_bytes(file, directory, directory.number(file, tiff.TILE_WIDTH, 0))
    tile_bytes = row_bytes * directory.number(file, tiff.TILE_HEIGHT, 0)
    return lambda number: tile_bytes


def _row_bytes(file: BinaryIO, directory: TiffDirectory, width: int) -> int:
    """Tell how many bytes a row has; rows begin at whole bytes."""
    is_split = directory.number(file, tiff.PLANES, 1) == _SEPARATE
    samples = 1 if is_split else directory.number(file, tiff.SAMPLES, 1)
    return -(-width * samples * directory.number(file, tiff.BITS, 1) // 8)
