"""Options that go together, as one parameter of a verb and one object inside it.

A group is a frozen dataclass whose fields are options of `berlese.cli.flags`. A verb that has a
parameter of such a class takes all its options at that place; `flattened` makes of it the function
that Typer asks for. ``--help`` shows a group as a panel of its own, under the first line of the
class's docstring. Settings that are made of options are made here, and nowhere else; their
classes weigh much and are loaded then.
"""

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from berlese.cli import flags

if TYPE_CHECKING:
    from berlese.classify.naming.promises import NamingSettings
    from berlese.photos.stack import StackSettings
    from berlese.specimens.segment import SegmentSettings


@dataclass(frozen=True, slots=True)
class Labels:
    """Columns of a CSV library."""

    taxon: flags.Taxon = "taxon"
    group: flags.Group = None


@dataclass(frozen=True, slots=True)
class Extractor:
    """What makes features of pictures."""

    backbone: flags.Backbone = flags.DEFAULT_BACKBONE
    weights: flags.Weights = None


@dataclass(frozen=True, slots=True)
class Naming:
    """How sure a name must be, and what is unknown."""

    unknown_rate: flags.UnknownRate = flags.DEFAULT_UNKNOWN_RATE
    unknown_score: flags.UnknownScore = flags.DEFAULT_UNKNOWN_SCORE
    unknown_threshold: flags.UnknownThreshold = None
    error_rate: flags.ErrorRate = None

    def settings(self) -> "NamingSettings":
        """Make the settings; a value that is out of range is a `SettingError`."""
        from berlese.classify.naming.promises import NamingSettings

        return NamingSettings(
            self.unknown_rate, self.unknown_score, self.unknown_threshold, self.error_rate
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """Which animals are found, and where."""

    min_length_px: flags.MinLengthPx = None
    min_length_mm: flags.MinLengthMm = None
    polarity: flags.Polarity = "auto"
    dish: flags.Dish = "auto"

    def settings(self) -> "SegmentSettings":
        """Make the settings; a value that is out of range is a `SettingError`."""
        from berlese.cli.segmentation import settings_with

        return settings_with(self.min_length_px, self.min_length_mm, self.polarity, self.dish)


@dataclass(frozen=True, slots=True)
class Fusion:
    """How slices become one picture."""

    method: Annotated[
        str, typer.Option(help="pyramid (most detail) or depth-map (calmest surfaces).")
    ] = "pyramid"
    radius: Annotated[
        float, typer.Option(min=1.0, max=200.0, help="Pixels over which sharpness is judged.")
    ] = 8.0
    smoothing: Annotated[
        float, typer.Option(min=0.0, max=200.0, help="Pixels over which depth is smoothed.")
    ] = 4.0
    align: Annotated[
        bool, typer.Option(help="Bring the slices into register and to one brightness.")
    ] = True

    def settings(self) -> "StackSettings":
        """Make the settings; a value that is out of range is a `SettingError`."""
        from berlese.photos.stack import StackSettings

        return StackSettings(
            method=self.method,
            align=self.align,
            radius_px=self.radius,
            smoothing_px=self.smoothing,
        )


def flattened(verb: Callable[..., None]) -> Callable[..., None]:
    """Make of a verb one that takes the options of its groups, each by itself, in their order."""
    parameters = []
    members: dict[str, tuple[Any, list[str]]] = {}
    for parameter in inspect.signature(verb).parameters.values():
        group = parameter.annotation
        inner = [parameter]
        if isinstance(group, type) and is_dataclass(group):
            options = inspect.signature(group).parameters.values()
            inner = [_in_panel(option, group) for option in options]
            members[parameter.name] = (group, [each.name for each in inner])
        parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in inner]

    @wraps(verb)
    def call(**given: Any) -> None:
        for name, (group, names) in members.items():
            given[name] = group(**{each: given.pop(each) for each in names})
        verb(**given)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    del call.__wrapped__  # Typer would ask it for its parameters
    return call


def _in_panel(option: inspect.Parameter, group: type) -> inspect.Parameter:
    """Show a group's option in its panel; on a copy, since verbs take it by itself as well."""
    kind, info = get_args(option.annotation)
    shown = copy(info)
    shown.rich_help_panel = (inspect.getdoc(group) or "").splitlines()[0].rstrip(".")
    return option.replace(annotation=Annotated[kind, shown])
