"""Train the network that cuts clumps, from simulated clumps and clumps pasted of real animals.

    python benchmarks/train_clumps.py [--plates 800] [--epochs 20] [--out FILE.onnx]

Plates have seeds below 1000; pasted ones use the photos of the `train` half. Each thing that
`segment` finds on them is shown as `clump_patch` shows it, with the way from each pixel to the
middle of what is seen of its animal. The last tenth of the plates is kept to report on: the share
of pixels that point within 9 pixels of their middle. About an hour on two cores.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pasted_plates import pasted_plate
from torch import Tensor, nn
from torch.nn import functional
from train_judge import Plate

from berlese.simulate.plates import draw_kind, simulate_plate
from berlese.simulate.surveys import simulate_photo
from berlese.specimens import clumps
from berlese.specimens.bands import Sweep, Thing
from berlese.specimens.candidates import outlines_of
from berlese.specimens.clumps import STEP, UNIT, clump_patch
from berlese.specimens.floor import ground_of, stretched
from berlese.specimens.segment import SMALLEST, Pixels

OUT = Path(clumps.__file__).with_name(clumps.NETWORK)
WIDTHS = (24, 40, 64, 96)
SIDE = 224
CROP = 144  # what is trained on at a time
NEAR = 9  # pixels
BATCH = 16
RATE = 3e-3
TURNED_SIZES = (0.75, 1.2)  # what a patch shrinks or grows to when it is turned
SINGLES = 0.35  # of the patches that show one animal, how many are kept


class Patch(NamedTuple):
    """What the network sees, of shape (4, SIDE, SIDE), and the number of each pixel's animal."""

    values: NDArray[np.float16]
    owner: NDArray[np.int16]


class Example(NamedTuple):
    """A varied crop of shape (4, CROP, CROP), the way to the middles, and which pixels count."""

    values: NDArray[np.float32]
    offsets: NDArray[np.float32]
    known: NDArray[np.bool_]


