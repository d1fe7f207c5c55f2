"""A model that was adapted to other photos, as a bundle of its own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from berlese.classify.adaptation.domains import UNREVIEWED, Domains
from berlese.classify.adaptation.guard import (
    AUTO,
    FEWEST,
    KEEP,
    REVIEWED,
    Decision,
    Verdict,
    decide,
)
from berlese.classify.calibration.held_out import HeldOut
from berlese.classify.calibration.probabilities import Calibration
from berlese.classify.models.bundle import DOMAIN, Bundle, with_promises
from berlese.classify.models.learned import LEARNED_FROM, hashes_of
from berlese.classify.models.reviewed_unknowns import in_words, rule_of_reviewed
from berlese.classify.unknowns.rule import UnknownRule
from berlese.errors import BundleError, SettingError

RECORD = "adaptation"
# A linear model that learned smoothed probabilities says half of what it knows. Chosen on five
# draws of fifty reviewed animals each way between two real sets; measured on others, see the docs.
OF_REVIEWED: dict[str, Any] = {"slope": 2.0, "weight": 10.0}


def adapt_bundle(
    bundle: Bundle,
    features: ArrayLike,
    names: ArrayLike,
    at_random: ArrayLike,
    *,
    backbone_hash: str,
    method: str = AUTO,
    domain: str = "other photos",
    groups: ArrayLike | None = None,
) -> tuple[Bundle, Verdict]:
    """Adapt a model to the animals that it is to name, or keep it as it is.

    Parameters
    ----------
    bundle : Bundle
        Loaded with its rows. One that was adapted before starts from its library again.
    features : array of shape (n, dim)
        Of the target.
    names : array of str of shape (n,)
        Taxa that a person gave; empty for animals that nobody named. The verdict tells which the
        model does not know. Those animals are not compared; from five of them and five known ones
        on, all drawn at random, unknowns are told by what these look like.
    at_random : array of bool of shape (n,)
        Whether an animal was named because it had been drawn at random.
    backbone_hash : str
        Of the features.
    method : str
        See `berlese.classify.adaptation.guard.decide`.
    domain : str
        What the target is called.
    groups : array of shape (n,), optional
        Photos of the animals.

    Returns
    -------
    bundle : Bundle
        Its training summary holds the verdict, as JSON types, under ``adaptation``.
    verdict : Verdict

    Raises
    ------
    BundleError
        If the bundle was loaded without its rows.
    BundleMismatchError
        If the features are of another backbone.
    SettingError
        If features are not finite, or the target is too small.
    """
    bundle.require_backbone(backbone_hash)
    X = np.asarray(features, np.float64)
    members = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    reviewed = _Reviewed(np.asarray(names, np.str_), np.asarray(at_random, bool), members)
    domains = _domains(bundle, X, reviewed)
    decision = _decided(bundle, domains, reviewed, method)
    recorded = _recorded(bundle, decision.verdict)
    if decision.verdict.method == KEEP:
        return recorded, decision.verdict
    held_out = _held_out(decision, domains, reviewed)
    learned = domains.is_reviewed & (decision.verdict.method == REVIEWED)
    about = {DOMAIN: domain, LEARNED_FROM: hashes_of(X[learned])}
    adapted = replace(recorded, training=recorded.training | about)
    return _with_promises(adapted, decision, X, held_out, reviewed), decision.verdict


@dataclass(frozen=True, slots=True, eq=False)
class _Reviewed:
    """What people said of the target's animals.

    Attributes
    ----------
    names : ndarray of str of shape (n,)
    at_random : ndarray of bool of shape (n,)
    members : ndarray of int of shape (n,), optional
        Photos.
    """

    names: NDArray[np.str_]
    at_random: NDArray[np.bool_]
    members: NDArray[np.intp] | None

    @property
    def rows(self) -> NDArray[np.intp]:
        """Animals that were drawn at random and named."""
        return np.flatnonzero((self.names != "") & self.at_random)

    def photos_of(self, rows: NDArray[np.intp]) -> NDArray[np.intp] | None:
        """Take the photos of some animals."""
        return None if self.members is None else self.members[rows]


def _domains(bundle: Bundle, X: NDArray[np.float64], reviewed: _Reviewed) -> Domains:
    """Put the library that a bundle was trained on beside the target."""
    if bundle.rows is None:
        raise BundleError(
            "the model was saved without its library's features, which adapting needs; train it "
            "again with `berlese train`."
        )
    if not np.isfinite(X).all():
        raise SettingError("features of the target must be finite numbers; look for NaN in them.")
    return Domains(
        np.asarray(bundle.classifier.classes_),
        np.asarray(bundle.rows.features, np.float64),
        np.asarray(bundle.rows.codes, np.intp),
        X,
        reviewed_codes(reviewed.names, bundle.classes),
    )


def _decided(bundle: Bundle, domains: Domains, reviewed: _Reviewed, method: str) -> Decision:
    """Choose how to adapt, or not to; the verdict tells of names that the model does not know."""
    as_is = bundle.classifier.predict_proba(domains.target)
    decision = decide(domains, as_is, reviewed.at_random, method=method)
    reasons = (*decision.verdict.reasons, *_strange(reviewed.names, bundle.classes))
    return replace(decision, verdict=replace(decision.verdict, reasons=reasons))


def _recorded(bundle: Bundle, verdict: Verdict) -> Bundle:
    """Write the verdict into a bundle's training summary."""
    notes = [*bundle.training.get("notes", []), *_notes(verdict)]
    record = {RECORD: verdict.to_dict(), "notes": notes}
    return replace(bundle, training=bundle.training | record)


