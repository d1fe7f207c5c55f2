"""What a thing on the ground may be: one animal, or several in one of a few ways to cut it.

A candidate is a mask with measurements (`berlese.specimens.features`), which
`berlese.specimens.judge` turns into probabilities. Lengths are in photo pixels.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.bands import Thing
from berlese.specimens.clumps import ways_by_network
from berlese.specimens.features import FEATURES as FEATURES
from berlese.specimens.features import Piece, measured
from berlese.specimens.look import (
    ANIMAL,
    CLOSER,
    FIRST,
    PLANES,
    SEVERAL,
    Lens,
    closer_look,
    log_odds,
    picture_of,
)
from berlese.specimens.split import LEAST_SHARE, Part, depth_of, grown, split_touching

OUTLINE_SHARE = 0.26  # of a dark thing's own contrast: what has less is shadow or haze
SHADOW_SHARE = 0.30  # the same of black things, whose shadows are the stronger
LIGHT_SHARE = 0.13  # of a light thing's, which has no shadow of its own colour
CORE_SHARE = 0.75  # of a thing's contrast: bodies have it, a shadow between them has not
NECKS = (0.4, 0.62, 0.82)  # ever wider necks at which a thing may be cut

FAINT_SHARE = 0.5  # of the contrast of an outline that its faint limbs and wings have

LEAST_ANIMAL, LEAST_SEVERAL_ANIMALS = 0.04, 0.3  # at first sight, of what is looked at closer
MOST_LOOKED_AT = 256  # candidates at once: 25 MB of pictures

LEAST_SIDE = 0.02  # of a thing's pixels: a part that is lighter than the ground, or darker
# Parts beside thick bodies: how many; half the thickness of the body where they begin, and theirs,
# over half the thickest body's; theirs in pixels. They begin lower than necks do, with fewer legs.
MOST_BESIDE, BESIDE, LEAST_BESIDE, LEAST_BESIDE_PX = 4, 0.3, 0.12, 2.5
MOST_HANGING = 0.7  # of the diagonal of what looks like dirt: an animal that hangs on its threads

# Effort, in rising order but for HANGING, which serves what was left out before: leave it out; all
# of it but what hangs on its threads; take it as it is; trim it; cut it; cut it in every way.
LEAVE, HANGING, AS_IS, TRIMMED, CUT, CUT_FINELY = range(6)
_SQUARE = np.ones((3, 3), np.uint8)
_ALL_COLOURS = np.ones((1, 3), np.float32)

_Mask = NDArray[np.bool_]
_Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A possible animal: `mask` with its frame's place in the photo, and its measurements.

    `mask` has `scale` pixels for each pixel of the photo, and is held packed, since a photo may
    have tens of thousands; `left` and `top` are photo pixels, `angle` is the direction of the
    longer side in degrees, 0 to 180; `thing_at` is the same for candidates of one thing: left, top
    and scale of that one's frame. `look` is what `berlese.specimens.look` takes it for; None
    where the measurements alone were sure. `closer` is what a closer look tells; None where there
    was no first, or that was sure that it is no animal.
    """

    bits: bytes
    shape: tuple[int, int]
    left: float
    top: float
    scale: float
    thing_at: tuple[int, int, float]
    area: float
    angle: float
    features: _Float
    edge_width: float
    look: NDArray[np.float32] | None = None
    closer: NDArray[np.float32] | None = None

    @property
    def mask(self) -> _Mask:
        """Its pixels, in the frame."""
        height, width = self.shape
        bits = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        return np.unpackbits(bits, count=height * width).reshape(height, width).view(np.bool_)

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in photo pixels."""
        height, width = self.shape
        right, bottom = self.left + width / self.scale, self.top + height / self.scale
        return self.left, self.top, right, bottom


def packed(mask: _Mask) -> bytes:
    """Hold a mask compressed, mostly in far less than its bits; `Candidate.mask` gives it back."""
    return zlib.compress(np.packbits(mask).tobytes(), 1)


Cut = tuple[Candidate, ...]
Reading = list[Cut]
Look = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Looks(NamedTuple):
    """What makes `Candidate.look` and `closer` of pictures of shape (n, 5, side, side)."""

    first: Look = log_odds
    closer: Look | None = closer_look


def readings_of(
    things: Iterable[Thing],
    smallest: float,
    effort_for: Callable[[Sequence[Candidate]], NDArray[np.intp]] | None = None,
    looks: Looks = Looks(),
) -> list[Reading]:
    """List the separate things within `things`, and for each the ways to cut it into animals.

    The first cut of each reading is the whole.

    Parameters
    ----------
    things : iterable of Thing
    smallest : float
        Least length of an animal in photo pixels.
    effort_for : callable, optional
        Tells of wholes which effort, from `LEAVE` to `CUT_FINELY`, is worth while: before they are
        looked at, when `HANGING` is no more than `LEAVE`, and again once they have been. Without
        it, all is looked at and cut finely.
    looks : Looks, optional
        What candidates look like; by the networks of the package without it.
    """
    wholes: list[Piece] = []
    of_thing: list[tuple[Thing, range]] = []
    for thing in things:
        parts = outlines_of(thing, smallest * thing.scale)
        of_thing.append((thing, range(len(wholes), len(wholes) + len(parts))))
        wholes += [Piece(thing, *part) for part in parts]
    found = _described(wholes)
    readings: list[Reading] = [[(each,)] for each in found]
    efforts = _efforts(found, effort_for)
    owners = list(range(len(wholes)))
    for thing, own in of_thing:
        if any(efforts[number] > LEAVE for number in own):
            for piece, owner in _with_faint_limbs(thing, [wholes[n] for n in own], smallest):
                wholes.append(piece)
                owners.append(own[owner])
    found += _described(wholes[len(found) :])
    seen = [n for n in range(len(found)) if n >= len(readings) or efforts[n] > AS_IS]
    looked = _looked_at(wholes, found, seen, looks)
    for number, each in zip(seen, looked, strict=True):
        if number < len(readings):
            readings[number] = [(each,)]
        else:
            readings[owners[number]].append((each,))
    again = dict(zip(seen, _efforts(looked, effort_for), strict=True))
    for number, cuts in _cuts_of(wholes, again, smallest, looks):
        readings[owners[number]] += cuts
    return readings


def _efforts(
    found: Sequence[Candidate],
    effort_for: Callable[[Sequence[Candidate]], NDArray[np.intp]] | None,
) -> list[int]:
    """How much effort is worth while on each of some candidates."""
    if effort_for is None or not found:
        return [CUT_FINELY] * len(found)
    return [int(each) for each in effort_for(found)]


def _cuts_of(
    wholes: Sequence[Piece], efforts: dict[int, int], smallest: float, looks: Looks
) -> Iterator[tuple[int, Reading]]:
    """Yield the number of each whole that can be cut, and the cuts."""
    ways = [
        (number, parts)
        for number, effort in efforts.items()
        if effort not in (LEAVE, AS_IS)
        for parts in _ways_to_cut(wholes[number], smallest, effort)
    ]
    pieces = [piece for _, parts in ways for piece in parts]
    found = iter(_looked_at(pieces, _described(pieces), range(len(pieces)), looks))
    for number, parts in ways:
        yield number, [tuple(next(found) for _ in parts)]


def _described(pieces: Sequence[Piece]) -> list[Candidate]:
    """Measure pieces of things."""
    values = measured(pieces)
    # One tuple for all of a thing: a photo of a gigapixel has tens of thousands of candidates.
    things = (piece.thing for piece in pieces)
    places = {id(each): (each.left, each.top, each.scale) for each in things}
    return [
        Candidate(
            packed(piece.mask),
            (piece.mask.shape[0], piece.mask.shape[1]),
            piece.thing.left + piece.left / piece.thing.scale,
            piece.thing.top + piece.top / piece.thing.scale,
            piece.thing.scale,
            places[id(piece.thing)],
            float(pixels) / piece.thing.scale**2,
            float(angle),
            features,
            float(edge_width),
        )
        for piece, features, pixels, angle, edge_width in zip(
            *(pieces, values.features, values.pixels, values.angle, values.edge_width), strict=True
        )
    ]


def _looked_at(
    pieces: Sequence[Piece], found: Sequence[Candidate], numbers: Sequence[int], looks: Looks
) -> list[Candidate]:
    """Add to some of the candidates what they look like."""
    looked: list[Candidate] = []
    for start in range(0, len(numbers), MOST_LOOKED_AT):
        few = numbers[start : start + MOST_LOOKED_AT]
        first = looks.first(_pictures_of([pieces[number] for number in few], FIRST))
        seen = [replace(found[number], look=each) for number, each in zip(few, first, strict=True)]
        if looks.closer is not None:
            closer = _may_be_animals(first)
            told = looks.closer(_pictures_of([pieces[few[at]] for at in closer], CLOSER))
            for at, each in zip(closer, told, strict=True):
                seen[at] = replace(seen[at], closer=each)
        looked += seen
    return looked


def _may_be_animals(first: NDArray[np.float32]) -> list[int]:
    """Rows of what is looked at closer."""
    odds = np.exp(first)
    animal, several = odds[:, ANIMAL] >= LEAST_ANIMAL, odds[:, SEVERAL] >= LEAST_SEVERAL_ANIMALS
    return np.flatnonzero(animal | several).tolist()


def _pictures_of(pieces: Sequence[Piece], lens: Lens) -> NDArray[np.float32]:
    pictures = np.empty((len(pieces), PLANES, lens.side, lens.side), np.float32)
    for picture, each in zip(pictures, pieces, strict=True):
        thing = (each.thing.pixels, each.thing.ground, each.thing.mask)
        picture[:] = picture_of(*thing, each.mask, each.left, each.top, lens)
    return pictures


def outlines_of(thing: Thing, least: float) -> list[Part]:
    """Outline the separate things within `thing` that reach `least` frame pixels."""
    return large_parts(thing.mask & (thing.contrast > _outline_level(thing)), least)


def _outline_level(thing: Thing) -> float:
    strong = _quantile(thing.contrast[thing.mask], 0.9)
    return max(thing.low, _outline_share(thing, strong) * strong)


def _with_faint_limbs(
    thing: Thing, outlines: Sequence[Piece], smallest: float
) -> Iterator[tuple[Piece, int]]:
    """Yield larger outlines with faint limbs and wings, and the number of the largest within.

    Where a faint part joins several outlines, they are offered as one.
    """
    level = max(thing.low, FAINT_SHARE * _outline_level(thing))
    faint = thing.mask & (thing.contrast > level)
    firm = np.zeros(thing.mask.shape, np.uint16)
    for number, each in enumerate(outlines, start=1):
        frame = np.s_[each.top :, each.left :]
        firm[frame][: each.mask.shape[0], : each.mask.shape[1]][each.mask] = number
    for mask, left, top in large_parts(faint, smallest * thing.scale):
        own = firm[top : top + mask.shape[0], left : left + mask.shape[1]][mask]
        areas = np.bincount(own, minlength=2)
        if areas[0] and areas[1:].any():
            yield Piece(thing, mask, left, top), int(areas[1:].argmax())


def _outline_share(thing: Thing, strong: float) -> float:
    """Share of a thing's contrast that its outline has: more of it the darker the thing."""
    if not _is_darker(thing):
        return LIGHT_SHARE
    return float(np.interp(strong, (60, 180), (OUTLINE_SHARE, SHADOW_SHARE)))


