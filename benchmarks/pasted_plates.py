"""Make plates of real animals on real grounds among real and drawn dirt, with exact truth.

    python benchmarks/pasted_plates.py OUT [--plates 4] [--size 3000] [--half test] [--seed 0]

Animals are cut out of the photos of bark beetles and the bulk dishes of the shared data; grounds
are those photos with the animals painted out, mirrored to any size. Pixels pass by ratio, as
light through a slide does, so that translucent animals stay so on any ground; a dark plate is
the negative. The photos are parted into two halves, `train` and `test`, which share no photo.
Writes PNG files and plates.coco.json; the pictures are not ours to hand on.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.exchange.coco import CocoPhoto, CocoSpecimen, read_coco, write_coco
from berlese.photos.writing import write_png
from berlese.simulate.debris import draw_bubble, draw_fibre, draw_grain
from berlese.specimens.outline import Box

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
DISHES = ("dish-araneae", "dish-harvestmen", "dish-hemiptera")
WINGED = {"train": "dish-photo-0040", "test": "dish-photo-0082"}  # dishes known by crops alone
NO_ANIMALS = {  # middles of what a person takes for a lost leg, or could not name
    "dish-araneae": ((698, 1179),),
    "dish-harvestmen": ((1399, 490), (1620, 769), (438, 1595)),
}
LEAST = 22  # grey levels that an animal is away from its ground
SHADOW = 0.28  # of the strongest contrast of opaque animals: what has less is their shadow
MOST_FILLED = 0.85  # of its box; what fills more goes on beyond the crop
MOST_SLENDER = 4.5  # longer over shorter side; detached legs are more so
SHARP = 14  # grey levels a pixel that the steepest edges of an animal have at least
Bytes = NDArray[np.uint8]
Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class CutOut:
    """A real animal: its colour over that of its ground, and how far it covers each pixel."""

    ratio: Float
    alpha: Float
    length: float


@dataclass(frozen=True, slots=True, eq=False)
class PastedPlate:
    """A plate with its truth."""

    pixels: Bytes
    boxes: tuple[Box, ...]
    masks: tuple[NDArray[np.bool_], ...]


def _half_of(number: int) -> str:
    return "test" if number % 2 else "train"


def _read(path: Path) -> Bytes:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: cannot be read.")
    return np.ascontiguousarray(image[..., ::-1])


def _cut(crop: Bytes, ground: NDArray[np.float64], *, opaque: bool = False) -> CutOut | None:
    """Cut the middle object of a crop out of its even ground; None where it is not clean.

    Of an opaque one its shadow, and the glow around it, is left behind.
    """
    away = np.abs(crop.astype(np.float32) - ground.astype(np.float32)).max(axis=2)
    soft = np.asarray(cv2.GaussianBlur(away, (0, 0), 1))
    threshold = max(LEAST, SHADOW * float(np.percentile(soft, 98))) if opaque else LEAST
    strong = (soft > threshold).astype(np.uint8)
    strong = cv2.morphologyEx(strong, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, 4]))
    left, top, width, height = (int(n) for n in stats[largest, :4])
    if max(width, height) < 24 or not 0.2 < stats[largest, 4] / (width * height) < MOST_FILLED:
        return None
    mask = (labels == largest)[top : top + height, left : left + width]
    inner = crop[top : top + height, left : left + width].astype(np.float32)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    if np.percentile(slope, 99.5) < SHARP:
        return None  # out of focus: no one could draw its outline
    return cut_out_of(mask, inner / ground.astype(np.float32), most_slender=MOST_SLENDER)


def cut_out_of(mask: NDArray[np.bool_], ratio: Float, *, most_slender: float) -> CutOut | None:
    """Give an animal a soft edge; None where it is more slender than `most_slender`.

    `mask` is of shape (h, w), `ratio`, of its frame's colours over the ground's, of (h, w, 3).
    """
    _, sides, _ = cv2.minAreaRect(np.argwhere(mask)[:, ::-1].astype(np.float32))
    if max(sides) > most_slender * min(sides):
        return None
    pad = 3
    alpha = cv2.GaussianBlur(np.pad(mask.astype(np.float32), pad), (0, 0), 0.8)
    ratio = np.pad(ratio, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    return CutOut(np.clip(ratio, 0, 1.05), alpha, float(max(sides)))


def _border_colour(crop: Bytes) -> NDArray[np.float64]:
    edge = np.concatenate([crop[:2].reshape(-1, 3), crop[-2:].reshape(-1, 3)])
    edge = np.concatenate([edge, crop[:, :2].reshape(-1, 3), crop[:, -2:].reshape(-1, 3)])
    return np.percentile(edge, 75, axis=0)


def _whole_dish_objects(image: Bytes) -> list[Box]:
    """Boxes of the separate dark things in a bulk dish, off its edge."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1)
    _, _, stats, middles = cv2.connectedComponentsWithStats((grey < 190).astype(np.uint8))
    radius = min(image.shape[:2]) / 2
    boxes = []
    for (left, top, width, height, area), middle in zip(stats[1:], middles[1:], strict=True):
        off = np.hypot(*(middle - np.array(image.shape[1::-1]) / 2))
        if area > 150 and off + max(width, height) / 2 < 0.94 * radius:
            boxes.append(Box(int(left), int(top), int(left + width), int(top + height)))
    return boxes


