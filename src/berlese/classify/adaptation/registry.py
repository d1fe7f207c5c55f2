"""The methods of adaptation by name, and the head of any saved model by its own."""

from importlib import import_module
from typing import Any

from berlese.classify.heads.registry import new_head
from berlese.errors import SettingError

_ADAPTED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "prototypes": ("prototypes", "PrototypeClassifier", {}),
    "nearest-mean": ("prototypes", "NearestMeanClassifier", {}),
    "vote": ("vote", "VoteClassifier", {}),
    "self-training": ("retraining", "SelfTrainingClassifier", {}),
    "density-ratio": ("retraining", "DensityRatioClassifier", {}),
    "information": ("retraining", "InformationMaximisationClassifier", {}),
    "label-shift": ("label_shift", "LabelShiftClassifier", {}),
    "share-alignment": ("share_alignment", "ShareAlignedClassifier", {}),
    "transport": ("transport", "TransportClassifier", {}),
    "dann": ("adversarial", "AdversarialClassifier", {}),
    "dann-ramped": ("adversarial", "AdversarialClassifier", {"training": "ramped"}),
    "consensus": ("consensus", "ConsensusClassifier", {}),
    "reviewed": ("reviewed", "ReviewedClassifier", {}),
}
ADAPTATIONS = tuple(_ADAPTED)
"""Heads that are fitted to a library and to the photos that they are to name."""
SKADA = "skada:"
"""Before the name of one of skada's adapters, see `skada_adapters`; they need an extra."""


def new_adaptation(name: str) -> Any:
    """Make an unfitted method of adaptation.

    Parameters
    ----------
    name : str
        One of `ADAPTATIONS`, or ``skada:`` and one of skada's adapters.

    Raises
    ------
    SettingError
        If there is no such method.
    """
    if name.startswith(SKADA):
        return _of_skada(name.removeprefix(SKADA))
    if name not in _ADAPTED:
        raise SettingError(
            f"method must be one of {', '.join(ADAPTATIONS)}, or {SKADA}NAME; got {name!r}."
        )
    module, class_name, settings = _ADAPTED[name]
    made = getattr(import_module(f"berlese.classify.adaptation.{module}"), class_name)
    return made(**settings)


def _of_skada(adapter: str) -> Any:
    from berlese.classify.adaptation.skada_adapters import ADAPTERS, SkadaClassifier

    if adapter not in ADAPTERS:
        raise SettingError(
            f"method must be {SKADA}NAME with one of {', '.join(ADAPTERS)}; got "
            f"{SKADA + adapter!r}."
        )
    return SkadaClassifier(adapter)


def saved_head(name: str) -> Any:
    """Make the unfitted head of a saved model, plain or adapted."""
    adapted = name in _ADAPTED or name.startswith(SKADA)
    return new_adaptation(name) if adapted else new_head(name)
