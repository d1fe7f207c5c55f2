"""Train the network that cuts clumps, from simulated clumps and clumps pasted of real animals.

    python benchmarks/train_clumps.py [--steps 8000] [--held 64] [--workers 1] [--start FILE.pt]
                                      [--out FILE.onnx]

Plates are laid while the network learns, each of a cast of drawn animals and every fifth of real
ones of the `train` half; seeds are below 1000 or above 100,000. Each thing that `segment` finds on
them is shown as `clump_patch` shows it, with what the pixels of each animal shall tell. The mean of
the last states is kept; its weights also go to a .pt file beside `--out`, from which `--start` goes
on. Prints how many animals in clumps are met by a part, on plates drawn anew, animal by animal.

The shipped network is the mean of two: one trained in 38 rounds over the clumps of 640 plates, each
animal drawn anew, and that one after 8,500 steps more as here, with a quarter of the crops from
those first plates; things had no faint lines then (`berlese.specimens.lines`).
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pasted_plates import pasted_plate
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from train_judge import Plate

from berlese.simulate.beetles import DrawnBeetle
from berlese.simulate.plates import draw_cast, draw_kind, simulate_plate
from berlese.specimens import clumps
from berlese.specimens.bands import Sweep, Thing
from berlese.specimens.candidates import outlines_of
from berlese.specimens.clumps import STEP, THICKNESSES, UNIT, clump_patch, gathered
from berlese.specimens.floor import ground_of, stretched
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.specimens.segment import SMALLEST, Pixels

Floats = NDArray[np.float64]
OUT = Path(clumps.__file__).with_name(clumps.NETWORK)
WIDTHS = (24, 40, 64, 96, 128)
TOLD = 6  # way to the middle, root of the covariance, how far off
CROPS = ((128, 16), (128, 16), (128, 16), (224, 5))  # by turns: side, and how many at a time
RATE = 1.5e-3
KEPT_OF_MEAN = 0.998  # of the mean of the last states, at each step
CAST = 1500  # animals drawn for all plates
STORE = 6000  # patches that are drawn from
SHOWN_AS = 4  # crops drawn for each new patch
DOUBT_WEIGHT = 0.05
USUAL_AREA = 400  # pixels of an animal that counts once; smaller ones count more, at most twice
TURNED_SIZES = (0.75, 1.2)  # what a patch shrinks or grows to when it is turned
SINGLES = 0.15  # of the patches that show one animal, how many are kept


class Patch(NamedTuple):
    """What the network sees, of shape (4, h, w), and the number of each pixel's animal."""

    values: NDArray[np.float16]
    owner: NDArray[np.int16]

    @property
    def count(self) -> int:
        """How many animals are seen."""
        return len(np.unique(self.owner[self.owner > 0]))


class Example(NamedTuple):
    """A varied crop of shape (4, crop, crop), what to tell of it, and how much pixels count."""

    values: NDArray[np.float32]
    wanted: NDArray[np.float32]
    weight: NDArray[np.float32]


