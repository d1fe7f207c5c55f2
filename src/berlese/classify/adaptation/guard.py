"""Whether to adapt a model to other photos, and with what; how sure that is.

Reviewed animals decide where there are ten or more: the adapted model is compared with the one
that there is on animals whose names it had not seen. Without them nothing can be verified, since
no score that needs no names is a reliable guard; what is promised then is what was measured on
other photos.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binomtest

from berlese.classify.adaptation.consensus import SURE as SURE_OF_NAMES
from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.registry import new_adaptation
from berlese.classify.gap.domain_error import DomainError, drawn_domain_error
from berlese.errors import SettingError

FEWEST = 10  # reviewed animals that can decide
SETTLED = 30  # from which on adapting gained in all that was measured
ADVICE = (
    f"Name {SETTLED} animals drawn at random (`berlese plan`, `berlese import`), then "
    "`berlese adapt`"
)
"""What to do where names cannot be relied on, wherever it is said; no full stop."""
LEVEL = 0.9
DRAWS = 4000
AUTO = "auto"
KEEP = "none"
CONSENSUS = "consensus"
REVIEWED = "reviewed"
FEWEST_ANIMALS = 100  # of a target: on fewer nothing was measured
# Sets told apart with an error from here on are so alike that adapting lost: halves of one photo
# set err in .40 to .49; pairs of real insect sets, where it gained, in .10 to .15.
NEAR = 0.25
DOMAIN_DRAWS = 5
SURE = 0.1  # probability of worse at which names overrule that


@dataclass(frozen=True, slots=True)
class Measured:
    """What adapting without reviewed animals gained elsewhere, in accuracy (1 is all right).

    Attributes
    ----------
    even, uneven : float
        Mean gain where the target's shares of the taxa were those of a whole photo set, and where
        they were drawn to be quite others.
    low, high : float
        Nine of ten runs of both kinds lay within.
    worst : float
    worse : float
        Share of the uneven runs that named fewer animals right.
    runs : int
    """

    even: float
    uneven: float
    low: float
    high: float
    worst: float
    worse: float
    runs: int

    def in_words(self) -> str:
        """Say it in a line."""
        return (
            f"in {self.runs} runs on other photo sets this gained {self.even:+.3f} in accuracy on "
            f"average, and {self.uneven:+.3f} where shares of the taxa were quite others than in "
            f"the library; {self.low:+.3f} to {self.high:+.3f} in nine of ten, {self.worst:+.3f} "
            f"at worst; with quite other shares {self.worse:.0%} lost"
        )


# By benchmarks/adaptation.py on draws that nothing was chosen by; see docs/how-to/adaptation.md.
MEASURED = Measured(
    even=0.071, uneven=0.022, low=-0.018, high=0.159, worst=-0.082, worse=0.23, runs=70
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard decided, and why.

    Attributes
    ----------
    method : str
        ``none`` keeps the model as it is; else a name of `berlese.classify.adaptation.registry`.
    verified : bool
        Whether reviewed animals stand behind it.
    animals, reviewed : int
        In the target; of them named by a person at random.
    gain, low, high : float or None
        Expected change of accuracy with its 90 % interval.
    p_value : float or None
        Exact McNemar test of the choice against the model as it is, two-sided.
    worse : float or None
        Probability that the choice names fewer animals right than the model as it is.
    renamed : float
        Share of the target's animals that get another name.
    reasons : tuple of str
    advice : str
    """

    method: str
    verified: bool
    animals: int
    reviewed: int
    gain: float | None
    low: float | None
    high: float | None
    p_value: float | None
    worse: float | None
    renamed: float
    reasons: tuple[str, ...]
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self) | {"reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "Verdict":
        """Read what `to_dict` gave."""
        return cls(**{**facts, "reasons": tuple(facts["reasons"])})

    def in_words(self) -> str:
        """Say it in a few lines for a person."""
        head = "Kept as it is" if self.method == KEEP else f"Adapted by {self.method}"
        state = "verified" if self.verified else "unverified"
        lines = [f"{head} ({state}): {self.renamed:.0%} of {self.animals} animals are renamed."]
        lines += [f"- {reason}" for reason in self.reasons]
        return "\n".join([*lines, self.advice])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two namings of the same reviewed animals.

    Attributes
    ----------
    better, worse, same : int
        Animals that only the first, only the second, both or none of them named right.
    """

    better: int
    worse: int
    same: int

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> "Comparison":
        """Count from what was right, each of shape (k,)."""
        better, worse = int((first & ~second).sum()), int((second & ~first).sum())
        return cls(better, worse, len(first) - better - worse)

    @property
    def gain(self) -> float:
        """Difference of accuracies."""
        return (self.better - self.worse) / (self.better + self.worse + self.same)

    @property
    def p_value(self) -> float:
        """Exact McNemar test, two-sided."""
        n = self.better + self.worse
        return float(binomtest(self.better, n).pvalue) if n else 1.0

    @property
    def probability_of_worse(self) -> float:
        """Probability that the first is worse, from a Jeffreys prior on the animals that differ."""
        return float(beta(self.better + 0.5, self.worse + 0.5).cdf(0.5))

    def in_words(self) -> str:
        """Say it in a line."""
        n = self.better + self.worse + self.same
        low, high = self.interval()
        return (
            f"of {n} reviewed animals, named by what had not seen their names, {self.better} "
            f"became right and {self.worse} wrong: {self.gain:+.3f} in accuracy (90 % interval "
            f"{low:+.3f} to {high:+.3f}; McNemar's exact p = {self.p_value:.2g}; probability that "
            f"it is worse {self.probability_of_worse:.2g})"
        )

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Credible interval of the gain, from the same prior on all three shares."""
        counts = np.array([self.better, self.worse, self.same]) + 0.5
        drawn = np.random.default_rng(0).dirichlet(counts, DRAWS)
        low, high = np.quantile(drawn[:, 0] - drawn[:, 1], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The classifier to use from now on (None: the one that there is), and the verdict on it."""

    classifier: Any
    verdict: Verdict


def decide(
    domains: Domains,
    as_is: NDArray[np.float64],
    at_random: NDArray[np.bool_],
    *,
    method: str = AUTO,
) -> Decision:
    """Choose what names the target, and say why.

    Parameters
    ----------
    domains : Domains
        The library, the target, and which of its rows a person has named.
    as_is : ndarray of float64 of shape (n_target, n_classes)
        What the model makes of the target now.
    at_random : ndarray of bool of shape (n_target,)
        Which reviewed rows had been drawn at random: only they are evidence, all are learned from.
    method : str
        ``auto`` lets the guard choose; a name of
        `berlese.classify.adaptation.registry` is taken, and compared all the same.

    Raises
    ------
    SettingError
        If the target has no rows, or there is no such method.
    """
    if not len(domains.target):
        raise SettingError("there is no animal to adapt to; the target is empty.")
    evidence = Evidence.of(domains, as_is, at_random)
    candidates = _candidates(evidence, method)
    choice, reasons = _chosen(evidence, candidates, method)
    verdict = _verdict(evidence, candidates, choice, reasons)
    return Decision(candidates[choice].classifier, verdict)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of the target.

    Attributes
    ----------
    domains : Domains
    as_is : ndarray of float64 of shape (n_target, n_classes)
        What the model says now.
    rows : ndarray of intp of shape (k,)
        Target rows that were drawn at random and named by a person.
    distance : DomainError or None
        Of library and target; None of a target of one animal.
    """

    domains: Domains
    as_is: NDArray[np.float64]
    rows: NDArray[np.intp]
    distance: DomainError | None

    @classmethod
    def of(
        cls, domains: Domains, as_is: NDArray[np.float64], at_random: NDArray[np.bool_]
    ) -> "Evidence":
        """Find the reviewed rows that are evidence, and measure the distance."""
        rows = np.flatnonzero(domains.is_reviewed & at_random)
        distance = None
        if min(len(domains.source), len(domains.target)) > 1:
            distance = drawn_domain_error(domains.source, domains.target, draws=DOMAIN_DRAWS)
        return cls(domains, as_is, rows, distance)

    @property
    def near(self) -> bool:
        """Whether library and target are so alike that adapting lost where it was measured."""
        return self.distance is not None and self.distance.value >= NEAR

    @property
    def truth(self) -> NDArray[np.intp]:
        """Classes of `rows`."""
        return self.domains.reviewed[self.rows]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One choice.

    Attributes
    ----------
    classifier : estimator or None
        Fitted; None for the model as it is.
    named : ndarray of intp of shape (n_target,)
        Class of each target row.
    right : ndarray of bool of shape (k,)
        Whether the reviewed rows were named right, each by what had not seen its name.
    """

    classifier: Any
    named: NDArray[np.intp]
    right: NDArray[np.bool_]


def _candidates(evidence: Evidence, method: str) -> dict[str, Candidate]:
    """Fit what comes into question, the model as it is first."""
    now = evidence.as_is.argmax(axis=1)
    found = {KEEP: Candidate(None, now, now[evidence.rows] == evidence.truth)}
    if method == AUTO:
        method = REVIEWED if evidence.domains.is_reviewed.sum() >= FEWEST else CONSENSUS
    classifier = new_adaptation(method).fit_domains(evidence.domains)
    named = classifier.scores_(evidence.domains.target).argmax(axis=1)
    unseen = classifier.held_out_ if method == REVIEWED else named
    right = unseen[evidence.rows] == evidence.truth
    return found | {method: Candidate(classifier, named, right)}


def _chosen(
    evidence: Evidence, candidates: dict[str, Candidate], method: str
) -> tuple[str, list[str]]:
    """Name the choice and the reasons for it."""
    k = len(evidence.rows)
    name = next(each for each in candidates if each != KEEP)
    if method != AUTO:
        return name, ["this method was asked for; the guard has not chosen it"]
    if k < FEWEST and name == REVIEWED:
        return name, [
            "names of animals that were not drawn at random are learned from, but tell nothing of "
            "how good the result is"
        ]
    if k < FEWEST:
        return _chosen_without_names(evidence, candidates[name].classifier)
    compared = Comparison.of(candidates[name].right, candidates[KEEP].right)
    if compared.worse > compared.better:
        return KEEP, [f"adapted by {name} it would be worse: {compared.in_words()}"]
    if evidence.near and compared.probability_of_worse > SURE:
        return KEEP, [_near_in_words(evidence), f"names do not overrule it: {compared.in_words()}"]
    return name, [compared.in_words()]


def _chosen_without_names(evidence: Evidence, consensus: Any) -> tuple[str, list[str]]:
    animals = len(evidence.domains.target)
    if animals < FEWEST_ANIMALS:
        return KEEP, [
            f"{animals} animals are too few to adapt to without names: nothing was measured on "
            f"fewer than {FEWEST_ANIMALS}"
        ]
    if evidence.near:
        return KEEP, [_near_in_words(evidence)]
    return CONSENSUS, [_label_free_reason(consensus), MEASURED.in_words()]


def _near_in_words(evidence: Evidence) -> str:
    told = evidence.distance.in_words() if evidence.distance is not None else ""
    return f"{told} Where sets were as near, adapting lost more than it gained"


def _label_free_reason(consensus: Any) -> str:
    """Say what the weight of the bold mixture rests on."""
    kind = "bold" if consensus.boldness_ > 0.5 else "careful"
    half = (
        f"; it is not sure of the names ({consensus.sureness_:.2f} on average), so that the "
        "library alone has half a say"
    )
    return (
        f"shares of the taxa seem to lie {consensus.inequality_:.2f} from equal ones (0: equal; 2: "
        f"one taxon of many), so the {kind} mixture of methods weighs more"
        f"{half if consensus.sureness_ < SURE_OF_NAMES else ''}"
    )


def _verdict(
    evidence: Evidence, candidates: dict[str, Candidate], choice: str, reasons: list[str]
) -> Verdict:
    """Put figures to a choice: measured on reviewed animals, else on other photo sets."""
    as_is, chosen = candidates[KEEP], candidates[choice]
    k = len(evidence.rows)
    gain = low = high = p_value = worse = None
    if choice == KEEP:
        gain = low = high = worse = 0.0
    elif k >= FEWEST:
        compared = Comparison.of(chosen.right, as_is.right)
        gain, (low, high) = compared.gain, compared.interval()
        p_value, worse = compared.p_value, compared.probability_of_worse
    elif choice == CONSENSUS:
        # Nobody knows which kind of target this is: the less good one is what is promised.
        gain, low, high, worse = MEASURED.uneven, MEASURED.low, MEASURED.high, MEASURED.worse
    return Verdict(
        method=choice,
        verified=k >= FEWEST,
        animals=len(as_is.named),
        reviewed=k,
        gain=gain,
        low=low,
        high=high,
        p_value=p_value,
        worse=worse,
        renamed=float(np.mean(chosen.named != as_is.named)),
        reasons=tuple(reasons),
        advice=_advice(k),
    )


def _advice(k: int) -> str:
    """Say what review would settle it."""
    if k < FEWEST:
        return (
            f"Nobody has verified this: {k} animals drawn at random are named by a person. "
            f"{ADVICE} again; that gains more than any method without names, and tells whether it "
            "did."
        )
    if k < SETTLED:
        return f"Name {SETTLED - k} more drawn at random for a surer answer, and adapt again."
    return "More names, drawn at random, gain more still; adapt again with them."
