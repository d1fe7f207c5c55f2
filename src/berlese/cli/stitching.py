"""`berlese stitch TILE... --out FILE`: what is written, and what is said about it."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from berlese.cli.console import Stages
from berlese.cli.targets import require_new_files
from berlese.errors import SettingError
from berlese.photos.stitch import Stitched, stitch_tiles
from berlese.survey.sheets import write_sheet

PAIR_COLUMNS = ("first", "second", "correlation", "residual_px")


def pairs_path(out: Path) -> Path:
    """Return the table of pairs beside a mosaic."""
    return out.with_name(f"{out.stem}.pairs.csv")


def stitch_into_file(
    tiles: Sequence[Path], out: Path, *, overwrite: bool, stages: Stages
) -> tuple[Stitched, dict[str, Any]]:
    """Stitch tiles into `out`, with the table of pairs beside it; return what to print.

    Raises
    ------
    SettingError
        If a file to write exists or has no fitting name, or if no tiles fit together.
    """
    _require_writable(out, tiles, overwrite)
    with ExitStack() as open_stage:

        def stage(name: str, total: int | None) -> Callable[[int], None]:
            open_stage.close()
            return open_stage.enter_context(stages(name, total))

        stitched = stitch_tiles(tiles, out, stage)
    _write_pairs(pairs_path(out), stitched)
    return stitched, _summary(stitched, out)


def _require_writable(out: Path, tiles: Sequence[Path], overwrite: bool) -> None:
    if out.suffix.lower() not in (".tif", ".tiff", ".btf"):
        raise SettingError(f"{out}: a mosaic is a BigTIFF; expected a name that ends in .tif.")
    require_new_files((out, pairs_path(out)), tiles, overwrite=overwrite)


def _write_pairs(path: Path, stitched: Stitched) -> None:
    rows = (
        (pair.first.name, pair.second.name, f"{pair.correlation:.4f}", f"{pair.residual_px:.3f}")
        for pair in stitched.pairs
    )
    write_sheet(path, PAIR_COLUMNS, rows)


def _summary(stitched: Stitched, out: Path) -> dict[str, Any]:
    residuals = np.array([pair.residual_px for pair in stitched.pairs])
    return {
        "file": str(out),
        "pairs_file": str(pairs_path(out)),
        "width": stitched.width,
        "height": stitched.height,
        "grid": stitched.grid,
        "pairs": len(residuals),
        "residual_px": {
            "rms": round(float(np.sqrt(np.mean(np.square(residuals)))), 3),
            "median": round(float(np.median(residuals)), 3),
            "largest": round(float(residuals.max()), 3),
        },
        "tiles": [
            {
                "file": str(each.frame.path),
                "x": round(float(each.matrix[0, 2]), 3),
                "y": round(float(each.matrix[1, 2]), 3),
                "turn_deg": round(
                    float(np.degrees(np.arctan2(each.matrix[1, 0], each.matrix[0, 0]))), 4
                ),
                "gain": round(float(each.gain.mean()), 4),
                "sd_px": round(known, 3) if np.isfinite(known) else None,
            }
            for each, known in zip(stitched.placements, stitched.sd_px, strict=True)
        ],
        "by_name_only": [str(path) for path in stitched.by_name_only],
        "doubtful": [
            {"file": str(error.path), "reason": error.reason} for error in stitched.doubtful
        ],
        "left_out": [
            {"file": str(error.path), "reason": error.reason} for error in stitched.left_out
        ],
    }
