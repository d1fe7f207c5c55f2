"""`berlese segment`: the photos of a survey, or photos into a plain folder.

Of the latter outlines are written as COCO, with crops and overlays. Photos are called in
``specimens.json`` by their paths from the folder that all of them lie in: that folder is what
programs ask for as the images' root. The crops and overlay of a photo lie under its name and the
beginning of its hash.
"""

import os
import re
from collections.abc import Collection, Sequence
from contextlib import closing, suppress
from pathlib import Path

from pydantic import ValidationError

from berlese.cli.console import Stages
from berlese.cli.targets import list_pictures, require_absent
from berlese.errors import BerleseError, SettingError
from berlese.exchange.coco import CocoPhoto, CocoSpecimen, read_coco, write_coco
from berlese.photos.identity import sha256_of
from berlese.photos.reading import MAX_PIXELS, Photo, open_page
from berlese.photos.writing import write_jpeg, write_png
from berlese.specimens.crop import cut_patches
from berlese.specimens.outline import Specimen
from berlese.specimens.overlay import draw_overlay
from berlese.specimens.segment import SegmentSettings
from berlese.survey.failures import UNUSABLE, Failure, StepReport, reason_of, record_failures
from berlese.survey.imaging import offered_scales
from berlese.survey.learning import count_reviewed
from berlese.survey.missing import with_missing_step
from berlese.survey.searching import Search, search_photos
from berlese.survey.segmenting import notes_on_empty, safe_stem, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import current_photos

COCO_NAME = "specimens.json"
STAGE = "segment"
CROPS, OVERLAYS = "crops", "overlays"
OVERLAY_SIDE = 2000
OURS = re.compile(r"[A-Za-z0-9_-]*-[0-9a-f]{8}")
"""Names of a photo's crops and overlay; other files in these folders are not ours."""
STEM_HASH = 9  # characters of its hyphen and eight digits


