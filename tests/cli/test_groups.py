"""Options that go together: each is an option of its own, in its place, with its default."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from berlese.classify.naming.promises import NamingSettings
from berlese.cli import flags
from berlese.cli.app import VERBS
from berlese.cli.groups import Extractor, Finding, Naming, flattened
from berlese.cli.study_options import Protocols
from berlese.errors import SettingError
from berlese.specimens.segment import SegmentSettings
from berlese.study.plans import StudySettings

SCREEN = 60  # lines


@dataclass(frozen=True)
class Trap:
    """Two options."""

    bait: Annotated[str, typer.Option(help="What lies in it.")] = "beer"
    depth: Annotated[int, typer.Option(min=1, help="Centimetres.")] = 10


def invoke(*arguments: str):
    heard = []

    def dig(site: Annotated[str, typer.Argument()], *, trap: Trap, deep: bool = False) -> None:
        """Dig a trap."""
        heard.append((site, trap, deep))

    app = typer.Typer()
    app.command()(flattened(dig))
    return CliRunner().invoke(app, list(arguments)), heard


def test_a_group_is_made_of_its_options_and_their_defaults() -> None:
    assert invoke("moor")[1] == [("moor", Trap("beer", 10), False)]
    assert invoke("moor", "--depth", "3", "--deep")[1] == [("moor", Trap("beer", 3), True)]


def test_an_option_of_a_group_is_checked_and_shown_in_its_place() -> None:
    result, heard = invoke("moor", "--depth", "0")
    assert result.exit_code == 2
    assert heard == []
    text = invoke("--help")[0].output
    assert "Dig a trap." in text
    places = [text.index(option) for option in ("--deep", "--bait", "--depth")]
    assert places == sorted(places)


def panels_of(verb) -> dict[str, str | None]:
    app = typer.Typer(add_completion=False)
    app.command()(flattened(verb))
    return {each.name: each.rich_help_panel for each in typer.main.get_command(app).params}


def test_the_help_shows_a_group_in_a_panel_and_the_same_option_elsewhere_in_none() -> None:
    def grouped(*, extractor: Extractor, seed: flags.Seed = 0) -> None:
        """Take a group."""

    def single(weights: flags.Weights = None) -> None:
        """Take one option of the group."""

    title = "What makes features of pictures"
    assert panels_of(grouped) == {"backbone": title, "weights": title, "seed": None}
    assert panels_of(single) == {"weights": None}


def test_without_options_the_settings_are_the_librarys_own() -> None:
    assert Naming().settings() == NamingSettings()
    assert Finding().settings() == SegmentSettings()
    assert Protocols().settings(0) == StudySettings()
    assert Protocols(as_published=True).settings(0) == StudySettings.published()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Protocols(sizes="100,many"), "--sizes must be integers"),
        (Protocols(pairs="LH"), "SOURCE:TARGET"),
        (Protocols(pairs="LH:LH"), "SOURCE:TARGET"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_by_its_option(said: Protocols, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        said.settings(0)


def test_every_verb_reads_on_a_screen() -> None:
    lengths = {verb.__name__: len(inspect.getsourcelines(verb)[0]) for verb in VERBS}
    assert {name: lines for name, lines in lengths.items() if lines > SCREEN} == {}
