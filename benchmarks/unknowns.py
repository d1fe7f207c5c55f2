"""Measure what the program promises of names: unknowns, calibration, sets and error rates.

    python benchmarks/unknowns.py [unknowns shift calibration transfer adapted names]
                                  [--seeds 10] [--first 0] [--out FILE.csv]

On real insect pictures (see `feature_sets.py`), features of the default backbone, splits by photo.
Each seed draws which taxa are unknown and which photos are tested. Published scores are measured on
the same splits, with a threshold from held-out known animals; with nothing said, all six
measurements are made (about 20 minutes of one core). Settings were chosen on seeds below 100; the
published figures are of those from 100 on (`--first 100`) where their rows say so.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from feature_sets import COMMON_ORDERS, FeatureSet, insects
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import expected_calibration_error
from berlese.classify.heads.standardising import Standardiser
from berlese.classify.models.adapted import adapt_bundle
from berlese.classify.models.bundle import Bundle
from berlese.classify.models.recalibration import recalibrate
from berlese.classify.models.training import folds_of, train_bundle
from berlese.classify.naming.promises import NamingSettings

BACKBONE = SimpleNamespace(name="efficientnet-lite2", hash="0" * 64)
RATE = 0.05
TESTED = 0.3  # of the photos
Values = dict[str, list[float]]
Results = Iterator[tuple[str, Values]]


def bundle_of(part: FeatureSet, seed: int) -> Bundle:
    """Train as `berlese train` does."""
    return train_bundle(part.X, part.y, part.groups, backbone=BACKBONE, random_state=seed)


def split(part: FeatureSet, share: float, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Masks of rows to learn from and to test, photos whole."""
    photos = np.unique(part.groups)
    tested = np.isin(part.groups, rng.choice(photos, int(share * len(photos)), replace=False))
    return ~tested, tested


