"""Trainings on two normal clouds a taxon, whose best possible accuracy is known."""

from dataclasses import fields

import numpy as np
import pytest

from berlese.study.datasets import Libraries
from berlese.study.plans import Group, StudySettings
from berlese.study.trainings import (
    NOT_ASKED,
    GroupResult,
    labelled_share_of,
    mutual_information,
    train_group,
    training_of,
    work_of,
)
from tests.study.conftest import gaussians

SETTINGS = StudySettings(replicates=3, epochs=40, dann_epochs=40, hidden=(32, 16), dropout=0.2)
WITHIN = Group("within", "near", 80, hidden=(32, 16), dropout=0.2)
MIXED = Group("adaptation", "near", 120, "far", 0.1, hidden=(32, 16), dropout=0.2)


@pytest.fixture(scope="module")
def within(libraries):
    return train_group(libraries, WITHIN, SETTINGS)


def accuracy(libraries, result, rows):
    return np.mean(result.named[:, rows] == libraries.codes[rows])


def test_clouds_that_lie_apart_are_told_apart(libraries, within):
    right = [
        np.mean(named[tested] == libraries.codes[tested])
        for named, tested in zip(within.named, within.tested, strict=True)
    ]
    assert np.mean(right) > 0.95


def test_a_shift_costs_accuracy(libraries, within):
    assert accuracy(libraries, within, libraries.rows("far")) < 0.95
    assert accuracy(libraries, within, libraries.rows("near")) > 0.95


def test_progress_counts_every_head_once(libraries):
    told = []
    train_group(libraries, WITHIN, SETTINGS, progress=told.append)
    assert sum(told) == 3


def test_jobs_and_saving_change_nothing(libraries, within):
    again = train_group(libraries, WITHIN, SETTINGS, jobs=2)
    restored = GroupResult.from_arrays(WITHIN, within.to_arrays())
    for field in fields(GroupResult):
        if field.name not in ("group", "seconds"):
            expected = getattr(within, field.name)
            np.testing.assert_array_equal(getattr(restored, field.name), expected)
            np.testing.assert_allclose(getattr(again, field.name), expected, atol=1e-5)


def test_an_adapted_head_is_asked_about_its_test_rows_and_unlabelled_ones(libraries):
    result = train_group(libraries, MIXED, SETTINGS)
    asked = result.named != NOT_ASKED
    np.testing.assert_array_equal(asked, result.tested | result.unlabelled)
    assert np.isfinite(result.information).all()
    assert result.unlabelled[:, libraries.rows("near")].sum() == 0


def test_a_head_names_only_taxa_of_its_source():
    two = Libraries(
        [
            gaussians("near", 60, shift=0, seed=1, taxa=("Carabidae", "Ptiliidae")),
            gaussians("far", 60, shift=0, seed=2),
        ]
    )
    result = train_group(two, Group("within", "near", 40, hidden=(8,), dropout=0.0), SETTINGS)
    assert set(np.unique(result.named)) == {0, 2}


def test_information_by_hand():
    sure_of_one = np.array([[1.0, 0.0], [1.0, 0.0]])
    sure_of_each = np.eye(2)
    assert mutual_information(sure_of_one) == pytest.approx(0)
    assert mutual_information(sure_of_each) == pytest.approx(np.log(2))
    assert mutual_information(np.full((3, 2), 0.5)) == pytest.approx(0)
    assert np.isnan(mutual_information(np.empty((0, 2))))


def test_a_plain_head_of_an_adaptation_takes_as_many_steps_as_the_adapted_one(libraries):
    plain = Group("adaptation", "near", 105, "far")
    share = labelled_share_of(plain, libraries)
    assert share == pytest.approx(120 / 210)
    training = training_of(plain, SETTINGS, share)
    adapted = training_of(MIXED, SETTINGS, share)
    assert (training.batch_size, adapted.batch_size) == (18, 32)
    assert training.epochs == adapted.epochs == SETTINGS.dann_epochs
    assert training_of(WITHIN, SETTINGS, 1.0).batch_size == 32


def test_work_counts_pictures_and_epochs(libraries):
    assert work_of(WITHIN, SETTINGS, libraries) == 80 * 40
    plain = Group("adaptation", "near", 105, "far")
    assert work_of(plain, SETTINGS, libraries) == pytest.approx(60 * 40)  # 120 of 210 are near
    assert work_of(Group("locality", "near", 5), SETTINGS, libraries) == 60 * 40
