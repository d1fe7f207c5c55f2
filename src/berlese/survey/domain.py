"""Whether a survey's photos are like those that its model's promises rest on: `domain.json`."""

import json
from typing import Any

from berlese.classify.contrast import DomainCheck
from berlese.photos.writing import write_text_atomic
from berlese.survey.survey import Survey

NAME = "domain.json"


def write_domain(survey: Survey, model_id: str, check: DomainCheck, words: str) -> None:
    """Keep what was found when a model named the survey's animals."""
    facts = {"model": model_id, **check.to_dict(), "words": words}
    text = json.dumps(facts, ensure_ascii=False, indent=1) + "\n"
    write_text_atomic(survey.folder / NAME, text)


def read_domain(survey: Survey, model_id: str | None) -> dict[str, Any] | None:
    """Fetch what was found for a model; None where it is not known."""
    try:
        facts: dict[str, Any] = json.loads((survey.folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if facts.get("model") == model_id else None
