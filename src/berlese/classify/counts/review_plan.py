"""Which specimens to review next, and when to stop.

Specimens are drawn at random, but spread over the features: alike ones are seldom drawn together
(local pivotal method: Grafström, Lundström & Schelin 2012, Biometrics 68:514). Each has the same
known chance, so that names of the sample may feed counts, calibration and thresholds, and its
spread makes it as good to learn from as specimens picked by hand. The order is drawn once: whoever
stops after k specimens has a sample of k.

Looks are planned: one looks at intervals after 50 specimens and then every 25, or, for a promise
on the whole table, at 50, 100, 200 and 400 with the risk split over these looks and the taxa.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA

from berlese.classify.counts.powered import ShareEstimate
from berlese.errors import SettingError
from berlese.options import require_between, require_one_of

FIRST_LOOK = 50
STEP = 25
TABLE_LOOKS = (50, 100, 200, 400)
AXES = 32
LARGEST = 4000  # rows that are spread; more are first thinned at random
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Goal:
    """How exact the shares shall be.

    Parameters
    ----------
    half_width : float, default=0.05
        Of each taxon's interval, as a share of all specimens.
    promise : {"taxon", "table"}
        Whether each interval holds with the level, or all of them at once.
    level : float, default=0.9
    """

    half_width: float = 0.05
    promise: str = "taxon"
    level: float = 0.9

    def __post_init__(self) -> None:
        require_between(self, "half_width", 0, 1, inclusive=False)
        require_one_of(self, "promise", ("taxon", "table"))
        require_between(self, "level", 0, 1, inclusive=False)

    def looks(self, n: int) -> list[int]:
        """Numbers of reviewed specimens at which to look; the last one is all `n` of them."""
        planned = TABLE_LOOKS if self.promise == "table" else range(FIRST_LOOK, n, STEP)
        return [*(look for look in planned if look < n), n]

    def next_look(self, reviewed: int, n: int) -> int:
        """The number of specimens to review until the next look."""
        return next((look for look in self.looks(n) if look > reviewed), n)

    def last_look(self, reviewed: int, n: int) -> int:
        """The number of specimens at the latest look that so many reviewed allow; 0 before any."""
        return max((look for look in self.looks(n) if look <= reviewed), default=0)

    def expected(self, half_width: float, reviewed: int, n: int) -> int:
        """The look at which the goal will be reached, going by the widest interval now.

        Half-widths shrink with the square root of 1/k - 1/n, as the deviation of a sample of k.
        """
        left = (self.half_width / half_width) ** 2 * (1 / reviewed - 1 / n)
        return self.next_look(int(np.ceil(1 / (1 / n + left))) - 1, n)

    def interval_level(self, n_classes: int) -> float:
        """Level of the intervals to look at."""
        if self.promise == "taxon":
            return self.level
        return 1 - (1 - self.level) / (len(TABLE_LOOKS) * max(n_classes, 1))

    def reached(self, estimate: ShareEstimate) -> bool:
        """Whether every taxon's interval, of `interval_level`, is narrow enough."""
        half = (estimate.high - estimate.low) / 2
        return bool((half <= self.half_width).all())