def _is_darker(thing: Thing) -> bool:
    mask = thing.mask.view(np.uint8)
    return sum(cv2.mean(thing.pixels, mask)) < sum(cv2.mean(thing.ground, mask))


def _quantile(values: NDArray[np.generic], share: float) -> float:
    """Quantile without interpolation, which is all that is needed here and faster."""
    place = min(int(share * len(values)), len(values) - 1)
    return float(np.partition(values, place)[place])


def _ways_to_cut(whole: Piece, smallest: float, effort: int) -> Iterator[list[Piece]]:
    """Yield ways to cut a thing: without threads, and if it is worth while into several.

    Of several, those that have threads are offered without them too, as a way of its own, of which
    the others are no part: a leg of one may have come to another. Of dirt, only what is much
    shorter is offered: an animal that a fibre lies on.
    """
    least = smallest * whole.thing.scale
    depth = depth_of(whole.mask)
    bodies = _without_threads(whole.mask, depth, least)
    if effort == HANGING:
        longest = MOST_HANGING * np.hypot(*whole.mask.shape)
        bodies = [each for each in bodies if np.hypot(*each[0].shape) < longest]
    ways = [bodies]
    if effort >= CUT:
        several = list(_ways_into_several(whole, depth, least, finely=effort == CUT_FINELY))
        ways += several + [_all_without_threads(parts, least) for parts in several]
    for parts in ways:
        if parts:
            yield [
                Piece(whole.thing, part, whole.left + x, whole.top + y, len(parts))
                for part, x, y in parts
            ]


