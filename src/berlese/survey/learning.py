"""Learn from a survey's review what is an animal on its photos.

What people said of the animals found teaches what to take on such photos: what was discarded is
none, what was named is one; what was cut was none by itself, nor was what was joined, and what
came of it is. The lesson (`berlese.specimens.lesson`) is kept in ``models/lesson.json`` and holds
for all photos of the survey that are searched from then on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import selectinload

from berlese.errors import SurveyError
from berlese.photos.writing import write_text_atomic
from berlese.specimens.choice import KEPT_SCORE, Rated, chosen
from berlese.specimens.lesson import FEWEST, Learned, Lesson, learn
from berlese.specimens.matching import ious_of
from berlese.specimens.outline import Box, box_around
from berlese.specimens.segment import SegmentSettings, fingerprint
from berlese.survey.searching import rate_photos, search_of
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, Specimen, by_people, current_photos, in_force

LESSON_NAME = "lesson.json"
SAME_IOU = 0.8  # of the boxes of what was reviewed and of a candidate

_Said = tuple[Box, bool]


@dataclass(frozen=True, slots=True)
class Taught:
    """What a review taught.

    Attributes
    ----------
    learned : Learned
    gone : int
        Outlines reviewed that are no candidates, or rated too low for an animal, as those found
        with other settings, or joined or cut by a person, so that nothing is learned from them;
        photos that cannot be opened left out.
    unopened : mapping of str to str
        Reviewed photos that could not be opened, as the survey stores their paths, and why.
    """

    learned: Learned
    gone: int
    unopened: Mapping[str, str]

    def notes(self) -> tuple[str, ...]:
        """Say it in words."""
        return (self._of_lesson(), *self._of_gone())

    def _of_lesson(self) -> str:
        told = self.learned
        seen = f"{told.animals} animals and {told.others} things that are none were reviewed"
        if min(told.animals, told.others) < FEWEST:
            return (
                f"Nothing is learned: {seen}, and {FEWEST} of each are needed. Animals are found "
                "as without a review."
            )
        figures = f"{told.loss_before:.3f} to {told.loss_after:.3f}"
        if told.lesson is None:
            return (
                f"Nothing is learned: {seen}, and no lesson from them does surely better on "
                f"photos left out (mean logarithmic loss {figures}). Animals are found as without "
                "a review."
            )
        return (
            f"Learned from the review: {seen}; on photos left out the mean logarithmic loss went "
            f"from {figures}. `berlese segment SURVEY --forget` takes it back."
        )

    def _of_gone(self) -> tuple[str, ...]:
        if not self.gone:
            return ()
        one = self.gone == 1
        which = "1 reviewed outline matches" if one else f"{self.gone} reviewed outlines match"
        return (
            f"{which} nothing that the program may take for an animal on the photos now, as where "
            "animals were found with other settings, or joined or cut by a person: nothing is "
            f"learned from {'it' if one else 'them'}.",
        )


def learn_from_review(
    survey: Survey,
    settings: SegmentSettings,
    *,
    max_pixels: int | None = None,
    jobs: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> Taught:
    """Draw a lesson from all that people said of the survey's animals, and keep it.

    Photos that cannot be opened teach nothing. Where nothing is learned, no lesson holds.

    Parameters
    ----------
    survey : Survey
    settings : SegmentSettings
        With which animals are sought.
    max_pixels : int, optional
        Of the largest photo that is opened.
    jobs : int, optional
        Photos looked at at a time, see `berlese.survey.searching.search_photos`.
    progress : callable, optional
        Called with 1 for each reviewed photo.
    """
    ratings, evidence, said, owners = [], [], [], []
    gone, unopened = 0, {}
    reviewed = _reviewed(survey)
    photos = [photo for photo, _ in reviewed]
    searches = [search_of(survey, photo, settings, max_pixels=max_pixels) for photo in photos]
    pixels = sum(photo.width * photo.height for photo in photos)
    with closing(rate_photos(searches, pixels=pixels, jobs=jobs)) as searched:
        for number, ((photo, words), found) in enumerate(zip(reviewed, searched, strict=True)):
            if found.failed is not None:
                unopened[photo.path] = found.failed
            elif found.rated is None:
                gone += len({box for box, _ in words})
            else:
                known, unmatched = _matched(found.rated, words)
                gone += len(unmatched)
                for place, is_animal in known.items():
                    ratings.append(found.rated.ratings[place])
                    evidence.append(found.rated.evidence[place])
                    said.append(is_animal)
                    owners.append(number)
            if progress is not None:
                progress(1)
    learned = learn(
        np.array(ratings, float),
        np.array(evidence, float),  # none of which is looked at where there are too few
        np.array(said, bool),
        np.array(owners, np.intp),
    )
    if learned.lesson is None:
        forget_lesson(survey)
    else:
        stored = {"networks": fingerprint(), "lesson": learned.lesson.to_json()}
        write_text_atomic(_path(survey), json.dumps(stored))
    return Taught(learned, gone, unopened)


def count_reviewed(survey: Survey) -> int:
    """Count the photos that a lesson would be drawn from."""
    return len(_reviewed(survey))


def stored_lesson(survey: Survey) -> Lesson | None:
    """Give the lesson that holds; None without one, or where it is of other networks.

    Raises
    ------
    SurveyError
        If its file is damaged.
    """
    path = _path(survey)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["networks"] != fingerprint():
            return None
        return Lesson.from_json(stored["lesson"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SurveyError(
            f"{path}: cannot be read ({error}); `berlese segment {survey.folder} --learn` learns "
            "from the review again, --forget does without."
        ) from error


def forget_lesson(survey: Survey) -> None:
    """Find animals as without a review from now on."""
    _path(survey).unlink(missing_ok=True)


def _path(survey: Survey) -> Path:
    return survey.models / LESSON_NAME


def _reviewed(survey: Survey) -> list[tuple[Photo, list[_Said]]]:
    """List the photos of which people spoke, and of which boxes they said what; latest last."""
    words = selectinload(Photo.specimens).selectinload(Specimen.identifications)
    with survey.reading() as session:
        photos = session.scalars(current_photos().options(words, selectinload(Photo.edits))).all()
        session.expunge_all()
    said = [(photo, _said_of(photo)) for photo in photos]
    return [(photo, words) for photo, words in said if words]


def _said_of(photo: Photo) -> list[_Said]:
    said: list[_Said] = []
    for each in photo.specimens:
        word = in_force(by_people(each.identifications))
        if word is not None:
            said.append((each.box_on(photo), word.status != "discarded"))
    for edit in photo.edits:
        said += [(_box(polygon), False) for polygon in edit.before]
        said += [(_box(polygon), True) for polygon in edit.after]
    return said


def _box(polygon: list[list[float]]) -> Box:
    return box_around(np.array(polygon, float))


def _matched(rated: Rated, words: Sequence[_Said]) -> tuple[dict[int, bool], set[Box]]:
    """Places of what people spoke of, and whether they are animals; boxes of all else.

    What is rated too low to be an animal counts as not found: no lesson makes one of it.
    """
    taken = chosen(rated)
    # Those taken come first: of two candidates with one box it is the one that was found.
    places = np.concatenate([taken.rated_as, np.arange(len(rated.frames))])
    frames = np.concatenate([rated.frames[taken.places], rated.frames])
    known: dict[int, bool] = {}
    unmatched = set()
    for box, is_animal in words:
        ious = ious_of(frames, np.array([[box.left, box.top, box.right, box.bottom]], float))
        place = int(places[ious.argmax()]) if len(ious) else 0
        if len(ious) and ious.max() >= SAME_IOU and rated.ratings[place] >= KEPT_SCORE:
            known[place] = is_animal
        else:
            unmatched.add(box)
    return known, unmatched
