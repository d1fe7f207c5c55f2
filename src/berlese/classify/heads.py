"""The heads that a model can have, by name; PyTorch is loaded only for those that need it."""

from importlib import import_module
from typing import Any

from berlese.errors import SettingError

DEFAULT_HEAD = "linear"
HEADS = ("linear", "network", "paper")

_ADAPTED = {
    "prototypes": ("prototypes", "PrototypeClassifier"),
    "nearest-mean": ("prototypes", "NearestMeanClassifier"),
    "vote": ("vote", "VoteClassifier"),
    "self-training": ("retraining", "SelfTrainingClassifier"),
    "density-ratio": ("retraining", "DensityRatioClassifier"),
    "information": ("retraining", "InformationMaximisationClassifier"),
    "label-shift": ("label_shift", "LabelShiftClassifier"),
    "transport": ("transport", "TransportClassifier"),
    "consensus": ("consensus", "ConsensusClassifier"),
    "reviewed": ("reviewed", "ReviewedClassifier"),
}
ADAPTATIONS = tuple(_ADAPTED)
"""Heads that are fitted to a library and to the photos that they are to name."""


def new_head(name: str, *, random_state: int | None = None) -> Any:
    """Make an unfitted head.

    Parameters
    ----------
    name : str
        ``linear`` (logistic regression), ``network`` (the paper's layers, trained for real
        use), or ``paper`` (the same layers, trained as published).
    random_state : int, optional
        Of heads that draw random numbers.

    Raises
    ------
    SettingError
        If there is no such head.
    """
    if name not in HEADS:
        raise SettingError(f"head must be one of {', '.join(HEADS)}; got {name!r}.")
    if name == "linear":
        from berlese.classify.linear import LinearClassifier

        return LinearClassifier()
    from berlese.classify.network import NetworkClassifier

    if name == "paper":
        return NetworkClassifier.paper(random_state=random_state)
    return NetworkClassifier(random_state=random_state)


def new_adaptation(name: str) -> Any:
    """Make an unfitted method of adaptation.

    Parameters
    ----------
    name : str
        One of `ADAPTATIONS`.

    Raises
    ------
    SettingError
        If there is no such method.
    """
    if name not in _ADAPTED:
        raise SettingError(f"method must be one of {', '.join(ADAPTATIONS)}; got {name!r}.")
    module, class_name = _ADAPTED[name]
    return getattr(import_module(f"berlese.classify.adaptation.{module}"), class_name)()


def saved_head(name: str) -> Any:
    """Make the unfitted head of a saved model, plain or adapted."""
    return new_adaptation(name) if name in _ADAPTED else new_head(name)
