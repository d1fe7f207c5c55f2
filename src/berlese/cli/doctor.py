"""What an installation has and lacks, and how a survey's photos are, in words."""

import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from berlese.cli.console import print_table

LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "pyvips", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `advice` says what to do where it is not in order.

    What is not `needed` may be missing: it is there for who wants it.
    """

    name: str
    in_order: bool
    found: str
    advice: str = ""
    needed: bool = True

    @property
    def state(self) -> str:
        """In one word."""
        if self.in_order:
            return "ok"
        return "missing" if self.needed else "optional"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def check_installation() -> list[Check]:
    """Look at what berlese needs: libraries, photo formats, inference, backbones, the cache."""
    return [
        _python(),
        *map(_library, LIBRARIES),
        _photo_formats(),
        _inference(),
        *_backbones(),
        _cache(),
    ]


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", True, f"{found}, {os.cpu_count()} cores")


def _library(name: str) -> Check:
    try:
        return Check(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, False, "not installed", f"pip install {name}")


def _photo_formats() -> Check:
    import pyvips

    loaders = {"JPEG": "jpegload", "PNG": "pngload", "TIFF": "tiffload", "WebP": "webpload"}
    missing = [
        name for name, loader in loaders.items() if pyvips.type_find("VipsOperation", loader) == 0
    ]
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    return Check(
        "photo formats",
        not missing,
        f"libvips {version}" + (f", without {', '.join(missing)}" if missing else ""),
        "pip install --force-reinstall 'pyvips[binary]'" if missing else "",
    )


def _inference() -> Check:
    import onnxruntime

    return Check("inference", True, ", ".join(onnxruntime.get_available_providers()))


def _backbones() -> list[Check]:
    from berlese.features.backbones import DEFAULT_BACKBONE, listing

    return [
        Check(
            f"backbone {info.name}",
            info.available,
            f"{info.dim} values, {info.input_size} pixels" if info.available else "not installed",
            "" if info.available else info.note,
            needed=info.name == DEFAULT_BACKBONE,
        )
        for info in listing()
    ]


def _cache() -> Check:
    from berlese.features.backbones import cache_folder

    folder = cache_folder()
    existing = next(each for each in [folder, *folder.parents] if each.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "set BERLESE_CACHE to a folder that can be written to"
        return Check("cache", False, f"{folder}: {error.strerror}", advice)
    return Check("cache", True, str(Path(folder)))


def tell_findings(summary: dict[str, Any]) -> None:
    """Print how photos were taken, and what to change.

    Parameters
    ----------
    summary : dict
        From `berlese.survey.imaging_findings.summary_of`.
    """
    columns = {
        "name": "photo",
        "animals": "animals",
        "length_px": "length",
        "edge_px": "edge",
        "ground_level": "ground",
        "ground_evenness": "evenness",
        "mm_per_pixel": "mm/pixel",
        "mm_per_pixel_source": "says who",
    }
    named = [photo | {"name": PurePosixPath(photo["photo"]).name} for photo in summary["photos"]]
    rows = [[_figure(photo.get(name)) for name in columns] for photo in named]
    print_table("Photos (lengths in pixels)", list(columns.values()), rows)
    for finding in summary["findings"]:
        typer.echo(
            f"\n{PurePosixPath(finding['photo']).name}: {finding['seen']}\n  {finding['advice']}"
        )
    if not summary["findings"]:
        typer.echo("Nothing to change.")


def _figure(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
