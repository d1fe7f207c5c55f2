"""Picture files for tests, written with libvips and by hand, not with the code under test."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pyvips
import tifffile


def picture(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """RGB patches of 8 x 8 pixels in random colours, so that JPEG keeps them nearly."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3))
    return patches.repeat(8, 0).repeat(8, 1)[:height, :width].astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """RGB noise, which no format compresses."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def vips(array: np.ndarray, **header: object) -> pyvips.Image:
    """Make a libvips image of an array, with an orientation or other header values."""
    orientation = header.pop("orientation", None)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(array)).copy(**header)
    if orientation is not None:
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def save(path: Path, array: np.ndarray, suffix: str = "", **options: object) -> Path:
    """Write an array under any name, in the format of `suffix` or of the name."""
    header = {
        k: options.pop(k) for k in ("orientation", "interpretation", "xres", "yres") if k in options
    }
    data = vips(array, **header).write_to_buffer(suffix or path.suffix.lower(), **options)
    path.write_bytes(data)
    return path


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Frame a PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_png(path: Path, width: int = 60_000, height: int = 60_000) -> Path:
    """Write a PNG of a few hundred bytes that declares billions of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10_000))
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks))
    return path


def png_with_profile(path: Path, array: np.ndarray, profile: bytes) -> Path:
    """Write a PNG with a colour profile of any bytes: libvips writes no broken ones."""
    data = vips(array).write_to_buffer(".png")
    chunk = png_chunk(b"iCCP", b"test\0\0" + zlib.compress(profile))
    path.write_bytes(data[:33] + chunk + data[33:])  # after signature and IHDR
    return path


def overstate(path: Path, by: int) -> None:
    """Let the directory of a TIFF say that its last strip or tile has `by` bytes more."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages[0].tags
        tag = tags["TileByteCounts"] if "TileByteCounts" in tags else tags["StripByteCounts"]
        kind = tiff.byteorder + {3: "H", 4: "I", 16: "Q"}[int(tag.dtype)]
        at = tag.valueoffset + struct.calcsize(kind) * (tag.count - 1)
        struct.pack_into(kind, data, at, tag.value[-1] + by)
    path.write_bytes(data)