def _all_without_threads(parts: Sequence[Part], least: float) -> list[Part]:
    """Bodies of parts that have threads; see `_without_threads`."""
    return [
        (trimmed, x + left, y + top)
        for mask, left, top in parts
        for trimmed, x, y in _without_threads(mask, depth_of(mask), least)
    ]


def _ways_into_several(
    whole: Piece, depth: NDArray[np.float32], least: float, *, finely: bool
) -> Iterator[list[Part]]:
    """Yield ways to cut a thing into animals.

    At faint bridges, where light meets dark, beside thick bodies, at necks, by the network.
    """
    thing, mask = whole.thing, whole.mask
    rows = slice(whole.top, whole.top + mask.shape[0])
    columns = slice(whole.left, whole.left + mask.shape[1])
    parts = _at_faint_bridges(mask, thing.contrast[rows, columns], least)
    if len(parts) > 1:
        yield parts
    shown = (thing.pixels[rows, columns], thing.ground[rows, columns], mask)
    sides = _lighter_and_darker(*shown, least)
    if len(sides) > 1:
        yield sides
    beside = _beside_thick_bodies(mask, depth, least)
    if beside:
        yield beside
    count = len(parts)
    for neck in NECKS:
        parts = split_touching(mask, least, neck=neck, depth=depth, more_than=count)
        if len(parts) > count:
            count = len(parts)
            yield parts
    yield from ways_by_network(*shown, least, finely=finely)


