"""Compare `berlese stack` with enfuse on slices whose sharp truth is known.

    python benchmarks/stacking.py [--photos FOLDER] [--side PIXELS] [--seeds N] [--few]
        [--out FILE.csv]

Slices are simulated from real and from simulated sharp photos. enfuse has nineteen settings on the
slices that two settings of align_image_stack aligned; of these thirty-eight, the best one on each
stack counts, by PSNR and by SSIM apart, which only one who knows the truth could choose. The best
one also gets the slices that `berlese` aligned, which tells fusing from aligning. Every result is
laid onto the truth by the same registration and a straight line a channel (each program takes the
geometry and the light of another slice), and scored without its border. Seconds are of the
processor, user and system, one thread each.
"""

import argparse
import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import groupby, product
from pathlib import Path

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from berlese.photos.frames import open_frame, write_frame
from berlese.photos.reading import open_photo
from berlese.photos.registration import Matrix, lay_onto, register
from berlese.photos.stack import METHODS, Stacked, StackSettings, stack_slices
from berlese.photos.writing import write_png
from berlese.simulate.focus import FocusDrive, domes, iter_slices
from berlese.simulate.surveys import simulate_photo

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bulk"
BY_CONTRAST = ("--exposure-weight=0", "--saturation-weight=0", "--contrast-weight=1")
HARD = (*BY_CONTRAST, "--hard-mask")
ENFUSE = {
    "hard": HARD,
    "hard, window 3": (*HARD, "--contrast-window-size=3"),
    "hard, window 7": (*HARD, "--contrast-window-size=7"),
    "hard, window 9": (*HARD, "--contrast-window-size=9"),
    "hard, window 15": (*HARD, "--contrast-window-size=15"),
    "hard, l-star": (*HARD, "--gray-projector=l-star"),
    "hard, l-star, window 9": (*HARD, "--gray-projector=l-star", "--contrast-window-size=9"),
    "hard, luminance": (*HARD, "--gray-projector=luminance"),
    "hard, value": (*HARD, "--gray-projector=value"),
    "hard, edges 0.3": (*HARD, "--contrast-edge-scale=0.3"),
    "hard, edges 0.5": (*HARD, "--contrast-edge-scale=0.5"),
    "hard, edges 0.5, window 9": (*HARD, "--contrast-edge-scale=0.5", "--contrast-window-size=9"),
    "hard, edges 1, window 9": (*HARD, "--contrast-edge-scale=1", "--contrast-window-size=9"),
    "hard, 3 levels": (*HARD, "--levels=3"),
    "hard, 5 levels": (*HARD, "--levels=5"),
    "soft": (*BY_CONTRAST, "--soft-mask"),
    "soft, window 9": (*BY_CONTRAST, "--soft-mask", "--contrast-window-size=9"),
    "hard, exposure 0.1": ("--hard-mask", *BY_CONTRAST[1:], "--exposure-weight=0.1"),
    "hard, saturation 0.1": ("--hard-mask", *BY_CONTRAST[::2], "--saturation-weight=0.1"),
}
ALIGNING = {"-m": ("-m",), "-m -i, 20 points": ("-m", "-i", "-c", "20")}
# The others are, on the stacks that had all thirty-eight, like one of these within 0.2 dB or below.
FEW = (
    *("hard", "hard, window 3", "hard, window 9", "hard, window 15", "hard, l-star, window 9"),
    *("hard, edges 0.3", "hard, edges 0.5", "hard, edges 1, window 9", "soft", "soft, window 9"),
    "hard, saturation 0.1",
)


@dataclass(frozen=True, slots=True)
class Score:
    """How near one program came to the truth of one stack."""

    scene: str
    seed: int
    program: str
    setting: str
    psnr_db: float
    ssim: float
    cpu_s: float