@lru_cache(maxsize=2)
def animals_of(half: str) -> tuple[CutOut, ...]:
    """Cut the animals of one half of the photos out."""
    found = []
    for number, photo in enumerate(read_coco(SHARED / "bulk" / "bark-beetles.coco.json")):
        if _half_of(number) == half:
            image = _read(SHARED / "bulk" / photo.file_name)
            found += [_cut_box(image, each.box, opaque=True) for each in photo.specimens]
    for number, name in enumerate(DISHES):
        if _half_of(number) == half:
            image = _read(SHARED / "bulk" / f"{name}.jpg")
            animals = [b for b in _whole_dish_objects(image) if not _is_none(b, name)]
            found += [_cut_box(image, box) for box in animals]
    found += [_cut_crop(_read(SHARED / "insects" / name)) for name in _crops_of(WINGED[half])]
    return tuple(each for each in found if each is not None)


def _is_none(box: Box, dish: str) -> bool:
    """Tell that what lies in a box of a dish is listed as no animal."""
    return any(
        box.left <= x < box.right and box.top <= y < box.bottom for x, y in NO_ANIMALS.get(dish, ())
    )


def _crops_of(photo: str) -> list[str]:
    """Files of the crops of one photo of which no more is known."""
    return [row["file"] for row in listed_crops() if row["photo"] == photo]


