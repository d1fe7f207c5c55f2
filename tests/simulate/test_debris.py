import cv2
import numpy as np
import pytest

from berlese.simulate.debris import draw_bubble, draw_fibre, draw_grain, draw_limb

FLOOR = np.array([190.0, 200.0, 205.0])
TYPICAL = 80.0


def drawn(draw, count=60):
    return [draw(np.random.default_rng(seed), FLOOR, TYPICAL) for seed in range(count)]


@pytest.mark.parametrize("draw", [draw_grain, draw_fibre, draw_bubble, draw_limb])
def test_debris_is_seen_covers_at_most_wholly_and_has_a_colour_of_light(draw):
    for alpha, colour in drawn(draw):
        assert alpha.dtype == colour.dtype == np.float32
        assert 0.03 < alpha.max() <= 1
        assert alpha.min() >= 0
        assert colour.min() >= 0
        assert colour.max() <= 255


def test_lost_limbs_are_not_cut_off_by_their_frame():
    for alpha, _ in drawn(draw_limb):
        frame = np.ones(alpha.shape, bool)
        frame[1:-1, 1:-1] = False
        assert alpha[frame].max() == 0


def test_some_lost_limbs_are_folded_and_some_are_stretched():
    """The smallest rectangle around a folded leg is about as wide as long."""
    slender = []
    for alpha, _ in drawn(draw_limb, 200):
        down, across = np.nonzero(alpha)
        _, sides, _ = cv2.minAreaRect(np.stack([across, down], 1).astype(np.float32))
        slender.append(max(sides) / max(min(sides), 1))
    assert np.mean(np.array(slender) < 2) > 0.15
    assert np.mean(np.array(slender) > 4) > 0.15
