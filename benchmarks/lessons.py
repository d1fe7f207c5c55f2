"""Let a review teach what is no animal on such plates, and look at plates that it did not see.

    python benchmarks/lessons.py [--kinds 8] [--reviewed 4] [--others 4] [--seed 0]

Each kind of plate is drawn once, with much dirt, and several plates of 1,200 pixels are laid of
it. On some of them every animal found is reviewed by the truth (an animal where a box meets a true
one at IoU .5), the lesson is drawn, and precision, recall and F1 on the others are printed, without
and with the lesson.
"""

import argparse
from dataclasses import replace

import numpy as np
from train_choice import box_of

from berlese.simulate.plates import draw_kind, simulate_plate
from berlese.specimens.choice import chosen
from berlese.specimens.lesson import Lesson, learn
from berlese.specimens.matching import match_boxes
from berlese.specimens.segment import Pixels, SegmentSettings, rated_candidates, segment_photo


def reviewed(plates: list) -> Lesson | None:
    """Draw a lesson from plates on which all that is found is reviewed."""
    ratings, evidence, said, photos = [], [], [], []
    for number, plate in enumerate(plates):
        rated = rated_candidates(Pixels(plate.pixels), SegmentSettings())
        if rated is None:
            continue
        taken = chosen(rated).places
        boxes = [box_of(tuple(frame)) for frame in rated.frames[taken].tolist()]
        animals = {at for at, _, _ in match_boxes(boxes, [each.box for each in plate.specimens])}
        ratings.append(rated.ratings[taken])
        evidence.append(rated.evidence[taken])
        said += [at in animals for at in range(len(taken))]
        photos += [number] * len(taken)
    learned = learn(
        np.concatenate(ratings), np.vstack(evidence), np.array(said), np.array(photos, np.intp)
    )
    print(
        f"  reviewed {learned.animals} animals and {learned.others} others: logarithmic loss "
        f"{learned.loss_before:.3f} to {learned.loss_after:.3f}, "
        f"{'a lesson' if learned.lesson else 'nothing learned'}"
    )
    return learned.lesson


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", type=int, default=8)
    parser.add_argument("--reviewed", type=int, default=4)
    parser.add_argument("--others", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    total = np.zeros((2, 3), int)
    for number in range(options.seed, options.seed + options.kinds):
        kind = draw_kind(np.random.default_rng([number, 5]))
        kind = replace(kind, grains=80, fibres=6, bubbles=2, limbs=4, ruler=False)
        count = options.reviewed + options.others
        plates = [
            simulate_plate(1000 * number + each + 500_000, kind, size_px=1200)
            for each in range(count)
        ]
        print(f"kind {number}, {kind.ground}, from {kind.length_px[0]:.0f} px", flush=True)
        lesson = reviewed(plates[: options.reviewed])
        rows = np.zeros((2, 3), int)
        for plate in plates[options.reviewed :]:
            truth = [each.box for each in plate.specimens]
            for row, taught in enumerate((None, lesson)):
                boxes = [each.box for each in segment_photo(Pixels(plate.pixels), lesson=taught)]
                rows[row] += (len(match_boxes(boxes, truth)), len(boxes), len(truth))
        total += rows
        print(f"  without {_told(rows[0])}; with {_told(rows[1])}", flush=True)
    print(f"all: without {_told(total[0])}; with {_told(total[1])}")


def _told(row: np.ndarray) -> str:
    matched, found, true = row.tolist()
    return (
        f"precision {matched / max(found, 1):.3f}, recall {matched / max(true, 1):.3f}, "
        f"F1 {2 * matched / max(found + true, 1):.3f}"
    )


if __name__ == "__main__":
    main()
