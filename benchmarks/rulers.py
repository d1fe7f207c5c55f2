"""How often a ruler on a photo is read, and how often something else is taken for one.

    .venv/bin/python benchmarks/rulers.py [RULERS]

Rulers of three divisions, dark and light, 4.5 to 15 pixels from tick to tick, at any angle, on
simulated dishes with blur and noise; then the same dishes and striped things without a ruler.
Prints the rows of a results file.
"""

import sys
import time

import cv2
import numpy as np

from berlese.photos.ruler import find_ruler
from berlese.simulate.lineup import simulate_lineup
from berlese.simulate.plans import TAXA
from berlese.simulate.rulers import TICKS_OF_KIND, lay_ruler

RIGHT = 0.01


def taken(pixels, rng):
    soft = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.0)))
    return np.clip(soft + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)


def with_ruler(pixels, rng, kind, dark):
    every, step_mm = TICKS_OF_KIND[kind]
    scale = step_mm / float(rng.uniform(4.5, 15))
    longs = max(3, round(60 / every))
    middle = tuple((np.array(pixels.shape[1::-1]) * rng.uniform(0.4, 0.6, 2)).tolist())
    laid = lay_ruler(
        *(pixels,),
        middle=middle,
        angle_deg=float(rng.uniform(0, 180)),
        mm_per_pixel=scale,
        kind=kind,
        n_long=longs,
        dark=dark,
    )
    return taken(laid, rng), scale


def stripes(pixels, rng):
    """Equal lines, a barcode or a grid, at any angle."""
    side = 500
    patch, x = np.full((side, side, 3), 235, np.uint8), 5.0
    kind, period = int(rng.integers(3)), float(rng.uniform(5, 16))
    while x < side - 20:
        wide = int(rng.integers(2, 9)) if kind == 1 else max(1, round(0.25 * period))
        cv2.rectangle(patch, (round(x), 20), (round(x) + wide, side - 20), (25, 25, 25), -1)
        x += wide + int(rng.integers(2, 9)) if kind == 1 else period
    if kind == 2:
        patch = np.minimum(patch, patch.transpose(1, 0, 2))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 180)), 0.7)
    turn[:, 2] += np.array(pixels.shape[1::-1]) / 2 - side / 2
    size = pixels.shape[1::-1]
    cover = cv2.warpAffine(np.full((side, side), 255, np.uint8), turn, size)[..., None] / 255
    laid = cv2.warpAffine(patch, turn, size)
    return taken((pixels * (1 - cover) + laid * cover).astype(np.uint8), rng)


def main(count=120):
    rng = np.random.default_rng(11)
    dish = simulate_lineup(21, TAXA, cell_px=230, longest_px=95).pixels
    print("figure,value,spread,on,how")
    seconds = 0.0
    for kind in TICKS_OF_KIND:
        for dark in (False, True):
            errors = []
            for _ in range(count // 6):
                pixels, scale = with_ruler(dish, rng, kind, dark)
                start = time.process_time()
                ruler = find_ruler(pixels)
                seconds += time.process_time() - start
                errors.append(np.nan if ruler is None else ruler.mm_per_pixel / scale - 1)
            known = np.abs([error for error in errors if not np.isnan(error)])
            right, wrong = int((known <= RIGHT).sum()), int((known > RIGHT).sum())
            worst = f"worst of these {known[known <= RIGHT].max():.4f}" if right else ""
            what = f"{kind} {'dark' if dark else 'white'} rulers n={len(errors)}"
            print(f"rulers read within 1 %,{right / len(errors):.3f},{worst},{what},")
            print(f"rulers read wrongly,{wrong / len(errors):.3f},,{what},")
    false = sum(find_ruler(stripes(dish, rng)) is not None for _ in range(count // 2))
    print(f"stripes taken for a ruler,{false / (count // 2):.3f},,stripes n={count // 2},")
    print(f"seconds a photo,{seconds / (count // 6 * 6):.2f},,{dish.shape[1]} pixels wide,CPU time")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
