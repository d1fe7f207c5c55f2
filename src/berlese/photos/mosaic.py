"""Draw placed tiles into one pyramidal, tiled TIFF, strip by strip.

At each pixel the tile counts in which it lies deepest, and near the line where two tiles are
equally deep both are mixed over a narrow band: wide mixing would show things twice that are not
in register. Strips go through a file of raw pixels beside the result; memory holds one strip and
the tiles that it needs, whatever the size of the mosaic.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.photos.frames import Frame, dressed
from berlese.photos.raw_tiff import raw_tiff_header
from berlese.photos.reading import open_page
from berlese.photos.registration import Matrix, after, inverse, shift_by
from berlese.photos.writing import atomic_write

FloatArray = NDArray[np.float32]

_STRIP_PX = 256
_SEAM_PX = 24.0  # over which two tiles are mixed
_TILE_PX = 256  # of the TIFF


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """One tile in the mosaic.

    Attributes
    ----------
    frame : Frame
    matrix : ndarray of float64, shape (2, 3)
        From the tile's pixels to the mosaic's.
    gain : ndarray of float32, shape (bands,)
        What its pixels are multiplied by.
    """

    frame: Frame
    matrix: Matrix
    gain: FloatArray

    def corners(self) -> NDArray[np.float64]:
        """Return where the centres of its corner pixels lie, shape (4, 2)."""
        right, bottom = self.frame.kind.width - 1, self.frame.kind.height - 1
        points = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], float)
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


def at_origin(placements: Sequence[Placement]) -> tuple[list[Placement], int, int]:
    """Shift tiles so that the mosaic begins at (0, 0); return its width and height, too."""
    corners = np.concatenate([each.corners() for each in placements])
    low = np.floor(corners.min(axis=0) + 1e-6)
    width, height = (np.floor(corners.max(axis=0) - low + 1e-6) + 1).astype(int)
    move = shift_by(-low[0], -low[1])
    placed = [Placement(each.frame, after(move, each.matrix), each.gain) for each in placements]
    return placed, int(width), int(height)


def write_mosaic(
    path: Path,
    placements: Sequence[Placement],
    ground: FloatArray,
    advance: Callable[[int], None],
) -> tuple[int, int]:
    """Draw tiles into a BigTIFF with a pyramid; return its width and height.

    Parameters
    ----------
    path : Path
    placements : sequence of Placement
    ground : ndarray of float32, shape (bands,)
        Colour where no tile is.
    advance : callable
        Called with the number of tiles just finished.
    """
    placed, width, height = at_origin(placements)
    like = placed[0].frame
    kind = like.kind
    with _raw_beside(path) as raw:
        with raw.open("wb") as file:
            file.write(raw_tiff_header(width, height, kind.bands, kind.bits))
            for strip in _strips(placed, width, height, ground, advance):
                file.write(strip.astype(strip.dtype.newbyteorder("<")).tobytes())
        _save(path, dressed(open_page(raw, access="sequential"), like))
    return width, height


@contextmanager
def _raw_beside(path: Path) -> Iterator[Path]:
    """Give a file for raw pixels beside `path`, gone afterwards whatever happens."""
    raw = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield raw
    finally:
        raw.unlink(missing_ok=True)


def _save(path: Path, image: Any) -> None:
    with atomic_write(path) as temporary:
        image.tiffsave(
            f"{temporary}",
            compression="deflate",
            predictor="horizontal",
            tile=True,
            tile_width=_TILE_PX,
            tile_height=_TILE_PX,
            pyramid=True,
            bigtiff=True,
        )


def _strips(
    placed: Sequence[Placement],
    width: int,
    height: int,
    ground: FloatArray,
    advance: Callable[[int], None],
) -> Iterator[NDArray[np.generic]]:
    """Yield the mosaic from top to bottom; a tile is read once and dropped when it is passed."""
    dtype = np.uint16 if placed[0].frame.kind.bits == 16 else np.uint8
    top_value = placed[0].frame.kind.top
    spans = [(each.corners()[:, 1].min(), each.corners()[:, 1].max()) for each in placed]
    held: dict[int, NDArray[Any]] = {}
    for top in range(0, height, _STRIP_PX):
        rows = min(_STRIP_PX, height - top)
        layers = []
        for number, (low, high) in enumerate(spans):
            if high < top:
                if held.pop(number, None) is not None:
                    advance(1)
                continue
            if low > top + rows - 1:
                continue
            if number not in held:
                held[number] = placed[number].frame.pixels()
            layers.append(_layer(placed[number], held[number], top, rows, width))
        strip = _mixed([each for each in layers if each is not None], (rows, width), ground)
        yield np.clip(strip + 0.5, 0, top_value).astype(dtype)
    advance(len(held))


@dataclass(slots=True)
class _Layer:
    """What one tile gives to a strip: its columns, its pixels, and how deep each lies in it."""

    columns: slice
    pixels: FloatArray
    depth: FloatArray


def _layer(each: Placement, pixels: NDArray[Any], top: int, rows: int, width: int) -> _Layer | None:
    corners = each.corners()
    left = max(int(np.floor(corners[:, 0].min())), 0)
    right = min(int(np.ceil(corners[:, 0].max())) + 1, width)
    back = after(inverse(each.matrix), shift_by(left, top))  # strip pixels to the tile's
    tile_height, tile_width = pixels.shape[:2]
    x = np.arange(right - left, dtype=np.float32)[None, :]
    y = np.arange(rows, dtype=np.float32)[:, None]
    column = np.float32(back[0, 0]) * x + np.float32(back[0, 1]) * y + np.float32(back[0, 2])
    row = np.float32(back[1, 0]) * x + np.float32(back[1, 1]) * y + np.float32(back[1, 2])
    depth = np.minimum(
        np.minimum(column, tile_width - 1 - column), np.minimum(row, tile_height - 1 - row)
    )
    if depth.max() < -1e-3:
        return None
    first = int(np.clip(np.floor(row.min()) - 8, 0, tile_height - 1))
    last = int(np.clip(np.ceil(row.max()) + 8, first + 1, tile_height))
    laid = cv2.warpAffine(
        pixels[first:last].astype(np.float32),
        after(shift_by(0, -first), back),
        (right - left, rows),
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    ).reshape(rows, right - left, -1)
    return _Layer(slice(left, right), laid * each.gain, depth)


def _mixed(layers: Sequence[_Layer], shape: tuple[int, int], ground: FloatArray) -> FloatArray:
    deepest = np.full(shape, -1.0, np.float32)
    for layer in layers:
        part = deepest[:, layer.columns]
        np.maximum(part, layer.depth, out=part)
    total = np.zeros((*shape, len(ground)), np.float32)
    weights = np.zeros(shape, np.float32)
    for layer in layers:
        away = deepest[:, layer.columns] - layer.depth
        share = np.where(layer.depth >= -1e-3, np.clip(1 - away / _SEAM_PX, 0, 1), 0)
        share = share.astype(np.float32)
        total[:, layer.columns] += share[..., None] * layer.pixels
        weights[:, layer.columns] += share
    bare = weights <= 0
    total[bare] = ground
    return np.asarray(total / np.where(bare, 1, weights)[..., None], np.float32)
