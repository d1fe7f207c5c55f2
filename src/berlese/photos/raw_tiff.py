"""The first bytes of a TIFF whose pixels follow uncompressed, row by row.

A picture too large for memory is written in strips behind this header, and libvips reads it back
the same way: the loader for TIFF is the only one that it trusts with plain pixels. BigTIFF, in
little-endian order, as Adobe's TIFF 6.0 and its 64-bit extension have it.
"""

import struct

_SHORT, _LONG, _LONG8 = 3, 4, 16
_ITEM = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_IFD_AT = 16


def raw_tiff_header(width: int, height: int, bands: int, bits: int, rows: int = 64) -> bytes:
    """Return what stands before the pixels of a grey or RGB picture.

    Parameters
    ----------
    width, height : int
    bands : int
        1 or 3.
    bits : int
        8 or 16 a channel; 16 are little-endian.
    rows : int
        Rows a strip of the TIFF.
    """
    strips = -(-height // rows)
    row_bytes = width * bands * bits // 8
    entries = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [bits] * bands),
        (259, _SHORT, [1]),  # not compressed
        (262, _SHORT, [2 if bands == 3 else 1]),  # RGB, or black is 0
        (273, _LONG8, [0] * strips),  # where strips begin, filled in below
        (277, _SHORT, [bands]),
        (278, _LONG, [rows]),
        (279, _LONG8, [row_bytes * min(rows, height - rows * n) for n in range(strips)]),
    ]
    tables_at = _IFD_AT + 8 + 20 * len(entries) + 8
    pixels_at = tables_at + 2 * 8 * strips
    entries[5] = (273, _LONG8, [pixels_at + row_bytes * rows * n for n in range(strips)])
    directory, tables = struct.pack("<Q", len(entries)), b""
    for tag, kind, values in entries:
        data = struct.pack(f"<{len(values)}{_ITEM[kind]}", *values)
        if len(data) > 8:
            at = tables_at + len(tables)
            tables += data
            data = struct.pack("<Q", at)
        directory += struct.pack("<HHQ", tag, kind, len(values)) + data.ljust(8, b"\0")
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, _IFD_AT)
    start = header + directory + struct.pack("<Q", 0) + tables
    return start.ljust(pixels_at, b"\0")
