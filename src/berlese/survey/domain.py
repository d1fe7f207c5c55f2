"""Whether a survey's photos are like those that its model's promises rest on: `domain.json`.

Beside it, `domain.safetensors` keeps what the model made of specimens that it had not seen, so that
counts can be corrected where both are one domain, wherever the model itself lies by then.
"""

import json
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sqlalchemy import select

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.unknowns.contrast import DomainCheck
from berlese.photos.writing import all_or_none, atomic_write, remove_file, write_text_atomic
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification

NAME = "domain.json"
ARRAYS_NAME = "domain.safetensors"


def write_domain(
    survey: Survey,
    model_id: str,
    check: DomainCheck,
    words: str,
    *,
    unknown_rate: float,
    held_out: HeldOut | None,
) -> None:
    """Keep what was found when a model named the survey's animals.

    Parameters
    ----------
    survey : Survey
    model_id : str
    check : DomainCheck
    words : str
        The same for a person.
    unknown_rate : float
        Share of animals of known taxa that may be called unknown.
    held_out : HeldOut, optional
        Of the model, calibrated as the survey's probabilities are.
    """
    path = survey.folder / ARRAYS_NAME
    facts = {"model": model_id, **check.to_dict(), "unknown_rate": unknown_rate, "words": words}
    text = json.dumps(facts, ensure_ascii=False, indent=1) + "\n"
    with all_or_none():
        if held_out is None or not len(held_out.codes):
            remove_file(path)
        else:
            with atomic_write(path) as part:
                part.write_bytes(_to_bytes(held_out, model_id))
        write_text_atomic(survey.folder / NAME, text)


def forget_domain(survey: Survey) -> None:
    """Remove what was found of other animals or in another way."""
    with all_or_none():
        remove_file(survey.folder / NAME)
        remove_file(survey.folder / ARRAYS_NAME)


def read_domain(survey: Survey, model_id: str | None) -> dict[str, Any] | None:
    """Fetch what was found for a model; None where it is not known."""
    try:
        facts: dict[str, Any] = json.loads((survey.folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if facts.get("model") == model_id else None


def model_in_force(survey: Survey) -> str | None:
    """Hash of the model that spoke last; None where none did."""
    query = select(Identification.model_id).where(Identification.identified_by.is_(None))
    with survey.reading() as session:
        return session.scalar(query.order_by(Identification.id.desc()).limit(1))


def read_held_out(survey: Survey, model_id: str) -> HeldOut | None:
    """Fetch what a model made of specimens that it had not seen; None where it is not known."""
    try:
        arrays = load((survey.folder / ARRAYS_NAME).read_bytes())
        if bytes(arrays["model"]).decode() != model_id:
            return None
        return HeldOut(arrays["probabilities"], arrays["codes"], arrays.get("groups"))
    except (OSError, KeyError, ValueError, SafetensorError):
        return None


def _to_bytes(held_out: HeldOut, model_id: str) -> bytes:
    arrays = {
        "model": np.frombuffer(model_id.encode(), np.uint8),
        "probabilities": held_out.probabilities,
        "codes": held_out.codes,
    }
    if held_out.groups is not None:
        arrays["groups"] = held_out.groups
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
