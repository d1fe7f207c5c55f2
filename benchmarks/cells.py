"""How far the cells of a community table are from the truth where samples are unlike.

    python benchmarks/cells.py [--seeds 5] [--out cells.csv]

Ten samples of up to 50 animals, each with shares of its own (Dirichlet(1)), none drawn twice, are
named by a model and reviewed in the plan's order; errors are mean animals a cell.
"""

import argparse
from pathlib import Path

import numpy as np
from counts import ACROSS, WITHIN, Task
from recording import write_figures

from berlese.classify.counts.cells import count_cells
from berlese.classify.counts.corrected import estimate_counts
from berlese.classify.counts.review_plan import ReviewPlan
from berlese.classify.heads.linear import LinearClassifier

SAMPLES, SIZE = 10, 50
REVIEWED = (50, 100)
HOW = "python benchmarks/cells.py"


def unlike_samples(codes, n_classes, rng):
    """Rows of animals, and the sample of each."""
    left = [list(rng.permutation(np.flatnonzero(codes == code))) for code in range(n_classes)]
    rows, samples = [], []
    for sample in range(SAMPLES):
        wanted = rng.multinomial(SIZE, rng.dirichlet(np.ones(n_classes)))
        for pool, n in zip(left, wanted, strict=True):
            drawn = [pool.pop() for _ in range(min(n, len(pool)))]
            rows += drawn
            samples += [sample] * len(drawn)
    # A small pool is used up before the last samples.
    return np.array(rows), np.unique(samples, return_inverse=True)[1]


def measured(name, seeds):
    """Errors of the model's cells and ours, and coverage, by animals reviewed."""
    found = {k: ([], [], [], []) for k in REVIEWED}
    for seed in range(seeds):
        task = Task(name, seed)
        n_classes = len(task.taxa)
        model = LinearClassifier().fit(task.library.X, task.known)
        rng = np.random.default_rng(seed)
        rows, samples = unlike_samples(task.codes, n_classes, rng)
        codes, X = task.codes[rows], task.pool.X[rows]
        truth = np.zeros((samples.max() + 1, n_classes))
        np.add.at(truth, (samples, codes), 1)
        plan = ReviewPlan.draw(X, random_state=seed)
        for k, (ours, raw, covered, width) in found.items():
            first = plan.order[:k]
            counts = estimate_counts(
                model.predict_proba(X),
                task.taxa.tolist(),
                same_domain=False,
                features=X,
                reviewed_rows=first,
                reviewed_taxa=task.taxa[codes[first]].tolist(),
                inclusion=plan.inclusion(first),
            )
            cells = count_cells(counts, samples)
            ours.append(np.abs(cells.counts - truth).mean())
            raw.append(np.abs(cells.raw - truth).mean())
            covered.append(((cells.low <= truth) & (truth <= cells.high)).mean())
            width.append((cells.high - cells.low).mean())
    for k, (ours, raw, covered, width) in found.items():
        on = f"{name}, {seeds} surveys of {SAMPLES} unlike samples, {k} reviewed"
        spread = f"sd {np.std(ours):.2f} over {seeds} seeds; as named {np.mean(raw):.2f}"
        yield "mean error of a cell in animals", f"{np.mean(ours):.2f}", spread, on, HOW
        spread = f"least of {seeds} seeds {np.min(covered):.3f}; mean width {np.mean(width):.1f}"
        yield "coverage of cells' 90 % intervals", f"{np.mean(covered):.3f}", spread, on, HOW


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("cells.csv"))
    given = parser.parse_args()
    rows = (row for name in (*WITHIN, *ACROSS) for row in measured(name, given.seeds))
    write_figures(given.out, rows)


if __name__ == "__main__":
    main()
