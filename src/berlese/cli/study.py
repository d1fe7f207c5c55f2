"""Glue of `berlese study`: libraries in; tables, figures and one page out.

Each finished group of trainings is written at once, under a name made of what it follows from:
features, taxa, sites, settings, version. The same command therefore goes on where a killed one
stopped, and another setting trains only what it changes.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from berlese import __version__
from berlese.cli.console import Stages
from berlese.cli.groups import Extractor, Labels
from berlese.cli.study_options import Sites
from berlese.cli.study_page import write_page
from berlese.errors import LibraryError
from berlese.features import backbones
from berlese.features.backbones import Backbone
from berlese.photos.identity import sha256_of
from berlese.photos.reading import find_photos
from berlese.photos.writing import atomic_write, write_text_atomic
from berlese.study.analysis import Analysis, analyse
from berlese.study.datasets import Dataset, Libraries
from berlese.study.plans import Group, Plan, StudySettings, plan_study
from berlese.study.plates import Plate, iter_plates
from berlese.study.trainings import GroupResult, n_trainings, train_group, work_of
from berlese.survey.failures import Failure, record_failures
from berlese.survey.library import FILE_COLUMNS, Library, read_library
from berlese.survey.sheets import read_sheet, write_sheet
from berlese.survey.training import EmbeddedLibrary, embed_library

TRUTH_NAME = "truth.csv"
UNKNOWN_SUFFIX = "-unknown"
UNKNOWN_LABEL = "unknown"
GROUPS = "groups"
FIGURES = "figures"
DOTS_PER_INCH = 300
IMAGE_PASSES = 1000  # one step of the progress bar


@dataclass(frozen=True, slots=True)
class StudySources:
    """Where a study's pictures are.

    Parameters
    ----------
    libraries : tuple of Path
        The first is the source of interest.
    labels : Labels
        Columns of the taxon and of the photo in CSV libraries.
    sites : Sites
        Column of the site in CSV libraries, or a CSV with the columns file and site; without
        them, ``truth.csv`` beside a library's folder.
    unknowns : Path, optional
        Pictures that no model learns; without it, the folder beside a library that bears its
        name and ``-unknown``.
    """

    libraries: tuple[Path, ...]
    labels: Labels
    sites: Sites
    unknowns: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StudyReport:
    """What a study found, and where it lies."""

    out: Path
    page: Path
    analysis: Analysis
    failures: tuple[Failure, ...]
    n_pictures: int
    n_trained: int
    n_resumed: int
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "page": str(self.page),
            "pictures": self.n_pictures,
            "trained": self.n_trained,
            "resumed": self.n_resumed,
            "files": [str(path) for path in self.files],
            "failures": [{"file": each.file, "reason": each.reason} for each in self.failures],
            "statistics": self.analysis.to_statistics(),
        }


def run_study(
    sources: StudySources,
    settings: StudySettings,
    out: Path,
    *,
    extractor: Extractor,
    jobs: int | None,
    stages: Stages,
) -> StudyReport:
    """Run every protocol that was asked for and write all of it into `out`.

    Raises
    ------
    LibraryError
        If a library cannot be read.
    SettingError
        If a setting does not fit the data, or nothing can be run.
    """
    readings = [_read(path, sources.labels) for path in sources.libraries]
    names = _unlike_names(sources.libraries)
    with stages("prepare backbone"):
        session = backbones.load(extractor.backbone, weights=extractor.weights, threads=jobs)
    pictures = _embed_all(names, readings, sources, session, jobs, stages)
    libraries, paths = pictures.libraries, [str(path) for path in pictures.paths]
    plan = plan_study(libraries, settings)
    plan = Plan(plan.groups, plan.pairs, plan.shown, pictures.notes + plan.notes)
    out.mkdir(parents=True, exist_ok=True)
    record_failures(out, "library", paths, pictures.failures)
    results, n_resumed = _train(libraries, plan, settings, session, out, jobs, stages)
    with stages("tables and figures"):
        analysis = analyse(libraries, plan, settings, results)
        context = _context(libraries, settings, session)
        files = _write_tables(out, analysis, context, paths)
        plates = []
        for plate in iter_plates(libraries, plan, analysis):
            files += _write_plate(out / FIGURES, plate)
            plates.append((plate.name, plate.title, plate.caption))
        page = write_page(out, plates, plan, settings, analysis, context)
    n_trained = sum(n_trainings(group, settings) for group in plan.groups)
    return StudyReport(
        out=out,
        page=page,
        analysis=analysis,
        failures=pictures.failures,
        n_pictures=len(paths),
        n_trained=n_trained,
        n_resumed=n_resumed,
        files=(*files, page),
    )


def _read(path: Path, labels: Labels) -> Library:
    """Read a library; groups and sites are columns of CSV libraries only."""
    return read_library(path, labels.taxon, labels.group if path.is_file() else None)


def _unlike_names(paths: Sequence[Path]) -> list[str]:
    """Name each library after its folder or file; a name that comes again gets a number."""
    names: list[str] = []
    for path in paths:
        plain = path.resolve().stem if path.is_file() else path.resolve().name
        name, number = plain, 2
        while name in names:
            name, number = f"{plain}-{number}", number + 1
        names.append(name)
    return names


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """All pictures of a study as a backbone sees them; `paths` are in the libraries' order."""

    libraries: Libraries
    paths: tuple[Path, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def _embed_all(
    names: Sequence[str],
    readings: Sequence[Library],
    sources: StudySources,
    session: Backbone,
    jobs: int | None,
    stages: Stages,
) -> _Pictures:
    """Make the features of the libraries, then of the unknowns; notes tell of missing sites."""
    failures: list[Failure] = []
    datasets: list[Dataset] = []
    unknowns: dict[str, Dataset] = {}
    paths: list[Path] = []
    notes: list[str] = []
    for name, path, library in zip(names, sources.libraries, readings, strict=True):
        embedded = _embed(name, library, session, jobs, stages)
        failures += embedded.failures
        sites = _sites_of(path, library, embedded, sources, notes, name)
        datasets.append(_dataset(name, embedded, sites))
        paths += embedded.paths
    for name, folder in _unknown_folders(names, sources).items():
        embedded = _embed(folder.name, _read_unknowns(folder), session, jobs, stages)
        failures += embedded.failures
        unknowns[name] = _dataset(folder.name, embedded, None)
        paths += embedded.paths
    libraries = Libraries(datasets, unknowns)
    return _Pictures(libraries, tuple(paths), tuple(failures), tuple(notes))


def _embed(
    name: str, library: Library, session: Backbone, jobs: int | None, stages: Stages
) -> EmbeddedLibrary:
    with stages(f"embed {name}", len(library.paths)) as advance:
        return embed_library(library, session, jobs=jobs, progress=advance)


def _dataset(name: str, embedded: EmbeddedLibrary, sites: NDArray[np.str_] | None) -> Dataset:
    return Dataset(
        name,
        embedded.features,
        embedded.labels,
        sites,
        embedded.groups,
        np.array([sha256_of(path) for path in embedded.paths]),
    )


def _sites_of(
    path: Path,
    library: Library,
    embedded: EmbeddedLibrary,
    sources: StudySources,
    notes: list[str],
    name: str,
) -> NDArray[np.str_] | None:
    """Find the site of each picture: a column of a CSV library, or a list of sites."""
    known: Mapping[Path, str] = {}
    given = sources.sites
    if path.is_file() and given.site is not None:
        by_site = read_library(path, sources.labels.taxon, given.site)
        pairs = zip(by_site.paths, by_site.groups or (), strict=True)
        # A row without a site stands for itself there: its own path.
        known = {picture.resolve(): "" if site == str(picture) else site for picture, site in pairs}
    elif given.sites is not None:
        known = _read_sites(given.sites)
    elif (path.resolve().parent / TRUTH_NAME).is_file():
        known = _read_sites(path.resolve().parent / TRUTH_NAME)
    found = np.array([known.get(picture.resolve(), "") for picture in embedded.paths])
    missing = int((found == "").sum())
    if known and missing:
        notes.append(f"{name}: the site of {missing} of {len(found)} pictures is not known.")
    return found if missing < len(found) else None


def _read_sites(path: Path) -> dict[Path, str]:
    """Read a CSV of sites; files are relative to it, in the folder of the row's data set if any."""
    sheet = read_sheet(path, LibraryError)
    places = [sheet.places(names) for names in (FILE_COLUMNS, ("site",), ("dataset",))]
    for place, wanted in zip(places[:2], ("file", "site"), strict=True):
        if not place:
            raise LibraryError(f"{path}: has no column {wanted!r}; expected file and site.")
    sites = {}
    for _, row in sheet.rows:
        file = Path(row[places[0][0]].replace("\\", "/"))
        sites[(path.parent / file).resolve()] = row[places[1][0]]
        if places[2]:
            sites[(path.parent / row[places[2][0]] / file).resolve()] = row[places[1][0]]
    return sites


def _unknown_folders(names: Sequence[str], sources: StudySources) -> dict[str, Path]:
    """Folders of unknowns by the data set they belong to; the empty name is for all."""
    if sources.unknowns is not None:
        return {"": sources.unknowns}
    beside = {
        name: path.resolve().with_name(path.name + UNKNOWN_SUFFIX)
        for name, path in zip(names, sources.libraries, strict=True)
    }
    return {name: folder for name, folder in beside.items() if folder.is_dir()}


def _read_unknowns(folder: Path) -> Library:
    """Read a folder a family, or pictures side by side."""
    if not folder.is_dir():
        raise LibraryError(f"{folder}: does not exist; expected a folder of unknown animals.")
    if any(each.is_dir() for each in folder.iterdir()):
        return read_library(folder)
    paths = tuple(find_photos([folder]))
    if not paths:
        raise LibraryError(f"{folder}: holds no picture of an unknown animal.")
    return Library(paths, (UNKNOWN_LABEL,) * len(paths), None, UNKNOWN_LABEL, {}, 0, ())


def _train(
    libraries: Libraries,
    plan: Plan,
    settings: StudySettings,
    session: Backbone,
    out: Path,
    jobs: int | None,
    stages: Stages,
) -> tuple[list[GroupResult], int]:
    """Train the groups that are not there yet, and write each as it is finished."""
    folder = out / GROUPS
    folder.mkdir(exist_ok=True)
    data = _hash_of(libraries, session)
    paths = {group: folder / f"{_key(group, settings, data)}.npz" for group in plan.groups}
    results = {group: _stored(group, path) for group, path in paths.items()}
    todo = [group for group in plan.groups if results[group] is None]
    n_resumed = sum(n_trainings(group, settings) for group in plan.groups if group not in todo)
    steps = {
        group: max(round(work_of(group, settings, libraries) / IMAGE_PASSES), 1) for group in todo
    }
    total = sum(steps[group] * n_trainings(group, settings) for group in todo)
    with stages("train (thousand image passes)", total) as advance:
        for group in todo:

            def tell(finished: int, step: int = steps[group]) -> None:
                advance(finished * step)

            result = train_group(libraries, group, settings, jobs=jobs, progress=tell)
            with atomic_write(paths[group]) as temporary, temporary.open("wb") as file:
                arrays: dict[str, Any] = result.to_arrays()
                np.savez_compressed(file, **arrays)
            results[group] = result
    return [result for result in results.values() if result is not None], n_resumed


def _hash_of(libraries: Libraries, session: Backbone) -> str:
    digest = sha256(np.ascontiguousarray(libraries.features).tobytes())
    names = {name: len(data) for name, data in libraries.datasets.items()}
    said = [session.hash, names, libraries.taxa, libraries.codes.tolist(), libraries.sites.tolist()]
    digest.update(json.dumps(said).encode())
    return digest.hexdigest()


def _key(group: Group, settings: StudySettings, data: str) -> str:
    """Name a group by all that its result follows from."""
    of_settings = [
        settings.replicates,
        settings.epochs,
        settings.dann_epochs,
        settings.split,
        settings.seed,
    ]
    what = [__version__, data, asdict(group), of_settings]
    return sha256(json.dumps(what).encode()).hexdigest()[:24]


def _stored(group: Group, path: Path) -> GroupResult | None:
    """Load a finished group; a file that is absent or damaged counts as not finished."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return GroupResult.from_arrays(group, dict(arrays))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _context(libraries: Libraries, settings: StudySettings, session: Backbone) -> dict[str, Any]:
    """Say what the results rest on, as JSON types."""
    return {
        "settings": settings.to_dict(),
        "backbone": session.name,
        "backbone_hash": session.hash,
        "version": __version__,
        "libraries": {name: len(data) for name, data in libraries.datasets.items()},
        "unknowns": {data.name: len(data) for data in libraries.unknowns.values()},
    }


def _write_tables(
    out: Path, analysis: Analysis, context: Mapping[str, Any], paths: Sequence[str]
) -> list[Path]:
    statistics = {**context, **analysis.to_statistics()}
    text = json.dumps(statistics, ensure_ascii=False, indent=1) + "\n"
    write_text_atomic(out / "statistics.json", text)
    copies = pd.DataFrame(
        [(paths[first], paths[copy]) for first, copy in analysis.duplicates],
        columns=["file", "copy"],
    )
    tables = {
        "results.csv": analysis.results,
        "by_taxon.csv": analysis.taxa,
        "unknowns.csv": analysis.rejection,
        "divergence.csv": analysis.divergence,
        "leakage.csv": analysis.leakage,
        "duplicates.csv": copies,
    }
    for name, table in tables.items():
        _write_figures(out / name, table)
    return [out / "statistics.json", *(out / name for name in tables)]


def _write_figures(path: Path, table: pd.DataFrame) -> None:
    """Write a table, its numbers to six digits; blank where there is none."""
    rows = table.astype(object).where(table.notna(), "").itertuples(index=False, name=None)
    short = (
        [f"{cell:.6g}" if isinstance(cell, float | np.floating) else cell for cell in row]
        for row in rows
    )
    write_sheet(path, table.columns, short)


def _write_plate(folder: Path, plate: Plate) -> list[Path]:
    """Write a figure as PNG and SVG, and what it shows as CSV."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{plate.name}.{suffix}" for suffix in ("png", "svg", "csv")]
    for path, metadata in zip(
        paths[:2], ({"Software": None}, {"Date": None, "Creator": None}), strict=True
    ):
        memory = io.BytesIO()
        plate.figure.savefig(
            memory, format=path.suffix[1:], dpi=DOTS_PER_INCH, metadata=dict(metadata)
        )
        with atomic_write(path) as temporary:
            temporary.write_bytes(memory.getvalue())
        plate.figure.set_layout_engine("none")  # the places stand; finding them costs most
    _write_figures(paths[2], plate.data)
    return paths