def scenes(photos: Path, side: int) -> Iterator[tuple[str, np.ndarray, FocusDrive]]:
    """Yield a name, a sharp picture and how its slices are taken."""
    strong = FocusDrive()
    gentle = FocusDrive(slices=20, blur_px=14, breathing=-0.0008, drift_px=1.0, noise=2.5)
    photographed = {
        "bark-beetles-1.jpg": strong,
        "dish-hemiptera.jpg": gentle,
        "bark-beetles-4.jpg": strong,
        "dish-harvestmen.jpg": gentle,
    }
    for name, drive in photographed.items():
        pixels = open_photo(photos / name).pixels()
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        yield name, np.ascontiguousarray(pixels[top : top + side, left : left + side]), drive
    drawn = simulate_photo(5, n_specimens=40).pixels
    yield "simulated dish", np.ascontiguousarray(drawn[300 : 300 + side, 300 : 300 + side]), strong


def heights_of(sharp: np.ndarray) -> np.ndarray:
    """Raise what is darker than the ground to domes."""
    grey = cv2.GaussianBlur(cv2.cvtColor(sharp, cv2.COLOR_RGB2GRAY), (0, 0), 2)
    limit, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    dark = cv2.morphologyEx((grey < limit).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9)))
    return domes(dark > 0)


def geometry(seen: np.ndarray, truth: np.ndarray) -> Matrix:
    """Return how a result lies on the truth."""
    grey = [cv2.cvtColor(each.astype(np.float32), cv2.COLOR_RGB2GRAY) for each in (truth, seen)]
    return register(*grey).matrix


def score(seen: np.ndarray, truth: np.ndarray, matrix: Matrix) -> tuple[float, float]:
    """PSNR in dB and SSIM, after laying `seen` onto the truth and evening its light."""
    laid = lay_onto(seen.astype(np.float32), matrix, truth.shape[1::-1])
    border = truth.shape[0] // 16
    inner = (slice(border, -border), slice(border, -border))
    laid, true = laid[inner], truth[inner].astype(np.float32)
    for channel in range(3):
        line = np.polyfit(laid[..., channel].ravel()[::7], true[..., channel].ravel()[::7], 1)
        laid[..., channel] = np.polyval(line, laid[..., channel])
    laid = np.clip(laid, 0, 255)
    psnr = 10 * np.log10(255**2 / np.mean(np.square(laid - true)))
    return float(psnr), float(structural_similarity(true, laid, channel_axis=2, data_range=255))


