"""Which of overlapping candidates are taken."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from berlese.specimens import choice
from berlese.specimens.candidates import FEATURES, Candidate, packed
from berlese.specimens.choice import (
    LOOK_SHARE,
    MOST_OVERLAP,
    SURELY_PART,
    SURELY_SEVERAL,
    WEIGHTS,
    Rated,
    chosen,
    evidence_of,
    rated,
    ratings_of,
)
from berlese.specimens.look import KINDS
from berlese.specimens.networks import weights_of


def _candidate(left, top, width, height, *, thing=(0, 0, 1.0), scale=1.0) -> Candidate:
    mask = np.ones((round(height * scale), round(width * scale)), bool)
    return Candidate(
        packed(mask),
        (mask.shape[0], mask.shape[1]),
        float(left),
        float(top),
        scale,
        thing,
        float(width * height),
        0.0,
        np.zeros(len(FEATURES)),
        3.0,
    )


def _odds(*animal: float) -> np.ndarray:
    rows = np.zeros((len(animal), len(KINDS)))
    rows[:, 0] = animal
    rows[:, 3] = 1 - rows[:, 0]
    return rows


def _rated(ratings, pairs, areas=None, *, frames=None, dark=False, parts=None) -> Rated:
    count = len(ratings)
    one, other, share = (
        np.array(each) for each in zip(*[(a, b, s) for a, b, s in pairs], strict=True)
    )
    overlap = sparse.csr_matrix(
        (np.tile(share, 2), (np.r_[one, other], np.r_[other, one])), shape=(count, count)
    )
    evidence = np.empty((count, 0))
    frames = np.tile([0.0, 0, 10, 10], (count, 1)) if frames is None else np.array(frames, float)
    areas = np.full(count, 100.0) if areas is None else np.array(areas, float)
    return Rated(
        np.arange(count),
        areas,
        frames,
        np.full(count, dark),
        np.ones(count) if parts is None else np.array(parts, float),
        np.zeros(count),
        evidence,
        np.array(ratings, float),
        overlap,
    )


def test_the_better_of_two_that_overlap_is_taken_and_what_is_left_free():
    found = _rated([0.6, 0.9, 0.7, 0.2], [(0, 1, 0.8), (1, 2, MOST_OVERLAP - 0.01)])
    assert chosen(found, 0.5).places.tolist() == [1, 2]
    assert chosen(found, 0.1).places.tolist() == [1, 2, 3]
    assert chosen(found, 0.95).places.tolist() == []


def test_two_parts_are_taken_for_the_whole_where_they_explain_more_of_it():
    pairs = [(0, 1, 1.0), (0, 2, 1.0)]
    areas = [100, 60, 40]
    assert chosen(_rated([0.4, 0.9, 0.5], pairs, areas), 0.36).places.tolist() == [1, 2]
    # 100 x (.8 - .15) is more than 60 x (.9 - .15) + 40 x (.45 - .15)
    assert chosen(_rated([0.8, 0.9, 0.45], pairs, areas), 0.36).places.tolist() == [0]


def test_of_a_dark_animal_the_outline_without_its_shadow_is_taken():
    pairs, areas = [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0)], [100, 70, 55]
    assert chosen(_rated([0.9, 0.7, 0.5], pairs, areas), 0.36).places.tolist() == [0]
    tight = chosen(_rated([0.9, 0.7, 0.5], pairs, areas, dark=True), 0.36)
    assert tight.places.tolist() == [1]
    assert tight.ratings.tolist() == [0.9]
    assert tight.rated_as.tolist() == [0]
    frames = [(0, 0, 100, 100), (30, 30, 70, 70), (40, 40, 70, 70)]  # those lack its legs
    legs = _rated([0.9, 0.7, 0.5], pairs, areas, frames=frames, dark=True)
    assert chosen(legs, 0.36).places.tolist() == [0]
    assert chosen(_rated([0.9, 0.5, 0.5], pairs, areas, dark=True), 0.36).places.tolist() == [0]


def test_a_part_is_no_tighter_outline_of_a_dark_animal():
    pairs, areas = [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0)], [100, 80, 60]
    ratings = [0.9, 0.8, 0.7]
    cut = _rated(ratings, pairs, areas, dark=True, parts=[1, 1, 2])
    assert chosen(cut, 0.36).places.tolist() == [1]
    of_a_clump = _rated(ratings, pairs, areas, dark=True, parts=[2, 2, 2])
    assert chosen(of_a_clump, 0.36).places.tolist() == [2]


@given(st.data())
def test_no_two_taken_overlap_and_nothing_free_is_left(data):
    count = data.draw(st.integers(2, 8))
    ratings = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    pairs = [
        (a, b, data.draw(st.floats(0.01, 1))) for a in range(count) for b in range(a + 1, count)
    ]
    found = _rated(ratings, pairs)
    taken = chosen(found, 0.5).places.tolist()
    shares = found.overlap.toarray()
    assert all(shares[a, b] <= MOST_OVERLAP for a in taken for b in taken if a != b)
    for place in set(range(count)).difference(taken):
        crossed = [each for each in taken if shares[place, each] > MOST_OVERLAP]
        assert ratings[place] < 0.5 or crossed


def test_shared_pixels_are_those_of_the_smaller_one():
    whole = _candidate(10, 20, 30, 10)
    parts = (_candidate(10, 20, 12, 10), _candidate(22, 20, 18, 10))
    _, _, overlap = evidence_of([[(whole,), parts]], _odds(0.3, 0.6, 0.7))
    np.testing.assert_allclose(overlap.toarray(), [[0, 1, 1], [1, 0, 0], [1, 0, 0]])


def test_candidates_of_a_shrunk_copy_share_photo_pixels():
    whole = _candidate(100, 200, 80, 40, scale=0.25)
    part = _candidate(120, 200, 40, 40, scale=0.25)
    _, _, overlap = evidence_of([[(whole,), (part,)]], _odds(0.3, 0.6))
    np.testing.assert_allclose(overlap.toarray(), [[0, 1], [1, 0]])


def test_candidates_of_other_things_do_not_overlap():
    one, other = _candidate(0, 0, 9, 9), _candidate(0, 0, 9, 9, thing=(50, 50, 1.0))
    _, _, overlap = evidence_of([[(one,)], [(other,)]], _odds(0.6, 0.7))
    assert overlap.nnz == 0


def test_what_is_surely_dirt_is_not_rated():
    one, other = _candidate(0, 0, 9, 9), _candidate(50, 0, 9, 9)
    numbers, evidence, _ = evidence_of([[(one,)], [(other,)]], _odds(0.01, 0.7))
    assert numbers.tolist() == [1]
    assert len(evidence) == 1
    none = rated([[(one,)]], _odds(0.01))
    assert len(none.numbers) == len(chosen(none, 0.1).places) == 0


def test_evidence_tells_what_lies_within_and_around():
    whole = _candidate(0, 0, 40, 10)
    parts = (_candidate(0, 0, 15, 10), _candidate(15, 0, 25, 10))
    odds = _odds(0.3, 0.8, 0.6)
    alone = evidence_of([[(whole,)]], odds[:1])[1]
    together = evidence_of([[(whole,), parts]], odds)[1]
    assert not np.array_equal(alone[0], together[0])
    swapped = evidence_of([[(whole,), parts]], odds[[0, 2, 1]])[1]
    assert not np.array_equal(together[0], swapped[0])  # the larger part is the better one


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_evidence_is_the_same_of_however_many_pairs_at_once(at_once, monkeypatch):
    rng = np.random.default_rng(4)
    frames = rng.integers(2, 30, (12, 4)).tolist()
    cuts = [tuple(_candidate(*each) for each in some) for some in (frames[:1], frames[1:])]
    odds = rng.dirichlet(np.ones(len(KINDS)), 12)
    whole = evidence_of([cuts], odds)[1]
    monkeypatch.setattr(choice, "PAIRS_AT_ONCE", at_once)
    np.testing.assert_array_equal(evidence_of([cuts], odds)[1], whole)


def test_evidence_ends_with_the_measurements():
    rows = np.random.default_rng(5).normal(size=(3, len(FEATURES)))
    frames = ((0, 0, 40, 10), (0, 0, 20, 10), (20, 0, 20, 10))
    whole, *parts = (
        replace(_candidate(*frame), features=row) for frame, row in zip(frames, rows, strict=True)
    )
    cut = [(whole,), tuple(parts)]
    numbers, evidence, _ = evidence_of([cut], _odds(0.6, 0.01, 0.7))
    assert numbers.tolist() == [0, 2]
    np.testing.assert_array_equal(evidence[:, -len(FEATURES) :], rows[numbers])


@pytest.mark.parametrize("shift", [(0, 0), (1000, 2000)])
def test_ratings_do_not_depend_on_the_place(shift):
    cut = [
        (_candidate(shift[0], shift[1], 40, 10),),
        (_candidate(shift[0], shift[1], 15, 10), _candidate(shift[0] + 15, shift[1], 25, 10)),
    ]
    here = rated([cut], _odds(0.3, 0.8, 0.6))
    there = [
        tuple(replace(each, left=each.left + 7, top=each.top + 9) for each in some) for some in cut
    ]
    np.testing.assert_allclose(
        rated([there], _odds(0.3, 0.8, 0.6)).ratings, here.ratings, rtol=1e-6
    )


def _evidence(odds, looks, several=0.1, closer=None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Evidence with these odds and looks, and weights of a network that sees no look."""
    weights = weights_of(WEIGHTS)
    known, kinds = len(weights["mean"]), len(KINDS)
    looks_at = known - 2 * kinds - 1
    evidence = np.zeros((len(odds), known + len(FEATURES)))
    evidence[:, :kinds] = np.log(odds)
    evidence[:, kinds + KINDS.index("several")] = np.log(several)
    evidence[:, looks_at : looks_at + kinds] = np.log(looks)
    evidence[:, looks_at + kinds : known - 1] = np.log(looks if closer is None else closer)
    blind = weights["deviation"].copy()
    blind[looks_at:] = 1e9
    return evidence, weights | {"deviation": blind}


