"""Glue of `adapt`: a bundle and a photo set in, a bundle out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from berlese.classify.adaptation.guard import Verdict
from berlese.classify.models.adapted import adapt_bundle
from berlese.classify.models.bundle import Bundle, require_place
from berlese.cli.calibration import write_diagrams
from berlese.cli.console import Stages
from berlese.survey.failures import Failure
from berlese.survey.photo_sets import read_photo_set
from berlese.survey.pipeline import backbone_of


@dataclass(frozen=True, slots=True)
class AdaptationReport:
    """What `adapt` decided and wrote."""

    bundle: Path
    verdict: Verdict
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "bundle": str(self.bundle),
            **self.verdict.to_dict(),
            "failures": [{"file": each.file, "reason": each.reason} for each in self.failures],
        }

    def in_words(self) -> str:
        """Say it in a few lines for a person."""
        return f"{self.verdict.in_words()}\n{self.bundle} written."


def adapt_into(
    out: Path,
    bundle: Path,
    target: Path,
    *,
    method: str,
    reviewed: Path | None,
    weights: Path | None,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> AdaptationReport:
    """Adapt a bundle to a photo set and save what comes of it.

    Raises
    ------
    BundleError
        If `out` exists and `overwrite` is not set, or is the bundle itself; before anything is
        computed.
    """
    require_place(out, overwrite=overwrite, source=bundle)
    model = Bundle.load(bundle, with_rows=True)
    with stages("prepare backbone"):
        session = backbone_of(model, weights=weights, jobs=jobs)
    with stages("embed target") as advance:
        photo_set = read_photo_set(target, session, reviewed, jobs=jobs, progress=advance)
    with stages("adapt"):
        adapted, verdict = adapt_bundle(
            model,
            photo_set.features,
            photo_set.names,
            photo_set.at_random,
            backbone_hash=session.hash,
            method=method,
            domain=photo_set.title,
            groups=photo_set.photos,
        )
        adapted.save(out, overwrite=overwrite)
        write_diagrams(out, adapted)
    return AdaptationReport(out, verdict, photo_set.failures)
