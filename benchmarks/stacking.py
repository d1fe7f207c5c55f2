"""Compare `berlese stack` with enfuse on slices whose sharp truth is known.

    python benchmarks/stacking.py [--photos FOLDER] [--side PIXELS] [--seeds N]

Slices are simulated from real and from simulated sharp photos. enfuse (five settings; the best
one by PSNR counts) takes the slices that align_image_stack aligned, and, apart from that, those
that `berlese` aligned, which tells fusing from aligning. Every result is laid onto the truth by
the same registration and a straight line a channel (each program takes the geometry and the light
of another slice), and scored without its border. Seconds are of the processor, user and system.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from berlese.photos.frames import open_frame, write_frame
from berlese.photos.reading import open_photo
from berlese.photos.registration import lay_onto, register
from berlese.photos.stack import METHODS, Stacked, StackSettings, stack_slices
from berlese.photos.writing import write_png
from berlese.simulate.focus import FocusDrive, domes, iter_slices
from berlese.simulate.surveys import simulate_photo

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bulk"
BY_CONTRAST = ("--exposure-weight=0", "--saturation-weight=0", "--contrast-weight=1")
ENFUSE = {
    "hard mask": ("--hard-mask",),
    "hard mask, l-star": ("--hard-mask", "--gray-projector=l-star"),
    "hard mask, window 9": ("--hard-mask", "--contrast-window-size=9"),
    "hard mask, edges": ("--hard-mask", "--contrast-edge-scale=0.5"),
    "soft mask": ("--soft-mask",),
}


def scenes(photos: Path, side: int) -> Iterator[tuple[str, np.ndarray, FocusDrive]]:
    """Yield a name, a sharp picture and how its slices are taken."""
    strong = FocusDrive()
    gentle = FocusDrive(slices=20, blur_px=14, breathing=-0.0008, drift_px=1.0, noise=2.5)
    for name, drive in (("bark-beetles-1.jpg", strong), ("dish-hemiptera.jpg", gentle)):
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


def score(seen: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """PSNR in dB and SSIM, after laying `seen` onto the truth and evening its light."""
    grey = [cv2.cvtColor(each.astype(np.float32), cv2.COLOR_RGB2GRAY) for each in (truth, seen)]
    laid = lay_onto(seen.astype(np.float32), register(*grey).matrix, truth.shape[1::-1])
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
    """Run a program and return its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*map(str, command)], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def best_of_enfuse(slices: list[Path], folder: Path, truth: np.ndarray) -> tuple[str, tuple]:
    """Fuse aligned slices by each setting; return the best one's name, scores and seconds."""
    results = {}
    for name, flags in ENFUSE.items():
        out = folder / "enfused.tif"
        seconds = run("enfuse", *BY_CONTRAST, *flags, "-o", out, *slices, folder=folder)
        pixels = open_frame(out).pixels()
        results[name] = (*score(pixels, truth), seconds)
    return max(results.items(), key=lambda each: each[1][0])


def laid_slices(stacked: Stacked, folder: Path) -> list[Path]:
    """Write the slices as `berlese` aligned them."""
    paths = []
    for number, each in enumerate(stacked.slices):
        pixels = each.frame.pixels()
        laid = lay_onto(pixels, each.matrix, pixels.shape[1::-1])
        paths.append(folder / f"laid{number:02d}.tif")
        write_frame(paths[-1], laid, each.frame)
    return paths


def compare(name: str, sharp: np.ndarray, drive: FocusDrive, seed: int) -> list[tuple]:
    """Return rows of scene, program, PSNR, SSIM and seconds."""
    rows = []
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
            seconds = time.process_time() - start
            rows.append((name, f"berlese {method}", *score(stacked.pixels, sharp), seconds))
        aligning = run("align_image_stack", "-m", "-a", "aligned", *paths, folder=folder)
        setting, scores = best_of_enfuse(sorted(folder.glob("aligned*")), folder, sharp)
        psnr, ssim, fusing = scores
        rows.append((name, f"align_image_stack, enfuse {setting}", psnr, ssim, aligning + fusing))
        setting, scores = best_of_enfuse(laid_slices(stacked, folder), folder, sharp)
        rows.append((name, f"aligned by berlese, enfuse {setting}", *scores))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--side", type=int, default=800, help="Pixels a side of each scene.")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    for program in ("enfuse", "align_image_stack"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed; on Debian: apt install enfuse hugin-tools")
    for name, sharp, drive in scenes(options.photos, options.side):
        for seed in range(1, options.seeds + 1):
            for scene, program, psnr, ssim, seconds in compare(name, sharp, drive, seed):
                print(
                    f"{scene:18s} {seed} {program:50s} {psnr:6.2f} dB {ssim:.4f} {seconds:6.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
