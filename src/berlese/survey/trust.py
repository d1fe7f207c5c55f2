"""What may be relied on in a survey's names: for the report.

Gathers what is kept elsewhere: the promises of the model that named the animals last, what the
guard found when it was adapted, and the error rate that was asked for. How far the photos are from
those that the promises rest on is told by `berlese.survey.distance`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from berlese.classify.adaptation.guard import Verdict
from berlese.classify.models.adapted import RECORD
from berlese.survey.domain import model_in_force
from berlese.survey.survey import Survey
from berlese.survey.tables import Model, Run

NAMING = ("run", "predict")  # commands that ask a model for names


@dataclass(frozen=True, slots=True)
class Trust:
    """What the report says of how far names hold.

    Attributes
    ----------
    promises : tuple of str
        What the model promises, on what.
    verdict : Verdict or None
        Of the guard, where the model was to be adapted.
    error_rate : float or None
        Share of the names given that may be wrong, where one was asked for.
    """

    promises: tuple[str, ...]
    verdict: Verdict | None
    error_rate: float | None


def trust_in(survey: Survey) -> Trust | None:
    """Gather what is known; None where no model has named an animal."""
    with survey.reading() as session:
        model = session.get(Model, model_in_force(survey) or "")
        if model is None:
            return None
        training = dict(model.training)
    return Trust(
        promises=tuple(training.get("promises", ())),
        verdict=_verdict(training),
        error_rate=_error_rate(survey),
    )


def _verdict(training: dict[str, Any]) -> Verdict | None:
    record = training.get(RECORD)
    return None if record is None else Verdict.from_dict(record)


def _error_rate(survey: Survey) -> float | None:
    """Take what was asked for when a model named the animals last."""
    query = select(Run).where(Run.command.in_(NAMING)).order_by(Run.id.desc()).limit(1)
    with survey.reading() as session:
        run = session.scalar(query)
        return None if run is None else run.settings.get("error_rate")
