"""The tables of measurements: units, what is left out, older surveys, who states the scale."""

import csv

import numpy as np
import pytest
from alembic import command
from sqlalchemy import create_engine, select

from berlese.errors import SettingError
from berlese.survey.measurements import facts_of, measure_anew, measurements_of, write_measurements
from berlese.survey.migrations.upgrade import migration_config
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, Photo, Specimen, current_specimens
from tests.drawing import dish, save


def scale_all(survey, scale):
    with survey.writing() as session:
        for photo in session.scalars(select(Photo)):
            photo.mm_per_pixel = scale


def test_lengths_areas_and_volumes_take_the_scale_to_their_power(named):
    scale_all(named, 0.02)
    for row in measurements_of(named).to_dict("records"):
        assert row["length_mm"] == pytest.approx(0.02 * row["length_px"], rel=1e-4)
        assert row["area_mm2"] == pytest.approx(0.02**2 * row["object_area"], rel=1e-4)
        assert row["esd_mm"] == pytest.approx(2 * (row["area_mm2"] / np.pi) ** 0.5, rel=1e-4)
        # An ellipsoid of the same length and width; bodies are neither much fuller nor emptier.
        ellipsoid = np.pi / 6 * row["length_mm"] * row["width_mm"] ** 2
        assert 0.6 < row["volume_mm3"] / ellipsoid < 1.6


def test_without_a_scale_there_are_pixels_and_no_millimetres(named):
    table = measurements_of(named)
    assert len(table) == 15
    assert set(table["length_mm"]) == {""}
    assert set(table["volume_mm3"]) == {""}
    assert (table["length_px"] > 0).all()
    assert len(facts_of(table)) == 0


def test_what_makes_a_length_doubtful_stands_beside_it(named):
    with named.writing() as session:
        session.scalars(current_specimens()).first().flags = ["several", "touches_edge"]
    assert measurements_of(named)["flags"].to_list()[:2] == ["several touches_edge", ""]


def test_each_fact_is_one_of_an_animals_measures_in_millimetres(named):
    scale_all(named, 0.1)
    table = measurements_of(named)
    facts = facts_of(table)
    assert len(facts) == 9 * len(table)
    assert facts["measurementID"].is_unique
    lengths = facts[facts["measurementType"] == "length"]
    assert set(lengths["measurementUnit"]) == {"mm"}
    by_animal = dict(zip(lengths["occurrenceID"], lengths["measurementValue"], strict=True))
    assert by_animal == dict(zip(table["occurrenceID"], table["length_mm"], strict=True))


def test_discarded_animals_are_left_out_and_dubious_ones_are_unknown(named):
    with named.writing() as session:
        first, second = session.scalars(current_specimens()).all()[:2]
        ids = first.id, second.id
        for identity, status in zip(ids, ("discarded", "dubious"), strict=True):
            word = Identification(
                specimen_id=identity,
                taxon="A",
                status=status,
                identified_by="Ada",
                identified_at="2026-01-01T00:00:00Z",
            )
            session.add(word)
    table = measurements_of(named).set_index("occurrenceID")
    assert ids[0] not in table.index
    assert table.loc[ids[1], "scientificName"] == "unknown"
    assert table.loc[ids[1], "identificationVerificationStatus"] == "dubious"


def test_the_files_have_a_row_an_animal_and_the_same_bytes_again(named):
    scale_all(named, 0.05)
    paths = write_measurements(named)
    before = [path.read_bytes() for path in paths]
    with paths[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    assert all(float(row["length_mm"]) >= 0.8 * float(row["width_mm"]) for row in rows)
    assert [path.read_bytes() for path in write_measurements(named)] == before


def test_a_survey_of_the_schema_before_upgrades_and_is_measured_anew(named):
    with named.reading() as session:
        query = select(Specimen.id, Specimen.length_px).order_by(Specimen.id)
        wanted = dict(session.execute(query).all())
    folder = named.folder
    named.close()
    engine = create_engine(f"sqlite:///{named.database}")
    config = migration_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        connection.exec_driver_sql('UPDATE specimen SET "lengthPx" = 999')
    engine.dispose()
    with Survey.open(folder) as reopened:
        assert measure_anew(reopened) == 15
        assert measure_anew(reopened) == 0
        with reopened.reading() as session:
            again = dict(session.execute(query).all())
    assert again == pytest.approx(wanted, rel=0.02)


@pytest.fixture
def two_photos(tmp_path):
    folder = tmp_path / "photos"
    for number in range(2):
        save(folder / f"{number}.png", dish(number, 2))
    return folder


def scales_of(survey):
    with survey.reading() as session:
        query = select(Photo.mm_per_pixel, Photo.scale_source).order_by(Photo.path)
        return [tuple(row) for row in session.execute(query)]


def test_a_stated_scale_stays_until_another_is_stated(survey, two_photos):
    add_photos(survey, [two_photos])
    assert scales_of(survey) == [(None, None)] * 2
    add_photos(survey, [two_photos / "0.png"], mm_per_pixel=0.02)
    add_photos(survey, [two_photos])
    assert scales_of(survey) == [(0.02, "stated"), (None, None)]
    add_photos(survey, [two_photos], mm_per_pixel=0.03)
    assert scales_of(survey) == [(0.03, "stated")] * 2


def test_a_wrong_scale_is_refused_before_anything_is_added(survey, two_photos):
    with pytest.raises(SettingError, match="mm_per_pixel must be a finite number above 0"):
        add_photos(survey, [two_photos], mm_per_pixel=-1.0)
    assert scales_of(survey) == []


def test_segmenting_measures_by_the_photos_own_pixels(survey, two_photos):
    add_photos(survey, [two_photos])
    segment_photos(survey)
    with survey.reading() as session:
        rows = session.scalars(current_specimens()).all()
        assert len(rows) == 4
        assert all(len(row.axis) == 9 for row in rows)
        assert all(row.body_area_px <= row.area_px * 1.05 for row in rows)
