"""What may be relied on in a survey's names, what not, and what to do next: for the report.

Gathers what is kept elsewhere: the promises of the model that named the animals last, what the
guard found when it was adapted, whether the photos are like those that its promises rest on, and
the error rate that was asked for.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from berlese.classify.adaptation.guard import SETTLED, Verdict
from berlese.classify.models.adapted import RECORD
from berlese.survey.domain import read_domain
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, Model, Run

NAMING = ("run", "predict")  # commands that ask a model for names


@dataclass(frozen=True, slots=True)
class Trust:
    """What the report says of how far names hold.

    Attributes
    ----------
    place : str
        Whether the photos are like those that the promises rest on; empty where it is not known.
    same_domain : bool or None
        The same; None where it is not known.
    promises : tuple of str
        What the model promises, on what.
    verdict : Verdict or None
        Of the guard, where the model was to be adapted.
    error_rate : float or None
        Share of the names given that may be wrong, where one was asked for.
    next_steps : tuple of str
    """

    place: str
    same_domain: bool | None
    promises: tuple[str, ...]
    verdict: Verdict | None
    error_rate: float | None
    next_steps: tuple[str, ...]


def model_in_force(survey: Survey) -> Model | None:
    """Find the model that named an animal last."""
    with survey.reading() as session:
        query = (
            select(Model)
            .join(Identification, Identification.model_id == Model.id)
            .where(Identification.identified_by.is_(None))
            .order_by(Identification.id.desc())
            .limit(1)
        )
        model = session.scalar(query)
        if model is not None:
            session.expunge(model)
        return model


def trust_in(survey: Survey, drawn: int) -> Trust | None:
    """Gather what is known; None where no model has named an animal.

    Parameters
    ----------
    survey : Survey
    drawn : int
        Animals that were drawn at random and reviewed.
    """
    model = model_in_force(survey)
    if model is None:
        return None
    domain = read_domain(survey, model.id)
    same = None if domain is None else bool(domain["same_domain"])
    verdict = _verdict(model.training)
    return Trust(
        place="" if domain is None else str(domain["words"]),
        same_domain=same,
        promises=tuple(model.training.get("promises", ())),
        verdict=verdict,
        error_rate=_error_rate(survey),
        next_steps=tuple(_next_steps(same, verdict, drawn)),
    )


def _verdict(training: dict[str, Any]) -> Verdict | None:
    record = training.get(RECORD)
    if record is None:
        return None
    return Verdict(**record | {"reasons": tuple(record["reasons"])})


def _error_rate(survey: Survey) -> float | None:
    """Take what was asked for when a model named the animals last."""
    query = select(Run).where(Run.command.in_(NAMING)).order_by(Run.id.desc()).limit(1)
    with survey.reading() as session:
        run = session.scalar(query)
        return None if run is None else run.settings.get("error_rate")


def _next_steps(same: bool | None, verdict: Verdict | None, drawn: int) -> list[str]:
    adapted = verdict is not None and verdict.verified
    steps = []
    if drawn < SETTLED:
        steps.append(
            f"Look at {SETTLED - drawn} {'more animals' if drawn else 'animals'} that "
            "`berlese plan` draws at random, and `berlese import` the sheet: they tell how many "
            "names are right, and give every count an interval."
        )
    if same is False and not adapted:
        steps.append(
            "Then `berlese adapt` fits the model to these photos, if the reviewed animals show "
            "that it gains, and `berlese predict` names all of them anew."
        )
    elif drawn >= SETTLED and not adapted:
        steps.append(
            "`berlese calibrate` makes probabilities and the rate of unknowns hold for these "
            "photos by the animals reviewed."
        )
    return steps
