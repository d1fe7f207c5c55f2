"""What an installation has and lacks, in words."""

import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "opencv-python-headless", "onnxruntime", "pyvips", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `advice` says what to do where it is not in order."""

    name: str
    in_order: bool
    found: str
    advice: str = ""

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
    from berlese.features.backbones import listing

    return [
        Check(
            f"backbone {info.name}",
            info.available,
            f"{info.dim} values, {info.input_size} pixels" if info.available else "not installed",
            "" if info.available else info.note,
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