def test_the_look_is_a_share_of_the_rating():
    looks = np.array([[0.1, 0.1, 0.1, 0.7], [0.6, 0.2, 0.1, 0.1], [0.9, 0.05, 0.04, 0.01]])
    ratings = ratings_of(*_evidence(np.full((3, 4), 0.25), looks))
    np.testing.assert_allclose(np.diff(ratings), LOOK_SHARE * np.diff(looks[:, 0]), rtol=1e-6)


def test_what_judge_and_looks_all_take_for_a_part_is_no_animal_unless_among_several():
    part, animal = [0.2, 0.1, SURELY_PART + 0.05, 0.15], [0.5, 0.2, 0.2, 0.1]
    odds = [part, part, part, animal, part]
    looks = [part, animal, part, part, part]
    closer = [part, part, animal, part, part]
    of_whole = [0.1, 0.1, 0.1, 0.1, SURELY_SEVERAL + 0.05]
    ratings = ratings_of(*_evidence(odds, looks, of_whole, closer))
    assert ratings[0] == 0
    assert (ratings[1:] > 0).all()


def test_evidence_tells_what_a_closer_look_saw_and_the_first_where_there_is_none():
    known, kinds = len(weights_of(WEIGHTS)["mean"]), len(KINDS)
    first = np.log([0.6, 0.2, 0.1, 0.1]).astype(np.float32)
    second = np.append(np.log([0.8, 0.1, 0.05, 0.05]), 2.5).astype(np.float32)
    one = replace(_candidate(0, 0, 9, 9), look=first, closer=second)
    other = replace(_candidate(50, 0, 9, 9), look=first)
    _, evidence, _ = evidence_of([[(one,)], [(other,)]], _odds(0.6, 0.7))
    told = evidence[:, known - kinds - 1 : known]
    np.testing.assert_allclose(told[0], second, rtol=1e-6)
    np.testing.assert_allclose(told[1], [*first, np.log(0.6 / 0.4)], rtol=1e-5)


def test_a_third_of_the_members_do_without_the_closer_look():
    weights, kinds = weights_of(WEIGHTS), len(KINDS)
    members = int(weights["members"][0])
    blind = [not weights[f"{member}.0.weight"][-kinds - 1 :].any() for member in range(members)]
    third = members // 3
    assert blind == [False] * third + [True] * third + [False] * third
