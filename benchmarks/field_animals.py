"""Cut animals out of the field photos of the shared data, to paste plates of them.

    python benchmarks/field_animals.py OUT.png [--part 0]

Beetles, flies, bugs, moths, thrips, larvae and mites, seen from all sides, of which the dishes have
none or few. Each picture holds one animal and little of what it sits on; GrabCut (Rother et al.
2004) parts the two from two frames, and what comes out alike and clear both times is kept. Of 256
looked at about one in ten was a leaf or had one with it, of the last part's 166 one in six. The
animals come in four parts that share no photo; cutting one takes some five minutes. Writes a sheet
of it to look at; the pictures are not ours to hand on.
"""

import argparse
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray
from pasted_plates import SHARED, CutOut, cut_out_of, listed_crops

from berlese.photos.writing import write_png

PARTS = 4
HELD_OUT = 3  # the part that is kept to measure by, whatever is trained
LEAST_SIDE = 100  # pixels of the longer side
FRAMES = (0.02, 0.07)  # of the sides: what lies further out is ground
LEAST_AGREED = 0.93  # IoU of what both frames give
FILLED = (0.2, 0.8)  # of the picture
MOST_CUT_OFF = 0.22  # of the picture's border
LEAST_APART = 22  # CIELAB units (OpenCV's 8 bits), on both sides of the outline
LEAST_SOLID = 0.55  # of the convex hull
WHITE = 240  # grey levels that let all light through
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@lru_cache(maxsize=PARTS)
def field_animals(part: int) -> tuple[CutOut, ...]:
    """Animals of one part of the field photos, 0 to 3."""
    rows = [row for row in listed_crops() if row["domain"] == "field"]
    files = [row["file"] for row in rows if _part_of(row["photo"] or row["file"]) == part]
    return tuple(each for each in map(_cut_out, files) if each is not None)


def _part_of(photo: str) -> int:
    return crc32(photo.encode()) % PARTS


def _cut_out(file: str) -> CutOut | None:
    image = cv2.imread(str(SHARED / "insects" / file))
    if image is None or max(image.shape[:2]) < LEAST_SIDE:
        return None
    one, other = (_foreground(image, frame) for frame in FRAMES)
    if not one.any() or not other.any() or not _is_clear(image, one, other):
        return None
    left, top, width, height = cv2.boundingRect(one.astype(np.uint8))
    frame = np.s_[top : top + height, left : left + width]
    colours = faded(image[frame][..., ::-1].astype(np.float32) / WHITE, file)
    return cut_out_of(one[frame], colours, most_slender=np.inf)


def faded(colours: NDArray[np.float32], file: str) -> NDArray[np.float32]:
    """Take a share of the colour away, the same for a file each time, as preserving fluids do."""
    grey = colours.mean(axis=2, keepdims=True)
    kept = np.float32(0.1 + 0.9 * (crc32(file.encode()) // PARTS % 101) / 100)
    return np.asarray(grey + kept * (colours - grey), np.float32)


def _foreground(image: Bytes, frame: float) -> Mask:
    """Largest thing that differs from what lies around the picture's middle."""
    height, width = image.shape[:2]
    pad = max(6, int(0.12 * max(height, width)))
    wide = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    state = np.full(wide.shape[:2], cv2.GC_BGD, np.uint8)
    down, across = pad + int(frame * height), pad + int(frame * width)
    state[down : len(state) - down, across : state.shape[1] - across] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(wide, state, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD))[pad:-pad, pad:-pad].astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    if count < 2:
        return np.zeros(found.shape, bool)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _is_clear(image: Bytes, one: Mask, other: Mask) -> bool:
    """Tell whether both cuts agree on a thing that stands out and is whole."""
    agreed = (one & other).sum() / (one | other).sum()
    border = np.concatenate([one[0], one[-1], one[:, 0], one[:, -1]])
    hull = cv2.convexHull(np.argwhere(one)[:, ::-1].astype(np.int32))
    solid = one.sum() / max(cv2.contourArea(hull), 1)
    return bool(
        agreed > LEAST_AGREED
        and FILLED[0] < one.mean() < FILLED[1]
        and border.mean() < MOST_CUT_OFF
        and solid > LEAST_SOLID
        and _apart(image, one) > LEAST_APART
    )


def _apart(image: Bytes, mask: Mask) -> float:
    """How far the colours on both sides of an outline are from each other."""
    square = np.ones((7, 7), np.uint8)
    own = mask.astype(np.uint8)
    near = cv2.dilate(own, square) > cv2.erode(own, square)
    if not (near & mask).any() or not (near & ~mask).any():
        return 0.0
    colours = cv2.cvtColor(image, cv2.COLOR_BGR2LAB).astype(float)
    return float(np.linalg.norm(colours[near & mask].mean(0) - colours[near & ~mask].mean(0)))


def sheet_of(animals: Sequence[CutOut]) -> Bytes:
    """Lay animals out on white, side by side."""
    side, columns = 72, 16
    sheet = np.full((-(-len(animals) // columns) * side, columns * side, 3), 255, np.uint8)
    for number, each in enumerate(animals):
        shown = 255 * (1 - each.alpha[..., None] * (1 - each.ratio))
        scale = side / max(each.alpha.shape)
        small = cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        small = np.clip(small[:side, :side], 0, 255).astype(np.uint8)
        down, across = number // columns * side, number % columns * side
        sheet[down : down + small.shape[0], across : across + small.shape[1]] = small
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", type=int, choices=range(PARTS), default=0)
    options = parser.parse_args()
    animals = field_animals(options.part)
    print(f"{len(animals)} animals")
    write_png(options.out, sheet_of(animals))


if __name__ == "__main__":
    main()
