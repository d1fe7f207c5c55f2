"""Plan, fill in, import, count: what a person names comes into the tables."""

import csv
import json

import pytest

from tests.drawing import dish, save


@pytest.fixture
def survey(tmp_path, bundle, berlese):
    """A survey of twelve animals, named by a model."""
    for number in (1, 2):
        save(tmp_path / "photos" / "wood" / f"{number}.png", dish(number, 6))
    folder = tmp_path / "survey"
    result = berlese("run", tmp_path / "photos", "--model", bundle, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def fill_in(path, status):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["identificationVerificationStatus"] = status
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_names_of_people_come_into_the_tables(survey, berlese, tmp_path):
    sheet = tmp_path / "review.csv"
    result = berlese("plan", survey, "--out", sheet, "--count", 99)
    assert result.exit_code == 0, result.output
    assert "12 animals to look at" in result.output
    assert len(fill_in(sheet, "dubious")) == 12
    result = berlese("import", sheet, "--into", survey, "--by", "Ada", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["done"] == 12
    files = json.loads(berlese("table", survey, "--json").stdout)["files"]
    assert [file.rsplit("/", 1)[-1] for file in files] == [
        "community.csv",
        "community_long.csv",
        "community_estimates.csv",
        "measurements.csv",
        "measurementorfact.csv",
    ]
    with (survey / "exports" / "community.csv").open(encoding="utf-8", newline="") as file:
        assert [row["unknown"] for row in csv.DictReader(file)] == ["12"]
    again = berlese("import", sheet, "--into", survey, "--by", "Ada")
    assert "0 names added, 12 done before" in again.output


def test_bad_input_is_named(survey, berlese, tmp_path):
    sheet = tmp_path / "review.csv"
    assert berlese("plan", survey, "--out", sheet, "--count", 2).exit_code == 0
    again = berlese("plan", survey, "--out", sheet)
    assert again.exit_code == 2
    assert "choose another name" in again.output
    fill_in(sheet, "sure")
    result = berlese("import", sheet, "--into", survey, "--by", "Ada")
    assert result.exit_code == 2
    assert "'sure' is none of" in result.output
    missing = berlese("import", tmp_path / "none.csv", "--into", survey, "--by", "Ada")
    assert missing.exit_code == 2
    assert "none.csv: cannot be read" in missing.output
