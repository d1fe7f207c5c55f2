"""The random order of a survey's review, carried over to the animals that there are now.

The latest order counts (`ReviewOrder`). Where animals were joined, cut, found otherwise, added or
taken out since it was drawn, it goes on for those that there are now, so that names given so far
keep standing for others: see `berlese.classify.counts.review_plan.ReviewPlan.continued`. An animal
that lies where a former one lay takes its place, the one that overlaps it most: so an animal may be
cut, or joined with others, because somebody looked at it. What else is new comes in at random.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from berlese.classify.counts.review_plan import ReviewPlan
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import Photo, ReviewOrder, Specimen

OVERLAPS = (0.5, 0.05)
"""Boxes of one animal before and after; then what is left: one of twenty parts overlaps as much."""
LEAST_KEPT = 0.25
"""Share of the animals now that must be of the former ones. Of each beginning of the order at most
this share is named already, and what is new is not spread over the features: below a quarter an
order drawn anew saves more looking, since it is spread, than names that are kept."""


def has_order(survey: Survey) -> bool:
    """Tell whether an order was ever drawn."""
    return bool(survey.count(select(ReviewOrder.id)))


def plan_for(survey: Survey, ids: Sequence[str]) -> ReviewPlan | None:
    """Give the latest order, for these animals; nothing is stored.

    Parameters
    ----------
    survey : Survey
    ids : sequence of str
        Of all animals that count now; the plan's rows.

    Returns
    -------
    ReviewPlan or None
        None where none was drawn, too little is left of the animals that it was drawn from
        (`LEAST_KEPT`; or no listed one), or it is not known which these were.
    """
    order = _latest(survey)
    if order is None or not ids:
        return None
    if order.population_hash == population_hash(ids):
        row_of = {each: row for row, each in enumerate(ids)}
        rows = [row_of[each] for each in order.specimen_ids]
        return ReviewPlan(len(ids), np.array(rows, np.intp))
    if order.others is None and order.population > len(order.specimen_ids):
        return None  # an older berlese drew it, and the animals were others when this one came
    before = [*order.specimen_ids, *(order.others or [])]
    origin = _origins(survey, before, ids)
    if (origin >= 0).mean() < LEAST_KEPT:
        return None
    seed = _seed_of(order)
    own = np.array([_number_of(seed, each) for each in ids])
    listed = ReviewPlan(len(before), np.arange(len(order.specimen_ids)))
    plan = listed.continued(origin, own, random_state=seed)
    return plan if (origin[plan.order] >= 0).any() else None


def keep_plan(survey: Survey, ids: Sequence[str], plan: ReviewPlan) -> None:
    """Store a plan of these animals as the order that counts, unless it is that already."""
    listed = [ids[row] for row in plan.order]
    digest = population_hash(ids)
    latest = _latest(survey)
    if latest and (latest.population_hash, latest.specimen_ids) == (digest, listed):
        return
    with survey.writing() as session:
        session.add(
            ReviewOrder(
                specimen_ids=listed,
                others=sorted(set(ids) - set(listed)),
                population=len(ids),
                population_hash=digest,
                made_at=utc_now(),
            )
        )


def population_hash(ids: Sequence[str]) -> str:
    """Hash the ids of all animals, whatever their order."""
    return sha256("\n".join(sorted(ids)).encode()).hexdigest()


def _latest(survey: Survey) -> ReviewOrder | None:
    with survey.reading() as session:
        return session.scalar(select(ReviewOrder).order_by(ReviewOrder.id.desc()).limit(1))


def _seed_of(order: ReviewOrder) -> int:
    """The same order goes on in the same way."""
    text = "\n".join([order.population_hash, *order.specimen_ids])
    return int(sha256(text.encode()).hexdigest()[:16], 16)


def _number_of(seed: int, specimen_id: str) -> float:
    """A number between 0 and 1 for an animal, whatever other animals are new with it."""
    digest = sha256(f"{seed}:{specimen_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _origins(survey: Survey, before: Sequence[str], now: Sequence[str]) -> NDArray[np.intp]:
    """Row in `before` that each animal was or takes the place of; -1 where it is new.

    It goes by where the outlines lie, never by the order or by what was said of animals.
    """
    row_of = {each: row for row, each in enumerate(before)}
    origin = np.array([row_of.get(each, -1) for each in now], np.intp)
    place = {each: row for row, each in enumerate(now)}
    new, gone = place.keys() - row_of.keys(), row_of.keys() - place.keys()
    if not new or not gone:
        return origin
    for boxes in _boxes_by_photo(survey):
        left = [each for each in boxes if each in new]
        free = [each for each in boxes if each in gone]
        for least in OVERLAPS:
            pairs = match_boxes(
                [boxes[each] for each in left], [boxes[each] for each in free], least
            )
            for at, was, _ in pairs:
                origin[place[left[at]]] = row_of[free[was]]
            left = [each for row, each in enumerate(left) if row not in {at for at, _, _ in pairs}]
            free = [
                each for row, each in enumerate(free) if row not in {was for _, was, _ in pairs}
            ]
    return origin


def _boxes_by_photo(survey: Survey) -> list[dict[str, Box]]:
    """Boxes, by id, of all animals ever found on each photo that counts."""
    columns = (Specimen.x, Specimen.y, Specimen.width, Specimen.height)
    # Columns, not rows with `Specimen.box_on`: 30,000 animals take a quarter of the time.
    query = select(Photo.sha256, Photo.width, Photo.height, Specimen.id, *columns)
    found: dict[str, dict[str, Box]] = {}
    with survey.reading() as session:
        for photo, width, height, each, *box in session.execute(
            query.join(Specimen).where(Photo.current).order_by(Specimen.id)
        ):
            fractions = (box[0], box[1], box[2], box[3])
            found.setdefault(photo, {})[each] = Box.from_normalised(fractions, width, height)
    return list(found.values())
