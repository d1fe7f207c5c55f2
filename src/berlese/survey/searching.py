"""Search photos for animals, several at a time: one photo keeps one processor busy."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from berlese.errors import SettingError
from berlese.photos.reading import MAX_PIXELS, Photo, open_photo
from berlese.processes import in_processes, memory_size, usable_cpus
from berlese.specimens.choice import Rated
from berlese.specimens.lesson import Lesson
from berlese.specimens.outline import Specimen
from berlese.specimens.segment import SegmentSettings, rated_candidates, segment_photo
from berlese.survey import tables
from berlese.survey.added_photos import open_unchanged
from berlese.survey.failures import UNUSABLE, reason_of
from berlese.survey.survey import Survey

BYTES_A_PROCESS = 2**30  # of memory: what a photo of a gigapixel takes
PIXELS_A_PROCESS = 8_000_000  # that are worth starting one for: some three seconds of work

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A photo to be searched, and how.

    Parameters
    ----------
    path : Path
    settings : SegmentSettings
    lesson : Lesson, optional
        What a review taught.
    max_pixels : int
        A larger photo is refused.
    mm_per_pixel : float, optional
        Scale; what the file states without it.
    sha256 : str, optional
        Of the file when it was added: another one is refused.
    """

    path: Path
    settings: SegmentSettings
    lesson: Lesson | None = None
    max_pixels: int = MAX_PIXELS
    mm_per_pixel: float | None = None
    sha256: str | None = None

    def opened(self) -> Photo:
        """Open the photo.

        Raises
        ------
        PhotoError
            If it was edited since it was added, or is refused by
            `berlese.photos.reading.open_photo`.
        """
        limit, scale = self.max_pixels, self.mm_per_pixel
        if self.sha256 is None:
            return open_photo(self.path, max_pixels=limit, mm_per_pixel=scale)
        return open_unchanged(self.path, self.sha256, max_pixels=limit, mm_per_pixel=scale)


def search_of(
    survey: Survey,
    row: tables.Photo,
    settings: SegmentSettings,
    *,
    lesson: Lesson | None = None,
    max_pixels: int | None = None,
) -> Search:
    """Search a survey's photo as it was added; any size that was, by default."""
    return Search(
        survey.absolute(row.path),
        settings,
        lesson,
        max_pixels=row.width * row.height if max_pixels is None else max_pixels,
        mm_per_pixel=row.mm_per_pixel,
        sha256=row.sha256,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The animals of one photo in reading order, or the reason why there is no answer."""

    specimens: list[Specimen]
    failed: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FoundRatings:
    """How all that may be an animal on one photo is rated, or the reason why there is no answer.

    `rated` is None where nothing may be one; see `berlese.specimens.segment.rated_candidates`.
    """

    rated: Rated | None
    failed: str | None = None


def search_photos(
    searches: Sequence[Search], *, pixels: int, jobs: int | None = None
) -> Generator[Found, None, None]:
    """Search photos, and yield what is found in their order.

    Parameters
    ----------
    searches : sequence of Search
    pixels : int
        Of all photos together; a process is started for each `PIXELS_A_PROCESS` of them, since
        starting one takes seconds.
    jobs : int, optional
        Photos searched at a time, at most; without it as many as there are processors, and room
        for `BYTES_A_PROCESS` each.

    Raises
    ------
    SettingError
        If `jobs` is below 1.
    """
    return _searched(found_by, searches, processes_for(len(searches), pixels, jobs))


def rate_photos(
    searches: Sequence[Search], *, pixels: int, jobs: int | None = None
) -> Generator[FoundRatings, None, None]:
    """Rate all that may be an animal on photos, lessons left out; else as `search_photos`."""
    return _searched(ratings_by, searches, processes_for(len(searches), pixels, jobs))


def require_jobs(jobs: int | None) -> None:
    """Refuse to search fewer photos at a time than one.

    Raises
    ------
    SettingError
        If `jobs` is below 1.
    """
    if jobs is not None and jobs < 1:
        raise SettingError(f"jobs must be at least 1, got {jobs!r}.")


def processes_for(photos: int, pixels: int, jobs: int | None) -> int:
    """Tell how many photos to search at a time; parameters and errors as `search_photos` has."""
    require_jobs(jobs)
    return min(_room() if jobs is None else jobs, photos, pixels // PIXELS_A_PROCESS)


def _room() -> int:
    memory = memory_size()
    return usable_cpus() if memory is None else min(usable_cpus(), memory // BYTES_A_PROCESS)


def _searched(
    function: Callable[[Search], _Answer], searches: Sequence[Search], at_a_time: int
) -> Generator[_Answer, None, None]:
    done = 0
    try:
        for answer in in_processes(function, searches, at_a_time):
            done += 1
            yield answer
    except BrokenProcessPool:
        # One was killed, most likely for want of memory: the others go on one after the other.
        yield from map(function, searches[done:])


def found_by(search: Search) -> Found:
    """Search one photo."""
    try:
        return Found(segment_photo(search.opened(), search.settings, lesson=search.lesson))
    except UNUSABLE as error:
        return Found([], reason_of(error))


def ratings_by(search: Search) -> FoundRatings:
    """Rate all that may be an animal on one photo."""
    try:
        return FoundRatings(rated_candidates(search.opened(), search.settings))
    except UNUSABLE as error:
        return FoundRatings(None, reason_of(error))
