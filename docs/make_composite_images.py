"""Draw the pictures of docs/how-to/stack-and-stitch.md from a real photo: slices, fusion, tiles.

python docs/make_composite_images.py ../shared/data/bulk
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from berlese.photos.reading import open_photo
from berlese.photos.stack import stack_slices
from berlese.photos.stitch import stitch_tiles
from berlese.photos.writing import write_jpeg, write_png
from berlese.simulate.focus import FocusDrive, domes, iter_slices
from berlese.simulate.tiles import Stage, iter_tiles

IMAGES = Path(__file__).parent / "images"
SIDE = 800
SHOWN = (slice(200, 460), slice(190, 520))


def main(photos: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        draw_stack(open_photo(photos / "bark-beetles-1.jpg").pixels(), Path(temporary))
        draw_mosaic(open_photo(photos / "dish-hemiptera.jpg").pixels(), Path(temporary))


def draw_stack(pixels: np.ndarray, folder: Path) -> None:
    """Two slices, what `stack` makes of fifteen, and its depth map."""
    top, left = ((length - SIDE) // 2 for length in pixels.shape[:2])
    sharp = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
    grey = cv2.GaussianBlur(cv2.cvtColor(sharp, cv2.COLOR_RGB2GRAY), (0, 0), 2)
    dark = (grey < cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[0]).astype(np.uint8)
    heights = domes(cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((9, 9))) > 0)
    paths = []
    for slice_ in iter_slices(sharp, heights, FocusDrive(), np.random.default_rng(1)):
        paths.append(folder / f"slice{len(paths):02d}.png")
        write_png(paths[-1], slice_)
    stacked = stack_slices(paths)
    depth = cv2.applyColorMap(
        np.uint8(np.clip(stacked.depth * 255 / (len(paths) - 1), 0, 255)), cv2.COLORMAP_VIRIDIS
    )[..., ::-1]
    low, high = (open_photo(paths[number]).pixels() for number in (1, 12))
    shown = [each[SHOWN] for each in (low, high, stacked.pixels, depth)]
    rows = [np.hstack(shown[:2]), np.hstack(shown[2:])]
    write_jpeg(IMAGES / "stack.jpg", np.ascontiguousarray(np.vstack(rows)), quality=85)


def draw_mosaic(pixels: np.ndarray, folder: Path) -> None:
    """Tiles of a dish side by side as they came, and stitched."""
    tiles = list(iter_tiles(pixels, Stage(), np.random.default_rng(1)))
    paths = []
    for tile in tiles:
        paths.append(folder / f"r{tile.row:02d}_c{tile.column:02d}.png")
        write_png(paths[-1], tile.pixels)
    stitch_tiles(paths, folder / "mosaic.tif")
    side = 140
    small = [cv2.resize(tile.pixels, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]
    gaps = [
        cv2.copyMakeBorder(each, 0, 6, 0, 6, cv2.BORDER_CONSTANT, value=(255,) * 3)
        for each in small
    ]
    grid = np.vstack([np.hstack(gaps[4 * row : 4 * row + 4]) for row in range(4)])
    mosaic = open_photo(folder / "mosaic.tif").shrunk(grid.shape[0])
    mosaic = cv2.resize(mosaic, (grid.shape[0],) * 2, interpolation=cv2.INTER_AREA)
    write_jpeg(IMAGES / "stitch.jpg", np.ascontiguousarray(np.hstack([grid, mosaic])), quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
