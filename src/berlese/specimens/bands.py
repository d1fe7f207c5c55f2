"""Go through a photo from top to bottom in bands and cut out whatever lies on the ground.

Only the last rows are in memory, however large the photo. Connected pixels are numbered band by
band and joined across the seams, so that a thing is one whatever bands it crosses; its pixels are
cut out when its last row has gone by. What is taller than the rows kept is left to a shrunk copy.
All steps look at single pixels, at their neighbours within `berlese.specimens.lines.REACH`, or at
fixed blocks of `BLOCK` pixels, so that bands of any height give the same things.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.specimens.dish import Dish
from berlese.specimens.floor import Floor, Strip, contrast_of
from berlese.specimens.lines import REACH, lines_in

BLOCK = 128  # pixels of a block that has its own noise; bands are as high, or a multiple of it
LEAST_CONTRAST = 9.0  # grey levels
MOST_NOISE = 40.0
NOISE_FACTOR = 5.0
SEED_FACTOR = 1.7  # the strongest pixel of a thing over the weakest
MARGIN = 4  # pixels around a thing that are cut out with it
KEPT_BYTES = 160_000_000
KEPT_ROWS = 2048

_Bytes = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


class BandedPhoto(Protocol):
    """A photo that can be read from top to bottom, and as a small copy."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def bands(self, rows: int) -> Iterator[_Bytes]: ...

    def shrunk(self, max_side: int) -> _Bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Something that differs from the ground, in its own frame.

    Attributes
    ----------
    left, top : int
        Of the frame, in photo pixels.
    pixels, ground : ndarray of uint8 of shape (h, w, 3)
    contrast : ndarray of uint8 of shape (h, w)
        Slightly smoothed, and on a faint line just above `low`.
    mask : ndarray of bool of shape (h, w)
    low : float
        Contrast that the noise here does not reach.
    scale : float
        Frame pixels over photo pixels; below 1 for things cut out of a shrunk copy.
    """

    left: int
    top: int
    pixels: _Bytes
    ground: _Bytes
    contrast: _Bytes
    mask: _Mask
    low: float
    scale: float = 1.0


@dataclass(slots=True)
class _Open:
    """A thing of which more rows may come."""

    left: int
    top: int
    right: int
    bottom: int
    seeded: bool
    labels: list[int]

    def join(self, other: "_Open") -> None:
        self.left, self.top = min(self.left, other.left), min(self.top, other.top)
        self.right, self.bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        self.seeded |= other.seeded
        self.labels += other.labels


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    """One band before it is smoothed; `contrast` is 0 outside of the dish, `everywhere` is not."""

    top: int
    pixels: _Bytes
    ground: Strip
    contrast: _Bytes
    everywhere: _Bytes


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """What is kept of one band: labels are those of 2 x 2 pixels, counted through the photo."""

    top: int
    pixels: _Bytes
    ground: Strip
    contrast: _Bytes
    labels: NDArray[np.int32]
    low: NDArray[np.uint8]


class Sweep:
    """One passage over a photo.

    Parameters
    ----------
    photo : BandedPhoto
    ground : Floor
    smallest : float
        Length in pixels below which nothing is cut out.
    polarity : {"auto", "dark", "light"}
    inside : Dish, optional
        In photo pixels; what is outside is ground.
    rows : int
        Height of a band, a multiple of `BLOCK`.

    Attributes
    ----------
    tall : list of (int, int, int, int)
        After the passage: left, top, right and bottom of things too tall to be cut out.
    """

    def __init__(
        self,
        photo: BandedPhoto,
        ground: Floor,
        smallest: float,
        *,
        polarity: str = "auto",
        inside: Dish | None = None,
        rows: int = BLOCK,
    ) -> None:
        self._photo, self._ground, self._smallest = photo, ground, smallest
        self._polarity, self._inside, self._rows = polarity, inside, rows
        self._kept: list[_Band] = []
        self._open: dict[int, _Open] = {}
        self._count = 0
        self._keep_rows = max(2 * rows, min(KEPT_ROWS, KEPT_BYTES // (5 * photo.width)))
        self.tall: list[tuple[int, int, int, int]] = []

    def things(self) -> Iterator[Thing]:
        """Yield each thing when its last row has gone by."""
        before: _Raw | None = None
        waiting: _Raw | None = None
        top = 0
        for pixels in self._photo.bands(self._rows):
            raw = self._raw(pixels, top)
            if waiting is not None:
                yield from self._take(waiting, before, raw)
                before = waiting
            waiting = raw
            top += len(pixels)
        if waiting is not None:
            yield from self._take(waiting, before, None)
        yield from self._closed(self._photo.height)
        self._kept.clear()

    def _raw(self, pixels: _Bytes, top: int) -> _Raw:
        ground = self._ground.strip(top, top + len(pixels))
        whole = ground.crop(slice(0, len(pixels)), slice(None))
        everywhere = contrast = contrast_of(pixels, whole, self._polarity)
        if self._inside is not None:
            contrast = everywhere.copy()
            self._inside.blank_outside(contrast, top)
        return _Raw(top, pixels, ground, contrast, everywhere)

    def _take(self, raw: _Raw, before: _Raw | None, after: _Raw | None) -> Iterator[Thing]:
        """Label one band, with the rows beside it for smoothing, and yield what is complete."""
        low = _thresholds(raw.contrast)
        smooth = _smoothed(raw, before, after, low)
        labels, opened = self._label(smooth, low, raw.top)
        band = _Band(raw.top, raw.pixels, raw.ground, smooth, labels, low)
        self._join_seam(band, opened)
        self._kept.append(band)
        yield from self._closed(raw.top + len(raw.pixels))
        while sum(len(each.pixels) for each in self._kept) > self._keep_rows:
            self._kept.pop(0)

    def _label(
        self, smooth: _Bytes, low: NDArray[np.uint8], top: int
    ) -> tuple[NDArray[np.int32], dict[int, _Open]]:
        """Number the connected pixels of a band, at half its size."""
        strongest = _pooled(smooth)
        half = (strongest > _spread(low, strongest.shape, BLOCK // 2)).view(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(half, connectivity=8)
        seeded = np.zeros(count, bool)
        least = np.minimum(low * SEED_FACTOR, 250).astype(np.uint8)
        seeded[labels[strongest > _spread(least, strongest.shape, BLOCK // 2)]] = True
        stats = stats * 2
        reach = np.hypot(stats[:, 2], stats[:, 3])
        height = 2 * half.shape[0]
        at_seam = (stats[:, 1] == 0) | (stats[:, 1] + stats[:, 3] >= height)
        wanted = (reach >= self._smallest) & seeded | at_seam
        wanted[0] = False
        shifted = np.asarray((labels + np.int32(self._count)) * half, np.int32)
        opened = {}
        for label in np.flatnonzero(wanted).tolist():
            x, y, wide, high = (int(n) for n in stats[label, :4])
            number = label + self._count
            opened[number] = _Open(
                x, top + y, x + wide, top + y + high, bool(seeded[label]), [number]
            )
        self._count += count
        return shifted, opened

    def _join_seam(self, band: _Band, opened: dict[int, _Open]) -> None:
        """Join things of this band with those that reach the last row of the one above."""
        owner = {label: each for each in self._open.values() for label in each.labels}
        owner |= opened
        if self._kept:
            last, first = self._kept[-1].labels[-1], band.labels[0]
            for shift in (-1, 0, 1):
                moved = np.roll(last, shift)
                if shift:
                    moved[0 if shift > 0 else -1] = 0
                touching = (moved > 0) & (first > 0)
                pairs = np.unique(np.stack([moved[touching], first[touching]]), axis=1)
                for upper, lower in pairs.T.tolist():
                    one, other = owner.get(upper), owner[lower]
                    if one is None or one is other:
                        continue
                    one.join(other)
                    owner |= dict.fromkeys(other.labels, one)
        self._open = {id(each): each for each in owner.values()}

    def _closed(self, bottom: int) -> Iterator[Thing]:
        """Yield and forget the things that end above `bottom`."""
        end = bottom >= self._photo.height
        for key, each in list(self._open.items()):
            if each.bottom + MARGIN > bottom and not end:
                continue
            del self._open[key]
            size = np.hypot(each.right - each.left, each.bottom - each.top)
            if size < self._smallest or not each.seeded:
                continue
            if self._kept[0].top > max(each.top - 2, 0):
                self.tall.append((each.left, each.top, each.right, each.bottom))
            else:
                yield self._cut(each)

    def _cut(self, thing: _Open) -> Thing:
        """Cut a thing, with a margin for what is measured around it, out of the kept bands."""
        left, right = max(thing.left - MARGIN, 0), min(thing.right + MARGIN, self._photo.width)
        top = max(thing.top - MARGIN, self._kept[0].top)
        bands = [each for each in self._kept if each.top + len(each.pixels) > top]
        bottom = thing.bottom + MARGIN
        bands = [each for each in bands if each.top < bottom]
        rows = [(each, slice(max(top - each.top, 0), bottom - each.top)) for each in bands]
        pixels = np.concatenate([each.pixels[own, left:right] for each, own in rows])
        contrast = np.concatenate([each.contrast[own, left:right] for each, own in rows])
        mask = np.concatenate(
            [_own_pixels(each, own, left, right, thing.labels) for each, own in rows]
        )
        ground = np.concatenate([each.ground.crop(own, slice(left, right)) for each, own in rows])
        low = _middle_low(rows, slice(left // BLOCK, (right - 1) // BLOCK + 1))
        return Thing(left, top, pixels, ground, contrast, mask, low)


def _smoothed(raw: _Raw, before: _Raw | None, after: _Raw | None, low: NDArray[np.uint8]) -> _Bytes:
    """Contrast of one band, smoothed; above `low` where a line is that lies in the dish.

    Lines are looked for everywhere: where the dish ends would be one.
    """
    near = [] if before is None else [(before, slice(-REACH, None))]
    near += [(raw, slice(None))] + ([] if after is None else [(after, slice(REACH))])
    above = 0 if before is None else REACH
    rows = slice(above, above + len(raw.contrast))
    blurred = _blurred([each.contrast[some] for each, some in near])
    if raw.everywhere is raw.contrast:
        lines = lines_in(blurred, rows, BLOCK)
    else:
        everywhere = _blurred([each.everywhere[some] for each, some in near])
        lines = lines_in(everywhere, rows, BLOCK) & (raw.contrast > 0)
    smooth = blurred[rows].copy()  # it is kept, and the rows beside it shall not be
    return np.maximum(smooth, _spread(low + np.uint8(1), smooth.shape), out=smooth, where=lines)


def _blurred(parts: list[_Bytes]) -> _Bytes:
    return np.asarray(cv2.GaussianBlur(np.concatenate(parts), (3, 3), 0), np.uint8)


def _middle_low(rows: list[tuple[_Band, slice]], beneath: slice) -> float:
    """Median threshold of the blocks beneath a thing."""
    blocks = [
        each.low[own.start // BLOCK : (min(own.stop, len(each.pixels)) - 1) // BLOCK + 1, beneath]
        for each, own in rows
    ]
    values = sorted(value for each in blocks for value in each.ravel().tolist())
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def _own_pixels(band: _Band, own: slice, left: int, right: int, labels: list[int]) -> _Mask:
    """Pixels of a thing within a band: those above the noise in its blocks of 2 x 2."""
    first, last = own.start, min(own.stop, len(band.pixels))
    half = band.labels[first // 2 : (last + 1) // 2, left // 2 : (right + 1) // 2]
    mine = np.isin(half, labels) if len(labels) > 2 else (half == labels[0]) | (half == labels[-1])
    whole = mine.repeat(2, axis=0).repeat(2, axis=1)
    whole = whole[first % 2 :, left % 2 :][: last - first, : right - left]
    blocks = slice(left // BLOCK, (right - 1) // BLOCK + 1)
    low = band.low[first // BLOCK : (last - 1) // BLOCK + 1, blocks]
    down, across = first % BLOCK, left % BLOCK
    spread = _spread(low, (down + last - first, across + right - left))[down:, across:]
    return np.asarray(whole & (band.contrast[own, left:right] > spread))


def _pooled(values: _Bytes) -> _Bytes:
    """Halve a picture: of each block of 2 x 2 the largest value."""
    height, width = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2)))
    rows = cv2.max(values[::2], values[1::2])
    return np.maximum(rows[:, ::2], rows[:, 1::2])


def _thresholds(contrast: _Bytes) -> NDArray[np.uint8]:
    """Contrast that noise does not reach, one value a block.

    Noise is what changes within three pixels, so that neither an animal that fills the block
    nor a slope of the light counts.
    """
    height, width = contrast.shape
    rows = []
    for top in range(0, height, BLOCK):
        part = contrast[top : top + BLOCK : 4].astype(np.int16)
        step = np.abs(part[:, 3::8] - part[:, : part.shape[1] - 3 : 8][:, : part[:, 3::8].shape[1]])
        wide = BLOCK // 8
        blocks = -(-width // BLOCK)
        padded = np.full((len(step), blocks * wide), -1, np.int16)
        padded[:, : step.shape[1]] = step[:, : blocks * wide]
        sample = np.moveaxis(padded.reshape(len(step), blocks, wide), 1, 0).reshape(blocks, -1)
        valid = sample >= 0
        middle = np.array(
            [_below_median(each[own]) for each, own in zip(sample, valid, strict=True)]
        )
        rows.append(np.clip(NOISE_FACTOR * middle, LEAST_CONTRAST, MOST_NOISE))
    return np.rint(np.array(rows)).astype(np.uint8)


def _below_median(values: NDArray[np.int16]) -> float:
    """Robust standard deviation from differences of whole numbers.

    The mean of the lower half of absolute differences of Gaussian noise of deviation s is
    0.325 * sqrt(2) * s; unlike a median of whole numbers it does not jump.
    """
    if not len(values):
        return 0.0
    half = len(values) // 2 + 1
    return float(np.partition(values, half - 1)[:half].mean()) / (0.325 * 1.4142)


def _spread(
    low: NDArray[np.uint8], shape: tuple[int, ...], block: int = BLOCK
) -> NDArray[np.uint8]:
    """Give each pixel the threshold of its block of `block` pixels."""
    whole = low.repeat(block, axis=0)[: shape[0]] if len(low) > 1 else low
    return np.broadcast_to(whole.repeat(block, axis=1)[:, : shape[1]], shape)
