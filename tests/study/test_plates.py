"""The whole from trainings to plates on simulated data."""

import json

import numpy as np
import pytest

from berlese.study.analysis import analyse
from berlese.study.datasets import Libraries
from berlese.study.plans import StudySettings, plan_study
from berlese.study.plates import iter_plates
from berlese.study.trainings import train_group
from tests.study.conftest import gaussians

SMALL = {"epochs": 60, "dann_epochs": 60, "hidden": (16, 8), "dropout": 0.1}
TOLD = ("within", "locality", "between", "adaptation", "unknowns", "divergence")


def run(libraries, **changed):
    settings = StudySettings(
        **(
            {
                "protocols": TOLD,
                "replicates": 3,
                "train_sizes": (30, 60),
                "mixed_sizes": (60, 90),
                "site_counts": (3, 5),
            }
            | SMALL
            | changed
        )
    )
    plan = plan_study(libraries, settings)
    results = [train_group(libraries, group, settings) for group in plan.groups]
    return plan, analyse(libraries, plan, settings, results)


@pytest.fixture(scope="module")
def study(libraries):
    return run(libraries)


def test_every_figure_and_table_is_drawn_in_the_papers_order(libraries, study):
    plates = list(iter_plates(libraries, *study))
    assert [plate.name for plate in plates] == [
        "table_s1",
        "figure_s2",
        "figure_2",
        "table_s3",
        "figure_3",
        "figure_4",
        "figure_5",
        "table_s4",
        "figure_6",
        "figure_s3",
    ]
    for plate in plates:
        assert len(plate.data)
        plate.figure.draw_without_rendering()


def test_shifted_clouds_show_what_they_must(study):
    _, analysis = study
    largest = analysis.means.groupby(["protocol", "source", "target"]).last()
    means = largest["acc_target"]
    assert means["within", "near", "near"] > 0.9
    assert means["between", "near", "far"] < means["within", "near", "near"]
    assert analysis.divergence["error"].mean() < 0.05
    assert len(analysis.results) == 3 * 20


def test_statistics_are_json_without_nan(study):
    _, analysis = study
    text = json.dumps(analysis.to_statistics(), allow_nan=False)
    found = json.loads(text)
    assert {each["term"] for each in found["regression"]} == {"intercept", "model", "n_train"}
    assert len(found["paired"]) == 6
    assert found["duplicate_pictures"] == 0


def test_one_data_set_and_one_replicate_still_make_a_study():
    alone = Libraries([gaussians("near", 60, shift=0, seed=1)])
    plan, analysis = run(alone, replicates=1, mixed_sizes=None, train_sizes=(30,))
    assert [plate.name for plate in iter_plates(alone, plan, analysis)] == [
        "table_s1",
        "figure_s2",
        "figure_2",
        "table_s3",
        "figure_3",
        "figure_4",
    ]
    assert "One replicate" in " ".join(analysis.notes)
    json.dumps(analysis.to_statistics(), allow_nan=False)


def test_only_the_divergence_can_be_asked_for(libraries):
    plan, analysis = run(libraries, protocols=("divergence",))
    assert analysis.results.empty
    assert [plate.name for plate in iter_plates(libraries, plan, analysis)] == [
        "table_s1",
        "figure_s2",
    ]
    assert np.isfinite(analysis.divergence["error"]).all()


def test_tuning_finds_a_best_candidate(libraries):
    _, analysis = run(libraries, protocols=("tuning",), epochs=10)
    assert len(analysis.tuning) == 9
    assert analysis.tuning["best"].sum() == 1
    best = analysis.tuning.loc[analysis.tuning["best"], "accuracy"].item()
    assert best == analysis.tuning["accuracy"].max() > 0.5


def test_protocols_can_run_alone(libraries):
    for protocol in ("locality", "adaptation", "between", "unknowns"):
        plan, analysis = run(libraries, protocols=(protocol,), train_sizes=(30,), replicates=1)
        names = [plate.name for plate in iter_plates(libraries, plan, analysis)]
        assert "table_s1" in names
        json.dumps(analysis.to_statistics(), allow_nan=False)
