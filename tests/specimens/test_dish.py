"""The rim of a dish, found whatever lies against it."""

import cv2
import numpy as np
import pytest

from berlese.specimens.dish import dish_circle


@pytest.mark.parametrize("leaning", [0, 1, 6])
def test_animals_against_the_rim_do_not_hide_it(leaning):
    found = np.zeros((900, 1000), np.uint8)
    cv2.circle(found, (480, 450), 400, 1, thickness=8)
    for number in range(leaning):
        angle = 1.0 * number
        where = (round(480 + 380 * np.cos(angle)), round(450 + 380 * np.sin(angle)))
        cv2.circle(found, where, 25, 1, thickness=-1)
    circle = dish_circle(found > 0)
    assert circle is not None
    x, y, radius = circle
    assert (x, y) == (pytest.approx(480, abs=6), pytest.approx(450, abs=6))
    assert radius == pytest.approx(396 * 0.99, rel=0.02)
