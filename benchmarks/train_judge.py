"""Train the networks that tell animals from dirt, from simulated and pasted plates.

    python benchmarks/train_judge.py OUT [--plates 320]

Plates have seeds below 3000; pasted ones use the photos of the `train` half. Two plates of each
seed are pasted densely: one of animals of field photos and of pictures from the web, such as lie on
no dish, and one of the dishes' animals, many of which touch. Lengths on one plate are alike or
spread over a factor of ten, then among many lost limbs; many are seen through a round mask or cut
to a window, both of which cut animals off. A candidate is an animal if its box meets a true one at
IoU .5 and it covers half of that animal and of no other; several if it covers half of two; part if
it lies mostly on animals otherwise; else dirt. An animal of which only the body is seen, not its
thin legs, is met by the candidate that meets it best.

The network that looks is trained on two folds of plates first, which share no real animal, so that
what it says of the other fold is as honest as what it will say of new photos; on this the network
that judges is trained. The two that look go on with all plates then, and look together. Prints how
they do on the last fifth of the plates. Some hours on one core for the defaults. Which candidates
there are depends on the networks in the package, and these saw the animals of both folds; a run
writes `look.onnx` and `judge.safetensors` into the folder OUT. The shipped ones are such ones, of
as many plates, trained by the clock, beside those of before (`join_networks.py`), and on things
without faint lines (`berlese.specimens.lines`): the script gives networks like them, not the same.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from field_animals import field_animals
from numpy.typing import NDArray
from pasted_plates import CutOut, animals_of, pasted_plate
from safetensors.numpy import save_file
from torch import Tensor
from web_animals import web_animals

from berlese.simulate.plates import PlateKind, draw_kind, simulate_plate
from berlese.simulate.surveys import simulate_photo
from berlese.specimens import judge as judging
from berlese.specimens.candidates import Candidate, Looks, Reading
from berlese.specimens.context import CONTEXT, candidates_in
from berlese.specimens.look import (
    ANIMAL,
    DIRT,
    FIRST,
    KINDS,
    PART,
    PLANES,
    SEVERAL,
    Lens,
    log_odds,
)
from berlese.specimens.outline import Box
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo

LOOK_WIDTHS = (24, 48, 96)
LOOK_EPOCHS, MORE_EPOCHS = 12, 6  # of one fold's pictures, then of all
LOOK_RATE = 4e-3
KIND_WEIGHTS = (1.0, 2.0, 1.0, 1.0)  # clumps are few
BODY_IOU = 0.2
HIDDEN = (96, 48)
MEMBERS = {"alone": 4, "together": 16}  # the first is asked about every grain, one by one
EPOCHS = 25
SPARED_SHARE = 0.2
SIDES = (1150, 950, 1400)  # pixels of the plates, by turns
Float = NDArray[np.float64]


class Group(NamedTuple):
    """What is found on one plate, what it truly is, as indices of `KINDS`, and the plate's fold."""

    found: list[Reading]
    kinds: NDArray[np.int64]
    fold: int


class Pictures(NamedTuple):
    """Pictures of shape (n, 5, side, side) and what they show."""

    values: NDArray[np.float16]
    kinds: NDArray[np.int64]


class Plate(NamedTuple):
    """Pixels of shape (side, side, 3), and the box and mask of each animal on them."""

    pixels: NDArray[np.uint8]
    boxes: Sequence[Box]
    masks: Sequence[NDArray[np.bool_]]