def published_scores(
    part: FeatureSet, new: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Published scores of held-out library rows, and of new ones."""

    def scored(learn: FeatureSet, X: NDArray[np.float64]) -> NDArray[np.float64]:
        scale = Standardiser.of(learn.X)
        Z, Q = scale(learn.X), scale(X)
        model = LogisticRegression(C=0.01, max_iter=1000).fit(Z, learn.y)
        logits = model.decision_function(Q)
        if logits.ndim == 1:
            logits = np.column_stack([-logits / 2, logits / 2])
        near = unit(Q) @ unit(Z).T
        return np.column_stack(
            [
                softmax(logits, axis=1).max(axis=1),
                logsumexp(logits, axis=1),
                np.partition(near, -10, axis=1)[:, -10],
                relative_distance(Z, learn.y, Q),
            ]
        )

    learn, out = folds_of(part.y, part.groups, 0)[0]
    held = scored(part.take(learn), part.X[out])
    there = scored(part, new)
    names = ["max softmax", "energy", "kNN 10", "relative Mahalanobis"]
    columns = {name: (held[:, at], there[:, at]) for at, name in enumerate(names)}
    of_held = np.mean([ranks(held[:, at], held[:, at]) for at in (1, 2, 3)], axis=0)
    of_new = np.mean([ranks(there[:, at], held[:, at]) for at in (1, 2, 3)], axis=0)
    return columns | {"energy + kNN + relative ranks": (of_held, of_new)}


def relative_distance(Z: NDArray, y: NDArray, Q: NDArray) -> NDArray[np.float64]:
    """Relative Mahalanobis: 128 directions, shrinkage .1."""
    directions = np.linalg.eigh(Z.T @ Z)[1][:, ::-1][:, : min(128, len(Z) - 1)]
    A, B = Z @ directions, Q @ directions
    taxa, codes = np.unique(y, return_inverse=True)
    means = np.stack([A[codes == code].mean(axis=0) for code in range(len(taxa))])

    def distances(rows: NDArray, centre: NDArray, spread: NDArray) -> NDArray:
        covariance = spread.T @ spread / len(spread)
        level = np.trace(covariance) / len(covariance)
        inverse = np.linalg.inv(0.9 * covariance + 0.1 * level * np.eye(len(covariance)))
        return np.einsum("ij,jk,ik->i", rows - centre, inverse, rows - centre)

    own = np.stack([distances(B, mean, A - means[codes]) for mean in means])
    return distances(B, A.mean(axis=0), A - A.mean(axis=0)) - own.min(axis=0)


def unit(X: NDArray) -> NDArray:
    """Rows of length 1."""
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def ranks(scores: NDArray, calibration: NDArray) -> NDArray:
    """Share of the calibration that scores as low or lower."""
    return np.searchsorted(np.sort(calibration), scores, side="right") / len(calibration)


def note(found: Values, name: str, p: NDArray, known: NDArray) -> None:
    """Keep AUROC, share caught and false alarm of p-values at 5 %."""
    found[f"{name}: AUROC"].append(float(roc_auc_score(known, p)))
    found[f"{name}: caught at 5 %"].append(float((p[~known] <= RATE).mean()))
    found[f"{name}: false alarm at 5 %"].append(float((p[known] <= RATE).mean()))


def measure_unknowns(seeds: range) -> Results:
    """Unknown taxa among photos of the library's kind."""
    tasks = {
        "beetle families, 3 of 7 unknown": (insects("field", "family"), 3),
        "field orders, 4 of 8 unknown": (insects("field"), 4),
        "web orders, 1 of 5 unknown": (insects("web"), 1),
    }
    for task, (every, n_unknown) in tasks.items():
        found: Values = defaultdict(list)
        for seed in seeds:
            rng = np.random.default_rng(seed)
            taxa = np.unique(every.y)
            if n_unknown == 1:  # each in turn
                strange = taxa[[seed % len(taxa)]]
            else:
                strange = rng.choice(taxa, n_unknown, replace=False)
            learn, tested = split(every, TESTED, rng)
            unknown = np.isin(every.y, strange)
            library, new = every.take(learn & ~unknown), every.take(tested)
            known = ~np.isin(new.y, strange)
            model = bundle_of(library, seed)
            together = model.contrasted(new.X, new.groups, backbone_hash=BACKBONE.hash)
            for name, seen in (("likeness", None), ("contrast", together)):
                p = model.predict(new.X, backbone_hash=BACKBONE.hash, together=seen).p_value
                note(found, name, p, known)
            if together is not None and together.check.auroc is not None:
                found["domain check: AUROC"].append(together.check.auroc)
                only = new.take(known)
                alone = model.contrasted(only.X, only.groups, backbone_hash=BACKBONE.hash)
                if alone is not None and alone.p_values is not None:
                    rate = float((alone.p_values <= RATE).mean())
                    found["contrast, nothing unknown: false alarm at 5 %"].append(rate)
            for name, (held, there) in published_scores(library, new.X).items():
                p = (1 + np.searchsorted(np.sort(held), there, side="right")) / (len(held) + 1)
                note(found, f"published, {name}", p, known)
        yield task, found


def measure_shift(seeds: range) -> Results:
    """Web to field, four orders known and four not: without and with reviewed animals."""
    web, field = insects("web").of(*COMMON_ORDERS), insects("field")
    known = np.isin(field.y, COMMON_ORDERS)
    found: Values = defaultdict(list)
    model = bundle_of(web, 0)
    seen = model.contrasted(field.X, field.groups, backbone_hash=BACKBONE.hash)
    if seen is not None and seen.check.auroc is not None:
        found["domain check: AUROC"].append(seen.check.auroc)
        found["domain check: same domain"].append(float(seen.check.same))
    p = model.predict(field.X, backbone_hash=BACKBONE.hash, together=seen).p_value
    note(found, "0 reviewed", p, known)
    for k in (50, 100, 200):
        for seed in seeds:
            drawn = np.random.default_rng(seed).choice(len(field), k, replace=False)
            rest = ~np.isin(field.groups, field.groups[drawn])
            unnamed = np.setdiff1d(np.arange(len(field)), drawn)
            fitted = recalibrate(
                model,
                field.X[drawn],
                field.y[drawn],
                field.groups[drawn],
                others=field.X[unnamed],
                domain="field",
            )
            X, truth = field.X[rest], known[rest]
            score = fitted.unknown_rule.likeness.scores(X)[:, 0]
            found[f"{k} reviewed: AUROC"].append(float(roc_auc_score(truth, score)))
            p = fitted.predict(X, backbone_hash=BACKBONE.hash).p_value
            found[f"{k} reviewed: caught at 5 %"].append(float((p[~truth] <= RATE).mean()))
            found[f"{k} reviewed: false alarm at 5 %"].append(float((p[truth] <= RATE).mean()))
    yield "web to field, 4 of 8 orders unknown", found


def measure_calibration(seeds: range) -> Results:
    """Expected calibration error in the domain that a model was trained on."""
    found: Values = defaultdict(list)
    for name in ("web", "field"):
        every = insects(name).of(*COMMON_ORDERS)
        for seed in seeds:
            learn, tested = split(every, TESTED, np.random.default_rng(seed))
            model = bundle_of(every.take(learn), seed)
            new = every.take(tested)
            codes = np.searchsorted(model.classes, new.y)
            raw = model.classifier.predict_proba(new.X)
            for label, p in (("raw", raw), ("as shipped", model.calibrated(raw))):
                found[f"in {name}, {label}"].append(expected_calibration_error(p, codes))
    yield "common orders", found


def measure_transfer(seeds: range) -> Results:
    """Expected calibration error on the other domain; twice as many draws, for they vary."""
    both = {name: insects(name).of(*COMMON_ORDERS) for name in ("web", "field")}
    for name, other in (("web", "field"), ("field", "web")):
        found: Values = defaultdict(list)
        target, model = both[other], bundle_of(both[name], 0)
        codes = np.searchsorted(model.classes, target.y)
        raw = model.classifier.predict_proba(target.X)
        found["raw"].append(expected_calibration_error(raw, codes))
        found["library's"].append(expected_calibration_error(model.calibrated(raw), codes))
        for k, seed in product((50, 100), range(seeds.start, seeds.start + 2 * len(seeds))):
            drawn = np.random.default_rng(seed).choice(len(target), k, replace=False)
            rest = ~np.isin(target.groups, target.groups[drawn])
            own = target.take(drawn)
            fitted = recalibrate(model, own.X, own.y, own.groups, domain=other)
            p = fitted.calibrated(raw[rest])
            found[f"{k} reviewed"].append(expected_calibration_error(p, codes[rest]))
            right = float((p.argmax(axis=1) == codes[rest]).mean())
            found[f"{k} reviewed: accuracy"].append(right)
        yield f"common orders, {name} to {other}", found


def measure_names(seeds: range) -> Results:
    """Sets and names at a promised error of 10 %, in the domain."""
    tasks = {"beetle families": insects("field", "family"), "field orders": insects("field")}
    for task, every in tasks.items():
        found: Values = defaultdict(list)
        by_taxon: Values = defaultdict(list)
        for seed in seeds:
            learn, tested = split(every, TESTED, np.random.default_rng(seed))
            model = bundle_of(every.take(learn), seed)
            new = every.take(tested)
            settings = NamingSettings(error_rate=0.1)
            said = model.predict(new.X, backbone_hash=BACKBONE.hash, settings=settings)
            codes = np.searchsorted(model.classes, new.y)
            covered = said.sets[np.arange(len(codes)), codes]
            found["sets: coverage (promised .90)"].append(float(covered.mean()))
            found["sets: taxa in a set"].append(float(said.sets.sum(axis=1).mean()))
            for taxon in np.unique(new.y):
                by_taxon[str(taxon)].append(float(covered[new.y == taxon].mean()))
            best = np.array(model.classes)[said.probabilities.argmax(axis=1)]
            menus = said.probabilities.max(axis=1) >= menus_threshold(model.seen)
            for rule, named in (("names", ~said.unsure), ("names by the menu", menus)):
                wrong = float((best[named] != new.y[named]).mean()) if named.any() else 0.0
                found[f"{rule}: wrong (promised at most .10)"].append(wrong)
                found[f"{rule}: promise kept"].append(float(wrong <= 0.1))
                found[f"{rule}: share named"].append(float(named.mean()))
            found["accuracy of the most probable name"].append(float((best == new.y).mean()))
        worst = min(by_taxon, key=lambda taxon: np.mean(by_taxon[taxon]))
        found[f"sets: coverage of the worst taxon ({worst})"] = by_taxon[worst]
        yield task, found


def measure_adapted(seeds: range) -> Results:
    """Expected calibration error of models adapted by fifty reviewed animals."""
    both = {name: insects(name).of(*COMMON_ORDERS) for name in ("web", "field")}
    for name, other in (("web", "field"), ("field", "web")):
        found: Values = defaultdict(list)
        target, model = both[other], bundle_of(both[name], 0)
        codes = np.searchsorted(model.classes, target.y)
        for seed in seeds:
            drawn = np.random.default_rng(seed).choice(len(target), 50, replace=False)
            rest = ~np.isin(target.groups, target.groups[drawn])
            at_random = np.isin(np.arange(len(target)), drawn)
            adapted, _ = adapt_bundle(
                model,
                target.X,
                np.where(at_random, target.y, ""),
                at_random,
                backbone_hash=BACKBONE.hash,
                method="reviewed",
                groups=target.groups,
            )
            raw = adapted.classifier.predict_proba(target.X[rest])
            for label, p in (("raw", raw), ("as shipped", adapted.calibrated(raw))):
                found[f"adapted by 50, {label}"].append(expected_calibration_error(p, codes[rest]))
            right = float((raw.argmax(axis=1) == codes[rest]).mean())
            found["adapted by 50: accuracy"].append(right)
        yield f"common orders, {name} to {other}", found


def menus_threshold(held: HeldOut) -> float:
    """The menu's rule: strict to loose, Clopper-Pearson at 90 %, stop at the first failure."""
    sure, wrong = held.probabilities.max(axis=1), held.probabilities.argmax(axis=1) != held.codes
    order = np.argsort(-sure)
    n, mistakes = np.arange(1, len(order) + 1), np.cumsum(wrong[order])
    passed = beta.ppf(0.9, mistakes + 1, np.maximum(n - mistakes, 1e-9))[21:] <= 0.1
    last = len(passed) if passed.all() else int(passed.argmin())
    return float(sure[order][20 + last]) if last else np.inf


MEASUREMENTS: dict[str, Callable[[range], Results]] = {
    "unknowns": measure_unknowns,
    "shift": measure_shift,
    "calibration": measure_calibration,
    "transfer": measure_transfer,
    "adapted": measure_adapted,
    "names": measure_names,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=list(MEASUREMENTS), help=", ".join(MEASUREMENTS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    for what in options.what:
        for task, found in MEASUREMENTS[what](seeds):
            rows = []
            for name, values in found.items():
                mean, spread = float(np.mean(values)), float(np.std(values))
                print(f"{task:34s} {name:58s} {mean:.3f} (sd {spread:.3f})", flush=True)
                splits = f"{len(values)} splits by photo, from seed {options.first}"
                how = f"{splits}, efficientnet-lite2, unknowns.py {what}"
                rows.append([name, f"{mean:.4f}", f"{spread:.4f}", task, how])
            if options.out is not None:
                keep(options.out, rows)


def keep(path: Path, rows: list[list[str]]) -> None:
    """Add rows to a CSV file; a long run that is stopped keeps what it has."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(["figure", "value", "spread", "on", "how"])
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
