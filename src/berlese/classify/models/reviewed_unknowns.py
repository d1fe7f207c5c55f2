"""Unknown animals told by reviewed ones, for models of any kind; see `unknowns.strangers`."""

import numpy as np
from numpy.typing import NDArray

from berlese.classify.unknowns.rule import UnknownRule
from berlese.classify.unknowns.strangers import FEWEST_OF_EACH, Strangers, held_out_strangers


def rule_of_reviewed(
    X: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    names: NDArray[np.str_],
    known: NDArray[np.bool_],
    members: NDArray[np.intp] | None,
    others: NDArray[np.float64] | None,
    *,
    random_state: int = 0,
) -> UnknownRule | None:
    """Judge by what reviewed animals look like; None of fewer than five known or unknown ones.

    Parameters
    ----------
    X : ndarray of float64 of shape (n, dim)
        Of reviewed animals.
    probabilities : ndarray of float64 of shape (n, n_classes)
        By models that had not seen their names; of unknown animals they are not looked at.
    names : ndarray of str of shape (n,)
    known : ndarray of bool of shape (n,)
        Whether the model knows the name.
    members : ndarray of int of shape (n,), optional
        Photos.
    others : ndarray of float64 of shape (m, dim), optional
        Animals of the same photos that nobody named.
    random_state : int
    """
    if min(known.sum(), (~known).sum()) < FEWEST_OF_EACH:
        return None
    seen, scores = held_out_strangers(X, names, known, members, others, random_state=random_state)
    if not len(seen):
        return None
    return UnknownRule.fit(probabilities[seen], Strangers.fit(X, names, known, others), scores)


def in_words(rule: UnknownRule, unknown: int, domain: str, else_by: str) -> str:
    """Say what unknowns are told by, and from which rate on.

    Parameters
    ----------
    rule : UnknownRule
    unknown : int
        Reviewed animals that the model does not know.
    domain : str
    else_by : str
        What they are told by where reviewed ones do not tell it.
    """
    judged = (
        f"what {unknown} reviewed unknown ones look like"
        if isinstance(rule.likeness, Strangers)
        else else_by
    )
    return (
        f"unknowns are told by {judged}, with the rate held on {rule.n} reviewed animals of "
        f"{domain}; rates below {rule.smallest_rate():.3g} cannot be held"
    )
