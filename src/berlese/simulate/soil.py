"""Draw soft-bodied soil animals: springtails, mites and larvae, pale or dark, at any size.

A body is a chain of discs along a bent spine, shaded like a rounded solid; legs, antennae and the
fork of a springtail are thin lines. Sizes are photo pixels, colours sRGB 0..255. Where the
animals lie, and among what dirt, is left to `berlese.simulate.plates`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.simulate.beetles import DrawnBeetle, FloatArray

SOIL_TAXA = ("Entomobryomorpha", "Poduromorpha", "Symphypleona", "Acari", "Larva")
_FINER = 4  # drawn so much larger, then shrunk
_MOST = 520  # pixels of the sheet's animal; larger animals are drawn coarser
_PROFILES = {  # half width along the body, in body lengths, at even steps from head to tail
    "Entomobryomorpha": (0.05, 0.085, 0.065, 0.085, 0.1, 0.11, 0.115, 0.105, 0.075, 0.03),
    "Poduromorpha": (0.07, 0.11, 0.105, 0.13, 0.145, 0.155, 0.16, 0.15, 0.12, 0.06),
    "Symphypleona": (0.1, 0.145, 0.1, 0.2, 0.25, 0.265, 0.26, 0.22, 0.15, 0.05),
    "Acari": (0.08, 0.17, 0.26, 0.31, 0.335, 0.34, 0.33, 0.3, 0.23, 0.1),
    "Larva": (0.045, 0.062, 0.06, 0.066, 0.07, 0.072, 0.07, 0.066, 0.06, 0.035),
}
_BEND = {"Larva": 0.9, "Entomobryomorpha": 0.3, "Poduromorpha": 0.25}
_STEPS = 90


def simulate_soil_animal(
    taxon: str, length_px: float, colour: NDArray[np.float64], rng: np.random.Generator
) -> DrawnBeetle:
    """Draw one animal of `SOIL_TAXA`, turned at random.

    Parameters
    ----------
    taxon : str
        Which body plan.
    length_px : float
        Front of the head to the end of the body.
    colour : float64 array of shape (3,)
        Mean colour of the body, sRGB 0..255.
    rng : Generator
        Source of pose, proportions and grain.
    """
    finer = min(_FINER, max(1.0, _MOST / length_px))
    scale = length_px * finer
    half = int(0.95 * scale) + 4
    spine = _spine(taxon, rng) * scale + half
    widths = np.interp(np.linspace(0, 1, _STEPS), np.linspace(0, 1, 10), _PROFILES[taxon])
    radii = np.maximum(widths * rng.uniform(0.85, 1.15) * scale, 1.0)
    limbs = np.zeros((2 * half + 1,) * 2, np.uint8)
    if rng.random() < 0.85:  # some have lost or folded all their limbs
        _draw_limbs(limbs, taxon, spine, radii, scale, rng)
    body, along = _draw_body(limbs.shape, spine, radii)
    segments = 1 if taxon in ("Acari", "Symphypleona") else int(rng.integers(8, 13))
    rings = 1 - rng.uniform(0.05, 0.3) * np.exp(-((along % (_STEPS / segments)) ** 2) / 6.0)
    shade = rounded(body, rng) * (rings if segments > 1 else 1)
    cover = np.maximum(body, np.where(body > 0, 0, limbs)).astype(np.float32) / 255
    clear = rng.uniform(0.8, 1.0)  # thin animals let the ground through
    alpha = cover * np.where(body > 0, clear, 0.85).astype(np.float32)
    paint = colour.astype(np.float32)[None, None] * shade[..., None]
    return finished(taxon, np.clip(paint, 0, 250), alpha, finer, length_px)


def _spine(taxon: str, rng: np.random.Generator) -> FloatArray:
    """Points from head to tail around 0, one body length long, bent and turned."""
    bend = rng.normal(0, _BEND.get(taxon, 0.08))
    angles = bend * np.linspace(-1, 1, _STEPS) + rng.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) / _STEPS
    points = np.cumsum(steps, axis=0)
    return np.asarray(points - points.mean(axis=0))


def _draw_body(
    shape: tuple[int, ...], spine: FloatArray, radii: FloatArray
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the body's cover, and the number of the disc (from 1) that is on top."""
    body, along = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for number in range(len(spine) - 1, -1, -1):
        spot = (int(spine[number, 0] * 16), int(spine[number, 1] * 16))
        radius = int(radii[number] * 16)
        cv2.circle(body, spot, radius, 255, -1, cv2.LINE_8, 4)
        cv2.circle(along, spot, radius, number + 1, -1, cv2.LINE_8, 4)
    return body, along


