"""How many animals a review takes until its goal, and how often its promise is kept there.

    python benchmarks/review_plan.py [--surveys 25] [--first 0] [--goal 0.05] [--out FILE.csv]

Surveys of 1,000 animals are drawn, none of them twice, from a half of the field library that the
model has not seen, from the field and web libraries with a model of the other one, and from a
simulated fauna of eight taxa (`simulated`). Each is reviewed in the plan's order, look by look,
until every interval is within the goal. Beside it, at the same looks and by the same rule:

- the sample alone: a plain random sample, its shares with the same floor of variance;
- the menu's row: the plain sample with cross-fitted PPI after BCTS on plain logistic regression;
- the least confident first, as if they had been drawn at random;
- the least confident first, corrected, the rest as named, until its worst share is truly within
  the goal at this look and all later ones: no reviewer could know, since it has no interval.

Kept: shares of families that lie in their intervals at the stop, the worst family, and surveys of
which all families do. The models that learn from reviewed animals are compared too: accuracy on
the animals not reviewed after 50 drawn by the plan, plainly, or half plainly and half nearest to
k-means centres.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from counts import menus_classifier
from feature_sets import COMMON_ORDERS, insects
from recording import write_figures
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from berlese.classify.counts.powered import (
    Reviewed,
    powered_shares,
    predictors_of,
    recalibrated,
    target_classifier,
)
from berlese.classify.counts.review_plan import Goal, ReviewPlan
from berlese.classify.heads.linear import LinearClassifier

SIZE = 1000
HOW = "python benchmarks/review_plan.py"
LEARNED = 50


class Survey:
    """Animals with features, what two models make of them, and the truth."""

    def __init__(self, X, menu, ours, codes, n_classes):
        self.X, self.menu, self.ours, self.codes = X, menu, ours, codes
        self.n, self.n_classes = len(codes), n_classes
        self.truth = np.bincount(codes, minlength=n_classes) / self.n
        self.every = predictors_of([ours], X, n_classes)

    def estimate(self, predictors, rows, level):
        reviewed = Reviewed.of(rows, self.codes[rows], n=self.n, n_classes=self.n_classes)
        return powered_shares(predictors, reviewed, n=self.n, n_classes=self.n_classes, level=level)

    def nothing(self, rows, codes):
        return np.zeros((self.n, self.n_classes))


def real(name, seed):
    """A survey from one of the real libraries."""
    rng = np.random.default_rng(seed)
    if name == "within field":
        every = insects("field")
        photos = rng.permutation(np.unique(every.groups))
        inside = np.isin(every.groups, photos[: len(photos) // 2])
        library, pool = every.take(inside), every.take(~inside)
    else:
        domains = ("web", "field") if name == "web to field" else ("field", "web")
        library, pool = (insects(each).of(*COMMON_ORDERS) for each in domains)
    taxa = np.unique(library.y)
    pool = pool.take(rng.choice(len(pool), SIZE, replace=False))
    models = [make().fit(library.X, library.y) for make in (menus_classifier, LinearClassifier)]
    menu, ours = (model.predict_proba(pool.X) for model in models)
    return Survey(pool.X, menu, ours, np.searchsorted(taxa, pool.y), len(taxa))


def simulated(name, seed):
    """A survey of eight taxa, few of them common, by a model that leans to one of them."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(8, 0.7))
    codes = rng.choice(8, SIZE, p=shares)
    X = rng.normal(size=(SIZE, 40)) + 2.2 * np.eye(8, 40)[codes]
    lean = rng.normal(size=8)
    logits = 1.2 * X[:, :8] + 0.8 * lean
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return Survey(X, p, p, codes, 8)


FAUNAS = {
    "within field": real,
    "web to field": real,
    "field to web": real,
    "simulated": simulated,
}


def review(survey, predictors, order, goal):
    """Crops reviewed until the goal, and which families' intervals hold there."""
    level = goal.interval_level(survey.n_classes)
    for look in goal.looks(survey.n):
        found = survey.estimate(predictors, order[:look], level)
        if goal.reached(found):
            break
    truth = survey.truth
    return look, (found.low <= truth + 1e-9) & (truth <= found.high + 1e-9)


