"""Plan, fill in, import, count: what a person names comes into the tables."""

import csv
import json
import shutil

import pytest

from berlese.errors import SurveyError
from berlese.survey.survey import Survey
from tests.drawing import dish, save


@pytest.fixture(scope="session")
def survey_once(tmp_path_factory, bundle, berlese):
    """Folder of two photos, and of a survey of their twelve animals, named by a model."""
    folder = tmp_path_factory.mktemp("reviewing")
    for number in (1, 2):
        save(folder / "photos" / "wood" / f"{number}.png", dish(number, 6))
    result = berlese("run", folder / "photos", "--model", bundle, "--out", folder / "survey")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def survey(survey_once, tmp_path):
    """That survey, to be changed at will."""
    shutil.copytree(survey_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "survey"


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


def test_the_same_sheet_again_adds_nothing(survey, berlese, tmp_path):
    sheet = tmp_path / "a folder" / "review.csv"
    result = berlese("plan", survey, "--out", sheet, "--count", 3)
    assert result.exit_code == 0, result.output
    assert f"berlese import '{sheet}'" in result.output
    assert sheet.with_suffix(".html").is_file()
    fill_in(sheet, "dubious")
    first = berlese("import", sheet, "--into", survey, "--by", "Ada", "--json")
    assert json.loads(first.stdout)["done"] == 3
    again = berlese("import", sheet, "--into", survey, "--by", "ada ", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["done"] == 0
    [note] = json.loads(again.stdout)["notes"]
    assert note.startswith("ada gave this very sheet")
    assert note.endswith("nothing is added again.")


def test_an_empty_sheet_is_told(survey, berlese, tmp_path):
    berlese("plan", survey, "--out", tmp_path / "review.csv", "--count", 3)
    result = berlese("import", tmp_path / "review.csv", "--into", survey, "--by", "Ada")
    assert "no row is filled in yet" in result.output


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
        "samples.csv",
        "unknowns.csv",  # who is dubious counts as unknown
        "community_estimates.csv",
        "richness.csv",
        "measurements.csv",
        "measurementorfact.csv",
    ]
    with (survey / "exports" / "community.csv").open(encoding="utf-8", newline="") as file:
        assert [row["unknown"] for row in csv.DictReader(file)] == ["12"]
    again = berlese("import", sheet, "--into", survey, "--by", "Ada")
    assert "0 names added, 12 done before" in again.output


def test_the_plan_says_when_to_stop(survey, berlese, tmp_path):
    before = berlese("plan", survey, "--goal", "0.1", "--for", "whole-table")
    assert before.exit_code == 0, before.output
    assert "0 of 12 animals" in before.output
    assert "all families at once at 90% within +-10 points" in before.output
    sheet = tmp_path / "review.csv"
    assert "12 animals to look at" in berlese("plan", survey, "--out", sheet).output
    fill_in(sheet, "validated")
    assert berlese("import", sheet, "--into", survey, "--by", "Ada").exit_code == 0
    after = json.loads(berlese("plan", survey, "--out", tmp_path / "2.csv", "--json").stdout)
    assert after["progress"]["reached"]
    assert after["file"] is None
    assert not (tmp_path / "2.csv").exists()


def test_names_that_the_model_does_not_know_are_offered_to_be_taught(survey, berlese, tmp_path):
    sheet = tmp_path / "review.csv"
    berlese("plan", survey, "--out", sheet, "--count", 3)
    text = sheet.read_text(encoding="utf-8").splitlines()
    filled = [line[: line.rindex(",", 0, line.rindex(","))] + ",Zopheridae," for line in text[1:]]
    sheet.write_text("\n".join([text[0], *filled]) + "\n", encoding="utf-8")
    result = berlese("import", sheet, "--into", survey, "--by", "Ada")
    assert result.exit_code == 0, result.output
    assert "does not know Zopheridae (3)" in result.output
    assert "berlese train BUNDLE --add" in result.output


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


def test_table_says_that_too_few_are_reviewed_for_intervals(survey, berlese, tmp_path):
    berlese("plan", survey, "--out", tmp_path / "review.csv", "--count", 5)
    fill_in(tmp_path / "review.csv", "dubious")
    berlese("import", tmp_path / "review.csv", "--into", survey, "--by", "Ada")
    notes = json.loads(berlese("table", survey, "--json").stdout)["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("No interval for these counts")
    assert notes[0] in berlese("table", survey).stdout


def test_animals_are_joined_and_cut_by_the_numbers_of_the_report(survey, berlese):
    cut = berlese("cut", survey, "1.png", 2, "--into", 2, "--by", "Ada", "--json")
    assert cut.exit_code == 0, cut.output
    made = json.loads(cut.stdout)
    assert made["animals"] == [2, 7]
    assert len(set(made["occurrenceIDs"])) == 2
    assert "2 animals have no name yet: berlese predict" in made["notes"][0]
    joined = berlese("join", survey, "1.png", 2, made["occurrenceIDs"][1], "--by", "Ada")
    assert joined.stdout.startswith("2 animals are one now: 2.")
    refused = berlese("join", survey, "1.png", 1, 99, "--by", "Ada")
    assert refused.exit_code == 2
    assert "no animal 99" in refused.output
    other = berlese("join", survey, "2.png", 1, made["occurrenceIDs"][0], "--by", "Ada")
    assert other.exit_code == 2
    assert "does not count any more" in " ".join(other.output.split())
    assert berlese("report", survey).exit_code == 0


def test_names_that_wait_after_a_cut_are_told_and_count_again(survey, berlese, tmp_path):
    sheet = tmp_path / "review.csv"
    assert berlese("plan", survey, "--out", sheet, "--count", 6).exit_code == 0
    rows = fill_in(sheet, "unknown")
    assert berlese("import", sheet, "--into", survey, "--by", "Ada").exit_code == 0
    photo = rows[0]["photo"].rsplit("/", 1)[-1]
    cut = berlese("cut", survey, photo, rows[0]["occurrenceID"], "--by", "Ada")
    told = " ".join(cut.stdout.split())
    number = rows[0]["organismNumber"]
    assert f"what was said of animal {number} (unknown, by Ada) did not go over" in told
    assert "5 reviewed names wait until" in told
    assert "0 of 13 animals are reviewed in the plan's order. 5 more are" in (
        berlese("plan", survey).output
    )
    first = tmp_path / "first.csv"
    assert berlese("plan", survey, "--out", first, "--count", 2).exit_code == 0
    fill_in(first, "unknown")
    assert berlese("import", first, "--into", survey, "--by", "Ada").exit_code == 0
    progress = json.loads(berlese("plan", survey, "--json").stdout)["progress"]
    assert progress["reviewed_at_random"] >= 6
    assert progress["waiting"] == 0


def name_in_order(survey, berlese, sheet, count):
    """Name the first animals of the review's order; all rows of the sheet come back."""
    assert berlese("plan", survey, "--out", sheet, "--count", count).exit_code == 0
    rows = fill_in(sheet, "unknown")
    assert berlese("import", sheet, "--into", survey, "--by", "Ada").exit_code == 0
    return rows


def test_names_that_wait_for_animals_that_come_in_are_told(survey, bundle, berlese, tmp_path):
    photos, second = tmp_path / "photos", tmp_path / "photos" / "wood" / "2.png"
    assert berlese("remove", survey, second).exit_code == 0
    assert len(name_in_order(survey, berlese, tmp_path / "review.csv", 6)) == 6
    added = json.loads(berlese("add", survey, photos, "--json").stdout)
    waiting = json.loads(berlese("plan", survey, "--json").stdout)["progress"]["waiting"]
    assert waiting > 0
    (note,) = added["notes"]
    assert note.startswith(f"{waiting} reviewed name")
    assert "until" in note
    assert json.loads(berlese("add", survey, photos, "--json").stdout)["notes"] == []  # once
    removed = json.loads(berlese("remove", survey, second, "--json").stdout)
    assert removed["notes"] == []  # all six count again
    command = ("run", photos, "--model", bundle, "--out", survey, "--json", "--quiet")
    assert note in json.loads(berlese(*command).stdout)["notes"]
    assert note not in json.loads(berlese(*command).stdout)["notes"]


def test_names_that_wait_once_photos_are_taken_out_are_told(survey, berlese, tmp_path):
    sheet = tmp_path / "review.csv"
    assert berlese("plan", survey, "--out", sheet, "--count", 12).exit_code == 0
    header, *lines = sheet.read_text(encoding="utf-8").splitlines()
    photo_of = [row["photo"] for row in csv.DictReader([header, *lines])]
    others = [at for at, photo in enumerate(photo_of) if photo != photo_of[0]]
    named = [lines[0], lines[others[1]]]  # the first of all, and the second of the other photo
    sheet.write_text("\n".join([header, *named]) + "\n", encoding="utf-8")
    fill_in(sheet, "unknown")
    assert berlese("import", sheet, "--into", survey, "--by", "Ada").exit_code == 0
    first = tmp_path / "photos" / "wood" / photo_of[0].rsplit("/", 1)[-1]
    told = " ".join(berlese("remove", survey, first).stdout.split())
    assert "1 reviewed name waits until 1 animal is named" in told


def test_photos_with_all_named_animals_bring_the_order_back_once_added_again(
    survey, berlese, tmp_path
):
    (row,) = name_in_order(survey, berlese, tmp_path / "review.csv", 1)
    photos = tmp_path / "photos" / "wood"
    for out in (photos / row["photo"].rsplit("/", 1)[-1], photos):
        removed = json.loads(berlese("remove", survey, out, "--json").stdout)
        assert removed["notes"] == [
            "1 reviewed name stands for no other animals now: those that the review rests on went "
            "with these photos. Adding the photos again brings that back, as long as no `berlese "
            "plan --out` came in between."
        ]
        assert json.loads(berlese("add", survey, out, "--json").stdout)["notes"] == []
        progress = json.loads(berlese("plan", survey, "--json").stdout)["progress"]
        assert (progress["reviewed_at_random"], progress["waiting"]) == (1, 0)


def test_a_cut_is_told_of_before_another_program_may_change_the_survey(
    berlese, tmp_path, monkeypatch
):
    folder, held = tmp_path / "survey", []
    save(tmp_path / "1.png", dish(1, 2))
    for command in (("init",), ("add", tmp_path / "1.png"), ("segment",)):
        assert berlese(command[0], folder, *command[1:]).exit_code == 0

    def told_while_held(survey):
        with Survey.open(folder) as other, pytest.raises(SurveyError), other.exclusive():
            pass
        held.append(survey.folder)
        return ()

    monkeypatch.setattr("berlese.survey.missing.missing_notes", told_while_held)
    assert berlese("cut", folder, "1.png", 1, "--by", "Ada").exit_code == 0
    assert len(held) == 1
