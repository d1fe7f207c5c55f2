"""Simulated surveys of four taxa, as a model of known skill and bias sees them."""

import numpy as np

from berlese.classify.calibration.held_out import HeldOut

TAXA = ("Carabidae", "Leiodidae", "Ptiliidae", "Staphylinidae")
SHARES = np.array([0.62, 0.3, 0.06, 0.02])


def look(codes, rng, bias=0.0):
    """Probabilities of a model; `bias` makes it see the third taxon everywhere."""
    logits = rng.normal(size=(len(codes), 4)) + 2.2 * np.eye(4)[codes] + [0, 0, bias, 0]
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True)


def library(seed, n=600):
    """What the model makes of a library of equal shares, four of each photo."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 4
    return HeldOut(look(codes, rng), codes, np.arange(n) // 4)


def survey(seed, n=400, bias=0.0):
    """Probabilities and classes of a survey, and what goes on drawing from its seed."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(4, n, p=SHARES)
    return look(codes, rng, bias), codes, rng


def names(codes):
    """What a reviewer would say."""
    return [TAXA[code] for code in codes]
