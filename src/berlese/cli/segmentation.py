"""`berlese segment PHOTO... --out DIR`: outlines as COCO, crops and overlays in a plain folder."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from berlese.cli.console import Stages
from berlese.cli.targets import list_pictures
from berlese.errors import SettingError
from berlese.exchange.coco import CocoPhoto, CocoSpecimen, write_coco
from berlese.photos.identity import sha256_of
from berlese.photos.reading import Photo, open_photo
from berlese.photos.writing import write_jpeg, write_png
from berlese.specimens.crop import cut_patches
from berlese.specimens.outline import Specimen
from berlese.specimens.overlay import draw_overlay
from berlese.specimens.segment import SegmentSettings, segment_photo
from berlese.survey.failures import UNUSABLE, Failure, StepReport, reason_of, record_failures
from berlese.survey.segmenting import safe_stem

COCO_NAME = "specimens.json"
STAGE = "segment"
OVERLAY_SIDE = 2000


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


def segment_into_folder(
    targets: Sequence[Path],
    out: Path,
    settings: SegmentSettings,
    *,
    max_pixels: int,
    overwrite: bool,
    stages: Stages,
) -> StepReport:
    """Segment photos into `out`: specimens.json, crops/, overlays/ and failures.csv.

    Raises
    ------
    SettingError
        If `out` holds a segmentation and `overwrite` is not set.
    """
    if (out / COCO_NAME).exists() and not overwrite:
        raise SettingError(f"{out / COCO_NAME} exists; give --overwrite, or another --out.")
    (out / "crops").mkdir(parents=True, exist_ok=True)
    (out / "overlays").mkdir(exist_ok=True)
    paths, failures = list_pictures(targets, STAGE)
    described = []
    with stages("segment", len(paths)) as advance:
        for path in paths:
            try:
                described.append(_segment_one(path, out, settings, max_pixels))
            except UNUSABLE as error:
                failures.append(Failure(str(path), STAGE, reason_of(error)))
            advance(1)
    write_coco(out / COCO_NAME, described, description="Animals found by berlese segment")
    record_failures(out, STAGE, [str(path) for path in paths], failures)
    return StepReport(len(described), 0, tuple(failures))


def _segment_one(path: Path, out: Path, settings: SegmentSettings, max_pixels: int) -> CocoPhoto:
    photo = open_photo(path, max_pixels=max_pixels)
    specimens = segment_photo(photo, settings)
    name = f"{safe_stem(path)}-{sha256_of(path)[:8]}"
    _write_crops(out / "crops" / name, photo, specimens)
    write_jpeg(
        out / "overlays" / f"{name}.jpg",
        draw_overlay(photo.shrunk(OVERLAY_SIDE), specimens, photo_width=photo.width),
    )
    rows = tuple(CocoSpecimen.of(specimen) for specimen in specimens)
    return CocoPhoto(path.name, photo.width, photo.height, rows)


def _write_crops(folder: Path, photo: Photo, specimens: Sequence[Specimen]) -> None:
    folder.mkdir(exist_ok=True)
    for number, patch in cut_patches(photo, [specimen.box for specimen in specimens]):
        write_png(folder / f"{number + 1:04d}.png", patch.pixels)
