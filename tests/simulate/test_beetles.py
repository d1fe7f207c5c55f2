from dataclasses import replace

import cv2
import numpy as np
import pytest

from berlese.simulate.beetles import Pose, draw_beetle, draw_pose, simulate_beetle
from berlese.simulate.plans import SPECIES_PER_TAXON, TAXA, species_of

BARE = Pose(0.0, 0.0, 0.0, 0.5, (False,) * 6, (False, False))


def _bare(taxon, species, heading=0.0):
    """Draw a species without legs and antennae, head up."""
    pose = replace(BARE, heading=heading)
    return draw_beetle(species_of(taxon, species), pose, np.random.default_rng(3))


def _elongation(taxon):
    ratios = []
    for species in range(SPECIES_PER_TAXON):
        height, width = _bare(taxon, species).alpha.shape
        ratios.append(height / width)
    return float(np.mean(ratios))


@pytest.fixture(scope="module")
def elongation():
    return {taxon: _elongation(taxon) for taxon in TAXA}


def test_outlines_are_slender_and_round_as_in_nature(elongation):
    order = sorted(elongation, key=elongation.__getitem__)
    assert set(order[:2]) <= {"Chrysomelidae", "Leiodidae", "Ptiliidae"}
    assert set(order[-2:]) == {"Brentidae", "Staphylinidae"}
    assert elongation["Leiodidae"] < 2 < elongation["Carabidae"] < elongation["Staphylinidae"]


@pytest.mark.parametrize("taxon", TAXA)
def test_a_body_is_as_long_as_its_species_says(taxon):
    shape = species_of(taxon, 1).shape
    drawn = _bare(taxon, 1).alpha
    ahead = shape.rostrum_len + shape.mandible + shape.wings * (shape.wings > 0.1)
    assert drawn.shape[0] <= shape.length_px * (1.08 + ahead) + 2
    assert drawn.shape[0] >= shape.length_px * 0.97 - 2


def _beyond_the_body(**limbs):
    """Draw a ground beetle with some limbs; return the middle of what they add, from its tail."""
    canvas = np.zeros((2, 700, 700), np.float32)
    for layer, pose in zip(canvas, (BARE, replace(BARE, spread=1.0, **limbs)), strict=True):
        alpha = draw_beetle(species_of("Carabidae", 0), pose, np.random.default_rng(3)).alpha
        rows, columns = np.nonzero(alpha > 0.5)
        trunk = columns[rows > rows.max() - 25]  # the tip of the elytra sticks out hindmost
        x, y = 350 - round(trunk.mean()), 690 - int(rows.max())
        layer[y : y + alpha.shape[0], x : x + alpha.shape[1]] = alpha
    rows, columns = np.nonzero((canvas[1] > 0.5) & (cv2.dilate(canvas[0], np.ones((5, 5))) < 0.1))
    return len(rows), float(columns.mean() - 350), float(690 - rows.mean())


def test_six_legs_stand_in_pairs_one_pair_behind_the_other():
    found = [_beyond_the_body(legs=tuple(k == leg for k in range(6))) for leg in (0, 1, 2, 3)]
    assert all(area > 100 for area, _, _ in found)
    sides = [across for _, across, _ in found]
    assert sides[0] < -20 < 20 < sides[1]
    assert sides[2] < -20 < 20 < sides[3]
    assert found[0][2] > found[2][2] + 15


def test_two_antennae_stand_on_the_head():
    found = [_beyond_the_body(antennae=(side == 0, side == 1)) for side in (0, 1)]
    for (area, across, ahead), sign in zip(found, (-1, 1), strict=True):
        assert area > 60
        assert sign * across > 5
        assert ahead > 0.9 * species_of("Carabidae", 0).shape.length_px


def test_turning_a_beetle_turns_its_outline():
    up, right = _bare("Tenebrionidae", 0), _bare("Tenebrionidae", 0, heading=np.pi / 2)
    turned = np.rot90(up.alpha, -1)
    height = min(turned.shape[0], right.alpha.shape[0])
    width = min(turned.shape[1], right.alpha.shape[1])
    assert np.abs(np.subtract(turned.shape, right.alpha.shape)).max() <= 2
    differ = np.abs(turned[:height, :width] - right.alpha[:height, :width]) > 0.5
    assert differ.mean() < 0.03


def test_light_comes_from_the_side_it_is_said_to():
    species = species_of("Leiodidae", 0)
    lit = {}
    for name, light in (("left", np.pi), ("right", 0.0)):
        drawn = draw_beetle(species, BARE, np.random.default_rng(3), light=light)
        grey = drawn.colour.mean(axis=2)
        half = grey.shape[1] // 2
        lit[name] = grey[:, :half].sum() / grey[:, -half:].sum()
    assert lit["left"] > 1.15
    assert lit["right"] < 0.87


@pytest.mark.parametrize("taxon", TAXA)
def test_pixels_are_premultiplied_and_the_sheet_is_trimmed(taxon):
    drawn = simulate_beetle(taxon, np.random.default_rng(8))
    assert drawn.alpha.min() == 0
    assert drawn.alpha.max() == 1
    assert drawn.colour[drawn.alpha == 0].max() <= 2
    for edge in (drawn.alpha[0], drawn.alpha[-1], drawn.alpha[:, 0], drawn.alpha[:, -1]):
        assert edge.max() > 0


def test_the_same_seed_draws_the_same_beetle():
    first, second, other = (
        simulate_beetle("Curculionidae", np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first.colour, second.colour)
    assert first.colour.shape != other.colour.shape or (first.colour != other.colour).any()


def test_beetles_lie_at_any_angle_and_some_on_their_backs():
    rng = np.random.default_rng(2)
    poses = [draw_pose("Leiodidae", rng) for _ in range(400)]
    quarters = np.histogram([pose.heading for pose in poses], bins=4, range=(0, 2 * np.pi))[0]
    assert quarters.min() > 60
    assert 8 <= sum(np.cos(pose.roll) < 0 for pose in poses) <= 100
