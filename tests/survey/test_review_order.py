"""The order of review goes on where animals are others, and each keeps its chance."""

import numpy as np
import pytest
from scipy.stats import chi2
from sqlalchemy import text

from berlese.classify.counts.review_plan import ReviewPlan
from berlese.survey.review_order import keep_plan, plan_for, population_hash
from berlese.survey.survey import Survey
from berlese.survey.tables import (
    Photo,
    ReviewOrder,
    Sample,
    Specimen,
    current_specimens,
    specimen_id,
)

SIZE = 1000  # pixels of the photo's sides
PHOTO = "ab" * 32


@pytest.fixture
def searched(survey: Survey) -> Survey:
    """A survey of one photo without animals yet."""
    with survey.writing() as session:
        session.add(Sample(id="s1", site="site 1"))
        session.add(
            Photo(
                sha256=PHOTO,
                path="a.png",
                sample_id="s1",
                size=1,
                width=SIZE,
                height=SIZE,
                notes=[],
            )
        )
    return survey


def found(left: int, top: int, width: int = 60, height: int = 60) -> Specimen:
    box = (left / SIZE, top / SIZE, width / SIZE, height / SIZE)
    return Specimen(
        id=specimen_id(PHOTO, *box),
        photo_sha256=PHOTO,
        number=1 + left + SIZE * top,
        x=box[0],
        y=box[1],
        width=box[2],
        height=box[3],
        polygon=[],
        score=1.0,
        flags=[],
        crop_path="c.png",
        crop_sha256="cd" * 32,
        current=True,
    )


def in_rows(count: int) -> list[Specimen]:
    """Animals that lie apart, ten a row."""
    return [found(100 * (number % 10), 100 * (number // 10)) for number in range(count)]


def put(survey: Survey, animals: list[Specimen], *, gone: list[str] = ()) -> list[str]:
    """Store animals, let others be gone, and give the ids of those that count now."""
    with survey.writing() as session:
        for each in gone:
            session.get_one(Specimen, each).current = False
        session.add_all(animals)
    with survey.reading() as session:
        return [each.id for each in session.scalars(current_specimens())]


def changed(survey: Survey, before: list[str]) -> list[str]:
    """Three are cut in halves, two joined, one is gone, and two lie where none was."""
    halves = [found(100 * number + x, 0, 30) for number in (0, 1, 2) for x in (0, 30)]
    joined, new = found(0, 100, 160), [found(0, 500), found(100, 500)]
    return put(survey, [*halves, joined, *new], gone=[*before[:3], *before[10:12], before[20]])


def test_every_animal_is_among_the_first_of_the_order_as_often_as_any(searched: Survey) -> None:
    before = put(searched, in_rows(30))
    now = changed(searched, before)
    n, k, draws = len(now), 6, 250
    assert n == 33
    rng = np.random.default_rng(0)
    drawn = np.zeros(n)
    for _ in range(draws):
        keep_plan(searched, before, ReviewPlan(30, rng.permutation(30)[:12]))
        plan = plan_for(searched, now)
        assert plan is not None
        assert plan.n == n
        drawn[plan.order[:k]] += 1
    chance = k / n
    squares = ((drawn - draws * chance) ** 2).sum() / (draws * chance * (1 - chance))
    assert chi2.sf(squares * (n - 1) / n, n - 1) > 0.001


def test_what_lies_in_the_place_of_an_animal_takes_its_rank(searched: Survey) -> None:
    before = put(searched, in_rows(30))
    order = ReviewPlan(30, np.random.default_rng(0).permutation(30))
    keep_plan(searched, before, order)
    now = changed(searched, before)
    plan = plan_for(searched, now)
    assert plan is not None
    was, ids = [before[row] for row in order.order], [now[row] for row in plan.order]
    assert set(ids) == set(now)
    stayed = [each for each in was if each in now]
    assert [each for each in ids if each in before] == stayed
    joined = [found(0, 100, 160).id]
    halves = [[found(100 * number + x, 0, 30).id for x in (0, 30)] for number in range(3)]
    formers = [before[10:12], *([each] for each in before[:3])]
    for new, former in zip([joined, *halves], formers, strict=True):
        # as many of those that stayed come before one of the new as before a former one
        ranks_now = {sum(each in stayed for each in ids[: ids.index(one)]) for one in new}
        ranks_then = {sum(each in stayed for each in was[: was.index(one)]) for one in former}
        assert ranks_now & ranks_then


def test_a_new_animal_keeps_its_place_whatever_comes_after_it(searched: Survey) -> None:
    before = put(searched, in_rows(20))
    keep_plan(searched, before, ReviewPlan(20, np.random.default_rng(1).permutation(20)))
    once = put(searched, [found(0, 500)])
    first = plan_for(searched, once)
    twice = put(searched, [found(100, 500), found(200, 500)])
    second = plan_for(searched, twice)
    assert first is not None
    assert second is not None
    ids = [once[row] for row in first.order]
    assert [twice[row] for row in second.order if twice[row] in ids] == ids
    keep_plan(searched, twice, second)
    again = plan_for(searched, twice)
    assert again is not None
    np.testing.assert_array_equal(again.order, second.order)


def test_no_order_goes_on_where_too_little_is_left(searched: Survey) -> None:
    before = put(searched, in_rows(8))
    keep_plan(searched, before, ReviewPlan(8, np.arange(4)))
    elsewhere = [found(100 * number, 500 + 100 * row) for row in range(3) for number in range(10)]
    others = [each.id for each in elsewhere]
    now = put(searched, elsewhere[:24])
    assert plan_for(searched, now) is not None  # 8 of 32: a quarter
    now = put(searched, elsewhere[24:25])
    assert plan_for(searched, now) is None
    now = put(searched, [], gone=others[:20])
    assert plan_for(searched, now) is not None
    now = put(searched, [], gone=before[:4])
    assert plan_for(searched, now) is None  # none of those that it lists
    assert plan_for(searched, []) is None


def test_an_order_of_an_older_berlese_goes_on_where_it_is_known_what_it_was_of(
    searched: Survey,
) -> None:
    before = put(searched, in_rows(8))
    for listed, known in ((8, True), (5, False)):
        with searched.writing() as session:
            session.add(
                ReviewOrder(
                    specimen_ids=before[:listed],
                    population=8,
                    population_hash=population_hash(before),
                    made_at="2026-01-01T00:00:00Z",
                )
            )
        assert plan_for(searched, before) is not None
        now = put(searched, [found(100 * listed, 500)])
        assert (plan_for(searched, now) is not None) == known


def test_the_latest_order_of_an_older_berlese_learns_what_it_was_of(searched: Survey) -> None:
    before = put(searched, in_rows(8))
    keep_plan(searched, before, ReviewPlan(8, np.arange(5)))
    folder = searched.folder
    with searched.writing() as session:
        session.execute(text('ALTER TABLE review_order DROP COLUMN "otherOccurrenceIDs"'))
        session.execute(text("UPDATE alembic_version SET version_num = '0007'"))
    searched.close()
    with Survey.open(folder) as again, again.reading() as session:
        (order,) = session.query(ReviewOrder)
        assert order.others == sorted(before[5:])
