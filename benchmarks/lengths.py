"""How near measured lengths and widths come to the truth of the simulator, at any angle.

    .venv/bin/python benchmarks/lengths.py [ANIMALS_A_TAXON] [PHOTOS]

Body lengths are known from how the animals were drawn. They are measured on the exact masks,
on strongly bent ones, on the masks with all gaps filled, and on outlines that berlese found on
photos; beside each, the longer side of the smallest rectangle around the outline. Prints the
rows of a results file.
"""

import sys
import time

import cv2
import numpy as np

from berlese.simulate.lineup import pose_beetle, simulate_lineup
from berlese.simulate.plans import TAXA
from berlese.specimens.measure import measure, measure_mask
from berlese.specimens.segment import segment


def rectangle(points):
    return max(cv2.minAreaRect(points.astype(np.float32))[1]) + 1


def on_masks(count, seed, bend=None, fill=False):
    rows, seconds = [], 0.0
    for number, taxon in enumerate(TAXA):
        for k in range(count):
            animal = pose_beetle(taxon, np.random.default_rng([seed, number, k]), bend=bend)
            mask = animal.mask
            contours, _ = cv2.findContours(
                mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            outline = max(contours, key=len)
            if fill:
                mask = cv2.drawContours(np.zeros_like(mask, np.uint8), [outline], 0, 1, -1) > 0
            start = time.process_time()
            found = measure_mask(mask)
            seconds += time.process_time() - start
            rows.append((found.length_px, found.width_px, rectangle(outline[:, 0]), animal))
    return rows, seconds


def on_photos(count, seed):
    rows, missed = [], 0
    for k in range(count):
        lineup = simulate_lineup(seed + k, [TAXA[(k + i) % len(TAXA)] for i in range(12)])
        found = segment(lineup.pixels)
        for animal, box in zip(lineup.animals, lineup.boxes, strict=True):
            best = max(found, key=lambda each: each.box.iou(box), default=None)
            if best is None or best.box.iou(box) < 0.5:
                missed += 1
                continue
            measured = measure(best, lineup)
            rows.append((measured.length_px, measured.width_px, rectangle(best.polygon), animal))
    return rows, missed


def report(what, rows):
    lengths, widths, boxes = (np.array([row[k] for row in rows]) for k in (0, 1, 2))
    true_length = np.array([row[3].length_px for row in rows])
    true_width = np.array([row[3].width_px for row in rows])
    for name, values, truth, limit in (
        ("length within 5 %", lengths, true_length, 0.05),
        ("width within 10 %", widths, true_width, 0.10),
        ("smallest rectangle's length within 5 %", boxes, true_length, 0.05),
    ):
        error = values / truth - 1
        share = float(np.mean(np.abs(error) <= limit))
        low, middle, high = np.percentile(error, [5, 50, 95])
        print(f"{name},{share:.3f},{middle:+.3f} ({low:+.3f} to {high:+.3f}),{what} n={len(rows)},")


def main(count=30, photos=12):
    print("figure,value,spread,on,how")
    masks, seconds = on_masks(count, 100)
    report("exact masks", masks)
    print(f"milliseconds an animal,{1000 * seconds / len(masks):.0f},,exact masks,CPU time")
    for bend in (0.35, 0.7):
        rows, _ = on_masks(max(count // 3, 1), 200, bend=bend)
        report(f"exact masks of animals bent by {bend}", rows)
    report("exact masks with gaps filled", on_masks(max(count // 3, 1), 100, fill=True)[0])
    rows, missed = on_photos(photos, 1000)
    report(f"outlines found on photos ({missed} not found)", rows)
    for taxon in TAXA:
        own = [row for row in rows if row[3].species.taxon == taxon]
        error = np.array([row[0] / row[3].length_px - 1 for row in own])
        if len(own):
            share = np.mean(np.abs(error) <= 0.05)
            print(
                f"length within 5 %,{share:.2f},{np.median(error):+.3f},{taxon} n={len(own)},photos"
            )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
