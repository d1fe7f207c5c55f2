"""Small drawn dishes of two simple taxa, made with OpenCV and NumPy alone."""

from pathlib import Path

import cv2
import numpy as np

SHAPES = {"Longidae": (26, 8), "Rotundidae": (15, 13)}
COLOURS = {"Longidae": (40, 30, 30), "Rotundidae": (110, 60, 25)}


def paper(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """White ground with a little sensor noise, as RGB."""
    return rng.normal(232, 2, (height, width, 3)).clip(0, 255).astype(np.uint8)


def put_animal(image: np.ndarray, taxon: str, centre: tuple[int, int], angle: float) -> None:
    """Draw one bean-shaped animal of `taxon`."""
    cv2.ellipse(image, centre, SHAPES[taxon], angle, 0, 360, COLOURS[taxon], -1, cv2.LINE_AA)


def dish(seed: int, n_animals: int = 4) -> np.ndarray:
    """A 360 x 360 photo of animals that lie apart, both taxa in turn."""
    rng = np.random.default_rng(seed)
    image = paper(360, 360, rng)
    places = [(x, y) for y in (70, 180, 290) for x in (70, 180, 290)]
    for number in range(n_animals):
        taxon = sorted(SHAPES)[number % 2]
        put_animal(image, taxon, places[number], float(rng.uniform(0, 180)))
    return image


def save(path: Path, image: np.ndarray) -> Path:
    """Write an RGB picture with OpenCV, so that no code under test made the input."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower() or ".png"
    path.write_bytes(cv2.imencode(suffix, image[..., ::-1])[1].tobytes())
    return path
