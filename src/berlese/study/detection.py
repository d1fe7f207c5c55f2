"""How well animals were found and named on photos whose truth is known.

Works on boxes in photo pixels and names; who has a survey or a COCO file turns it into
`NamedBox` lists first. Found and true animals are paired one to one at an IoU of .5 or more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from berlese.errors import SettingError
from berlese.specimens.matching import match_boxes
from berlese.specimens.outline import Box


@dataclass(frozen=True, slots=True)
class NamedBox:
    """One animal: its box in photo pixels and its taxon, None where it was not named."""

    box: Box
    taxon: str | None = None


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """Found and named animals against the truth.

    Attributes
    ----------
    specimens : int
        True animals on all photos.
    found : int
        Animals that the program found.
    matched : int
        Pairs of both with an IoU of at least `min_iou`.
    precision, recall, f1 : float
        Of finding, at that IoU.
    mean_iou : float
        Of the matched pairs.
    accuracy : float
        Share of the matched animals whose name is right; without a name counts as wrong.
    count_error : float
        Sum of absolute differences between found and true counts of each photo and taxon, over
        the number of true animals: 0 is a perfect table.
    """

    specimens: int
    found: int
    matched: int
    precision: float
    recall: float
    f1: float
    mean_iou: float
    accuracy: float
    count_error: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures, rounded to four decimals."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def compare_with_truth(
    found: Mapping[str, Sequence[NamedBox]],
    truth: Mapping[str, Sequence[NamedBox]],
    *,
    min_iou: float = 0.5,
) -> DetectionReport:
    """Compare the animals of each photo with the true ones.

    Parameters
    ----------
    found, truth : mapping of str to sequence of NamedBox
        Animals by photo. A photo that only `truth` has counts as one where nothing was found.
    min_iou : float
        Least overlap (intersection over union) of a pair.

    Raises
    ------
    SettingError
        If a photo has no truth, or there is no true animal at all.
    """
    strangers = sorted(set(found) - set(truth))
    if strangers:
        raise SettingError(f"photo {strangers[0]!r} has no truth to compare it with.")
    n_true = sum(map(len, truth.values()))
    if n_true == 0:
        raise SettingError("the truth holds no animal: there is nothing to compare with.")
    ious: list[float] = []
    n_right = 0
    differences = 0
    for photo, animals in truth.items():
        seen = found.get(photo, ())
        pairs = match_boxes([s.box for s in seen], [a.box for a in animals], min_iou=min_iou)
        ious += [iou for _, _, iou in pairs]
        n_right += sum(seen[i].taxon == animals[j].taxon for i, j, _ in pairs)
        counts = Counter(s.taxon for s in seen if s.taxon is not None)
        counts.subtract(Counter(a.taxon for a in animals if a.taxon is not None))
        differences += sum(map(abs, counts.values()))
    n_found = sum(map(len, found.values()))
    return DetectionReport(
        specimens=n_true,
        found=n_found,
        matched=len(ious),
        precision=_share(len(ious), n_found),
        recall=_share(len(ious), n_true),
        f1=_share(2 * len(ious), n_found + n_true),
        mean_iou=_share(sum(ious), len(ious)),
        accuracy=_share(n_right, len(ious)),
        count_error=differences / n_true,
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
