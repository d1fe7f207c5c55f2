"""Train a head on labelled features and make a bundle of it."""

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from joblib import cpu_count
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import Calibration
from berlese.classify.heads.linear import many_classes
from berlese.classify.heads.registry import DEFAULT_HEAD, new_head
from berlese.classify.models.bundle import Bundle, with_promises
from berlese.classify.models.library_rows import LibraryRows
from berlese.classify.naming.reserved import is_reserved
from berlese.classify.naming.taxonomy import Taxonomy
from berlese.classify.unknowns.likeness import N_SCORES, Likeness
from berlese.classify.unknowns.rule import UnknownRule
from berlese.errors import LibraryError

FOLDS = 5
MOST_BYTES = 1_000_000_000  # of the features of all folds that are fitted at once

_Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


class FeatureOrigin(Protocol):
    """What is needed of a backbone: its name and its hash."""

    name: str
    hash: str


def train_bundle(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    head: str = DEFAULT_HEAD,
    backbone: FeatureOrigin,
    rank: str = "taxon",
    taxonomy: Taxonomy | None = None,
    random_state: int = 0,
    jobs: int | None = None,
) -> Bundle:
    """Train on labelled features.

    Parameters
    ----------
    features : array of shape (n, dim)
    labels : array of str of shape (n,)
        Taxa.
    groups : array of shape (n,), optional
        Rows of one group stay together when held-out scores are made.
    head : str
        See `berlese.classify.heads.registry.new_head`.
    backbone : object with `name` and `hash`
        What made the features.
    rank : str
        Rank of the taxa.
    taxonomy : Taxonomy, optional
        What stands above the taxa, so that an animal can be named at a higher rank.
    random_state : int
        Of the head and the folds.
    jobs : int, optional
        Folds that are fitted at once; all cores by default. Never changes the result.

    Raises
    ------
    LibraryError
        If there are fewer than two taxa, or one has a name that means something else.
    """
    X = np.asarray(features, np.float64)
    y = np.asarray(labels, np.str_)
    counts = Counter(y.tolist())
    _require_taxa(counts)
    held = hold_out(X, y, groups, head=head, random_state=random_state, jobs=jobs)
    classifier = new_head(head, random_state=random_state).fit(X, y)
    codes = np.searchsorted(classifier.classes_, y)
    rule = _unknown_rule(X, codes, held, random_state)
    calibration = _calibrated(held.seen, random_state)
    return Bundle(
        classifier=classifier,
        head=head,
        rank=rank,
        backbone=backbone.name,
        backbone_hash=backbone.hash,
        unknown_rule=rule,
        rows=LibraryRows.of(X, codes, groups),
        training=_summary(counts, groups, rule, calibration),
        calibration=calibration,
        held_out=held.seen,
        taxonomy=taxonomy,
    )


def _require_taxa(counts: Counter[str]) -> None:
    """Refuse a library of one taxon, and words that are no taxa."""
    if len(counts) < 2:
        only = f"one taxon, {next(iter(counts))!r}" if counts else "no pictures"
        raise LibraryError(
            f"a model needs pictures of at least two taxa, but the library has {only}. "
            "Add pictures of other taxa."
        )
    if strange := sorted(filter(is_reserved, counts)):
        raise LibraryError(
            f"{strange[0]!r} cannot be a taxon: tables use the word for something else. Rename "
            "the pictures' taxon, or leave them out."
        )


def _unknown_rule(
    X: NDArray[np.float64], codes: NDArray[np.intp], held: "HoldingOut", random_state: int
) -> UnknownRule:
    """Tell unknowns by what held-out specimens look like."""
    return UnknownRule.fit(
        held.seen.probabilities,
        Likeness.fit(X, codes, random_state=random_state),
        held.likeness,
        held.seen.groups,
        X[held.rows].astype(np.float32),
    )


def _calibrated(seen: HeldOut, random_state: int) -> Calibration | None:
    """Calibrate on held-out specimens; None where there are none."""
    if not len(seen.codes):
        return None
    return Calibration.fit(seen.probabilities, seen.codes, seen.groups, random_state=random_state)


@dataclass(frozen=True, slots=True, eq=False)
class HoldingOut:
    """What models made of specimens that they had not seen, nor any of their group.

    Attributes
    ----------
    seen : HeldOut
        Probabilities, true classes and groups.
    likeness : ndarray of float64 of shape (n, n_scores)
        See `berlese.classify.unknowns.likeness`.
    rows : ndarray of int of shape (n,)
        Which specimens they are.
    """

    seen: HeldOut
    likeness: NDArray[np.float64]
    rows: NDArray[np.intp]


