"""Several names where one is not sure, and a higher rank where the lower one is not.

Two promises, both for specimens drawn like the calibration's (same camera, same fauna):

- *Prediction sets* hold the true taxon with a stated probability: split conformal prediction with
  the score 1 - p (LAC: Sadinle et al. 2019, JASA 114:223), a threshold a class where the class has
  enough calibration specimens (Mondrian: Vovk 2013, Machine Learning 92:349), else the common one.
- *Names* are given only where they are sure enough that at most a stated share of those given is
  wrong; else the specimen is named at the next higher rank, or not at all. Thresholds are found by
  Learn then Test (Angelopoulos et al. 2025, Annals of Applied Statistics 19:1641): fixed sequences
  of ever looser thresholds, each tested up to the first that fails. One begins with the fewest
  specimens that can pass, one with a third of all, which a mistake among the surest few does not
  end. What is tested is a table of `AHEAD` names: the wrong ones among them follow from those of
  the calibration (beta-binomial, with the upper end of Clopper & Pearson's bound, 1934), so that
  chance in the table itself is counted too. Sequences and ranks share the risk of failing as in
  Holm's procedure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln

from berlese.errors import SettingError

ERROR = 0.1
RISK = 0.1
AHEAD = 200  # names of a table in which the promised share shall not be exceeded
STARTS = (0.0, 1 / 3)  # share of the calibration that the first threshold of a sequence lets in
NO_NODE = -1


@dataclass(frozen=True, slots=True, eq=False)
class SetRule:
    """Gives each specimen the set of taxa that it may be.

    Parameters
    ----------
    threshold : ndarray of float64 of shape (n_classes,)
        A taxon is in the set where its probability is at least this; 0 lets it in always.
    n : ndarray of int of shape (n_classes,)
        Calibration specimens of each.
    own : ndarray of bool of shape (n_classes,)
        Whether the class's own specimens set its threshold; then the promise holds for the class.
    error : float
        Promised share of sets without the true taxon.
    """

    threshold: NDArray[np.float64]
    n: NDArray[np.intp]
    own: NDArray[np.bool_]
    error: float

    @classmethod
    def fit(cls, probabilities: ArrayLike, codes: ArrayLike, error: float = ERROR) -> "SetRule":
        """Set the thresholds by held-out specimens.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
            By a head that had not seen them.
        codes : array of int of shape (n,)
            Columns of their true classes.
        error : float
            Promised share of sets without the true taxon.

        Raises
        ------
        SettingError
            If `error` is not between 0 and 1, or the shapes do not fit.
        """
        p, truth = _checked(probabilities, codes)
        _require_share("SetRule", "error", error)
        n_classes = p.shape[1]
        true = p[np.arange(len(truth)), truth]
        n = np.bincount(truth, minlength=n_classes)
        own = n >= 1 / error - 1 - 1e-9
        common = _kept_quantile(true, error)
        threshold = np.array(
            [
                _kept_quantile(true[truth == k], error) if own[k] else common
                for k in range(n_classes)
            ]
        )
        return cls(threshold, n, own, error)

    def __call__(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """Tell which taxa are in the set of each row of shape (n, n_classes); sets may be empty."""
        p = np.asarray(probabilities, np.float64)
        if p.ndim != 2 or p.shape[1] != len(self.threshold):
            raise SettingError(
                f"probabilities have shape {p.shape}, expected {len(self.threshold)} columns."
            )
        return p >= self.threshold

    def in_words(self, classes: Sequence[str]) -> str:
        """Say what is promised, and of which taxa only on average."""
        promise = f"{1 - self.error:.0%} of the sets hold the true taxon"
        few = [str(name) for name, own in zip(classes, self.own, strict=True) if not own]
        if not few:
            return f"{promise}, in each taxon."
        needed = int(np.ceil(1 / self.error - 1 - 1e-9))
        return (
            f"{promise}; not promised for each of these taxa, of which fewer than {needed} "
            f"specimens were held out: {', '.join(few)}."
        )


def _kept_quantile(true: NDArray[np.float64], error: float) -> float:
    """The probability that all but `error` of (n + 1) exceed or equal; 0 where n is too small."""
    spared = int(np.floor((len(true) + 1) * error + 1e-9))
    return float(np.sort(true)[spared - 1]) if spared else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A taxonomy over the classes of a model.

    Parameters
    ----------
    parents : ndarray of int of shape (n_nodes,)
        The node above each; -1 for none. Nodes 0 to n_classes - 1 are the classes.
    levels : ndarray of int of shape (n_nodes,)
        The rank of each as a number, 0 the lowest; a parent's is higher. Ranks may be skipped.
    n_classes : int

    Raises
    ------
    SettingError
        If a class is a parent, a parent is not higher than its child, or there is no such node.
    """

    parents: NDArray[np.intp]
    levels: NDArray[np.intp]
    n_classes: int

    def __post_init__(self) -> None:
        n = len(self.parents)
        inner = np.flatnonzero(self.parents != NO_NODE)
        above = self.parents[inner]
        if len(self.levels) != n or not 0 < self.n_classes <= n:
            raise SettingError(
                f"a tree of {n} parents and {len(self.levels)} levels cannot have "
                f"{self.n_classes} classes."
            )
        if ((above < self.n_classes) | (above >= n)).any():
            raise SettingError("parents must be -1 or numbers of nodes that are no classes.")
        if (self.levels[above] <= self.levels[inner]).any():
            raise SettingError("a parent's level must be higher than its children's.")

    @classmethod
    def flat(cls, n_classes: int) -> "Tree":
        """Classes of one rank and nothing above them."""
        return cls(np.full(n_classes, NO_NODE), np.zeros(n_classes, np.intp), n_classes)

    @property
    def ranks(self) -> NDArray[np.intp]:
        """The levels that occur, upwards."""
        return np.unique(self.levels)

    def ancestors(self, level: int) -> NDArray[np.intp]:
        """The node of each class at a level, of shape (n_classes,); -1 where it has none."""
        found = np.full(self.n_classes, NO_NODE)
        at = np.arange(self.n_classes)
        for _ in range(len(self.ranks)):
            here = (at != NO_NODE) & (self.levels[at] == level)
            found[here] = at[here]
            at = np.where(at == NO_NODE, NO_NODE, self.parents[at])
        return found

    def best(self, probabilities: ArrayLike, level: int) -> tuple[NDArray, NDArray]:
        """The most probable node of a level and its probability: the sum over its classes.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
        level : int

        Returns
        -------
        nodes : ndarray of int of shape (n,)
        probability : ndarray of float64 of shape (n,)
        """
        p = np.asarray(probabilities, np.float64)
        above = self.ancestors(level)
        nodes = np.unique(above[above != NO_NODE])
        sums = np.column_stack([p[:, above == node].sum(axis=1) for node in nodes])
        at = sums.argmax(axis=1)
        return nodes[at], sums[np.arange(len(p)), at]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What can be said of n specimens.

    Attributes
    ----------
    node : ndarray of int of shape (n,)
        Node of the tree; -1 where no rank is sure enough.
    probability : ndarray of float64 of shape (n,)
        Of that node; NaN where there is none.
    """

    node: NDArray[np.intp]
    probability: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BackOffRule:
    """Names specimens at the lowest rank that is sure enough.

    The promise is by rank, as a table of that rank reads it: of `AHEAD` specimens or more whose
    probability at a rank reaches its threshold, at most the share `error` has the wrong name
    there. It is kept for all ranks at once, except with probability `risk`.

    Parameters
    ----------
    tree : Tree
    threshold : ndarray of float64 of shape (n_ranks,)
        Smallest probability at which a name of each rank is given, in the order of `tree.ranks`;
        infinite where no threshold passed.
    error, risk : float
    """

    tree: Tree
    threshold: NDArray[np.float64]
    error: float
    risk: float

    @classmethod
    def fit(
        cls,
        probabilities: ArrayLike,
        codes: ArrayLike,
        tree: Tree | None = None,
        *,
        error: float = ERROR,
        risk: float = RISK,
    ) -> "BackOffRule":
        """Find the loosest threshold of each rank that keeps the promise.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
            Calibrated, of specimens that the head had not seen.
        codes : array of int of shape (n,)
            Columns of their true classes.
        tree : Tree, optional
            Nothing above the classes by default.
        error : float
            Promised share of wrong names among those given.
        risk : float
            Probability that the promise fails.

        Raises
        ------
        SettingError
            If a share is not between 0 and 1, or the shapes do not fit.
        """
        p, truth = _checked(probabilities, codes)
        _require_share("BackOffRule", "error", error)
        _require_share("BackOffRule", "risk", risk)
        tree = Tree.flat(p.shape[1]) if tree is None else tree
        if tree.n_classes != p.shape[1]:
            raise SettingError(f"the tree has {tree.n_classes} classes, expected {p.shape[1]}.")
        ranks = tree.ranks
        said = [tree.best(p, level) for level in ranks]
        wrong = [
            nodes != tree.ancestors(level)[truth]
            for level, (nodes, _) in zip(ranks, said, strict=True)
        ]
        paths = [(sure, bad) for (_, sure), bad in zip(said, wrong, strict=True)]
        return cls(tree, _holm(paths, error, risk), error, risk)

    def __call__(self, probabilities: ArrayLike) -> Names:
        """Name rows of shape (n, n_classes)."""
        p = np.asarray(probabilities, np.float64)
        node = np.full(len(p), NO_NODE)
        sure = np.full(len(p), np.nan)
        for level, threshold in zip(self.tree.ranks, self.threshold, strict=True):
            best, probability = self.tree.best(p, level)
            take = (node == NO_NODE) & (probability >= threshold)
            node[take], sure[take] = best[take], probability[take]
        return Names(node, sure)


def fixed_sequence(
    confidence: ArrayLike,
    wrong: ArrayLike,
    error: float = ERROR,
    risk: float = RISK,
    *,
    start: float = 0.0,
) -> tuple[float, bool]:
    """Loosest threshold on confidence at which a table of names keeps within its error.

    Thresholds go from strict to loose; the first lets in the fewest specimens that could pass
    without a mistake, or a share `start` of all. Each is passed if, of `AHEAD` further specimens
    above it, more than the share `error` is wrong with probability `risk` at most; the first
    failure ends it, since going on behind a failure voids the promise.

    Parameters
    ----------
    confidence : array of float of shape (n,)
    wrong : array of bool of shape (n,)
    error, risk : float
    start : float
        From 0 to 1.

    Returns
    -------
    threshold : float
        Infinite where not even the first passes.
    passed_all : bool
        Whether the loosest threshold of all passed.
    """
    sure, bad = np.asarray(confidence, np.float64), np.asarray(wrong, bool)
    order = np.argsort(-sure, kind="stable")
    ordered, mistakes = sure[order], np.cumsum(bad[order])
    n = np.arange(1, len(ordered) + 1)
    possible = np.flatnonzero(risk_of_more(np.zeros_like(n), n, error) <= risk)
    if not len(possible):
        return np.inf, False
    # where confidences tie, the threshold lets in all of them
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    tested = last[last >= max(possible[0], int(np.ceil(start * len(ordered))) - 1)]
    failed = np.flatnonzero(risk_of_more(mistakes[tested], n[tested], error) > risk)
    if not len(failed):
        return float(ordered[tested[-1]]), True
    passed = int(failed[0])
    return (float(ordered[tested[passed - 1]]) if passed else np.inf), False


def risk_of_more(
    mistakes: NDArray[np.intp], n: NDArray[np.intp], error: float
) -> NDArray[np.float64]:
    """Probability that of the next `AHEAD` names more than the share `error` is wrong.

    Parameters
    ----------
    mistakes, n : ndarray of int of the same shape
        Seen so far: wrong ones, and all.
    error : float
    """
    ahead = max(AHEAD, int(np.ceil(1 / error)))
    right = np.maximum(n - mistakes, 1e-9)  # nothing right: the next ones are wrong
    allowed = np.arange(int(error * ahead + 1e-9) + 1)[:, None]
    logs = betaln(allowed + mistakes + 1, ahead - allowed + right) - betaln(mistakes + 1, right)
    ways = gammaln(ahead + 1) - gammaln(allowed + 1) - gammaln(ahead - allowed + 1)
    return np.asarray(1 - np.exp(logs + ways).sum(axis=0))


def _holm(
    paths: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]], error: float, risk: float
) -> NDArray[np.float64]:
    """Thresholds of several sequences that share one risk; each is begun at every of `STARTS`.

    Each has an equal part; one that passes to its end leaves its part to the others (the
    sequentially rejective procedure of Bretz et al. 2009, Statistics in Medicine 28:586).
    """
    thresholds = np.full((len(paths), len(STARTS)), np.inf)
    left = list(np.ndindex(thresholds.shape))
    while left:
        part = risk / len(left)
        results = {
            (path, begun): fixed_sequence(*paths[path], error, part, start=STARTS[begun])
            for path, begun in left
        }
        for at, (threshold, _) in results.items():
            thresholds[at] = threshold
        ended = [at for at, (_, through) in results.items() if through]
        if not ended:
            break
        left = [at for at in left if at not in ended]
    return thresholds.min(axis=1)


def _checked(
    probabilities: ArrayLike, codes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    p, truth = np.asarray(probabilities, np.float64), np.asarray(codes)
    if p.ndim != 2 or truth.shape != (len(p),):
        raise SettingError(f"probabilities have shape {p.shape}, codes {truth.shape}.")
    if not np.isfinite(p).all():
        raise SettingError("probabilities must be finite; look for NaN in the features.")
    if len(truth) and (truth.min() < 0 or truth.max() >= p.shape[1]):
        raise SettingError(f"codes must be columns 0 to {p.shape[1] - 1}.")
    return p, truth.astype(np.intp)


def _require_share(owner: str, name: str, value: float) -> None:
    if not 0 < value < 1:
        raise SettingError(f"{owner}: {name} must be a number between 0 and 1, got {value!r}.")