@dataclass(frozen=True, slots=True, eq=False)
class ReviewPlan:
    """The order in which the specimens of a survey are reviewed.

    Attributes
    ----------
    n : int
        Specimens of the survey.
    order : ndarray of int of shape (m,)
        Rows, the first to review first; any beginning of it is a random sample.
    """

    n: int
    order: NDArray[np.intp] = field(repr=False)

    @classmethod
    def draw(
        cls, features: ArrayLike, *, most: int | None = None, random_state: int = 0
    ) -> "ReviewPlan":
        """Draw the order for features of shape (n, dim).

        Parameters
        ----------
        features : array of shape (n, dim)
        most : int, optional
            Specimens that will be reviewed at the most; 400 by default.
        random_state : int

        Raises
        ------
        SettingError
            If there is no specimen, or a feature is NaN.
        """
        X = np.asarray(features, np.float64)
        if X.ndim != 2 or not len(X) or not np.isfinite(X).all():
            raise SettingError(
                f"features must be rows of finite numbers, got shape {X.shape}; specimens whose "
                "features are NaN cannot be planned."
            )
        wanted = min(len(X), TABLE_LOOKS[-1] if most is None else most)
        rng = np.random.default_rng(random_state)
        return cls(len(X), spread_order(X, wanted, rng))

    def extended(self, features: ArrayLike, most: int, *, random_state: int = 0) -> "ReviewPlan":
        """Go on behind the end of the order, for who reviews more than was planned.

        The rows behind are drawn from those that are left, so that all still have the same chance
        to be in any beginning of it.

        Parameters
        ----------
        features : array of shape (n, dim)
            Those that the order was drawn from.
        most : int
            Specimens that will be reviewed at the most; more than all are all.
        random_state : int
        """
        left = np.setdiff1d(np.arange(self.n), self.order)
        wanted = min(most, self.n) - len(self.order)
        if wanted <= 0:
            return self
        rng = np.random.default_rng([random_state, len(self.order)])
        more = left[spread_order(np.asarray(features, np.float64)[left], wanted, rng)]
        return ReviewPlan(self.n, np.concatenate([self.order, more]))

    def continued(
        self, origin: ArrayLike, own: ArrayLike, *, random_state: int = 0
    ) -> "ReviewPlan":
        """Carry the order over to a survey that has other specimens since.

        Each old row gets a number between 0 and 1, in the plan's order: one draw of `n` numbers,
        sorted. The new order is that of the numbers, from which those that are gone drop out and
        to which those that are new bring their own. It lists as far as the old one did.

        Why it is fair: numbers sorted and given to rows in random order are independent numbers.
        Those of new rows are so too, hence all rows now have the same chance of any rank, and any
        beginning, of which the end is set beforehand, is a random sample. A new row comes into a
        list of m of n with the chance m / (n + 1).

        When it is not quite so: in an order that is spread over features, ranks of neighbours
        depend on each other. Each row now still comes before a given number with the same chance,
        but the first k lack, or have too often, one whose neighbours are gone, by one part in k
        at the most. A beginning that ends where new rows wait for a name lacks them, which is
        off by one row at the most too.

        When it is not so at all: where it hangs on a row's rank whether it is gone, as when
        specimens are taken out because of the names that the review gave them. A row that is
        another now because somebody looked at it (cut in parts, say) is not gone: one of what it
        became has to take its place, whatever its rank, by `origin`.

        Parameters
        ----------
        origin : array of int of shape (n_now,)
            The old row that each row was, or of which it takes the place; -1 where it is new.
            No old row is named twice.
        own : array of float of shape (n_now,)
            A number between 0 and 1 for each row that is new, drawn at random and for it alone.
        random_state : int

        Raises
        ------
        SettingError
            If an old row is named twice, or there is none of its number.
        """
        was, numbers = np.asarray(origin, np.intp), np.asarray(own, np.float64)
        rows = np.flatnonzero(was >= 0)
        if len(np.unique(was[rows])) < len(rows) or was.max(initial=-1) >= self.n:
            raise SettingError(f"origin must name each of the {self.n} old rows once at the most.")
        m = len(self.order)
        number = np.sort(np.random.default_rng(random_state).random(self.n))[:m]
        now = np.full(self.n, -1, np.intp)
        now[was[rows]] = rows
        kept = now[self.order]
        end = 1.0 if m == self.n else number.max(initial=0.0)
        new = np.flatnonzero((was < 0) & (numbers <= end))
        listed = np.concatenate([kept[kept >= 0], new])
        rank = np.concatenate([number[kept >= 0], numbers[new]])
        return ReviewPlan(len(was), listed[np.argsort(rank, kind="stable")])

    def next_rows(self, reviewed: ArrayLike, count: int = STEP) -> NDArray[np.intp]:
        """The next rows to review, those already reviewed left out.

        Parameters
        ----------
        reviewed : array of int
            Rows that have a name from a person, however they were picked.
        count : int
        """
        done = np.asarray(reviewed, np.intp)
        return self.order[~np.isin(self.order, done)][:count]

    def inclusion(self, reviewed: ArrayLike, *, most: int | None = None) -> NDArray[np.float64]:
        """The chance with which each reviewed row was drawn; NaN where it was not by this plan.

        The sample is the longest beginning of the order that is reviewed throughout. Rows behind
        the first gap, and rows picked for another reason, tell of themselves only.

        Parameters
        ----------
        reviewed : array of int
        most : int, optional
            Size of the sample at the look that is taken; rows behind it do not count.
        """
        done = np.asarray(reviewed, np.intp)
        missing = np.flatnonzero(~np.isin(self.order, done))
        k = int(missing[0]) if len(missing) else len(self.order)
        k = k if most is None else min(k, most)
        drawn = np.isin(done, self.order[:k])
        return np.where(drawn, k / self.n, np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Give the plan as JSON types, to be kept with a survey."""
        return {"format": FORMAT, "n": self.n, "order": self.order.tolist()}

    @classmethod
    def from_dict(cls, state: dict[str, Any], *, n: int) -> "ReviewPlan":
        """Take what `to_dict` gave for a survey that has `n` specimens now.

        Raises
        ------
        SettingError
            If it is no plan, or of a survey of another size: its chances no longer hold.
        """
        try:
            kind, size, order = state["format"], int(state["n"]), np.array(state["order"], np.intp)
        except (KeyError, TypeError, ValueError) as error:
            raise SettingError(f"is no review plan ({error}); draw a new one.") from error
        if kind != FORMAT or order.ndim != 1 or len(np.unique(order)) < len(order):
            raise SettingError(f"is no review plan of format {FORMAT}; draw a new one.")
        if size != n or (len(order) and not 0 <= order.min() <= order.max() < n):
            raise SettingError(
                f"the review plan is for {size} specimens, the survey has {n}. Draw a new one: "
                "names given already stay, and count as picked, not as drawn."
            )
        return cls(size, order)


def spread_order(
    features: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw `wanted` rows in an order of which every 25th beginning is spread over the features.

    Samples are nested: from all rows to the largest sample, from each sample to one that is
    `STEP` smaller, each drawn by the local pivotal method with equal chances.
    """
    n = len(features)
    rows = np.sort(rng.choice(n, min(n, max(LARGEST, wanted)), replace=False))
    X = features[rows] - features[rows].mean(axis=0)
    if min(X.shape) > AXES:
        X = PCA(AXES, svd_solver="randomized", random_state=0).fit_transform(X)
    order: list[NDArray[np.intp]] = []
    left = np.arange(len(rows))
    size = wanted
    while size > 0:
        left = left[local_pivotal(X[left], size, rng)] if size < len(left) else left
        smaller = (size - 1) // STEP * STEP
        inner = local_pivotal(X[left], smaller, rng) if smaller else np.zeros(0, np.intp)
        outer = np.setdiff1d(np.arange(len(left)), inner)
        order.insert(0, rng.permutation(left[outer]))
        left, size = left[inner], smaller
    drawn: NDArray[np.intp] = rows[np.concatenate(order)]
    return drawn


def local_pivotal(X: NDArray[np.float64], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw `size` rows with equal chances, neighbours seldom together (LPM2).

    A row and its nearest undecided neighbour fight for the sum of their chances: one of them gets
    as much as it can hold, the other the rest.

    Parameters
    ----------
    X : ndarray of float64 of shape (n, dim)
    size : int
        Below n.

    Returns
    -------
    ndarray of int of shape (size,)
        Sorted.
    """
    n = len(X)
    chance = np.full(n, size / n)
    square = np.einsum("ij,ij->i", X, X)
    undecided = np.arange(n)
    while len(undecided) > 1:
        place = rng.integers(len(undecided))
        i = undecided[place]
        distance = square[undecided] - 2 * (X[undecided] @ X[i])
        distance[place] = np.inf
        other = int(distance.argmin())
        j = undecided[other]
        chance[i], chance[j] = _fight(chance[i], chance[j], rng)
        decided = [p for p, row in ((place, i), (other, j)) if not 1e-9 < chance[row] < 1 - 1e-9]
        undecided = np.delete(undecided, np.array(decided, np.intp))
    if len(undecided):  # the sum is whole, up to rounding
        chance[undecided] = np.round(chance[undecided])
    drawn: NDArray[np.intp] = np.flatnonzero(chance > 0.5)
    return drawn


def _fight(a: float, b: float, rng: np.random.Generator) -> tuple[float, float]:
    total = a + b
    if total < 1:
        return (total, 0.0) if rng.random() * total < a else (0.0, total)
    if total >= 2 - 1e-12:
        return 1.0, 1.0
    return (1.0, total - 1) if rng.random() * (2 - total) < 1 - b else (total - 1, 1.0)