class Network(nn.Module):
    """A small U-Net that tells six numbers a pixel; it works at half of the patch's size."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Conv2d(4, WIDTHS[0], 4, stride=2, padding=1, bias=False)
        first = nn.Sequential(stem, *_normed(WIDTHS[0]), *_layer(WIDTHS[0], WIDTHS[0]))
        self.down = nn.ModuleList([first, *(_pair(a, b) for a, b in pairwise(WIDTHS))])
        self.up = nn.ModuleList(_pair(a + b, b) for a, b in pairwise(WIDTHS[::-1]))
        self.last = nn.Conv2d(WIDTHS[0], TOLD, 1)

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


def plate_of(seed: int, cast: list[DrawnBeetle], *, dense: bool = True) -> Plate:
    """Lay a plate on which most animals lie on others; without a cast each is drawn anew."""
    if seed % 5 == 0:
        pasted = pasted_plate(100_000 + seed, half="train", size=1000, spread=0.5, clumped=0.85)
        return Plate(pasted.pixels, pasted.boxes, pasted.masks)
    rng = np.random.default_rng([seed, 9])
    kind = draw_kind(rng)
    short = rng.uniform(25, 90)
    many = np.clip((350 / short) ** 1.2, 8, 40) * (rng.uniform(1.5, 4.5) if dense else 1)
    kind = replace(
        kind,
        length_px=(short, short * rng.uniform(1.3, 4)),
        animals=float(many),
        grains=kind.grains / 8,
        fibres=kind.fibres / 3,
        beetles=0,
        clumped=rng.uniform(0.5, 0.95),
        most_overlap=rng.uniform(0.1, 0.5),
        rim=False,
        ruler=False,
    )
    photo = simulate_plate(seed, kind, size_px=1000, cast=cast)
    masks = [each.mask for each in photo.specimens]
    return Plate(photo.pixels, [each.box for each in photo.specimens], masks)


class Crops(IterableDataset):
    """Batches of crops, without end, from plates that are laid on the way."""

    def __init__(self, cast: list[DrawnBeetle], first: int) -> None:
        self.cast, self.first = cast, first

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        info = get_worker_info()
        number, workers = (info.id, info.num_workers) if info else (0, 1)
        rng = np.random.default_rng(number)
        store: list[Patch] = []
        turn, due = 0, 0
        for seed in count(self.first + number, workers):
            new = list(patches_of(plate_of(seed, self.cast), rng))
            store = (store + new)[-STORE:]
            due += SHOWN_AS * len(new)
            while store and due >= CROPS[turn][1]:
                crop, size = CROPS[turn]
                chosen = rng.integers(0, len(store), size)
                yield batch_of([varied(store[each], rng, crop) for each in chosen])
                turn, due = (turn + 1) % len(CROPS), due - size


def batch_of(examples: list[Example]) -> tuple[Tensor, ...]:
    """Stack examples field by field."""
    return tuple(torch.from_numpy(np.stack(each)) for each in zip(*examples, strict=True))


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
            if patch.count > 1 or (patch.count == 1 and rng.random() < SINGLES):
                yield patch


def _patch(
    thing: Thing, mask: NDArray[np.bool_], left: int, top: int, owner: NDArray[np.int16]
) -> Patch:
    rows, columns = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
    values, scale = clump_patch(
        thing.pixels[rows, columns], thing.ground[rows, columns], mask, THICKNESSES[0]
    )
    own = owner[thing.top + top :, thing.left + left :][: mask.shape[0], : mask.shape[1]] * mask
    owner = np.zeros(values.shape[1:], np.int16)
    height, width = round(own.shape[0] * scale), round(own.shape[1] * scale)
    down = np.minimum((np.arange(height) / scale).astype(int), len(own) - 1)
    across = np.minimum((np.arange(width) / scale).astype(int), own.shape[1] - 1)
    owner[:height, :width] = own[np.ix_(down, across)]
    return Patch(values.astype(np.float16), owner)


def moments_of(owner: NDArray[np.int16]) -> tuple[Floats, Floats]:
    """Middle (across, down) and covariance of the pixels of each animal, by number from 0."""
    rows, columns = np.nonzero(owner)
    own = owner[rows, columns]
    counts = np.maximum(np.bincount(own), 1)
    middles = np.stack([np.bincount(own, columns) / counts, np.bincount(own, rows) / counts], 1)
    x, y = columns - middles[own, 0], rows - middles[own, 1]
    xx, xy, yy = (np.bincount(own, each) / counts for each in (x * x, x * y, y * y))
    return middles, np.stack([np.stack([xx, xy], 1), np.stack([xy, yy], 1)], 1)


def roots_of(matrices: Floats) -> Floats:
    """Square roots of symmetric matrices of shape (n, 2, 2), by Cayley and Hamilton."""
    root = np.sqrt(np.maximum(np.linalg.det(matrices), 1e-6))
    scale = np.sqrt(np.trace(matrices, axis1=1, axis2=2) + 2 * root)
    return (matrices + root[:, None, None] * np.eye(2)) / scale[:, None, None]


def wanted_of(
    owner: NDArray[np.int16], middles: Floats, covariances: Floats
) -> NDArray[np.float32]:
    """What each pixel shall tell, of shape (5, h, w): see `berlese.specimens.clumps.gathered`."""
    wanted = np.zeros((TOLD - 1, *owner.shape), np.float32)
    rows, columns = np.nonzero(owner)
    own = owner[rows, columns]
    roots = roots_of(covariances)[own]
    wanted[:, rows, columns] = [
        middles[own, 1] - rows,
        middles[own, 0] - columns,
        roots[:, 1, 1],
        roots[:, 0, 0],
        roots[:, 0, 1] * np.sqrt(2),
    ]
    return wanted / np.float32(UNIT)


def varied(patch: Patch, rng: np.random.Generator, crop: int) -> Example:
    """Turn, mirror, resize, recolour and crop a patch around one of its pixels."""
    size, angle = rng.uniform(*TURNED_SIZES), rng.uniform(0, 360)
    rows, columns = np.nonzero(patch.owner)
    at = int(rng.integers(len(rows)))
    aim = np.array([columns[at], rows[at]], float)
    turn = cv2.getRotationMatrix2D((float(aim[0]), float(aim[1])), angle, size)
    turn[:, 2] += crop * rng.uniform(0.3, 0.7, 2) - aim
    if rng.random() < 0.5:
        turn[0] = [-turn[0, 0], -turn[0, 1], crop - turn[0, 2]]
    seen = patch.values.transpose(1, 2, 0).astype(np.float32)
    planes = cv2.warpAffine(seen, turn, (crop, crop))
    owner = cv2.warpAffine(patch.owner, turn, (crop, crop), flags=cv2.INTER_NEAREST)
    values = np.ascontiguousarray(planes.transpose(2, 0, 1))
    strength = rng.uniform(0.5, 1.4) * rng.uniform(0.85, 1.15, (3, 1, 1))
    if rng.random() < 0.3:
        strength = -strength  # dark on light, or light on dark
    values[:3] *= strength.astype(np.float32)
    values[:3] += np.float32(rng.uniform(0, 0.06)) * rng.standard_normal(
        (3, crop, crop), np.float32
    )
    middles, covariances = moments_of(patch.owner)
    middles = middles @ turn[:, :2].T + turn[:, 2]
    covariances = turn[:, :2] @ covariances @ turn[:, :2].T
    areas = np.maximum(np.bincount(patch.owner.ravel()), 1)
    weight = np.clip(np.sqrt(USUAL_AREA / areas), 0.3, 2).astype(np.float32)
    weight[0] = 0
    return Example(values, wanted_of(owner, middles, covariances), weight[owner])


def train(crops: Iterator[tuple[Tensor, ...]], steps: int, start: Path | None) -> nn.Module:
    """Train on what comes; gives the mean of the last states."""
    torch.manual_seed(0)
    network = Network().to(memory_format=torch.channels_last)
    if start is not None:
        network.load_state_dict(torch.load(start))
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(KEPT_OF_MEAN), use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.05)
    total = 0.0
    for step, batch in zip(range(1, steps + 1), crops, strict=False):
        loss = loss_of(network, *batch)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean.update_parameters(network)
        total += float(loss.detach())
        if step % 200 == 0 or step == steps:
            print(f"step {step} of {steps}: loss {total / ((step - 1) % 200 + 1):.4f}", flush=True)
            total = 0.0
    return mean.module.eval()


def loss_of(network: nn.Module, values: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean error over the pixels, and of the network's own estimate of it."""
    told = network(values.contiguous(memory_format=torch.channels_last))
    off = functional.smooth_l1_loss(told[:, :-1], wanted, beta=0.2, reduction="none").sum(1)
    doubt = (told[:, -1] - torch.log(off.detach() + 0.03)).abs()
    return ((off + DOUBT_WEIGHT * doubt) * weight).sum() / weight.sum().clamp_min(1)


