"""Two tiles lie where all their detail has them, and edges alone do not tell."""

import cv2
import numpy as np
import pytest

from berlese.photos.tile_texture import even_detail, match, nats_of
from tests.photos.scenes import texture


def dish(height: int = 400, width: int = 500, grain: float = 1.0) -> np.ndarray:
    """A dark slanting rim over ground with faint grain, the same for all that photograph it."""
    specks = np.random.default_rng(7).standard_normal((height, width)).astype(np.float32)
    ground = cv2.GaussianBlur(specks, (0, 0), 1.2)
    ground = 200 + grain * ground / ground.std()
    y, x = np.mgrid[:height, :width]
    return np.where(np.abs(x - 0.4 * y - 150) < 12, 40, ground).astype(np.float32)


def photographed(picture: np.ndarray, seed: int, noise: float = 1.5) -> np.ndarray:
    """Evened detail of a picture with noise of its own and light of its own."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(0.9, 1.1) * np.linspace(1, rng.uniform(0.95, 1.05), picture.shape[1])
    return even_detail((picture * light + rng.normal(0, noise, picture.shape)).astype(np.float32))


def cut(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    return picture[y : y + 256, x : x + 256]


@pytest.mark.parametrize("apart", [(190, 5), (-196, -9), (3, 140), (-7, -138), (120, 100)])
def test_grain_fainter_than_noise_tells_the_shift(apart):
    scene = dish()
    (x, y), (x2, y2) = (
        (max(-apart[0], 0), max(-apart[1], 0)),
        (max(apart[0], 0), max(apart[1], 0)),
    )
    one, two = photographed(cut(scene, x, y), 1), photographed(cut(scene, x2, y2), 2)
    found = match(one, two, np.add(apart, (8, -6)), 14)
    np.testing.assert_array_equal(found.shift, apart)
    assert found.nats > 100
    assert found.lead > 60
    assert np.sqrt(np.trace(found.spread)) < 0.5


def test_along_an_edge_alone_no_shift_is_ahead_and_the_spread_says_so():
    scene = dish(grain=0.0)
    found = match(*(photographed(cut(scene, x, 0), x) for x in (0, 190)), np.array([190.0, 0]), 14)
    assert found.nats > 20
    assert found.lead < 10
    values, vectors = np.linalg.eigh(found.spread)
    assert np.sqrt(values[1]) > 4
    along = np.array([0.4, 1]) / np.hypot(0.4, 1)
    assert abs(vectors[:, 1] @ along) > 0.95
    assert np.sqrt(values[0]) < 2


def test_tiles_of_two_places_have_nothing_for_them():
    one = photographed(texture(256, 256)[..., 0], 1)
    other = photographed(texture(256, 256, seed=5)[..., 0], 2)
    found = match(one, other, np.array([190.0, 0]), 14)
    assert found is None or found.nats < 10


@pytest.mark.parametrize("noise", [1.5, 0.0])
def test_plain_ground_says_nothing(noise):
    """Not with noise, nor where it is saturated: what is left there is the curve of the light."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    ground = 250 * (1 - 0.02 * (np.square(x) + np.square(y)))
    one, two = (photographed(ground, seed, noise) for seed in (1, 2))
    found = match(one, two, np.array([190.0, 0]), 14)
    assert found is None or found.nats < 10


@pytest.mark.parametrize("upright", [True, False])
def test_a_small_turn_is_found_with_the_shift(upright):
    scene = texture(620, 620)[..., 0].astype(np.float32)
    turn = cv2.getRotationMatrix2D((310, 310), 0.8, 1.0)  # from the scene's pixels to the turned
    turned = cv2.warpAffine(scene, turn, (620, 620), flags=cv2.INTER_CUBIC)
    x, y = (330, 10) if upright else (10, 330)
    one, two = scene[10:590, 10:390], turned[10:590, 330:620]
    if not upright:
        one, two = scene[10:390, 10:590], turned[330:620, 10:590]
    found = match(photographed(one, 1), photographed(two, 2), np.array([x - 10.0, y - 10.0]), 20)
    here = np.array([[330, 60], [350, 300], [340, 540]])  # in the scene, in the overlap
    here = here if upright else here[:, ::-1]
    expected = here @ turn[:, :2].T + turn[:, 2] - (x, y)
    seen = (here - 10) @ found.matrix[:, :2].T + found.matrix[:, 2]
    assert np.abs(seen - expected).max() < 1.5


def test_pictures_that_do_not_meet_have_no_match():
    one, two = (photographed(texture(128, 128)[..., 0], seed) for seed in (1, 2))
    assert match(one, two, np.array([400.0, 0]), 10) is None


def test_nats_of_a_correlation_are_its_mutual_information_a_pixel():
    # -0.5 ln(1 - 0.6^2) = 0.22314; 126 pixels of which 12.6 count for one
    assert nats_of(np.array(0.6), np.array(126.0)) == pytest.approx(2.2314, abs=1e-4)
    assert nats_of(np.array(-0.6), np.array(126.0)) == 0


def test_faint_and_strong_detail_are_raised_to_one_height():
    scene = texture(256, 256)[..., 0].astype(np.float32)
    faint, strong = (even_detail(128 + scale * (scene - 128)) for scale in (0.5, 1.0))
    np.testing.assert_allclose(faint, strong, atol=0.15)
    assert 0.5 < strong.std() < 1.5
