"""The heads that a library alone trains, by name; PyTorch is loaded only for those that need it."""

from typing import Any

from berlese.errors import SettingError

DEFAULT_HEAD = "linear"
HEADS = ("linear", "network", "paper")


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
        from berlese.classify.heads.linear import LinearClassifier

        return LinearClassifier()
    from berlese.classify.heads.network import NetworkClassifier

    if name == "paper":
        return NetworkClassifier.paper(random_state=random_state)
    return NetworkClassifier(random_state=random_state)
