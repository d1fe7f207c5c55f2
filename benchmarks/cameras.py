"""How well animals are found where lamp, sheet, lens and camera are others than usual.

    python benchmarks/cameras.py [--plates 4] [--size 1500] [--seed 1100]
                                 [--conditions NAME ...] [--out FILE.csv]

The same simulated and pasted plates are shown in each of these ways, and what is found is matched
at IoU .5.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from hard_plates import KINDS, plates
from numpy.typing import NDArray
from recording import write_figures

from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.specimens.segment import segment

Bytes = NDArray[np.uint8]
Shown = Sequence[tuple[Bytes, list[Box]]]
Condition = Callable[[Bytes, np.random.Generator], Bytes]


def whole(values: NDArray) -> Bytes:
    """Round to what a picture holds."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def lit(*colour: float) -> Condition:
    """By a lamp of a colour, as shares of white light."""
    return lambda pixels, rng: whole(pixels * np.array(colour))


def curved(power: float) -> Condition:
    """With another curve of tones."""
    return lambda pixels, rng: whole(255 * (pixels / 255.0) ** power)


def noisy(deviation: float) -> Condition:
    """With noise of the sensor, in grey levels."""
    return lambda pixels, rng: whole(pixels + rng.normal(0, deviation, pixels.shape))


def compressed(quality: int) -> Condition:
    """As a JPEG of this quality."""

    def show(pixels: Bytes, rng: np.random.Generator) -> Bytes:
        bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        _, written = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        read = cv2.imdecode(written, cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)

    return show


def blurred(radius: float) -> Condition:
    """Out of focus, by the deviation of a Gaussian in pixels."""
    return lambda pixels, rng: np.asarray(cv2.GaussianBlur(pixels, (0, 0), radius), np.uint8)


def on_paper(grain: float, depth: float) -> Condition:
    """On a sheet with grain of this size in pixels and depth as a share of the brightness."""

    def show(pixels: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = rng.normal(0, 1, pixels.shape[:2]).astype(np.float32)
        sheet = np.asarray(cv2.GaussianBlur(sheet, (0, 0), grain))
        return whole(pixels * (1 + depth * sheet / sheet.std())[..., None])

    return show


def vignetted(depth: float) -> Condition:
    """Darker towards the corners, by this share."""

    def show(pixels: Bytes, rng: np.random.Generator) -> Bytes:
        height, width = pixels.shape[:2]
        down, across = np.mgrid[:height, :width]
        far = 2 * ((across / width - 0.5) ** 2 + (down / height - 0.5) ** 2)
        return whole(pixels * (1 - depth * far)[..., None])

    return show


def from_one_side(depth: float) -> Condition:
    """Darker from right to left, up to this share."""

    def show(pixels: Bytes, rng: np.random.Generator) -> Bytes:
        across = np.linspace(1 - depth, 1, pixels.shape[1])
        return whole(pixels * across[None, :, None])

    return show


def shaded(depth: float, softness: float) -> Condition:
    """With the lower right in a shadow of this depth; its edge is soft over a share of the side."""

    def show(pixels: Bytes, rng: np.random.Generator) -> Bytes:
        height, width = pixels.shape[:2]
        down, across = np.mgrid[:height, :width]
        inside = (0.6 * across / width + 0.8 * down / height - 0.75) / softness
        return whole(pixels * (1 - depth * np.clip(inside + 0.5, 0, 1))[..., None])

    return show


def grey(pixels: Bytes, rng: np.random.Generator) -> Bytes:
    """Without colour."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


CONDITIONS: dict[str, Condition] = {
    "as drawn": lambda pixels, rng: pixels,
    "bluish": lit(0.45, 0.6, 1.0),
    "yellowish": lit(1.0, 0.9, 0.55),
    "dim": lit(0.35, 0.35, 0.35),
    "steep tones": curved(1.8),
    "flat tones": curved(0.6),
    "noise of 8": noisy(8),
    "noise of 15": noisy(15),
    "JPEG quality 30": compressed(30),
    "blurred by 1.5": blurred(1.5),
    "paper, fine": on_paper(2, 0.04),
    "paper, coarse": on_paper(15, 0.04),
    "vignette": vignetted(0.5),
    "from one side": from_one_side(0.6),
    "soft shadow": shaded(0.55, 0.12),
    "sharp shadow": shaded(0.5, 0.004),
    "grey": grey,
}


def measured(shown: Shown, conditions: Iterable[str], seed: int) -> Iterator[tuple[str, ...]]:
    """Yield a figure for each condition: F1 over all plates, and of the worst and best plate."""
    for name in conditions:
        rng = np.random.default_rng(seed)
        counts = []
        for pixels, truth in shown:
            found = [each.box for each in segment(CONDITIONS[name](pixels, rng))]
            counts.append((len(match_boxes(found, truth)), len(found), len(truth)))
        met, said, true = (int(each) for each in np.sum(counts, axis=0))
        scores = [2 * a / max(b + c, 1) for a, b, c in counts]
        spread = f"recall {met / true:.3f}; plates {min(scores):.2f} to {max(scores):.2f}"
        on = f"{len(shown)} plates from seed {seed}, {true} animals"
        yield f"F1, {name}", f"{2 * met / max(said + true, 1):.3f}", spread, on, "cameras.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=4, help="of each kind")
    parser.add_argument("--size", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1100)
    parser.add_argument("--conditions", nargs="*", default=list(CONDITIONS), choices=CONDITIONS)
    parser.add_argument("--out", type=Path, default=Path("cameras.csv"))
    options = parser.parse_args()
    shown = [
        (pixels, truth)
        for kind in KINDS
        for _, pixels, truth in plates(kind, options.plates, options.size, options.seed, "test")
    ]
    write_figures(options.out, measured(shown, options.conditions, options.seed))


if __name__ == "__main__":
    main()
