from dataclasses import replace

import cv2
import numpy as np
import pytest

from berlese.simulate.microscopes import draw_view, is_small, photograph
from berlese.simulate.plans import species_of

GROUND_BEETLE = species_of("Carabidae", 0)
FEATHERWING = species_of("Ptiliidae", 0)
WEEVIL = species_of("Curculionidae", 1)


def _photographs(microscope, *, species=GROUND_BEETLE, neighbour=None, neighbours=None, n=6):
    for seed in range(n):
        view = draw_view(microscope, np.random.default_rng(seed), small=is_small(species))
        if neighbours is not None:
            view = replace(view, neighbours=neighbours)
        yield photograph(view, species, neighbour, np.random.default_rng(100 + seed))


def _ground(pixels):
    """Return the median colour of a picture's edge."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.median(edge.astype(float), axis=0)


@pytest.fixture(scope="module")
def pictures():
    return {name: list(_photographs(name)) for name in ("stacked", "stereoscope")}


def test_the_stack_lies_on_near_white(pictures):
    for pixels in pictures["stacked"]:
        assert _ground(pixels).min() > 225


def test_the_stereoscope_casts_colour_and_is_darker(pictures):
    grounds = np.array([_ground(pixels) for pixels in pictures["stereoscope"]])
    assert grounds.mean() < 215
    assert np.ptp(grounds, axis=1).mean() > 12
    white = np.array([_ground(pixels) for pixels in pictures["stacked"]])
    assert np.ptp(white, axis=1).mean() < 8


def test_the_stereoscope_shows_animals_smaller_and_less_sharp(pictures):
    def sharpness(pixels):
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        same = cv2.resize(grey, (160, 160), interpolation=cv2.INTER_AREA)
        return cv2.Laplacian(cv2.GaussianBlur(same, (0, 0), 1.0), cv2.CV_32F).std()

    sharp = {name: np.mean([sharpness(p) for p in each]) for name, each in pictures.items()}
    sides = {name: np.mean([max(p.shape) for p in each]) for name, each in pictures.items()}
    assert sharp["stereoscope"] < 0.7 * sharp["stacked"]
    assert sides["stereoscope"] < 0.75 * sides["stacked"]


def test_a_crop_shows_the_animal_in_its_middle_and_background_around(pictures):
    for pixels in pictures["stacked"]:
        dark = pixels.max(axis=2) < 130
        rows, columns = np.nonzero(dark)
        height, width = dark.shape
        assert abs(rows.mean() / height - 0.5) < 0.2
        assert abs(columns.mean() / width - 0.5) < 0.2
        assert 0.05 < dark.mean() < 0.6


def test_small_animals_are_seen_closer():
    assert is_small(FEATHERWING)
    assert not is_small(GROUND_BEETLE)
    for name in ("stacked", "stereoscope"):
        near, far = (
            draw_view(name, np.random.default_rng(3), small=small) for small in (True, False)
        )
        assert near.magnification > 1.3 * far.magnification


def test_a_neighbour_reaches_over_the_edge_of_the_picture():
    def cut_by_the_edge(neighbours):
        count = 0
        for pixels in _photographs("stacked", neighbours=neighbours, neighbour=WEEVIL, n=10):
            dark = pixels.max(axis=2) < 110
            rim = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
            count += int(rim.sum()) > 6
        return count

    assert cut_by_the_edge(0.0) == 0
    assert cut_by_the_edge(1.0) >= 4


def test_the_same_seeds_take_the_same_picture():
    first, again = (next(_photographs("stereoscope", n=1)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
