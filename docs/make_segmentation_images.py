"""Draw the pictures of docs/how-to/segmentation.md: one for each setting, off and on.

.venv/bin/python docs/make_segmentation_images.py
"""

from pathlib import Path

import cv2
import numpy as np

from berlese.photos.writing import write_jpeg
from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.overlay import draw_overlay
from berlese.specimens.segment import SegmentSettings, segment

IMAGES = Path(__file__).parent / "images" / "segmentation"
SIDE = 640
SCENES = {
    "defaults": (
        PlateKind(ground="ethanol", animals=14, grains=40, fibres=4, bubbles=2, ruler=True),
        [SegmentSettings()],
    ),
    "smallest": (
        PlateKind(ground="white", length_px=(30, 160), animals=20, grains=15),
        [SegmentSettings(), SegmentSettings(min_length_px=100)],
    ),
    "polarity": (
        PlateKind(ground="grey", animals=16, grains=5),
        [SegmentSettings(polarity="dark"), SegmentSettings(polarity="light")],
    ),
    "dish": (
        PlateKind(ground="white", animals=16, grains=5),
        [SegmentSettings(dish="whole"), SegmentSettings(dish=(0.5, 0.5, 0.36))],
    ),
}


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for seed, (name, (kind, settings)) in enumerate(SCENES.items(), start=40):
        pixels = simulate_plate(seed, kind, size_px=1100).pixels
        shown = [draw_overlay(pixels, segment(pixels, each)) for each in settings]
        small = [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in shown]
        write_jpeg(IMAGES / f"{name}.jpg", np.ascontiguousarray(np.hstack(small)), quality=78)


if __name__ == "__main__":
    main()
