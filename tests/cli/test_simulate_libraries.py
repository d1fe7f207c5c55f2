"""`berlese simulate libraries`, from the command line to the files."""

import csv
import json
from collections import Counter

import cv2
import pytest

from berlese.survey.library import read_library

SCALE = 0.01  # one picture a taxon, or a few


@pytest.fixture(scope="module")
def libraries(berlese, tmp_path_factory):
    out = tmp_path_factory.mktemp("libraries") / "made"
    result = berlese(
        "simulate", "libraries", "--out", out, "--scale", SCALE, "--json", "--jobs", 1, "--quiet"
    )
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout)


def _truth(out):
    with (out / "truth.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_truth_lists_the_files_and_no_others(libraries):
    out, told = libraries
    rows = _truth(out)
    assert list(rows[0]) == [
        "dataset", "file", "taxon", "genus", "species", "site", "setup", "known",
    ]  # fmt: skip
    on_disk = {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")}
    assert {row["file"] for row in rows} == on_disk
    assert len(rows) == len(on_disk)
    assert Counter(row["dataset"] for row in rows) == told["pictures"]
    for row in rows:
        assert row["file"].startswith(f"{row['dataset']}/{row['taxon']}/")
        assert row["species"].startswith(row["genus"])
        assert row["known"] == ("false" if row["dataset"] == "LH-unknown" else "true")


@pytest.mark.parametrize("dataset", ["LH", "LL", "GH"])
def test_each_folder_is_a_library_of_the_twelve_taxa(libraries, dataset):
    out, told = libraries
    library = read_library(out / dataset)
    assert len(set(library.labels)) == 12
    assert len(library.paths) == told["pictures"][dataset]
    assert not library.failures


def test_the_truth_is_a_library_grouped_by_site(libraries):
    out, _ = libraries
    library = read_library(out / "truth.csv", group="site")
    assert not library.failures
    assert set(library.groups) == {row["site"] for row in _truth(out)}


def test_the_plain_stereoscope_has_duller_grounds_and_smaller_animals(libraries):
    out, _ = libraries
    grounds, sides = {}, {}
    for dataset in ("LH", "LL", "GH"):
        pictures = [cv2.imread(str(path)) for path in sorted((out / dataset).rglob("*.jpg"))]
        grounds[dataset] = [
            float(sorted(p.min(axis=2).ravel())[-p[..., 0].size // 5]) for p in pictures
        ]
        sides[dataset] = sum(max(p.shape) for p in pictures) / len(pictures)
    assert min(grounds["LH"] + grounds["GH"]) > 225 > max(grounds["LL"])
    assert sides["LL"] < 0.8 * min(sides["LH"], sides["GH"])


def test_what_is_there_is_not_mixed_with_something_else(libraries, berlese, tmp_path):
    small = ["--scale", SCALE, "--jobs", 1, "--quiet"]
    made = libraries[0]
    refused = berlese("simulate", "libraries", "--out", made, *small)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output
    stale = tmp_path / "LH" / "Carabidae" / "0900.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of a larger run")
    mine = tmp_path / "LH" / "Carabidae" / "notes.txt"
    mine.write_text("a person's")
    again = berlese("simulate", "libraries", "--out", tmp_path, *small, "--overwrite")
    assert again.exit_code == 0, again.output
    assert not stale.exists()
    assert mine.exists()
    for path in made.rglob("*.jpg"):
        assert (tmp_path / path.relative_to(made)).read_bytes() == path.read_bytes()


def test_a_scale_of_nothing_is_refused_in_one_line(berlese, tmp_path):
    result = berlese("simulate", "libraries", "--out", tmp_path / "x", "--scale", 0, "--quiet")
    assert result.exit_code == 2
    assert "scale" in result.output
