"""Odd and impossible arrays: each function gives finite figures, or refuses in words."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from berlese.classify.adaptation import adversarial
from berlese.classify.adaptation.registry import ADAPTATIONS
from berlese.classify.calibration.probabilities import Calibration
from berlese.classify.counts.cells import count_cells
from berlese.classify.counts.corrected import estimate_counts
from berlese.classify.counts.review_plan import ReviewPlan
from berlese.classify.gap.distance import clouds, look_alikes
from berlese.classify.gap.domain_error import drawn_domain_error
from berlese.classify.library.growing import LabelledFeatures, grow
from berlese.classify.library.label_noise import doubt_labels, near_duplicates
from berlese.classify.models.adapted import adapt_bundle
from berlese.classify.models.recalibration import recalibrate
from berlese.classify.models.training import train_bundle
from berlese.classify.naming.promises import NamingSettings
from berlese.classify.unknowns.clusters import alike
from berlese.errors import BerleseError

BACKBONE = SimpleNamespace(name="tiny", hash="a" * 64)
DIM = 12
METHODS = [name for name in ADAPTATIONS if name != "transport"]  # needs an extra; tested apart


@dataclass(frozen=True, eq=False)
class Case:
    """A library, a survey's animals, and what a person said of them."""

    X: np.ndarray
    y: np.ndarray
    target: np.ndarray
    truth: np.ndarray
    names: np.ndarray


def plain(n_taxa=3, a_taxon=20, n=90) -> Case:
    rng = np.random.default_rng(0)
    taxa = np.array([f"Taxon{k:03d}" for k in range(n_taxa)])
    centres = 3 * rng.normal(size=(n_taxa, DIM))
    codes, there = np.arange(n_taxa * a_taxon) % n_taxa, np.arange(n) % n_taxa
    X = centres[codes] + rng.normal(size=(len(codes), DIM))
    target = centres[there] + rng.normal(size=(n, DIM)) + 1
    names = np.where(np.arange(n) < 40, taxa[there], "")
    return Case(X, taxa[codes], target, taxa[there], names)


def _one_picture(case: Case) -> Case:
    kept = (case.y != "Taxon002") | (np.arange(len(case.y)) == 2)
    return replace(case, X=case.X[kept], y=case.y[kept])


def _one_taxon(case: Case) -> Case:
    rows = case.truth == "Taxon001"
    return replace(case, target=case.target[rows], truth=case.truth[rows], names=case.names[rows])