def report(network: Network, patches: list[Patch]) -> tuple[float, float]:
    """Share of animals in clumps that a part meets at IoU .5, and parts for each animal."""
    met, parts, true = 0, 0, 0
    for patch in patches:
        if patch.count < 2:
            continue
        values = patch.values.astype(np.float32)
        with torch.inference_mode():
            told = network(torch.from_numpy(values[None]))[0].numpy()
        animals = boxes_of(patch.owner)
        found = [boxes_of(gathered(told, values[3] > 0.5, *way)) for way in clumps.WAYS]
        parts += sum(map(len, found))
        true += len(animals)
        met += len({pair[1] for boxes in found for pair in match_boxes(boxes, animals)})
    return met / max(true, 1), parts / max(true, 1)


def boxes_of(labels: NDArray[np.integer]) -> list[Box]:
    """Box around the pixels of each number from 1."""
    boxes = []
    for number in np.unique(labels[labels > 0]):
        left, top, width, height = cv2.boundingRect((labels == number).astype(np.uint8))
        boxes.append(Box(left, top, left + width, top + height))
    return boxes


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
        output_names=["told"],
        dynamic_axes={"values": axes, "told": axes},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--held", type=int, default=64, help="plates to report on")
    parser.add_argument("--workers", type=int, default=1, help="processes that lay plates")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    cast = draw_cast(CAST, np.random.default_rng(0))
    print(f"{len(cast)} animals drawn", flush=True)
    crops = DataLoader(Crops(cast, 200_000), batch_size=None, num_workers=options.workers)
    network = train(iter(crops), options.steps, options.start)
    torch.save(network.state_dict(), options.out.with_suffix(".pt"))
    save(network, options.out)
    rng = np.random.default_rng(1)
    held = [
        patch
        for seed in range(options.held)
        for patch in patches_of(plate_of(seed, [], dense=False), rng)
    ]
    met, parts = report(network, held)
    print(f"{met:.3f} of the animals in clumps are met by one of {parts:.1f} parts for each")
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
