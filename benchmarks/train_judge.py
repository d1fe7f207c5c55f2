"""Train the classifier of candidates that the package ships, from simulated and pasted plates.

    python benchmarks/train_judge.py [--plates 320] [--out FILE]

Plates have seeds below 1000; pasted ones use the photos of the `train` half. Lengths on one plate
are alike or spread over a factor of ten; one plate in four is seen through a round mask, which
cuts animals off. A candidate is an
animal if its box meets a true one at IoU .5 and it covers half of that animal and of no other;
several if it covers half of two; part if it lies mostly on animals otherwise; else dirt. Prints
how the networks do on the last fifth of the plates, then trains on all and writes the file.
About 15 minutes on one core for the defaults.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pasted_plates import pasted_plate
from safetensors.numpy import save_file

from berlese.simulate.plates import PlateKind, draw_kind, simulate_plate
from berlese.simulate.surveys import simulate_photo
from berlese.specimens import judge as judging
from berlese.specimens.candidates import Candidate, Reading
from berlese.specimens.context import candidates_in, context_of
from berlese.specimens.outline import Box
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo

OUT = Path(judging.__file__).with_name(judging.WEIGHTS)
HIDDEN = (96, 48)
MEMBERS = 4
EPOCHS = 40
SPARED_SHARE = 0.2
SIDES = (1150, 950, 1400)  # pixels of the plates, by turns
Float = NDArray[np.float64]
Group = tuple[list[Reading], NDArray[np.int64]]


class Plate(NamedTuple):
    """Pixels of shape (side, side, 3), and the box and mask of each animal on them."""

    pixels: NDArray[np.uint8]
    boxes: Sequence[Box]
    masks: Sequence[NDArray[np.bool_]]


def plates_of(seed: int, size: int) -> Iterator[Plate]:
    """Yield the plates of one seed: a simulated and a pasted one, now and then dishes or beans."""
    rng = np.random.default_rng(seed)
    photos = [simulate_plate(seed, kind_of(seed, rng), size_px=size)]
    if seed % 2:
        many = int(rng.integers(8, 30))
        photos.append(simulate_photo(10_000 + seed, n_specimens=many, size_px=size))
    for photo in photos:
        boxes, masks = [s.box for s in photo.specimens], [s.mask for s in photo.specimens]
        yield seen_through(Plate(photo.pixels, boxes, masks), rng)
    if seed % 4 == 2:
        yield beans(seed, size // 2)
    pasted = pasted_plate(seed, half="train", size=size, spread=rng.uniform(0.2, 1.1))
    yield seen_through(Plate(pasted.pixels, list(pasted.boxes), list(pasted.masks)), rng)


def kind_of(seed: int, rng: np.random.Generator) -> PlateKind:
    """Draw what lies on a plate: clumps on every second, all lengths on every third."""
    kind = draw_kind(rng)
    if seed % 2:
        kind = replace(kind, clumped=rng.uniform(0.1, 0.6), most_overlap=0.3)
    if seed % 3 == 0:
        short = rng.uniform(20, 45)
        kind = replace(
            kind,
            length_px=(short, short * rng.uniform(4, 12)),
            animals=rng.uniform(6, 25),
            grains=rng.uniform(0, 40),
        )
    return kind


def seen_through(plate: Plate, rng: np.random.Generator) -> Plate:
    """See one plate in four through a round mask, of which a third is left of an animal at least.

    What the mask hides of an animal is not in its truth.
    """
    if rng.random() > 0.25:
        return plate
    size = len(plate.pixels)
    middle, radius = rng.uniform(0.47, 0.53, 2) * size, rng.uniform(0.4, 0.5) * size
    down, across = np.mgrid[:size, :size] + 0.5
    seen = np.hypot(across - middle[0], down - middle[1]) < radius
    pixels = plate.pixels.copy()
    pixels[~seen] = rng.choice([0, 8, 244, 255])
    boxes, masks = [], []
    for box, mask in zip(plate.boxes, plate.masks, strict=True):
        left = mask & seen[box.top : box.bottom, box.left : box.right]
        if left.sum() > mask.sum() / 3:
            x, y, width, height = cv2.boundingRect(left.astype(np.uint8))
            corner = (box.left + x, box.top + y)
            boxes.append(Box(*corner, corner[0] + width, corner[1] + height))
            masks.append(left[y : y + height, x : x + width])
    return Plate(pixels, boxes, masks)


def beans(seed: int, size: int) -> Plate:
    """Draw plain ellipses, many in pairs, among dirt: animals of which only an outline is seen."""
    rng = np.random.default_rng([seed, 1])
    pixels = simulate_plate(
        seed, replace(draw_kind(rng), animals=0, beetles=0), size_px=size
    ).pixels
    floor = float(np.median(pixels))
    colour = floor * rng.uniform(0.1, 0.7, 3) if floor > 90 else rng.uniform(floor + 60, 240, 3)
    boxes, masks = [], []
    middles = (np.array(np.divmod(rng.permutation(64)[:16], 8)).T + 0.5) * size / 8
    sizes = np.sort(rng.uniform(6, size / 20, (16, 2)), axis=1)[:, ::-1]
    turns = rng.uniform(0, 2 * np.pi, 8)  # every second bean touches the one before
    apart = 0.95 * sizes[::2, 1] + 0.95 * sizes[::2, 1]
    sizes[1::2] = sizes[::2]
    middles[1::2] = middles[::2] + apart[:, None] * np.stack([np.cos(turns), np.sin(turns)], 1)
    for middle, axes in zip(middles, sizes, strict=True):
        whole = np.zeros(pixels.shape[:2], np.uint8)
        where, radii = middle.astype(int).tolist(), axes.astype(int).tolist()
        cv2.ellipse(whole, where, radii, rng.uniform(0, 180), 0, 360, 1, -1)
        pixels[whole > 0] = colour + rng.normal(0, 3, (int(whole.sum()), 3))
        if not whole.any():
            continue
        left, top, width, height = cv2.boundingRect(whole)
        boxes.append(Box(left, top, left + width, top + height))
        masks.append(whole[top : top + height, left : left + width] > 0)
    return Plate(pixels, boxes, masks)


def groups_of(seed: int, size: int) -> Iterator[Group]:
    """Yield what is found on each plate of a seed, with what it truly is."""
    for plate in plates_of(seed, size):
        found = read_photo(Pixels(plate.pixels), SegmentSettings())
        if found:
            yield found, kinds_of(candidates_in(found), plate)


def kinds_of(candidates: Sequence[Candidate], plate: Plate) -> NDArray[np.int64]:
    """Say what each candidate truly is, as an index of `KINDS`."""
    owner = np.zeros(plate.pixels.shape[:2], np.int32)
    for number, (box, mask) in enumerate(zip(plate.boxes, plate.masks, strict=True), start=1):
        owner[box.top : box.bottom, box.left : box.right][mask] = number
    areas = np.array([0, *(mask.sum() for mask in plate.masks)])
    return np.array([_kind(each, owner, areas, plate.boxes) for each in candidates])


def _kind(
    candidate: Candidate, owner: NDArray[np.int32], areas: NDArray[np.int_], boxes: Sequence[Box]
) -> int:
    rows, columns = np.nonzero(candidate.mask)
    rows = np.minimum((rows / candidate.scale + candidate.top).astype(int), len(owner) - 1)
    columns = np.minimum((columns / candidate.scale + candidate.left).astype(int), len(owner) - 1)
    counts = np.bincount(owner[rows, columns], minlength=len(areas))
    share = counts[1:].sum() / max(len(rows), 1)
    counts = counts / candidate.scale**2
    covered = np.flatnonzero(counts[1:] >= 0.5 * areas[1:]) + 1
    box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    if len(covered) > 1:
        return judging.SEVERAL
    if len(covered) == 1 and box.iou(boxes[covered[0] - 1]) >= 0.5:
        return judging.KINDS.index("animal")
    return judging.KINDS.index("part" if share > 0.4 or len(covered) else "dirt")


def train(
    features: Float, kinds: NDArray[np.int64], name: str, *, spared: int = 0, seed: int = 0
) -> dict[str, Float]:
    """Train the members of one network on standardised features of shape (n, d).

    The last `spared` features are left out now and then, so that the network also learns to do
    without: what is typical for a photo may be told wrong where few animals lie on it.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = torch.tensor(np.clip((features - mean) / deviation, -4, 4), dtype=torch.float32)
    target = torch.tensor(kinds)
    state: dict[str, Float] = {
        f"{name}.mean": mean,
        f"{name}.deviation": deviation,
        f"{name}.members": np.array([float(MEMBERS)]),
    }
    for member in range(MEMBERS):
        torch.manual_seed(seed + member)
        sizes = (features.shape[1], *HIDDEN, len(judging.KINDS))
        layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
        net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
        steps = EPOCHS * (len(scaled) // 256 + 1)
        optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        weight = torch.tensor([1.0, 2.0, 1.0, 1.0])  # clumps are few
        loss_of = torch.nn.CrossEntropyLoss(weight, label_smoothing=0.02)
        for _ in range(EPOCHS):
            order = torch.randperm(len(scaled))
            for rows in order.split(256):
                noisy = scaled[rows] + 0.1 * torch.randn(len(rows), scaled.shape[1])
                if spared:
                    noisy[:, -spared:] *= torch.rand(len(rows), 1) > SPARED_SHARE
                loss = loss_of(net(noisy), target[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        for number, layer in enumerate(layers):
            state[f"{name}.{member}.{number}.weight"] = layer.weight.detach().numpy().T
            state[f"{name}.{member}.{number}.bias"] = layer.bias.detach().numpy()
    return state


def train_both(groups: list[Group]) -> dict[str, Float]:
    """Train the network that looks at a candidate alone, then the one that compares."""
    features = np.vstack([_features(found) for found, _ in groups])
    kinds = np.concatenate([each for _, each in groups])
    state = train(features, kinds, "alone")
    context = np.vstack([_context(found, state) for found, _ in groups])
    return state | train(np.hstack([features, context]), kinds, "together", spared=context.shape[1])


def _features(readings: list[Reading]) -> Float:
    return np.array([each.features for each in candidates_in(readings)])


def _context(readings: list[Reading], state: dict[str, Float]) -> Float:
    alone = judging.probabilities(_features(readings), state, "alone")
    return context_of(readings, alone[:, 0])


def report(groups: list[Group], state: dict[str, Float]) -> None:
    """Print how well animals are told from dirt on plates that were not trained on."""
    kinds = np.concatenate([each for _, each in groups])
    features = np.vstack([_features(found) for found, _ in groups])
    context = np.vstack([_context(found, state) for found, _ in groups])
    for name, values in (("alone", features), ("together", np.hstack([features, context]))):
        odds = judging.probabilities(values, state, name)
        table = np.zeros((4, 4), int)
        np.add.at(table, (kinds, odds.argmax(axis=1)), 1)
        print(name, f"accuracy {np.trace(table) / table.sum():.3f}; rows true, columns said:")
        for kind, row in zip(judging.KINDS, table, strict=True):
            print(f"  {kind:8s}", *(f"{count:6d}" for count in row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=320)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    groups = [
        group
        for seed in range(options.plates)
        for group in groups_of(seed, SIDES[seed % len(SIDES)])
    ]
    print(f"{len(groups)} plates, {sum(len(kinds) for _, kinds in groups)} candidates", flush=True)
    split = len(groups) * 4 // 5
    report(groups[split:], train_both(groups[:split]))
    state = {
        key: np.ascontiguousarray(value, np.float32) for key, value in train_both(groups).items()
    }
    save_file(state, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