def _nan(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X[5, 3] = np.nan
    return X


def _new_class(case: Case) -> Case:
    return replace(case, names=np.where(np.arange(90) < 15, "Zopheridae", case.names))


WORKS = {
    "nothing odd": lambda case: case,
    "a class with one picture": _one_picture,
    "target is the library": lambda case: replace(
        case, target=case.X, truth=case.y, names=np.where(np.arange(60) < 40, case.y, "")
    ),
    "all target one class": _one_taxon,
    "names that the model lacks": _new_class,
    "200 classes": lambda case: plain(200, 2, 250),
}
REFUSED = {
    "one class": lambda case: replace(case, y=np.full_like(case.y, "Taxon000")),
    "NaN in the library": lambda case: replace(case, X=_nan(case.X)),
    "NaN in the target": lambda case: replace(case, target=_nan(case.target)),
    "empty target": lambda case: replace(
        case, target=case.target[:0], truth=case.truth[:0], names=case.names[:0]
    ),
}


@cache
def case_of(odd: str) -> Case:
    return (WORKS | REFUSED)[odd](plain())


@cache
def trained(case: Case):
    return train_bundle(case.X, case.y, backbone=BACKBONE)


def adapted_by(method):
    def adapted(case: Case):
        done, _ = adapt_bundle(
            trained(case),
            case.target,
            case.names,
            case.names != "",
            backbone_hash=BACKBONE.hash,
            method=method,
        )
        return done.predict(case.target, backbone_hash=BACKBONE.hash).probabilities

    return adapted


def named(case: Case):
    bundle = trained(case)
    together = bundle.contrasted(case.target, backbone_hash=BACKBONE.hash)
    said = bundle.predict(
        case.target,
        backbone_hash=BACKBONE.hash,
        settings=NamingSettings(error_rate=0.1),
        together=together,
    )
    return np.column_stack([said.probabilities, said.p_value])


def moved(case: Case):
    rows = case.names != ""
    fitted = recalibrate(trained(case), case.target[rows], case.names[rows], domain="there")
    return fitted.predict(case.target, backbone_hash=BACKBONE.hash).probabilities


def counted(case: Case):
    bundle = trained(case)
    rows = np.flatnonzero(case.names != "")
    counts = estimate_counts(
        bundle.calibrated(bundle.classifier.predict_proba(case.target)),
        bundle.classes,
        same_domain=False,
        features=case.target,
        reviewed_rows=rows,
        reviewed_taxa=case.names[rows].tolist(),
    )
    cells = count_cells(counts, np.arange(len(case.target)) % 3)
    ends = [] if counts.method == "raw" else [counts.low, counts.high]
    return np.concatenate([counts.counts, *ends, cells.counts.ravel()])


def counted_by_library(case: Case):
    bundle = trained(case)
    p = bundle.calibrated(bundle.classifier.predict_proba(case.target))
    counts = estimate_counts(p, bundle.classes, same_domain=True, held_out=bundle.seen)
    return np.concatenate([counts.counts, counts.low, counts.high])


def grown(case: Case):
    more = LabelledFeatures(
        case.target.astype(np.float32), np.full(len(case.target), "Zopheridae"), None
    )
    bundle = grow(trained(case), more, BACKBONE, random_state=0).bundle
    return bundle.classifier.predict_proba(case.target)


OF_BOTH = {
    **{f"adapt, {name}": adapted_by(name) for name in ("auto", *METHODS)},
    "name at a promised error": named,
    "calibrate": moved,
    "count with review": counted,
    "count by the library": counted_by_library,
    "add a class": grown,
    "domain error": lambda case: [drawn_domain_error(case.X, case.target).value],
    "clouds": lambda case: np.concatenate(clouds(case.X, case.target)),
    "look-alikes": lambda case: [row[-1] for row in look_alikes(case.X, case.target)],
}
OF_LIBRARY = {
    "wrong names": lambda case: doubt_labels(case.X, case.y).score,
    "near duplicates": lambda case: [each[2] for each in near_duplicates(case.X)],
}
OF_TARGET = {
    "review plan": lambda case: ReviewPlan.draw(case.target).next_rows([], 20),
    "groups of unknown animals": lambda case: alike(case.target),
}
EVERY = OF_BOTH | OF_LIBRARY | OF_TARGET


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    """Networks need not be good here."""
    monkeypatch.setattr(adversarial, "MOST_STEPS", 60)


# Animals that a model has learned from cannot tell how good it is: refused, see below.
ANSWERED = [
    pair for pair in product(WORKS, EVERY) if pair != ("target is the library", "calibrate")
]


@pytest.mark.parametrize(("odd", "function"), ANSWERED)
def test_what_is_odd_but_possible_gives_finite_figures(odd, function):
    case = case_of(odd)
    assert np.isfinite(np.asarray(EVERY[function](case), float)).all()


CONCERNED = [
    (odd, function)
    for odd in REFUSED
    for function in OF_BOTH | (OF_TARGET if "target" in odd else OF_LIBRARY)
]


@pytest.mark.parametrize(("odd", "function"), CONCERNED)
def test_what_is_impossible_is_refused_in_words_or_gives_finite_figures(odd, function):
    case = case_of(odd)
    try:
        figures = np.asarray(EVERY[function](case), float)
    except (BerleseError, ValueError) as refusal:  # estimators raise ValueError, as scikit-learn's
        words = str(refusal)
    else:
        words = "" if "NaN" in odd else "there is an answer, " + str(np.isfinite(figures).all())
    assert len(words) > 20, "NaN passed unseen, or was refused without words"
    assert "False" not in words


def test_calibration_by_the_library_itself_is_refused_in_words():
    with pytest.raises(BerleseError, match="has learned from all 40 reviewed animals"):
        moved(case_of("target is the library"))


def test_calibration_of_nothing_is_refused_in_words():
    with pytest.raises(BerleseError, match="at least one specimen"):
        Calibration.fit(np.zeros((0, 3)), np.zeros(0, int))


def test_names_that_the_model_lacks_are_offered_as_a_new_class():
    case = _new_class(plain())
    _, verdict = adapt_bundle(
        trained(case), case.target, case.names, case.names != "", backbone_hash=BACKBONE.hash
    )
    offered = [reason for reason in verdict.reasons if "Zopheridae" in reason]
    assert "berlese train --add" in offered[0]
    rows = case.names != ""
    fitted = recalibrate(trained(case), case.target[rows], case.names[rows], domain="there")
    notes = [note for note in fitted.training["notes"] if "Zopheridae" in note]
    assert "berlese train --add" in notes[0]
