"""The rim of a dish, found whatever lies against it."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.specimens.dish import Dish, dish_within, filled_around, find_dish, find_surround


@pytest.mark.parametrize("leaning", [0, 1, 6])
def test_animals_against_the_rim_do_not_hide_it(leaning):
    found = np.zeros((900, 1000), np.uint8)
    cv2.circle(found, (480, 450), 400, 1, thickness=8)
    for number in range(leaning):
        angle = 1.0 * number
        where = (round(480 + 380 * np.cos(angle)), round(450 + 380 * np.sin(angle)))
        cv2.circle(found, where, 25, 1, thickness=-1)
    dish = find_dish(found > 0)
    assert dish is not None
    assert (dish.x, dish.y) == (pytest.approx(480, abs=6), pytest.approx(450, abs=6))
    assert dish.radii == pytest.approx(396 * 0.99, rel=0.02)


def test_an_animal_that_the_rim_cuts_off_is_mostly_inside():
    found = np.zeros((1000, 1000), np.uint8)
    found[:] = 1
    cv2.circle(found, (500, 500), 470, 0, thickness=-1)  # a photo with a round mask
    ant = (slice(30, 70), slice(490, 510))  # 40 pixels long, from the mask inwards
    found[ant] = 1
    dish = find_dish(found > 0)
    assert dish is not None
    contrast = found * np.uint8(100)
    dish.blank_outside(contrast, 0)
    assert (contrast[ant] > 0).mean() > 0.8
    contrast[ant] = 0
    assert not contrast.any()


def test_a_rim_that_is_no_true_circle_is_left_out_all_around():
    found = np.zeros((1000, 1100), np.uint8)
    cv2.ellipse(found, (550, 500), (480, 455), 20, 0, 360, 1, thickness=6)
    dish = find_dish(found > 0)
    assert dish is not None
    contrast = found * np.uint8(100)
    dish.blank_outside(contrast, 0)
    assert not contrast.any()
    assert dish.radii.max() - dish.radii.min() > 15


def fibre(found, start, turn, steps, rng):
    points, thick = [np.array(start)], int(rng.integers(1, 4))
    for _ in range(steps):
        turn += rng.normal(0, 0.2)
        points.append(points[-1] + 9 * np.array([np.cos(turn), np.sin(turn)]))
    cv2.polylines(found, [np.rint(points).astype(np.int32)], False, 1, thick)


def fringed(width, seed):
    """A rim of radius 400 around (480, 440), and fibres that lie against it."""
    rng = np.random.default_rng(seed)
    found = np.zeros((900, width), np.uint8)
    cv2.circle(found, (480, 440), 400, 1, thickness=6)
    for angle in rng.uniform(0, 2 * np.pi, 25):
        rim = (480 + 400 * np.cos(angle), 440 + 400 * np.sin(angle))
        fibre(found, rim, angle + np.pi + rng.normal(0, 0.6), int(rng.integers(5, 35)), rng)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_fibres_that_lie_against_the_rim_do_not_hide_it(seed):
    dish = find_dish(fringed(940, seed) > 0)
    assert dish is not None
    assert (dish.x, dish.y) == (pytest.approx(480, abs=6), pytest.approx(440, abs=6))
    assert dish.radii == pytest.approx(397 * 0.99, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_fibre_that_sticks_out_does_not_move_the_dish(seed):
    found = fringed(1200, seed)
    cv2.line(found, (880, 440), (1060, 470), 1, 3)
    dish = find_dish(found > 0)
    assert dish is not None
    assert (dish.x, dish.y) == (pytest.approx(480, abs=3), pytest.approx(440, abs=3))


def speckled(shape, sides):
    """A textured table, all around what lies between `sides` (left, top, right, bottom)."""
    noise = np.random.default_rng(5).random(shape)
    found = (cv2.GaussianBlur(noise, (0, 0), 2) > 0.49).astype(np.uint8)
    left, top, right, bottom = sides
    found[top:bottom, left:right] = 0
    return found


@pytest.mark.parametrize("grain", ["plain", "speckled"])
@pytest.mark.parametrize("side", [640, 800])
def test_a_square_tray_on_a_table_is_no_round_dish(grain, side):
    low, high = 500 - side // 2, 500 + side // 2
    found = speckled((1000, 1000), (low, low, high, high))
    if grain == "plain":
        found[:] = 1
        found[low:high, low:high] = 0
    for start in ((low, 300), (low, 700), (high - 1, 420)):
        turn = 0.0 if start[0] == low else np.pi
        fibre(found, start, turn, 20, np.random.default_rng(1))
    assert find_dish(found > 0) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_tangle_of_fibres_is_no_rim(seed):
    rng = np.random.default_rng(seed)
    found = np.zeros((900, 900), np.uint8)
    for start in rng.uniform(100, 800, (60, 2)):
        fibre(found, start, rng.uniform(0, 2 * np.pi), int(rng.integers(5, 60)), rng)
    assert find_dish(found > 0) is None


def test_without_a_rim_there_is_no_dish():
    found = np.zeros((600, 600), np.uint8)
    cv2.ellipse(found, (300, 300), (90, 30), 0, 0, 360, 1, thickness=-1)
    assert find_dish(found > 0) is None


def masked(colour, *, middle=(500, 480), radius=470):
    """Photo of 1000 x 960 pixels with a grainy floor seen through a round mask."""
    grain = np.random.default_rng(0).normal(0, 3, (960, 1000, 3))
    photo = np.clip(np.array([210.0, 220, 225]) + grain, 0, 255).astype(np.uint8)
    down, across = np.mgrid[:960, :1000] + 0.5
    outside = np.hypot(across - middle[0], down - middle[1]) >= radius
    photo[outside] = colour
    return photo, outside


@pytest.mark.parametrize("colour", [0, 2, 253, 255])
def test_flat_black_or_white_around_the_picture_is_its_surround(colour):
    photo, outside = masked(colour)
    found = find_surround(photo)
    assert found is not None
    assert found[outside].all()
    distance = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5)
    assert not found[distance > 4].any()


@pytest.mark.parametrize("radius", [470, 530])  # within the photo, and cut by its sides
def test_a_dish_reaches_to_the_surround(radius):
    _, outside = masked(255, radius=radius)
    dish = dish_within(outside)
    assert (dish.x, dish.y) == (pytest.approx(500, abs=1), pytest.approx(480, abs=1))
    assert dish.radii == pytest.approx(radius, abs=1.5)


def test_the_picture_goes_on_where_none_is():
    photo, outside = masked(255)
    filled = filled_around(photo, outside)
    np.testing.assert_array_equal(filled[~outside], photo[~outside])
    assert filled[outside].max() < 245
    np.testing.assert_array_equal(filled[480, :30], np.broadcast_to(photo[480, 30], (30, 3)))


def overexposed():
    """A white dish that is as white as paper, with two dark animals."""
    photo = np.full((960, 1000, 3), 255, np.uint8)
    for middle in ((300, 400), (640, 500)):
        cv2.ellipse(photo, middle, (60, 25), 30, 0, 360, (40, 30, 30), -1)
    return photo


def shaded_towards_a_corner(near, far):
    """A grainy floor whose light changes by and by, to beyond what a photo can hold."""
    down, across = np.mgrid[:960, :1000] / 1000
    grain = np.random.default_rng(0).normal(0, 3, (960, 1000, 3))
    levels = near + (far - near) * np.hypot(down, across)[..., None]
    return np.clip(levels * np.array([1.0, 0.99, 0.97]) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "photo",
    [
        masked(128)[0],
        masked(255, radius=700)[0],
        overexposed(),
        shaded_towards_a_corner(280, 180),
        shaded_towards_a_corner(420, 100),
        shaded_towards_a_corner(-30, 140),
    ],
    ids=[
        "grey around it",
        "picture to the corners",
        "white floor",
        "overexposed corner",
        "lamp beside a corner",
        "black corner",
    ],
)
def test_what_is_no_surround_is_not_taken_for_one(photo):
    assert find_surround(photo) is None


@given(
    middle=st.tuples(st.floats(-20, 90), st.floats(-20, 90)),
    radii=st.lists(st.floats(5, 60), min_size=1, max_size=9),
    cut=st.integers(1, 69),
)
def test_what_is_blanked_lies_beyond_the_rim_in_its_own_direction(middle, radii, cut):
    dish = Dish(*middle, np.array(radii))
    contrast = np.full((70, 80), 200, np.uint8)
    dish.blank_outside(contrast[:cut], 0)
    dish.blank_outside(contrast[cut:], cut)
    for y, x in np.ndindex(contrast.shape):
        across, down = x + 0.5 - dish.x, y + 0.5 - dish.y
        turn = np.degrees(np.arctan2(down, across)) % 360
        reach = radii[int(turn * len(radii) / 360) % len(radii)]
        away = (across**2 + down**2) ** 0.5
        if abs(away - reach) > 1e-6 and min(turn * len(radii) % 360, 360) > 1e-6:
            assert (contrast[y, x] > 0) == (away < reach)