def plates_of(seed: int, size: int) -> Iterator[Plate]:
    """Yield the plates of a seed: a simulated, three pasted ones, at times a dish or beans."""
    rng = np.random.default_rng(seed)
    photos = [simulate_plate(seed, kind_of(seed, rng), size_px=size)]
    if seed % 2:
        many = int(rng.integers(8, 30))
        photos.append(simulate_photo(10_000 + seed, n_specimens=many, size_px=size))
    for photo in photos:
        boxes, masks = [s.box for s in photo.specimens], [s.mask for s in photo.specimens]
        yield seen_through(Plate(photo.pixels, boxes, masks), rng)
    if seed % 4 == 2:
        yield seen_through(beans(seed, size // 2), np.random.default_rng([seed, 2]))
    spread = rng.uniform(0.2, 1.1)
    pasted = pasted_plate(seed, half="train", size=size, spread=spread, fold=fold_of(seed))
    yield seen_through(Plate(pasted.pixels, list(pasted.boxes), list(pasted.masks)), rng)
    yield pasted_densely(1000 + seed, size, other_animals(fold_of(seed)), clumped=(0.1, 0.3, 0.6))
    cast = animals_of("train")[fold_of(seed) :: 2]
    yield pasted_densely(2000 + seed, size, cast, clumped=(0.2, 0.4, 0.7))


@lru_cache(maxsize=2)
def other_animals(fold: int) -> tuple[CutOut, ...]:
    """Animals such as lie on no dish, half of them for each fold."""
    return field_animals(fold) + web_animals()[fold::2]


def pasted_densely(
    seed: int, size: int, cast: Sequence[CutOut], *, clumped: Sequence[float]
) -> Plate:
    """Paste a plate of some animals, the more the smaller they are, among little or much dirt.

    `clumped` are the shares of them in clumps, of which one is drawn.
    """
    rng = np.random.default_rng([seed, 3])
    length = float(np.exp(rng.uniform(np.log(25), np.log(150))))
    pasted = pasted_plate(
        seed,
        half="train",
        cast=cast,
        size=size,
        spread=rng.uniform(0.2, 0.8),
        clumped=float(rng.choice(clumped)),
        length=length,
        animals=float(np.clip(rng.uniform(0.3, 1.2) * (450 / length) ** 1.6, 5, 60)),
        dirt=rng.uniform(0.5, 2.5),
    )
    return seen_through(Plate(pasted.pixels, list(pasted.boxes), list(pasted.masks)), rng)


def fold_of(seed: int) -> int:
    """Number of the fold that the plates of a seed belong to."""
    return seed // 4 % 2


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
            limbs=rng.uniform(0, 12),
        )
    return kind


def seen_through(plate: Plate, rng: np.random.Generator) -> Plate:
    """See two plates in five through a round mask, and as many cut to a window, as photos are."""
    size = len(plate.pixels)
    if rng.random() < 0.4:
        middle, radius = rng.uniform(0.47, 0.53, 2) * size, rng.uniform(0.4, 0.5) * size
        down, across = np.mgrid[:size, :size] + 0.5
        seen = np.hypot(across - middle[0], down - middle[1]) < radius
        pixels = plate.pixels.copy()
        pixels[~seen] = rng.choice([0, 8, 244, 255])
        plate = left_of(plate, seen)._replace(pixels=pixels)
    if rng.random() < 0.4:
        left, top, right, bottom = (rng.uniform(0, 0.12, 4) * size).astype(int).tolist()
        window = (slice(top, size - bottom), slice(left, size - right))
        seen = np.zeros((size, size), bool)
        seen[window] = True
        plate = left_of(plate, seen)
        boxes = [
            Box(each.left - left, each.top - top, each.right - left, each.bottom - top)
            for each in plate.boxes
        ]
        plate = Plate(plate.pixels[window].copy(), boxes, plate.masks)
    return plate


def left_of(plate: Plate, seen: NDArray[np.bool_]) -> Plate:
    """Keep of the truth what is seen; an animal counts if a quarter of it is."""
    boxes, masks = [], []
    for box, mask in zip(plate.boxes, plate.masks, strict=True):
        left = mask & seen[box.top : box.bottom, box.left : box.right]
        if left.sum() > mask.sum() / 4:
            x, y, width, height = cv2.boundingRect(left.astype(np.uint8))
            corner = (box.left + x, box.top + y)
            boxes.append(Box(*corner, corner[0] + width, corner[1] + height))
            masks.append(left[y : y + height, x : x + width])
    return Plate(plate.pixels, boxes, masks)


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
    """Yield what is found on each plate of a seed; candidates hold their pictures as their look.

    What is plainly dirt or one animal is not cut or looked at on six plates in seven, as on photos.
    """
    for plate in plates_of(seed, size):
        album: dict[bytes, NDArray[np.float16]] = {}  # pictures by what is told of them

        def looked(seen: NDArray[np.float32]) -> NDArray[np.float32]:
            told = log_odds(seen)
            album.update(zip(map(bytes, told), seen.astype(np.float16), strict=True))  # noqa: B023
            return told

        found = read_photo(
            Pixels(plate.pixels),
            SegmentSettings(),
            quickly=seed % 7 != 3,
            looks=Looks(looked, None),
        )
        if found:
            shown = _with_looks(found, lambda look: album[bytes(look)])  # noqa: B023
            yield Group(shown, kinds_of(candidates_in(found), plate), fold_of(seed))


def _with_looks(
    readings: Sequence[Reading], look_of: Callable[[NDArray], NDArray]
) -> list[Reading]:
    """Put something else in the place of the look of each candidate that has one."""

    def changed(each: Candidate) -> Candidate:
        return each if each.look is None else replace(each, look=look_of(each.look))

    return [[tuple(map(changed, cut)) for cut in cuts] for cuts in readings]


def truths_of(candidates: Sequence[Candidate], plate: Plate) -> list[tuple[int, int, float]]:
    """Kind of each candidate, the one animal that it covers half of (or -1), and the boxes' IoU."""
    owner = np.zeros(plate.pixels.shape[:2], np.int32)
    for number, (box, mask) in enumerate(zip(plate.boxes, plate.masks, strict=True), start=1):
        owner[box.top : box.bottom, box.left : box.right][mask] = number
    areas = np.array([0, *(mask.sum() for mask in plate.masks)])
    return [_kind(each, owner, areas, plate.boxes) for each in candidates]


def kinds_of(candidates: Sequence[Candidate], plate: Plate) -> NDArray[np.int64]:
    """Say what each candidate truly is, as an index of `KINDS`."""
    truths = truths_of(candidates, plate)
    kinds = np.array([kind for kind, _, _ in truths])
    met = {animal for kind, animal, _ in truths if kind == ANIMAL}
    best: dict[int, tuple[float, int]] = {}
    for number, (kind, animal, iou) in enumerate(truths):
        if kind == PART and animal not in met and iou >= BODY_IOU:
            best[animal] = max(best.get(animal, (0.0, -1)), (iou, number))
    kinds[[number for _, number in best.values()]] = ANIMAL
    return kinds


def _kind(
    candidate: Candidate, owner: NDArray[np.int32], areas: NDArray[np.int_], boxes: Sequence[Box]
) -> tuple[int, int, float]:
    rows, columns = np.nonzero(candidate.mask)
    rows = np.minimum((rows / candidate.scale + candidate.top).astype(int), len(owner) - 1)
    columns = np.minimum(
        (columns / candidate.scale + candidate.left).astype(int), owner.shape[1] - 1
    )
    counts = np.bincount(owner[rows, columns], minlength=len(areas))
    share = counts[1:].sum() / max(len(rows), 1)
    counts = counts / candidate.scale**2
    covered = np.flatnonzero(counts[1:] >= 0.5 * areas[1:]) + 1
    box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    if len(covered) > 1:
        return SEVERAL, -1, 0.0
    if len(covered) == 1:
        animal = int(covered[0]) - 1
        iou = box.iou(boxes[animal])
        return ANIMAL if iou >= 0.5 else PART, animal, iou
    return PART if share > 0.4 else DIRT, -1, 0.0


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
        f"{name}.members": np.array([float(MEMBERS[name])]),
    }
    entropy = torch.nn.CrossEntropyLoss(torch.tensor(KIND_WEIGHTS), label_smoothing=0.02)
    training = Training(
        (*HIDDEN, len(KINDS)), EPOCHS, batch=1024, noise=0.1, decay=1e-3, spared=spared
    )
    for member in range(MEMBERS[name]):
        layers = train_layers(
            scaled,
            lambda given, rows: entropy(given, target[rows]),
            training,
            seed=seed + member,
        )
        state |= stored(layers, f"{name}.{member}")
    return state


