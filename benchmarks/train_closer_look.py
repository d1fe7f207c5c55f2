"""Train the network that looks closer at what may be an animal, on simulated and pasted plates.

    python benchmarks/train_closer_look.py OUT.onnx [--plates 660] [--first 40000] [--epochs 12]
                                           [--members 2] [--workers 2]

Plates are laid as `train_choice.py` lays them, from other seeds: what the network says of that
one's plates is as honest as what it will say of new photos, but for the animals of dishes, which
are the same. It sees the candidates that the judge leaves in play, turned, resized and recoloured,
and learns of which kind each is and, as its box meets an animal's at an IoU of .3 to .7, a number
from 0 to 1. Prints, for plates from another seed, how well it tells animals from all else, beside
the first look. The members of the shipped network are of 600 plates without animals of field
photos, from 40,000 to 40,299 and from 40,360 to 40,659, of which more clumps were cut finely than
are now (from two and from three parts), each trained for an hour and a quarter on one core. One of
them went on for 36 minutes with 710 plates of animals of field photos, of the web and, densely
laid, of the dishes. Both saw things without faint lines (`berlese.specimens.lines`). The script
gives a network like it, not the same.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional
from train_choice import plate_of, wanted_of
from train_judge import KIND_WEIGHTS, other_animals, save_look, truths_of

from berlese.specimens.candidates import Looks
from berlese.specimens.choice import in_play
from berlese.specimens.context import candidates_in
from berlese.specimens.judge import judge
from berlese.specimens.look import ANIMAL, CLOSER, KINDS, PLANES, log_odds
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo

WIDTHS = (24, 48, 96, 160)
BATCH = 128
RATE = 4e-3
KINDS_WEIGHT = 0.5  # of the loss of the kinds, beside that of how well an animal is met
UNITS = np.array([36, 36, 36, 100, 100], np.float32)[:, None, None]  # in which pictures are held
TURNED = 0.6  # share of the batches that are turned by any angle and resized
HELD_PLATES = 20


class Pictures(NamedTuple):
    """Pictures of n candidates in `UNITS`, of shape (n, 5, side, side), and what they show."""

    values: NDArray[np.int8]
    kinds: NDArray[np.int64]
    met: NDArray[np.float32]
    first: NDArray[np.float32]  # probability of an animal by the first look


class CloserLook(nn.Module):
    """A convolutional network on pictures: four kinds and how well an animal is met, as logits."""

    def __init__(self) -> None:
        super().__init__()
        stem, *widths = WIDTHS
        self.body = nn.Sequential(
            nn.Conv2d(PLANES, stem, 4, stride=2, padding=1, bias=False),
            *_normed(stem),
            *_layer(stem, widths[0], 2),
            *_layer(widths[0], widths[0]),
            nn.MaxPool2d(2),
            *_layer(widths[0], widths[1]),
            *_layer(widths[1], widths[1]),
            nn.MaxPool2d(2),
            *_layer(widths[1], widths[2]),
            *_layer(widths[2], widths[2]),
        )
        self.head = nn.Sequential(
            nn.Linear(2 * widths[2], 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, len(KINDS) + 1)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        seen = self.body(pictures)
        return self.head(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))


def _layer(n_in: int, n_out: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False), *_normed(n_out)]


def _normed(n: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(n), nn.ReLU()]


class Together(nn.Module):
    """Networks that look together: the mean of what they tell."""

    def __init__(self, members: Sequence[CloserLook]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.stack([member(pictures) for member in self.members]).mean(0)


def pictures_on(seed: int) -> Pictures | None:
    """Lay a plate and give the pictures of its candidates that are in play."""
    plate = plate_of(seed, other_animals(0) + other_animals(1))
    looks = Looks(log_odds, lambda seen: np.clip(seen * UNITS, -127, 127).round().astype(np.int8))
    readings = read_photo(Pixels(plate.pixels), SegmentSettings(), quickly=True, looks=looks)
    if not readings:
        return None
    candidates = candidates_in(readings)
    some = [candidates[number] for number in in_play(judge(readings))]
    some = [each for each in some if each.closer is not None]
    if not some:
        return None
    truths = truths_of(some, plate)
    return Pictures(
        np.stack([each.closer for each in some]),
        np.array([kind for kind, _, _ in truths]),
        wanted_of(truths).astype(np.float32),
        np.exp([each.look[ANIMAL] for each in some]).astype(np.float32),
    )


def gathered(seeds: Sequence[int], workers: int) -> Pictures:
    """Give the pictures of many plates."""
    with ProcessPoolExecutor(workers) as pool:
        found = [each for each in pool.map(pictures_on, seeds, chunksize=4) if each is not None]
    return Pictures(*map(np.concatenate, zip(*found, strict=True)))


def batches(
    pictures: Pictures, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield all pictures once, varied, with what is wanted of them."""
    order = rng.permutation(len(pictures.kinds))
    for rows in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH):
        values = torch.from_numpy(pictures.values[rows] / UNITS)
        yield (
            varied(values, rng).contiguous(memory_format=torch.channels_last),
            torch.from_numpy(pictures.kinds[rows]),
            torch.from_numpy(pictures.met[rows]),
        )


