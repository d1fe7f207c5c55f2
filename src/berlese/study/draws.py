"""Which rows train and which test: random draws, each from its own seed.

The seed of a training follows from the study's seed and from what is trained, not from what
else runs; a head with a domain head and one without share their draw and their start.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from berlese.study import sizes
from berlese.study.datasets import Libraries
from berlese.study.plans import TUNING_SIZE, Group

Rows = NDArray[np.intp]
FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Rows of `Libraries` for one training.

    Parameters
    ----------
    seed : int
        Of this draw and of the head's start.
    labelled : ndarray of intp
        Rows trained on with their taxon.
    unlabelled : ndarray of intp
        Rows of the target that only the domain head sees; empty without one.
    tested : ndarray of intp
        Rows that neither of them holds.
    """

    seed: int
    labelled: Rows
    unlabelled: Rows
    tested: Rows


def seed_of(group: Group, replicate: int, seed: int) -> int:
    """A seed of 31 bits for one training."""
    fold_of_one_draw = "" if group.protocol == "tuning" else replicate
    what = [seed, group.protocol, group.source, group.target, group.size, fold_of_one_draw]
    return int(sha256(json.dumps(what).encode()).hexdigest()[:8], 16) >> 1


def draw(libraries: Libraries, group: Group, replicate: int, *, split: str, seed: int) -> Draw:
    """Draw the rows of one training of a group."""
    own_seed = seed_of(group, replicate, seed)
    rng = np.random.default_rng(own_seed)
    draw_by_protocol = {
        "within": _within,
        "locality": _by_locality,
        "adaptation": _mixed,
    }
    if group.protocol == "tuning":
        return _fold(libraries, group, replicate, own_seed, rng)
    return draw_by_protocol[group.protocol](libraries, group, own_seed, split, rng)


def sample(rows: Rows, n: int, strata: NDArray[np.intp], rng: np.random.Generator) -> Rows:
    """Draw `n` of the rows so that each stratum has its share, rounded up or down.

    Rows lie side by side by stratum, shuffled within it, and every (len / n)-th is taken from a
    random start. All strata alike make it a plain random draw.
    """
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    places = np.floor((np.arange(n) + rng.random()) * len(rows) / n).astype(np.intp)
    return rows[order[places]] if n else rows[:0]


def _strata(libraries: Libraries, rows: Rows, split: str) -> NDArray[np.intp]:
    return libraries.codes[rows] if split == "stratified" else np.zeros(len(rows), np.intp)


def _within(
    libraries: Libraries, group: Group, seed: int, split: str, rng: np.random.Generator
) -> Draw:
    rows = libraries.rows(group.source)
    tested = sample(rows, sizes.test_size(len(rows)), _strata(libraries, rows, split), rng)
    rest = np.setdiff1d(rows, tested)
    labelled = sample(rest, group.size, _strata(libraries, rest, split), rng)
    return Draw(seed, labelled, rows[:0], tested)


def _by_locality(
    libraries: Libraries, group: Group, seed: int, split: str, rng: np.random.Generator
) -> Draw:
    """Train on all pictures of some sites, test on pictures of the others."""
    rows = libraries.rows(group.source)
    chosen = rng.choice(libraries.known_sites(group.source), group.size, replace=False)
    sites = libraries.sites[rows]
    labelled = rows[np.isin(sites, chosen)]
    others = rows[~np.isin(sites, chosen) & (sites != "")]
    n_test = min(sizes.test_size(len(rows)), len(others))
    return Draw(
        seed, labelled, rows[:0], sample(others, n_test, _strata(libraries, others, split), rng)
    )


def _mixed(
    libraries: Libraries, group: Group, seed: int, split: str, rng: np.random.Generator
) -> Draw:
    """Draw from the pool of source and target; the target's taxa have no say in the training."""
    source, target = libraries.rows(group.source), libraries.rows(group.target)
    pool = np.concatenate([source, target])
    is_target = np.isin(pool, target)
    if split == "stratified":
        by_taxon = libraries.codes[pool] + is_target * len(libraries.taxa)
        by_domain = np.where(is_target, len(libraries.taxa), libraries.codes[pool])
    else:
        by_taxon = by_domain = np.zeros(len(pool), np.intp)
    tested = sample(pool, sizes.mixed_test_size(len(pool)), by_taxon, rng)
    rest = ~np.isin(pool, tested)
    trained = sample(pool[rest], group.size, by_domain[rest], rng)
    of_target = np.isin(trained, target)
    return Draw(seed, trained[~of_target], trained[of_target], tested)


def _fold(
    libraries: Libraries, group: Group, fold: int, seed: int, rng: np.random.Generator
) -> Draw:
    """One of five folds of one draw, each taxon spread over the folds."""
    rows = libraries.rows(group.source)
    chosen = sample(rows, min(group.size, TUNING_SIZE), libraries.codes[rows], rng)
    shuffled = rng.permutation(chosen)
    order = shuffled[np.argsort(libraries.codes[shuffled], kind="stable")]
    of_fold = np.arange(len(order)) % FOLDS == fold
    return Draw(seed + fold, order[~of_fold], rows[:0], order[of_fold])
