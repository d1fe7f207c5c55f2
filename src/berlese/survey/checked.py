"""Whether a survey may be counted by what its library taught of the model's confusions.

Without reviewed animals counts can be corrected where nothing but the shares of the taxa differs
from the library (`berlese.classify.counts.corrected`): one domain, and no taxon that the library
lacks. Both are looked at here; what speaks against it is said in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binom

from berlese.classify.calibration.held_out import HeldOut
from berlese.survey.domain import read_domain, read_held_out
from berlese.survey.reviewing import Animal
from berlese.survey.survey import Survey

CHANCE = 0.95  # of no more unknown animals than this, where the library knows all taxa


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the model made of held-out specimens of the survey's own domain.

    Attributes
    ----------
    held_out : HeldOut or None
        None where counts may not be corrected by it.
    why_not : str
        The reason then, for a person.
    """

    held_out: HeldOut | None
    why_not: str = ""


def checked_by_library(survey: Survey, animals: Sequence[Animal], taxa: Sequence[str]) -> Checked:
    """Fetch what counts may be corrected by, or say why there is nothing.

    Parameters
    ----------
    survey : Survey
    animals : sequence of Animal
        All of the survey.
    taxa : sequence of str
        Of the models that named them.
    """
    models = {None if each.named is None else each.named.model_id for each in animals}
    model = models.pop()
    if models or model is None:
        return Checked(None, "not all animals are named by one model")
    facts = read_domain(survey, model)
    if facts is None or facts.get("auroc") is None:
        return Checked(None, "it is not shown that these photos are like the library's")
    if not facts["same_domain"]:
        return Checked(None, "these photos are unlike the library's")
    held_out = read_held_out(survey, model)
    if held_out is None or held_out.probabilities.shape[1] != len(taxa):
        return Checked(None, "the model was not checked on specimens it had not seen")
    rate = float(facts.get("unknown_rate", 0.0))
    if rate * (len(held_out.codes) + 1) < 1:
        return Checked(None, "at this rate of unknown animals no stranger could be told")
    strange = _strangers(animals, taxa, rate)
    return Checked(None, strange) if strange else Checked(held_out)


def _strangers(animals: Sequence[Animal], taxa: Sequence[str], rate: float) -> str:
    """Say what shows that there is more than the library's taxa; empty where nothing does.

    `rate` is how often the model may call an animal of a known taxon ``unknown``, so it is the
    model's own word that is counted here, whatever a person said since, and not what counts as
    unknown in the tables: ``dubious`` is doubt between known taxa, and shows no stranger.
    """
    for word in (each.reviewed for each in animals if each.reviewed is not None):
        if word.status != "validated" or word.taxon not in taxa:
            return "reviewers found more than the taxa of the library"
    unknown = sum(each.named is not None and each.named.status == "unknown" for each in animals)
    if unknown > binom.ppf(CHANCE, len(animals), rate):
        return (
            f"{unknown} animals are unknown, more than the {rate:.0%} that may be by mistake, so "
            "that there are taxa here that the library lacks"
        )
    return ""
