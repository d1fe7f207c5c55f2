"""Draw animals with long jointed legs or clear wings: spiders, harvestmen, ants and flies.

A body is one to three ovals, shaded like rounded solids; a leg is a line of four pieces that
gets thinner and bends at its joints; a wing is a pale leaf through which the ground is seen. Sizes
are photo pixels, colours sRGB 0..255. Where the animals lie is left to `berlese.simulate.plates`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.simulate.beetles import DrawnBeetle, FloatArray
from berlese.simulate.soil import finished, rounded

_FINER = 3  # drawn so much larger, then shrunk
_MOST = 300  # pixels of the sheet's animal; larger animals are drawn coarser
_PIECES = (0.36, 0.14, 0.28, 0.22)  # of a leg: thigh, knee, shin, foot
_WING_CLEAR = (0.12, 0.45)  # how far a wing covers the ground


@dataclass(frozen=True, slots=True)
class _Plan:
    """Ovals as (place, half length, half width) in body lengths from the front, and limbs."""

    ovals: tuple[tuple[float, float, float], ...]
    pairs: int  # of legs
    root: tuple[float, float]  # where the first and the last pair stand
    reach: tuple[float, float]  # length of a leg in body lengths
    thick: tuple[float, float]  # of its thigh
    antenna: float = 0.0
    wings: float = 0.0


_PLANS = {
    "Araneae": _Plan(
        ((0.22, 0.2, 0.16), (0.68, 0.32, 0.24)), 4, (0.12, 0.34), (0.6, 2.0), (0.025, 0.07)
    ),
    "Opiliones": _Plan(((0.5, 0.5, 0.3),), 4, (0.15, 0.45), (1.6, 4.0), (0.02, 0.05)),
    "Formicidae": _Plan(
        ((0.13, 0.13, 0.11), (0.42, 0.17, 0.075), (0.63, 0.035, 0.04), (0.83, 0.18, 0.13)),
        3, (0.34, 0.48), (0.5, 0.9), (0.02, 0.04), antenna=0.45,
    ),
    "Diptera": _Plan(
        ((0.09, 0.09, 0.1), (0.34, 0.19, 0.13), (0.73, 0.28, 0.1)),
        3, (0.28, 0.42), (0.5, 1.1), (0.014, 0.03), antenna=0.1, wings=0.9,
    ),
}  # fmt: skip
JOINTED_TAXA = tuple(_PLANS)


def simulate_jointed_animal(
    taxon: str, length_px: float, colour: NDArray[np.float64], rng: np.random.Generator
) -> DrawnBeetle:
    """Draw one animal of `JOINTED_TAXA`, turned at random.

    Parameters
    ----------
    taxon : str
        Which body plan.
    length_px : float
        Front of the head to the end of the body; legs reach farther.
    colour : float64 array of shape (3,)
        Mean colour of the body, sRGB 0..255.
    rng : Generator
        Source of pose, proportions and grain.
    """
    plan = _PLANS[taxon]
    finer = min(_FINER, max(1.0, _MOST / length_px))
    scale = length_px * finer
    reach = rng.uniform(*plan.reach)
    half = int((0.6 + max(reach, plan.wings)) * scale) + 4
    turn = rng.uniform(0, 2 * np.pi)
    ahead, aside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    sheets = np.zeros((3, 2 * half + 1, 2 * half + 1), np.uint8)
    body, limbs, wings = sheets
    frame = _Frame(np.full(2, float(half)), ahead, aside, scale)
    _draw_ovals(body, plan, frame, rng)
    _draw_legs(limbs, plan, reach, frame, rng)
    if plan.wings:
        _draw_wings(wings, plan, frame, rng)
    cover = np.where(body > 0, np.uint8(255), limbs).astype(np.float32) / 255
    alpha = cover * np.where(body > 0, rng.uniform(0.85, 1.0), rng.uniform(0.5, 0.9))
    alpha = np.maximum(alpha, wings.astype(np.float32) / 255 * rng.uniform(*_WING_CLEAR))
    shade = rounded(body, rng) * np.where((body == 0) & (limbs > 0), rng.uniform(0.6, 1.3), 1.0)
    paint = np.clip(colour.astype(np.float32) * shade[..., None].astype(np.float32), 0, 250)
    return finished(taxon, paint, alpha.astype(np.float32), finer, length_px)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Middle of the sheet, the two directions of the body, and pixels a body length."""

    middle: FloatArray
    ahead: FloatArray
    aside: FloatArray
    scale: float

    def at(self, along: float, across: float = 0.0) -> FloatArray:
        """Place on the sheet, in body lengths from the front and to one side."""
        return np.asarray(
            self.middle + self.scale * ((0.5 - along) * self.ahead + across * self.aside)
        )


