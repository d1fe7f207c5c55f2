"""Find the animals of hard plates, simulated and pasted from real photos, and compare.

    python benchmarks/hard_plates.py [--plates 8] [--size 2000] [--seed 1000] [--half test]
                                     [--bulk | --field | --culture] [--overlays FOLDER]

Prints precision, recall and F1 of boxes at IoU .5 a plate and over all, with default settings and
beside them by a crude threshold: Gaussian, Otsu's threshold of how far grey levels are from their
median, connected parts that reach the same least size. With --bulk animals are some 90 pixels long
and lie six to a million pixels, as on bulk plates of 10,000 pixels a side; without, plates are of
all kinds. With --field pasted plates alone are laid, of animals cut out of field photos
(`field_animals.py`); with --culture simulated ones alone, of springtails of one form and all ages,
30 to 240 pixels long, the young ones no larger than grains of dirt. Settings and networks were
chosen on other seeds and the other half.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from field_animals import HELD_OUT, field_animals
from numpy.typing import NDArray
from pasted_plates import SHARED, pasted_plate

from berlese.photos.writing import write_jpeg
from berlese.simulate.plates import PlateKind, draw_kind, simulate_plate
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.specimens.overlay import draw_overlay
from berlese.specimens.segment import SMALLEST, segment
from berlese.specimens.split import LEAST_AREA

KINDS = ("simulated", "pasted") if SHARED.is_dir() else ("simulated",)
LYING = {"any": KINDS, "bulk": KINDS, "field": ("pasted",), "culture": ("simulated",)}
BULK_LENGTH, BULK_ANIMALS = 90, 6  # pixels; on a million pixels


def plates(
    kind: str,
    count: int,
    size: int,
    seed: int,
    half: str,
    *,
    lying: str = "any",
) -> Iterator[tuple[str, NDArray[np.uint8], list[Box]]]:
    """Yield name, pixels and true boxes of plates of a kind, on which lies one of `LYING`."""
    cast = field_animals(HELD_OUT) if lying == "field" else ()
    drawn = {"bulk": bulk_kind, "culture": culture_kind}.get(lying, lambda _: None)
    thick = {"length": BULK_LENGTH, "animals": BULK_ANIMALS, "dirt": 0.5} if lying == "bulk" else {}
    for number in range(seed, seed + count):
        if kind == "simulated":
            photo = simulate_plate(number, drawn(number), size_px=size)
            yield f"simulated-{number}", photo.pixels, [each.box for each in photo.specimens]
        else:
            pasted = pasted_plate(number, half=half, size=size, cast=cast, **thick)
            yield f"pasted-{number}", pasted.pixels, list(pasted.boxes)


def bulk_kind(seed: int) -> PlateKind:
    """Draw a plate of many animals of one size among a third of the usual dirt."""
    kind = draw_kind(np.random.default_rng([seed, 3]))
    return replace(
        kind,
        length_px=(0.7 * BULK_LENGTH, 1.4 * BULK_LENGTH),
        animals=BULK_ANIMALS,
        grains=kind.grains / 3,
        fibres=kind.fibres / 3,
        bubbles=kind.bubbles / 3,
        limbs=kind.limbs / 3,
        beetles=0,
        rim=False,
        ruler=False,
    )


def culture_kind(seed: int) -> PlateKind:
    """Draw a dish of springtails of all ages, all of one form."""
    rng = np.random.default_rng([seed, 77])
    return PlateKind(
        ground=("dark", "dark", "grey", "ethanol")[seed % 4],
        length_px=(30, 240),
        animals=rng.uniform(7, 14),
        grains=rng.uniform(10, 60),
        fibres=rng.uniform(0, 4),
        bubbles=rng.uniform(0, 1),
        clumped=rng.uniform(0.03, 0.15),
        rim=bool(seed % 2),
        ruler=bool(seed % 3 == 0),
        limbs=rng.uniform(0, 1),
        taxa=("Entomobryomorpha",),
    )


def by_threshold(pixels: NDArray[np.uint8]) -> list[Box]:
    """Boxes of what a crude threshold parts from the ground."""
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (0, 0), 1)
    away = cv2.absdiff(grey, np.full_like(grey, int(np.median(grey))))
    _, mask = cv2.threshold(away, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [
        Box(int(left), int(top), int(left + width), int(top + height))
        for left, top, width, height, area in stats[1:]
        if np.hypot(width, height) >= SMALLEST and area >= LEAST_AREA * SMALLEST**2
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=8)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--half", choices=("train", "test"), default="test")
    lying = parser.add_mutually_exclusive_group()
    for name in ("bulk", "field", "culture"):
        lying.add_argument(f"--{name}", dest="lying", action="store_const", const=name)
    parser.set_defaults(lying="any")
    parser.add_argument("--overlays", type=Path)
    options = parser.parse_args()
    for kind in LYING[options.lying]:
        sums, crude = np.zeros(3, int), np.zeros(3, int)
        ious: list[float] = []
        scores = []
        setting = (options.plates, options.size, options.seed, options.half)
        for name, pixels, truth in plates(kind, *setting, lying=options.lying):
            start = time.process_time()
            found = segment(pixels)
            seconds = time.process_time() - start
            pairs = match_boxes([each.box for each in found], truth)
            row = np.array([len(pairs), len(found), len(truth)])
            sums += row
            parted = by_threshold(pixels)
            crude += (len(match_boxes(parted, truth)), len(parted), len(truth))
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
            f"{kind}, by a threshold: precision {crude[0] / max(crude[1], 1):.3f}  "
            f"recall {crude[0] / crude[2]:.3f}  F1 {_f1(crude):.3f}"
        )
        print(
            f"{kind}: precision {sums[0] / max(sums[1], 1):.3f}  recall {sums[0] / sums[2]:.3f}  "
            f"F1 {_f1(sums):.3f} (median plate {np.median(scores):.3f}, worst {min(scores):.3f}), "
            f"mean IoU {np.mean(ious):.3f}"
        )


def _f1(row: NDArray[np.int_]) -> float:
    return float(2 * row[0] / max(row[1] + row[2], 1))


if __name__ == "__main__":
    main()
