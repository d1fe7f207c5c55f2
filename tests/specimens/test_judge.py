"""The networks of the package fit what is measured."""

from dataclasses import replace

import numpy as np

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.candidates import AS_IS, CUT, CUT_FINELY, FEATURES, HANGING, LEAVE, TRIMMED
from berlese.specimens.context import CONTEXT, candidates_in
from berlese.specimens.judge import _weights, effort_for, judge, probabilities
from berlese.specimens.look import KINDS
from berlese.specimens.outline import Box
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo


def test_the_networks_take_all_features_and_no_more():
    weights = _weights()
    assert weights["alone.mean"].shape == (len(FEATURES),)
    assert weights["together.mean"].shape == (len(FEATURES) + len(KINDS) + len(CONTEXT),)


def test_probabilities_add_up_to_one_however_odd_the_features():
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1e4, (50, len(FEATURES)))
    odds = probabilities(features, _weights(), "alone")
    assert odds.shape == (50, len(KINDS))
    np.testing.assert_allclose(odds.sum(axis=1), 1)
    assert np.isfinite(odds).all()


def test_one_layer_is_what_it_is_by_hand():
    weights = {"x.mean": np.zeros(2), "x.deviation": np.ones(2), "x.members": np.ones(1)}
    for layer, (rows, columns) in enumerate([(2, 2), (2, 2), (2, 4)]):
        weights[f"x.0.{layer}.weight"] = np.eye(rows, columns)
        weights[f"x.0.{layer}.bias"] = np.zeros(columns)
    odds = probabilities(np.array([[1.0, -3.0]]), weights, "x")
    by_hand = np.exp([1, 0, 0, 0])  # -3 is stopped by the first layer
    np.testing.assert_allclose(odds[0], by_hand / by_hand.sum())


def boxed(frames):
    """Boxes around frames in photo pixels."""
    low, high = np.floor(frames[:, :2]).astype(int), np.ceil(frames[:, 2:]).astype(int)
    return [Box(*map(int, row)) for row in np.hstack([low, high])]


def test_what_outlines_an_animal_is_taken_for_one():
    plate = simulate_plate(
        2001, PlateKind(animals=25, grains=0, fibres=0, bubbles=0, clumped=0), size_px=900
    )
    readings = read_photo(Pixels(plate.pixels), SegmentSettings())
    odds = judge(readings)
    boxes = boxed(np.array([each.frame for each in candidates_in(readings)]))
    truth = [each.box for each in plate.specimens]
    outlines = [max(box.iou(each) for each in truth) > 0.8 for box in boxes]
    assert sum(outlines) > 15
    assert (odds[outlines, 0] > 0.5).mean() > 0.85


def test_dirt_is_not_taken_for_animals():
    kind = PlateKind(animals=0, grains=90, fibres=8, bubbles=3)
    odds = judge(
        read_photo(Pixels(simulate_plate(2001, kind, size_px=900).pixels), SegmentSettings())
    )
    assert len(odds) > 40
    assert (odds[:, 0] > 0.5).mean() < 0.1


def wholes_among_dirt():
    """The whole things of one plate of animals and grains."""
    plate = simulate_plate(2001, PlateKind(animals=12, grains=40), size_px=900)
    return [cuts[0][0] for cuts in read_photo(Pixels(plate.pixels), SegmentSettings())]


def test_what_measurements_leave_open_is_plain_once_a_look_agrees():
    wholes = wholes_among_dirt()
    unseen = effort_for([replace(each, look=None) for each in wholes]) <= AS_IS
    seen = effort_for(wholes) <= AS_IS
    puzzled = np.log(np.full(len(KINDS), 0.25, np.float32))
    assert 0 < unseen.sum() < seen.sum()
    assert min(effort_for([replace(each, look=puzzled) for each in wholes])) > AS_IS


def test_of_what_is_plainly_dirt_little_is_cut_and_what_is_plainly_an_animal_is_not():
    plate = simulate_plate(2001, PlateKind(animals=12, grains=40), size_px=900)
    some = read_photo(Pixels(plate.pixels), SegmentSettings())[0][0]
    looks = {"animal": AS_IS, "dirt": HANGING}
    for kind, effort in looks.items():
        sure = np.log(np.where(np.array(KINDS) == kind, 0.997, 0.001)).astype(np.float32)
        seen = [replace(each, look=sure) for each in some]
        odds = effort_for(seen)
        assert odds[0] in (effort, CUT, TRIMMED)  # its measurements may say otherwise
        other = next(each for name, each in looks.items() if name != kind)
        assert odds[0] != other


def test_what_the_measurements_alone_call_dirt_is_left():
    wholes = wholes_among_dirt()
    efforts = effort_for([replace(each, look=None) for each in wholes])
    assert LEAVE in efforts
    assert HANGING not in efforts


def test_a_likely_animal_that_may_hold_a_small_one_too_is_cut():
    wholes = wholes_among_dirt()
    alone = np.log(np.array([0.997, 0.001, 0.001, 0.001], np.float32))
    likely = [e for e in wholes if effort_for([replace(e, look=alone)])[0] == AS_IS]
    assert likely
    perhaps = np.log(np.array([0.75, 0.24, 0.005, 0.005], np.float32))
    assert set(effort_for([replace(each, look=perhaps) for each in likely])) == {CUT}


def test_what_surely_is_not_several_by_its_look_is_trimmed_at_most():
    plate = simulate_plate(2002, PlateKind(animals=20, grains=10, clumped=0.4), size_px=800)
    wholes = [cuts[0][0] for cuts in read_photo(Pixels(plate.pixels), SegmentSettings())]
    unsure = np.log(np.array([0.3, 0.04, 0.33, 0.33], np.float32))
    assert effort_for([replace(each, look=unsure) for each in wholes]).max() <= TRIMMED
    unsure = np.log(np.array([0.3, 0.3, 0.2, 0.2], np.float32))
    assert set(effort_for([replace(each, look=unsure) for each in wholes])) == {CUT}
    assert TRIMMED not in effort_for([replace(each, look=None) for each in wholes])
    tangle = np.log(np.array([0.2, 0.6, 0.1, 0.1], np.float32))
    assert set(effort_for([replace(each, look=tangle) for each in wholes])) == {CUT_FINELY}