def _draw_ovals(
    body: NDArray[np.uint8], plan: _Plan, frame: _Frame, rng: np.random.Generator
) -> None:
    degrees = float(np.degrees(np.arctan2(frame.ahead[1], frame.ahead[0])))
    plump = rng.uniform(0.8, 1.25)
    for place, long, wide in plan.ovals:
        spot = frame.at(place + rng.normal(0, 0.01), rng.normal(0, 0.012))
        axes = (
            max(1, round(long * frame.scale * rng.uniform(0.92, 1.1))),
            max(1, round(wide * frame.scale * plump * rng.uniform(0.9, 1.1))),
        )
        middle = (round(float(spot[0])), round(float(spot[1])))
        bent = degrees + rng.normal(0, 6)
        cv2.ellipse(body, middle, axes, bent, 0, 360, 255, -1)


def _draw_legs(
    limbs: NDArray[np.uint8], plan: _Plan, reach: float, frame: _Frame, rng: np.random.Generator
) -> None:
    """Draw legs and antennae; legs are spread or drawn in, and lost now and then."""
    heading = float(np.arctan2(frame.ahead[1], frame.ahead[0]))
    thick = rng.uniform(*plan.thick) * frame.scale
    spread, curl = rng.uniform(0.7, 1.2), rng.uniform(-0.2, 1.1)
    for number, root in enumerate(np.linspace(*plan.root, plan.pairs)):
        for side in (-1, 1):
            if rng.random() < 0.07:
                continue
            aim = side * spread * (0.45 + 2.1 * number / (plan.pairs - 1))
            forward = 1 if number < plan.pairs / 2 else -1
            bends = -side * forward * curl * rng.normal(1, 0.35, 4) + rng.normal(0, 0.25, 4)
            length = reach * rng.uniform(0.75, 1.1) * (1.25 if number == 1 else 1.0)
            start = frame.at(float(root), side * 0.04)
            draw_leg(limbs, start, heading + aim, bends, length * frame.scale, thick)
    for side in (-1, 1) if plan.antenna else ():
        aim, bends = heading + side * rng.uniform(0.3, 0.8), rng.normal(0, 0.4, 4)
        draw_leg(
            limbs, frame.at(0.03), aim, bends, plan.antenna * frame.scale, max(1.0, 0.6 * thick)
        )


def draw_leg(
    limbs: NDArray[np.uint8],
    start: FloatArray,
    aim: float,
    bends: FloatArray,
    length: float,
    thick: float,
) -> None:
    """Draw one leg: four pieces, each turned against the one before and thinner.

    Parameters
    ----------
    limbs : ndarray of uint8 of shape (h, w)
        Drawn on.
    start : float64 array of shape (2,)
        x and y of the root.
    aim : float
        Direction in radians.
    bends : float64 array of shape (4,)
        How far each piece turns, in radians.
    length, thick : float
        Of the whole leg and of its thigh, in pixels.
    """
    for piece, bend, share in zip(_PIECES, np.cumsum(bends), (1.0, 0.9, 0.65, 0.4), strict=True):
        turn = aim + bend
        end = start + length * piece * np.array([np.cos(turn), np.sin(turn)])
        ends = [(round(float(x)), round(float(y))) for x, y in (start, end)]
        cv2.line(limbs, ends[0], ends[1], 255, max(1, round(thick * share)), cv2.LINE_AA)
        start = end


def _draw_wings(
    wings: NDArray[np.uint8], plan: _Plan, frame: _Frame, rng: np.random.Generator
) -> None:
    """Draw a pair of wings, folded over the body or spread."""
    heading = float(np.arctan2(frame.ahead[1], frame.ahead[0]))
    open_by = rng.uniform(0.1, 1.5)
    long = plan.wings * frame.scale * rng.uniform(0.75, 1.0) / 2
    for side in (-1, 1):
        turn = heading + np.pi - side * (open_by + rng.normal(0, 0.15))
        spot = frame.at(0.3, side * 0.06) + long * np.array([np.cos(turn), np.sin(turn)])
        axes = (max(1, round(long)), max(1, round(long * rng.uniform(0.3, 0.42))))
        middle = (round(float(spot[0])), round(float(spot[1])))
        cv2.ellipse(wings, middle, axes, float(np.degrees(turn)), 0, 360, 255, -1)
