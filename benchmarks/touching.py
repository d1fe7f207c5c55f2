"""Split touching animals: how many come out one each, beside plain watershed on the same mask.

    python benchmarks/touching.py [--plates 6] [--seed 3000]

On these plates most animals were laid on another one, by 0.5 to 30 % of their own pixels. An
animal comes out if a found box meets its own at IoU .5. Watershed is the usual recipe: Gaussian,
Otsu's threshold of the contrast, maxima of the distance transform as seeds, 20 pixels apart.
Tells for Berlese how many come out of animals alone, in pairs and in ever larger clumps; what lies
within two pixels of each other is one clump.
"""

import argparse

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.simulate.surveys import SimulatedPhoto
from berlese.specimens.floor import contrast_of, ground_of
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.specimens.segment import segment

GROUNDS = ("white", "grey", "dark")
SIZES = {
    "alone": range(1, 2),
    "in pairs": range(2, 3),
    "in clumps of 3 to 5": range(3, 6),
    "in clumps of 6 to 10": range(6, 11),
    "in larger ones": range(11, 1000),
}


def by_watershed(pixels: NDArray[np.uint8], apart: float) -> list[Box]:
    """Boxes by threshold and watershed of the distance transform."""
    contrast = cv2.GaussianBlur(contrast_of(pixels, ground_of(pixels)), (0, 0), 1)
    _, mask = cv2.threshold(contrast, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    peaks = peak_local_max(depth, min_distance=int(apart), labels=mask, exclude_border=False)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-depth, seeds, mask=mask > 0)
    boxes = []
    for number in range(1, labels.max() + 1):
        left, top, width, height = cv2.boundingRect((labels == number).astype(np.uint8))
        boxes.append(Box(left, top, left + width, top + height))
    return boxes


def clump_sizes(photo: SimulatedPhoto) -> NDArray[np.int_]:
    """How many animals lie in the clump that each animal is in, itself among them."""
    covered = np.zeros(photo.pixels.shape[:2], np.uint8)
    for each in photo.specimens:
        box = each.box
        covered[box.top : box.bottom, box.left : box.right] |= each.mask
    _, clumps = cv2.connectedComponents(cv2.dilate(covered, np.ones((3, 3), np.uint8)))
    places = [np.argwhere(each.mask)[0] + (each.box.top, each.box.left) for each in photo.specimens]
    own = np.array([clumps[tuple(place)] for place in places])
    return np.bincount(own)[own]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=6)
    parser.add_argument("--seed", type=int, default=3000)
    options = parser.parse_args()
    by_size = {name: np.zeros(2, int) for name in SIZES}
    sums: dict[str, NDArray[np.int_]] = {"berlese": np.zeros(3, int), "watershed": np.zeros(3, int)}
    for number in range(options.plates):
        kind = PlateKind(
            ground=GROUNDS[number % len(GROUNDS)],
            length_px=(60, 120),
            animals=30,
            grains=0,
            fibres=0,
            bubbles=0,
            clumped=0.6,
            most_overlap=0.3,
        )
        photo = simulate_plate(options.seed + number, kind, size_px=1000)
        truth = [each.box for each in photo.specimens]
        for name, boxes in (
            ("berlese", [each.box for each in segment(photo.pixels)]),
            ("watershed", by_watershed(photo.pixels, 20)),
        ):
            pairs = match_boxes(boxes, truth)
            sums[name] += (len(pairs), len(boxes), len(truth))
            if name == "berlese":
                met = np.isin(np.arange(len(truth)), [animal for _, animal, _ in pairs])
                sizes = clump_sizes(photo)
                for lying, size in SIZES.items():
                    some = np.isin(sizes, size)
                    by_size[lying] += (met[some].sum(), some.sum())
    for name, (matched, found, true) in sums.items():
        print(
            f"{name:10s} {matched} of {true} animals come out one each ({matched / true:.3f}); "
            f"{found} found, precision {matched / found:.3f}"
        )
    for lying, (matched, true) in by_size.items():
        print(f"berlese, {lying}: {matched} of {true} ({matched / max(true, 1):.3f})")


if __name__ == "__main__":
    main()
