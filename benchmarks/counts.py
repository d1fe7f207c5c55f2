"""How far corrected counts are from the truth, and how often their intervals hold.

    python benchmarks/counts.py [--seeds 5] [--first 0] [--draws 6] [--unreviewed] [--out FILE]

Surveys of 400 animals (200 of beetle families) are drawn from halves of the real libraries that
no model has seen, or from the other library, with the shares as they are or anew (Dirichlet(1));
each one is counted by the rows of the methods menu (raw, ACC, EM after BCTS, KDEyML of QuaPy at
bandwidth .1; the sample alone and cross-fitted PPI after BCTS on a plain random sample) and by
berlese. The menu's rows stand on its own classifier (plain logistic regression, C = .01). Errors
are means over taxa of the distance of shares; the spread is that of the seeds' means.

Animals are not drawn twice where some are reviewed: a copy would be named by its twin.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from feature_sets import COMMON_ORDERS, FeatureSet, insects
from numpy.typing import NDArray
from quapy.method.aggregative import KDEyML
from recording import write_figures
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.counts.corrected import Counts, estimate_counts
from berlese.classify.counts.powered import Reviewed, powered_shares, recalibrated
from berlese.classify.counts.review_plan import ReviewPlan
from berlese.classify.counts.shares import adjusted_shares, em_shares
from berlese.classify.heads.linear import LinearClassifier
from berlese.classify.models.training import folds_of

WITHIN = {
    "within web": ("web", "order", 400),
    "within field": ("field", "order", 400),
    "within families": ("field", "family", 200),
}
ACROSS = {"web to field": ("web", "field"), "field to web": ("field", "web")}
RARE = 0.03
REVIEWED = (50, 100)


class Task:
    """A library with a model, and the animals that surveys are drawn from."""

    def __init__(self, name: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        if name in WITHIN:
            domain, rank, self.size = WITHIN[name]
            every = insects(domain, rank)
            photos = rng.permutation(np.unique(every.groups))
            inside = np.isin(every.groups, photos[: len(photos) // 2])
            self.library, self.pool = every.take(inside), every.take(~inside)
        else:
            source, target = (insects(each).of(*COMMON_ORDERS) for each in ACROSS[name])
            self.size = 400
            self.library = source.take(rng.random(len(source)) < 0.8)
            self.pool = target
        self.taxa = np.unique(self.library.y)
        self.known = np.searchsorted(self.taxa, self.library.y)
        self.codes = np.searchsorted(self.taxa, self.pool.y)

    def survey(self, moved: bool, twice: bool, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw the animals of one survey; with `twice`, an animal may come more than once."""
        if not moved:
            return rng.choice(len(self.codes), self.size, replace=False)
        there = np.bincount(self.codes, minlength=len(self.taxa))
        wanted = rng.multinomial(self.size, rng.dirichlet(np.ones(len(self.taxa))))
        if not twice:
            wanted = np.minimum(wanted, there)
        drawn = [
            rng.choice(np.flatnonzero(self.codes == code), n, replace=twice)
            for code, n in enumerate(wanted)
        ]
        return rng.permutation(np.concatenate(drawn))


