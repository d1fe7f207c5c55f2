"""What `run` and `demo` say before the table: how far the photos are from the library."""

from pathlib import Path

import typer

from berlese.survey.distance import read_distance
from berlese.survey.survey import Survey


def say_distance(survey: Survey) -> None:
    """Print how far a survey's photos are from its model's domain, and what to do next."""
    distance = read_distance(survey)
    if distance is None:
        return
    colour = "yellow" if distance.asks_for_review else "green"
    typer.secho(distance.headline(), bold=True, fg=colour)
    typer.echo(distance.meaning())
    if not distance.asks_for_review:
        return
    here = Path.cwd() == survey.folder.parent
    typer.echo(f"Next{'' if here else f', in {survey.folder.parent}'}:")
    for command, purpose in distance.next_steps(survey):
        typer.echo(f"  {command}\n      {purpose}")
    typer.echo()
