"""Sheets of animals to look at: written, filled in as people do, read again."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from berlese.errors import ExchangeFormatError
from berlese.exchange.review_sheet import COLUMNS, read_review_sheet, write_review_sheet
from berlese.survey.reviewing import Animal, GivenName
from berlese.survey.tables import Identification


def animal(number: int, taxon: str = "Carabidae", status: str = "predicted") -> Animal:
    word = Identification(taxon=taxon, probability=0.75, status=status)
    crop = Path("/survey/crops") / f"{number}.png"
    return Animal(f"id{number}", "S1", "photos/ü, 1.jpg", number, crop, "0" * 64, word, None)


def filled(path: Path, cells: dict[str, tuple[str, str]], delimiter: str = ",") -> Path:
    """Fill in names and statuses as a spreadsheet would."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name, status = cells.get(row["occurrenceID"], ("", ""))
        row["scientificName"], row["identificationVerificationStatus"] = name, status
    out = path.with_name("filled.csv")
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return out


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_was_filled_in_is_read_and_the_rest_is_not(tmp_path: Path, delimiter: str) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(number) for number in range(1, 6)])
    cells = {
        "id1": ("Staphylinidae", ""),
        "id2": ("", "Validated"),
        "id3": ("", "discarded"),
        "id4": ("No animal", ""),
        "id5": ("Latridiidae", "dubious"),
    }
    path = filled(tmp_path / "sheet.csv", cells, delimiter)
    names, failures = read_review_sheet(path)
    assert failures == []
    assert names == [
        GivenName("id1", "Staphylinidae", "validated", f"{path}, line 2", "Carabidae"),
        GivenName("id2", None, "validated", f"{path}, line 3", "Carabidae", insists=True),
        GivenName("id3", None, "discarded", f"{path}, line 4", "Carabidae", insists=True),
        GivenName("id4", None, "discarded", f"{path}, line 5", "Carabidae", insists=True),
        GivenName("id5", "Latridiidae", "dubious", f"{path}, line 6", "Carabidae", insists=True),
    ]


def test_a_person_insists_on_a_doubted_name_by_its_status(tmp_path: Path) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(1), animal(2)])
    cells = {"id1": ("Carabidae?", ""), "id2": ("Carabidae?", "validated")}
    names, _ = read_review_sheet(filled(tmp_path / "sheet.csv", cells))
    assert [(each.taxon, each.insists) for each in names] == [
        ("Carabidae?", False),
        ("Carabidae?", True),
    ]


def test_the_sheet_says_how_likely_a_crop_holds_several(tmp_path: Path) -> None:
    animals = [animal(1), replace(animal(2), several=0.72391)]
    write_review_sheet(tmp_path / "sheet.csv", animals)
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as file:
        assert [row["severalProbability"] for row in csv.DictReader(file)] == ["", "0.7239"]


@pytest.mark.parametrize("name", ["=1+1", "'=1+1", "-x", "@Carabidae", "A\rB", "+49 (sp. 1)"])
def test_any_name_survives_the_way_through_a_sheet(tmp_path: Path, name: str) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(1, name), animal(2, name)])
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as file:
        shown = next(csv.DictReader(file))["predicted"]
    assert not shown.startswith(("=", "-", "@", "+"))
    path = filled(tmp_path / "sheet.csv", {"id1": ("", "validated"), "id2": (shown, "")})
    (confirmed, copied), failures = read_review_sheet(path)
    assert failures == []
    assert (confirmed.shown, copied.taxon) == (name, name)


def test_the_sheet_says_where_each_animal_is(tmp_path: Path) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(7, "Zopheridae")])
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["organismNumber"] == "7"
    assert row["photo"] == "photos/ü, 1.jpg"
    assert row["crop"] == "/survey/crops/7.png"
    assert (row["predicted"], row["classificationProbability"]) == ("Zopheridae", "0.7500")


@pytest.mark.parametrize("status", ["unknown", "dubious"])
def test_the_nearest_taxon_of_an_animal_without_a_name_is_a_hint(
    tmp_path: Path, status: str
) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(1), animal(2, status=status)])
    with (tmp_path / "sheet.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["predicted"], row["bestTaxon"]) for row in csv.DictReader(file)]
    assert rows == [("Carabidae", "Carabidae"), ("unknown", "Carabidae")]
    cells = {"id1": ("", "validated"), "id2": ("", "validated")}
    names, failures = read_review_sheet(filled(tmp_path / "sheet.csv", cells))
    assert failures == []
    assert [(each.taxon, each.shown) for each in names] == [(None, "Carabidae"), (None, "unknown")]


def test_a_sheet_of_before_the_hint_had_a_column_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    old = "occurrenceID,predicted,scientificName,identificationVerificationStatus\n"
    path.write_text(f"{old}id1,Carabidae,,validated\nid2,Carabidae,Cisidae,\n", encoding="utf-8")
    names, failures = read_review_sheet(path)
    assert failures == []
    assert names == [
        GivenName("id1", None, "validated", f"{path}, line 2", "Carabidae", insists=True),
        GivenName("id2", "Cisidae", "validated", f"{path}, line 3", "Carabidae"),
    ]


def test_a_sheet_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("a person's work\n", encoding="utf-8")
    with pytest.raises(ExchangeFormatError, match="choose another name"):
        write_review_sheet(path, [animal(1)])
    assert path.read_text(encoding="utf-8") == "a person's work\n"
    (tmp_path / "report.html").write_text("a report\n", encoding="utf-8")
    with pytest.raises(ExchangeFormatError, match=r"report\.html: exists.*choose another name"):
        write_review_sheet(tmp_path / "report.csv", [animal(1)])
    assert not (tmp_path / "report.csv").exists()


def test_rows_that_cannot_be_meant_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    write_review_sheet(tmp_path / "sheet.csv", [animal(1), animal(2)])
    path = filled(tmp_path / "sheet.csv", {"id1": ("", "sure"), "id2": ("Cisidae", "")})
    names, (failure,) = read_review_sheet(path)
    assert [each.specimen_id for each in names] == ["id2"]
    assert failure.file.endswith("filled.csv, line 2")
    assert "'sure' is none of validated, dubious, discarded, unknown" in failure.reason


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("occurrenceID,taxon\n1,Carabidae\n", encoding="utf-8")
    with pytest.raises(ExchangeFormatError, match="0 columns scientificName, expected one"):
        read_review_sheet(path)
