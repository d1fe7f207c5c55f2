"""Glue of the verbs that keep a library and its model in order: more taxa, wrong names."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese import __version__
from berlese.classify.library.growing import Grown, LabelledFeatures, grow
from berlese.classify.library.label_noise import Suspicion, doubt_labels, near_duplicates
from berlese.classify.models.bundle import Bundle, require_place
from berlese.cli.console import Stages
from berlese.cli.groups import Labels
from berlese.cli.libraries import seen_by
from berlese.cli.pages import render_page
from berlese.cli.targets import require_absent
from berlese.errors import PhotoError
from berlese.photos.reading import decode_image
from berlese.photos.thumbnails import as_jpeg, fitted
from berlese.photos.writing import write_text_atomic
from berlese.survey.failures import Failure
from berlese.survey.sheets import write_sheet
from berlese.survey.spellings import Spellings
from berlese.survey.training import EmbeddedLibrary

AUDIT_NAMES = ("audit.csv", "duplicates.csv", "audit.html")
THUMBNAIL_SIDE = 160
FEWEST_SHOWN, MOST_SHOWN = 20, 200


@dataclass(frozen=True, slots=True)
class TeachingReport:
    """What a bundle learned in addition."""

    bundle: Path
    grown: Grown
    seconds: float
    failures: tuple[Failure, ...]
    notes: tuple[str, ...] = ()

    @property
    def n_pictures(self) -> int:
        """Pictures that were new."""
        return self.grown.n_added

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "bundle": str(self.bundle),
            "added": list(self.grown.added),
            "pictures": self.grown.n_added,
            "known_already": self.grown.n_known,
            "renamed": self.grown.renamed,
            "seconds": self.seconds,
            "taxa": self.grown.bundle.classes,
            "notes": list(self.notes),
            "failures": [{"file": each.file, "reason": each.reason} for each in self.failures],
        }

    def in_words(self) -> str:
        """Say it to a person."""
        taxa = ", ".join(self.grown.added) or "no new taxon"
        known = f", {self.grown.n_known} known already" if self.grown.n_known else ""
        first = (
            f"{self.bundle}: {taxa}; {self.grown.n_added} pictures added{known}, in "
            f"{self.seconds:.1f} s. Of the pictures that it knew, {self.grown.renamed:.1%} are "
            "named otherwise than before."
        )
        return "\n".join([first, *self.notes])


def teach_into(
    out: Path,
    bundle: Path,
    library: Path,
    *,
    labels: Labels,
    weights: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> TeachingReport:
    """Teach a bundle the pictures of a library, and save it as another one.

    Raises
    ------
    BundleError
        If `out` exists and `overwrite` is not set, or the bundle's features are not there.
    LibraryError
        If there is nothing to add.
    """
    require_place(out, overwrite=overwrite)
    model = Bundle.load(bundle, with_rows=True)
    seen = seen_by(model, library, labels, weights=weights, jobs=jobs, stages=stages)
    embedded = seen.embedded
    names, notes = spelled_as(model.classes, embedded.labels)
    started = time.perf_counter()
    with stages("learn"):
        more = LabelledFeatures(embedded.features, names, embedded.groups)
        grown = grow(model, more, seen.backbone, random_state=seed)
        seconds = time.perf_counter() - started
        grown.bundle.save(out, overwrite=overwrite)
    return TeachingReport(out, grown, seconds, embedded.failures, notes)


def spelled_as(
    known: Sequence[str], names: NDArray[np.str_]
) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Spell a library's names as a model does, and say which names that changed.

    Parameters
    ----------
    known : sequence of str
        The model's taxa.
    names : ndarray of str of shape (n,)

    Returns
    -------
    names : ndarray of str of shape (n,)
    notes : tuple of str
        Names that were respelled, and new ones that are spelled nearly as another.
    """
    spellings = Spellings(known)
    settled = {
        name: name if name in known else spellings.settle(name)
        for name in sorted(set(names.tolist()))
    }
    changed = np.array([settled[name] for name in names.tolist()], np.str_)
    return changed, tuple(spellings.notes(all_new=False))


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What looks wrong in a library."""

    page: Path
    suspicion: Suspicion
    duplicates: list[tuple[int, int, float]]
    n_pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "page": str(self.page),
            "pictures": self.n_pictures,
            "expected_wrong": self.suspicion.expected_wrong,
            "duplicates": len(self.duplicates),
        }

    def in_words(self) -> str:
        """Say it to a person."""
        return (
            f"{self.page}: about {self.suspicion.expected_wrong} of {self.n_pictures} names look "
            f"wrong, {len(self.duplicates)} pairs of pictures show the same."
        )


def audit_into(
    out: Path,
    bundle: Path,
    library: Path,
    *,
    labels: Labels,
    weights: Path | None,
    seed: int,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> Audit:
    """Look for wrong names and pictures that are there twice; write a page and two tables.

    Raises
    ------
    LibraryError
        If the library has one taxon or one group: there is nothing to compare with.
    SettingError
        If `out` holds an audit and `overwrite` is not set; before anything is computed.
    """
    require_absent((out / name for name in AUDIT_NAMES), overwrite=overwrite)
    model = Bundle.load(bundle)
    seen = seen_by(model, library, labels, weights=weights, jobs=jobs, stages=stages)
    embedded = seen.embedded
    with stages("audit"):
        suspicion = doubt_labels(
            embedded.features, embedded.labels, embedded.groups, random_state=seed
        )
        duplicates = near_duplicates(embedded.features)
    out.mkdir(parents=True, exist_ok=True)
    _write_tables(out, embedded, suspicion, duplicates)
    page = out / AUDIT_NAMES[2]
    write_text_atomic(page, _page(str(library), embedded, suspicion, duplicates))
    return Audit(page, suspicion, duplicates, len(embedded.paths))


def _write_tables(
    out: Path,
    embedded: EmbeddedLibrary,
    suspicion: Suspicion,
    duplicates: list[tuple[int, int, float]],
) -> None:
    write_sheet(
        out / AUDIT_NAMES[0],
        ["file", "taxon", "proposed", "score", "ownProbability", "neighbourShare"],
        [
            [
                str(embedded.paths[row]),
                embedded.labels[row],
                suspicion.proposed[row],
                f"{suspicion.score[row]:.6f}",
                f"{suspicion.own_probability[row]:.4f}",
                f"{suspicion.neighbour_share[row]:.4f}",
            ]
            for row in suspicion.order
        ],
    )
    write_sheet(
        out / AUDIT_NAMES[1],
        ["file", "taxon", "otherFile", "otherTaxon", "similarity"],
        [
            [
                str(embedded.paths[first]),
                embedded.labels[first],
                str(embedded.paths[second]),
                embedded.labels[second],
                f"{similarity:.5f}",
            ]
            for first, second, similarity in duplicates
        ],
    )


def _page(
    title: str,
    embedded: EmbeddedLibrary,
    suspicion: Suspicion,
    duplicates: list[tuple[int, int, float]],
) -> str:
    shown = min(max(suspicion.expected_wrong, FEWEST_SHOWN), MOST_SHOWN, len(embedded.paths))
    doubtful = [
        _shown(embedded, int(row))
        | {
            "proposed": str(suspicion.proposed[row]),
            "own": float(suspicion.own_probability[row]),
            "neighbours": float(suspicion.neighbour_share[row]),
        }
        for row in suspicion.order[:shown]
    ]
    # A pair under two names is an error for sure: these come first.
    pairs = sorted(
        duplicates, key=lambda pair: bool(embedded.labels[pair[0]] == embedded.labels[pair[1]])
    )
    return render_page(
        "audit.html.j2",
        title=title,
        n_pictures=len(embedded.paths),
        counts=sorted(Counter(embedded.labels.tolist()).items()),
        expected=suspicion.expected_wrong,
        doubtful=doubtful,
        n_pairs=len(pairs),
        pairs=[
            (_shown(embedded, first), _shown(embedded, second), similarity)
            for first, second, similarity in pairs[:MOST_SHOWN]
        ],
        version=__version__,
    )


def _shown(embedded: EmbeddedLibrary, row: int) -> dict[str, Any]:
    path = embedded.paths[row]
    try:
        picture = as_jpeg(fitted(decode_image(path), THUMBNAIL_SIDE))
    except (PhotoError, OSError):
        picture = ""
    return {"path": str(path), "taxon": str(embedded.labels[row]), "picture": picture}
