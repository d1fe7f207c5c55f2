"""Open photos of a survey whose files are still those that were added."""

from pathlib import Path

from berlese.errors import UnreadablePhotoError
from berlese.photos.identity import sha256_of
from berlese.photos.reading import Photo as OpenPhoto
from berlese.photos.reading import open_photo
from berlese.survey.tables import Photo


def open_as_added(path: Path, row: Photo, max_pixels: int | None = None) -> OpenPhoto:
    """Open a photo whose file is still the one that was added; any size that was, by default.

    Raises
    ------
    PhotoError
        If it was edited since, or is refused by `berlese.photos.reading.open_photo`.
    """
    limit = row.width * row.height if max_pixels is None else max_pixels
    return open_unchanged(path, row.sha256, max_pixels=limit, mm_per_pixel=row.mm_per_pixel)


def open_unchanged(
    path: Path, sha256: str, *, max_pixels: int, mm_per_pixel: float | None
) -> OpenPhoto:
    """Open a photo whose file still has this hash; raises as `open_as_added`."""
    if sha256_of(path) != sha256:
        raise UnreadablePhotoError(path, "was edited since it was added; add it again.")
    return open_photo(path, max_pixels=max_pixels, mm_per_pixel=mm_per_pixel)
