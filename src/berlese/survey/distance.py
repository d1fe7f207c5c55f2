"""How far a survey's animals are from the library that named them, and what that means for names.

Two measures. From twenty animals on, how often a linear classifier errs that is to tell animals
and library pictures apart (`berlese.classify.gap.domain_error`): other shares of the taxa count as
a difference there. From sixty on, the check that a model's promises rest on
(`berlese.classify.unknowns.contrast`), which weighs the shares: where it can tell, it decides.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from berlese.classify.adaptation.guard import SETTLED
from berlese.classify.calibration.probabilities import LIBRARY
from berlese.classify.gap.distance import MEASURED, Expectation, MeasuredPair, expected_accuracy
from berlese.classify.gap.domain_error import DomainError, drawn_domain_error
from berlese.classify.models.bundle import Bundle
from berlese.classify.unknowns.contrast import DomainCheck
from berlese.errors import as_word
from berlese.features.store import FeatureStore
from berlese.photos.writing import remove_file, write_text_atomic
from berlese.survey.domain import model_in_force, read_domain
from berlese.survey.reviewing import animals_of
from berlese.survey.survey import Survey

DISTANCE_NAME = "distance.json"
FEWEST = 20  # animals, and pictures of the library
DRAWS = 5
MILD_LOSS = 0.05  # of accuracy

UNPROMISED = (
    "The model was not checked there: no probability and no share of unknown animals is promised."
)

Verdict = Literal["alike", "unlike", "not known"]


@dataclass(frozen=True, slots=True)
class LibraryDistance:
    """How far a survey's animals are from what its model's promises rest on.

    Attributes
    ----------
    model : str
        Hash of the model that named the animals.
    bundle : str
        Where that model lies, from the survey's folder.
    domain : str
        What the model's promises hold for: ``library``, or photos that it was fitted to.
    promised : bool
        Whether the model was checked on specimens of that domain.
    animals : int
    error : DomainError or None
        Of telling animals and library apart; None of few, or where the domain is no library.
    check : DomainCheck or None
        None where the model cannot make it.
    expected : Expectation or None
        Accuracy to expect without adapting.
    """

    model: str
    bundle: str
    domain: str
    promised: bool
    animals: int
    error: DomainError | None
    check: DomainCheck | None
    expected: Expectation | None

    @property
    def verdict(self) -> Verdict:
        """Whether the photos are like those of the domain."""
        if self.check is not None and self.check.auroc is not None:
            return "alike" if self.check.same else "unlike"
        if self.error is not None:
            return "alike" if self.error.alike else "unlike"
        return "not known"

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers and the words as JSON types."""
        return {
            "verdict": self.verdict,
            "headline": self.headline(),
            "meaning": self.meaning(),
            "model": self.model,
            "bundle": self.bundle,
            "domain": self.domain,
            "promised": self.promised,
            "animals": self.animals,
            "error": None if self.error is None else asdict(self.error),
            "check": None if self.check is None else self.check.to_dict(),
            "expected_accuracy": None if self.expected is None else asdict(self.expected),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "LibraryDistance":
        """Read what `to_dict` gave; words are made anew.

        Raises
        ------
        KeyError, TypeError
            If it is something else.
        """
        error, check, expected = facts["error"], facts["check"], facts["expected_accuracy"]
        if expected is not None:
            pairs = tuple(MeasuredPair(**pair) for pair in expected["pairs"])
            expected = Expectation(**{**expected, "pairs": pairs})
        return cls(
            facts["model"],
            facts["bundle"],
            facts["domain"],
            facts["promised"],
            facts["animals"],
            None if error is None else DomainError(**error),
            None if check is None else DomainCheck(check["animals"], check["auroc"]),
            expected,
        )

    @property
    def fitted(self) -> bool:
        """Whether the model was fitted to photos to be named, and stands for no library."""
        return self.domain != LIBRARY

    @property
    def asks_for_review(self) -> bool:
        """Whether animals should be looked at, and the model adapted, before names are used."""
        return self.verdict == "unlike" or (self.verdict == "not known" and not self.fitted)

    @property
    def _whose(self) -> str:
        return f"those of {self.domain}" if self.fitted else "the library's"

    @property
    def _mild(self) -> bool:
        """Whether names were still about as often right where photos differed as much."""
        return self.expected is not None and self.expected.low >= self.expected.within - MILD_LOSS

    def headline(self) -> str:
        """Say it in a line."""
        if self.verdict == "unlike" and self._mild:
            return f"These photos differ a little from {self._whose}."
        if self.verdict == "unlike":
            return f"These photos are unlike {self._whose}: many names will be wrong."
        if self.verdict == "alike":
            return f"These photos look like {self._whose}."
        if self.fitted:
            return f"The model was fitted to {self.domain}."
        return (
            f"Nobody can tell yet whether these photos are like {self._whose}: {self.animals} "
            f"animals are too few."
        )

    def meaning(self) -> str:
        """Say by what it was told, and what it means for names, probabilities and unknowns."""
        return " ".join((*self._told_by(), *self._for_names()))

    def _told_by(self) -> tuple[str, ...]:
        if self.check is not None and self.check.auroc is not None:
            return (
                f"Of an animal that looks much like {self._whose} and one that is of them, a "
                f"classifier tells which is which in {self.check.auroc:.0%} of such pairs (50% is "
                "alike, 100% is told apart always).",
            )
        if self.error is not None:
            return (
                "A classifier tells your animals from the library's pictures in "
                f"{1 - self.error.value:.0%} of cases (90% interval {1 - self.error.high:.0%} to "
                f"{1 - self.error.low:.0%}; 50% would mean alike, 100% always told apart).",
            )
        return ()

    def _for_names(self) -> tuple[str, ...]:
        if self.verdict == "alike" and not self.promised:
            return (UNPROMISED,)
        if self.verdict == "alike":
            right = ""
            if self.expected is not None:
                right = f": {self.expected.within:.0%} of those"
            return (f"Names should be right about as often as on pictures held out there{right}.",)
        if self.verdict == "not known" and self.fitted:
            few = (
                f"{self.animals} animals are too few to check whether these photos are like those."
            )
            return (few, *(() if self.promised else (UNPROMISED,)))
        if self.verdict == "not known":
            return (
                "With another camera, light, ground or fauna names are often wrong, and "
                "probabilities too high: look at the animals before you use the table.",
            )
        if self._mild:
            mild = "Probabilities, and the share of unknown animals, are not promised there."
            return (*_expected_in_words(self.expected), mild)
        sure = (
            "Probabilities are too high, and neither those called unknown nor those that have a "
            "name can be relied on before animals are reviewed."
        )
        return (*_expected_in_words(self.expected), sure)

    def next_steps(self, survey: Survey, *, reviewed: int = 0) -> tuple[tuple[str, str], ...]:
        """List commands to go on with, each with what it is for.

        They are to be given in the folder that holds the survey's.

        Parameters
        ----------
        survey : Survey
        reviewed : int
            Animals drawn at random that a person has named.
        """
        folder = as_word(survey.folder.name)
        bundle = as_word(os.path.relpath(survey.absolute(self.bundle), survey.folder.parent))
        look = (
            (
                f"berlese plan {folder} --out review.csv --count {self.to_review}",
                f"draws {self.to_review} animals at random: write their names into review.csv "
                "(review.html shows them)",
            ),
            (
                f"berlese import review.csv --into {folder} --by {as_word('YOUR NAME')}",
                "takes the names in",
            ),
        )
        if self.verdict == "alike" and self.promised:
            return (*look, (f"berlese table {folder}", "gives counts with intervals"))
        adapt = (
            (
                f"berlese adapt {bundle} {folder} --out adapted",
                "fits the model to your photos, or keeps it where that names more of them right",
            ),
            (f"berlese predict adapted {folder}", "names all animals again"),
            (f"berlese table {folder}", "writes the tables"),
            (f"berlese report {folder}", "writes this report again"),
        )
        return adapt if reviewed >= self.to_review else (*look, *adapt)

    @property
    def to_review(self) -> int:
        """How many animals to look at first."""
        return min(SETTLED, self.animals)


def _expected_in_words(expected: Expectation | None) -> tuple[str, ...]:
    if expected is None:
        return ()
    return (
        f"On held-out pictures of the library {expected.within:.0%} of the names are right; where "
        f"real photos of many taxa differed as much, {expected.low:.0%} to {expected.high:.0%} "
        "were. In samples of few taxa it can be far fewer.",
    )


def write_distance(survey: Survey, bundle: Bundle, path: Path) -> LibraryDistance | None:
    """Measure the distance and keep it in the survey's exports; None where it has no animals.

    Parameters
    ----------
    survey : Survey
        With features of the bundle's backbone, and names by the bundle.
    bundle : Bundle
        What named the animals; without its library's rows less can be said.
    path : Path
        Where the bundle lies.
    """
    keys = [animal.crop_sha256 for animal in animals_of(survey)]
    found = FeatureStore(survey.features).get(keys, bundle.backbone_hash)
    if not found:
        remove_file(_path(survey))
        return None
    features = np.stack([found[key] for key in sorted(found)])
    facts = read_domain(survey, bundle.hash)
    error = _error(bundle, features) if bundle.domain == LIBRARY else None
    distance = LibraryDistance(
        bundle.hash,
        survey.relative(path),
        bundle.domain,
        bundle.calibration is not None,
        len(features),
        error,
        None if facts is None else DomainCheck(facts["animals"], facts["auroc"]),
        _expected(bundle, error),
    )
    text = json.dumps(distance.to_dict(), ensure_ascii=False, indent=1) + "\n"
    write_text_atomic(_path(survey), text)
    return distance


def _error(bundle: Bundle, features: np.ndarray[Any, Any]) -> DomainError | None:
    if bundle.rows is None or min(len(features), len(bundle.rows)) < FEWEST:
        return None
    return drawn_domain_error(bundle.rows.features, features, draws=DRAWS)


def _expected(bundle: Bundle, error: DomainError | None) -> Expectation | None:
    """Range of accuracy; None where nothing was held out of the library."""
    if error is None or bundle.held_out is None or not len(bundle.held_out.codes):
        return None
    seen = bundle.seen
    assert seen is not None
    within = float((seen.probabilities.argmax(axis=1) == seen.codes).mean())
    return expected_accuracy(within, error, MEASURED)


def read_distance(survey: Survey) -> LibraryDistance | None:
    """Read what `write_distance` kept of the model in force; None where there is nothing."""
    try:
        found = LibraryDistance.from_dict(json.loads(_path(survey).read_text(encoding="utf-8")))
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
    return found if found.model == model_in_force(survey) else None


def _path(survey: Survey) -> Path:
    return survey.exports / DISTANCE_NAME
