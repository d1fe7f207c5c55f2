"""The steps of a survey, one after the other: add, segment, embed, identify.

Each may be called again at any time: it does what is not done yet, known by the content of
files and the settings, and leaves the same database whether it was interrupted or not. A file
that fails goes to `failures.csv`; the others go on. Each takes
``progress: Callable[[int], None] | None`` and returns a `StepReport`.
"""

from berlese.survey.adding import add_photos
from berlese.survey.failures import Failure, StepReport
from berlese.survey.naming import embed_specimens, identify_specimens
from berlese.survey.segmenting import segment_photos

__all__ = [
    "Failure",
    "StepReport",
    "add_photos",
    "embed_specimens",
    "identify_specimens",
    "segment_photos",
]
