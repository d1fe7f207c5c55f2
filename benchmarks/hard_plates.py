"""Find the animals of hard plates, simulated and pasted from real photos, and compare.

    python benchmarks/hard_plates.py [--plates 8] [--size 2000] [--seed 1000] [--half test]
                                     [--overlays FOLDER]

Prints precision, recall and F1 of boxes at IoU .5 a plate and over all; default settings.
Settings and the classifier were chosen on other seeds (below 1000) and the other half.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pasted_plates import SHARED, pasted_plate

from berlese.photos.writing import write_jpeg
from berlese.simulate.plates import simulate_plate
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.specimens.overlay import draw_overlay
from berlese.specimens.segment import segment

KINDS = ("simulated", "pasted") if SHARED.is_dir() else ("simulated",)


def plates(
    kind: str, count: int, size: int, seed: int, half: str
) -> Iterator[tuple[str, NDArray[np.uint8], list[Box]]]:
    """Yield name, pixels and true boxes of plates of a kind."""
    for number in range(seed, seed + count):
        if kind == "simulated":
            photo = simulate_plate(number, size_px=size)
            yield f"simulated-{number}", photo.pixels, [each.box for each in photo.specimens]
        else:
            plate = pasted_plate(number, half=half, size=size)
            yield f"pasted-{number}", plate.pixels, list(plate.boxes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=8)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--half", choices=("train", "test"), default="test")
    parser.add_argument("--overlays", type=Path)
    options = parser.parse_args()
    for kind in KINDS:
        sums = np.zeros(3, int)
        ious: list[float] = []
        scores = []
        for name, pixels, truth in plates(
            kind, options.plates, options.size, options.seed, options.half
        ):
            start = time.process_time()
            found = segment(pixels)
            seconds = time.process_time() - start
            pairs = match_boxes([each.box for each in found], truth)
            row = np.array([len(pairs), len(found), len(truth)])
            sums += row
            ious += [iou for _, _, iou in pairs]
            scores.append(_f1(row))
            print(
                f"{name:16s} true {row[2]:4d}  found {row[1]:4d}  matched {row[0]:4d}  "
                f"F1 {_f1(row):.3f}  {seconds:.1f} s",
                flush=True,
            )
            if options.overlays:
                options.overlays.mkdir(parents=True, exist_ok=True)
                write_jpeg(options.overlays / f"{name}.jpg", draw_overlay(pixels, found))
        print(
            f"{kind}: precision {sums[0] / max(sums[1], 1):.3f}  recall {sums[0] / sums[2]:.3f}  "
            f"F1 {_f1(sums):.3f} (median plate {np.median(scores):.3f}, worst {min(scores):.3f}), "
            f"mean IoU {np.mean(ious):.3f}"
        )


def _f1(row: NDArray[np.int_]) -> float:
    return float(2 * row[0] / max(row[1] + row[2], 1))


if __name__ == "__main__":
    main()