def _without_threads(mask: _Mask, depth: NDArray[np.float32], least: float) -> list[Part]:
    """Bodies with what is near them, where long thin threads are taken off; [] where none are."""
    thick = 2 * float(depth.max()) - 1
    radius = 0.22 * thick
    bodies = cv2.distanceTransform((depth <= max(radius, 1.2)).astype(np.uint8), cv2.DIST_L2, 5)
    near = mask & (bodies <= radius + 0.55 * thick)
    _, _, width, height = cv2.boundingRect(near.astype(np.uint8))
    if near.sum() > 0.97 * mask.sum() and max(mask.shape) < 1.3 * max(width, height):
        return []
    return large_parts(near, least)


def _at_faint_bridges(mask: _Mask, contrast: NDArray[np.uint8], least: float) -> list[Part]:
    """Parts with the more contrast, grown into what joins them, such as a shadow."""
    strong = _quantile(contrast[mask], 0.9)
    cores = [
        (part, left + x, top + y)
        for core, left, top in large_parts(mask & (contrast > CORE_SHARE * strong), 0.7 * least)
        for part, x, y in split_touching(core, 0.7 * least, neck=NECKS[1])
    ]
    return _grown_from(cores, mask, least)


def _lighter_and_darker(
    pixels: NDArray[np.uint8], ground: NDArray[np.uint8], mask: _Mask, least: float
) -> list[Part]:
    """Parts that are lighter than the ground, and parts that are darker."""
    away = cv2.transform(cv2.subtract(pixels, ground, dtype=cv2.CV_16S), _ALL_COLOURS)
    lighter = cv2.blur(away, (3, 3)) > 0
    cores = [
        core
        for side in (mask & lighter, mask & ~lighter)
        for core in large_parts(_inner(side), 0.7 * least)
    ]
    return _grown_from(cores, mask, least, least_share=LEAST_SIDE)


def _grown_from(
    cores: Sequence[Part], mask: _Mask, least: float, *, least_share: float = LEAST_SHARE
) -> list[Part]:
    """Parts of a mask that grow from two cores or more; the whole of it from less."""
    if len(cores) < 2:
        return [(mask, 0, 0)]
    bodies = np.zeros(mask.shape, np.int32)
    for number, (core, left, top) in enumerate(cores, start=1):
        bodies[top : top + core.shape[0], left : left + core.shape[1]][core] = number
    return grown(mask, bodies, least, least_share=least_share)


def _beside_thick_bodies(mask: _Mask, depth: NDArray[np.float32], least: float) -> list[Part]:
    """The thickest parts beside thick bodies: thick legs, and animals much smaller than they."""
    thick = float(depth.max())
    radius = np.float32(BESIDE * thick)
    beyond = cv2.distanceTransform((depth <= radius).astype(np.uint8), cv2.DIST_L2, 5)
    parts = []
    for part in large_parts(mask & (beyond > radius + 1.5), 0.7 * least):
        half = float(depth_of(part[0]).max())
        if half >= max(LEAST_BESIDE_PX, LEAST_BESIDE * thick):
            parts.append((half, part))
    parts.sort(key=lambda each: -each[0])
    return [part for _, part in parts[:MOST_BESIDE]]


def large_parts(found: _Mask, smallest: float) -> list[Part]:
    """Connected parts that reach `smallest` and are more than a thread, each in its frame."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    parts = []
    for label in range(1, count):
        left, top, width, height, area = (int(n) for n in stats[label])
        if np.hypot(width, height) < smallest or area < 0.08 * smallest**2:
            continue
        frame = labels[top : top + height, left : left + width] == label
        if _has_inside(frame):
            parts.append((frame, left, top))
    return parts


def _has_inside(mask: _Mask) -> bool:
    """Tell whether 3 x 3 pixels fit in: what is thinner everywhere is a thread."""
    return bool(_inner(mask).any())


def _inner(mask: _Mask) -> _Mask:
    """Pixels whose neighbours are all of the mask, nothing being beyond its frame."""
    inner = cv2.erode(
        mask.view(np.uint8), _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)
    )
    return np.asarray(inner, np.uint8).view(np.bool_)
