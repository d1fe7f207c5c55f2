"""Photo sets that a model is to name: features of all their animals, and names that people gave.

A photo set is a survey, a folder of pictures of single animals, or a library whose names are then
not looked at. Names by people come from a survey itself, or from a sheet with a file and a taxon
column.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from berlese.errors import LibraryError
from berlese.features.backbones import Backbone, cache_folder
from berlese.features.embed import embed_files
from berlese.features.store import FeatureStore
from berlese.photos.reading import find_photos
from berlese.survey.community import UNKNOWN
from berlese.survey.failures import Failure
from berlese.survey.library import read_library
from berlese.survey.naming import embed_specimens
from berlese.survey.reviewing import Animal, animals_of, chances_of, stored_features
from berlese.survey.survey import Survey, is_survey

STAGE = "photo set"
SHEET = ".csv"


@dataclass(frozen=True, slots=True, eq=False)
class PhotoSet:
    """Animals as features.

    Attributes
    ----------
    features : ndarray of float32 of shape (n, dim)
    paths : tuple of Path
        Picture of each animal.
    names : ndarray of str of shape (n,)
        Taxon that a person gave it, ``unknown`` where it is none that people know; empty where
        nobody looked.
    at_random : ndarray of bool of shape (n,)
        Whether it was named because it had been drawn at random.
    failures : tuple of Failure
        Pictures that cannot be read.
    title : str
        What the set is called.
    photos : ndarray of str of shape (n,), optional
        Photo that each animal was cut from, where pictures are not photos themselves.
    """

    features: NDArray[np.float32]
    paths: tuple[Path, ...]
    names: NDArray[np.str_]
    at_random: NDArray[np.bool_]
    failures: tuple[Failure, ...]
    title: str
    photos: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.paths)


def read_photo_set(
    target: Path,
    backbone: Backbone,
    reviewed: Path | None = None,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> PhotoSet:
    """Make or fetch the features of a photo set.

    Parameters
    ----------
    target : Path
        A survey, a folder of pictures, or a CSV library.
    backbone : Backbone
    reviewed : Path, optional
        CSV file with columns file and taxon: what people said of pictures of the target, drawn at
        random.
    jobs : int, optional
    progress : callable, optional
        Called with the number of pictures just finished.

    Raises
    ------
    LibraryError
        If there is no picture, none can be read, or a name is of a picture that the target lacks.
    SurveyError
        If the target is a survey without animals.
    """
    if is_survey(target):
        with Survey.open(target) as survey:
            photo_set = _of_survey(survey, backbone, jobs, progress)
    else:
        photo_set = _of_pictures(_pictures(target), target.name, backbone, jobs, progress)
    return photo_set if reviewed is None else _with_sheet(photo_set, reviewed)


def _pictures(target: Path) -> Sequence[Path]:
    if target.suffix.casefold() == SHEET:
        return read_library(target).paths
    if not target.is_dir():
        raise LibraryError(
            f"{target}: does not exist; expected a survey, a folder of pictures or a CSV file."
        )
    pictures = find_photos([target])
    if not pictures:
        raise LibraryError(f"{target}: is a folder without pictures; expected image files in it.")
    return pictures


def _of_survey(
    survey: Survey,
    backbone: Backbone,
    jobs: int | None,
    progress: Callable[[int], None] | None,
) -> PhotoSet:
    report = embed_specimens(survey, backbone, jobs=jobs, progress=progress)
    failed = {each.file for each in report.failures}
    every = animals_of(survey)
    # The order of review holds for all animals, so ask before any is left out.
    said = [row for row, animal in enumerate(every) if animal.reviewed is not None]
    random = dict(zip(said, ~np.isnan(chances_of(survey, every)), strict=True))
    kept = [
        (row, animal)
        for row, animal in enumerate(every)
        if survey.relative(animal.crop) not in failed
        and (animal.reviewed is None or animal.reviewed.status != "discarded")
    ]
    animals = [animal for _, animal in kept]
    names = [_name(animal) for animal in animals]
    return PhotoSet(
        stored_features(survey, animals, backbone.name, backbone.hash),
        tuple(animal.crop for animal in animals),
        np.array(names, np.str_),
        np.array([bool(random.get(row, False)) for row, _ in kept], bool),
        report.failures,
        f"survey {survey.settings.name}",
        np.array([animal.photo for animal in animals]),
    )


def _name(animal: Animal) -> str:
    """What a person called it; empty where nobody did, or was sure."""
    word = animal.reviewed
    if word is None or word.status not in ("validated", UNKNOWN):
        return ""
    return (word.taxon or "") if word.status == "validated" else UNKNOWN


def _of_pictures(
    pictures: Sequence[Path],
    title: str,
    backbone: Backbone,
    jobs: int | None,
    progress: Callable[[int], None] | None,
) -> PhotoSet:
    store = FeatureStore(cache_folder() / "features")
    embedded = embed_files(pictures, backbone, store=store, jobs=jobs, progress=progress)
    failures = tuple(Failure(str(path), STAGE, reason) for path, reason in embedded.failures)
    if not embedded.paths_ok:
        raise LibraryError(
            f"none of the {len(pictures)} pictures is readable. The first: {failures[0].file}: "
            f"{failures[0].reason}"
        )
    n = len(embedded.paths_ok)
    return PhotoSet(
        embedded.features,
        tuple(embedded.paths_ok),
        np.full(n, "", np.str_),
        np.zeros(n, bool),
        failures,
        title,
    )


def _with_sheet(photo_set: PhotoSet, sheet: Path) -> PhotoSet:
    """Add the names of a sheet; they count as drawn at random."""
    library = read_library(sheet)
    rows: Mapping[Path, int] = {path.resolve(): row for row, path in enumerate(photo_set.paths)}
    names = photo_set.names.astype(object)
    at_random = photo_set.at_random.copy()
    for path, label in zip(library.paths, library.labels, strict=True):
        row = rows.get(path.resolve())
        if row is None:
            raise LibraryError(
                f"{sheet}: names {path}, which is not a picture of the photo set. Give a sheet of "
                "these photos; paths are relative to the sheet."
            )
        names[row], at_random[row] = label, True
    return replace(
        photo_set,
        names=names.astype(np.str_),
        at_random=at_random,
        failures=photo_set.failures + library.failures,
    )
