"""COCO object detection files: photos, boxes and outlines, as annotation tools read them.

Boxes and polygons are in pixels of the upright photo (after EXIF rotation), x to the right
and y down. An animal's outline is written as a polygon, or, where a mask is given, as
run-length counts, which keep every pixel. pycocotools loads what is written here.

Format: https://cocodataset.org/#format-data
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese import __version__
from berlese.errors import ExchangeFormatError
from berlese.photos.writing import write_text_atomic
from berlese.specimens.outline import Box, Specimen

UNNAMED = "animal"


@dataclass(frozen=True, slots=True, eq=False)
class CocoSpecimen:
    """One animal of a COCO file.

    Parameters
    ----------
    box : Box
        In pixels of the upright photo.
    category : str
        The taxon, or `UNNAMED`.
    polygon : ndarray of shape (n, 2), optional
        Outline, x and y in photo pixels.
    mask : ndarray of bool of shape (box.height, box.width), optional
        Exact pixels inside the box; written instead of the polygon.
    score : float, optional
        Between 0 and 1.
    flags : tuple of str
        What a reader should know, such as ``touches_edge``.
    several : float, optional
        How likely it is that this is more than one animal.
    """

    box: Box
    category: str = UNNAMED
    polygon: NDArray[np.float64] | None = None
    mask: NDArray[np.bool_] | None = None
    score: float | None = None
    flags: tuple[str, ...] = ()
    several: float | None = None

    @classmethod
    def of(cls, specimen: Specimen, category: str = UNNAMED) -> "CocoSpecimen":
        """Describe a segmented specimen."""
        outline, score = specimen.polygon, specimen.score
        return cls(specimen.box, category, outline, None, score, specimen.flags, specimen.several)


@dataclass(frozen=True, slots=True, eq=False)
class CocoPhoto:
    """One photo of a COCO file with the animals on it; sizes in pixels."""

    file_name: str
    width: int
    height: int
    specimens: tuple[CocoSpecimen, ...] = ()


def write_coco(path: Path, photos: Sequence[CocoPhoto], *, description: str) -> None:
    """Write photos and animals as one COCO file, atomically and with the same bytes each time.

    Parameters
    ----------
    path : Path
        The JSON file; replaced if it exists.
    photos : sequence of CocoPhoto
        In the order in which they are numbered, from 1.
    description : str
        What the data set is, for `info`.
    """
    names = sorted({specimen.category for photo in photos for specimen in photo.specimens})
    category_ids = {name: number for number, name in enumerate(names or [UNNAMED], start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, photo in enumerate(photos, start=1):
        images.append(
            {
                "id": image_id,
                "file_name": photo.file_name,
                "width": photo.width,
                "height": photo.height,
            }
        )
        for specimen in photo.specimens:
            head = {"id": len(annotations) + 1, "image_id": image_id}
            category = {"category_id": category_ids[specimen.category]}
            annotations.append(head | category | _annotation(specimen, photo))
    document = {
        "info": {"description": description, "contributor": f"berlese {__version__}"},
        "licenses": [],
        "categories": [{"id": i, "name": name} for name, i in category_ids.items()],
        "images": images,
        "annotations": annotations,
    }
    write_text_atomic(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _annotation(specimen: CocoSpecimen, photo: CocoPhoto) -> dict[str, Any]:
    box = specimen.box
    row: dict[str, Any] = {
        "bbox": [box.left, box.top, box.width, box.height],
        "iscrowd": 0,
    }
    if specimen.mask is not None:
        row["segmentation"] = _run_lengths(specimen.mask, box, photo.width, photo.height)
        row["area"] = int(specimen.mask.sum())
    elif specimen.polygon is not None:
        row["segmentation"] = [[round(float(value), 2) for value in specimen.polygon.ravel()]]
        row["area"] = round(_polygon_area(specimen.polygon), 2)
    else:
        row["segmentation"] = []
        row["area"] = box.width * box.height
    if specimen.score is not None:
        row["score"] = round(float(specimen.score), 4)
    if specimen.several is not None:
        row["several"] = round(float(specimen.several), 4)
    if specimen.flags:
        row["flags"] = list(specimen.flags)
    return row


def _polygon_area(polygon: NDArray[np.float64]) -> float:
    x, y = polygon.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _run_lengths(mask: NDArray[np.bool_], box: Box, width: int, height: int) -> dict[str, Any]:
    """Run-length counts of a mask, down the columns of the whole photo, starting with zeros."""
    whole = np.zeros((height, width), bool)
    whole[box.top : box.bottom, box.left : box.right] = mask
    columns = np.concatenate([[False], whole.ravel(order="F")])
    changes = np.flatnonzero(columns[1:] != columns[:-1])
    counts = np.diff(np.concatenate([[0], changes, [width * height]]))
    return {"size": [height, width], "counts": counts.tolist()}


def _mask_from_run_lengths(segmentation: dict[str, Any], box: Box) -> NDArray[np.bool_]:
    height, width = segmentation["size"]
    counts = segmentation["counts"]
    values = np.arange(len(counts)) % 2 == 1
    whole = np.repeat(values, counts).reshape((height, width), order="F")
    return np.ascontiguousarray(whole[box.top : box.bottom, box.left : box.right])


def read_coco(path: Path) -> list[CocoPhoto]:
    """Read photos and animals from a COCO file, in the file's order.

    Polygons of several parts keep the largest; compressed run lengths are left out, since
    their boxes say what berlese needs of them.

    Raises
    ------
    ExchangeFormatError
        If the file is not JSON or lacks what COCO asks for; names the file and the entry.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        names = {row["id"]: row["name"] for row in document["categories"]}
        specimens: dict[int, list[CocoSpecimen]] = {row["id"]: [] for row in document["images"]}
        for row in document["annotations"]:
            specimens[row["image_id"]].append(_specimen(row, names[row["category_id"]]))
        return [
            CocoPhoto(row["file_name"], row["width"], row["height"], tuple(specimens[row["id"]]))
            for row in document["images"]
        ]
    except OSError as error:
        raise ExchangeFormatError(f"{path}: cannot be read ({error.strerror}).") from error
    except (KeyError, TypeError, ValueError) as error:
        message = (
            f"{path}: not a COCO file: {type(error).__name__} at {error}. Expected the lists "
            "images, annotations and categories, linked by their ids."
        )
        raise ExchangeFormatError(message) from error


def _specimen(row: dict[str, Any], category: str) -> CocoSpecimen:
    x, y, width, height = row["bbox"]
    box = Box(round(x), round(y), round(x + width), round(y + height))
    segmentation = row.get("segmentation") or []
    polygon = mask = None
    if isinstance(segmentation, list) and segmentation:
        parts = [np.asarray(part, float).reshape(-1, 2) for part in segmentation]
        polygon = max(parts, key=_polygon_area)
    elif isinstance(segmentation, dict) and isinstance(segmentation["counts"], list):
        mask = _mask_from_run_lengths(segmentation, box)
    flags = tuple(row.get("flags", ()))
    return CocoSpecimen(box, category, polygon, mask, row.get("score"), flags, row.get("several"))
