"""Simulated tiles show what their true matrices say, and overlap as asked."""

import cv2
import numpy as np

from berlese.simulate.tiles import Stage, iter_tiles
from tests.photos.scenes import texture

QUIET = Stage(rows=2, columns=3, overlap=0.25, flicker=0, vignette=0, noise=0)


def test_a_tile_shows_the_scene_at_its_true_place():
    scene = texture(300, 400)
    for tile in iter_tiles(scene, QUIET, np.random.default_rng(0)):
        height, width = tile.pixels.shape[:2]
        # The other way round: the tile drawn into the scene is the scene there.
        laid = cv2.warpAffine(tile.pixels, tile.matrix, (400, 300), flags=cv2.INTER_CUBIC)
        shown = cv2.warpAffine(np.ones((height, width), np.uint8), tile.matrix, (400, 300))
        inner = cv2.erode(shown, np.ones((9, 9))) > 0
        assert inner.sum() > 0.7 * height * width
        assert np.abs(laid[inner].astype(int) - scene[inner]).mean() < 4


def test_tiles_come_row_by_row_and_overlap_by_the_share():
    tiles = list(iter_tiles(texture(300, 400), QUIET, np.random.default_rng(0)))
    assert [(tile.row, tile.column) for tile in tiles] == [
        (r, c) for r in (0, 1) for c in (0, 1, 2)
    ]
    width = tiles[0].pixels.shape[1]
    steps = [tiles[n + 1].matrix[0, 2] - tiles[n].matrix[0, 2] for n in (0, 1, 3, 4)]
    np.testing.assert_allclose(np.mean(steps), 0.75 * width, atol=8)


def test_the_same_seed_takes_the_same_tiles():
    one, two = (
        [
            tile.pixels
            for tile in iter_tiles(texture(200, 200), Stage(2, 2), np.random.default_rng(1))
        ]
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
