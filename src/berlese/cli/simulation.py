"""Write what the simulator makes to disk: photos with their truth, sheets and libraries."""

import json
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from berlese import __version__
from berlese.cli.console import Stages
from berlese.cli.targets import require_absent
from berlese.errors import ExchangeFormatError, SettingError
from berlese.exchange.coco import CocoPhoto, CocoSpecimen, read_coco, write_coco
from berlese.photos.writing import write_jpeg, write_text_atomic
from berlese.processes import usable_cpus
from berlese.simulate.libraries import (
    LIBRARIES,
    PlannedPicture,
    plan_libraries,
    simulate_pictures,
)
from berlese.simulate.plans import TAXA
from berlese.simulate.surveys import (
    LibraryImage,
    SimulatedPhoto,
    simulate_library,
    simulate_survey,
)
from berlese.study.detection import DetectionReport, NamedBox, compare_with_truth
from berlese.survey.sheets import write_sheet
from berlese.survey.survey import Survey
from berlese.survey.tables import current_photos, in_force

TRUTH_NAME = "truth.json"
DESCRIPTION = "Simulated dishes of beetles, exact truth"
SHEET_NAME = "samples.csv"
LIBRARY_NAME = "library"
LIBRARIES_TRUTH_NAME = "truth.csv"
SEED_NAME = "demo.txt"
JPEG_QUALITY = 92
DEMO_PHOTOS = 6
DEMO_ANIMALS = 40
DEMO_PER_TAXON = 80  # as many pictures as the paper's LH has of twelve taxa
LIBRARY_STREAM = 1  # second word of a library's seed: another world than the photos' own


