"""Compare the animals that `segment` finds with hand-drawn boxes of a COCO file.

    python benchmarks/segmentation.py [--photos FOLDER] [--truth FILE.coco.json]

Prints a row a photo and the figures over all; default settings; writes nothing.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from berlese.exchange.coco import read_coco
from berlese.photos.reading import open_photo
from berlese.specimens.segment import segment_photo
from berlese.study.detection import NamedBox, compare_with_truth

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bulk"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--truth", type=Path, default=SHARED / "bark-beetles.coco.json")
    options = parser.parse_args()
    if not options.truth.is_file():
        sys.exit(f"{options.truth}: does not exist; give --truth and --photos.")
    found, truth, seconds = {}, {}, []
    for photo in read_coco(options.truth):
        start = time.perf_counter()
        specimens = segment_photo(open_photo(options.photos / photo.file_name))
        seconds.append(time.perf_counter() - start)
        found[photo.file_name] = [NamedBox(each.box) for each in specimens]
        truth[photo.file_name] = [NamedBox(each.box) for each in photo.specimens]
        alone = compare_with_truth(
            {photo.file_name: found[photo.file_name]}, {photo.file_name: truth[photo.file_name]}
        )
        print(
            f"{photo.file_name:24s} true {alone.specimens:3d}  found {alone.found:3d}  "
            f"matched {alone.matched:3d}  mean IoU {alone.mean_iou:.3f}  {seconds[-1]:.2f} s"
        )
    report = compare_with_truth(found, truth)
    print(
        f"precision {report.precision:.3f}  recall {report.recall:.3f}  F1 {report.f1:.3f} at IoU "
        f".5, mean IoU of the matched {report.mean_iou:.3f}; median {np.median(seconds):.2f} s"
    )


if __name__ == "__main__":
    main()