def settings_with(
    min_length_px: float | None, min_length_mm: float | None, polarity: str, dish: str
) -> SegmentSettings:
    """Make settings of what was given on the command line.

    Raises
    ------
    SettingError
        If a value is out of range, or `dish` is neither auto, whole nor three numbers.
    """
    where: str | tuple[float, ...] = dish
    if dish not in ("auto", "whole"):
        try:
            where = tuple(float(number) for number in dish.split(","))
        except ValueError:
            where = ()
        if len(where) != 3:
            raise SettingError(
                f"--dish must be auto, whole, or X,Y,RADIUS in shares of the photo's width, such "
                f"as 0.5,0.5,0.45; got {dish!r}."
            )
    try:
        return SegmentSettings.model_validate(
            {
                "min_length_px": min_length_px,
                "min_length_mm": min_length_mm,
                "polarity": polarity,
                "dish": where,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(each) for each in first["loc"][:1])
        raise SettingError(f"{name}: {first['msg']}, got {first['input']!r}.") from error


def segment_survey(
    folder: Path,
    settings: SegmentSettings,
    *,
    max_pixels: int | None,
    overwrite: bool,
    learn: bool | None,
    jobs: int | None,
    stages: Stages,
    offering: bool,
) -> tuple[StepReport, dict[str, float]]:
    """Segment the photos of a survey; if `offering`, give what rulers on them say, too."""
    # Here, since photos in a folder need none of it, and loading it takes a second.
    from berlese.survey.reviewing import drawn_names, with_notes_on_order

    with (
        Survey.open(folder) as survey,
        survey.exclusive(),
        survey.recorded("segment", settings.model_dump(mode="json"), {}),
        stages("segment", _photos_to_read(survey, learn=learn)) as advance,
    ):
        drawn = drawn_names(survey)
        report = segment_photos(
            survey,
            settings,
            max_pixels=max_pixels,
            overwrite=overwrite,
            learn=learn,
            jobs=jobs,
            progress=advance,
        )
        scales = offered_scales(survey) if offering else {}
        return with_notes_on_order(with_missing_step(report, survey), survey, drawn), scales


def _photos_to_read(survey: Survey, *, learn: bool | None) -> int:
    """Count the photos of a survey, and those that it learns from once more."""
    return survey.count(current_photos()) + (count_reviewed(survey) if learn else 0)


def segment_into_folder(
    targets: Sequence[Path],
    out: Path,
    settings: SegmentSettings,
    *,
    max_pixels: int | None,
    overwrite: bool,
    jobs: int | None,
    stages: Stages,
) -> StepReport:
    """Segment photos into `out`: specimens.json, crops/, overlays/ and failures.csv.

    Raises
    ------
    SettingError
        If `out` holds a segmentation and `overwrite` is not set.
    """
    require_absent([out / COCO_NAME], overwrite=overwrite)
    earlier = _earlier_stems(out)
    (out / CROPS).mkdir(parents=True, exist_ok=True)
    (out / OVERLAYS).mkdir(exist_ok=True)
    paths, failures, notes = list_pictures(targets, STAGE)
    described, made = [], set()
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    searches = [Search(path, settings, max_pixels=limit) for path in paths]
    names = names_below_common_folder(paths)
    with (
        stages("segment", len(paths)) as advance,
        closing(search_photos(searches, pixels=_pixels_of(paths), jobs=jobs)) as searched,
    ):
        for search, name, found in zip(searches, names, searched, strict=True):
            reason = found.failed
            if reason is None:
                try:
                    photo, files = _write_found(search, name, out, found.specimens)
                except UNUSABLE as error:
                    reason = reason_of(error)
            if reason is not None:
                failures.append(Failure(str(search.path), STAGE, reason))
            else:
                described.append(photo)
                made |= files
            advance(1)
    write_coco(out / COCO_NAME, described, description="Animals found by berlese segment")
    _remove_others(out, made, earlier)
    record_failures(out, STAGE, [str(path) for path in paths], failures)
    empty = [photo.file_name for photo in described if not photo.specimens]
    return StepReport(len(described), 0, tuple(failures), (*notes, *notes_on_empty(empty)))


def names_below_common_folder(paths: Sequence[Path]) -> list[str]:
    """Name files by their paths from the folder that holds all of them, with forward slashes.

    >>> names_below_common_folder([Path("dishes/may/1.jpg"), Path("dishes/june/1.jpg")])
    ['may/1.jpg', 'june/1.jpg']
    """
    if not paths:
        return []
    whole = [Path(os.path.normpath(path.absolute())) for path in paths]
    try:
        folder = os.path.commonpath([path.parent for path in whole])
    except ValueError:  # several drives on Windows
        return [path.as_posix() for path in whole]
    return [path.relative_to(folder).as_posix() for path in whole]


def _pixels_of(paths: Sequence[Path]) -> int:
    """Pixels of all photos together by their headers, those left out that do not open."""
    pixels = 0
    for path in paths:
        with suppress(*UNUSABLE):
            header = open_page(path, access="sequential")
            pixels += header.width * header.height
    return pixels


def _write_found(
    search: Search, name: str, out: Path, specimens: Sequence[Specimen]
) -> tuple[CocoPhoto, set[Path]]:
    """Write crops and overlay of a photo; describe it, and tell which pictures were written."""
    photo = search.opened()
    stem = f"{safe_stem(photo.path)}-{sha256_of(photo.path)[:8]}"
    written = _write_crops(out / CROPS / stem, photo, specimens)
    overlay = out / OVERLAYS / f"{stem}.jpg"
    write_jpeg(
        overlay, draw_overlay(photo.shrunk(OVERLAY_SIDE), specimens, photo_width=photo.width)
    )
    rows = tuple(CocoSpecimen.of(specimen) for specimen in specimens)
    return CocoPhoto(name, photo.width, photo.height, rows), {overlay, *written}


def _write_crops(folder: Path, photo: Photo, specimens: Sequence[Specimen]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    written = []
    for number, patch in cut_patches(photo, [specimen.box for specimen in specimens]):
        written.append(folder / f"{number + 1:04d}.png")
        write_png(written[-1], patch.pixels)
    return written


def _earlier_stems(out: Path) -> set[str]:
    """Stems of the photos of an earlier segmentation in `out`."""
    try:
        return {safe_stem(Path(photo.file_name)) for photo in read_coco(out / COCO_NAME)}
    except (OSError, BerleseError):
        return set()


def _remove_others(out: Path, made: Collection[Path], earlier: Collection[str]) -> None:
    """Remove the crops and overlays of an earlier segmentation, which `out` tells of no more."""

    def is_earlier(name: str) -> bool:
        return OURS.fullmatch(name) is not None and name[:-STEM_HASH] in earlier

    folders = [each for each in (out / CROPS).iterdir() if is_earlier(each.name)]
    crops = [crop for each in folders for crop in each.glob("[0-9][0-9][0-9][0-9]*.png")]
    overlays = [each for each in (out / OVERLAYS).glob("*.jpg") if is_earlier(each.stem)]
    for old in {*crops, *overlays}.difference(made):
        old.unlink()
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
