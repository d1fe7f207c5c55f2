"""`stack` and `stitch`: one photo out of many."""

from pathlib import Path
from typing import Annotated

import typer

from berlese.cli import flags
from berlese.cli.console import SOME_FAILED, Stages, print_json, user_errors
from berlese.cli.groups import Fusion


def stack(
    slices: Annotated[
        list[Path],
        typer.Argument(
            help="Slices of one scene, focused at different heights; or a folder of them.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Picture to write: .tif, .png or .jpg.")],
    fusion: Fusion,
    depth_map: Annotated[
        Path | None,
        typer.Option(help="Also write the depth of each pixel: a .tif of 32-bit floats."),
    ] = None,
    step_mm: Annotated[
        float | None,
        typer.Option(help="Distance of two slices: the depth map is then in millimetres."),
    ] = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Fuse slices focused at different heights to one picture that is sharp throughout."""
    with user_errors():
        from berlese.cli.stacking import stack_into_file
        from berlese.errors import SettingError
        from berlese.photos.reading import find_photos

        if step_mm is not None and not step_mm > 0:
            raise SettingError(f"--step-mm must be a number above 0, got {step_mm!r}.")
        stacked, summary = stack_into_file(
            find_photos(slices),
            out,
            fusion.settings(),
            depth_map=depth_map,
            step_mm=step_mm,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json(summary)
    else:
        typer.echo(
            f"{out}: {summary['width']} x {summary['height']} pixels, {summary['bits']} bits, "
            f"from {len(stacked.slices)} slices; geometry and light of {stacked.middle.path.name}."
        )
        for note in stacked.notes:
            typer.echo(f"Note: {note}")
        for error in stacked.left_out:
            typer.echo(f"Left out: {error}", err=True)
    if stacked.left_out:
        raise typer.Exit(SOME_FAILED)


def stitch(
    tiles: Annotated[
        list[Path],
        typer.Argument(
            help="Tiles that overlap; or a folder of them. Names such as r03_c05, x12_y7 or a "
            "running number tell where they lie, but need not.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="BigTIFF to write: tiled, with a pyramid.")],
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Stitch overlapping tiles to one picture, and say how well each pair fits."""
    with user_errors():
        from berlese.cli.stitching import stitch_into_file
        from berlese.photos.reading import find_photos

        stitched, summary = stitch_into_file(
            find_photos(tiles), out, overwrite=overwrite, stages=Stages(quiet=quiet)
        )
    if json:
        print_json(summary)
    else:
        residual = summary["residual_px"]
        typer.echo(
            f"{out}: {stitched.width} x {stitched.height} pixels from "
            f"{len(stitched.placements)} tiles; {len(stitched.pairs)} pairs apart by "
            f"{residual['median']} px in the median, {residual['largest']} px at most."
        )
        for path in stitched.by_name_only:
            typer.echo(f"Note: {path}: nothing holds it to the rest; placed by its name.")
        for error in stitched.doubtful:
            typer.echo(f"In doubt: {error}", err=True)
        for error in stitched.left_out:
            typer.echo(f"Left out: {error}", err=True)
    if stitched.left_out:
        raise typer.Exit(SOME_FAILED)