def hold_out(
    X: NDArray[np.float64],
    y: NDArray[np.str_],
    groups: ArrayLike | None,
    *,
    head: str,
    random_state: int,
    jobs: int | None = None,
) -> HoldingOut:
    """Name and score specimens by models that had not seen them nor their group.

    Rows whose fold cannot be trained on two taxa, and specimens of taxa that occur in their
    own fold only, are left out: to the head that sees them they are unknown.
    """
    taxa, codes = np.unique(y, return_inverse=True)
    members = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    known = [
        (train, test[np.isin(y[test], y[train])])
        for train, test in folds_of(y, groups, random_state)
    ]
    folds = [fold for fold in known if len(fold[1]) and len(np.unique(y[fold[0]])) > 1]

    def judged(fold: _Fold) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        train, rows = fold
        fitted: ClassifierMixin = new_head(head, random_state=random_state).fit(X[train], y[train])
        probabilities = np.zeros((len(rows), len(taxa)))
        probabilities[:, np.searchsorted(taxa, fitted.classes_)] = fitted.predict_proba(X[rows])
        present = np.unique(codes[train], return_inverse=True)[1]
        likeness = Likeness.fit(X[train], present, random_state=random_state)
        return probabilities, likeness.scores(X[rows])

    # Networks bring threads of their own; the outer contexts hold where inner ones overlap.
    room = max(1, MOST_BYTES // max(X.nbytes, 1))
    at_once = min(jobs or cpu_count(), room) if head == "linear" else 1
    with many_classes(), threadpool_limits(1), ThreadPoolExecutor(at_once) as pool:
        parts = list(pool.map(judged, folds))
    probabilities = np.concatenate([np.empty((0, len(taxa))), *(each for each, _ in parts)])
    scores = np.concatenate([np.empty((0, N_SCORES)), *(each for _, each in parts)])
    rows = np.concatenate([np.empty(0, np.intp), *(each for _, each in folds)])
    return HoldingOut(HeldOut(probabilities, codes[rows], members[rows]), scores, rows)


def folds_of(
    y: NDArray[np.str_], groups: ArrayLike | None, random_state: int, n_folds: int = FOLDS
) -> list[_Fold]:
    """Split rows into folds with taxa in their proportions and groups whole.

    Taxa with fewer rows than folds are spread as far as they go. Fewer groups than folds give
    as many folds as groups; one group gives none.
    """
    codes = np.unique(y, return_inverse=True)[1]
    if groups is None:
        return _by_taxon(codes, n_folds, random_state)
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    n_folds = min(n_folds, len(np.unique(members)))
    if n_folds < 2:
        return []
    largest = np.bincount(codes).max()
    if largest < n_folds:  # scikit-learn refuses to stratify what is so small
        fold = np.random.default_rng(random_state).permutation(members.max() + 1)[members] % n_folds
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    return _quietly(splitter, codes, members)


def _by_taxon(codes: NDArray[np.intp], n_folds: int, random_state: int) -> list[_Fold]:
    n_folds = min(n_folds, int(np.bincount(codes).max()))
    if n_folds < 2:
        return []
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    return _quietly(splitter, codes, None)


def _quietly(
    splitter: Any, codes: NDArray[np.intp], members: NDArray[np.intp] | None
) -> list[_Fold]:
    with warnings.catch_warnings():
        # It warns of taxa with fewer rows than folds; these are meant to be spread thin.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(splitter.split(np.zeros((len(codes), 1)), codes, members))


def _summary(
    counts: Counter[str],
    groups: ArrayLike | None,
    rule: UnknownRule,
    calibration: Calibration | None,
) -> dict[str, Any]:
    singles = sorted(taxon for taxon, count in counts.items() if count == 1)
    notes = []
    if singles:
        notes.append(f"one picture only, names will be poor: {', '.join(singles)}")
    promises = [
        f"unknowns are judged by {rule.n} held-out pictures; error rates below "
        f"{rule.smallest_rate():.3g} cannot be held"
    ]
    if calibration is not None:
        promises.append(calibration.in_words())
    summary = {
        "pictures": sum(counts.values()),
        "pictures_by_taxon": dict(sorted(counts.items())),
        "groups": None if groups is None else len(np.unique(np.asarray(groups))),
        "held_out": rule.n,
        "notes": notes,
    }
    return with_promises(summary, promises)
