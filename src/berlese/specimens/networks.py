"""The trained networks that come with the package."""

from functools import lru_cache
from importlib.resources import files

import onnxruntime


@lru_cache(maxsize=4)
def shipped(name: str) -> bytes:
    """Bytes of one of the package's files of weights."""
    return files("berlese.specimens").joinpath(name).read_bytes()


@lru_cache(maxsize=4)
def session_of(name: str) -> onnxruntime.InferenceSession:
    """Session of one of the package's ONNX files."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # photos are segmented side by side
    options.enable_cpu_mem_arena = False  # it keeps what the largest clump took, and saves no time
    return onnxruntime.InferenceSession(shipped(name), options, providers=["CPUExecutionProvider"])