class Training(NamedTuple):
    """How a network of three layers is trained.

    Parameters
    ----------
    sizes : tuple of int
        Values that each layer gives.
    epochs : int
    batch : int
        Rows at a time.
    noise : float
        Standard deviation of what is added to each standardised value.
    decay : float
        Of the weights.
    spared : int
        Last values that are left out of a row in five.
    """

    sizes: tuple[int, int, int]
    epochs: int
    batch: int
    noise: float
    decay: float
    spared: int = 0


def train_layers(
    scaled: Tensor, loss_of: Callable[[Tensor, Tensor], Tensor], training: Training, *, seed: int
) -> list[torch.nn.Linear]:
    """Train three layers on standardised values of shape (n, d).

    `loss_of` takes what the network gives for some rows, and their numbers.
    """
    torch.manual_seed(seed)
    layers = [torch.nn.Linear(a, b) for a, b in pairwise((scaled.shape[1], *training.sizes))]
    net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    steps = training.epochs * (len(scaled) // training.batch + 1)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=training.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(training.epochs):
        for rows in torch.randperm(len(scaled)).split(training.batch):
            noisy = scaled[rows] + training.noise * torch.randn(len(rows), scaled.shape[1])
            if training.spared:
                noisy[:, -training.spared :] *= torch.rand(len(rows), 1) > SPARED_SHARE
            loss = loss_of(net(noisy), rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return layers


def stored(layers: Sequence[torch.nn.Linear], name: str) -> dict[str, Float]:
    """Name the weights of trained layers as they are stored."""
    state: dict[str, Float] = {}
    for number, layer in enumerate(layers):
        state[f"{name}.{number}.weight"] = layer.weight.detach().numpy().T
        state[f"{name}.{number}.bias"] = layer.bias.detach().numpy()
    return state


class Look(torch.nn.Module):
    """A small convolutional network on pictures; gives the logarithm of each kind's probability."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = []
        n_in, stride = PLANES, 2
        for n_out in LOOK_WIDTHS:
            layers += [] if stride == 2 else [torch.nn.MaxPool2d(2)]
            layers += [torch.nn.Conv2d(n_in, n_out, 2 + stride, stride, padding=1, bias=False)]
            layers += [torch.nn.BatchNorm2d(n_out), torch.nn.ReLU()]
            layers += [torch.nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)]
            layers += [torch.nn.BatchNorm2d(n_out), torch.nn.ReLU()]
            n_in, stride = n_out, 1
        self.body = torch.nn.Sequential(*layers)
        self.head = torch.nn.Sequential(
            torch.nn.Linear(2 * n_in, 48), torch.nn.ReLU(), torch.nn.Linear(48, len(KINDS))
        )

    def forward(self, pictures: Tensor) -> Tensor:
        seen = self.body(pictures)
        pooled = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)
        return torch.log_softmax(self.head(pooled), 1)


class Together(torch.nn.Module):
    """Networks that look together: the mean of their logarithms."""

    def __init__(self, members: Sequence[Look]) -> None:
        super().__init__()
        self.members = torch.nn.ModuleList(members)

    def forward(self, pictures: Tensor) -> Tensor:
        mean = torch.stack([member(pictures) for member in self.members]).mean(0)
        return torch.log_softmax(mean, 1)


def pictures_of(groups: Sequence[Group]) -> Pictures:
    """Gather the pictures of all candidates that were looked at."""
    pairs = [
        (each.look, kind)
        for group in groups
        for each, kind in zip(candidates_in(group.found), group.kinds, strict=True)
        if each.look is not None
    ]
    values, kinds = zip(*pairs, strict=True)
    return Pictures(np.stack(values), np.array(kinds))


def train_look(
    pictures: Pictures, epochs: int, *, seed: int = 0, begun: Look | None = None
) -> Look:
    """Train the network that looks, or go on with one that was `begun` on some of the pictures."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = (Look() if begun is None else deepcopy(begun).train()).to(
        memory_format=torch.channels_last
    )
    rate = LOOK_RATE if begun is None else LOOK_RATE / 2
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=1e-2)
    steps = epochs * (len(pictures.kinds) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.1)
    loss_of = torch.nn.NLLLoss(torch.tensor(KIND_WEIGHTS))
    for epoch in range(epochs):
        total = 0.0
        order = rng.permutation(len(pictures.kinds))[: len(pictures.kinds) // 128 * 128]
        for rows in order.reshape(-1, 128):
            values = varied(torch.from_numpy(pictures.values[rows]).float(), rng)
            given = network(values.contiguous(memory_format=torch.channels_last))
            loss = loss_of(given, torch.from_numpy(pictures.kinds[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"look, epoch {epoch + 1}: loss {total * 128 / len(order):.4f}", flush=True)
    return network.eval()


def varied(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn, mirror and recolour a batch of pictures."""
    pictures = torch.rot90(pictures, int(rng.integers(4)), (2, 3))
    if rng.random() < 0.5:
        pictures = pictures.flip(3)
    count = len(pictures)
    strength = rng.uniform(0.6, 1.3, (count, 1, 1, 1)) * rng.uniform(0.9, 1.1, (count, 3, 1, 1))
    strength *= np.where(rng.random((count, 1, 1, 1)) < 0.2, -1, 1)  # light on dark, dark on light
    noise = rng.uniform(0, 0.06, (count, 1, 1, 1)) * rng.standard_normal(
        (count, 3, FIRST.side, FIRST.side)
    )
    colours = pictures[:, :3] * torch.from_numpy(strength) + torch.from_numpy(noise)
    return torch.cat([colours.float(), pictures[:, 3:]], 1)


def looked_at(group: Group, network: Look) -> Group:
    """Put what the network says of four views of each picture in its place, as photos are seen."""

    def told(picture: NDArray) -> NDArray:
        seen = torch.from_numpy(np.asarray(picture, np.float32))[None]
        views = torch.cat([seen, seen.flip(2, 3), seen.flip(3), seen.flip(2)])
        with torch.inference_mode():
            odds = torch.log_softmax(network(views).mean(0), 0)
        return np.asarray(odds.numpy())

    return group._replace(found=_with_looks(group.found, told))


def cross_looked(groups: Sequence[Group], networks: Sequence[Look]) -> list[Group]:
    """Look at the plates of each fold with the network that was trained on the other."""
    return [looked_at(each, networks[each.fold]) for each in groups]


def train_judge(groups: Sequence[Group]) -> dict[str, Float]:
    """Train the network that knows the measurements alone, then the one that knows all."""
    features = np.vstack([_features(each.found) for each in groups])
    kinds = np.concatenate([each.kinds for each in groups])
    state = train(features, kinds, "alone")
    known = np.vstack([judging.evidence(each.found, state) for each in groups])
    return state | train(known, kinds, "together", spared=len(CONTEXT))


def _features(readings: list[Reading]) -> Float:
    return np.array([each.features for each in candidates_in(readings)])


def report(groups: Sequence[Group], state: dict[str, Float]) -> None:
    """Print how well animals are told from dirt on plates that were not trained on."""
    kinds = np.concatenate([each.kinds for each in groups])
    features = np.vstack([_features(each.found) for each in groups])
    known = np.vstack([judging.evidence(each.found, state) for each in groups])
    looks = known[:, features.shape[1] :][:, : len(KINDS)]
    for name, odds in (
        ("alone", judging.probabilities(features, state, "alone")),
        ("look", looks),
        ("together", judging.probabilities(known, state, "together")),
    ):
        table = np.zeros((4, 4), int)
        np.add.at(table, (kinds, odds.argmax(axis=1)), 1)
        print(name, f"accuracy {np.trace(table) / table.sum():.3f}; rows true, columns said:")
        for kind, row in zip(KINDS, table, strict=True):
            print(f"  {kind:8s}", *(f"{count:6d}" for count in row))


def save_look(network: torch.nn.Module, lens: Lens, path: Path) -> None:
    """Write networks that look through a lens for ONNX Runtime, for batches of any size."""
    torch.onnx.export(
        network,
        (torch.zeros(1, PLANES, lens.side, lens.side),),
        str(path),
        dynamo=False,
        input_names=["pictures"],
        output_names=["told"],
        dynamic_axes={"pictures": {0: "n"}, "told": {0: "n"}},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--plates", type=int, default=320)
    options = parser.parse_args()
    torch.set_num_threads(1)
    groups = [
        group
        for seed in range(options.plates)
        for group in groups_of(seed, SIDES[seed % len(SIDES)])
    ]
    print(f"{len(groups)} plates, {sum(len(e.kinds) for e in groups)} candidates", flush=True)
    networks = [
        train_look(pictures_of([each for each in groups if each.fold != fold]), LOOK_EPOCHS)
        for fold in (0, 1)
    ]
    looked = cross_looked(groups, networks)
    split = len(looked) * 4 // 5
    report(looked[split:], train_judge(looked[:split]))
    state = {
        key: np.ascontiguousarray(value, np.float32) for key, value in train_judge(looked).items()
    }
    options.out.mkdir(parents=True, exist_ok=True)
    paths = options.out / judging.WEIGHTS, options.out / FIRST.network
    save_file(state, paths[0])
    pictures = pictures_of(groups)
    members = [
        train_look(pictures, MORE_EPOCHS, seed=1 + number, begun=each)
        for number, each in enumerate(networks)
    ]
    save_look(Together(members).eval(), FIRST, paths[1])
    for path in paths:
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
