"""What is trained on which data, and what is said where data do not allow it."""

import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.study.datasets import Dataset, Libraries
from berlese.study.plans import Group, StudySettings, plan_study
from berlese.study.trainings import n_trainings


def data(name, n, n_taxa=2, n_sites=0):
    sites = np.array([str(row % n_sites) for row in range(n)]) if n_sites else None
    labels = np.array([f"t{row % n_taxa}" for row in range(n)])
    return Dataset(name, np.zeros((n, 2), np.float32), labels, sites)


def test_the_papers_data_sets_give_the_papers_trainings():
    paper = Libraries([data("LH", 960, 12, 46), data("LL", 306, 12, 46), data("GH", 1687, 12, 11)])
    settings = StudySettings()
    plan = plan_study(paper, settings)
    heads = {
        protocol: sum(n_trainings(g, settings) for g in plan.groups if g.protocol == protocol)
        for protocol in ("within", "locality")
    }
    assert heads == {"within": 210, "locality": 70}
    adapted = [g for g in plan.groups if g.domain_weight is not None]
    assert [(g.source, g.target) for g in adapted if g.size == 400] == [
        ("LL", "LH"),
        ("GH", "LH"),
        ("GH", "LL"),
    ]
    assert len(adapted) == 20
    assert plan.shown == ("GH", "LH")
    assert plan.notes == ()


def test_other_data_sets_give_all_pairs_and_all_localities():
    plan = plan_study(Libraries([data("a", 60, 2, 5), data("b", 40, 2, 4)]), StudySettings())
    assert plan.pairs == (("a", "b"), ("b", "a"))
    assert {g.source for g in plan.groups if g.protocol == "locality"} == {"a", "b"}
    assert plan.shown == ("a", "b")


def test_each_adaptation_stands_beside_a_plain_head_of_the_same_draws():
    plan = plan_study(
        Libraries([data("a", 60), data("b", 40)]),
        StudySettings(protocols=("adaptation",), domain_weights=(0.1, 1.0), mixed_sizes=(20,)),
    )
    assert [g.model for g in plan.groups] == ["CNN", "DANN-0.1", "DANN-1"] * 2


@pytest.mark.parametrize(
    ("libraries", "settings", "said"),
    [
        ([data("a", 60), data("b", 40, 3)], {}, "b has 13 pictures of taxa that a lacks (t2)"),
        ([data("a", 60)], {"train_sizes": (10, 900)}, "900 pictures to train on were asked for"),
        ([data("a", 60, 2, 5)], {"site_counts": (2, 9)}, "9 sites to train on were asked for"),
        ([data("a", 60)], {}, "fewer than two sites are known"),
        ([data("a", 60), data("b", 12, 12)], {}, "b: it has one picture a taxon"),
        ([data("a", 60), data("b", 5)], {}, "b: 5 pictures are too few to split"),
        ([data("a", 60), data("b", 40, 1)], {}, "b: it has one taxon, t0"),
    ],
)
def test_what_the_data_do_not_allow_is_said_and_the_rest_is_planned(libraries, settings, said):
    plan = plan_study(Libraries(libraries), StudySettings(**settings))
    assert said in " ".join(plan.notes)
    assert any(g.protocol == "within" and g.source == "a" for g in plan.groups)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"protocols": ("guess",)}, "protocol 'guess' is unknown"),
        ({"pairs": (("a", "c"),)}, "no data set is called 'c'; there are a"),
        ({"replicates": 0}, "replicates must be an integer of at least 1"),
        ({"split": "even"}, "split must be one of"),
        ({"domain_weights": (-1.0,)}, "lambda must be 0 or more"),
        ({"train_sizes": (0,)}, "sizes must be integers of at least 1"),
    ],
)
def test_wrong_settings_are_refused_in_words(changed, message):
    with pytest.raises(SettingError, match=message):
        plan_study(Libraries([data("a", 60)]), StudySettings(**changed))


def test_nothing_to_run_is_refused_with_the_reasons():
    with pytest.raises(SettingError, match=r"nothing can be run .* too few to split"):
        plan_study(Libraries([data("a", 3)]), StudySettings(protocols=("within",)))


def test_as_published_repeats_the_papers_choices():
    letter = StudySettings.published(seed=3)
    assert (letter.split, letter.domain_weights, letter.as_published, letter.seed) == (
        "random",
        (0.1, 0.5, 1.0),
        True,
        3,
    )


def test_a_model_is_named_with_its_lambda():
    assert Group("within", "a", 1).model == "CNN"
    assert Group("adaptation", "a", 1, "b", 0.5).model == "DANN-0.5"
