"""What a study trains: settings, and the groups of trainings that follow from the data.

A group is what is trained together and finished together: all replicates of one protocol at one
size. Sizes come from `berlese.study.sizes` unless they are given; what the data do not allow is
left out with a note in words, and the rest still runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import permutations, product
from typing import Any

from berlese.errors import SettingError
from berlese.options import require_at_least, require_between, require_one_of
from berlese.study import sizes
from berlese.study.datasets import Libraries

PROTOCOLS = ("within", "locality", "between", "adaptation", "unknowns", "divergence", "tuning")
SPLITS = ("stratified", "random")
PAPER_NAMES = frozenset(("LH", "LL", "GH"))
PAPER_PAIRS = (("LL", "LH"), ("GH", "LH"), ("GH", "LL"))
PAPER_LOCALITY = ("LH",)
PAPER_SHOWN = ("GH", "LH")
PAPER_WEIGHTS = (0.1, 0.5, 1.0)
TUNING_SIZE = 200
TUNING_HIDDEN = ((256, 128), (512, 256), (1024, 512))
TUNING_DROPOUT = (0.2, 0.4, 0.6)
FEWEST_PICTURES = 8  # fewer cannot be split into a training and a test set


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What is run and how; the defaults are the paper's, without its traps.

    Parameters
    ----------
    protocols : tuple of str
        Of `PROTOCOLS`.
    pairs : tuple of (str, str), optional
        Source and target; by default the paper's three where the data sets bear its names, else
        all ordered pairs.
    locality : tuple of str, optional
        Data sets split by site; by default the paper's, else all whose sites are known.
    replicates, epochs, dann_epochs : int
    split : {"stratified", "random"}
        Whether draws hold each taxon in its proportion; the paper's do not.
    train_sizes, site_counts, mixed_sizes : tuple of int, optional
        Instead of the rule's.
    max_train : int
        Largest training size that the rule gives.
    domain_weights : tuple of float
        Weights of the domain loss (lambda). Of several, one is chosen: without labels of the
        target, or by target accuracy `as_published`.
    hidden : tuple of int
    dropout : float
    fixed_threshold : float
        Highest probability below which the paper calls a picture unknown.
    keep : float
        Share of right names that a chosen threshold keeps.
    as_published : bool
        Repeat what the paper did where that leaks: lambda by target accuracy, the threshold from
        the pictures that it is scored on.
    seed : int
    """

    protocols: tuple[str, ...] = PROTOCOLS
    pairs: tuple[tuple[str, str], ...] | None = None
    locality: tuple[str, ...] | None = None
    replicates: int = 10
    epochs: int = 500
    dann_epochs: int = 300
    split: str = "stratified"
    train_sizes: tuple[int, ...] | None = None
    site_counts: tuple[int, ...] | None = None
    mixed_sizes: tuple[int, ...] | None = None
    max_train: int = sizes.LARGEST_TRAINING
    domain_weights: tuple[float, ...] = (0.1,)
    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.6
    fixed_threshold: float = 0.95
    keep: float = 0.95
    as_published: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for protocol in self.protocols:
            if protocol not in PROTOCOLS:
                raise SettingError(
                    f"protocol {protocol!r} is unknown; expected some of {', '.join(PROTOCOLS)}."
                )
        for name in ("replicates", "epochs", "dann_epochs", "max_train"):
            require_at_least(self, name, 1)
        require_at_least(self, "seed", 0)
        require_one_of(self, "split", SPLITS)
        require_between(self, "dropout", 0.0, 0.99)
        require_between(self, "fixed_threshold", 0.0, 1.0)
        require_between(self, "keep", 0, 1, inclusive=False)
        for values in (self.train_sizes, self.site_counts, self.mixed_sizes, self.hidden):
            if values is not None and (not values or min(values) < 1):
                raise SettingError(f"sizes must be integers of at least 1, got {values!r}.")
        if not self.domain_weights or min(self.domain_weights) < 0:
            raise SettingError(f"lambda must be 0 or more, got {self.domain_weights!r}.")

    @classmethod
    def published(cls, **changed: Any) -> "StudySettings":
        """The paper to the letter: plain random splits, its three lambdas, its traps."""
        letter: dict[str, Any] = {
            "split": "random",
            "domain_weights": PAPER_WEIGHTS,
            "as_published": True,
        }
        return cls(**(letter | changed))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Group:
    """Trainings that run together.

    Parameters
    ----------
    protocol : {"within", "locality", "adaptation", "tuning"}
        Heads of ``within`` also serve the protocols ``between`` and ``unknowns``.
    source : str
    size : int
        Pictures to train on; sites, where the protocol is ``locality``.
    target : str
        Of an adaptation; else empty.
    domain_weight : float, optional
        None for a head without a domain head.
    hidden : tuple of int
    dropout : float
    """

    protocol: str
    source: str
    size: int
    target: str = ""
    domain_weight: float | None = None
    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.6

    @property
    def model(self) -> str:
        """``CNN``, or ``DANN`` with its lambda."""
        return "CNN" if self.domain_weight is None else f"DANN-{self.domain_weight:g}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The groups of a study in the order of work, and what was left out.

    Parameters
    ----------
    groups : tuple of Group
    pairs : tuple of (str, str)
        Source and target.
    shown : tuple of (str, str)
        Source and target of the figures that show one pair; the same name twice where there is
        one data set only.
    notes : tuple of str
        What the data do not allow, in words.
    """

    groups: tuple[Group, ...]
    pairs: tuple[tuple[str, str], ...]
    shown: tuple[str, str]
    notes: tuple[str, ...] = field(default=())


def plan_study(libraries: Libraries, settings: StudySettings) -> Plan:
    """Decide what to train on these data.

    Raises
    ------
    SettingError
        If a pair or a locality names no data set, or nothing is left to run.
    """
    names = list(libraries.datasets)
    paper = set(names) == PAPER_NAMES
    pairs = settings.pairs
    if pairs is None:
        pairs = PAPER_PAIRS if paper else tuple(permutations(names, 2))
    for name in [*(name for pair in pairs for name in pair), *(settings.locality or ())]:
        if name not in libraries.datasets:
            raise SettingError(f"no data set is called {name!r}; there are {', '.join(names)}.")
    shown = PAPER_SHOWN if paper else (names[0], names[min(1, len(names) - 1)])
    planner = _Planner(libraries, settings)
    wanted = settings.protocols
    if {"within", "between", "unknowns"} & set(wanted):
        planner.within()
    if "locality" in wanted:
        planner.by_locality(paper)
    if "tuning" in wanted:
        planner.tuning()
    if "adaptation" in wanted:
        planner.adaptation(pairs)
    planner.note_taxa(pairs)
    if not planner.groups and "divergence" not in wanted:
        raise SettingError("nothing can be run on these data: " + " ".join(planner.notes))
    return Plan(tuple(planner.groups), tuple(pairs), shown, tuple(planner.notes))


class _Planner:
    """Collects groups and notes."""

    def __init__(self, libraries: Libraries, settings: StudySettings) -> None:
        self.libraries = libraries
        self.settings = settings
        self.groups: list[Group] = []
        self.notes: list[str] = []

    def within(self) -> None:
        for name, data in self.libraries.datasets.items():
            if not self._can_be_split(name):
                continue
            room = len(data) - sizes.test_size(len(data))
            by_rule = sizes.training_sizes(len(data), self.settings.max_train)
            for size in self._allowed(name, self.settings.train_sizes or by_rule, room):
                self._add("within", name, size)

    def by_locality(self, paper: bool) -> None:
        asked = self.settings.locality
        if asked is None and paper:
            asked = PAPER_LOCALITY
        for name in asked or self.libraries.datasets:
            n_sites = len(self.libraries.known_sites(name))
            if not self.libraries.has_sites(name):
                self.notes.append(
                    f"{name}: fewer than two sites are known, so nothing is split by locality; "
                    "give --sites or --site."
                )
                continue
            counts = self.settings.site_counts or sizes.site_counts(n_sites)
            for count in counts:
                if count >= n_sites:
                    self.notes.append(
                        f"{name}: {count} sites to train on were asked for, but {n_sites} are "
                        "known and one must be left to test on; left out."
                    )
                else:
                    self._add("locality", name, count)

    def tuning(self) -> None:
        """Cross-validate units and dropout on the largest data set, as the paper did."""
        largest = max(self.libraries.datasets.values(), key=len)
        if not self._can_be_split(largest.name):
            return
        size = min(TUNING_SIZE, len(largest))
        for hidden, dropout in product(TUNING_HIDDEN, TUNING_DROPOUT):
            self.groups.append(Group("tuning", largest.name, size, hidden=hidden, dropout=dropout))

    def adaptation(self, pairs: Sequence[tuple[str, str]]) -> None:
        for source, target in pairs:
            if not (self._can_be_split(source) and self._can_be_split(target)):
                continue
            n_source = len(self.libraries.datasets[source])
            n_target = len(self.libraries.datasets[target])
            room = n_source + n_target - sizes.mixed_test_size(n_source + n_target)
            by_rule = sizes.mixed_sizes(n_source, n_target, self.settings.max_train)
            wanted = self.settings.mixed_sizes or by_rule
            for size in self._allowed(f"{source} with {target}", wanted, room):
                for weight in (None, *self.settings.domain_weights):
                    self._add("adaptation", source, size, target, weight)

    def note_taxa(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Say which taxa one side of a pair lacks."""
        for source, target in pairs:
            learnt = self.libraries.datasets[source].taxa
            tested = self.libraries.datasets[target].taxa
            foreign = [taxon for taxon in tested if taxon not in learnt]
            missing = [taxon for taxon in learnt if taxon not in tested]
            if foreign:
                n = len(self.libraries.foreign_rows(source, target))
                self.notes.append(
                    f"{target} has {n} pictures of taxa that {source} lacks "
                    f"({', '.join(foreign)}): counted among the unknowns, not in the accuracy."
                )
            if missing:
                self.notes.append(
                    f"{source} has taxa that {target} lacks ({', '.join(missing)}): they are "
                    "learnt, and never right there."
                )

    def _can_be_split(self, name: str) -> bool:
        data = self.libraries.datasets[name]
        reason = ""
        if len(data) < FEWEST_PICTURES:
            reason = f"{len(data)} pictures are too few to split (at least {FEWEST_PICTURES})"
        elif len(data.taxa) < 2:
            reason = f"it has one taxon, {data.taxa[0]}"
        elif len(data.taxa) == len(data):
            reason = "it has one picture a taxon: what is tested was never learnt"
        if reason and not any(note.startswith(f"{name}: {reason}") for note in self.notes):
            self.notes.append(f"{name}: {reason}; nothing is trained on it.")
        return not reason

    def _allowed(self, name: str, wanted: Sequence[int], room: int) -> Iterator[int]:
        for size in wanted:
            if size <= room:
                yield size
            else:
                self.notes.append(
                    f"{name}: {size} pictures to train on were asked for, but {room} are left "
                    "beside the test pictures; left out."
                )

    def _add(
        self, protocol: str, source: str, size: int, target: str = "", weight: float | None = None
    ) -> None:
        hidden, dropout = self.settings.hidden, self.settings.dropout
        self.groups.append(Group(protocol, source, size, target, weight, hidden, dropout))
