"""Cut animals out of pictures of the web that show one on a plain pale ground.

    python benchmarks/web_animals.py OUT.png

Gnats, dragonflies, crickets, butterflies and ladybirds with all their legs and wings, some of them
drawn: what field photos show badly and the dishes not at all. Of 165 looked at about one in seven
was a toy, or had something with it. Writes a sheet to look at; the pictures are not ours to hand
on.
"""

import argparse
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from field_animals import LEAST_SIDE, WHITE, faded, sheet_of
from numpy.typing import NDArray
from pasted_plates import SHARED, CutOut, cut_out_of, listed_crops

from berlese.photos.writing import write_png

LEAST = 24  # grey levels that an animal is away from its ground
PLAIN, LEAST_PLAIN = 16, 0.93  # grey levels; share of the border that is so near its median
LEAST_PALE = 150  # grey levels of the ground
LEAST_SHARE = 0.85  # of all that is not ground: more is not one animal
FILLED = (0.1, 0.8)  # of its box
MOST_SLENDER = 6.0
FLAT, MOST_FLAT = 1.5, 0.35  # grey levels a pixel; share with less: drawn by a few colours
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@lru_cache(maxsize=1)
def web_animals() -> tuple[CutOut, ...]:
    """Animals of the pictures from the web."""
    files = [row["file"] for row in listed_crops() if row["domain"] == "web"]
    return tuple(each for each in map(_cut_out, files) if each is not None)


def _cut_out(file: str) -> CutOut | None:
    image = cv2.imread(str(SHARED / "insects" / file))
    if image is None:
        return None
    image = np.ascontiguousarray(image[..., ::-1])
    ground = _plain_ground(image)
    found = None if ground is None else _lone_thing(image, ground)
    if ground is None or found is None:
        return None
    mask, left, top = found
    inner = image[top : top + mask.shape[0], left : left + mask.shape[1]].astype(np.float32)
    cut = cut_out_of(mask, inner / ground, most_slender=MOST_SLENDER)
    if cut is None or _is_flat(cut):
        return None
    return replace(cut, ratio=faded(cut.ratio, file))


def _plain_ground(image: Bytes) -> Floats | None:
    """Colour of a picture's border; None where that is not plain and pale."""
    sides = image[:3], image[-3:], image[:, :3], image[:, -3:]
    border = np.concatenate([each.reshape(-1, 3) for each in sides]).astype(np.float32)
    ground = np.median(border, axis=0)
    plain = (np.abs(border - ground).max(axis=1) < PLAIN).mean()
    return ground if plain > LEAST_PLAIN and ground.mean() >= LEAST_PALE else None


def _lone_thing(image: Bytes, ground: Floats) -> tuple[NDArray[np.bool_], int, int] | None:
    """Mask, left and top of the one thing on a plain ground; None where there is no such."""
    away = np.abs(image.astype(np.float32) - ground).max(axis=2)
    strong = (cv2.GaussianBlur(away, (0, 0), 0.7) > LEAST).astype(np.uint8)
    strong = cv2.morphologyEx(strong, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = 1 + int(areas.argmax())
    left, top, width, height = (int(n) for n in stats[largest, :4])
    mask = (labels == largest)[top : top + height, left : left + width]
    whole = min(left, top) >= 2 and left + width <= image.shape[1] - 2
    whole &= top + height <= image.shape[0] - 2
    alone = areas.max() >= LEAST_SHARE * areas.sum() and max(width, height) >= LEAST_SIDE
    clear = FILLED[0] < mask.mean() < FILLED[1]
    return (mask, left, top) if whole and alone and clear else None


def _is_flat(cut: CutOut) -> bool:
    """Tell whether much of an animal is of one colour, as comics are."""
    colours = np.clip(cut.ratio * WHITE, 0, 255).astype(np.uint8)
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    inner = slope[cut.alpha > 0.9]
    return not inner.size or float((inner < FLAT).mean()) >= MOST_FLAT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    animals = web_animals()
    print(f"{len(animals)} animals")
    write_png(options.out, sheet_of(animals))


if __name__ == "__main__":
    main()
