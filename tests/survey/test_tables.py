"""The schema: migrations and models agree, identifications stay, ids are stable."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from berlese.errors import SurveyError
from berlese.specimens.outline import Box
from berlese.survey.survey import Survey
from berlese.survey.tables import (
    Base,
    Identification,
    Photo,
    Sample,
    Specimen,
    counts_as_unknown,
    in_force,
    specimen_id,
)


def add_specimen(survey: Survey) -> str:
    """Store one specimen with all that it hangs on."""
    photo_sha = "ab" * 32
    identity = specimen_id(photo_sha, 0.1, 0.2, 0.3, 0.4)
    with survey.writing() as session:
        session.add(Sample(id="s1", site="site 1"))
        session.add(
            Photo(
                sha256=photo_sha,
                path="a.jpg",
                sample_id="s1",
                size=1,
                width=10,
                height=10,
                notes=[],
            )
        )
        session.add(
            Specimen(
                id=identity,
                photo_sha256=photo_sha,
                number=1,
                x=0.1,
                y=0.2,
                width=0.3,
                height=0.4,
                polygon=[],
                score=1.0,
                flags=[],
                crop_path="c.png",
                crop_sha256="cd" * 32,
            )
        )
    return identity


def said(specimen: str, taxon: str, by: str | None = "Ada", **more: object) -> Identification:
    values = {"status": "validated", "identified_at": "2026-01-01T00:00:00Z"} | more
    return Identification(specimen_id=specimen, taxon=taxon, identified_by=by, **values)


def test_migrations_lead_to_the_schema_of_the_models(survey: Survey) -> None:
    engine = create_engine(f"sqlite:///{survey.database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        checks = connection.scalar(
            text("SELECT sql FROM sqlite_master WHERE name = 'identification'")
        )
    engine.dispose()
    for constraint in Base.metadata.tables["identification"].constraints:
        assert str(constraint.name) in checks


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("sample", {"eventID", "locationID", "eventDate", "decimalLatitude", "decimalLongitude"}),
        ("specimen", {"occurrenceID", "bboxX", "bboxY", "bboxWidth", "bboxHeight"}),
        (
            "identification",
            {"scientificName", "taxonRank", "identifiedBy", "dateIdentified"}
            | {"identificationVerificationStatus"},
        ),
    ],
)
def test_columns_bear_the_names_of_the_standards(table: str, columns: set[str]) -> None:
    assert columns <= set(Base.metadata.tables[table].columns.keys())


@pytest.mark.parametrize(
    "statement",
    ["UPDATE identification SET \"scientificName\" = 'X'", "DELETE FROM identification"],
)
def test_plain_sql_cannot_change_an_identification(survey: Survey, statement: str) -> None:
    specimen = add_specimen(survey)
    with survey.writing() as session:
        session.add(said(specimen, "Carabidae"))
    with pytest.raises(IntegrityError, match="append-only"), survey.writing() as session:
        session.execute(text(statement))


def test_an_object_cannot_change_or_delete_an_identification(survey: Survey) -> None:
    specimen = add_specimen(survey)
    with survey.writing() as session:
        session.add(said(specimen, "Carabidae"))
    with pytest.raises(SurveyError, match="add a new one"), survey.writing() as session:
        session.get_one(Identification, 1).taxon = "Staphylinidae"
    with pytest.raises(SurveyError, match="add a new one"), survey.writing() as session:
        session.delete(session.get_one(Identification, 1))
    with survey.reading() as session:
        assert session.get_one(Identification, 1).taxon == "Carabidae"


@pytest.mark.parametrize(
    "wrong", [{"status": "sure"}, {"by": None}, {"specimen": "no such specimen"}]
)
def test_the_database_refuses_what_makes_no_sense(survey: Survey, wrong: dict[str, str]) -> None:
    values = {"specimen": add_specimen(survey), "taxon": "Carabidae"} | wrong
    with pytest.raises(IntegrityError), survey.writing() as session:
        session.add(said(**values))


def test_a_persons_latest_word_counts_more_than_any_later_model() -> None:
    words = [
        said("x", "Carabidae", by=None, model_id="m", status="predicted"),
        said("x", "Staphylinidae"),
        said("x", "Scarabaeidae", by="Charles"),
        said("x", "Carabidae", by=None, model_id="n", status="predicted"),
    ]
    assert in_force(words) is words[2]
    assert in_force(words[:1]) is words[0]
    assert in_force([]) is None


@pytest.mark.parametrize(
    ("taxon", "status", "unknown"),
    [
        ("Carabidae", "predicted", False),
        ("Carabidae", "validated", False),
        ("Carabidae", "unknown", True),
        ("Carabidae", "dubious", True),
        (None, "dubious", True),
        (None, "discarded", False),
        (None, "predicted", True),
    ],
)
def test_doubt_counts_as_unknown_and_dirt_does_not_count(taxon, status, unknown) -> None:
    assert counts_as_unknown(said("x", taxon, status=status)) is unknown
    assert counts_as_unknown(None)


def test_a_specimens_id_hangs_on_photo_and_box_alone() -> None:
    # sha256("ab...:0.100000,0.200000,0.300000,0.400000"), taken with coreutils.
    known = specimen_id("ab" * 32, 0.1, 0.2, 0.3, 0.4)
    assert known == "5917a95cd57d4c566348"
    assert known == specimen_id("ab" * 32, 0.1 + 1e-12, 0.2, 0.3, 0.4)
    assert known != specimen_id("ab" * 32, 0.11, 0.2, 0.3, 0.4)
    assert known != specimen_id("cd" * 32, 0.1, 0.2, 0.3, 0.4)


def test_migrations_are_shipped_beside_the_code() -> None:
    import berlese.survey.migrations as migrations

    versions = Path(migrations.__file__).parent / "versions"
    assert (versions / "0001_baseline.py").is_file()


def test_an_animal_knows_its_box_in_pixels_of_its_photo(survey: Survey) -> None:
    identity = add_specimen(survey)
    with survey.reading() as session:
        animal = session.get_one(Specimen, identity)
        assert animal.box_on(animal.photo) == Box(1, 2, 4, 6)