def write_photos(
    folder: Path,
    photos: Iterable[SimulatedPhoto],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[CocoPhoto]:
    """Write photos as JPEG, the truth as COCO beside them, and the sheet of samples last.

    Returns
    -------
    list of CocoPhoto
        The truth that was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth, sheet = [], []
    for photo in photos:
        name = f"{photo.name}.jpg"
        scale = photo.mm_per_pixel
        write_jpeg(folder / name, photo.pixels, quality=JPEG_QUALITY, mm_per_pixel=scale)
        height, width = photo.pixels.shape[:2]
        animals = tuple(
            CocoSpecimen(animal.box, animal.taxon, mask=animal.mask) for animal in photo.specimens
        )
        truth.append(CocoPhoto(name, width, height, animals))
        sheet.append((name, photo.sample, photo.site))
        if progress is not None:
            progress(1)
    write_coco(folder / TRUTH_NAME, truth, description=DESCRIPTION)
    write_sheet(folder / SHEET_NAME, ("photo", "sample", "site"), sheet)
    return truth


def write_library(
    folder: Path,
    images: Iterable[LibraryImage],
    *,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a labelled library as a folder per taxon."""
    for image in images:
        (folder / image.taxon).mkdir(parents=True, exist_ok=True)
        path = folder / image.taxon / f"{image.name}.jpg"
        write_jpeg(path, image.pixels, quality=JPEG_QUALITY)
        if progress is not None:
            progress(1)


def truth_of(survey: Survey) -> dict[str, float] | None:
    """Compare a survey with the truth beside its photos, where they are simulated ones.

    Returns
    -------
    dict or None
        Figures of `DetectionReport`; None where a photo is from elsewhere.
    """
    with survey.reading() as session:
        photos = [survey.absolute(photo.path) for photo in session.scalars(current_photos())]
    places = {photo.parent / TRUTH_NAME for photo in photos}
    if len(places) != 1 or not _is_simulated(truth := places.pop()):
        return None
    try:
        return compare_survey(survey, truth).to_dict()
    except (ExchangeFormatError, SettingError):  # another photo lies among them, or it was edited
        return None


def _is_simulated(truth: Path) -> bool:
    try:
        document = json.loads(truth.read_text(encoding="utf-8"))
        return bool(document["info"]["description"] == DESCRIPTION)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def compare_survey(survey: Survey, truth: Path) -> DetectionReport:
    """Compare what a survey's table counts with the truth that lies in a COCO file."""
    animals = {
        photo.file_name: [NamedBox(each.box, each.category) for each in photo.specimens]
        for photo in read_coco(truth)
    }
    found: dict[str, list[NamedBox]] = {}
    with survey.reading() as session:
        for photo in session.scalars(current_photos()):
            boxes = found.setdefault(Path(photo.path).name, [])
            for specimen in photo.specimens:
                if not specimen.current:
                    continue
                word = in_force(specimen.identifications)
                named = word is not None and word.status in ("predicted", "validated")
                taxon = word.taxon if named and word else None
                boxes.append(NamedBox(specimen.box_on(photo), taxon))
    return compare_with_truth(found, animals)


def simulate_into(
    out: Path,
    *,
    seed: int,
    photos: int,
    animals: int,
    sites: int,
    library: int,
    overwrite: bool,
    stages: Stages,
) -> list[str]:
    """Simulate photos, and a library of `library` pictures a taxon, into a folder.

    Raises
    ------
    SettingError
        If `out` holds simulated photos and `overwrite` is not set.
    """
    require_absent([out / TRUTH_NAME], overwrite=overwrite)
    with stages("simulate photos", photos) as advance:
        simulated = simulate_survey(
            seed, n_photos=photos, specimens_per_photo=animals, n_sites=sites
        )
        truth = write_photos(out, simulated, progress=advance)
    written = [out / photo.file_name for photo in truth] + [out / TRUTH_NAME, out / SHEET_NAME]
    if library:
        with stages("simulate library", library * len(TAXA)) as advance:
            images = simulate_library(library_seed(seed), per_taxon=library)
            write_library(out / LIBRARY_NAME, images, progress=advance)
        written.append(out / LIBRARY_NAME)
    return [str(path) for path in written]


def library_seed(seed: int) -> np.random.SeedSequence:
    """Derive the seed of a library, so that its animals are none of those on the photos."""
    return np.random.SeedSequence([seed, LIBRARY_STREAM])


def simulate_libraries_into(
    out: Path,
    *,
    seed: int,
    scale: float,
    jobs: int | None,
    overwrite: bool,
    stages: Stages,
) -> dict[str, int]:
    """Simulate the paper's three libraries and the unknown animals, a folder each.

    ``truth.csv`` beside the folders is written last.

    Returns
    -------
    dict of str to int
        Pictures by data set.

    Raises
    ------
    SettingError
        If one of the folders is there already and `overwrite` is not set.
    """
    planned = plan_libraries(seed, scale=scale)
    _make_room(out, planned, overwrite=overwrite)
    counts = dict.fromkeys((kind.name for kind in LIBRARIES), 0)
    pictures = simulate_pictures(seed, planned, jobs=jobs or usable_cpus())
    for dataset in counts:
        wanted = [each for each in planned if each.dataset == dataset]
        counts[dataset] = len(wanted)
        with stages(f"simulate {dataset}", len(wanted)) as advance:
            for each, pixels in islice(pictures, len(wanted)):
                path = out / each.file
                path.parent.mkdir(parents=True, exist_ok=True)
                write_jpeg(path, pixels, quality=JPEG_QUALITY)
                advance(1)
    _write_libraries_truth(out / LIBRARIES_TRUTH_NAME, planned)
    return counts


def _make_room(out: Path, planned: Iterable[PlannedPicture], *, overwrite: bool) -> None:
    """Refuse to mix libraries, or remove what an earlier run left and this one does not make."""
    there = [out / kind.name for kind in LIBRARIES if (out / kind.name).exists()]
    if not there:
        return
    if not overwrite:
        raise SettingError(f"{there[0]} exists; give --overwrite, or another --out.")
    kept = {out / each.file for each in planned}
    (out / LIBRARIES_TRUTH_NAME).unlink(missing_ok=True)
    for folder in there:
        for path in folder.glob("*/[0-9][0-9][0-9][0-9]*.jpg"):
            if path not in kept:
                path.unlink()


def _write_libraries_truth(path: Path, planned: Iterable[PlannedPicture]) -> None:
    header = ("dataset", "file", "taxon", "genus", "species", "site", "setup", "known")
    rows = (
        (
            each.dataset,
            each.file,
            each.taxon,
            each.animal.genus,
            each.animal.name,
            each.site,
            each.setup,
            str(each.known).lower(),
        )
        for each in planned
    )
    write_sheet(path, header, rows)


def simulate_demo(out: Path, *, seed: int, stages: Stages) -> tuple[Path, Path, Path]:
    """Simulate the demo's photos and library, unless they are there from the same seed.

    Returns
    -------
    photos, library, sheet : Path
        Two folders and the sheet of samples.

    Raises
    ------
    SettingError
        If `out` holds the demo of another seed, or something else.
    """
    photos, library, done = out / "photos", out / LIBRARY_NAME, out / SEED_NAME
    wanted = f"berlese {__version__}, seed {seed}\n"
    if done.exists():
        if done.read_text(encoding="utf-8") != wanted:
            raise SettingError(
                f"{out}: holds the demo of {done.read_text(encoding='utf-8').strip()}; "
                "choose another --out, or remove that folder."
            )
        return photos, library, photos / SHEET_NAME
    if out.exists() and any(each.name not in ("photos", LIBRARY_NAME) for each in out.iterdir()):
        raise SettingError(f"{out}: is not empty and no demo; choose another --out.")
    with stages("simulate photos", DEMO_PHOTOS) as advance:
        simulated = simulate_survey(seed, n_photos=DEMO_PHOTOS, specimens_per_photo=DEMO_ANIMALS)
        write_photos(photos, simulated, progress=advance)
    with stages("simulate library", DEMO_PER_TAXON * len(TAXA)) as advance:
        images = simulate_library(library_seed(seed), per_taxon=DEMO_PER_TAXON)
        write_library(library, images, progress=advance)
    write_text_atomic(done, wanted)
    return photos, library, photos / SHEET_NAME
