"""What a review teaches: more where there is something to learn, and no harm where there is not."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from berlese.specimens.choice import KEPT_SCORE
from berlese.specimens.lesson import FEWEST, Lesson, learn


def _reviewed(count: int, *, told_by: float, seed: int = 0):
    """Simulate things that were taken, of which the first number of the evidence may tell."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(count, 6))
    ratings = rng.uniform(0.5, 0.95, count)
    log_odds = np.log(ratings / (1 - ratings)) + told_by * evidence[:, 0]
    is_animal = rng.random(count) < 1 / (1 + np.exp(-log_odds))
    return ratings, evidence, is_animal, np.arange(count) // 25


def _loss(ratings, is_animal) -> float:
    return float(-np.log(np.where(is_animal, ratings, 1 - ratings)).mean())


def test_what_tells_crumbs_from_animals_on_these_photos_is_learned():
    learned = learn(*_reviewed(300, told_by=2.0))
    assert learned.lesson is not None
    assert learned.loss_after < learned.loss_before - 0.05
    assert np.argmax(np.abs(learned.lesson.weights)) == 0
    ratings, evidence, is_animal, _ = _reviewed(4000, told_by=2.0, seed=1)
    after = learned.lesson.corrected(ratings, evidence)
    assert _loss(after, is_animal) < _loss(ratings, is_animal) - 0.1
    assert ((after >= KEPT_SCORE) == is_animal).mean() > 0.04 + is_animal.mean()


def test_ratings_that_are_right_are_left_as_they_are():
    kept = [learn(*_reviewed(200, told_by=0.0, seed=seed)).lesson is None for seed in range(20)]
    assert sum(kept) >= 16  # one standard error: one in six would change them by chance


def test_a_lesson_from_chance_does_little_harm():
    worse = []
    for seed in range(20):
        learned = learn(*_reviewed(60, told_by=0.0, seed=seed))
        if learned.lesson is None:
            worse.append(0.0)
            continue
        ratings, evidence, is_animal, _ = _reviewed(4000, told_by=0.0, seed=seed + 100)
        after = learned.lesson.corrected(ratings, evidence)
        worse.append(_loss(after, is_animal) - _loss(ratings, is_animal))
    assert np.mean(worse) < 0.01
    assert max(worse) < 0.1


@pytest.mark.parametrize(("animals", "others"), [(40, FEWEST - 1), (FEWEST - 1, 40), (0, 0)])
def test_too_little_teaches_nothing(animals, others):
    count = animals + others
    is_animal = np.arange(count) < animals
    learned = learn(np.full(count, 0.7), np.zeros((count, 3)), is_animal, np.zeros(count, int))
    assert learned.lesson is None
    assert (learned.animals, learned.others) == (animals, others)


@given(st.integers(0, 50), st.floats(-3, 3))
def test_what_was_left_out_is_not_taken_for_a_lessons_sake(seed, shift):
    rng = np.random.default_rng(seed)
    lesson = Lesson(np.zeros(4), np.ones(4), rng.normal(size=4), shift)
    ratings, evidence = rng.uniform(0, 1, 50), rng.normal(size=(50, 4))
    after = lesson.corrected(ratings, evidence)
    assert ((after >= 0) & (after <= 1)).all()
    assert (after[ratings < KEPT_SCORE] <= ratings[ratings < KEPT_SCORE]).all()


def test_a_lesson_survives_json():
    lesson = learn(*_reviewed(300, told_by=2.0)).lesson
    again = Lesson.from_json(json.loads(json.dumps(lesson.to_json())))
    ratings, evidence, _, _ = _reviewed(50, told_by=0.0)
    np.testing.assert_array_equal(
        again.corrected(ratings, evidence), lesson.corrected(ratings, evidence)
    )
