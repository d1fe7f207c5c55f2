"""What a model of one photo set names right on another, against how easily they are told apart.

    python benchmarks/gap.py [--out FILE.csv] [--libraries DIR]

For each pair, on the taxa that both have: dataset error of a linear SVM (10 draws of 100 + 100
pictures), accuracy of the linear head on held-out pictures of the source (5 folds, photos whole),
and on the target. Pairs within one set are halves by photo. `berlese.cli.gap` holds the pairs.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from adaptation import write
from feature_sets import FeatureSet, insects, simulated

from berlese.classify.gap.domain_error import drawn_domain_error
from berlese.classify.heads.linear import LinearClassifier
from berlese.classify.models.training import folds_of

PAIRS = (("web", "field"), ("field", "web"), ("web", "dish"), ("field", "dish"))


def halves(data: FeatureSet) -> tuple[FeatureSet, FeatureSet]:
    """Split by photo."""
    photos = np.unique(data.groups)
    drawn = np.random.default_rng(0).permutation(photos)[: len(photos) // 2]
    half = np.isin(data.groups, drawn)
    return data.take(half), data.take(~half)


def pairs(libraries: Path | None) -> Iterator[tuple[str, FeatureSet, FeatureSet]]:
    """Give a name, source and target of each pair."""
    for letter in "LM":
        sets = {name: insects(name, backbone=letter) for name in ("web", "field", "dish")}
        for a, b in PAIRS:
            yield f"{a} > {b} ({letter})", sets[a], sets[b]
        for name in ("web", "field"):
            yield f"{name} > {name} ({letter})", *halves(sets[name])
    if libraries:
        sets = {name: simulated(libraries, name) for name in ("LH", "LL", "GH")}
        for a, b in (("LL", "LH"), ("LH", "LL"), ("GH", "LH"), ("LH", "GH")):
            yield f"simulated {a} > {b} (L)", sets[a], sets[b]


def within(data: FeatureSet) -> float:
    """Accuracy on held-out pictures."""
    right = np.zeros(len(data), bool)
    for learn, test in folds_of(data.y, data.groups, 0):
        model = LinearClassifier().fit(data.X[learn], data.y[learn])
        right[test] = model.predict(data.X[test]) == data.y[test]
    return float(right.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="CSV to append to")
    parser.add_argument("--libraries", type=Path, help="of `berlese simulate libraries`")
    options = parser.parse_args()
    rows = []
    for name, source, target in pairs(options.libraries):
        shared = np.intersect1d(source.y, target.y)
        source, target = source.of(*shared), target.of(*shared)
        error = drawn_domain_error(source.X, target.X)
        own = within(source)
        across = LinearClassifier().fit(source.X, source.y).score(target.X, target.y)
        how = f"{len(shared)} taxa; {own:.3f} on held-out source, {across:.3f} on target"
        spread = f"{error.low:.3f} to {error.high:.3f}"
        rows.append((f"dataset error, {name}", f"{error.value:.4f}", spread, "insects", how))
        rows.append((f"accuracy kept, {name}", f"{across / own:.4f}", "", "insects", how))
        print(rows[-2], rows[-1], flush=True)
    if options.out:
        write(options.out, rows)


if __name__ == "__main__":
    main()
