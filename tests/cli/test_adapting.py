"""`adapt`: a bundle and photos in, a bundle that names them out, and words on what it is worth."""

import csv
import json

import numpy as np
import pytest

from tests.drawing import SHAPES, put_animal, save


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Sixty pictures of the drawn taxa on a dark ground, and a sheet that names twelve."""
    folder = tmp_path_factory.mktemp("target")
    rng = np.random.default_rng(5)
    lines = ["file,taxon"]
    for number in range(60):
        taxon = sorted(SHAPES)[number % 2]
        image = rng.normal(150, 12, (64, 64, 3)).clip(0, 255).astype(np.uint8)
        put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
        save(folder / "crops" / f"{number:02}.png", image)
        if number < 12:
            lines.append(f"crops/{number:02}.png,{taxon}")
    (folder / "names.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    more = [f"crops/{number:02}.png,{sorted(SHAPES)[number % 2]}" for number in range(12, 24)]
    (folder / "more.csv").write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return folder


def accuracy(berlese, bundle, crops, out):
    result = berlese("predict", bundle, crops / "crops", "--out", out)
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    truth = [sorted(SHAPES)[number % 2] for number in range(len(rows))]
    return np.mean([row["bestTaxon"] == taxon for row, taxon in zip(rows, truth, strict=True)])


def test_few_animals_and_no_name_leave_the_model_as_it_is_and_say_so(
    bundle, crops, berlese, tmp_path
):
    out = tmp_path / "kept.bundle"
    result = berlese("adapt", bundle, crops / "crops", "--out", out)
    assert result.exit_code == 0, result.output
    assert "Kept as it is (unverified)" in result.stdout
    assert "too few" in result.stdout
    record = json.loads((out / "bundle.json").read_text(encoding="utf-8"))
    assert record["head"] == "linear"
    assert record["training"]["adaptation"]["method"] == "none"
    before = (bundle / "arrays.safetensors").read_bytes()
    assert (out / "arrays.safetensors").read_bytes() == before


def test_names_adapt_a_model_that_is_read_again(bundle, crops, berlese, tmp_path):
    out = tmp_path / "adapted.bundle"
    result = berlese(
        "adapt", bundle, crops / "crops", "--out", out, "--reviewed", crops / "names.csv", "--json"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["method"], told["verified"], told["reviewed"]) == ("reviewed", True, 12)
    assert accuracy(berlese, out, crops, tmp_path / "names.csv") > 0.9
    assert "adapted by reviewed to 60 animals" in (out / "MODEL_CARD.md").read_text("utf-8")
    record = json.loads((out / "bundle.json").read_text("utf-8"))
    assert (record["calibration"]["domain"], record["calibration"]["n"]) == ("crops", 12)
    same = berlese("predict", out, crops / "crops", "--out", tmp_path / "same.csv")
    assert "look like those of the crops" in same.stdout + same.stderr
    again = tmp_path / "again.bundle"
    result = berlese("adapt", out, crops / "crops", "--out", again, "--method", "prototypes")
    assert result.exit_code == 0, result.output
    assert "asked for" in result.stdout


def test_from_twenty_names_on_the_adapted_model_shows_what_came_true(
    bundle, crops, berlese, tmp_path
):
    out = tmp_path / "adapted.bundle"
    result = berlese(
        "adapt", bundle, crops / "crops", "--out", out, "--reviewed", crops / "more.csv"
    )
    assert result.exit_code == 0, result.output
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    # What it learned from cannot tell how good it is.
    again = berlese("calibrate", out, crops / "more.csv", "--out", tmp_path / "again")
    assert again.exit_code == 2
    assert "has learned from all 24 reviewed animals" in again.stderr


def test_what_cannot_be_adapted_is_refused_in_a_line(bundle, crops, berlese, tmp_path):
    target = crops / "crops"
    same = berlese("adapt", bundle, target, "--out", bundle, "--overwrite")
    assert same.exit_code == 2
    assert "is the model that you start from" in same.stderr
    magic = berlese("adapt", bundle, target, "--out", tmp_path / "x", "--method", "magic")
    assert magic.exit_code == 2
    assert "one of prototypes" in magic.stderr
    (tmp_path / "old").mkdir()
    for file in ("bundle.json", "arrays.safetensors"):
        (tmp_path / "old" / file).write_bytes((bundle / file).read_bytes())
    old = berlese("adapt", tmp_path / "old", target, "--out", tmp_path / "y")
    assert old.exit_code == 2
    assert "without its library's features" in old.stderr


def test_the_gap_is_told_in_words_figures_and_pictures(library, crops, berlese, tmp_path):
    out = tmp_path / "gap"
    fast = ("--backbone", "efficientnet-lite0")
    result = berlese("gap", library, crops / "crops", "--out", out, *fast)
    assert result.exit_code == 0, result.output
    assert "Library and photos differ" in result.stdout
    assert "lightness of the ground" in result.stdout
    assert "Use a lighter ground" in result.stdout
    found = json.loads((out / "gap.json").read_text(encoding="utf-8"))
    assert found["dataset_error"]["value"] < 0.1
    assert (found["library_pictures"], found["target_pictures"]) == (16, 60)
    ground = {each["name"]: each for each in found["differences"]}["ground_lightness"]
    # The drawn papers are sRGB 232 and 150: L of 92 and 62.
    assert ground["library"] == pytest.approx(92, abs=2)
    assert ground["target"] == pytest.approx(62, abs=2)
    page = (out / "gap.html").read_text(encoding="utf-8")
    assert "What to change at the bench" in page
    assert page.count("data:image/jpeg") == 2 * len(found["look_alikes"])
    again = berlese("gap", library, crops / "crops", "--out", out, *fast)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_a_library_is_like_itself(library, berlese, tmp_path):
    result = berlese("gap", library, library, "--out", tmp_path, "--backbone", "efficientnet-lite0")
    assert result.exit_code == 0, result.output
    assert "look alike" in result.stdout
    assert "Use a" not in result.stdout
