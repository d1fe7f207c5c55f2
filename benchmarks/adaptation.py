"""Adaptation to other photos: what it gains, what the guard makes of it, and what names add.

    python benchmarks/adaptation.py closed shifted [--seeds 5] [--names 10 30] [--peers]
    python benchmarks/adaptation.py reviewed --seeds 8
    python benchmarks/adaptation.py within surf-closed surf-shifted
    python benchmarks/adaptation.py simulated --libraries DIR

Rules of the comparison, after which every row is measured in the same runs: a seed draws 80 % of
the source and of the target; `shifted` draws 200 to 300 target animals with Dirichlet(.7) shares of
the classes instead. Gains are differences of accuracy to logistic regression of the source
(standardised by it, C = .01) on all target animals, reviewed ones included. `reviewed` counts
animals that nobody named and, from web to field, whose photo shows no animal that was named.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from feature_sets import (
    COMMON_ORDERS,
    FeatureSet,
    insects,
    office_googlenet,
    office_surf,
    simulated,
)
from numpy.typing import NDArray
from sklearn.semi_supervised import LabelSpreading

from berlese.classify.adaptation.consensus import SURE, ConsensusClassifier
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.guard import decide
from berlese.classify.adaptation.method import fit_source
from berlese.classify.adaptation.prototypes import PrototypeClassifier
from berlese.classify.adaptation.retraining import InformationMaximisationClassifier
from berlese.classify.adaptation.reviewed import ReviewedClassifier
from berlese.classify.adaptation.scores import MeanScores
from berlese.classify.adaptation.vote import VoteClassifier
from berlese.classify.calibration.probabilities import BiasCorrectedTemperature
from berlese.classify.counts.powered import target_classifier
from berlese.classify.heads.standardising import Standardiser

SURF = ("amazon", "caltech10", "dslr", "webcam")
INSECTS = [(letter, *pair) for letter in "ML" for pair in (("web", "field"), ("field", "web"))]
OFFICE = [("amazon", "dslr"), ("amazon", "webcam"), ("dslr", "amazon"), ("webcam", "amazon")]
CLOSED = [*INSECTS, *(("G", *pair) for pair in OFFICE)]
SHIFTED = [*INSECTS, ("G", "amazon", "webcam"), ("G", "webcam", "amazon")]
SURF_PAIRS = [("S", a, b) for a in SURF for b in SURF if a != b]
SIMULATED = [("simulated", "LL", "LH"), ("simulated", "GH", "LH")]
REVIEWED = 30
COLUMNS = ("figure", "value", "spread", "on", "how")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One source and one target; `truth` are the target's classes, `photos` its photos."""

    pair: str
    domains: Domains
    truth: NDArray[np.intp]
    photos: NDArray[np.str_]
    rng: np.random.Generator

    def named(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which target animals are named right."""
        return probabilities.argmax(axis=1) == self.truth

    def with_names(self, count: int) -> Domains:
        """Let a person name so many target animals, drawn at random."""
        said = np.full(len(self.truth), -1)
        rows = self.rng.permutation(len(said))[:count]
        said[rows] = self.truth[rows]
        return self.domains.with_reviewed(said)


def feature_set(letter: str, name: str, libraries: Path | None, cache: dict) -> FeatureSet:
    """Load a data set once: M and L are backbones on insects, G and S features of Office."""
    key = letter, name
    if key not in cache:
        if letter == "simulated":
            cache[key] = simulated(libraries, name)
        elif letter == "G":
            cache[key] = office_googlenet(name)
        elif letter == "S":
            cache[key] = office_surf(name)
        else:
            cache[key] = insects(name, backbone=letter)
            cache[key] = cache[key].of(*COMMON_ORDERS)
    return cache[key]


def runs(pairs, shares: str, seeds: range, libraries: Path | None, cache: dict) -> Iterator[Run]:
    """Draw the runs of some pairs; `shares` is natural or shifted."""
    for seed in seeds:
        for letter, a, b in pairs:
            source, target = (feature_set(letter, each, libraries, cache) for each in (a, b))
            name = f"{letter}:{a}:{b}"
            rng = np.random.default_rng([seed, shares == "shifted", sum(map(ord, name))])
            source = source.take(_part(len(source), rng))
            kept = _shifted(target.y, rng) if shares == "shifted" else _part(len(target), rng)
            target = target.take(kept)
            classes, codes = np.unique(source.y, return_inverse=True)
            known = np.isin(target.y, classes)
            target = target.take(known)
            unnamed = np.full(len(target), -1)
            domains = Domains(classes, source.X, codes, target.X, unnamed)
            yield Run(name, domains, np.searchsorted(classes, target.y), target.groups, rng)


def _part(n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(rng.permutation(n)[: round(0.8 * n)])


def _shifted(y: NDArray, rng: np.random.Generator) -> NDArray[np.intp]:
    classes = np.unique(y)
    shares = rng.dirichlet(np.full(len(classes), 0.7))
    counts = rng.multinomial(rng.integers(200, 301), shares)
    rows = [
        rng.permutation(np.flatnonzero(y == each))[:count]
        for each, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(rows)


def gains(run: Run, *, names: Sequence[int], peers: bool) -> dict[str, float]:
    """Gain of each rule over the source's regression; `peers`: more rules, at thrice the time."""
    own = fit_source(run.domains, 0.01)(run.domains.target)
    right = {"source only": run.named(own)}
    target = run.domains.target
    by = {"consensus": ConsensusClassifier(), "T3A half-way": PrototypeClassifier()}
    for name, method in by.items():
        right[name] = run.named(method.fit_domains(run.domains).scores_(target))
    agreed = by["consensus"].scores_
    if isinstance(agreed, MeanScores):
        agreed = agreed.members[0]
    right["consensus without its brake"] = run.named(agreed(target))
    sure = by["consensus"].sureness_ >= SURE
    right["consensus, the source alone where not sure"] = run.named(agreed(target) if sure else own)
    for count in (0, *names):
        named = run.with_names(count)
        decision = decide(named, own, named.is_reviewed)
        chosen = own if decision.classifier is None else decision.classifier.scores_(target)
        right[f"guard, {count or 'no'} reviewed"] = run.named(chosen)
    if peers:
        named = run.with_names(REVIEWED)
        right |= _peers_rules(run, right["source only"], named.is_reviewed)
    return {name: float(each.mean() - right["source only"].mean()) for name, each in right.items()}


def _peers_rules(
    run: Run, as_is: NDArray[np.bool_], reviewed: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """The vote, and the two rules that were best before: by share shift, and best of five."""
    target, n = run.domains.target, len(run.domains.classes)
    vote = VoteClassifier().fit_domains(run.domains).scores_
    voted = vote(target)
    counts = [np.bincount(each, minlength=n) for each in (voted.argmax(axis=1), run.domains.codes)]
    shift = float(np.abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum()).sum())
    # Its members are the source's regression, self-training, density ratio, T3A half-way, T3A.
    five = [as_is, *(run.named(member(target)) for member in vote.members[1:4])]
    infomax = InformationMaximisationClassifier(shares="estimated")
    five.append(run.named(infomax.fit_domains(run.domains).scores_(target)))
    best = max(five, key=lambda right: right[reviewed].sum())  # ties go to the regression
    right = run.named(voted)
    return {
        "vote of five": right,
        "T3A if share shift < .3, else vote": five[3] if shift < 0.3 else right,
        f"best of five by {REVIEWED} reviewed": best,
    }


def compare(
    rows: list, figure: str, drawn: Iterator[Run], *, names: Sequence[int], peers: bool, on: str
) -> None:
    """Add mean, worst run and share of runs that lose a point, for each rule."""
    found: dict[str, list[float]] = {}
    for run in drawn:
        for name, gain in gains(run, names=names, peers=peers).items():
            found.setdefault(name, []).append(gain)
        print(run.pair, {name: round(each[-1], 3) for name, each in found.items()}, flush=True)
    for name, each in found.items():
        values = np.array(each)
        low, high = np.quantile(values, [0.05, 0.95])
        spread = f"worst {values.min():+.3f}; 5 to 95 % {low:+.3f} to {high:+.3f}"
        lost = (
            f"over a point lost in {np.mean(values < -0.01):.0%}, any in {np.mean(values < 0):.0%}"
        )
        rows.append((f"{figure}: gain of {name}", f"{values.mean():+.4f}", spread, on, lost))


def mean_of_three(domains: Domains) -> NDArray[np.float64]:
    """What was best before: the mean of target LR, label spreading, T3A with BCTS."""
    reviewed = np.flatnonzero(domains.is_reviewed)
    codes, n_classes = domains.reviewed[reviewed], len(domains.classes)
    t3a = PrototypeClassifier().fit_domains(domains).scores_(domains.target)
    Z = Standardiser.of(domains.target)(domains.target)
    own = target_classifier(Z, n_classes)(reviewed, codes)
    model = LabelSpreading(kernel="knn", n_neighbors=10, max_iter=100)
    with np.errstate(invalid="ignore"):  # it divides by 0 where no name arrives
        model.fit(Z, domains.reviewed)
    reached = np.full((len(Z), n_classes), 0.0)
    reached[:, model.classes_] = np.nan_to_num(model.label_distributions_)
    corrected = BiasCorrectedTemperature().fit(t3a[reviewed], codes)(t3a)
    return (own + reached + corrected) / 3


def with_names(rows: list, drawn: list[Run], on: str) -> None:
    """Add accuracy on animals that nobody named, at 25, 50 and 100 reviewed."""
    ways: dict[str, Callable[[Domains], NDArray[np.float64]]] = {
        "mean of target LR, spreading, T3A-BCTS": mean_of_three,
        "reviewed": lambda d: ReviewedClassifier().fit_domains(d).scores_(d.target),
    }
    found: dict[tuple[str, str, int], list[float]] = {}
    for run in drawn:
        for count in (25, 50, 100):
            named = run.with_names(count)
            counted = ~named.is_reviewed
            if run.pair.endswith(":field"):
                counted &= ~np.isin(run.photos, run.photos[named.is_reviewed])
            for name, way in ways.items():
                right = run.named(way(named))[counted].mean()
                found.setdefault((run.pair, name, count), []).append(float(right))
        print(run.pair, {k[1:]: round(v[-1], 3) for k, v in found.items() if k[0] == run.pair})
    for (pair, name, count), each in found.items():
        figure = f"accuracy with {count} reviewed at random, {name}, {pair}"
        sd = f"sd {np.std(each, ddof=1):.3f}"
        rows.append((figure, f"{np.mean(each):.4f}", sd, on, f"{len(each)} seeds"))


def within(rows: list, seeds: range, cache: dict, *, names: Sequence[int]) -> None:
    """Add gains where source and target are halves of one set: there is nothing to adapt to."""
    found: dict[str, list[float]] = {}
    for seed in seeds:
        for name in ("web", "field"):
            both = feature_set("L", name, None, cache)
            rng = np.random.default_rng([seed, 7])
            photos = np.unique(both.groups)
            half = np.isin(both.groups, rng.permutation(photos)[: len(photos) // 2])
            source, target = both.take(half), both.take(~half)
            classes, codes = np.unique(source.y, return_inverse=True)
            domains = Domains(classes, source.X, codes, target.X, np.full(len(target), -1))
            truth = np.searchsorted(classes, target.y)
            run = Run(f"within {name}", domains, truth, target.groups, rng)
            for rule, gain in gains(run, names=names, peers=False).items():
                found.setdefault(rule, []).append(gain)
    for rule, each in found.items():
        spread = f"worst {np.min(each):+.3f}"
        how = f"halves by photo of web and of field, backbone L, {len(each)} runs"
        rows.append((f"within: gain of {rule}", f"{np.mean(each):+.4f}", spread, "insects", how))


def main() -> None:
    parts = ("closed", "shifted", "reviewed", "within", "surf-closed", "surf-shifted", "simulated")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=parts)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed")
    parser.add_argument(
        "--names", type=int, nargs="*", default=(10, REVIEWED), help="numbers of names of the guard"
    )
    parser.add_argument("--peers", action="store_true", help="rules that were best before as well")
    parser.add_argument("--libraries", type=Path, help="of `berlese simulate libraries`")
    parser.add_argument("--out", type=Path, help="CSV to append to")
    options = parser.parse_args()
    seeds, cache, rows = range(options.first, options.first + options.seeds), {}, []
    for part in options.parts:
        shares = "shifted" if part.endswith("shifted") else "natural"
        if part in ("closed", "shifted"):
            pairs = CLOSED if part == "closed" else SHIFTED
            drawn = runs(pairs, shares, seeds, None, cache)
            on = f"insects (M, L) and Office GoogleNet, {len(pairs)} pairs x {options.seeds} seeds"
            compare(rows, part, drawn, names=options.names, peers=options.peers, on=on)
        elif part.startswith("surf"):
            drawn = runs(SURF_PAIRS, shares, seeds, None, cache)
            on = f"Office-Caltech SURF, 12 pairs x {options.seeds} seeds, not used for choosing"
            compare(rows, part, drawn, names=options.names, peers=options.peers, on=on)
        elif part == "simulated":
            drawn = runs(SIMULATED, shares, seeds, options.libraries, cache)
            on = f"simulated libraries, LL>LH and GH>LH x {options.seeds} seeds"
            compare(rows, part, drawn, names=options.names, peers=options.peers, on=on)
        elif part == "reviewed":
            pairs = [pair for pair in INSECTS if pair[0] == "L"]
            drawn = list(runs(pairs, shares, seeds, None, cache))
            with_names(rows, drawn, "insects, backbone L")
        else:
            within(rows, seeds, cache, names=options.names)
    for row in rows:
        print(" | ".join(row))
    if options.out:
        write(options.out, rows)


def write(path: Path, rows: list) -> None:
    """Append rows to a CSV file, with a header if it is new."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows] if new else rows)


if __name__ == "__main__":
    sys.exit(main())
