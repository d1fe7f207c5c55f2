"""Train one group of heads together and keep what each of them said.

Everything that a study reports follows from these results, so a study that was stopped goes on
from the groups that it finished.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.classify.heads.parallel import HeadTask, HeadTraining, TrainedHead, train_heads
from berlese.study.datasets import NO_TAXON, Libraries
from berlese.study.draws import FOLDS, Draw, draw
from berlese.study.plans import Group, StudySettings

NOT_ASKED = -2


@dataclass(frozen=True, slots=True, eq=False)
class GroupResult:
    """What the heads of one group said; one row a replicate, one column a row of `Libraries`.

    Parameters
    ----------
    group : Group
    seeds : ndarray of int64 of shape (n_replicates,)
    labelled, unlabelled, tested : ndarray of bool of shape (n_replicates, n_rows)
        What each was trained and tested on.
    named : ndarray of int16 of shape (n_replicates, n_rows)
        Code of the most probable taxon; `NOT_ASKED` where the head was not asked.
    confidence : ndarray of float32 of shape (n_replicates, n_rows)
        Its probability.
    information : ndarray of float64 of shape (n_replicates,)
        Mutual information between the unlabelled target rows and their names, in nats; NaN
        without such rows.
    seconds : float
        Wall-clock time of the group over its trainings.
    """

    group: Group
    seeds: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    unlabelled: NDArray[np.bool_]
    tested: NDArray[np.bool_]
    named: NDArray[np.int16]
    confidence: NDArray[np.float32]
    information: NDArray[np.float64]
    seconds: float

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give all but the group as arrays, to be saved."""
        return {
            "seeds": self.seeds,
            "labelled": np.packbits(self.labelled, axis=1),
            "unlabelled": np.packbits(self.unlabelled, axis=1),
            "tested": np.packbits(self.tested, axis=1),
            "named": self.named,
            "confidence": self.confidence,
            "information": self.information,
            "seconds": np.array(self.seconds),
        }

    @classmethod
    def from_arrays(cls, group: Group, arrays: Mapping[str, NDArray[Any]]) -> "GroupResult":
        """Take what `to_arrays` gave."""
        n_rows = arrays["named"].shape[1]
        masks = {
            name: np.unpackbits(arrays[name], axis=1, count=n_rows).astype(bool)
            for name in ("labelled", "unlabelled", "tested")
        }
        return cls(
            group,
            seeds=arrays["seeds"],
            named=arrays["named"],
            confidence=arrays["confidence"],
            information=arrays["information"],
            seconds=float(arrays["seconds"]),
            **masks,
        )


def n_trainings(group: Group, settings: StudySettings) -> int:
    """Heads of a group."""
    return FOLDS if group.protocol == "tuning" else settings.replicates


def training_of(group: Group, settings: StudySettings, labelled_share: float) -> HeadTraining:
    """How the heads of a group are trained.

    In an adaptation the head without a domain head is trained as long as the one with it, in
    batches of as many labelled pictures as a mixed batch holds on average: it takes as many
    steps, each as large, and only the adversary tells the two apart.

    Parameters
    ----------
    group : Group
    settings : StudySettings
    labelled_share : float
        Share of the group's pictures that have a taxon; 1 but for adaptations.
    """
    training = HeadTraining(
        hidden=group.hidden,
        dropout=group.dropout,
        epochs=settings.epochs,
        domain_weight=group.domain_weight,
    )
    if group.protocol != "adaptation":
        return training
    training = replace(training, epochs=settings.dann_epochs)
    if group.domain_weight is None:
        return replace(training, batch_size=max(round(training.batch_size * labelled_share), 1))
    return training


def labelled_share_of(group: Group, libraries: Libraries) -> float:
    """Share of the source in the pool of an adaptation; 1 for all else."""
    if group.protocol != "adaptation":
        return 1.0
    n_source, n_target = (len(libraries.rows(name)) for name in (group.source, group.target))
    return n_source / (n_source + n_target)


