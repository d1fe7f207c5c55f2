"""Compare `berlese stitch` with OpenCV's Stitcher and hugin on tiles whose true places are known.

    python benchmarks/stitching.py [--photos FOLDER] [--seeds N]

Tiles are cut out of real photos by a stage that stops a little off, with small turns, uneven
light and noise. A program's error is how far the middle of each tile lies from its true place
after one rigid move of all tiles (and one scale for the others, which choose their own). Tiles
that a program left out are counted. Seconds are of the processor, drawing included.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from berlese.photos.reading import open_photo
from berlese.photos.stitch import stitch_tiles
from berlese.photos.writing import write_png
from berlese.simulate.surveys import simulate_photo
from berlese.simulate.tiles import Stage, Tile, iter_tiles

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bulk"
STAGES = {
    "4 x 4, overlap 20 %": Stage(),
    "4 x 6, overlap 15 %": Stage(4, 6, overlap=0.15, turn_deg=0.2, askew_deg=0.8),
}
PLATE = "simulated plate"
NAMES = ("grid", "letters")


def middle_of(tile: Tile) -> np.ndarray:
    height, width = tile.pixels.shape[:2]
    return np.array([(width - 1) / 2, (height - 1) / 2, 1.0])


def errors(found: Sequence[np.ndarray], tiles: Sequence[Tile], *, scale: bool) -> np.ndarray:
    """Distances of the tiles' middles from the truth after one move (and scale) of all."""
    here = np.array(found, float)
    true = np.array([tile.matrix @ middle_of(tile) for tile in tiles])
    here, true = here - here.mean(axis=0), true - true.mean(axis=0)
    left, values, right = np.linalg.svd(here.T @ true)
    factor = values.sum() / np.square(here).sum() if scale else 1.0
    return np.hypot(*(factor * here @ (left @ right) - true).T)


def by_berlese(paths: dict[Path, Tile], folder: Path) -> tuple[np.ndarray, float]:
    start = time.process_time()
    result = stitch_tiles(sorted(paths), folder / "mosaic.tif")
    seconds = time.process_time() - start
    tiles = [paths[each.frame.path] for each in result.placements]
    found = [
        each.matrix @ middle_of(tile) for each, tile in zip(result.placements, tiles, strict=True)
    ]
    return errors(found, tiles, scale=False), seconds


def by_opencv(paths: dict[Path, Tile], folder: Path) -> tuple[np.ndarray, float]:
    """Read places off the cameras that the Stitcher estimates, affine matrices at its own scale."""
    ordered = sorted(paths)
    start = time.process_time()
    pictures = [cv2.imread(str(path)) for path in ordered]
    stitcher = cv2.Stitcher.create(cv2.Stitcher_SCANS)
    status, mosaic = stitcher.stitch(pictures)
    if status == cv2.Stitcher_OK:
        cv2.imwrite(str(folder / "opencv.tif"), mosaic)
    seconds = time.process_time() - start
    if status != cv2.Stitcher_OK:
        return np.zeros(0), seconds
    tiles = [paths[ordered[int(number)]] for number in np.ravel(stitcher.component())]
    work = stitcher.workScale()
    candidates = []
    for direction in (1, -1):  # its documentation does not say which way the matrices go
        matrices = [
            np.linalg.matrix_power(np.asarray(camera.R, float), direction)
            for camera in stitcher.cameras()
        ]
        found = [
            (matrix @ (middle_of(tile) * (work, work, 1)))[:2]
            for matrix, tile in zip(matrices, tiles, strict=True)
        ]
        candidates.append(errors(found, tiles, scale=True))
    return min(candidates, key=np.mean), seconds


def by_hugin(paths: dict[Path, Tile], folder: Path) -> tuple[np.ndarray, float]:
    """Run hugin's tools for a flat scene; `pano_trafo` tells where each tile's middle comes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ordered = sorted(paths)
    commands = [
        ["pto_gen", "-p", "0", "-f", "10", "-o", "a.pto", *map(str, ordered)],
        ["cpfind", "--multirow", "-o", "b.pto", "a.pto"],
        ["cpclean", "-o", "c.pto", "b.pto"],
        # The camera moves (TrX, TrY) and turns (r); nothing else differs.
        ["pto_var", "--opt", "TrX,TrY,r", "-o", "d.pto", "c.pto"],
        ["autooptimiser", "-n", "-o", "e.pto", "d.pto"],
        ["pano_modify", "--canvas=AUTO", "--fov=AUTO", "-o", "f.pto", "e.pto"],
        ["nona", "-m", "TIFF", "-o", "hugin", "f.pto"],
    ]
    failed = None
    for command in commands:
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            failed = command[0]
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if failed:
        print(f"    hugin: {failed} failed or took over 300 s", flush=True)
        return np.zeros(0), seconds
    found = []
    for number, path in enumerate(ordered):
        x, y, _ = middle_of(paths[path])
        told = subprocess.run(
            ["pano_trafo", "f.pto", str(number)],
            cwd=folder,
            input=f"{x} {y}\n",
            capture_output=True,
            text=True,
            check=True,
        )
        found.append([float(word) for word in told.stdout.split()[:2]])
    return errors(found, [paths[path] for path in ordered], scale=True), seconds


Program = Callable[[dict[Path, Tile], Path], tuple[np.ndarray, float]]
PROGRAMS: dict[str, Program] = {"berlese": by_berlese, "OpenCV SCANS": by_opencv, "hugin": by_hugin}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument(
        "--scenes", nargs="*", default=["dish-hemiptera.jpg", "dish-araneae.jpg", PLATE]
    )
    options = parser.parse_args()
    programs = dict(PROGRAMS)
    if shutil.which("cpfind") is None:
        print(
            "hugin is not installed (Debian: apt install hugin-tools); without it", file=sys.stderr
        )
        del programs["hugin"]
    for scene in options.scenes:
        if scene == PLATE:
            pixels = simulate_photo(5, n_specimens=160, size_px=2000).pixels
        else:
            pixels = open_photo(options.photos / scene).pixels()
        for setting, stage in STAGES.items():
            for seed in range(1, options.seeds + 1):
                tiles = list(iter_tiles(pixels, stage, np.random.default_rng(seed)))
                for names in NAMES:
                    order = np.random.default_rng(seed).permutation(len(tiles))
                    compare(f"{scene}, {setting}, seed {seed}", tiles, names, order, programs)


def compare(
    title: str, tiles: list[Tile], names: str, order: np.ndarray, programs: dict[str, Program]
) -> None:
    """Run all programs on the same tiles and print a row each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {}
        for number, tile in enumerate(tiles):
            grid = f"r{tile.row:02d}_c{tile.column:02d}.png"
            letters = "".join(chr(97 + digit) for digit in divmod(int(order[number]), 26)) + ".png"
            path = folder / (grid if names == "grid" else letters)
            write_png(path, tile.pixels)
            paths[path] = tile
        for name, program in programs.items():
            if names != "grid" and name != "berlese":
                continue  # the others read no names
            apart, seconds = program(paths, folder)
            told = (
                f"median {np.median(apart):7.2f} mean {apart.mean():7.2f} max {apart.max():7.2f} px"
                if apart.size
                else "nothing"
            )
            print(
                f"{title:44s} {names:8s} {name:13s} {apart.size:2d} of {len(tiles)} tiles  "
                f"{told:45s} {seconds:6.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
