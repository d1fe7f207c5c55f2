"""A leak that was planted is found, and what is not known is not said to be clean."""

import numpy as np
import pytest

from berlese.study.datasets import Dataset, Libraries
from berlese.study.draws import draw
from berlese.study.leakage import duplicates, leakage_table
from berlese.study.plans import Group, Plan
from berlese.study.results import views_of
from berlese.study.trainings import GroupResult

PLAN = Plan((), (("A", "B"),), ("A", "B"))


def leak(libraries, by_hand, labelled, tested):
    shape = (1, len(libraries))
    result = by_hand(libraries, np.zeros(shape), [tested], labelled=[labelled])
    return leakage_table(
        libraries, list(views_of(libraries, PLAN, [result], ("within", "between")))
    )


def planted(**known):
    flat = np.zeros((4, 1), np.float32)
    return Libraries(
        [
            Dataset("A", flat, np.array(["x"] * 4), **known),
            Dataset("B", flat[:2], np.array(["x"] * 2), hashes=np.array(["h9", "h0"])),
        ]
    )


def test_shared_sites_photos_and_pictures_are_counted(by_hand):
    libraries = planted(
        sites=np.array(["s", "s", "t", "u"]),
        groups=np.array(["p", "q", "q", "r"]),
        hashes=np.array(["h0", "h1", "h2", "h0"]),
    )
    table = leak(libraries, by_hand, [1, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0])
    within, between = table.to_dict("records")
    assert within["same_site"] == pytest.approx(1 / 3)
    assert within["same_photo"] == 0
    assert within["same_picture"] == pytest.approx(1 / 3)
    assert between["same_picture"] == pytest.approx(1 / 2)
    assert np.isnan(between["same_site"])
    assert duplicates(libraries) == [(0, 3), (0, 5)]


def test_what_is_not_known_is_nan(by_hand):
    table = leak(planted(), by_hand, [1, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0])
    assert np.isnan(table.loc[0, ["same_site", "same_photo", "same_picture"]].astype(float)).all()


def test_splits_by_image_leak_sites_and_splits_by_locality_do_not(libraries):
    shares = {}
    for protocol, size in (("within", 60), ("locality", 4)):
        drawn = draw(libraries, Group(protocol, "near", size), 0, split="stratified", seed=0)
        rows = np.arange(len(libraries))
        result = GroupResult(
            Group(protocol, "near", size),
            np.zeros(1, int),
            labelled=np.isin(rows, drawn.labelled)[None],
            unlabelled=np.zeros((1, len(rows)), bool),
            tested=np.isin(rows, drawn.tested)[None],
            named=np.zeros((1, len(rows)), np.int16),
            confidence=np.ones((1, len(rows)), np.float32),
            information=np.array([np.nan]),
            seconds=0.0,
        )
        views = list(views_of(libraries, PLAN, [result], (protocol,)))
        shares[protocol] = leakage_table(libraries, views).loc[0, "same_site"]
    assert shares["within"] > 0.9
    assert shares["locality"] == 0
