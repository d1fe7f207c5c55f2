"""Two simulated libraries whose truth is known, and results written by hand."""

import numpy as np
import pytest

from berlese.study.datasets import Dataset, Libraries
from berlese.study.plans import Group
from berlese.study.trainings import GroupResult

TAXA = ("Carabidae", "Leiodidae", "Ptiliidae")
DIM = 12
N_SITES = 10


def gaussians(name: str, n: int, *, shift: float, seed: int, taxa=TAXA) -> Dataset:
    """One normal cloud a taxon, the same in every data set but for the shift; 10 sites."""
    centres = np.random.default_rng(99).normal(0, 2, (len(TAXA), DIM))
    rng = np.random.default_rng(seed)
    which = np.arange(n) % len(taxa)
    features = centres[which] + rng.normal(0, 1, (n, DIM)) + shift
    return Dataset(
        name,
        features.astype(np.float32),
        np.array(taxa)[which],
        np.array([f"site {site}" for site in rng.integers(N_SITES, size=n)]),
        np.array([f"{name} photo {row // 2}" for row in range(n)]),
        np.array([f"{name} {row}" for row in range(n)]),
    )


@pytest.fixture(scope="session")
def libraries() -> Libraries:
    """Near and far: the second is shifted; four unknowns lie far from every taxon."""
    rng = np.random.default_rng(5)
    strangers = rng.normal(0, 0.1, (4, DIM)).astype(np.float32)
    return Libraries(
        [gaussians("near", 120, shift=0, seed=1), gaussians("far", 90, shift=3, seed=2)],
        {"far": Dataset("far-unknown", strangers, np.array(["Cleridae"] * 4))},
    )


@pytest.fixture
def by_hand():
    """Make a result from rows of names: ``by_hand(libraries, named, tested, ...)``."""

    def make(libraries, named, tested, *, labelled=None, confidence=None, **of_group):
        named = np.asarray(named, np.int16)
        nothing = np.zeros(named.shape, bool)
        return GroupResult(
            Group(**({"protocol": "within", "source": "A", "size": 4} | of_group)),
            seeds=np.arange(len(named)),
            labelled=nothing if labelled is None else np.asarray(labelled, bool),
            unlabelled=nothing,
            tested=np.asarray(tested, bool),
            named=named,
            confidence=np.ones(named.shape, np.float32)
            if confidence is None
            else np.asarray(confidence, np.float32),
            information=np.full(len(named), np.nan),
            seconds=0.5,
        )

    return make


@pytest.fixture
def six() -> Libraries:
    """Data set A with four pictures of two taxa, B with two, one of a taxon that A lacks."""
    flat = np.zeros((4, 2), np.float32)
    return Libraries(
        [
            Dataset("A", flat, np.array(["x", "x", "x", "y"]), np.array(["1", "1", "2", "2"])),
            Dataset("B", flat[:2], np.array(["y", "z"]), np.array(["2", "3"])),
        ]
    )
