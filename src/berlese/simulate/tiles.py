"""Photograph a large scene as overlapping tiles whose true places are known.

A stage moves a camera over the scene in rows and columns. It stops a little off (jitter), the
camera may stand askew to the stage and each tile turn a little, the lamp flickers and the sensor
adds noise. Pixels are sRGB 0..255. The truth of a tile is the matrix (2, 3) that takes its pixels
to the scene's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stage:
    """How tiles are taken.

    Parameters
    ----------
    rows, columns : int
    overlap : float
        Share of a tile's side that the next one shows too.
    jitter_px : float
        Standard deviation of where the stage stops, a direction.
    turn_deg : float
        Standard deviation of a tile's turn.
    askew_deg : float
        How the camera stands against the stage, the same for all tiles.
    flicker : float
        Standard deviation of the exposure, share.
    vignette : float
        How much darker the corners are, share.
    noise : float
        Standard deviation of the sensor's noise, grey levels.
    """

    rows: int = 4
    columns: int = 4
    overlap: float = 0.2
    jitter_px: float = 4.0
    turn_deg: float = 0.1
    askew_deg: float = 0.5
    flicker: float = 0.03
    vignette: float = 0.02
    noise: float = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One tile: its place in the grid, its pixels (uint8, RGB) and its true matrix."""

    row: int
    column: int
    pixels: NDArray[np.uint8]
    matrix: NDArray[np.float64]


def iter_tiles(scene: NDArray[np.uint8], stage: Stage, rng: np.random.Generator) -> Iterator[Tile]:
    """Take the tiles of a scene row by row; together they show nearly all of it.

    Parameters
    ----------
    scene : ndarray of uint8, shape (height, width, 3)
    stage : Stage
    rng : numpy Generator
    """
    room = 3 * stage.jitter_px + 2
    height, step_y, skew_y = _spacing(scene.shape[0], stage.rows, stage, room)
    width, step_x, skew_x = _spacing(scene.shape[1], stage.columns, stage, room)
    askew = np.radians(stage.askew_deg)
    for row in range(stage.rows):
        for column in range(stage.columns):
            at = np.array([room + skew_x + column * step_x, room + skew_y + row * step_y])
            at += (-np.sin(askew) * row * step_y, np.sin(askew) * column * step_x)
            at += np.clip(rng.normal(0, stage.jitter_px, 2), -room, room)
            turn = float(rng.normal(0, stage.turn_deg))
            centre = ((width - 1) / 2, (height - 1) / 2)
            matrix = np.asarray(cv2.getRotationMatrix2D(centre, turn, 1.0), np.float64)
            matrix[:, 2] += at
            yield Tile(row, column, _expose(scene, matrix, (width, height), stage, rng), matrix)


def _spacing(side: int, count: int, stage: Stage, room: float) -> tuple[int, float, float]:
    """Return the side of a tile, the step, and how far the first lies from the border."""
    skew = side * abs(np.sin(np.radians(stage.askew_deg)))
    free = side - 2 * room - skew
    tile = int(free / (1 + (count - 1) * (1 - stage.overlap)))
    return tile, tile * (1 - stage.overlap), float(skew / 2 if count > 1 else 0.0)


def _expose(
    scene: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    stage: Stage,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    seen = cv2.warpAffine(
        scene,
        matrix,
        size,
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    ).astype(np.float32)
    x, y = np.linspace(-1, 1, size[0])[None, :], np.linspace(-1, 1, size[1])[:, None]
    light = np.exp(rng.normal(0, stage.flicker)) * (1 - stage.vignette * (x**2 + y**2) / 2)
    seen *= light.astype(np.float32)[..., None]
    seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(stage.noise)
    return np.clip(seen + 0.5, 0, 255).astype(np.uint8)
