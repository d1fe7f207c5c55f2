"""`berlese calibrate` and `--error-rate` on drawn animals: files, words and refusals."""

import csv
import json
import shutil

import numpy as np
import pytest

from berlese.classify.models.bundle import Bundle
from tests.drawing import SHAPES, paper, put_animal, save


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    """Twelve pictures of each drawn taxon, and six of nothing that the model knows."""
    folder = tmp_path_factory.mktemp("reviewed")
    rng = np.random.default_rng(9)
    for taxon in SHAPES:
        for number in range(12):
            image = paper(64, 64, rng)
            put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
            save(folder / taxon / f"{number}.png", image)
    for number in range(6):
        noise = rng.integers(0, 255, (64, 64, 3)).astype(np.uint8)
        save(folder / "Novidae" / f"{number}.png", noise)
    return folder


@pytest.fixture(scope="module")
def refitted(bundle, reviewed, berlese, tmp_path_factory):
    out = tmp_path_factory.mktemp("refitted") / "model"
    result = berlese("calibrate", bundle, reviewed, "--out", out, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout)


def test_the_new_bundle_says_where_its_promises_hold(bundle, reviewed, refitted):
    out, printed = refitted
    model = Bundle.load(out)
    assert model.calibration.domain == reviewed.name
    assert model.calibration.n == 24
    assert model.hash != Bundle.load(bundle).hash
    assert printed["animals"] == 30
    assert printed["calibration"] == json.loads((out / "calibration.json").read_text("utf-8"))
    assert any("reviewed unknown" in note for note in printed["notes"])
    assert any(reviewed.name in note for note in printed["notes"])


def test_it_keeps_the_features_of_its_library(bundle, refitted):
    before, after = (Bundle.load(each, with_rows=True).rows for each in (bundle, refitted[0]))
    assert len(after) == 16
    np.testing.assert_array_equal(after.features, before.features)
    np.testing.assert_array_equal(after.codes, before.codes)


def test_it_still_learns_a_taxon(refitted, reviewed, berlese, tmp_path):
    only = tmp_path / "more"
    shutil.copytree(reviewed / "Novidae", only / "Novidae")
    result = berlese("train", refitted[0], "--add", only, "--out", tmp_path / "grown", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["taxa"] == sorted([*SHAPES, "Novidae"])


def test_it_can_still_be_adapted(refitted, reviewed, berlese, tmp_path):
    result = berlese("adapt", refitted[0], reviewed, "--out", tmp_path / "adapted", "--quiet")
    assert result.exit_code == 0, result.output
    assert Bundle.load(tmp_path / "adapted", with_rows=True).rows is not None


def test_the_model_to_calibrate_is_never_overwritten(bundle, reviewed, berlese, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(bundle, model)
    result = berlese("calibrate", model, reviewed, "--out", model, "--overwrite")
    assert result.exit_code == 2
    assert "give another --out" in result.output
    assert Bundle.load(model).hash == Bundle.load(bundle).hash


def test_a_diagram_is_drawn_beside_it(refitted):
    out, _ = refitted
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    svg = (out / "reliability.svg").read_text("utf-8")
    assert "<svg" in svg
    assert "share of right names" in svg


def test_reviewed_strangers_are_called_unknown(refitted, reviewed, berlese, tmp_path):
    out, _ = refitted
    names = tmp_path / "names.csv"
    result = berlese("predict", out, reviewed, "--out", names, "--unknown-rate", "0.1")
    assert result.exit_code == 0, result.output
    with names.open(encoding="utf-8", newline="") as file:
        status = {row["file"]: row["status"] for row in csv.DictReader(file)}
    strange = [each == "unknown" for file, each in status.items() if "Novidae" in file]
    assert sum(strange) >= 5
    assert sum(each == "unknown" for each in status.values()) - sum(strange) <= 5


def test_an_error_rate_adds_the_set_of_names(refitted, reviewed, berlese, tmp_path):
    names = tmp_path / "names.csv"
    result = berlese("predict", refitted[0], reviewed, "--out", names, "--error-rate", "0.2")
    assert result.exit_code == 0, result.output
    with names.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} <= {"predicted", "unknown", "dubious"}
    assert all(set(row["may_be"].split("|")) <= {*SHAPES, ""} for row in rows)
    assert any(row["may_be"] for row in rows)


def test_a_threshold_without_softmax_is_refused(bundle, reviewed, berlese, tmp_path):
    out = tmp_path / "names.csv"
    result = berlese("predict", bundle, reviewed, "--out", out, "--unknown-threshold", "0.95")
    assert result.exit_code == 2
    assert "softmax" in result.output
    assert not out.exists()


def test_animals_that_the_model_does_not_know_at_all_are_refused(
    bundle, reviewed, berlese, tmp_path
):
    only = tmp_path / "only"
    (only / "Novidae").mkdir(parents=True)
    for file in (reviewed / "Novidae").iterdir():
        (only / "Novidae" / file.name).write_bytes(file.read_bytes())
    result = berlese("calibrate", bundle, only, "--out", tmp_path / "model")
    assert result.exit_code == 2
    assert "none of the 6 reviewed animals" in result.output


def test_a_survey_without_reviewed_animals_is_refused(bundle, berlese, tmp_path):
    assert berlese("init", tmp_path / "survey").exit_code == 0
    result = berlese("calibrate", bundle, tmp_path / "survey", "--out", tmp_path / "model")
    assert result.exit_code == 2
    assert "no animal is named by a person" in result.output
