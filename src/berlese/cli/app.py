"""The command line as a whole: which verbs there are, in the order of `berlese --help`."""

from typing import Annotated

import typer

from berlese import __version__
from berlese.cli.groups import flattened
from berlese.cli.verbs import (
    adapting,
    calibration,
    compositing,
    installation,
    models,
    path,
    reviewing,
    simulations,
    studies,
    surveys,
)

VERBS = (
    path.run,
    path.demo,
    surveys.init,
    surveys.add,
    surveys.remove,
    surveys.segment,
    models.embed,
    models.train,
    models.evaluate,
    models.predict,
    adapting.gap,
    adapting.adapt,
    calibration.calibrate,
    reviewing.plan,
    reviewing.join,
    reviewing.cut,
    studies.study,
    compositing.stack,
    compositing.stitch,
    surveys.table,
    surveys.report,
    installation.doctor,
    installation.backbones,
)

app = typer.Typer(
    name="berlese",
    help="From photos of bulk invertebrate samples to a community table.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in VERBS:
    app.command()(flattened(verb))

app.command("import")(reviewing.import_names)

simulate_app = typer.Typer(help="Make photos with known truth.", no_args_is_help=True)
simulate_app.command("photos")(simulations.simulate_photos)
simulate_app.command("libraries")(simulations.simulate_libraries)
app.add_typer(simulate_app, name="simulate")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"berlese {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """From photos of bulk invertebrate samples to a community table."""
