"""The methods of adaptation by name, and the head of any saved model by its own."""

from importlib import import_module
from typing import Any

from berlese.classify.heads.registry import new_head
from berlese.errors import SettingError

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
