"""How a thing is outlined and cut into what may be animals."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from berlese.specimens import candidates
from berlese.specimens.bands import Thing
from berlese.specimens.candidates import (
    AS_IS,
    CUT,
    CUT_FINELY,
    HANGING,
    LEAST_ANIMAL,
    LEAST_SEVERAL_ANIMALS,
    LEAVE,
    TRIMMED,
    Candidate,
    Looks,
    packed,
    readings_of,
)
from berlese.specimens.features import FEATURES
from berlese.specimens.look import CLOSER, FIRST, KINDS, PLANES

SMALLEST = 16.0
GROUND, BODY = 220, 100


def drawn(*discs, threads=(), thread=2, level=BODY, side=(160, 260)) -> Thing:
    """A dark thing: discs (x, y, radius) and threads (x, y, x, y) on plain ground."""
    found = np.zeros(side, np.uint8)
    for x, y, radius in discs:
        cv2.circle(found, (x, y), radius, 1, -1)
    for x0, y0, x1, y1 in threads:
        cv2.line(found, (x0, y0), (x1, y1), 1, thread)
    mask = found.astype(bool)
    ground = np.full((*side, 3), GROUND, np.uint8)
    pixels = ground.copy()
    pixels[mask] = level
    contrast = np.where(mask, np.uint8(GROUND - level), np.uint8(0))
    return Thing(30, 50, pixels, ground, contrast, mask, 10.0, 1.0)


def says(**odds) -> Looks:
    """Looks that say the same of every picture."""
    row = np.log([odds.get(kind, 1e-3) for kind in KINDS]).astype(np.float32)
    return Looks(
        lambda pictures: np.tile(row, (len(pictures), 1)),
        lambda pictures: np.zeros((len(pictures), len(KINDS) + 1), np.float32),
    )


SEVERAL = says(animal=0.3, several=0.6)


def frames_of(cut: tuple[Candidate, ...]) -> list[tuple[int, ...]]:
    return sorted(tuple(round(side) for side in each.frame) for each in cut)


def ways_with(effort: int, thing: Thing) -> list[list[tuple[int, ...]]]:
    """Frames of each cut of the one thing, where so much effort is worth while."""
    (cuts,) = readings_of([thing], SMALLEST, lambda wholes: np.full(len(wholes), effort), SEVERAL)
    return [frames_of(cut) for cut in cuts]


def test_a_round_thing_is_one_candidate_at_its_place():
    (cuts,) = readings_of([drawn((60, 70, 20))], SMALLEST, looks=says(animal=1))
    assert [frames_of(cut) for cut in cuts] == [[(30 + 40, 50 + 50, 30 + 81, 50 + 91)]]
    (only,) = cuts[0]
    assert only.area == only.mask.sum() == pytest.approx(np.pi * 20**2, rel=0.05)
    assert only.thing_at == (30, 50, 1.0)


def test_separate_parts_of_a_thing_are_read_one_by_one():
    readings = readings_of([drawn((60, 70, 20), (200, 70, 15))], SMALLEST, looks=says(animal=1))
    assert [round(cuts[0][0].frame[0]) for cuts in readings] == [70, 215]


def test_what_joins_by_a_neck_is_cut_there():
    ways = ways_with(CUT, drawn((60, 80, 24), (104, 80, 24)))
    assert len(ways[0]) == 1
    assert any(len(way) == 2 and way[0][2] == pytest.approx(way[1][0], abs=2) for way in ways[1:])


def test_more_effort_offers_more():
    thing = drawn((60, 80, 24), (104, 80, 24), threads=[(128, 80, 240, 80)])
    counts = [len(ways_with(effort, thing)) for effort in (LEAVE, AS_IS, TRIMMED, CUT, CUT_FINELY)]
    assert counts[:2] == [1, 1]
    assert 2 == counts[2] < counts[3] <= counts[4]


def test_a_body_is_offered_without_the_thread_that_it_hangs_on():
    thing = drawn((60, 80, 24), threads=[(84, 80, 250, 80)])
    whole, trimmed = ways_with(TRIMMED, thing)
    assert whole[0][2] == pytest.approx(30 + 251, abs=2)
    assert trimmed[0][2] < 30 + 84 + 30


def hanging_on(thing: Thing) -> list[list[tuple[int, ...]]]:
    """Frames of each cut of the one thing, where it looks like dirt."""

    def effort(wholes):
        return np.array([CUT if each.look is None else HANGING for each in wholes])

    (cuts,) = readings_of([thing], SMALLEST, effort, says(dirt=0.9, animal=0.05))
    return [frames_of(cut) for cut in cuts]


def test_of_dirt_what_hangs_on_its_thread_is_offered():
    whole, body = hanging_on(drawn((60, 80, 16), threads=[(10, 80, 250, 80)]))
    assert whole[0][2] - whole[0][0] == pytest.approx(241, abs=3)
    assert body[0][0] == pytest.approx(30 + 60 - 34, abs=10)
    assert body[0][2] == pytest.approx(30 + 60 + 34, abs=10)


def test_of_dirt_that_is_hardly_longer_than_its_body_nothing_more_is_offered():
    short = drawn((60, 80, 24), threads=[(84, 80, 130, 80)])
    assert len(ways_with(TRIMMED, short)) == 2
    assert len(hanging_on(short)) == 1
    assert len(hanging_on(drawn((60, 80, 20)))) == 1


@pytest.mark.parametrize("end", [(250, 80), (204, 152), (60, 159)])
def test_what_hangs_on_a_thread_is_offered_however_it_is_turned(end):
    assert len(hanging_on(drawn((60, 30, 14), threads=[(60, 30, *end)]))) == 2


@pytest.mark.parametrize("level", [GROUND - 60, GROUND - 90])
def test_a_light_and_a_dark_animal_that_touch_are_cut_where_they_meet(level):
    thing = drawn((80, 80, 30))
    right = np.zeros(thing.mask.shape, bool)
    right[:, 95:] = True  # of the small one little is seen: no neck shows where it begins
    ground = np.full_like(thing.ground, level + 20)
    pixels = np.where(thing.mask[..., None], np.where(right[..., None], 250, level - 40), ground)
    contrast = np.abs(pixels[..., 0].astype(int) - ground[..., 0]).astype(np.uint8)
    both = Thing(30, 50, pixels.astype(np.uint8), ground, contrast, thing.mask, 10.0, 1.0)
    ways = ways_with(CUT, both)
    assert any(
        len(way) == 2
        and way[0][2] == pytest.approx(30 + 95, abs=2)
        and way[1][0] == pytest.approx(30 + 95, abs=2)
        for way in ways
    )
    assert all(len(way) == 1 for way in ways_with(CUT, drawn((80, 80, 30))))


@pytest.mark.parametrize("radius", [8, 11, 13, 17])
def test_a_small_animal_at_the_side_of_a_large_one_is_offered(radius):
    x = 80 + 44 + radius - 2  # the smallest are too slight beside it for a neck
    left, right = 30 + x - radius, 30 + x + radius + 1
    ways = ways_with(CUT, drawn((80, 80, 44), (x, 80, radius)))
    small = [frame for way in ways for frame in way if frame[2] == pytest.approx(right, abs=1)]
    assert any(frame[0] == pytest.approx(left, abs=5) for frame in small)


def test_thin_legs_of_a_large_body_are_not_offered():
    legs = [(80, 80, round(80 + 75 * np.cos(a)), round(80 + 75 * np.sin(a))) for a in range(6)]
    ways = ways_with(CUT, drawn((80, 80, 44), threads=legs, thread=5))
    assert all(frame[2] - frame[0] > 60 for way in ways for frame in way)


def test_of_two_that_touch_the_one_with_a_thread_is_offered_without_it_too():
    thing = drawn((50, 80, 24), (94, 80, 24), threads=[(118, 80, 250, 80)])
    ends = {frame[2] for way in ways_with(CUT, thing) for frame in way if frame[0] > 30 + 60}
    assert max(ends) == pytest.approx(30 + 251, abs=2)
    assert any(30 + 112 < end < 30 + 118 + 30 for end in ends)


def test_faint_limbs_are_offered_and_belong_to_the_outline_within():
    thing = drawn((60, 80, 24))
    limb = np.zeros(thing.mask.shape, np.uint8)
    cv2.line(limb, (84, 80), (130, 80), 1, 7)
    limb = limb.astype(bool) & ~thing.mask
    mask = thing.mask | limb
    contrast = thing.contrast.copy()
    contrast[limb] = 22  # less than the outline has by far
    with_limb = Thing(*(30, 50), thing.pixels, thing.ground, contrast, mask, 10.0, 1.0)
    (cuts,) = readings_of([with_limb], SMALLEST, looks=says(animal=1))
    rights = [frames_of(cut)[0][2] for cut in cuts]
    assert rights[0] == pytest.approx(30 + 85, abs=2)
    assert rights[1] == pytest.approx(30 + 134, abs=3)


def test_what_measurements_leave_is_not_looked_at():
    for effort in (LEAVE, AS_IS):
        (cuts,) = readings_of(
            [drawn((60, 70, 20))], SMALLEST, lambda some, e=effort: np.full(len(some), e)
        )
        assert cuts[0][0].look is None
        assert cuts[0][0].closer is None


@pytest.mark.parametrize(
    ("animal", "several", "looked_at"),
    [
        (LEAST_ANIMAL + 0.01, 0.01, True),
        (0.01, LEAST_SEVERAL_ANIMALS + 0.01, True),
        (LEAST_ANIMAL - 0.01, LEAST_SEVERAL_ANIMALS - 0.01, False),
    ],
)
def test_what_may_be_animals_is_looked_at_closer(animal, several, looked_at):
    looks = says(animal=animal, several=several, dirt=1 - animal - several)
    (cuts,) = readings_of([drawn((60, 70, 20))], SMALLEST, looks=looks)
    assert all((each.closer is not None) == looked_at for cut in cuts for each in cut)


def test_pictures_have_the_sizes_that_the_networks_see():
    seen = []

    def spy(told, pictures):
        seen.append(pictures.shape[1:])
        return told(pictures)

    first, closer = SEVERAL
    looks = Looks(lambda some: spy(first, some), lambda some: spy(closer, some))
    readings_of([drawn((60, 70, 20))], SMALLEST, looks=looks)
    assert seen[:2] == [(PLANES, lens.side, lens.side) for lens in (FIRST, CLOSER)]
    bare = readings_of([drawn((60, 70, 20))], SMALLEST, looks=Looks(first, None))
    assert bare[0][0][0].closer is None


def test_each_is_told_what_its_own_pictures_show_however_many_are_seen_at_once(monkeypatch):
    sizes = []

    def fullness(pictures):
        sizes.append(len(pictures))
        return pictures[:, 3].mean(axis=(1, 2))

    def first(pictures):
        animal = np.where(fullness(pictures) < 0.2, 0.5, LEAST_ANIMAL / 2)  # those with a thread
        none = np.full(len(animal), 1e-3)
        return np.log(np.column_stack([animal, none, none, 1 - animal])).astype(np.float32)

    def closer(pictures):
        return np.repeat(fullness(pictures)[:, None], len(KINDS) + 1, 1).astype(np.float32)

    things = [
        drawn((60, 80, 20), threads=[(60, 80, 60 + length, 80)] if length else ())
        for length in (0, 60, 90, 0, 120, 150, 0)
    ]

    def looked_at(at_once):
        monkeypatch.setattr(candidates, "MOST_LOOKED_AT", at_once)
        sizes.clear()
        readings = readings_of(things, SMALLEST, looks=Looks(first, closer))
        return [each for cuts in readings for cut in cuts for each in cut]

    together, one_by_one, some = (looked_at(at_once) for at_once in (256, 1, 2))
    assert max(sizes) == 2
    told = [[None if e.closer is None else float(e.closer[0]) for e in each] for each in
            (together, one_by_one, some)]  # fmt: skip
    assert told[0] == told[1] == told[2]
    values = [each for each in told[0] if each is not None]
    assert 0 < len(values) < len(told[0])
    assert len(set(values)) > 3
    assert max(values) < 0.2


@given(mask=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans()))
def test_a_packed_mask_comes_back(mask):
    features = np.zeros(len(FEATURES))
    held = Candidate(packed(mask), mask.shape, 0, 0, 1.0, (0, 0, 1.0), 1.0, 0.0, features, 3.0)
    np.testing.assert_array_equal(held.mask, mask)
    assert held.mask.dtype == bool


def test_a_mask_is_held_in_far_less_than_its_bits():
    disc = np.zeros((400, 400), np.uint8)
    cv2.circle(disc, (200, 200), 190, 1, -1)
    assert len(packed(disc.astype(bool))) < 400 * 400 / 8 / 4