class Network(nn.Module):
    """A small U-Net that gives two offsets a pixel; it works at half of the patch's size."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Conv2d(4, WIDTHS[0], 4, stride=2, padding=1, bias=False)
        first = nn.Sequential(stem, *_normed(WIDTHS[0]), *_layer(WIDTHS[0], WIDTHS[0]))
        self.down = nn.ModuleList([first, *(_pair(a, b) for a, b in pairwise(WIDTHS))])
        self.up = nn.ModuleList(_pair(a + b, b) for a, b in pairwise(WIDTHS[::-1]))
        self.last = nn.Conv2d(WIDTHS[0], 2, 1)

    def forward(self, values: Tensor) -> Tensor:
        kept = []
        for number, pair in enumerate(self.down):
            values = pair(functional.max_pool2d(values, 2) if number else values)
            kept.append(values)
        for pair, beside in zip(self.up, kept[-2::-1], strict=True):
            larger = functional.interpolate(values, scale_factor=2.0, mode="nearest")
            values = pair(torch.cat([larger, beside], 1))
        return functional.interpolate(self.last(values), scale_factor=2.0, mode="bilinear")


def _pair(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(*_layer(n_in, n_out), *_layer(n_out, n_out))


def _layer(n_in: int, n_out: int) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), *_normed(n_out)]


def _normed(n: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(n), nn.ReLU()]


def plates_of(seed: int) -> Iterator[Plate]:
    """Yield plates of one seed on which most animals lie on others."""
    rng = np.random.default_rng([seed, 2])
    kind = draw_kind(rng)
    short = rng.uniform(25, 90)
    kind = replace(
        kind,
        length_px=(short, short * rng.uniform(1.3, 4)),
        animals=float(np.clip((350 / short) ** 1.2, 8, 40)),
        grains=kind.grains / 6,
        clumped=rng.uniform(0.5, 0.9),
        most_overlap=rng.uniform(0.1, 0.5),
        ruler=False,
    )
    photos = [simulate_plate(seed, kind, size_px=1000)]
    if seed % 4 == 1:
        photos.append(simulate_photo(20_000 + seed, n_specimens=30, size_px=1000))
    for photo in photos:
        masks = [each.mask for each in photo.specimens]
        yield Plate(photo.pixels, [each.box for each in photo.specimens], masks)
    if seed % 2:
        pasted = pasted_plate(seed, half="train", size=1000, spread=0.4, clumped=0.8)
        yield Plate(pasted.pixels, pasted.boxes, pasted.masks)


def patches_of(plate: Plate, rng: np.random.Generator) -> Iterator[Patch]:
    """Yield what the network shall see of the things on a plate."""
    owner = np.zeros(plate.pixels.shape[:2], np.int16)
    for number, (box, mask) in enumerate(zip(plate.boxes, plate.masks, strict=True), start=1):
        owner[box.top : box.bottom, box.left : box.right][mask] = number
    photo = Pixels(plate.pixels)
    ground = stretched(ground_of(plate.pixels), photo.width, photo.height)
    for thing in Sweep(photo, ground, SMALLEST).things():
        for mask, left, top in outlines_of(thing, SMALLEST):
            patch = _patch(thing, mask, left, top, owner)
            count = len(np.unique(patch.owner[patch.owner > 0]))
            if count > 1 or (count == 1 and rng.random() < SINGLES):
                yield patch


def _patch(
    thing: Thing, mask: NDArray[np.bool_], left: int, top: int, owner: NDArray[np.int16]
) -> Patch:
    rows, columns = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
    values, scale = clump_patch(thing.pixels[rows, columns], thing.ground[rows, columns], mask)
    own = owner[thing.top + top :, thing.left + left :][: mask.shape[0], : mask.shape[1]] * mask
    down = np.minimum((np.arange(SIDE) / scale).astype(int), len(own) - 1)
    across = np.minimum((np.arange(SIDE) / scale).astype(int), own.shape[1] - 1)
    seen = own[np.ix_(down, across)]
    whole = np.zeros((4, SIDE, SIDE), np.float32)
    height, width = (min(SIDE, side) for side in values.shape[1:])
    whole[:, :height, :width] = values[:, :height, :width]
    seen[round(mask.shape[0] * scale) :] = 0
    seen[:, round(mask.shape[1] * scale) :] = 0
    return Patch(whole.astype(np.float16), np.asarray(seen, np.int16))


def middles_of(owner: NDArray[np.int16]) -> NDArray[np.float64]:
    """Middle of the pixels of each animal, across and down, a row for each number from 0."""
    rows, columns = np.nonzero(owner)
    own = owner[rows, columns]
    counts = np.maximum(np.bincount(own), 1)
    return np.stack([np.bincount(own, columns) / counts, np.bincount(own, rows) / counts], 1)


def offsets_of(owner: NDArray[np.int16], middles: NDArray[np.float64]) -> NDArray[np.float32]:
    """Way of each pixel to its animal's middle, down and across, in the network's unit."""
    offsets = np.zeros((2, *owner.shape), np.float32)
    rows, columns = np.nonzero(owner)
    across, down = middles[owner[rows, columns]].T
    offsets[:, rows, columns] = np.stack([down - rows, across - columns]) / UNIT
    return offsets


def varied(patch: Patch, rng: np.random.Generator) -> Example:
    """Turn, mirror, resize, recolour and crop a patch around one of its pixels."""
    size, angle = rng.uniform(*TURNED_SIZES), rng.uniform(0, 360)
    rows, columns = np.nonzero(patch.owner)
    at = int(rng.integers(len(rows)))
    aim = np.array([columns[at], rows[at]], float)
    turn = cv2.getRotationMatrix2D((float(aim[0]), float(aim[1])), angle, size)
    turn[:, 2] += CROP * rng.uniform(0.3, 0.7, 2) - aim
    if rng.random() < 0.5:
        turn[0] = [-turn[0, 0], -turn[0, 1], CROP - turn[0, 2]]
    seen = patch.values.transpose(1, 2, 0).astype(np.float32)
    planes = cv2.warpAffine(seen, turn, (CROP, CROP))
    owner = cv2.warpAffine(patch.owner, turn, (CROP, CROP), flags=cv2.INTER_NEAREST)
    values = np.ascontiguousarray(planes.transpose(2, 0, 1))
    strength = rng.uniform(0.5, 1.4) * rng.uniform(0.85, 1.15, (3, 1, 1))
    if rng.random() < 0.3:
        strength = -strength  # dark on light, or light on dark
    values[:3] *= strength.astype(np.float32)
    values[:3] += np.float32(rng.uniform(0, 0.06)) * rng.standard_normal(
        (3, CROP, CROP), np.float32
    )
    middles = middles_of(patch.owner) @ turn[:, :2].T + turn[:, 2]
    return Example(values, offsets_of(owner, middles), owner > 0)


def train(patches: list[Patch], epochs: int) -> Network:
    """Train on all patches."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = Network().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    steps = epochs * (len(patches) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        order = rng.permutation(len(patches))[: len(patches) // BATCH * BATCH]
        for rows in order.reshape(-1, BATCH):
            batch = [varied(patches[row], rng) for row in rows]
            values = torch.from_numpy(np.stack([each.values for each in batch]))
            wanted = torch.from_numpy(np.stack([each.offsets for each in batch]))
            known = torch.from_numpy(np.stack([each.known for each in batch]))[:, None]
            with torch.autocast("cpu", torch.bfloat16):  # twice as fast here
                given = network(values.contiguous(memory_format=torch.channels_last)).float()
            off = functional.smooth_l1_loss(given, wanted, beta=0.2, reduction="none")
            loss = (off * known).sum() / known.sum().clamp_min(1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {total * BATCH / len(order):.4f}", flush=True)
    return network.eval()


def report(network: Network, patches: list[Patch]) -> float:
    """Share of pixels, over the clumps, that point within `NEAR` pixels of their middle."""
    near, total = 0, 0
    with torch.inference_mode():
        for patch in patches:
            if len(np.unique(patch.owner[patch.owner > 0])) < 2:
                continue
            values = torch.from_numpy(patch.values[None].astype(np.float32))
            given = network(values)[0].numpy()
            truth = offsets_of(patch.owner, middles_of(patch.owner))
            off = np.hypot(*(given - truth))[patch.owner > 0] * UNIT
            near, total = near + int((off < NEAR).sum()), total + len(off)
    return near / max(total, 1)


def save(network: Network, path: Path) -> None:
    """Write the network for ONNX Runtime, for patches of any size."""
    example = torch.zeros(1, 4, 4 * STEP, 4 * STEP)
    axes = {2: "height", 3: "width"}
    torch.onnx.export(
        network,
        (example,),
        str(path),
        dynamo=False,
        input_names=["values"],
        output_names=["offsets"],
        dynamic_axes={"values": axes, "offsets": axes},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    kept: list[Patch] = []
    held: list[Patch] = []
    for seed in range(options.plates):
        found = held if seed >= 0.9 * options.plates else kept
        for plate in plates_of(seed):
            found += patches_of(plate, rng)
    print(f"{len(kept)} patches to train on, {len(held)} to report on", flush=True)
    network = train(kept, options.epochs)
    print(f"{report(network, held):.3f} of the pixels of clumps point to their middle")
    save(network, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