def work_of(group: Group, settings: StudySettings, libraries: Libraries) -> float:
    """Pictures shown in one training of a group, all epochs together: how long it takes."""
    pictures = float(group.size)
    if group.protocol == "locality":
        n_sites = len(libraries.known_sites(group.source))
        pictures = len(libraries.rows(group.source)) * group.size / n_sites
    share = labelled_share_of(group, libraries)
    if group.domain_weight is None:
        pictures *= share
    return pictures * training_of(group, settings, share).epochs


def train_group(
    libraries: Libraries,
    group: Group,
    settings: StudySettings,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> GroupResult:
    """Train all heads of a group and ask them for names.

    Parameters
    ----------
    libraries : Libraries
    group : Group
    settings : StudySettings
    jobs : int, optional
        Cores to use; never changes the result.
    progress : callable, optional
        Called with the number of heads just finished.
    """
    begin = time.perf_counter()
    draws = [
        draw(libraries, group, replicate, split=settings.split, seed=settings.seed)
        for replicate in range(n_trainings(group, settings))
    ]
    learnt = libraries.known_codes(group.source)
    tasks = [_task(libraries, learnt, each, group) for each in draws]
    training = training_of(group, settings, labelled_share_of(group, libraries))
    heads = train_heads(
        libraries.features, len(learnt), tasks, training, jobs=jobs, progress=progress
    )
    said = [
        _ask(libraries, learnt, each, head, group) for each, head in zip(draws, heads, strict=True)
    ]
    masks = {
        name: np.stack([np.isin(np.arange(len(libraries)), getattr(each, name)) for each in draws])
        for name in ("labelled", "unlabelled", "tested")
    }
    return GroupResult(
        group,
        seeds=np.array([each.seed for each in draws], np.int64),
        named=np.stack([named for named, _, _ in said]),
        confidence=np.stack([confidence for _, confidence, _ in said]),
        information=np.array([information for _, _, information in said]),
        seconds=(time.perf_counter() - begin) / len(draws),
        **masks,
    )


def _task(libraries: Libraries, learnt: NDArray[np.intp], drawn: Draw, group: Group) -> HeadTask:
    own = np.searchsorted(learnt, libraries.codes[drawn.labelled]).astype(np.intp)
    if group.domain_weight is None:
        return HeadTask(rows=drawn.labelled, codes=own, seed=drawn.seed)
    return HeadTask(
        rows=np.concatenate([drawn.labelled, drawn.unlabelled]),
        codes=np.concatenate([own, np.full(len(drawn.unlabelled), NO_TAXON, np.intp)]),
        seed=drawn.seed,
        domains=np.repeat([1, 0], [len(drawn.labelled), len(drawn.unlabelled)]).astype(np.intp),
    )


def _ask(
    libraries: Libraries, learnt: NDArray[np.intp], drawn: Draw, head: TrainedHead, group: Group
) -> tuple[NDArray[np.int16], NDArray[np.float32], float]:
    """Name what the reports need: every row by a head of ``within``, else the test rows."""
    if group.protocol == "within":
        rows = np.arange(len(libraries))
    else:
        rows = np.concatenate([drawn.tested, drawn.unlabelled])
    named = np.full(len(libraries), NOT_ASKED, np.int16)
    confidence = np.zeros(len(libraries), np.float32)
    probabilities = head.predict_proba(libraries.features[rows])
    named[rows] = learnt[probabilities.argmax(axis=1)]
    confidence[rows] = probabilities.max(axis=1)
    of_target = probabilities[len(rows) - len(drawn.unlabelled) :]
    return named, confidence, mutual_information(of_target)


def mutual_information(probabilities: NDArray[np.float64]) -> float:
    """Entropy of the mean minus mean entropy of the rows: sure, and not all of one name."""
    if not len(probabilities):
        return float("nan")
    mean = probabilities.mean(axis=0)
    return float(_entropy(mean[None])[0] - _entropy(probabilities).mean())


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    floor = np.finfo(np.float64).tiny
    return -(probabilities * np.log(np.maximum(probabilities, floor))).sum(axis=1)
