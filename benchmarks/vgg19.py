"""Compare VGG19 as berlese runs it with TensorFlow and with ONNX Runtime's best setting.

    python benchmarks/vgg19.py --keras PYTHON [--pictures 32] [--runs 3]

Random weights, pictures of 255 pixels, already prepared; all cores. Ours, each setting of ONNX
Runtime (graph as berlese rewrites it or as it is written, batch, threads' spinning, order of
execution) and Keras with TensorFlow (in batches of sixteen) alternate; printed are pictures a
second of the fastest run of each.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from berlese.features import architectures, backbones
from berlese.features.embed import BATCH_SIZE
from berlese.features.export import export_network
from berlese.features.sources import PAPER_SIZE
from berlese.features.weights import load_into, read_weights
from berlese.processes import usable_cpus

SCRIPT = Path(__file__).with_name("keras_features.py")


def session(path: Path, spinning: str, parallel: bool) -> onnxruntime.InferenceSession:
    """Open the exported graph with one setting of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cpus()
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    if parallel:
        options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def export_as_written(weights: Path, path: Path) -> None:
    """Write VGG19 with its convolutions as they are."""
    network = architectures.vgg("vgg19")
    load_into(network, read_weights(weights, "vgg19"), weights, "vgg19")
    export_network(architectures.Pooled(network), PAPER_SIZE, path)


def in_batches(run: Callable[[NDArray[np.float32]], object], inputs: NDArray, size: int) -> None:
    for start in range(0, len(inputs), size):
        run(inputs[start : start + size])


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keras", metavar="PYTHON", required=True)
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (options.pictures, 255, 255, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "pictures.npy", pictures)
        keras = [options.keras, str(SCRIPT), "vgg19", str(folder / "pictures.npy"), name]
        subprocess.run(keras, check=True, capture_output=True)
        ours = backbones.load("vgg19", weights=folder / "vgg19_notop.h5", cache=folder)
        inputs = np.stack([ours.preprocess(picture) for picture in pictures])
        graphs = {"rewritten": next(folder.glob("*.onnx")), "as written": folder / "written.onnx"}
        export_as_written(folder / "vgg19_notop.h5", graphs["as written"])
        settings = list(product(graphs, "01", (False, True)))
        seconds: dict[str, list[float]] = {}
        for _ in range(options.runs):
            taken = timed(lambda: in_batches(ours.embed, inputs, BATCH_SIZE))
            seconds.setdefault("ours", []).append(taken)
            for key, size in product(settings, (1, 4, 16)):
                opened = session(graphs[key[0]], *key[1:])  # one at a time: each holds a GB
                taken = timed(
                    lambda s=opened, n=size: in_batches(
                        lambda batch: s.run(None, {"pictures": batch}), inputs, n
                    )
                )
                graph, spinning, parallel = key
                label = (
                    f"ONNX Runtime, {graph}, batch {size}, spinning {spinning}, parallel {parallel}"
                )
                seconds.setdefault(label, []).append(taken)
            printed = subprocess.run(
                [*keras, "--seconds"], check=True, capture_output=True, text=True
            )
            seconds.setdefault("TensorFlow", []).append(float(printed.stdout.split()[-1]))
    speed = {label: options.pictures / min(each) for label, each in seconds.items()}
    for label, value in sorted(speed.items(), key=lambda item: -item[1]):
        print(f"{value:6.2f} pictures/s  {label}")
    best = max(value for label, value in speed.items() if label.startswith("ONNX"))
    print(
        f"ours: {speed['ours'] / speed['TensorFlow']:.2f} of TensorFlow, "
        f"{speed['ours'] / best:.2f} of ONNX Runtime's best setting"
    )


if __name__ == "__main__":
    main()
