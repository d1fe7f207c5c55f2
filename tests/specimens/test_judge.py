"""The networks of the package fit what is measured."""

import numpy as np

from berlese.simulate.plates import PlateKind, simulate_plate
from berlese.specimens.candidates import FEATURES
from berlese.specimens.context import CONTEXT
from berlese.specimens.judge import KINDS, _weights, judge, probabilities
from berlese.specimens.segment import Pixels, SegmentSettings, read_photo


def test_the_networks_take_all_features_and_no_more():
    weights = _weights()
    assert weights["alone.mean"].shape == (len(FEATURES),)
    assert weights["together.mean"].shape == (len(FEATURES) + len(CONTEXT),)


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


def test_animals_are_told_from_dirt_on_a_plate_of_either():
    kinds = {
        "animals": PlateKind(animals=25, grains=0, fibres=0, bubbles=0, clumped=0),
        "dirt": PlateKind(animals=0, grains=90, fibres=8, bubbles=3),
    }
    found = {}
    for name, kind in kinds.items():
        pixels = simulate_plate(2001, kind, size_px=900).pixels
        odds = judge(read_photo(Pixels(pixels), SegmentSettings()))
        found[name] = float((odds[:, 0] > 0.5).mean())
    assert found["animals"] > 0.4
    assert found["dirt"] < 0.2
