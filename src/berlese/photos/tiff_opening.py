"""Open a TIFF so that libvips reads all that is there, and fails on what is damaged.

libvips paints a strip or tile that cannot be unpacked black and goes on, unless it is told to
fail. How it must be told differs. Where tiles are damaged it fails on warnings only, and those are
warnings of tiles: whatever the directory says, such as unknown tags, does no harm. Where strips
are damaged it fails on errors, but then also on any error in a directory, such as an orientation
of 0, which some cameras write. So it is first asked for one pixel by a directory that says the
same of all but the pixels: if it finds errors there, they tell nothing of the strips.

The copy lies in memory, on private pages of the file, and only what is changed takes any.
"""

import mmap
import os
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pyvips

from berlese.photos import tiff_directory as tiff
from berlese.photos.tiff_directory import TiffDirectory, read_directory
from berlese.photos.tiff_extent import true_lengths

Copy = mmap.mmap | bytearray
_TOLD_BY_WARNINGS = frozenset((5, 8, 32773, 32946, 34925, 50000))
"""LZW, deflate, PackBits, LZMA and Zstandard; of JPEG warnings are harmless."""
_OF_COMPRESSION = frozenset((*range(512, 522), 292, 293, 317, 326, 327, 328, 347))
_YCBCR, _RGB = 6, 2
_LONG = 4  # the kind of a whole number of 4 bytes


def open_tiff_file(path: Path, access: str) -> Any:
    """Open a TIFF by its path.

    Raises
    ------
    pyvips.Error
        If libvips cannot open it.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:

        def copied() -> Copy:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

        size = os.fstat(file.fileno()).st_size
        options = {"access": access, "fail_on": _fail_on(file, copied)}
        lengths = true_lengths(file, size)
        if lengths:
            return _image_of(_changed(copied(), lengths), **options)
    # A source takes the name as it is; `new_from_file` would read options out of brackets.
    source = pyvips.Source.new_from_file(os.fsencode(path))
    return pyvips.Image.new_from_source(source, "", **options)


def open_tiff_bytes(data: bytes, access: str) -> Any:
    """Open a TIFF that was read whole.

    Raises
    ------
    pyvips.Error
        If libvips cannot open it.
    """
    file = BytesIO(data)
    options = {"access": access, "fail_on": _fail_on(file, lambda: bytearray(data))}
    lengths = true_lengths(file, len(data))
    return _image_of(_changed(bytearray(data), lengths) if lengths else data, **options)


def _image_of(data: Copy | bytes, **options: str) -> Any:
    """Open bytes where they lie: libvips would copy what comes as a buffer."""
    return pyvips.Image.new_from_source(pyvips.Source.new_from_memory(data), "", **options)


def _changed(copy: Copy, changes: dict[int, bytes]) -> Copy:
    for at, data in changes.items():
        copy[at : at + len(data)] = data
    return copy


def _fail_on(file: BinaryIO, copied: Callable[[], Copy]) -> str:
    """Tell on what libvips must fail, so that it fails on damaged pixels and on nothing else."""
    try:
        directory = read_directory(file)
        if directory is None:
            return "truncated"
        compression = directory.number(file, tiff.COMPRESSION, tiff.UNCOMPRESSED)
        if compression == tiff.UNCOMPRESSED:
            return "truncated"
        if tiff.TILE_OFFSETS in directory.fields:
            return "warning" if compression in _TOLD_BY_WARNINGS else "error"
        with_harmless_pixels = _with_harmless_pixels(file, directory, copied())
    except (struct.error, OSError, OverflowError, ValueError):
        return "truncated"  # libvips tells what is wrong with it
    try:
        _image_of(with_harmless_pixels, fail_on="error").write_to_memory()
    except pyvips.Error:
        return "truncated"
    return "error"


def _with_harmless_pixels(file: BinaryIO, directory: TiffDirectory, copy: Copy) -> Copy:
    """Let a directory describe one pixel that is not compressed; all else stays as it is."""
    samples, bits = directory.number(file, tiff.SAMPLES, 1), directory.number(file, tiff.BITS, 1)
    replaced = {
        **dict.fromkeys((tiff.WIDTH, tiff.HEIGHT, tiff.STRIP_ROWS), 1),
        **dict.fromkeys((tiff.COMPRESSION, tiff.PLANES, tiff.STRIP_OFFSETS), 1),
        tiff.STRIP_COUNTS: -(-samples * bits // 8),
    }
    if directory.number(file, tiff.PHOTOMETRIC, _RGB) == _YCBCR:
        replaced[tiff.PHOTOMETRIC] = _RGB
    layout, start = directory.field_layout, directory.fields_at
    end = start + directory.count * layout.size
    after = copy[end : end + struct.calcsize(directory.place)]  # where the next directory is
    kept = []
    for at in range(start, end, layout.size):
        entry = copy[at : at + layout.size]
        (tag,) = struct.unpack_from(directory.order + "H", entry)
        if tag in replaced:
            head = struct.pack(directory.order + "HH" + directory.place, tag, _LONG, 1)
            value = struct.pack(directory.order + "I", replaced[tag])
            entry = (head + value).ljust(layout.size, b"\0")
        if tag not in _OF_COMPRESSION:
            kept.append(bytes(entry))
    fields = b"".join(kept) + after
    count = directory.count_layout.pack(len(kept))
    return _changed(copy, {directory.at: count, start: fields})
