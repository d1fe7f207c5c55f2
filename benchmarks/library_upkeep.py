"""Wrong names found in libraries, and a taxon that a model learns later.

    python benchmarks/library_upkeep.py [taxa names] [--seeds 5] [--first 0] [--out FILE.csv]

Names of one in ten pictures are changed, at random or to the taxon that the picture's own is most
often taken for; measured is the share of changed ones among as many pictures as were changed, the
most doubtful first. The menu's row: own-label probability out of fold of plain logistic regression
(C = .01) times the share of 15 cosine neighbours + .05. "Models of the true names", which
were trained on the names before any was changed, show what knowing them would gain.

A taxon is left out and added to the model (`berlese.classify.library.new_class`): accuracy on
held-out photos beside that of training on all, and the CPU seconds of both.
"""

import argparse
import time
from itertools import chain
from pathlib import Path

import numpy as np
from counts import menus_classifier
from feature_sets import insects
from recording import write_figures
from sklearn.neighbors import NearestNeighbors

from berlese.classify.heads.linear import LinearClassifier
from berlese.classify.library.label_noise import (
    NEIGHBOURS,
    SMALLEST_SHARE,
    doubt_labels,
    kernel_classifier,
)
from berlese.classify.library.new_class import add_pictures
from berlese.classify.models.training import folds_of

LIBRARIES = {"beetle families": ("field", "family"), "web orders": ("web", "order")}
GROWING = {"beetle families": ("field", "family"), "field orders": ("field", "order")}
CHANGED = 0.1
HOW = "python benchmarks/library_upkeep.py"


def held_out(make, X, codes, y, groups, n_classes):
    """Probabilities by models that had not seen the photo."""
    p = np.zeros((len(X), n_classes))
    for train, test in folds_of(y, groups, 0):
        model = make().fit(X[train], codes[train])
        p[np.ix_(test, model.classes_)] = model.predict_proba(X[test])
    return p


def menus_doubt(X, codes, y, groups, n_classes):
    """The menu's score; the lower, the more doubtful."""
    own = held_out(menus_classifier, X, codes, y, groups, n_classes)[np.arange(len(X)), codes]
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    index = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(unit)
    near = index.kneighbors(unit, return_distance=False)[:, 1:]
    return own * ((codes[near] == codes[:, None]).mean(axis=1) + SMALLEST_SHARE)


def look_alikes(X, codes, y, groups, n_classes):
    """The taxon that each one is most often taken for."""
    said = held_out(LinearClassifier, X, codes, y, groups, n_classes).argmax(axis=1)
    confused = np.zeros((n_classes, n_classes))
    np.add.at(confused, (codes, said), 1)
    np.fill_diagonal(confused, 0)
    return confused.argmax(axis=1)


def knowing_doubt(X, codes, y, groups, n_classes):
    """Log odds by models that learned the true names, to see what knowing them would gain."""
    logs = sum(
        np.log(held_out(make, X, codes, y, groups, n_classes) + 1e-6)
        for make in (LinearClassifier, kernel_classifier)
    )

    def of(given):
        rows = np.arange(len(given))
        others = logs.copy()
        others[rows, given] = -np.inf
        return logs[rows, given] - others.max(axis=1)

    return of


def wrong_names(seeds):
    """Precision at the true number of wrong names."""
    for name, (domain, rank) in LIBRARIES.items():
        part = insects(domain, rank)
        taxa, codes = np.unique(part.y, return_inverse=True)
        like = look_alikes(part.X, codes, part.y, part.groups, len(taxa))
        knowing = knowing_doubt(part.X, codes, part.y, part.groups, len(taxa))
        found = {}
        for seed in seeds:
            for kind in ("at random", "to look-alikes"):
                rng = np.random.default_rng(seed)
                rows = rng.choice(len(codes), round(CHANGED * len(codes)), replace=False)
                given = codes.copy()
                moved = (codes[rows] + rng.integers(1, len(taxa), len(rows))) % len(taxa)
                given[rows] = moved if kind == "at random" else like[codes[rows]]
                y = taxa[given]
                doubt = doubt_labels(part.X, y, part.groups, random_state=seed)
                menu = menus_doubt(part.X, given, y, part.groups, len(taxa))
                k = len(rows)
                orders = {
                    "menu": np.argsort(menu),
                    "berlese": doubt.order,
                    "models of the true names": np.argsort(knowing(given)),
                }
                for method, order in orders.items():
                    value = np.isin(order[:k], rows).mean()
                    found.setdefault((kind, method), []).append(value)
                found.setdefault((kind, "expected"), []).append(doubt.expected_wrong / k)
        for (kind, method), values in found.items():
            figure = f"precision at the true number, names changed {kind}: {method}"
            if method == "expected":
                figure = f"wrong names expected for each true one, changed {kind}"
            yield (
                figure,
                f"{np.mean(values):.3f}",
                f"sd {np.std(values):.3f} over {len(seeds)} seeds from {seeds.start}",
                f"{name}, {len(codes)} pictures",
                HOW,
            )


def new_taxa(seeds):
    """Accuracy after adding each taxon, and after training on all."""
    spread = f"over {len(seeds)} seeds from {seeds.start}, each another taxon"
    for name, (domain, rank) in GROWING.items():
        part = insects(domain, rank)
        taxa = np.unique(part.y)
        rows, seconds, renamed = [], [], []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            photos = rng.permutation(np.unique(part.groups))
            test = np.isin(part.groups, photos[: len(photos) // 5])
            X, y = part.X[~test], part.y[~test]
            new = y == taxa[seed % len(taxa)]
            started = time.process_time()
            whole = LinearClassifier().fit(X, y)
            at_once = time.process_time() - started
            before = LinearClassifier().fit(X[~new], y[~new])
            started = time.process_time()
            grown = add_pictures(before, X[~new], y[~new], X[new], y[new])
            seconds.append((time.process_time() - started, at_once))
            said = [m.predict(part.X[test]) == part.y[test] for m in (grown.classifier, whole)]
            rows.append([each.mean() for each in said])
            renamed.append(grown.renamed)
        for method, values in zip(("adding", "training on all"), np.transpose(rows), strict=True):
            yield (
                f"accuracy after {method}",
                f"{values.mean():.4f}",
                f"sd {values.std():.4f} {spread}",
                f"{name}, {len(part)} pictures",
                HOW,
            )
        for method, values in zip(
            ("adding", "training on all"), np.transpose(seconds), strict=True
        ):
            yield (
                f"CPU seconds of {method}",
                f"{values.mean():.2f}",
                f"most {values.max():.2f}",
                f"{name}, {len(part)} pictures",
                HOW,
            )
        yield (
            "share of the old pictures named otherwise after adding",
            f"{np.mean(renamed):.4f}",
            f"most {np.max(renamed):.4f}",
            name,
            HOW,
        )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("what", nargs="*", default=["taxa", "names"], help="taxa, names")
    parser.add_argument("--out", type=Path, default=Path("library_upkeep.csv"))
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    ways = {"taxa": new_taxa, "names": wrong_names}
    write_figures(given.out, chain.from_iterable(ways[what](seeds) for what in given.what))


if __name__ == "__main__":
    main()
