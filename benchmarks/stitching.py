"""Compare `berlese stitch` with OpenCV's Stitcher and hugin on tiles whose true places are known.

    python benchmarks/stitching.py [--photos FOLDER] [--seeds FIRST LAST] [--out FILE.csv]

Tiles are cut out of real photos and a simulated one by a stage that stops a little off, with small
turns, uneven light and noise. The grain of a real photo is the same in both tiles of an overlap, as
dust on a dish is, but the noise of its camera is not dust: "without grain" is the same photo with
all detail less than 3 grey levels from its surroundings taken away, which leaves the ground bare.

A program's error is how far the middle of each tile lies from its true place after one rigid move
of all tiles (and one scale for the others, which choose their own). Tiles that a program left out,
calls doubtful, or placed by their names alone are counted and have no part in its error. Each
program runs in a process of its own: seconds are of the processor, drawing included; memory is the
most that it held, the interpreter included (not measured for hugin, which is many programs). hugin
reads no names, but under "names" the control points between tiles that are no neighbours are taken
away for it.
"""

import argparse
import csv
import multiprocessing
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from berlese.errors import SettingError
from berlese.photos.reading import open_photo
from berlese.photos.stitch import stitch_tiles
from berlese.photos.writing import write_png
from berlese.simulate.surveys import simulate_photo
from berlese.simulate.tiles import Stage, Tile, iter_tiles

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bulk"
STAGES = {
    "4 x 4, overlap 20 %": Stage(),
    "4 x 6, overlap 15 %": Stage(4, 6, overlap=0.15, turn_deg=0.2, askew_deg=0.8),
    "8 x 8, overlap 15 %": Stage(8, 8, overlap=0.15, turn_deg=0.2, askew_deg=0.8),
}
PLATE = "simulated plate"
BARE = ", without grain"
NAMES = ("names", "no names")
WITH = {"OpenCV SCANS": ("no names",)}
DISHES = [
    *("dish-hemiptera.jpg", f"dish-hemiptera.jpg{BARE}"),
    *("dish-araneae.jpg", f"dish-araneae.jpg{BARE}", PLATE),
]
GRAIN = 3.0  # grey levels
MOST_SECONDS = 600  # of the processor, for each program of hugin
HEADER = (
    *("scene", "stage", "seed", "names", "program", "tiles", "placed", "doubtful"),
    *("mean_px", "median_px", "max_px", "cpu_s", "peak_mb"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one program made of some tiles: names of those placed and where their middles lie."""

    placed: dict[str, np.ndarray]
    doubtful: int
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Task:
    """Tiles as files, and which of them are neighbours, if that may be told."""

    folder: Path
    names: tuple[str, ...]
    size: tuple[int, int]
    neighbours: frozenset[tuple[int, int]] | None

    def middle(self) -> np.ndarray:
        return np.array([(self.size[0] - 1) / 2, (self.size[1] - 1) / 2, 1.0])

    def paths(self) -> list[Path]:
        return [self.folder / name for name in self.names]


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_mb() -> float:
    """Return the most memory that this process held; what it was forked from does not count."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def by_berlese(task: Task) -> Result:
    start = cpu_seconds()
    try:
        stitched = stitch_tiles(task.paths(), task.folder / "mosaic.tif")
    except SettingError:  # no two fit together
        return Result({}, 0, cpu_seconds() - start, peak_mb())
    seconds = cpu_seconds() - start
    doubtful = {each.path for each in stitched.doubtful} | {*stitched.by_name_only}
    placed = {
        each.frame.path.name: each.matrix @ task.middle()
        for each in stitched.placements
        if each.frame.path not in doubtful
    }
    return Result(placed, len(doubtful), seconds, peak_mb())


def by_opencv(task: Task) -> Result:
    """Read places off the cameras that the Stitcher estimates, affine matrices at its own scale."""
    start = cpu_seconds()
    pictures = [cv2.imread(str(path)) for path in task.paths()]
    stitcher = cv2.Stitcher.create(cv2.Stitcher_SCANS)
    try:
        status, mosaic = stitcher.stitch(pictures)
    except cv2.error as error:  # where a tile has too few features
        print(f"    OpenCV: {error.err}", flush=True)
        status = cv2.Stitcher_ERR_NEED_MORE_IMGS
    if status == cv2.Stitcher_OK:
        cv2.imwrite(str(task.folder / "opencv.tif"), mosaic)
    seconds = cpu_seconds() - start
    placed = {}
    if status == cv2.Stitcher_OK:
        work = stitcher.workScale()
        middle = task.middle() * (work, work, 1)
        for number, camera in zip(stitcher.component(), stitcher.cameras(), strict=True):
            matrix = np.asarray(camera.R, float)
            placed[task.names[int(np.ravel(number)[0])]] = (matrix @ middle)[:2]
    return Result(placed, 0, seconds, peak_mb())


def by_hugin(task: Task) -> Result:
    """Run hugin's tools for a flat scene; `pano_trafo` tells where each tile's middle comes.

    A tile counts as placed that control points join to most others.
    """
    start = cpu_seconds()
    move = ["pto_var", "--opt", "TrX,TrY,r", "-o", "d.pto"]  # the camera moves and turns
    try:
        hugin(task, "pto_gen", "-p", "0", "-f", "10", "-o", "a.pto", *task.names)
        hugin(task, "cpfind", "--multirow", "-o", "b.pto", "a.pto")
        keep_neighbours(task, "b.pto")
        hugin(task, "cpclean", "-p", "-o", "c.pto", "b.pto")
        hugin(task, *move, "c.pto")
        hugin(task, "autooptimiser", "-n", "-o", "e.pto", "d.pto")
        hugin(task, "cpclean", "-w", "-s", "-o", "c.pto", "e.pto")  # by where the tiles lie now
        hugin(task, *move, "c.pto")
        hugin(task, "autooptimiser", "-n", "-o", "e.pto", "d.pto")
        flat = ["--projection=0", "--fov=AUTO", "--canvas=AUTO"]
        hugin(task, "pano_modify", *flat, "-o", "f.pto", "e.pto")
        hugin(task, "nona", "-m", "TIFF", "-o", "hugin", "f.pto")
    except subprocess.CalledProcessError as error:
        print(f"    hugin: {error.cmd[0]} failed or took over {MOST_SECONDS} s", flush=True)
        return Result({}, 0, cpu_seconds() - start, float("nan"))
    seconds = cpu_seconds() - start
    x, y, _ = task.middle()
    placed = {}
    for number in joined(task, "f.pto"):
        told = hugin(task, "pano_trafo", "f.pto", str(number), given=f"{x} {y}\n")
        placed[task.names[number]] = np.array([float(word) for word in told.split()[:2]])
    return Result(placed, 0, seconds, float("nan"))


def hugin(task: Task, *command: str, given: str = "") -> str:
    """Run one of hugin's programs in the folder of the tiles."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))

    done = subprocess.run(
        command,
        cwd=task.folder,
        check=True,
        capture_output=True,
        text=True,
        input=given,
        preexec_fn=bound,  # no threads here
    )
    return done.stdout


def pairs_in(project: Path) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Yield the lines of a project and, for control points, which pictures they join."""
    for line in project.read_text(encoding="utf-8").splitlines():
        found = re.match(r"c n(\d+) N(\d+) ", line)
        yield line, (int(found[1]), int(found[2])) if found else None


def keep_neighbours(task: Task, name: str) -> None:
    if task.neighbours is not None:
        lines = [
            line
            for line, pair in pairs_in(task.folder / name)
            if pair is None or pair in task.neighbours
        ]
        (task.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def joined(task: Task, name: str) -> list[int]:
    """Return the pictures of the largest group that control points join."""
    pairs = {pair for _, pair in pairs_in(task.folder / name) if pair is not None}
    count = len(task.names)
    if not pairs:
        return []
    one, two = np.array(sorted(pairs)).T
    graph = coo_array((np.ones(len(one)), (one, two)), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    return np.flatnonzero(group == np.argmax(np.bincount(group))).tolist()


PROGRAMS: dict[str, Callable[[Task], Result]] = {
    "berlese": by_berlese,
    "OpenCV SCANS": by_opencv,
    "hugin": by_hugin,
}


def errors(found: np.ndarray, true: np.ndarray, *, scale: bool) -> np.ndarray:
    """Distances of places from the truth after one move (and scale) of all."""
    here, true = found - found.mean(axis=0), true - true.mean(axis=0)
    left, values, right = np.linalg.svd(here.T @ true)
    factor = values.sum() / np.square(here).sum() if scale else 1.0
    return np.hypot(*(factor * here @ (left @ right) - true).T)


def off_px(result: Result, true: dict[str, np.ndarray], *, scale: bool) -> np.ndarray:
    if len(result.placed) < 2:
        return np.zeros(0)
    return errors(
        np.array(list(result.placed.values())),
        np.array([true[name] for name in result.placed]),
        scale=scale,
    )


def picture_of(scene: str, photos: Path) -> np.ndarray:
    """Return a scene by its name, RGB; without grain it is not whole grey levels."""
    if scene.startswith(PLATE):
        side = int(scene.removeprefix(PLATE).strip() or 2000)
        return simulate_photo(5, n_specimens=160 * side**2 // 2000**2, size_px=side).pixels
    pixels = open_photo(photos / scene.removesuffix(BARE)).pixels()
    if not scene.endswith(BARE):
        return pixels
    smooth = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 16)
    detail = pixels - smooth
    core = np.sign(detail) * np.maximum(np.abs(detail) - GRAIN, 0)
    return np.clip(smooth + core, 0, 255)


def write_tiles(
    folder: Path, tiles: Sequence[Tile], names: str, seed: int
) -> tuple[Task, dict[str, Tile]]:
    """Write tiles under names that tell their places, or nothing; return which is which."""
    order = np.random.default_rng(seed).permutation(len(tiles))
    found = {}
    for tile, rank in zip(tiles, order.tolist(), strict=True):
        grid = f"r{tile.row:02d}_c{tile.column:02d}.png"
        letters = "".join(chr(97 + digit) for digit in divmod(rank, 26)) + ".png"
        name = grid if names == "names" else letters
        write_png(folder / name, tile.pixels)
        found[name] = tile
    ordered = tuple(sorted(found))
    beside = frozenset(
        (one, two)
        for one, first in enumerate(ordered)
        for two, second in enumerate(ordered)
        if abs(found[first].row - found[second].row)
        + abs(found[first].column - found[second].column)
        == 1
    )
    height, width = tiles[0].pixels.shape[:2]
    told = beside if names == "names" else None
    return Task(folder, ordered, (width, height), told), found


def compare(
    tiles: Sequence[Tile], names: str, seed: int, programs: Sequence[str]
) -> Iterator[tuple[str, Result, np.ndarray]]:
    """Run all programs on the same tiles; yield each one's result and errors."""
    for program in programs:
        with tempfile.TemporaryDirectory() as temporary:
            task, known = write_tiles(Path(temporary), tiles, names, seed)
            alone = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=alone) as pool:
                result = pool.submit(PROGRAMS[program], task).result()
            true = {name: tile.matrix @ task.middle() for name, tile in known.items()}
            yield program, result, off_px(result, true, scale=program != "berlese")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--seeds", type=int, nargs=2, default=(21, 22), metavar=("FIRST", "LAST"))
    parser.add_argument("--scenes", nargs="*", default=DISHES, help="A side may follow a plate.")
    parser.add_argument("--stages", nargs="*", default=list(STAGES)[:2], choices=list(STAGES))
    parser.add_argument("--programs", nargs="*", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--out", type=Path, help="A CSV; rows are added to it.")
    options = parser.parse_args()
    if "hugin" in options.programs and shutil.which("cpfind") is None:
        sys.exit("hugin is not installed; on Debian: apt install hugin-tools")
    for scene, stage in product(options.scenes, options.stages):
        pixels = picture_of(scene, options.photos)
        for seed in range(options.seeds[0], options.seeds[1] + 1):
            tiles = list(iter_tiles(pixels, STAGES[stage], np.random.default_rng(seed)))
            for names in NAMES:
                # OpenCV reads no names and is told nothing: once is enough.
                some = [each for each in options.programs if names in WITH.get(each, NAMES)]
                for program, result, apart in compare(tiles, names, seed, some):
                    row = (scene, stage, seed, names, program, len(tiles))
                    write_row(options.out, row, result, apart)


def write_row(
    out: Path | None, row: tuple[str | int, ...], result: Result, apart: np.ndarray
) -> None:
    """Print what came of one program, and add it to the CSV."""
    figures = [f"{each(apart):.3f}" if apart.size else "" for each in (np.mean, np.median, np.max)]
    cells = [*row, apart.size, result.doubtful, *figures]
    cells += [f"{result.cpu_s:.1f}", f"{result.peak_mb:.0f}"]
    print(*cells, sep="  ", flush=True)
    if out is not None:
        begun = out.exists()
        with out.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([cells] if begun else [HEADER, cells])


if __name__ == "__main__":
    main()
