"""The options of `berlese study` that say what is trained on what, and the settings they make."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from berlese.errors import SettingError

if TYPE_CHECKING:
    from berlese.study.plans import StudySettings


@dataclass(frozen=True, slots=True)
class Protocols:
    """Which protocols, on which pairs of libraries, with which trainings."""

    protocols: Annotated[
        str | None,
        typer.Option(
            help="Some of within, locality, between, adaptation, unknowns, divergence, tuning, "
            "with commas between; all by default."
        ),
    ] = None
    pairs: Annotated[
        str | None,
        typer.Option(
            help="Pairs as SOURCE:TARGET with commas between; the paper's three for libraries "
            "called LH, LL and GH, else all."
        ),
    ] = None
    locality: Annotated[
        str | None,
        typer.Option(help="Libraries to split by site; LH in the paper's, else all with sites."),
    ] = None
    replicates: Annotated[int, typer.Option(min=1, help="Trainings of each kind and size.")] = 10
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of plain heads.")] = 500
    dann_epochs: Annotated[int, typer.Option(min=1, help="Epochs of an adaptation.")] = 300
    sizes: Annotated[
        str | None, typer.Option(help="Training sizes, such as 100,200; by rule by default.")
    ] = None
    site_counts: Annotated[
        str | None, typer.Option(help="Numbers of sites to train on, such as 4,8.")
    ] = None
    mixed_sizes: Annotated[
        str | None, typer.Option(help="Sizes of an adaptation's draws, such as 300,600.")
    ] = None
    domain_weights: Annotated[
        list[float] | None,
        typer.Option(
            "--lambda",
            min=0.0,
            help="Weight of the domain loss, 0.1 by default; of several, one is chosen without "
            "looking at the target's labels.",
        ),
    ] = None
    split: Annotated[
        str | None, typer.Option(help="stratified (default), or random as in the paper.")
    ] = None
    hidden: Annotated[str | None, typer.Option(help="Hidden units, such as 512,256.")] = None
    dropout: Annotated[float | None, typer.Option(min=0.0, max=0.99, help="Dropout.")] = None
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="The paper to the letter, with its traps: random splits, lambda by target "
            "accuracy, a threshold from the pictures that it is scored on.",
        ),
    ] = False

    def settings(self, seed: int) -> "StudySettings":
        """Make the settings; what is None keeps its default.

        Raises
        ------
        SettingError
            If a list cannot be read, or a value is out of range.
        """
        from berlese.study.plans import StudySettings

        said: dict[str, Any] = {
            "protocols": _words(self.protocols),
            "pairs": _pairs(self.pairs),
            "locality": _words(self.locality),
            "replicates": self.replicates,
            "epochs": self.epochs,
            "dann_epochs": self.dann_epochs,
            "train_sizes": _numbers("--sizes", self.sizes),
            "site_counts": _numbers("--site-counts", self.site_counts),
            "mixed_sizes": _numbers("--mixed-sizes", self.mixed_sizes),
            "domain_weights": tuple(self.domain_weights) if self.domain_weights else None,
            "split": self.split,
            "hidden": _numbers("--hidden", self.hidden),
            "dropout": self.dropout,
            "seed": seed,
        }
        given = {name: value for name, value in said.items() if value is not None}
        return StudySettings.published(**given) if self.as_published else StudySettings(**given)


@dataclass(frozen=True, slots=True)
class Sites:
    """Where a study's pictures come from, beside their libraries' folders."""

    site: Annotated[str | None, typer.Option(help="Column of the site in CSV libraries.")] = None
    sites: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns file and site; truth.csv beside a library by default."
        ),
    ] = None


def _words(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(unicodedata.normalize("NFC", word.strip()) for word in text.split(","))


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        message = f"{option} must be integers with commas between, such as 100,200, got {text!r}."
        raise SettingError(message) from None


def _pairs(text: str | None) -> tuple[tuple[str, str], ...] | None:
    if text is None:
        return None
    pairs = []
    for word in _words(text) or ():
        source, colon, target = word.partition(":")
        if not (colon and source and target) or source == target:
            raise SettingError(f"--pairs must be SOURCE:TARGET with commas between, got {word!r}.")
        pairs.append((source, target))
    return tuple(pairs)
