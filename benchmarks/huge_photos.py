"""Time and memory of segmenting photos of ever more pixels, beside libvips's own decode.

    python benchmarks/huge_photos.py [--sides 2600 5200 10400] [--runs 2] [--out figures.csv]

Each photo is a mirrored JPEG of one simulated plate, so that animals per pixel stay the same.
Records processor seconds (user and system, all threads) of decoding, of the passage alone and of
all, and the peak of resident memory (on Linux); each figure comes from a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pyvips
from recording import write_figures

from berlese.photos.reading import open_photo
from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.bands import Sweep
from berlese.specimens.floor import ground_of, overview_side, stretched
from berlese.specimens.segment import SMALLEST, segment_photo

TILE = 2600


def photo_of(side: int, folder: Path) -> Path:
    """Write a square photo of `side` pixels of mirrored plates, once."""
    path = folder / f"plate-{side}.jpg"
    if not path.exists():
        kind = PlateKind("ethanol", (60, 120), animals=7, grains=30, fibres=2, bubbles=0.3)
        tile = pyvips.Image.new_from_array(simulate_plate(5, kind, size_px=TILE).pixels)
        pair = tile.join(tile.fliphor(), "horizontal")
        block = pair.join(pair.flipver(), "vertical")
        times = -(-side // block.width)
        whole = block.replicate(times, times).crop(0, 0, side, side)
        whole.copy(interpretation="srgb").jpegsave(str(path), Q=90)
    return path


def decode(path: Path) -> int:
    pyvips.Image.new_from_file(str(path), access="sequential").avg()
    return 0


def passage(path: Path) -> int:
    photo = open_photo(path)
    overview = photo.shrunk(overview_side(photo.width, photo.height))
    levels = ground_of(overview, overview.shape[1] / photo.width)
    ground = stretched(levels, photo.width, photo.height)
    return sum(1 for _ in Sweep(photo, ground, SMALLEST).things())


def whole(path: Path) -> int:
    return len(segment_photo(open_photo(path)))


def peak_mb() -> float:
    """Most memory that this process has had; Linux. `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


JOBS = {"decode": decode, "passage": passage, "segment": whole}


def measured(job: str, path: Path) -> dict[str, float]:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--photo", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def figures(path: Path, runs: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield what is recorded of one photo: medians, and the spread over the runs."""
    measures = [{job: measured(job, path) for job in JOBS} for _ in range(runs)]
    first = measures[0]
    pixels = int(path.stem.split("-")[1]) ** 2 / 1e6
    on = (
        f"simulated plate of {pixels:.0f} megapixels, {first['passage']['count']:.0f} things, "
        f"{first['segment']['count']:.0f} taken for animals"
    )
    how = f"python benchmarks/huge_photos.py --runs {runs}"
    for job in JOBS:
        seconds = [each[job]["cpu"] for each in measures]
        yield (f"processor seconds of {job}", *_told(seconds, "{:.2f}"), on, how)
        if job != "decode":
            over = [each[job]["cpu"] / each["decode"]["cpu"] for each in measures]
            yield (f"processor time of {job} over that of decode", *_told(over, "{:.1f}"), on, how)
        peaks = [each[job]["mb"] for each in measures]
        yield (f"peak MB of {job}", *_told(peaks, "{:.0f}"), on, how)


def _told(values: list[float], form: str) -> tuple[str, str]:
    low, high = form.format(min(values)), form.format(max(values))
    spread = f"{low} to {high} over {len(values)} runs" if len(values) > 1 else "one run"
    return form.format(median(values)), spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[2600, 5200, 10400])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "huge-photos")
    parser.add_argument("--out", type=Path, default=Path(os.devnull))
    parser.add_argument("--job", choices=sorted(JOBS), help=argparse.SUPPRESS)
    parser.add_argument("--photo", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        start = time.process_time()
        count = JOBS[options.job](options.photo)
        seconds = time.process_time() - start
        print(json.dumps({"cpu": seconds, "mb": peak_mb(), "count": count}))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    paths = (photo_of(side, options.folder) for side in options.sides)
    write_figures(options.out, (row for path in paths for row in figures(path, options.runs)))


if __name__ == "__main__":
    main()
