"""The guard: exact figures by hand, and choices on targets of known truth."""

import numpy as np
import pytest
from scipy.stats import binom

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.guard import ADVICE, FEWEST, SETTLED, Comparison, decide
from berlese.errors import SettingError

CLASSES = np.array(["Carabidae", "Leiodidae", "Ptiliidae"])


def target(n=240, shift=0.0, reviewed=0, spread=1.0, seed=0):
    """Three classes; the target lies off by `shift` along directions that tell no class."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    centres = 2.5 * np.eye(3, 10)
    source = centres[codes] + rng.normal(size=(n, 10))
    moved = centres[codes] + spread * rng.normal(size=(n, 10))
    moved[:, [4, 5, 6]] += shift
    said = np.full(n, -1)
    said[:reviewed] = codes[:reviewed]
    return Domains(CLASSES, source, codes, moved, said), codes


def model_right_for(codes, share, seed=1):
    """Probabilities of a model that names a share of rows right, the others as the next class."""
    right = np.random.default_rng(seed).random(len(codes)) < share
    return np.eye(3)[np.where(right, codes, (codes + 1) % 3)]


def test_mcnemar_is_the_exact_binomial_test():
    found = Comparison(9, 2, 19)
    assert found.p_value == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert found.gain == pytest.approx(7 / 30)
    assert Comparison(0, 0, 30).p_value == 1


def test_the_probability_of_worse_is_even_where_nothing_differs():
    assert Comparison(0, 0, 30).probability_of_worse == pytest.approx(0.5)
    assert Comparison(8, 0, 22).probability_of_worse < 0.01


def test_intervals_cover_the_true_gain():
    rng = np.random.default_rng(3)
    covered = 0
    for better, worse, same in rng.multinomial(30, [0.25, 0.1, 0.65], 300):
        low, high = Comparison(better, worse, same).interval()
        covered += low <= 0.15 <= high
    assert covered >= 0.86 * 300


def test_without_names_the_result_is_marked_unverified():
    domains, codes = target(shift=2.5)
    decision = decide(domains, model_right_for(codes, 0.5), np.zeros(240, bool))
    assert decision.verdict.method == "consensus"
    assert not decision.verdict.verified
    assert "Nobody has verified" in decision.verdict.in_words()
    assert f"{ADVICE} again; " in decision.verdict.in_words()
    assert f"Name {SETTLED} animals drawn at random" in ADVICE
    named = decision.classifier.scores_(domains.target).argmax(axis=1)
    assert np.mean(named == codes) > 0.8


def test_few_animals_without_names_are_left_as_they_are():
    domains, codes = target(n=60)
    decision = decide(domains, model_right_for(codes, 0.9), np.zeros(60, bool))
    assert decision.verdict.method == "none"
    assert decision.classifier is None
    assert "too few" in decision.verdict.in_words()


def test_names_show_that_adapting_helps():
    domains, codes = target(shift=2.5, reviewed=30)
    verdict = decide(domains, model_right_for(codes, 0.4), domains.is_reviewed).verdict
    assert (verdict.method, verdict.verified) == ("reviewed", True)
    assert verdict.low < verdict.gain < verdict.high
    assert verdict.gain == pytest.approx(0.5, abs=0.2)
    assert verdict.p_value < 0.01
    assert verdict.worse < 0.01


def test_a_model_that_names_better_than_adapting_would_is_kept():
    domains, codes = target(spread=6.0, reviewed=40)
    decision = decide(domains, model_right_for(codes, 1.0), domains.is_reviewed)
    assert decision.verdict.method == "none"
    assert decision.classifier is None
    assert "worse" in decision.verdict.in_words()
    assert decision.verdict.renamed == 0


def test_names_that_were_not_drawn_at_random_teach_but_are_no_evidence():
    domains, codes = target(shift=2.5, reviewed=30)
    verdict = decide(domains, model_right_for(codes, 0.4), np.zeros(240, bool)).verdict
    assert (verdict.method, verdict.verified, verdict.reviewed) == ("reviewed", False, 0)
    assert verdict.gain is None
    assert "tell nothing" in verdict.in_words()


def test_a_method_that_was_asked_for_is_compared_all_the_same():
    domains, codes = target(shift=2.5, reviewed=FEWEST)
    as_is = model_right_for(codes, 0.4)
    verdict = decide(domains, as_is, domains.is_reviewed, method="nearest-mean").verdict
    assert verdict.method == "nearest-mean"
    assert verdict.verified
    assert "asked for" in verdict.in_words()


def test_an_empty_target_and_an_unknown_method_are_refused():
    domains, codes = target()
    empty = Domains(
        CLASSES, domains.source, domains.codes, domains.target[:0], domains.reviewed[:0]
    )
    with pytest.raises(SettingError, match="empty"):
        decide(empty, np.zeros((0, 3)), np.zeros(0, bool))
    with pytest.raises(SettingError, match=r"one of prototypes.*got 'magic'"):
        decide(domains, model_right_for(codes, 0.5), domains.is_reviewed, method="magic")


def test_photos_like_the_library_leave_the_model_as_it_is():
    domains, codes = target(n=300)
    verdict = decide(domains, model_right_for(codes, 0.9), np.zeros(300, bool)).verdict
    assert verdict.method == "none"
    assert "look alike" in verdict.in_words()


def test_clear_names_overrule_the_likeness():
    domains, codes = target(n=300, reviewed=40)
    unsure = decide(domains, model_right_for(codes, 0.97), domains.is_reviewed).verdict
    assert unsure.method == "none"
    sure = decide(domains, model_right_for(codes, 0.4), domains.is_reviewed).verdict
    assert sure.method == "reviewed"
