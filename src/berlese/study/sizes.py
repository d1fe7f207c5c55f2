"""How many pictures to train and test on: one rule for any data.

With the counts of the paper's Table S1 the rule gives the paper's own grids (its test holds the
two side by side): steps from the series 1, 2, 5, 10, ..., at most ten of them.
"""

from collections.abc import Iterator, Sequence
from itertools import count

from berlese.errors import SettingError

LARGEST_TEST = 200
LARGEST_TRAINING = 900
MOST_STEPS = 10
FEWEST_MIXED = 300
SITE_STEPS = 7
SITES_A_STEP = 11.5  # 46 sites are taken in steps of 4


def test_size(n: int) -> int:
    """Pictures held out for testing: a round number up to a quarter, 200 at most."""
    return _round_down(min(n // 4, LARGEST_TEST))


def training_sizes(n: int, largest: int = LARGEST_TRAINING) -> list[int]:
    """Training sizes for a data set of `n` pictures, test pictures apart."""
    room = min(n - test_size(n), largest)
    return _steps(room)


def mixed_test_size(n: int) -> int:
    """Pictures of both data sets held out of a pool of `n`."""
    return 2 * test_size(n)


def mixed_sizes(n_source: int, n_target: int, largest: int = LARGEST_TRAINING) -> list[int]:
    """Sizes of draws from the pool of two data sets.

    As many as bring in the source pictures that the source's own largest training has; from
    three tenths of the largest draw on, or from 300.
    """
    pool = n_source + n_target
    most_labelled = max(training_sizes(n_source, largest), default=0)
    room = min(pool - mixed_test_size(pool), most_labelled * pool // n_source)
    sizes = _steps(room)
    fewest = min(FEWEST_MIXED, 0.3 * max(sizes, default=0))
    return [size for size in sizes if size >= fewest]


def site_counts(n_sites: int) -> list[int]:
    """Numbers of sites to train on; at least one is left to test on."""
    step = max(round(n_sites / SITES_A_STEP), 1)
    return [step * k for k in range(1, SITE_STEPS + 1) if step * k < n_sites]


def nearest(sizes: Sequence[int], wanted: int) -> int:
    """The size closest to the wanted one; of two, the smaller.

    Raises
    ------
    SettingError
        If there is none.
    """
    if not sizes:
        raise SettingError(f"no training size to take for {wanted}: none was run.")
    return min(sorted(sizes), key=lambda size: abs(size - wanted))


def _steps(room: int) -> list[int]:
    if room < 1:
        return []
    step = next(step for step in _round_numbers() if room // step <= MOST_STEPS)
    return list(range(step, room + 1, step))


def _round_down(n: int) -> int:
    largest = 0
    for number in _round_numbers():
        if number > n:
            break
        largest = number
    return largest


def _round_numbers() -> Iterator[int]:
    return (factor * 10**power for power in count() for factor in (1, 2, 5))