def rounded(body: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """Brightness of a rounded, mottled body lit from one side: 1 is its mean colour."""
    if rng.random() < 0.12:  # against the light: a silhouette
        return np.ones(body.shape, np.float32)
    depth = cv2.distanceTransform(body, cv2.DIST_L2, 3)
    height = np.sqrt(np.clip(depth / max(float(depth.max()), 1.0), 0, 1)).astype(np.float32)
    light = rng.uniform(0, 2 * np.pi)
    down, right = np.gradient(cv2.GaussianBlur(height, (0, 0), 2))
    slope = (right * np.cos(light) + down * np.sin(light)) * 2 * float(depth.max()) * 0.27
    coarse = rng.standard_normal((24, 24)).astype(np.float32)
    mottle = cv2.resize(coarse, body.shape[::-1], interpolation=cv2.INTER_CUBIC)
    rim = 1 - rng.uniform(0.0, 0.3) * np.exp(-6 * height)
    shade = (1 + 0.6 * slope) * rim
    return np.asarray(shade * (1 + rng.uniform(0.02, 0.15) * mottle), np.float32)


def _draw_limbs(
    sheet: NDArray[np.uint8],
    taxon: str,
    spine: FloatArray,
    radii: FloatArray,
    scale: float,
    rng: np.random.Generator,
) -> None:
    """Draw antennae, legs and fork as thin lines; whole legs are lost now and then."""
    thick = max(1, round(scale * rng.uniform(0.012, 0.024)))
    forward = spine[0] - spine[4]
    heading = float(np.arctan2(forward[1], forward[0]))
    if taxon in ("Entomobryomorpha", "Poduromorpha", "Symphypleona"):
        long = scale * rng.uniform(0.1, 0.2 if taxon == "Poduromorpha" else 0.42)
        for side in (-1, 1):
            _limb(sheet, spine[3], heading + side * rng.uniform(0.2, 0.8), long, thick + 1, rng)
        if taxon != "Poduromorpha" and rng.random() < 0.5:
            for side in (-1, 1):
                _limb(
                    sheet, spine[-12], heading + np.pi + side * 0.18, 0.32 * scale, thick + 1, rng
                )
    if taxon == "Larva":
        return
    roots = (14, 26, 38, 50) if taxon == "Acari" else (22, 32, 42)
    for number, root in enumerate(roots):
        for side in (-1, 1):
            if rng.random() < 0.12:
                continue
            aim = heading + side * (0.9 + 0.45 * number + rng.normal(0, 0.15))
            reach = radii[root] + scale * rng.uniform(0.06, 0.5 if taxon == "Acari" else 0.22)
            _limb(sheet, spine[root], aim, reach, thick, rng)


def _limb(
    sheet: NDArray[np.uint8],
    root: FloatArray,
    aim: float,
    reach: float,
    thick: int,
    rng: np.random.Generator,
) -> None:
    turns = aim + np.cumsum(rng.normal(0, 0.22, 5))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach / 5
    line = np.concatenate([root[None], root + np.cumsum(steps, axis=0)])
    cv2.polylines(sheet, [(line * 16).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)


def finished(
    taxon: str, paint: FloatArray, alpha: FloatArray, finer: float, length_px: float
) -> DrawnBeetle:
    """Shrink the sheet to photo pixels and trim it to the animal."""
    side = max(1, round(alpha.shape[0] / finer))
    small = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    colour = cv2.resize(paint * alpha[..., None], (side, side), interpolation=cv2.INTER_AREA)
    left, top, width, height = cv2.boundingRect((small > 0.02).astype(np.uint8))
    part = (slice(top, top + height), slice(left, left + width))
    return DrawnBeetle(
        taxon, np.asarray(colour[part], np.float32), np.asarray(small[part]), length_px
    )
