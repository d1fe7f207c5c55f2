"""Time and memory of segmenting photos of ever more pixels, beside libvips's own decode.

    python benchmarks/huge_photos.py [--sides 2600 5200 10400] [--folder DIR]

Each photo is a mirrored JPEG of one simulated plate, so that animals per pixel stay the same.
Prints CPU seconds (user and system, all threads) of decoding, of the sweep alone and of all, and
the peak of resident memory; each figure comes from a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyvips

from berlese.photos.reading import open_photo
from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.bands import Sweep
from berlese.specimens.floor import OVERVIEW_SIDE, ground_of, stretched
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


def sweep(path: Path) -> int:
    photo = open_photo(path)
    ground = stretched(ground_of(photo.shrunk(OVERVIEW_SIDE)), photo.width, photo.height)
    return sum(1 for _ in Sweep(photo, ground, SMALLEST).things())


def whole(path: Path) -> int:
    return len(segment_photo(open_photo(path)))


JOBS = {"decode": decode, "sweep": sweep, "segment": whole}


def measured(job: str, path: Path) -> dict[str, float]:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--photo", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[2600, 5200, 10400])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "huge-photos")
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--photo", type=Path)
    options = parser.parse_args()
    if options.job:
        start = time.process_time()
        count = JOBS[options.job](options.photo)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu": time.process_time() - start, "mb": peak, "count": count}))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    for side in options.sides:
        path = photo_of(side, options.folder)
        rows = {job: measured(job, path) for job in JOBS}
        base = rows["decode"]["cpu"]
        print(f"{side**2 / 1e6:7.1f} MP", end="")
        for job, row in rows.items():
            print(
                f"   {job} {row['cpu']:.2f} s ({row['cpu'] / base:.1f} x) {row['mb']:.0f} MB",
                end="",
            )
        per = np.array([rows["sweep"]["cpu"], rows["segment"]["cpu"]]) / side**2 * 1e9
        print(
            f"   things {rows['sweep']['count']:.0f}  animals {rows['segment']['count']:.0f}"
            f"   {per[0]:.1f} and {per[1]:.1f} ns a pixel",
            flush=True,
        )


if __name__ == "__main__":
    main()