def run(*command: object, folder: Path) -> float:
    """Run a program on one thread and return its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*map(str, command)], cwd=folder, check=True, capture_output=True, env=one)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_enfuse(
    slices: list[Path], truth: np.ndarray, settings: dict[str, tuple[str, ...]]
) -> Iterator[tuple[str, float, float, float]]:
    """Fuse aligned slices by each setting; yield its name, scores and seconds.

    Slices that were aligned once lie on the truth in one way, whatever fuses them.
    """
    out = slices[0].parent / "enfused.tif"
    matrix = None
    for name, flags in settings.items():
        seconds = run("enfuse", *flags, "-o", out, *slices, folder=out.parent)
        pixels = open_frame(out).pixels()
        matrix = geometry(pixels, truth) if matrix is None else matrix
        yield name, *score(pixels, truth, matrix), seconds


def laid_slices(stacked: Stacked, folder: Path) -> list[Path]:
    """Write the slices as `berlese` aligned them."""
    paths = []
    for number, each in enumerate(stacked.slices):
        pixels = each.frame.pixels()
        laid = lay_onto(pixels, each.matrix, pixels.shape[1::-1])
        paths.append(folder / f"laid{number:02d}.tif")
        write_frame(paths[-1], laid, each.frame)
    return paths


def compare(
    scene: str, sharp: np.ndarray, drive: FocusDrive, seed: int, *, few: bool
) -> Iterator[Score]:
    """Yield the scores of all programs on one stack; `few` leaves out settings never near best."""
    aligning_by = dict(list(ALIGNING.items())[:1]) if few else ALIGNING
    settings = {name: ENFUSE[name] for name in FEW} if few else ENFUSE
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = []
        taken = iter_slices(sharp, heights_of(sharp), drive, np.random.default_rng(seed))
        for number, slice_ in enumerate(taken):
            paths.append(folder / f"slice{number:02d}.png")
            write_png(paths[-1], slice_)
        for method in METHODS:
            start = time.process_time()
            stacked = stack_slices(paths, StackSettings(method))
            write_frame(folder / "fused.tif", stacked.pixels, stacked.middle)
            seconds = time.process_time() - start
            scores = score(stacked.pixels, sharp, geometry(stacked.pixels, sharp))
            yield Score(scene, seed, "berlese", method, *scores, seconds)
        peers = []
        for name, flags in aligning_by.items():
            aligning = run("align_image_stack", *flags, "-a", "aligned", *paths, folder=folder)
            aligned = sorted(folder.glob("aligned*.tif"))
            for setting, psnr, ssim, fusing in by_enfuse(aligned, sharp, settings):
                told = f"{name}; {setting}"
                seconds = aligning + fusing
                peers.append((psnr, setting))
                yield Score(scene, seed, "align_image_stack, enfuse", told, psnr, ssim, seconds)
            for path in aligned:
                path.unlink()
        best = max(peers)[1]
        laid = laid_slices(stacked, folder)
        for setting, psnr, ssim, fusing in by_enfuse(laid, sharp, {best: ENFUSE[best]}):
            program = "enfuse on slices aligned by berlese"
            yield Score(scene, seed, program, setting, psnr, ssim, fusing)


def told(scores: list[Score]) -> Iterator[str]:
    """Say over all stacks how the programs did, with mean and standard deviation."""

    def line(name: str, rows: list[Score]) -> str:
        values = np.array([(row.psnr_db, row.ssim, row.cpu_s) for row in rows])
        mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
        return (
            f"{name:46s} {mean[0]:6.2f} +- {spread[0]:.2f} dB   {mean[1]:.4f} +- {spread[1]:.4f}   "
            f"{mean[2]:5.1f} +- {spread[2]:.1f} s   {len(rows)} stacks"
        )

    for method in METHODS:
        yield line(f"berlese {method}", [row for row in scores if row.setting == method])
    peers = [row for row in scores if row.program.startswith("align")]
    stacks = [list(rows) for _, rows in groupby(peers, key=lambda row: (row.scene, row.seed))]
    yield line("enfuse, best PSNR of each stack", [max(s, key=lambda r: r.psnr_db) for s in stacks])
    yield line("enfuse, best SSIM of each stack", [max(s, key=lambda r: r.ssim) for s in stacks])
    for setting in dict.fromkeys(row.setting for row in peers):
        yield line(setting, [row for row in peers if row.setting == setting])
    aligned = [row for row in scores if row.program.startswith("enfuse on")]
    yield line("enfuse on slices aligned by berlese", aligned)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--side", type=int, default=800, help="Pixels a side of each scene.")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--scenes", nargs="*", help="Only these.")
    parser.add_argument("--few", action="store_true", help="Only settings of enfuse near the best.")
    parser.add_argument("--out", type=Path, help="A CSV, one row a stack and setting.")
    options = parser.parse_args()
    for program in ("enfuse", "align_image_stack"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed; on Debian: apt install enfuse hugin-tools")
    cv2.setNumThreads(1)
    chosen = [
        scene
        for scene in scenes(options.photos, options.side)
        if not options.scenes or scene[0] in options.scenes
    ]
    scores = []
    with Path(options.out or os.devnull).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([each.name for each in fields(Score)])
        for seed, (name, sharp, drive) in product(range(1, options.seeds + 1), chosen):
            for row in compare(name, sharp, drive, seed, few=options.few):
                scores.append(row)
                print(*astuple(row), sep="  ", flush=True)
                numbers = (f"{row.psnr_db:.3f}", f"{row.ssim:.5f}", f"{row.cpu_s:.2f}")
                writer.writerow([*astuple(row)[:4], *numbers])
                file.flush()  # a run that is stopped leaves what it had
    print(*told(scores), sep="\n")


if __name__ == "__main__":
    main()
