"""Counts by hand: who counts for what, zeros kept, people before models."""

import csv
from datetime import UTC, datetime

import pandas as pd
import pytest
from sqlalchemy import select

from berlese.errors import SettingError
from berlese.survey.community import (
    SAMPLE_COLUMNS,
    UNKNOWN,
    CountedSpecimen,
    community_by_site,
    community_table,
    count_by_sample,
    count_long,
    long_table,
    sum_by_site,
    summarise,
    write_tables,
)
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, Model, Photo, Sample, Specimen


def photo(name, sample, **options):
    defaults = {"size": 1, "width": 100, "height": 100, "notes": [], "segmentation": "done"}
    return Photo(sha256=name * 8, path=f"{name}.jpg", sample_id=sample, **(defaults | options))


def specimen(name, of, number):
    return Specimen(
        id=name,
        photo_sha256=of * 8,
        number=number,
        x=0.1,
        y=0.1,
        width=0.1,
        height=0.1,
        polygon=[[10, 10], [20, 10], [20, 20]],
        score=1.0,
        flags=[],
        crop_path=f"crops/{name}.png",
        crop_sha256=name * 4,
    )


def said(specimen_id, taxon, status, *, person=None, probability=None):
    return Identification(
        specimen_id=specimen_id,
        taxon=taxon,
        rank="family",
        probability=probability,
        status=status,
        model_id=None if person else "m",
        identified_by=person,
        identified_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    )


@pytest.fixture
def survey(tmp_path):
    """Two sites; site north has two samples, one of them without animals."""
    with Survey.create(tmp_path / "survey") as made:
        with made.writing() as session:
            for name, site in (("S1", "north"), ("S2", "north"), ("S3", "south")):
                session.add(Sample(id=name, site=site, date="2026-05-01"))
            taxa = ["=Carabidae", "Leiodidae", "Ptiliidae"]
            session.add(
                Model(
                    id="m", rank="family", taxa=taxa, backbone="b", backbone_hash="h", training={}
                )
            )
            session.flush()
            session.add_all([photo("a", "S1"), photo("b", "S2"), photo("c", "S3")])
            session.add(photo("d", "S3", segmentation=None))
            session.flush()
            for number, name in enumerate(("one", "two", "three", "four"), start=1):
                session.add(specimen(name, "a", number))
            session.add(specimen("five", "c", 1))
            session.flush()
        with made.writing() as session:
            session.add(said("one", "=Carabidae", "predicted", probability=0.9))
            session.add(said("two", "=Carabidae", "predicted", probability=0.7))
            session.add(said("two", "Ptiliidae", "validated", person="Anna"))
            session.add(said("two", "=Carabidae", "predicted", probability=0.99))
            session.add(said("three", "Leiodidae", "unknown", probability=0.3))
            session.add(said("four", "Leiodidae", "predicted", probability=0.8))
            session.add(said("four", None, "discarded", person="Anna"))
            session.add(said("five", "=Carabidae", "predicted", probability=0.6))
        yield made


def test_the_wide_table_counts_each_animal_once(survey):
    table = community_table(survey).set_index("eventID")
    assert list(table.columns) == [
        "locationID",
        "eventDate",
        "photos",
        "photosFailed",
        "=Carabidae",
        "Leiodidae",
        "Ptiliidae",
        UNKNOWN,
    ]
    counts = table[["=Carabidae", "Leiodidae", "Ptiliidae", UNKNOWN]]
    assert counts.loc["S1"].tolist() == [1, 0, 1, 1]
    assert counts.loc["S2"].tolist() == [0, 0, 0, 0]
    assert counts.loc["S3"].tolist() == [1, 0, 0, 0]


def test_a_photo_that_failed_is_said_beside_the_zeros(survey):
    table = community_table(survey).set_index("eventID")
    assert table.loc["S3", ["photos", "photosFailed"]].tolist() == [2, 1]


def test_sites_are_sums_of_their_samples(survey):
    sites = community_by_site(survey).set_index("locationID")
    assert sites.loc["north", ["=Carabidae", "Ptiliidae", UNKNOWN]].tolist() == [1, 1, 1]
    assert sites["photos"].tolist() == [2, 2]


def test_the_long_table_is_filled_with_zeros(survey):
    table = long_table(survey)
    assert len(table) == 3 * 4
    cell = table.set_index(["eventID", "taxon"])
    assert cell.loc[("S1", "Ptiliidae"), ["count", "reviewed"]].tolist() == [1, 1]
    assert cell.loc[("S1", "=Carabidae"), "meanProbability"] == "0.9000"
    assert cell.loc[("S2", "Leiodidae"), "count"] == 0


