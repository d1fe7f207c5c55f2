"""`simulate photos` and `simulate libraries`: pictures with known truth."""

from pathlib import Path
from typing import Annotated

import typer

from berlese.cli import flags
from berlese.cli.console import Stages, print_json, user_errors


def simulate_photos(
    out: Annotated[Path, typer.Option(help="Folder for the photos and truth.json (COCO).")],
    photos: Annotated[int, typer.Option(min=1, help="How many photos.")] = 6,
    animals: Annotated[int, typer.Option(min=1, help="Animals a photo.")] = 40,
    sites: Annotated[int, typer.Option(min=1, help="How many sites they come from.")] = 3,
    library: Annotated[
        int, typer.Option(min=0, help="Also a library of so many pictures a taxon.")
    ] = 0,
    seed: flags.Seed = 1,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Draw dishes of beetles of twelve families, with exact masks, boxes and names."""
    with user_errors():
        from berlese.cli.simulation import simulate_into

        files = simulate_into(
            out,
            seed=seed,
            photos=photos,
            animals=animals,
            sites=sites,
            library=library,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    print_json({"files": files}) if json else typer.echo("\n".join(files))


def simulate_libraries(
    out: Annotated[Path, typer.Option(help="Folder for LH, LL, GH, LH-unknown and truth.csv.")],
    scale: Annotated[
        float, typer.Option(help="What the paper's counts (Table S1) are multiplied by.")
    ] = 1.0,
    seed: flags.Seed = 1,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes to use; all cores by default.")
    ] = None,
    overwrite: flags.Overwrite = False,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
) -> None:
    """Draw the paper's three labelled libraries, and animals of taxa that none of them holds."""
    with user_errors():
        from berlese.cli.simulation import LIBRARIES_TRUTH_NAME, simulate_libraries_into

        counts = simulate_libraries_into(
            out,
            seed=seed,
            scale=scale,
            jobs=jobs,
            overwrite=overwrite,
            stages=Stages(quiet=quiet),
        )
    if json:
        print_json({"pictures": counts, "truth": str(out / LIBRARIES_TRUTH_NAME)})
    else:
        for dataset, count in counts.items():
            typer.echo(f"{out / dataset}: {count:,} pictures")
        typer.echo(str(out / LIBRARIES_TRUTH_NAME))