def _with_promises(
    bundle: Bundle,
    decision: Decision,
    X: NDArray[np.float64],
    held_out: HeldOut | None,
    reviewed: _Reviewed,
) -> Bundle:
    """Put the adapted classifier in, with what it promises of the target."""
    probabilities = decision.classifier.predict_proba(X)
    rule = _unknown_rule(bundle, X, probabilities, held_out, reviewed)
    domain, calibration = bundle.training[DOMAIN], None
    if held_out is not None:
        calibration = Calibration.fit(
            held_out.probabilities,
            held_out.codes,
            held_out.groups,
            domain=domain,
            **(OF_REVIEWED if decision.verdict.method == REVIEWED else {}),
        )
    return replace(
        bundle,
        classifier=decision.classifier,
        head=decision.verdict.method,
        unknown_rule=rule.in_domain(probabilities, X, reviewed.members),
        calibration=calibration,
        held_out=held_out,
        training=with_promises(
            bundle.training, _promises(rule, calibration, domain, _strangers(reviewed, bundle))
        ),
    )


def _strangers(reviewed: _Reviewed, bundle: Bundle) -> int:
    return int((~np.isin(reviewed.names[reviewed.rows], bundle.classes)).sum())


def _unknown_rule(
    bundle: Bundle,
    X: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    held_out: HeldOut | None,
    reviewed: _Reviewed,
) -> UnknownRule:
    """Tell unknowns by reviewed ones; where there are too few, by the least sure names.

    Held-out library pictures say nothing of the adapted model; where nobody has named animals, the
    target's own stand for them, and no rate is promised.
    """
    if held_out is None:
        return UnknownRule.fit(probabilities)
    rows = reviewed.rows
    known = np.isin(reviewed.names[rows], bundle.classes)
    seen = probabilities[rows]
    seen[known] = held_out.probabilities
    told = rule_of_reviewed(
        X[rows],
        seen,
        reviewed.names[rows],
        known,
        reviewed.photos_of(rows),
        X[reviewed.names == ""],
    )
    return UnknownRule.fit(held_out.probabilities) if told is None else told


def _held_out(decision: Decision, domains: Domains, reviewed: _Reviewed) -> HeldOut | None:
    """What models make of reviewed animals whose names they had not seen; None of too few."""
    rows = np.flatnonzero(domains.is_reviewed & reviewed.at_random)
    if len(rows) < FEWEST:
        return None
    if decision.verdict.method == REVIEWED:
        seen = decision.classifier.held_out_probabilities_[rows]
    else:  # has learned from no name
        seen = decision.classifier.predict_proba(domains.target[rows])
    return HeldOut(seen, domains.reviewed[rows], reviewed.photos_of(rows))


def reviewed_codes(names: NDArray[np.str_], classes: list[str]) -> NDArray[np.intp]:
    """Place of each name among sorted classes; `UNREVIEWED` where it is empty or not there."""
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places.get(str(name), UNREVIEWED) for name in names], np.intp)


def _strange(names: NDArray[np.str_], classes: list[str]) -> list[str]:
    """Say which reviewed animals the model cannot name."""
    known = np.isin(names, [*classes, ""])
    if known.all():
        return []
    taxa = ", ".join(sorted({str(name) for name in names[~known]}))
    return [
        f"{np.sum(~known)} reviewed animals are of taxa that the model does not know ({taxa}): no "
        "name is learned from them. Teach it pictures of them (`berlese train --add`) and adapt "
        "again"
    ]


def _notes(verdict: Verdict) -> list[str]:
    """What the model card says of an adaptation."""
    if verdict.method == KEEP:
        return [f"kept as it is for {verdict.animals} animals of other photos"]
    state = "verified by reviewed animals" if verdict.verified else "not verified by anybody"
    return [
        f"adapted by {verdict.method} to {verdict.animals} animals of other photos, {state}; "
        "use it for these photos only"
    ]


def _promises(
    rule: UnknownRule, calibration: Calibration | None, domain: str, unknown: int
) -> list[str]:
    """Say where the adapted model's promises hold, or that there are none."""
    if calibration is None:
        return [
            f"nobody has named enough animals of {domain}: probabilities are not calibrated, and "
            "unknown marks the least sure animals, at no promised rate"
        ]
    return [in_words(rule, unknown, domain, "the highest probability"), calibration.in_words()]
