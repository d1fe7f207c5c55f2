"""Compare the grouped training of heads with the matrix products alone, and with Keras.

    python benchmarks/heads.py [--replicates 10] [--rows 400] [--epochs 100] [--inputs 512]
                               [--keras PYTHON] [--runs 3]

Ours, a NumPy loop of nothing but the products of ordinary training (in place, float32, as many
threads), and, with `--keras` (the interpreter of an environment with Keras), a loop written to
the paper, alternate; printed are the least and the median seconds and the ratios. The same again
for the adversarial network (DANN), without Keras.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from berlese.classify.heads.parallel import HeadTask, HeadTraining, train_heads

CLASSES = 12
HIDDEN = (512, 256)
BATCH = 32


def products_of_one(inputs: int, rows: int, epochs: int) -> None:
    """Do the eight products of each batch: three forward, five back."""
    rng = np.random.default_rng(0)
    sizes = (inputs, *HIDDEN, CLASSES)
    weights = [rng.normal(size=(o, i)).astype(np.float32) for i, o in pairwise(sizes)]
    changes = [np.empty_like(weight) for weight in weights]
    batches = [min(BATCH, rows - start) for start in range(0, rows, BATCH)]
    buffers = {size: [np.ones((size, n), np.float32) for n in sizes] for size in set(batches)}
    for size in batches * epochs:
        values = buffers[size]
        for n, weight in enumerate(weights):
            np.dot(values[n], weight.T, out=values[n + 1])
        for n in range(len(weights) - 1, -1, -1):
            np.dot(values[n + 1].T, values[n], out=changes[n])
            if n:
                np.dot(values[n + 1], weights[n], out=values[n])


def products(replicates: int, inputs: int, rows: int, epochs: int) -> None:
    """Do the products of all replicates, one thread a replicate."""
    with threadpool_limits(1), ThreadPoolExecutor(cpu_count()) as pool:
        for each in [pool.submit(products_of_one, inputs, rows, epochs) for _ in range(replicates)]:
            each.result()


def ours(replicates: int, inputs: int, rows: int, epochs: int, weight: float | None) -> None:
    """Train the replicates."""
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(size=(rows, inputs)))
    codes = rng.integers(0, CLASSES, rows)
    domains = np.arange(rows) % 2
    tasks = [HeadTask(np.arange(rows), codes, seed, domains) for seed in range(replicates)]
    train_heads(features, CLASSES, tasks, HeadTraining(epochs=epochs, domain_weight=weight))


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def keras_seconds(python: str, *sizes: int) -> float:
    """Seconds of the Keras loop without its imports, by its own clock."""
    script = Path(__file__).with_name("keras_loop.py")
    command = [python, str(script), *map(str, sizes)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(result.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--inputs", type=int, default=512)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keras", metavar="PYTHON")
    options = parser.parse_args()
    sizes = (options.replicates, options.inputs, options.rows, options.epochs)
    columns: dict[str, Callable[[], float]] = {
        "heads": lambda: timed(lambda: ours(*sizes, None)),
        "DANNs": lambda: timed(lambda: ours(*sizes, 0.1)),
        "products": lambda: timed(lambda: products(*sizes)),
    }
    if options.keras:
        columns["Keras"] = lambda: keras_seconds(options.keras, *sizes)
    seconds: dict[str, list[float]] = {name: [] for name in columns}
    for run in range(options.runs):
        for name, measure in columns.items():
            if name != "Keras" or run == 0:
                seconds[name].append(measure())
        print("run", run + 1, {name: round(each[-1], 2) for name, each in seconds.items()})
    least = {name: min(each) for name, each in seconds.items()}
    for name, each in seconds.items():
        print(
            f"{name:9s} least {least[name]:6.2f} s  median {np.median(each):6.2f} s  "
            f"{least[name] / least['products']:.2f} of the products"
        )
    if options.keras:
        print(f"Keras takes {least['Keras'] / least['heads']:.1f} times as long as ours")


if __name__ == "__main__":
    sys.exit(main())
