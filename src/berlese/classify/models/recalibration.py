"""Hold a model's promises on another camera or fauna, by specimens that a person named there.

Probabilities, the rate of unknowns, error rates and sets all rest on specimens that the model had
not seen; those of its library say nothing of other photos. Here they are replaced by reviewed
specimens of the photos to be named. The names' order of likelihood changes little (a bias a class):
to learn from reviewed specimens is what adaptation does.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import Calibration
from berlese.classify.models.bundle import Bundle, with_promises
from berlese.classify.models.learned import learned_rows
from berlese.classify.models.reviewed_unknowns import in_words, rule_of_reviewed
from berlese.classify.unknowns.rule import UnknownRule
from berlese.errors import SettingError


def recalibrate(
    bundle: Bundle,
    features: ArrayLike,
    names: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    others: ArrayLike | None = None,
    groups_of_others: ArrayLike | None = None,
    domain: str,
    random_state: int = 0,
) -> Bundle:
    """Give a bundle whose promises rest on reviewed specimens.

    Parameters
    ----------
    bundle : Bundle
        Stays as it is.
    features : array of shape (n, dim)
        Of reviewed specimens, drawn at random from the photos to be named. Those that the model
        has learned from, as far as the bundle tells, are left out, and the notes say so.
    names : array of str of shape (n,)
        What a person called them: taxa of the model, other taxa, or "" for none that is known.
        From five of each, unknowns are told by what these look like.
    groups : array of shape (n,), optional
        Photos; specimens of one stay together when the model is checked.
    others : array of shape (m, dim), optional
        Of animals of the same photos that nobody named.
    groups_of_others : array of shape (m,), optional
        Photos of these.
    domain : str
        What the photos are called.
    random_state : int

    Raises
    ------
    SettingError
        If the model has learned from all of the specimens, or none is of a taxon that it knows.
    """
    X, y = np.asarray(features, np.float64), np.asarray(names, np.str_)
    fresh = ~learned_rows(bundle, X)
    left_out = _left_out(fresh)
    X, y = X[fresh], y[fresh]
    groups = None if groups is None else np.asarray(groups)[fresh]
    members = None if groups is None else np.unique(groups, return_inverse=True)[1]
    known = _known_rows(bundle, y)
    raw = bundle.classifier.predict_proba(X)
    codes = np.searchsorted(np.array(bundle.classes), y[known])
    of_known = None if members is None else members[known]
    calibration = Calibration.fit(
        raw[known], codes, of_known, domain=domain, random_state=random_state
    )
    pool = None if others is None else np.asarray(others, np.float64)
    rule = _unknown_rule(bundle, X, raw, y, members, pool, random_state)
    rule = _in_domain(rule, bundle, X, raw, groups, pool, groups_of_others)
    return replace(
        bundle,
        unknown_rule=rule,
        calibration=calibration,
        held_out=HeldOut(raw[known], codes, of_known),
        training=with_promises(
            bundle.training, [*_promises(bundle, rule, calibration, domain, y), *left_out]
        ),
    )


def _left_out(fresh: NDArray[np.bool_]) -> list[str]:
    """Say how many reviewed animals tell nothing, since the model has learned from them."""
    known = int((~fresh).sum())
    if known and not fresh.any():
        raise SettingError(
            f"the model has learned from all {known} reviewed animals, so that they cannot tell "
            "how good it is. Name other animals, drawn at random (`berlese plan`); what "
            "`berlese adapt` promises rests on models that had not seen the names."
        )
    if not known:
        return []
    return [f"{known} reviewed animals that the model has learned from are left out"]


def _known_rows(bundle: Bundle, names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Tell which names are taxa of the model, and refuse where none is."""
    classes = np.array(bundle.classes)
    known = np.isin(names, classes)
    if not known.any():
        raise SettingError(
            f"none of the {len(names)} reviewed animals is of a taxon that the model knows "
            f"({', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}); name some that are."
        )
    return known


def _unknown_rule(
    bundle: Bundle,
    X: NDArray[np.float64],
    raw: NDArray[np.float64],
    names: NDArray[np.str_],
    members: NDArray[np.intp] | None,
    pool: NDArray[np.float64] | None,
    random_state: int,
) -> UnknownRule:
    """Judge by what reviewed unknowns look like, where there are some; else by the library."""
    known = np.isin(names, bundle.classes)
    told = rule_of_reviewed(X, raw, names, known, members, pool, random_state=random_state)
    if told is not None:
        return told
    likeness = bundle.unknown_rule.likeness
    parts = None if likeness is None else likeness.scores(X[known])
    return UnknownRule.fit(raw[known], likeness, parts)


def _in_domain(
    rule: UnknownRule,
    bundle: Bundle,
    X: NDArray[np.float64],
    raw: NDArray[np.float64],
    groups: ArrayLike | None,
    pool: NDArray[np.float64] | None,
    groups_of_pool: ArrayLike | None,
) -> UnknownRule:
    """Keep what these photos look like, so that others are told from them later."""
    if pool is None or not len(pool):
        return rule.in_domain(raw, X, None if groups is None else np.asarray(groups))
    seen = np.concatenate([raw, bundle.classifier.predict_proba(pool)])
    photos = None
    if groups is not None and groups_of_pool is not None:
        photos = np.concatenate([np.asarray(groups), np.asarray(groups_of_pool)])
    return rule.in_domain(seen, np.concatenate([X, pool]), photos)


def _promises(
    bundle: Bundle,
    rule: UnknownRule,
    calibration: Calibration,
    domain: str,
    names: NDArray[np.str_],
) -> list[str]:
    """Say what the refitted model promises."""
    known = np.isin(names, bundle.classes)
    new = sorted({str(name) for name in names[~known]} - {""})
    return [
        in_words(rule, int((~known).sum()), domain, "the look of the library"),
        calibration.in_words(),
        *(
            [
                f"reviewed animals are of taxa that the model does not know ({', '.join(new)}): "
                "teach it pictures of them by berlese train --add"
            ]
            if new
            else []
        ),
    ]
