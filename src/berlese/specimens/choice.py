"""Choose the animals of a photo among candidates that share pixels.

A thing is outlined and cut in several ways, and each way may be right in one corner and wrong in
another. A small network rates each candidate in the light of those that share its pixels: whether
what contains it, what lies in it and what crosses it look like animals too. Two thirds of its
members know what a closer look tells (`berlese.specimens.look`), and a third do without, for it
errs more on animals unlike those that it was trained on. A tenth of a rating is what the candidate
looks like by itself at first sight; what the judge and both looks take for a part is no animal
unless it lies among surely several: so the spread wing case of a beetle is no second one.
Those are taken, of all that do not overlap, that explain the most pixels by what is rated best.
`benchmarks/train_choice.py` trained the network, on plates that the judge and the first look were
not trained on; the members that know the closer look, on plates that it had not seen either.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from berlese.specimens.candidates import Candidate, Reading
from berlese.specimens.context import candidates_in
from berlese.specimens.features import FEATURES
from berlese.specimens.judge import LEAST_PROBABILITY, looks_of
from berlese.specimens.look import ANIMAL, DIRT, KINDS, PART, SEVERAL
from berlese.specimens.matching import ious_of
from berlese.specimens.networks import mean_of_members, weights_of

WEIGHTS = "choice.safetensors"
LOOK_SHARE = 0.1  # of a rating
# Probability of a part by the judge, and by both looks: what has more of all is rated 0, where the
# whole thing is less likely several than this.
SURELY_PART, SURELY_SEVERAL = 0.5, 0.8
KEPT_SCORE = 0.33  # rating from which a candidate is taken
NO_GAIN = 0.15  # rating of pixels that are as well left out
MOST_ROUNDS = 6  # in which what is taken is bettered
DARK = 120.0  # grey levels below the ground: what is as dark casts a shadow that is seen
# IoU of pixels and of boxes, legs being no shadow; most that a tighter outline may be rated less.
TIGHTER, TIGHTER_BOX, RATED_LESS = 0.5, 0.5, 0.35
MOST_OVERLAP = 0.3  # of the smaller of two animals that the other may cover
LEAST_ODDS = (0.04, 0.04, 0.25)  # animal, several, part: what has less of each is not rated
SAME, WITHIN, CROSSING = 0.6, 0.7, 0.2  # IoU; share of the smaller one; share of either
MOST_PIXELS = 2_000_000  # of all candidates of a thing that are compared pixel by pixel
PAIRS_AT_ONCE = 200_000  # of candidates that share pixels, looked at in one go: 20 MB
_CONTRAST, _DIRECTION, _PARTS = map(FEATURES.index, ("contrast", "direction", "parts"))

_Float = NDArray[np.float64]


class Rated(NamedTuple):
    """The candidates of a photo that may be animals, their ratings, and how they overlap.

    `numbers` are places in `candidates_in(readings)`; `areas` and `frames` (left, top, right,
    bottom) are in photo pixels; `dark` tells which cast a shadow, `parts` how many the way to cut
    has that each is of, `of_dirt` how likely the whole thing that each is of is dirt; `evidence`,
    of shape (m, d), is what the ratings rest on; `overlap` holds of each pair the share of the
    smaller one's pixels that is the other's too.
    """

    numbers: NDArray[np.intp]
    areas: _Float
    frames: _Float
    dark: NDArray[np.bool_]
    parts: _Float
    of_dirt: _Float
    evidence: _Float
    ratings: _Float
    overlap: sparse.csr_matrix


def rated(readings: Sequence[Reading], odds: _Float) -> Rated:
    """Rate the candidates of one photo.

    Parameters
    ----------
    readings : sequence of Reading
        All things of the photo.
    odds : ndarray of float64 of shape (n, 4)
        Of their candidates, by `berlese.specimens.judge.judge`.
    """
    numbers, evidence, overlap = evidence_of(readings, odds)
    candidates = candidates_in(readings)
    some = [candidates[number] for number in numbers.tolist()]
    areas = np.array([each.area for each in some])
    frames = np.array([each.frame for each in some]).reshape(-1, 4)
    contrast, direction, parts = (
        evidence[:, each - len(FEATURES)] for each in (_CONTRAST, _DIRECTION, _PARTS)
    )
    dark = (contrast > DARK) & (direction < 0)
    of_dirt = np.exp(evidence[:, len(KINDS) + DIRT])  # see `_by_itself`
    return Rated(
        numbers,
        areas,
        frames,
        dark,
        parts,
        of_dirt,
        evidence,
        ratings_of(evidence, weights_of(WEIGHTS)),
        overlap,
    )


class Chosen(NamedTuple):
    """Places in `Rated` of those taken, in order, and how each animal is rated.

    `rated_as` are the places of the outlines whose ratings they bear: other ones where a tighter
    outline took the place of one with a shadow.
    """

    places: NDArray[np.intp]
    ratings: _Float
    rated_as: NDArray[np.intp]


def chosen(found: Rated, least: float = KEPT_SCORE) -> Chosen:
    """Take candidates of which no two overlap.

    The best rated are taken first. Then, as long as it gains, one takes the place of those that it
    overlaps, if its rating over `NO_GAIN`, times its area, is more than theirs together. Of what is
    dark, the tightest outline is taken at last that is hardly rated less: the wider ones hold its
    shadow.

    Parameters
    ----------
    found : Rated
    least : float
        Rating of an animal.
    """
    gain = found.areas * (found.ratings - NO_GAIN)
    worth_while = np.flatnonzero(gain > 0)
    rivals = {place: _overlapping(found, place) for place in worth_while.tolist()}
    taken = np.zeros(len(gain), bool)
    for place in _from_best(worth_while, found.ratings):
        taken[place] = not taken[rivals[place]].any()
    for _ in range(MOST_ROUNDS):
        before = taken.copy()
        for place in _from_best(worth_while, gain):
            others = rivals[place][taken[rivals[place]]]
            if not taken[place] and gain[place] > gain[others].sum():
                taken[others] = False
                taken[place] = True
        if (taken == before).all():
            break
    taken &= found.ratings >= least
    rated_as = np.arange(len(taken))
    for place in np.flatnonzero(taken & found.dark).tolist():
        taken[place] = False
        tightest = _tightest(found, place, taken)
        taken[tightest] = True
        rated_as[tightest] = place
    places = np.flatnonzero(taken)
    return Chosen(places, found.ratings[rated_as[places]], rated_as[places])


def _tightest(found: Rated, place: int, taken: NDArray[np.bool_]) -> int:
    """Place of the smallest outline of the same animal that overlaps none of those taken.

    What is cut into more parts is no tighter outline, but a part.
    """
    row = found.overlap[[place]]
    area, areas = found.areas[place], found.areas[row.indices]
    shared = row.data * np.minimum(area, areas)
    tighter = (shared / (area + areas - shared) > TIGHTER) & (areas < area)
    tighter &= found.parts[row.indices] <= found.parts[place]
    tighter &= ious_of(found.frames[row.indices], found.frames[[place]])[:, 0] > TIGHTER_BOX
    nearly = found.ratings[row.indices] >= found.ratings[place] - RATED_LESS
    for each in row.indices[tighter & nearly][np.argsort(areas[tighter & nearly])].tolist():
        if not taken[_overlapping(found, each)].any():
            return int(each)
    return place


def _from_best(places: NDArray[np.intp], values: _Float) -> list[int]:
    return places[np.argsort(-values[places], kind="stable")].tolist()


def _overlapping(found: Rated, place: int) -> NDArray[np.intp]:
    """Places of those of which too much lies in one, or in which too much of it lies."""
    row = found.overlap[[place]]
    return np.asarray(row.indices[row.data > MOST_OVERLAP], np.intp)


def in_play(odds: _Float) -> NDArray[np.intp]:
    """Tell which candidates, of these odds of shape (n, 4), are rated at all."""
    return np.flatnonzero((odds[:, [ANIMAL, SEVERAL, PART]] >= LEAST_ODDS).any(axis=1))


def evidence_of(
    readings: Sequence[Reading], odds: _Float
) -> tuple[NDArray[np.intp], _Float, sparse.csr_matrix]:
    """Say which candidates are rated, from what, of shape (m, d), and how they overlap.

    The network knows all but the last, the measurements, which say too much of those that it was
    trained on; a person's review (`berlese.specimens.lesson`) may use them too.
    """
    candidates = candidates_in(readings)
    numbers = in_play(odds)
    some = [candidates[number] for number in numbers.tolist()]
    inside, overlap = _shared_pixels(some)
    rivals = _rivals(odds[numbers], np.array([each.area for each in some]), inside)
    own = _by_itself(readings, odds)[numbers]
    looks = looks_of(some, odds[numbers])
    known = np.hstack([own, rivals, looks, _closer(some, looks)])
    evidence = np.empty((len(some), known.shape[1] + len(FEATURES)))
    evidence[:, : known.shape[1]] = known
    for row, each in zip(evidence, some, strict=True):
        row[known.shape[1] :] = each.features
    return numbers, evidence, overlap


def _closer(candidates: Sequence[Candidate], looks: _Float) -> _Float:
    """What a closer look tells of candidates, of shape (n, 5); the first where there is none."""
    animal = np.exp(looks[:, [ANIMAL]])
    told = np.hstack([looks, np.log(animal / (1 - animal).clip(LEAST_PROBABILITY))])
    for row, each in enumerate(candidates):
        if each.closer is not None:
            told[row] = each.closer
    return np.maximum(told, np.log(LEAST_PROBABILITY))


def _by_itself(readings: Sequence[Reading], odds: _Float) -> _Float:
    """What the judge says of each candidate, of its whole thing and of the cut that it is from."""
    rows = np.empty((len(odds), 2 * len(KINDS) + 11))
    logs = np.log(np.maximum(odds, LEAST_PROBABILITY))
    first = 0
    for cuts in readings:
        whole = first
        worths, places = [], []
        for cut in cuts:
            own = slice(first, first + len(cut))
            areas = np.array([each.area for each in cut])
            worths.append(float(areas @ odds[own, ANIMAL] / areas.sum()))
            places.append((own, areas))
            first = own.stop
        best = max(worths)
        for number, ((own, areas), worth) in enumerate(zip(places, worths, strict=True)):
            clump = odds[whole, SEVERAL]
            parts = float(areas @ odds[own, PART] / areas.sum())
            animal = odds[own, ANIMAL]
            for at, place in enumerate(range(own.start, own.stop)):
                area, beside = areas[at], _best_beside(animal, at)
                rows[place] = [
                    *logs[place],
                    *logs[whole],
                    float(number == 0),
                    float(len(areas)),
                    np.log(area / cuts[0][0].area),
                    worth,
                    worth + 0.5 * clump * parts,
                    best,
                    worth - best,
                    float(animal.min()),
                    area / areas.max(),
                    0.0 if beside is None else animal[beside],
                    0.0 if beside is None else np.log(area / areas[beside]),
                ]
    return rows


def _best_beside(animal: _Float, at: int) -> int | None:
    """Which other part of a cut looks most like an animal; None where there is no other."""
    if len(animal) < 2:
        return None
    return max((each for each in range(len(animal)) if each != at), key=lambda each: animal[each])


class _Pairs(NamedTuple):
    """Pairs of candidates that share pixels: `one` sees the `other`."""

    one: NDArray[np.int32]
    other: NDArray[np.int32]
    shared: _Float  # pixels


def _rivals(odds: _Float, areas: _Float, pairs: _Pairs) -> _Float:
    """What those that share pixels with each candidate look like, of shape (m, 11)."""
    rivals = np.zeros((len(areas), 11))
    counted: list[int] = []
    for first in range(0, len(pairs.one), PAIRS_AT_ONCE):
        at_once = slice(first, first + PAIRS_AT_ONCE)
        some = _Pairs(pairs.one[at_once], pairs.other[at_once], pairs.shared[at_once])
        told = _told_by(some, odds, areas)
        counted = [column for column, (_, values) in enumerate(told) if values is None]
        for column, (which, values) in zip(rivals.T, told, strict=True):
            if values is None:
                column += np.bincount(some.one[which], minlength=len(column))
            else:
                np.maximum.at(column, some.one[which], values[which])
    rivals[:, counted] = np.log1p(rivals[:, counted])
    return rivals


def _told_by(
    pairs: _Pairs, odds: _Float, areas: _Float
) -> list[tuple[NDArray[np.bool_], _Float | None]]:
    """Which pairs tell something, and what, of which the most counts; without, how many do."""
    one, other = pairs.one, pairs.other
    of_one, of_other = pairs.shared / areas[one], pairs.shared / areas[other]
    iou = pairs.shared / (areas[one] + areas[other] - pairs.shared)
    larger = areas[other] > areas[one]
    same = iou > SAME
    around = ~same & larger & (of_one > WITHIN)
    within = ~same & ~larger & (of_other > WITHIN)
    crossing = ~(same | around | within) & (np.maximum(of_one, of_other) > CROSSING)
    animal, several = odds[other, ANIMAL], odds[other, SEVERAL]
    likely = animal > 0.5
    return [
        (same, animal),
        (same, None),
        (same, iou),
        (around, animal),
        (around, several),
        (within, animal),
        (within, animal * areas[other] / areas[one]),
        (within & likely, None),
        (crossing, animal),
        (crossing & likely, None),
        (same | around | within | crossing, animal),
    ]


def _shared_pixels(candidates: Sequence[Candidate]) -> tuple[_Pairs, sparse.csr_matrix]:
    """Count the pixels that pairs of candidates share; only those of one thing can."""
    groups: dict[tuple[int, int, float], list[int]] = {}
    for number, each in enumerate(candidates):
        groups.setdefault(each.thing_at, []).append(number)
    found = [
        pairs for own in groups.values() if len(own) > 1 for pairs in _pairs_in(candidates, own)
    ]
    empty = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))
    one, other, shared = (np.concatenate(each) for each in zip(empty, *found, strict=True))
    areas = np.array([each.area for each in candidates])
    share = shared / np.minimum(areas[one], areas[other])
    size = (len(candidates), len(candidates))
    return _Pairs(one, other, shared), sparse.csr_matrix((share, (one, other)), shape=size)


def _pairs_in(
    candidates: Sequence[Candidate], own: list[int]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], _Float]]:
    """Yield the pairs of candidates of one thing that share pixels, and how many they share."""
    scale = candidates[own[0]].scale
    total = sum(candidates[number].area for number in own) * scale**2
    step = int(np.ceil(np.sqrt(total / MOST_PIXELS)))
    left = min(candidates[number].left for number in own)
    top = min(candidates[number].top for number in own)
    wide = round(scale * (max(candidates[number].frame[2] for number in own) - left)) + 1
    pixels = []
    for number in own:
        each = candidates[number]
        rows, columns = np.nonzero(each.mask)
        rows += round((each.top - top) * scale)
        columns += round((each.left - left) * scale)
        kept = (rows % step == 0) & (columns % step == 0) if step > 1 else slice(None)
        pixels.append(rows[kept] * wide + columns[kept])
    bounds = np.cumsum([0, *map(len, pixels)])
    flat = np.concatenate(pixels)
    shape = (len(own), int(flat.max(initial=0)) + 1)
    marked = sparse.csr_matrix((np.ones(len(flat), np.float32), flat, bounds), shape=shape)
    shared = (marked @ marked.T).tocoo()
    apart = shared.row != shared.col
    names = np.array(own, np.int32)
    count = shared.data[apart].astype(float) * step**2 / scale**2
    yield names[shared.row[apart]], names[shared.col[apart]], count


def ratings_of(evidence: _Float, weights: dict[str, NDArray[Any]]) -> _Float:
    """Rate evidence of shape (m, d), 0 for what judge and looks all take for a part of one animal.

    Notes
    -----
    Its first columns hold the logarithms of the judge's odds of the candidate and of the whole
    thing, the last that the network knows those of the look, and what a closer look tells.
    """
    known, kinds = len(weights["mean"]), len(KINDS)
    by_members = mean_of_members(evidence[:, :known], weights, _logistic)
    closer_at = known - kinds - 1
    odds, of_whole, looks, closer = (
        np.exp(evidence[:, at : at + kinds]) for at in (0, kinds, closer_at - kinds, closer_at)
    )
    ratings = (1 - LOOK_SHARE) * by_members + LOOK_SHARE * looks[:, ANIMAL]
    part = np.min([odds[:, PART], looks[:, PART], closer[:, PART]], axis=0) > SURELY_PART
    return np.asarray(np.where(part & (of_whole[:, SEVERAL] < SURELY_SEVERAL), 0.0, ratings))


def _logistic(values: _Float) -> _Float:
    return np.asarray(1 / (1 + np.exp(-values[:, 0])))
