"""How far the review of a survey has come: whether its goal is reached, and how much is left.

Intervals are looked at after planned numbers of animals only
(`berlese.classify.counts.review_plan`): who looks after every animal and stops when a number
pleases gives the promise away.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from berlese.classify.counts.review_plan import Goal
from berlese.errors import SurveyError
from berlese.survey.estimates import Estimates, estimate_survey
from berlese.survey.missing import missing_step
from berlese.survey.reviewing import animals_of, chances_of, waiting_names
from berlese.survey.survey import Survey


@dataclass(frozen=True, slots=True)
class Progress:
    """What a review has reached.

    Attributes
    ----------
    goal : Goal
    animals : int
        Of the survey.
    drawn : int
        Reviewed in the random order without a gap.
    look : int
        The latest number of them at which intervals could be looked at; 0 before the first.
    next_look : int
    reached : bool
        Whether all intervals were within the goal at `look`.
    taxon : str or None
        The one with the widest interval at `look`.
    half_width : float or None
        Of that interval, as a share of all animals.
    expected : int or None
        Reviewed animals, in all, that the goal will probably take.
    waiting : int
        Of the first `next_look` animals of the order, those that are named, but come behind one
        that is not: as where animals are others since.
    """

    goal: Goal
    animals: int
    drawn: int
    look: int
    next_look: int
    reached: bool
    taxon: str | None
    half_width: float | None
    expected: int | None
    waiting: int = 0

    @property
    def left(self) -> int:
        """Animals to review until the next look; none where the goal is reached."""
        return 0 if self.reached else self.next_look - self.drawn - self.waiting

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "goal": self.goal.half_width,
            "promise": self.goal.promise,
            "level": self.goal.level,
            "animals": self.animals,
            "reviewed_at_random": self.drawn,
            "waiting": self.waiting,
            "look": self.look,
            "reached": self.reached,
            "widest": self.taxon,
            "half_width": None if self.half_width is None else round(self.half_width, 4),
            "next_look": self.next_look,
            "expected": self.expected,
        }

    def in_words(self) -> str:
        """Say it to a person."""
        whole = self.goal.promise == "table"
        promise = (
            f"the intervals of all families at once at {self.goal.level:.0%}"
            if whole
            else f"each family's {self.goal.level:.0%} interval"
        )
        wanted = f"{promise} within +-{100 * self.goal.half_width:g} points of share"
        said = f"{self.drawn} of {self.animals} animals are reviewed in the plan's order. "
        if self.waiting:
            said += (
                f"{self.waiting} more are, and count once those before them are: they come first "
                "in the next sheet. "
            )
        if self.look == 0:
            return f"{said}Goal: {wanted}; first look after {self.next_look} animals."
        width = 100 * (self.half_width or 0)
        widest = (
            f"At {self.look}, the widest interval is that of {self.taxon}: +-{width:.1f} points"
        )
        if self.reached:
            return f"{said}{widest}. The goal is reached: {wanted}. You may stop."
        return (
            f"{said}{widest}. Goal: {wanted}; next look after {self.next_look} animals, and "
            f"probably reached after {self.expected}."
        )


def review_progress(survey: Survey, goal: Goal, estimates: Estimates | None = None) -> Progress:
    """Compare a survey's intervals with a goal, at the latest planned look.

    Parameters
    ----------
    survey : Survey
    goal : Goal
    estimates : Estimates, optional
        From `estimate_survey` with its defaults, where the caller has them: at a look that takes
        in all that is reviewed in order, they are the ones that are looked at.

    Raises
    ------
    SurveyError
        If it has no animals.
    """
    animals = animals_of(survey)
    n = len(animals)
    if not n:
        raise SurveyError(f"{survey.folder}: has no animals; {missing_step(survey)}.")
    drawn = int(np.isfinite(chances_of(survey, animals)).sum())
    look = goal.last_look(drawn, n)
    next_look = goal.next_look(drawn, n)
    waiting = waiting_names(survey, animals, next_look)
    nothing = Progress(goal, n, drawn, look, next_look, False, None, None, None, waiting)
    if not look:
        return nothing
    whole = estimates is not None and look == drawn
    first = estimates if whole else estimate_survey(survey, look=look)
    if first is None:
        return nothing
    level = goal.interval_level(len(first.counts.taxa))
    looked = (
        first if level == first.counts.level else estimate_survey(survey, level=level, look=look)
    )
    counts = (looked or first).counts
    half = (counts.high - counts.low) / 2 / n
    widest = int(half.argmax())
    width = float(half[widest])
    reached = width <= goal.half_width
    expected = look if reached else goal.expected(width, look, n)
    widest_taxon = counts.taxa[widest]
    return Progress(
        goal, n, drawn, look, next_look, reached, widest_taxon, width, expected, waiting
    )
