"""`berlese stack SLICE... --out FILE`: what is written, and what is said about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from berlese.cli.console import Stages
from berlese.cli.targets import require_new_files
from berlese.errors import SettingError
from berlese.photos.frames import require_frame_suffix, write_frame, write_numbers
from berlese.photos.stack import Stacked, StackSettings, passes, stack_slices


def stack_into_file(
    slices: Sequence[Path],
    out: Path,
    settings: StackSettings,
    *,
    depth_map: Path | None,
    step_mm: float | None,
    overwrite: bool,
    stages: Stages,
) -> tuple[Stacked, dict[str, Any]]:
    """Fuse slices into `out`, and their depth into `depth_map`; return what to print.

    Raises
    ------
    SettingError
        If a file to write exists or has no fitting name, or if no slices can be fused.
    """
    _require_writable(out, depth_map, slices, overwrite)
    with stages("stack", passes(settings) * len(slices)) as advance:
        stacked = stack_slices(slices, settings, advance)
    write_frame(out, stacked.pixels, stacked.middle)
    if depth_map is not None:
        depth = stacked.depth if step_mm is None else stacked.depth * np.float32(step_mm)
        write_numbers(depth_map, depth, stacked.middle)
    return stacked, _summary(stacked, out, depth_map, step_mm)


def _require_writable(
    out: Path, depth_map: Path | None, slices: Sequence[Path], overwrite: bool
) -> None:
    require_frame_suffix(out)
    if depth_map is not None and depth_map.suffix.lower() not in (".tif", ".tiff"):
        raise SettingError(f"{depth_map}: heights are numbers; expected a name that ends in .tif.")
    outputs = [path for path in (out, depth_map) if path is not None]
    require_new_files(outputs, slices, overwrite=overwrite)


def _summary(
    stacked: Stacked, out: Path, depth_map: Path | None, step_mm: float | None
) -> dict[str, Any]:
    height, width, bands = stacked.pixels.shape
    return {
        "file": str(out),
        "width": width,
        "height": height,
        "bands": bands,
        "bits": 8 * stacked.pixels.dtype.itemsize,
        "slices": [
            {
                "file": str(each.frame.path),
                "scale": round(float(np.sqrt(abs(np.linalg.det(each.matrix[:, :2])))), 6),
                "turn_deg": round(
                    float(np.degrees(np.arctan2(each.matrix[1, 0], each.matrix[0, 0]))), 4
                ),
                "right_px": round(_shift(each.matrix, width, height)[0], 2),
                "down_px": round(_shift(each.matrix, width, height)[1], 2),
            }
            for each in stacked.slices
        ],
        "middle": str(stacked.middle.path),
        "depth_map": None if depth_map is None else str(depth_map),
        "depth_unit": "slices" if step_mm is None else "mm",
        "left_out": [
            {"file": str(error.path), "reason": error.reason} for error in stacked.left_out
        ],
        "notes": list(stacked.notes),
    }


def _shift(matrix: np.ndarray, width: int, height: int) -> tuple[float, float]:
    """Return how far the middle of the picture moved."""
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    moved = matrix[:, :2] @ centre + matrix[:, 2] - centre
    return float(moved[0]), float(moved[1])
