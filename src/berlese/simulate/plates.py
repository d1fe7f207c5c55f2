"""Simulate hard plates: hundreds of animals of all sizes among dirt, fibres, bubbles and glare.

Where `surveys` shows beetles in a clean dish, a plate here may be white, grey, mottled as
ethanol is, or dark; its animals pale or dark, or both; a ruler, a label or a rim may lie in it.
The truth is exact: what can be seen of each animal, dirt on top taken off, and legs that end in
the colour of the ground as far as they stand out. A plate may be of any size:
it is drawn on bytes and photographed in bands. Lengths are pixels, colours sRGB 0..255.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError
from berlese.simulate.beetles import ByteArray, DrawnBeetle, FloatArray, simulate_beetle
from berlese.simulate.debris import draw_bubble, draw_fibre, draw_grain, draw_limb
from berlese.simulate.jointed import JOINTED_TAXA, simulate_jointed_animal
from berlese.simulate.plans import TAXA
from berlese.simulate.soil import SOIL_TAXA, simulate_soil_animal
from berlese.simulate.surveys import SimulatedPhoto, TrueSpecimen
from berlese.specimens.outline import Box

GROUNDS = ("white", "grey", "ethanol", "dark")
_LEVELS = {"white": (215, 246), "grey": (150, 205), "ethanol": (105, 175), "dark": (14, 60)}
_SMALL_TAXA = (*SOIL_TAXA, *JOINTED_TAXA)
_CAST_COLOUR = np.full(3, 160.0)  # of animals that are recoloured when they are laid
_VISIBLE = 0.35
_CLEAR = 8  # grey levels from what lies beneath: the noise is 1 to 4
_BAND = 512  # rows photographed at a time


@dataclass(frozen=True, slots=True)
class PlateKind:
    """What lies on a plate; counts are for a plate of 1,000 by 1,000 pixels.

    Parameters
    ----------
    ground : str
        One of `GROUNDS`.
    length_px : tuple of float
        Lengths of most animals, from and to.
    animals, grains, fibres, bubbles, limbs : float
        How many; limbs are legs and wings that animals have lost.
    beetles : int
        How many large beetles lie on the whole plate, beside the small animals.
    clumped : float
        Share of the animals that are laid on or against another one.
    most_overlap : float
        Share of such an animal that lies on others at most, and share of each animal that others
        hide at most, all together; at least 0.005.
    rim, ruler, glare : bool
        Whether a rim, a ruler, reflections of a lamp are seen.
    taxa : tuple of str
        Of the small animals, by turns at random; some that are drawn without it.
    """

    ground: str = "grey"
    length_px: tuple[float, float] = (60, 120)
    animals: float = 8.0
    grains: float = 30.0
    fibres: float = 3.0
    bubbles: float = 1.0
    beetles: int = 0
    clumped: float = 0.05
    most_overlap: float = 0.2
    rim: bool = False
    ruler: bool = False
    glare: bool = False
    limbs: float = 0.0
    taxa: tuple[str, ...] = ()


def draw_kind(rng: np.random.Generator) -> PlateKind:
    """Draw what one plate is like, over the whole range of difficulty."""
    short = float(np.exp(rng.uniform(np.log(20), np.log(110))))
    return PlateKind(
        ground=str(rng.choice(GROUNDS)),
        length_px=(short, short * rng.uniform(1.3, 2.5)),
        animals=float(np.clip(rng.uniform(0.3, 1.2) * (350 / short) ** 1.2, 3, 60)),
        grains=float(rng.uniform(5, 80)),
        fibres=float(rng.uniform(0, 8)),
        bubbles=float(rng.uniform(0, 4) if rng.random() < 0.5 else 0),
        beetles=int(rng.integers(1, 5)) if rng.random() < 0.3 else 0,
        clumped=float(rng.uniform(0, 0.12)),
        rim=bool(rng.random() < 0.3),
        ruler=bool(rng.random() < 0.3),
        glare=bool(rng.random() < 0.3),
        limbs=float(rng.uniform(0, 6) if rng.random() < 0.5 else 0),
    )


def simulate_plate(
    seed: int | np.random.SeedSequence,
    kind: PlateKind | None = None,
    *,
    size_px: int = 2000,
    name: str = "plate-1",
    cast: Sequence[DrawnBeetle] = (),
) -> SimulatedPhoto:
    """Simulate one hard plate with the outline of every animal.

    Parameters
    ----------
    seed : int or SeedSequence
        The same seed gives the same pixels.
    kind : PlateKind, optional
        What lies on it; drawn if not given.
    size_px : int
        Width and height of the photo; animals do not grow with it.
    name : str
        Name of the photo, without suffix.
    cast : sequence of DrawnBeetle, optional
        Drawn animals to lay again and again, turned, resized and recoloured; without them each
        animal is drawn anew, which takes most of the time. `draw_cast` draws some.
    """
    if size_px < 200:
        raise SettingError(f"simulate_plate: size_px must be at least 200, got {size_px}.")
    rng = np.random.default_rng(seed)
    kind = kind or draw_kind(rng)
    if kind.ground not in GROUNDS:
        raise SettingError(f"ground must be one of {', '.join(GROUNDS)}; got {kind.ground!r}.")
    known = _taxa_of(cast)
    if unknown := sorted(set(kind.taxa) - set(known)):
        raise SettingError(f"taxa must be of {', '.join(known)}; got {unknown[0]!r}.")
    plate = _Plate(kind, size_px, rng, cast)
    plate.litter(before=True)
    plate.populate()
    plate.litter(before=False)
    pixels = plate.photographed()
    return SimulatedPhoto(name, pixels, "S1", "site-1", tuple(plate.truth()))


class _Plate:
    """A plate being laid: its bytes so far, and which animal is on top at each pixel."""

    def __init__(
        self,
        kind: PlateKind,
        size_px: int,
        rng: np.random.Generator,
        cast: Sequence[DrawnBeetle] = (),
    ) -> None:
        self.kind, self.size, self.rng, self.cast = kind, size_px, rng, cast
        low, high = _LEVELS[kind.ground]
        self.floor = np.clip(rng.uniform(low, high) + rng.normal(0, 3, 3), 4, 248)
        self.dark_ground = bool(self.floor.mean() < 90)
        self.canvas = np.empty((size_px, size_px, 3), np.uint8)
        self.canvas[:] = np.rint(self.floor)
        self.owner = np.zeros((size_px, size_px), np.int16)
        self.share = (size_px / 1000) ** 2
        self.radius = size_px * 0.47 if kind.rim else size_px
        self.taxa: list[tuple[str, float]] = []
        self.boxes: list[tuple[slice, slice]] = []
        self.spared = np.zeros(1)  # pixels of each animal that others may still hide; from 1
        self.free_from = 0.14 * size_px if kind.ruler else 0.0
        self._mottle()
        self._furniture()

    def _mottle(self) -> None:
        """Clouds in the liquid and grain of the floor."""
        rough = {"white": 1.5, "grey": 3.0, "ethanol": 6.0, "dark": 3.5}[self.kind.ground]
        cells = max(4, self.size // 160)
        clouds = self.rng.normal(0, self.rng.uniform(0.3, 1) * rough, (cells, cells))
        field = cv2.resize(
            clouds.astype(np.float32), (self.size, self.size), interpolation=cv2.INTER_CUBIC
        )
        for top in range(0, self.size, _BAND):
            band = self.canvas[top : top + _BAND]
            band[:] = np.clip(band + field[top : top + _BAND, :, None], 0, 255).astype(np.uint8)

    def _furniture(self) -> None:
        """Lay rim, ruler, label and glare, as far as the kind asks for them."""
        if self.kind.rim:
            shade = tuple((self.floor * (1.8 if self.dark_ground else 0.6)).clip(0, 255).tolist())
            middle = (self.size // 2, self.size // 2)
            wide = max(4, round(0.012 * self.size))
            cv2.circle(self.canvas, middle, round(self.radius + wide), shade, wide, cv2.LINE_AA)
            inner = tuple((self.floor * 0.85).tolist())
            cv2.circle(self.canvas, middle, round(self.radius + 3 * wide), inner, 3, cv2.LINE_AA)
        if self.kind.ruler:
            self._ruler()
        if self.kind.glare:
            for _ in range(int(self.rng.integers(1, 4))):
                self._shine()

    def _ruler(self) -> None:
        """Lay a ruler with ticks and digits along the top."""
        pitch = self.size / self.rng.integers(40, 90)
        light = self.rng.random() < 0.6
        paper, ink = ((238, 236, 226), (30, 30, 34)) if light else ((46, 48, 52), (226, 226, 222))
        high = round(0.1 * self.size)
        if self.rng.random() < 0.6:
            cv2.rectangle(self.canvas, (0, 0), (self.size, high), paper, -1)
        elif abs(float(self.floor.mean()) - np.mean(ink)) < 70:
            ink = (250, 250, 246) if self.dark_ground else (10, 10, 12)
        thick = max(1, round(0.0012 * self.size))
        for number in range(int(self.size / pitch) + 1):
            long = (0.055 if number % 10 == 0 else 0.04 if number % 5 == 0 else 0.025) * self.size
            x = round(number * pitch)
            cv2.line(self.canvas, (x, high), (x, round(high - long)), ink, thick, cv2.LINE_AA)
            if number % 10 == 0:
                spot = (x + thick, round(0.04 * self.size))
                font = cv2.FONT_HERSHEY_SIMPLEX
                size = self.size / 1400
                cv2.putText(
                    self.canvas, str(number // 10), spot, font, size, ink, 2 * thick, cv2.LINE_AA
                )

    def _shine(self) -> None:
        """Lay the soft reflection of a lamp or a window."""
        wide = int(self.size * self.rng.uniform(0.03, 0.1)) + 8
        patch = np.zeros((2 * wide, 2 * wide), np.float32)
        corners = wide + wide * self.rng.uniform(0.4, 0.7) * np.array(
            [[-1, -1], [1, -0.8], [0.8, 1], [-1, 0.9]]
        )
        cv2.fillPoly(patch, [corners.astype(np.int32)], 1.0)
        soft = np.asarray(cv2.GaussianBlur(patch, (0, 0), wide * self.rng.uniform(0.03, 0.12)))
        left, top = self.rng.integers(0, max(1, self.size - 2 * wide), 2)
        self._cover(soft * self.rng.uniform(0.1, 0.8), np.full(3, 252.0), int(left), int(top))

    def _cover(self, alpha: FloatArray, colour: FloatArray, left: int, top: int) -> None:
        """Blend a patch over the canvas; `colour` is one colour or one a pixel."""
        height, width = alpha.shape
        rows = slice(max(0, top), min(self.size, top + height))
        columns = slice(max(0, left), min(self.size, left + width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        own = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        share = alpha[own][..., None]
        paint = colour if colour.ndim == 1 else colour[own]
        part = self.canvas[rows, columns]
        part[:] = np.clip(part * (1 - share) + paint * share + 0.5, 0, 255).astype(np.uint8)
        hidden = self.owner[rows, columns]
        hidden[alpha[own] > 0.6] = 0

    def litter(self, *, before: bool) -> None:
        """Scatter dirt, fibres, bubbles and limbs; most of it below the animals."""
        amount = self.share * (0.92 if before else 0.08)
        for draw, count in (
            (draw_grain, self.kind.grains),
            (draw_fibre, self.kind.fibres),
            (draw_bubble, self.kind.bubbles),
            (draw_limb, self.kind.limbs),
        ):
            for _ in range(int(self.rng.poisson(count * amount))):
                alpha, colour = draw(self.rng, self.floor, float(np.mean(self.kind.length_px)))
                left, top = self.rng.uniform(-0.01, 1, 2) * self.size
                self._cover(alpha, colour, int(left), int(top))

    def populate(self) -> None:
        """Lay the animals: the large beetles first, then the many."""
        for _ in range(self.kind.beetles):
            taxon = TAXA[int(self.rng.integers(len(TAXA)))]
            beetle = simulate_beetle(taxon, self.rng)
            self._lay(_enlarged(beetle, self.rng.uniform(300, 1000) / beetle.length_px))
        taxa = _taxa_of(self.cast)
        few = int(self.rng.integers(1, len(taxa) + 1))
        kinds = self.rng.choice(len(taxa), few, replace=False)
        if self.kind.taxa:
            kinds = np.array([taxa.index(each) for each in self.kind.taxa])
        for _ in range(int(self.rng.poisson(self.kind.animals * self.share))):
            low, high = self.kind.length_px
            length = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
            taxon = taxa[int(self.rng.choice(kinds))]
            colour = self._animal_colour()
            if self.cast:
                self._lay(_recast(self._one_of(taxon, length), length, colour, self.rng))
            else:
                self._lay(_small_animal(taxon, length, colour, self.rng))

    def _one_of(self, taxon: str, length: float) -> DrawnBeetle:
        """Choose one of the cast, of some the one whose own length is nearest."""
        own = [each for each in self.cast if _kind_of(each) == taxon]
        some = [own[int(each)] for each in self.rng.integers(0, len(own), 4)]
        return min(some, key=lambda each: abs(np.log(each.length_px / length)))

    def _animal_colour(self) -> NDArray[np.float64]:
        """A colour that can be told from the floor: pale on dark, dark or pale elsewhere."""
        level = float(self.floor.mean())
        if self.dark_ground or (
            self.kind.ground in ("grey", "ethanol") and self.rng.random() < 0.4
        ):
            bright = self.rng.uniform(min(level + 38, 225), min(level + 160, 248))
        else:
            bright = self.rng.uniform(18, max(level - 32, 30))
        warm = self.rng.uniform(0, 0.22)
        return np.clip(bright * np.array([1 + warm / 2, 1.0, 1 - warm]), 5, 250)

    def _lay(self, animal: DrawnBeetle) -> None:
        """Find room for an animal and lay it."""
        seen = animal.alpha >= _VISIBLE
        height, width = seen.shape
        if max(height, width) >= 0.7 * self.size:
            return
        beside = bool(self.boxes) and self.rng.random() < self.kind.clumped
        for _ in range(60):
            left, top = self._spot(height, width, beside=beside)
            middle = np.array([left + width / 2, top + height / 2]) - self.size / 2
            if np.hypot(*middle) > self.radius - np.hypot(width, height) / 2:
                continue
            under = self.owner[top : top + height, left : left + width][seen]
            hidden = np.bincount(under, minlength=len(self.spared))[1:]
            crossed = float(hidden.sum()) / max(seen.sum(), 1)
            some = 0.005 < crossed < self.kind.most_overlap
            if some and (hidden <= self.spared[1:]).all() if beside else crossed == 0:
                break
        else:
            return
        self._put(animal, left, top)

    def _put(self, animal: DrawnBeetle, left: int, top: int) -> None:
        """Lay an animal with a faint shadow, and note what of it can be seen."""
        seen = animal.alpha >= _VISIBLE
        frame = (slice(top, top + seen.shape[0]), slice(left, left + seen.shape[1]))
        shadow = cv2.GaussianBlur(animal.alpha, (0, 0), max(1.0, 0.02 * animal.length_px))
        drop = max(1, round(0.02 * animal.length_px))
        owner = self.owner[frame].copy()
        beneath = self.canvas[frame].copy()
        self._cover(shadow * 0.18, np.zeros(3), left + drop, top + drop)
        solid = animal.colour / np.maximum(animal.alpha, 1e-3)[..., None]
        self._cover(animal.alpha, solid, left, top)
        clear = cv2.absdiff(self.canvas[frame], beneath).max(axis=2) >= _CLEAR
        seen &= _stood_out(seen & clear)
        hidden = np.bincount(owner[seen], minlength=len(self.spared))
        self.spared -= hidden
        self.spared = np.append(self.spared, self.kind.most_overlap * seen.sum())
        self.taxa.append((animal.taxon, animal.length_px))
        self.boxes.append(frame)
        owner[seen] = len(self.taxa)
        self.owner[frame] = owner

    def _spot(self, height: int, width: int, *, beside: bool) -> tuple[int, int]:
        """Draw left and top of an animal's frame: anywhere, or near one that lies already."""
        low, high = np.array([0, int(self.free_from)]), np.array([width, height])
        high = np.maximum(self.size - high, low + 1)
        if not beside:
            left, top = self.rng.integers(low, high)
        else:
            other = self.boxes[int(self.rng.integers(len(self.boxes)))]
            near = np.array([other[1].start, other[0].start]) + self.rng.uniform(
                (-width, -height), (other[1].stop - other[1].start, other[0].stop - other[0].start)
            )
            left, top = np.clip(near.astype(int), low, high - 1)
        return int(left), int(top)

    def photographed(self) -> ByteArray:
        """Take the picture: uneven light, blur and noise, band by band."""
        blur, noise = self.rng.uniform(0.5, 1.4), self.rng.uniform(1.0, 4.0)
        slope, turn = self.rng.uniform(0.0, 0.15), self.rng.uniform(0, 2 * np.pi)
        place = (np.arange(self.size, dtype=np.float32) / self.size - 0.5) * 2
        across = (1 + slope * np.cos(turn) * place)[None, :, None].astype(np.float32)
        soft = cv2.GaussianBlur(self.canvas, (0, 0), blur)
        for top in range(0, self.size, _BAND):
            band = soft[top : top + _BAND]
            down = (slope * np.sin(turn) * place[top : top + _BAND])[:, None, None]
            grain = self.rng.standard_normal(band.shape, dtype=np.float32) * np.float32(noise)
            lit = band * (across + down.astype(np.float32)) + grain
            band[:] = np.clip(lit + 0.5, 0, 255).astype(np.uint8)
        return np.asarray(soft)

    def truth(self) -> list[TrueSpecimen]:
        """What is seen of each animal: its largest piece that dirt and others left over."""
        found = []
        for number, ((taxon, length), window) in enumerate(
            zip(self.taxa, self.boxes, strict=True), start=1
        ):
            mask = (self.owner[window] == number).astype(np.uint8)
            count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
            if count < 2:
                continue
            largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
            left, top, width, height = (int(n) for n in stats[largest, :4])
            own = np.ascontiguousarray(pieces[top : top + height, left : left + width] == largest)
            corner = np.array([window[1].start + left, window[0].start + top])
            outlines, _ = cv2.findContours(
                own.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            polygon = max(outlines, key=len)[:, 0, :].astype(float) + corner + 0.5
            far = corner + np.array([width, height])
            box = Box(*corner.tolist(), *far.tolist())
            found.append(TrueSpecimen(taxon, box, polygon, own, length))
        return found


def _stood_out(clear: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell where a person sees an animal: within what stands out, taken together.

    Ends of legs that have the colour of the ground cannot be seen, and so are no part of it; a
    patch of that colour on its back is.
    """
    area = np.zeros(clear.shape, np.uint8)
    if clear.any():
        points = np.argwhere(clear)[:, ::-1].astype(np.int32)
        cv2.fillConvexPoly(area, cv2.convexHull(points), 1)
    return area > 0


def draw_cast(count: int, rng: np.random.Generator) -> list[DrawnBeetle]:
    """Draw soil animals, spiders, ants, flies and beetles to lay on many plates.

    Parameters
    ----------
    count : int
        How many; the kinds come by turns, at lengths of 40 to 150 pixels.
    rng : Generator
    """
    cast = []
    for number in range(count):
        kind = number % (len(_SMALL_TAXA) + 1)
        if kind == len(_SMALL_TAXA):
            cast.append(simulate_beetle(TAXA[int(rng.integers(len(TAXA)))], rng))
            continue
        length = float(np.exp(rng.uniform(np.log(40), np.log(150))))
        cast.append(_small_animal(_SMALL_TAXA[kind], length, _CAST_COLOUR, rng))
    return cast


def _kind_of(animal: DrawnBeetle) -> str:
    """Name of its taxon; beetles of all families are one kind."""
    return animal.taxon if animal.taxon in _SMALL_TAXA else "Coleoptera"


def _taxa_of(cast: Sequence[DrawnBeetle]) -> Sequence[str]:
    """Kinds of animals that can be laid: those of a cast, or all that are drawn anew."""
    return sorted(set(map(_kind_of, cast))) or _SMALL_TAXA


def _small_animal(
    taxon: str, length: float, colour: NDArray[np.float64], rng: np.random.Generator
) -> DrawnBeetle:
    draw = simulate_soil_animal if taxon in SOIL_TAXA else simulate_jointed_animal
    return draw(taxon, length, colour, rng)


def _recast(
    animal: DrawnBeetle, length: float, colour: NDArray[np.float64], rng: np.random.Generator
) -> DrawnBeetle:
    """Turn, mirror, resize and recolour a drawn animal; beetles keep their colours."""
    factor = length / animal.length_px
    height, width = animal.alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), factor)
    reach = np.ceil(np.abs(turn[:, :2]) @ (width, height)).astype(int) + 2
    turn[:, 2] += reach / 2 - (width / 2, height / 2)
    planes = np.dstack([animal.colour, animal.alpha])
    if factor < 0.75:
        planes = np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.4 / factor))
    planes = np.asarray(cv2.warpAffine(planes, turn, reach.tolist()))
    if rng.random() < 0.5:
        planes = planes[:, ::-1]
    left, top, width, height = cv2.boundingRect((planes[..., 3] > 0.05).astype(np.uint8))
    planes = planes[top : top + height, left : left + width]
    alpha = np.clip(planes[..., 3], 0, 1)
    shade = planes[..., :3]
    if animal.taxon in _SMALL_TAXA:
        shade = shade * (colour / _CAST_COLOUR).astype(np.float32)
    shade = np.clip(shade, 0, 255 * alpha[..., None])
    return DrawnBeetle(animal.taxon, shade, np.ascontiguousarray(alpha), length)


def _enlarged(beetle: DrawnBeetle, factor: float) -> DrawnBeetle:
    """Draw a beetle at another size; beyond about twice its own it gets soft."""
    size = (
        max(1, round(beetle.alpha.shape[1] * factor)),
        max(1, round(beetle.alpha.shape[0] * factor)),
    )
    method = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    colour = np.asarray(cv2.resize(beetle.colour, size, interpolation=method), np.float32)
    alpha = np.clip(cv2.resize(beetle.alpha, size, interpolation=method), 0, 1)
    return DrawnBeetle(
        beetle.taxon, np.clip(colour, 0, 255), alpha.astype(np.float32), beetle.length_px * factor
    )