def seen_and_unseen(task: Task, make, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities of the library by models that had not seen a photo, and of the pool."""
    library: FeatureSet = task.library
    held_out = np.zeros((len(library), len(task.taxa)))
    for train, test in folds_of(library.y, library.groups, seed):
        model = make().fit(library.X[train], task.known[train])
        held_out[np.ix_(test, model.classes_)] = model.predict_proba(library.X[test])
    model = make().fit(library.X, task.known)
    return held_out, model.predict_proba(task.pool.X)


def menus_classifier():
    """The classifier of the methods menu."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))


class Errors:
    """Errors and hits of intervals by task, shares, method and seed."""

    def __init__(self) -> None:
        self.distance = defaultdict(lambda: defaultdict(list))
        self.hits = defaultdict(list)

    def add(self, key, seed, shares, truth) -> None:
        self.distance[key][seed].append(np.abs(shares - truth).mean())

    def add_interval(self, key, low, high, truth) -> None:
        inside = (low <= truth + 1e-9) & (truth <= high + 1e-9)
        for hit, width, share in zip(inside, high - low, truth, strict=True):
            self.hits[key].append((hit, width, share < RARE))

    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        for key, by_seed in self.distance.items():
            task, shares, method = key
            means = [np.mean(values) for values in by_seed.values()]
            n = sum(map(len, by_seed.values()))
            yield (
                f"mean share error {method}",
                f"{np.mean(means):.4f}",
                f"sd {np.std(means):.4f} over {len(means)} seeds",
                f"{task}, {shares} shares, {n} surveys",
                HOW,
            )
        for (task, method), every in self.hits.items():
            hit, width, rare = map(np.array, zip(*every, strict=True))
            few = f"; under 3 %: {hit[rare].mean():.3f} of {rare.sum()}" if rare.any() else ""
            yield (
                f"coverage of 90 % intervals {method}",
                f"{hit.mean():.3f}",
                f"{len(hit)} intervals, mean width {width.mean():.3f}{few}",
                task,
                HOW,
            )


HOW = "python benchmarks/counts.py"


def count_unreviewed(task: Task, name: str, seed: int, draws: int, errors: Errors) -> None:
    """Count surveys of which no animal is reviewed."""
    n_classes = len(task.taxa)
    prior = np.bincount(task.known, minlength=n_classes) / len(task.known)
    held, p = seen_and_unseen(task, menus_classifier, seed)
    calibrate = BiasCorrectedTemperature().fit(held, task.known)
    calibrated = calibrate(p)
    # It asks for a fitted classifier, of which it needs the classes alone.
    classes = DummyClassifier().fit(np.zeros((n_classes, 1)), np.arange(n_classes))
    density = KDEyML(classes, fit_classifier=False, val_split=None, bandwidth=0.1)
    density.aggregation_fit(calibrate(held), task.known)
    ours_held, ours = seen_and_unseen(task, LinearClassifier, seed)
    held_out = HeldOut(ours_held, task.known, task.library.groups)
    rng = np.random.default_rng(seed + 100)
    for number in range(draws):
        moved = number % 2 == 1
        rows = task.survey(moved, True, rng)
        truth = np.bincount(task.codes[rows], minlength=n_classes) / len(rows)
        named = p[rows].argmax(axis=1)
        found = {
            "raw counts": np.bincount(named, minlength=n_classes) / len(rows),
            "ACC": adjusted_shares(named, held.argmax(axis=1), task.known, n_classes),
            "EM after BCTS": em_shares(calibrated[rows], prior),
            "KDEyML": density.aggregate(calibrated[rows]),
        }
        for method, shares in found.items():
            errors.add((name, _word(moved), method), seed, shares, truth)
        counts = estimate_counts(
            ours[rows], task.taxa.tolist(), same_domain=True, held_out=held_out, random_state=seed
        )
        _add_ours(errors, name, moved, "berlese, none reviewed", seed, counts, truth)


def count_reviewed(task: Task, name: str, seed: int, draws: int, errors: Errors) -> None:
    """Count surveys of which some animals are reviewed."""
    n_classes = len(task.taxa)
    menu = menus_classifier().fit(task.library.X, task.known).predict_proba(task.pool.X)
    ours = LinearClassifier().fit(task.library.X, task.known).predict_proba(task.pool.X)
    rng = np.random.default_rng(seed + 200)
    for number in range(draws):
        moved = number % 2 == 1
        rows = task.survey(moved, False, rng)
        n, codes = len(rows), task.codes[rows]
        truth = np.bincount(codes, minlength=n_classes) / n
        plan = ReviewPlan.draw(task.pool.X[rows], random_state=int(rng.integers(2**31)))
        plain = rng.permutation(n)
        raw = np.bincount(menu[rows].argmax(axis=1), minlength=n_classes) / n
        errors.add((name, _word(moved), "raw counts of surveys to review"), seed, raw, truth)
        for k in REVIEWED:
            alone = np.bincount(codes[plain[:k]], minlength=n_classes) / k
            errors.add((name, _word(moved), f"sample alone, {k} reviewed"), seed, alone, truth)
            sample = Reviewed.of(plain[:k], codes[plain[:k]], n=n, n_classes=n_classes)
            menus = powered_shares([recalibrated(menu[rows])], sample, n=n, n_classes=n_classes)
            method = f"PPI after BCTS, {k} reviewed"
            errors.add((name, _word(moved), method), seed, menus.shares, truth)
            errors.add_interval((name, method), menus.low, menus.high, truth)
            first = plan.order[:k]
            counts = estimate_counts(
                ours[rows],
                task.taxa.tolist(),
                same_domain=False,
                features=task.pool.X[rows],
                reviewed_rows=first,
                reviewed_taxa=task.taxa[codes[first]].tolist(),
                inclusion=plan.inclusion(first),
                random_state=seed,
            )
            _add_ours(errors, name, moved, f"berlese, {k} reviewed", seed, counts, truth)


def _add_ours(
    errors: Errors, name: str, moved: bool, method: str, seed: int, counts: Counts, truth
) -> None:
    errors.add((name, _word(moved), method), seed, counts.counts / counts.n, truth)
    errors.add_interval((name, method), counts.low / counts.n, counts.high / counts.n, truth)


def _word(moved: bool) -> str:
    return "Dirichlet(1)" if moved else "natural"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="The first seed.")
    parser.add_argument("--unreviewed", action="store_true", help="Only surveys without review.")
    parser.add_argument("--draws", type=int, default=6, help="Surveys a seed and task.")
    parser.add_argument("--out", type=Path, default=Path("counts.csv"))
    given = parser.parse_args()
    errors = Errors()
    for name in WITHIN if given.unreviewed else (*WITHIN, *ACROSS):
        for seed in range(given.first, given.first + given.seeds):
            task = Task(name, seed)
            if name in WITHIN:
                count_unreviewed(task, name, seed, given.draws, errors)
            if not given.unreviewed:
                count_reviewed(task, name, seed, given.draws, errors)
    write_figures(given.out, errors.rows())


if __name__ == "__main__":
    main()
