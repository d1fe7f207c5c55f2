"""A bundle learns a taxon; a library with a wrong name and a copy is seen through."""

import csv
import json
import shutil

import numpy as np
import pytest

from berlese.cli.upkeep import spelled_as
from tests.drawing import SHAPES, paper, put_animal, save


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """Pictures of a taxon of its own: two animals at once."""
    folder = tmp_path_factory.mktemp("more")
    rng = np.random.default_rng(1)
    for number in range(6):
        image = paper(64, 64, rng)
        for place in ((20, 20), (44, 44)):
            put_animal(image, next(iter(SHAPES)), place, float(rng.uniform(0, 180)))
        save(folder / "Zopheridae" / f"{number}.png", image)
    return folder


def test_a_bundle_learns_a_taxon(bundle, more, berlese, tmp_path):
    out = tmp_path / "grown"
    result = berlese("train", bundle, "--add", more, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["added"] == ["Zopheridae"]
    assert said["pictures"] == 6
    assert len(said["taxa"]) == len(SHAPES) + 1
    again = berlese("train", out, "--add", more, "--out", tmp_path / "twice")
    assert again.exit_code == 2
    assert "has learned from all 6 pictures already" in again.output
    blocked = berlese("train", bundle, "--add", more, "--out", out)
    assert blocked.exit_code == 2
    assert "--overwrite" in blocked.output


def test_a_known_taxon_in_another_case_is_taught_as_the_one_it_is(bundle, more, berlese, tmp_path):
    first = sorted(SHAPES)[0]
    shutil.copytree(more / "Zopheridae", tmp_path / "more" / first.lower())
    out = tmp_path / "grown"
    result = berlese("train", bundle, "--add", tmp_path / "more", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["added"], said["pictures"], said["taxa"]) == ([], 6, sorted(SHAPES))
    assert said["notes"] == [f"{first.lower()!r} was taken as {first!r}."]


def test_names_are_spelled_as_the_model_spells_them():
    names, notes = spelled_as(["Carabidae"], np.array(["carabidae", "Carabidae", "Lumbricus"]))
    assert names.tolist() == ["Carabidae", "Carabidae", "Lumbricus"]
    assert notes == ("'carabidae' was taken as 'Carabidae'.",)


@pytest.mark.parametrize(
    "option", [("--head", "network"), ("--backbone", "vgg16"), ("--taxonomy", "ranks.csv")]
)
def test_what_a_taught_bundle_keeps_is_not_asked_for(option, berlese, tmp_path):
    out = tmp_path / "grown"
    result = berlese("train", tmp_path / "bundle", "--add", tmp_path, "--out", out, *option)
    assert result.exit_code == 2
    assert "backbone, head and taxonomy stay" in result.output


def test_a_wrong_name_and_a_copy_are_listed_with_pictures(bundle, library, berlese, tmp_path):
    mine = tmp_path / "library"
    shutil.copytree(library, mine)
    first, second = sorted(SHAPES)[:2]
    shutil.move(mine / first / "0.png", mine / second / "moved.png")
    shutil.copy(mine / first / "1.png", mine / first / "copy.png")
    out = tmp_path / "audit"
    result = berlese("evaluate", bundle, mine, "--audit", "--out", out)
    assert result.exit_code == 0, result.output
    assert "look wrong" in result.output
    with (out / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["file"].endswith("moved.png")
    assert (rows[0]["taxon"], rows[0]["proposed"]) == (second, first)
    with (out / "duplicates.csv").open(encoding="utf-8", newline="") as file:
        pairs = [{row["file"][-8:], row["otherFile"][-8:]} for row in csv.DictReader(file)]
    assert {str(mine / first / "1.png")[-8:], "copy.png"} in pairs
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") >= 2
    assert "http" not in page


def test_a_library_of_one_taxon_cannot_be_audited(bundle, library, berlese, tmp_path):
    only = sorted(SHAPES)[0]
    shutil.copytree(library / only, tmp_path / "one" / only)
    result = berlese("evaluate", bundle, tmp_path / "one", "--audit", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "two taxa" in result.output