def varied(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn, mirror, resize and recolour a batch of pictures."""
    pictures = torch.rot90(pictures, int(rng.integers(4)), (2, 3))
    if rng.random() < 0.5:
        pictures = pictures.flip(3)
    count = len(pictures)
    if rng.random() < TURNED:
        angle, size = rng.uniform(-np.pi / 4, np.pi / 4, count), rng.uniform(0.85, 1.15, count)
        down, across = size * np.cos(angle), size * np.sin(angle)
        nought = np.zeros(count)
        turn = np.array([[down, -across, nought], [across, down, nought]]).transpose(2, 0, 1)
        grid = functional.affine_grid(
            torch.from_numpy(turn).float(), list(pictures.shape), align_corners=False
        )
        pictures = functional.grid_sample(pictures, grid, align_corners=False)
    strength = rng.uniform(0.6, 1.3, (count, 1, 1, 1)) * rng.uniform(0.9, 1.1, (count, 3, 1, 1))
    strength *= np.where(rng.random((count, 1, 1, 1)) < 0.2, -1, 1)  # light on dark, dark on light
    noise = torch.from_numpy(rng.uniform(0, 0.06, (count, 1, 1, 1))).float()
    colours = pictures[:, :3] * torch.from_numpy(strength).float()
    colours = colours + noise * torch.randn(colours.shape)
    return torch.cat([colours, pictures[:, 3:]], 1)


def train(pictures: Pictures, epochs: int, *, seed: int) -> CloserLook:
    """Train one network that looks closer."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = CloserLook().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=2e-2)
    steps = epochs * (len(pictures.kinds) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    weights = torch.tensor(KIND_WEIGHTS)
    for epoch in range(epochs):
        losses = []
        for values, kinds, met in batches(pictures, rng):
            told = network(values)
            loss = functional.binary_cross_entropy_with_logits(told[:, len(KINDS)], met)
            loss = loss + KINDS_WEIGHT * functional.cross_entropy(
                told[:, : len(KINDS)], kinds, weights
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
    return network.eval()


def report(pictures: Pictures, path: Path) -> None:
    """Print how well animals are told from all else by a network that was saved."""
    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    few = np.split(pictures.values, range(BATCH, len(pictures.values), BATCH))
    seen = [session.run(None, {"pictures": (e / UNITS).astype(np.float32)})[0] for e in few]
    told = np.concatenate(seen)
    animal = pictures.met > 0.5
    print(f"{len(animal)} candidates, {animal.sum()} of them animals")
    for name, values in (("first look", pictures.first), ("closer look", told[:, -1])):
        print(f"{name}: area under the curve {roc_auc_score(animal, values):.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--plates", type=int, default=660)
    parser.add_argument("--first", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    last = options.first + options.plates
    if options.plates:
        pictures = gathered(range(options.first, last), options.workers)
        print(f"{len(pictures.kinds)} candidates", flush=True)
        members = [train(pictures, options.epochs, seed=each) for each in range(options.members)]
        save_look(Together(members).eval(), CLOSER, options.out)
        print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")
    report(gathered(range(50_000, 50_000 + HELD_PLATES), options.workers), options.out)


if __name__ == "__main__":
    main()
