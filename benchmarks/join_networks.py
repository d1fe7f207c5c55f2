"""Let the networks of two folders look, judge and choose together.

    python benchmarks/join_networks.py KEPT NEW OUT

Joins those of `look.onnx`, `judge.safetensors` and `choice.safetensors` that are in both. So
networks trained on further kinds of plates stand beside the ones of before, and what these knew is
not lost. Two looks count alike; of judges and choices every member counts alike, and what they are
given is cut off, and filled in where it is not known, as for those that are kept. The shipped ones
are those of the commit 1060edf (KEPT) and ones by `train_judge.py` and `train_choice.py` (NEW),
which were made in this order: the judge and the look, joined into the package, then the choice.
"""

import argparse
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import onnx.compose
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from berlese.specimens.choice import WEIGHTS as CHOICE
from berlese.specimens.judge import WEIGHTS as JUDGE
from berlese.specimens.look import FIRST

State = dict[str, NDArray[np.float32]]


def join_looks(kept: onnx.ModelProto, new: onnx.ModelProto) -> onnx.ModelProto:
    """Average what two networks say, as logarithms of probabilities."""
    both = onnx.compose.add_prefix(kept, "kept."), onnx.compose.add_prefix(new, "new.")
    for each in both:
        seen = each.graph.input[0].name
        for node in each.graph.node:
            node.input[:] = ["pictures" if name == seen else name for name in node.input]
    one, other = (each.graph for each in both)
    pictures, told = deepcopy(one.input[0]), deepcopy(one.output[0])
    pictures.name, told.name = "pictures", "told"
    last = [
        onnx.helper.make_node("Mean", [one.output[0].name, other.output[0].name], ["mean"]),
        onnx.helper.make_node("LogSoftmax", ["mean"], ["told"], axis=1),
    ]
    nodes = [*one.node, *other.node, *last]
    weights = [*one.initializer, *other.initializer]
    graph = onnx.helper.make_graph(nodes, "look", [pictures], [told], weights)
    model = onnx.helper.make_model(
        graph, opset_imports=kept.opset_import, ir_version=kept.ir_version
    )
    onnx.checker.check_model(model)
    return model


def join_states(kept: State, new: State, prefix: str) -> State:
    """Put the members of two networks into one, standardised as those that are kept."""
    mean, deviation = kept[f"{prefix}mean"], kept[f"{prefix}deviation"]
    ratio = deviation / new[f"{prefix}deviation"]
    shift = (mean - new[f"{prefix}mean"]) / new[f"{prefix}deviation"]
    count, more = (int(each[f"{prefix}members"][0]) for each in (kept, new))
    both = {name: value for name, value in kept.items() if name.startswith(prefix)}
    for member in range(more):
        of_member = f"{prefix}{member}."
        layers = {
            name.removeprefix(of_member): value
            for name, value in new.items()
            if name.startswith(of_member)
        }
        weight = layers["0.weight"]
        layers["0.bias"] = layers["0.bias"] + shift @ weight
        layers["0.weight"] = weight * ratio[:, None]
        both |= {f"{prefix}{count + member}.{name}": value for name, value in layers.items()}
    both[f"{prefix}members"] = np.array([count + more], np.float32)
    return both


def prefixes_of(state: State) -> list[str]:
    """What the names of each network in a file begin with; nothing where it holds but one."""
    return sorted(name.removesuffix("members") for name in state if name.endswith("members"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("kept", "new", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (FIRST.network, JUDGE, CHOICE):
        kept, new = options.kept / name, options.new / name
        if not (kept.is_file() and new.is_file()):
            continue
        if name == FIRST.network:
            onnx.save(join_looks(onnx.load(kept), onnx.load(new)), options.out / name)
        else:
            state, more = load_file(kept), load_file(new)
            joined: State = {}
            for prefix in prefixes_of(state):
                joined |= join_states(state, more, prefix)
            joined = {key: np.ascontiguousarray(e, np.float32) for key, e in joined.items()}
            save_file(joined, options.out / name)
        print(f"{options.out / name}: {(options.out / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
