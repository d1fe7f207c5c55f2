"""Time crops to features, decoding included, beside the bare ONNX Runtime session.

    python benchmarks/embedding.py PICTURE_FOLDER [--runs 7] [--pictures 256]

Both ways embed the same pictures with one ONNX Runtime session of default threads, alternating
run by run. The bare session gets prepared arrays in memory; the other starts from files. A third
line is the bare session with ONNX Runtime's own settings (idle threads spin).
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from berlese.features import backbones
from berlese.features.embed import BATCH_SIZE, embed_files
from berlese.photos.reading import decode_image, find_photos
from berlese.processes import usable_cpus


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def bare(session: onnxruntime.InferenceSession, inputs: NDArray[np.float32]) -> None:
    """Run a session batch by batch."""
    for at in range(0, len(inputs), BATCH_SIZE):
        session.run(None, {"pictures": inputs[at : at + BATCH_SIZE]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--backbone", default=backbones.DEFAULT_BACKBONE)
    arguments = parser.parse_args()
    backbone = backbones.load(arguments.backbone)
    paths = find_photos([arguments.folder])[: arguments.pictures]
    inputs = np.stack([backbone.preprocess(decode_image(path)) for path in paths])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cpus()
    exported = backbone.session._model_path
    spinning = onnxruntime.InferenceSession(exported, options, ["CPUExecutionProvider"])
    ways: dict[str, Callable[[], object]] = {
        "bare session": lambda: bare(backbone.session, inputs),
        "files to features": lambda: embed_files(paths, backbone),
        "bare, ORT defaults": lambda: bare(spinning, inputs),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(arguments.runs):
        for name, way in ways.items():
            times[name].append(seconds(way))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{len(paths)} pictures, {backbone.name}, {usable_cpus()} CPUs, load {load}")
    for name, values in times.items():
        ratio = statistics.median(
            value / other for value, other in zip(values, times["bare session"], strict=True)
        )
        rate = len(paths) / statistics.median(values)
        print(
            f"{name:19s} {statistics.median(values):.3f} s ({min(values):.3f} to "
            f"{max(values):.3f}), {rate:.0f} pictures/s, {ratio:.2f} of the bare session"
        )


if __name__ == "__main__":
    main()