@lru_cache(maxsize=1)
def listed_crops() -> tuple[dict[str, str], ...]:
    """What is known of each crop of the shared data: file, domain, order, family and photo."""
    with (SHARED / "insects" / "manifest.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _cut_crop(crop: Bytes) -> CutOut | None:
    """Cut an animal out of its crop, which is shrunk where it was enlarged before."""
    ground = _border_colour(crop)
    half = cv2.resize(crop, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return _cut(crop, ground) or _cut(np.ascontiguousarray(half), ground)


def _cut_box(image: Bytes, box: Box, *, opaque: bool = False) -> CutOut | None:
    pad = 8
    rows = slice(max(0, box.top - pad), box.bottom + pad)
    columns = slice(max(0, box.left - pad), box.right + pad)
    crop = np.ascontiguousarray(image[rows, columns])
    return _cut(crop, _border_colour(crop), opaque=opaque)


@lru_cache(maxsize=2)
def grounds_of(half: str) -> tuple[Bytes, ...]:
    """Floors of one half of the photos: a square of the dish with all its animals painted out."""
    grounds = []
    names = [f"bark-beetles-{n}" for n in range(1, 7)] + list(DISHES)
    for number, name in enumerate(names):
        if _half_of(number if number < 6 else number - 6) != half:
            continue
        image = _read(SHARED / "bulk" / f"{name}.jpg")
        height, width = image.shape[:2]
        side = int(min(height, width) * 0.6)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
        floor = cv2.medianBlur(cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA), 61)
        floor = cv2.resize(cv2.GaussianBlur(floor, (0, 0), 3), (side, side))
        away = np.abs(image.astype(np.int16) - floor).max(axis=2).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats((away > 14).astype(np.uint8))
        large = np.isin(labels, [n for n in range(1, count) if stats[n, 4] > 60])
        hole = cv2.dilate(large.astype(np.uint8), np.ones((15, 15), np.uint8))[..., None] > 0
        grain = image.astype(np.int16) - floor
        filled = floor + np.roll(grain, side // 3, axis=0) * (np.roll(hole, side // 3, axis=0) == 0)
        grounds.append(np.where(hole, np.clip(filled, 0, 255), image).astype(np.uint8))
    return tuple(grounds)


@lru_cache(maxsize=2)
def textures_of(half: str) -> tuple[Bytes, ...]:
    """Surfaces for real dirt: corners of field photos (leaves, bark, soil)."""
    rows = [row for row in listed_crops() if row["domain"] == "field"]
    rows = rows[:: len(rows) // 240]
    kept = [
        _read(SHARED / "insects" / r["file"]) for n, r in enumerate(rows) if _half_of(n) == half
    ]
    return tuple(each[: max(24, each.shape[0] // 4)] for each in kept)


def pasted_plate(
    seed: int,
    *,
    half: str = "test",
    size: int = 3000,
    spread: float = 0.3,
    clumped: float = 0.2,
    fold: int | None = None,
    cast: Sequence[CutOut] = (),
    length: float | None = None,
    animals: float | None = None,
    dirt: float = 1.0,
) -> PastedPlate:
    """Paste one plate.

    Parameters
    ----------
    seed : int
        The same seed gives the same plate.
    half : {"train", "test"}
        Which photos animals, grounds and dirt are from.
    size : int
        Width and height.
    spread : float
        Standard deviation of the logarithm of the animals' lengths.
    clumped : float
        Share of the animals that are laid on or against another one.
    fold : {0, 1}, optional
        Take every second animal only, from this one.
    cast : sequence of CutOut
        Animals that are pasted instead of those of the half.
    length : float, optional
        Typical length of the animals in pixels; drawn from 30 to 130 without it.
    animals : float, optional
        How many lie on a million pixels; drawn without it, the more the smaller they are.
    dirt : float
        How much lies between them, as a share of what is drawn.
    """
    rng = np.random.default_rng([seed, half == "test"])
    canvas = _laid_out(grounds_of(half), size, rng)
    dark = rng.random() < 0.4
    # What is given is drawn all the same, so that all else on the plate stays as it is.
    drawn = float(np.exp(rng.uniform(np.log(30), np.log(130))))
    typical = drawn if length is None else length
    faint = rng.uniform(0.25, 1.0)  # of the animals' own contrast
    owner = np.zeros((size, size), np.int32)
    share = (size / 1000) ** 2
    _litter(canvas, half, typical, int(rng.poisson(dirt * rng.uniform(5, 60) * share)), rng)
    many = float(np.clip(rng.uniform(0.3, 1.0) * (350 / typical) ** 1.2, 3, 40))
    count = int((many if animals is None else animals) * share)
    choice = cast or animals_of(half)
    choice = choice if fold is None else choice[fold::2]
    number = 0
    for index in rng.integers(0, len(choice), count):
        factor = min(typical * np.exp(rng.normal(0, spread)) / choice[index].length, 1.5)
        if factor * choice[index].length > 16:
            number += _paste(
                canvas, owner, choice[index], factor, number + 1, rng, faint=faint, clumped=clumped
            )
    soft = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.4, 1.1))
    pixels = _negative(soft) if dark else soft
    noise = np.random.default_rng(seed).normal(0, rng.uniform(0.5, 2.5), (512, 512, 1))
    for top in range(0, size, 512):
        for left in range(0, size, 512):
            part = pixels[top : top + 512, left : left + 512]
            grain = noise[: part.shape[0], : part.shape[1]]
            part[:] = np.clip(part + grain, 0, 255).astype(np.uint8)
    return PastedPlate(pixels, *_truth(owner, number))


def _negative(pixels: Bytes) -> Bytes:
    """Turn light and dark round, and keep the hue."""
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = 255 - planes[..., 0]
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB))


def _laid_out(grounds: tuple[Bytes, ...], size: int, rng: np.random.Generator) -> Bytes:
    """Mirror a ground until it fills the plate, made darker by up to a half."""
    ground = grounds[int(rng.integers(len(grounds)))]
    times = size // (ground.shape[0] * 2) + 1
    double = np.concatenate([ground, ground[::-1]])
    double = np.concatenate([double, double[:, ::-1]], axis=1)
    whole = np.tile(double, (times, times, 1))[:size, :size]
    return (whole * rng.uniform(0.5, 1.0)).astype(np.uint8)


def _litter(canvas: Bytes, half: str, typical: float, count: int, rng: np.random.Generator) -> None:
    """Scatter grains with real surfaces, drawn fibres and bubbles."""
    floor = canvas[::50, ::50].reshape(-1, 3).mean(axis=0)
    textures = textures_of(half)
    for _ in range(count):
        kind = rng.random()
        draw = draw_fibre if kind < 0.08 else draw_bubble if kind < 0.1 else draw_grain
        alpha, colour = draw(rng, floor, typical)
        if draw is draw_grain and rng.random() < 0.7:
            texture = textures[int(rng.integers(len(textures)))]
            colour = cv2.resize(texture, alpha.shape[::-1]).astype(np.float32)
            colour *= min(1.0, rng.uniform(0.3, 0.9) * floor.mean() / max(colour.mean(), 1))
        top, left = rng.integers(0, np.maximum(1, np.array(canvas.shape[:2]) - alpha.shape))
        part = canvas[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        share = alpha[: part.shape[0], : part.shape[1], None]
        paint = colour if colour.ndim == 1 else colour[: part.shape[0], : part.shape[1]]
        part[:] = np.clip(part * (1 - share) + paint * share, 0, 255).astype(np.uint8)


def _paste(
    canvas: Bytes,
    owner: NDArray[np.int32],
    animal: CutOut,
    factor: float,
    number: int,
    rng: np.random.Generator,
    *,
    faint: float,
    clumped: float,
) -> bool:
    """Turn, resize and paste an animal, now and then on another; tell whether there was room."""
    height, width = animal.alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), factor)
    reach = np.ceil(np.abs(turn[:, :2]) @ (width, height)).astype(int) + 2
    turn[:, 2] += reach / 2 - (width / 2, height / 2)
    soft = cv2.GaussianBlur(animal.ratio, (0, 0), max(0.01, 0.45 * (1 / factor - 1)))
    size = tuple(reach.tolist())
    ratio = cv2.warpAffine(soft if factor < 1 else animal.ratio, turn, size, borderValue=(1, 1, 1))
    alpha = cv2.warpAffine(animal.alpha, turn, size)
    if rng.random() < 0.5:
        ratio, alpha = ratio[:, ::-1], alpha[:, ::-1]
    limit = np.array(canvas.shape[1::-1]) - reach
    if (limit <= 0).any():
        return False
    seen = alpha > 0.5
    near = cv2.dilate(seen.astype(np.uint8), np.ones((5, 5))) > 0
    beside = rng.random() < clumped and number > 1
    for _ in range(60):
        left, top = _beside(owner, number, reach, limit, rng) if beside else rng.integers(0, limit)
        rows, columns = slice(top, top + reach[1]), slice(left, left + reach[0])
        crossed = float((owner[rows, columns][seen] > 0).mean())
        if 0.005 < crossed < 0.15 if beside else not owner[rows, columns][near].any():
            break
    else:
        return False
    share = alpha[..., None]
    through = 1 - faint * (1 - ratio) if faint < 1 else ratio
    part = canvas[rows, columns]
    part[:] = np.clip(part * (1 - share + through * share), 0, 255).astype(np.uint8)
    owner[rows, columns][seen] = number
    return True


def _beside(
    owner: NDArray[np.int32],
    number: int,
    reach: NDArray[np.int_],
    limit: NDArray[np.int_],
    rng: np.random.Generator,
) -> NDArray[np.int_]:
    """Left and top of a frame that touches an animal laid before."""
    small = np.argwhere(owner[::8, ::8] == rng.integers(1, number))[:, ::-1] * 8
    if not len(small):
        return rng.integers(0, limit)
    spot = small[rng.integers(len(small))] - rng.uniform(0, 1, 2) * reach
    return np.clip(spot.astype(int), 0, limit - 1)


def _truth(owner: NDArray[np.int32], count: int) -> tuple[tuple[Box, ...], tuple]:
    boxes, masks = [], []
    places = [None] * count
    rows, columns = np.nonzero(owner)
    numbers = owner[rows, columns]
    order = np.argsort(numbers, kind="stable")
    places = np.split(order, np.searchsorted(numbers[order], np.arange(2, count + 1)))
    for number, place in enumerate(places, start=1):
        if not len(place):
            continue  # hidden altogether
        top, bottom = int(rows[place].min()), int(rows[place].max()) + 1
        left, right = int(columns[place].min()), int(columns[place].max()) + 1
        boxes.append(Box(left, top, right, bottom))
        masks.append(owner[top:bottom, left:right] == number)
    return tuple(boxes), tuple(masks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--plates", type=int, default=4)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--half", choices=("train", "test"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photos = []
    for seed in range(options.seed, options.seed + options.plates):
        plate = pasted_plate(seed, half=options.half, size=options.size)
        name = f"pasted-{options.half}-{seed:03d}.png"
        write_png(options.out / name, plate.pixels)
        rows = tuple(
            CocoSpecimen(box, mask=m) for box, m in zip(plate.boxes, plate.masks, strict=True)
        )
        photos.append(CocoPhoto(name, options.size, options.size, rows))
        print(f"{name}: {len(rows)} animals", flush=True)
    write_coco(options.out / "plates.coco.json", photos, description="Real animals, pasted")


if __name__ == "__main__":
    main()