def test_a_person_goes_before_every_model_whatever_came_last(survey):
    with survey.reading() as session:
        words = session.scalars(select(Identification).where(Identification.specimen_id == "two"))
        assert [each.identified_by for each in words] == [None, "Anna", None]
    assert community_table(survey)["Ptiliidae"].sum() == 1


def test_the_same_survey_gives_the_same_bytes(survey):
    first = [path.read_bytes() for path in write_tables(survey)]
    assert [path.read_bytes() for path in write_tables(survey)] == first
    with (survey.exports / "community.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["S1", "north", "2026-05-01", "1", "0", "1", "0", "1", "1"]


def test_the_summary_counts_what_was_found_and_named(survey):
    summary = summarise(survey)
    assert (summary["photos"], summary["specimens"]) == (3, 5)
    assert (summary["identified"], summary["unknown"]) == (3, 1)
    assert summary["discarded"] == 1
    assert summary["specimens"] == sum(summary[k] for k in ("identified", "unknown", "discarded"))


def test_an_animal_without_a_name_yet_is_unknown_and_not_lost(survey):
    with survey.writing() as session:
        session.add(specimen("six", "b", 1))
    assert community_table(survey).set_index("eventID").loc["S2", UNKNOWN] == 1
    summary = summarise(survey)
    assert (summary["specimens"], summary["unknown"]) == (6, 2)


def test_dubious_animals_and_edited_photos_do_not_count_as_named(survey):
    with survey.writing() as session:
        session.add(said("one", "=Carabidae", "dubious", person="Anna"))
        session.get_one(Photo, "c" * 8).current = False
    table = community_table(survey).set_index("eventID")
    assert table["=Carabidae"].sum() == 0
    assert table.loc["S1", UNKNOWN] == 2
    assert table.loc["S3", ["photos", UNKNOWN]].tolist() == [1, 0]


def samples(*rows):
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def test_a_taxon_called_as_a_column_does_not_overwrite_it():
    table = count_by_sample(
        [CountedSpecimen("S1", "photos", False, 0.9)],
        samples(("S1", "north", "", 7, 0)),
        ["photos"],
    )
    assert table.loc[0, ["photos", "photos (taxon)", UNKNOWN]].tolist() == [7, 1, 0]
    assert sum_by_site(table)["photos (taxon)"].tolist() == [1]


def test_the_long_table_says_what_was_reviewed_and_how_sure_the_model_was():
    animals = [
        CountedSpecimen("S1", "Ptiliidae", False, 0.5),
        CountedSpecimen("S1", "Ptiliidae", False, 0.8),
        CountedSpecimen("S1", "Ptiliidae", True, None),
    ]
    table = count_long(animals, samples(("S1", "north", "", 1, 0)), ["Leiodidae", "Ptiliidae"])
    assert table.iloc[:, :6].to_numpy().tolist() == [
        ["S1", "north", "Leiodidae", 0, 0, ""],
        ["S1", "north", "Ptiliidae", 3, 1, "0.6500"],
        ["S1", "north", UNKNOWN, 0, 0, ""],
    ]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_rows_are_sites_where_that_is_asked_for(survey):
    rows = rows_of(write_tables(survey, level="site")[0])
    assert rows[0][:3] == ["locationID", "photos", "photosFailed"]
    assert rows[1:] == [
        ["north", "2", "0", "1", "0", "1", "1"],
        ["south", "2", "1", "1", "0", "0", "0"],
    ]
    with pytest.raises(SettingError, match="level"):
        write_tables(survey, level="family")


def test_no_cell_is_a_formula_and_no_number_is_changed(survey):
    with survey.writing() as session:
        for name in ("@SUM(A1)", "-3", "S\rX"):
            session.add(Sample(id=name, site="+evil"))
            session.flush()
            session.add(photo(str(ord(name[0])), name))
    wide, long, _ = (rows_of(path) for path in write_tables(survey))
    assert "'=Carabidae" in wide[0]
    assert [row[0] for row in wide[1:]] == ["-3", "'@SUM(A1)", "S\rX", "S1", "S2", "S3"]
    assert {row[1] for row in wide[1:]} == {"'+evil", "north", "south"}
    assert {row[2] for row in long[1:]} == {"'=Carabidae", "Leiodidae", "Ptiliidae", UNKNOWN}


def test_files_are_utf8_with_unix_line_ends(survey):
    with survey.writing() as session:
        session.get_one(Sample, "S1").site = "Hübel 🪲"
    content = write_tables(survey)[0].read_bytes()
    assert "Hübel 🪲".encode() in content
    assert b"\r" not in content
    assert content.endswith(b"\n")