def until_true(survey, order, goal):
    """Crops until the corrected names of the least confident are truly within the goal."""
    named = survey.ours.argmax(axis=1)
    for look in reversed(goal.looks(survey.n)):
        said = named.copy()
        said[order[:look]] = survey.codes[order[:look]]
        shares = np.bincount(said, minlength=survey.n_classes) / survey.n
        if np.abs(shares - survey.truth).max() > goal.half_width:
            return min(look + 25, survey.n)
    return goal.looks(survey.n)[0]


def accuracies(survey, plan, rng):
    """Of models that learned from 50 reviewed animals, by how these were chosen."""
    low = PCA(32, svd_solver="randomized", random_state=0).fit_transform(survey.X)
    half = LEARNED // 2
    plain = rng.permutation(survey.n)
    centres = KMeans(half, n_init=1, random_state=0).fit(low).cluster_centers_
    distance = ((low[:, None] - centres[None]) ** 2).sum(axis=2)
    nearest = np.unique(distance.argmin(axis=0))
    extra = plain[~np.isin(plain, nearest)][: LEARNED - len(nearest)]
    halves = np.concatenate([nearest, extra])
    learn = target_classifier(survey.X, survey.n_classes)
    chosen = {"plan": plan[:LEARNED], "plain": plain[:LEARNED], "half k-means": halves}
    found = {}
    for name, rows in chosen.items():
        right = learn(rows, survey.codes[rows]).argmax(axis=1) == survey.codes
        found[name] = np.delete(right, rows).mean()
    return found


def rules(survey, seed, goal):
    """Every rule's order and predictors for the goal of each family."""
    rng = np.random.default_rng(seed)
    order = ReviewPlan.draw(survey.X, most=survey.n, random_state=seed).order
    plain = rng.permutation(survey.n)
    doubtful = np.argsort(survey.ours.max(axis=1), kind="stable")
    return {
        "berlese": (survey.every, order),
        "PPI after BCTS on a plain sample": ([recalibrated(survey.menu)], plain),
        "sample alone": ([survey.nothing], plain),
        "least confident first as if random": (survey.every, doubtful),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=25, help="Of each fauna.")
    parser.add_argument("--first", type=int, default=0, help="The first seed.")
    parser.add_argument("--goal", type=float, default=0.05)
    parser.add_argument("--out", type=Path, default=Path("review_plan.csv"))
    given = parser.parse_args()
    goals = {p: Goal(given.goal, p) for p in ("taxon", "table")}
    results, learned = defaultdict(list), defaultdict(list)
    for fauna, make in FAUNAS.items():
        for seed in range(given.first, given.first + given.surveys):
            survey = make(fauna, seed)
            every = rules(survey, seed, goals["taxon"])
            for promise, goal in goals.items():
                for rule, (predictors, order) in every.items():
                    if promise == "table" and not rule.startswith(("berlese", "sample")):
                        continue
                    results[fauna, promise, rule].append(review(survey, predictors, order, goal))
            doubtful = every["least confident first as if random"][1]
            crops = until_true(survey, doubtful, goals["taxon"])
            results[fauna, "taxon", "least confident first, stop by the truth"].append(
                (crops, None)
            )
            rng = np.random.default_rng(seed)
            for chosen, value in accuracies(survey, every["berlese"][1], rng).items():
                learned[fauna, chosen].append(value)
    write_figures(given.out, [*rows(results, given.goal), *learning_rows(learned)])


def rows(results, half_width):
    """One row a fauna, promise and rule."""
    for (fauna, promise, rule), every in results.items():
        crops = np.array([each[0] for each in every])
        kept = [each[1] for each in every if each[1] is not None]
        words = ""
        if kept:
            by_family = np.mean(kept, axis=0)
            words = (
                f"; intervals that hold {np.mean(kept):.3f}, worst family {by_family.min():.3f}, "
                f"all of a survey {np.mean([each.all() for each in kept]):.3f}"
            )
        yield (
            f"crops to +-{half_width} per {promise}: {rule}",
            f"{crops.mean():.0f}",
            f"sd {crops.std():.0f}{words}",
            f"{fauna}, {len(every)} surveys of {SIZE}",
            HOW,
        )


def learning_rows(learned):
    """Accuracy after the first reviewed animals."""
    for (fauna, chosen), values in learned.items():
        yield (
            f"accuracy of a classifier of {LEARNED} reviewed: {chosen}",
            f"{np.mean(values):.3f}",
            f"sd {np.std(values):.3f}",
            f"{fauna}, {len(values)} surveys of {SIZE}",
            HOW,
        )


if __name__ == "__main__":
    main()
