"""Domain-adversarial networks (DANN) as a method of adaptation that can be saved.

`berlese.classify.adaptation.dann` trains them; see there for the sources.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier
from berlese.classify.adaptation.scores import State
from berlese.classify.heads.parallel import (
    UNLABELLED,
    HeadTask,
    HeadTraining,
    TrainedHead,
    train_heads,
)
from berlese.classify.heads.standardising import Standardiser
from berlese.options import require_at_least, require_between, require_one_of

TRAININGS = ("paper", "ramped")
MOST_STEPS = 15_000  # what the paper's 300 epochs are of some 1,600 rows


class AdversarialClassifier(AdaptedClassifier):
    """Name target rows by a network that cannot tell both domains apart.

    Parameters
    ----------
    training : {"paper", "ramped"}, default="paper"
        ``paper``: features as they are, pooled batches, the domain loss weighs .1 throughout
        (Fujisawa et al. 2023). ``ramped``: each domain standardised by itself, batches of both in
        equal parts, the reversal rises from 0 to 1 (Ganin et al. 2016).
    hidden : tuple of int, default=(512, 256)
    dropout : float, default=0.6
    epochs : int, default=300
        At the most: of many rows so many that there are `MOST_STEPS` batches.
    random_state : int, default=0
    """

    def __init__(
        self, training="paper", hidden=(512, 256), dropout=0.6, epochs=300, random_state=0
    ):
        self.training = training
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.random_state = random_state

    def _check(self) -> None:
        require_one_of(self, "training", TRAININGS)
        require_between(self, "dropout", 0.0, 0.99)
        require_at_least(self, "epochs", 1)

    def adapted(self, domains: Domains) -> "NetworkScores":
        source, target = self._standardisers(domains)
        X = np.concatenate([source(domains.source), target(domains.target)])
        is_source = np.arange(len(X)) < len(domains.source)
        codes = np.full(len(X), UNLABELLED)
        codes[is_source] = domains.codes
        task = HeadTask(np.arange(len(X)), codes, self.random_state, is_source.astype(np.intp))
        training = self._head_training(len(domains.source), len(domains.target))
        (head,) = train_heads(X, len(domains.classes), [task], training, jobs=1)
        return NetworkScores(target, head)

    def _standardisers(self, domains: Domains) -> tuple[Standardiser, Standardiser]:
        if self.training == "paper":
            none = Standardiser.none(domains.source.shape[1])
            return none, none
        source = Standardiser.of(domains.source)
        return source, Standardiser.of(domains.target) if len(domains.target) else source

    def _head_training(self, n_source: int, n_target: int) -> HeadTraining:
        adapting = n_target > 0
        ramped = self.training == "ramped"
        plain = HeadTraining()
        an_epoch = 2 * max(n_source, n_target) if ramped else n_source + n_target
        return replace(
            plain,
            hidden=tuple(self.hidden),
            dropout=self.dropout,
            epochs=min(self.epochs, max(1, MOST_STEPS * plain.batch_size // an_epoch)),
            domain_weight=(1.0 if ramped else 0.1) if adapting else None,
            schedule="ganin" if ramped else "constant",
            batches="balanced" if ramped and adapting else "pooled",
        )

    def _restored(self, state: State) -> "NetworkScores":
        return NetworkScores.from_state(state)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkScores:
    """What a trained network gives standardised features.

    Attributes
    ----------
    standardiser : Standardiser
    head : TrainedHead
    """

    standardiser: Standardiser
    head: TrainedHead

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give probabilities of shape (n, n_classes)."""
        return self.head.predict_proba(self.standardiser(X))

    def to_state(self) -> State:
        """Give the arrays of all layers, to be saved."""
        layers: dict[str, NDArray[Any]] = {}
        for number, (weight, bias) in enumerate(self.head.layers):
            layers |= {f"weight_{number}": weight, f"bias_{number}": bias}
        return {**layers, **self.standardiser.to_state()}

    @classmethod
    def from_state(cls, state: State) -> "NetworkScores":
        """Take what `to_state` gave."""
        count = sum(name.startswith("weight_") for name in state)
        layers = [(state[f"weight_{n}"], state[f"bias_{n}"]) for n in range(count)]
        return cls(Standardiser.from_state(state), TrainedHead(layers))
