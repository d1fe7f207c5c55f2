"""Segment, embed and identify: repeatable, resumable, one bad file never in the way."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from berlese.classify.models.bundle import Bundle
from berlese.classify.models.training import train_bundle
from berlese.classify.naming.promises import NamingSettings
from berlese.features.embed import embed_files
from berlese.specimens.segment import SegmentSettings
from berlese.survey import searching, segmenting
from berlese.survey.failures import read_failures
from berlese.survey.library import read_library
from berlese.survey.steps import (
    add_photos,
    embed_specimens,
    identify_specimens,
    segment_photos,
)
from berlese.survey.survey import Survey
from berlese.survey.tables import (
    Identification,
    Model,
    Photo,
    Specimen,
    current_photos,
    current_specimens,
    in_force,
)
from tests.drawing import SHAPES, dish, paper, put_animal, save
from tests.survey.conftest import TinyBackbone, copied

ANIMALS = {"a": 4, "b": 9, "c": 1}


@pytest.fixture(scope="session")
def segmented_once(tmp_path_factory) -> Path:
    """Folder of dishes with a known number of animals, and of a survey with all of them found."""
    folder = tmp_path_factory.mktemp("steps")
    for seed, (name, count) in enumerate(ANIMALS.items()):
        save(folder / "photos" / f"{name}.png", dish(seed, count))
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [folder / "photos"])
        assert segment_photos(survey).failures == ()
    return folder


@pytest.fixture
def photos(segmented_once: Path, tmp_path: Path) -> Path:
    """Dishes with a known number of animals, the two taxa in turn."""
    shutil.copytree(segmented_once / "photos", tmp_path / "photos", dirs_exist_ok=True)
    return tmp_path / "photos"


@pytest.fixture
def segmented(segmented_once: Path, tmp_path: Path) -> Iterator[Survey]:
    """A survey with all its photos segmented."""
    with copied(segmented_once, tmp_path) as survey:
        yield survey


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    """A model of the two drawn taxa."""
    folder, backbone = tmp_path_factory.mktemp("library"), TinyBackbone()
    rng = np.random.default_rng(0)
    for taxon in SHAPES:
        for number in range(12):
            image = paper(64, 64, rng)
            put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
            y, x = np.nonzero(image.max(axis=2) < 150)
            crop = image[y.min() - 2 : y.max() + 3, x.min() - 2 : x.max() + 3]
            save(folder / taxon / f"{number}.png", crop)
    library = read_library(folder)
    features = embed_files(list(library.paths), backbone).features
    return train_bundle(
        features, list(library.labels), head="linear", backbone=backbone, rank=library.rank,
        random_state=0,
    )  # fmt: skip


def rows_of(survey: Survey) -> list[tuple]:
    """All that was found, in order, with the bytes of the crops."""
    with survey.reading() as session:
        return [
            (
                row.id,
                row.number,
                row.x,
                row.y,
                row.width,
                row.height,
                str(row.polygon),
                row.crop_sha256,
            )
            for row in session.scalars(current_specimens())
        ]


def test_every_animal_is_found_and_cut_out(segmented: Survey) -> None:
    with segmented.reading() as session:
        for photo in session.scalars(current_photos()):
            assert len(photo.specimens) == ANIMALS[Path(photo.path).stem]
            for specimen in photo.specimens:
                crop = cv2.imread(str(segmented.absolute(specimen.crop_path)))
                assert crop is not None
                assert min(crop.shape[:2]) >= min(specimen.width, specimen.height) * 360
                assert 16 <= min(specimen.width, specimen.height) * 360 <= 60
                assert specimen.area_px is not None
                assert 500 <= specimen.area_px <= 900  # ellipses of 653 and 613 pixels


def test_segmenting_again_does_nothing_and_overwriting_finds_the_same(segmented: Survey) -> None:
    first = rows_of(segmented)
    again = segment_photos(segmented)
    assert (again.n_done, again.n_skipped) == (0, 3)
    steps: list[int] = []
    forced = segment_photos(segmented, overwrite=True, progress=steps.append)
    assert (forced.n_done, sum(steps)) == (3, 3)
    assert rows_of(segmented) == first


def test_two_surveys_of_the_same_photos_are_equal(
    segmented: Survey, photos: Path, tmp_path: Path
) -> None:
    with Survey.create(tmp_path / "other") as other:
        add_photos(other, [photos])
        segment_photos(other)
        assert rows_of(other) == rows_of(segmented)


def test_photos_over_the_limit_that_is_given_are_not_segmented(survey, photos: Path) -> None:
    add_photos(survey, [photos])
    report = segment_photos(survey, max_pixels=1000)
    assert report.n_done == 0
    assert {each.stage for each in report.failures} == {"segment"}
    assert all("--max-pixels" in each.reason for each in report.failures)
    assert segment_photos(survey).failures == ()


def test_lost_crops_are_made_anew(segmented: Survey) -> None:
    first = rows_of(segmented)
    victim = next(segmented.crops.rglob("*.png"))
    victim.unlink()
    report = segment_photos(segmented)
    assert (report.n_done, report.n_skipped) == (1, 2)
    assert victim.is_file()
    assert rows_of(segmented) == first


def test_photos_of_one_name_have_crops_of_their_own(survey: Survey, photos: Path) -> None:
    save(photos / "other" / "a.png", dish(7, 4))
    add_photos(survey, [photos / "a.png", photos / "other" / "a.png"])
    segment_photos(survey)
    assert len(list(survey.crops.rglob("*.png"))) == len(rows_of(survey)) == 8


def test_a_photo_edited_behind_the_surveys_back_is_noticed(segmented: Survey, photos: Path) -> None:
    save(photos / "a.png", dish(5, 6))
    [failure] = segment_photos(segmented, overwrite=True).failures
    assert "edited since it was added" in failure.reason
    add_photos(segmented, [photos])
    assert segment_photos(segmented).n_done == 1
    assert read_failures(segmented.folder) == []
    assert len(rows_of(segmented)) == 6 + 9 + 1


def test_a_photo_that_cannot_be_read_to_its_end_is_listed(survey: Survey, photos: Path) -> None:
    whole = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(whole[: len(whole) // 2])
    added = add_photos(survey, [photos])
    report = segment_photos(survey)
    failures = added.failures + report.failures
    assert [Path(failure.file).name for failure in failures] == ["b.png"]
    assert read_failures(survey.folder) == list(failures)
    assert len(rows_of(survey)) == 4 + 1
    (photos / "b.png").write_bytes(whole)
    add_photos(survey, [photos])
    segment_photos(survey)
    assert read_failures(survey.folder) == []
    assert len(rows_of(survey)) == 4 + 9 + 1


class KilledError(BaseException):
    """Stands for a signal: nothing catches it."""


@pytest.mark.parametrize("after", [0, 1, 5, 11])
def test_a_run_that_stops_between_crops_is_completed_to_the_same(
    survey: Survey,
    photos: Path,
    segmented_once: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    add_photos(survey, [photos])
    real, written = segmenting.write_png, []

    def write_some(path: Path, pixels: np.ndarray) -> None:
        if len(written) == after:
            raise KilledError
        written.append(path)
        real(path, pixels)

    monkeypatch.setattr(segmenting, "write_png", write_some)
    with pytest.raises(KilledError):
        segment_photos(survey)
    monkeypatch.undo()
    segment_photos(survey)
    with copied(segmented_once, tmp_path / "whole") as whole:
        assert rows_of(survey) == rows_of(whole)


def test_what_new_settings_no_longer_find_stays_but_does_not_count(
    segmented: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(segmented)
    with segmented.writing() as session:
        for row in before:
            session.add(
                Identification(
                    specimen_id=row[0], taxon="Longidae", status="validated", identified_by="Ada",
                    identified_at="2026-01-01T00:00:00Z",
                )
            )  # fmt: skip
    real = searching.segment_photo
    monkeypatch.setattr(
        searching, "segment_photo", lambda *args, **options: real(*args, **options)[1:]
    )
    segment_photos(segmented, overwrite=True)
    assert len(rows_of(segmented)) == len(before) - 3
    with segmented.reading() as session:
        assert len(session.scalars(select(Specimen)).all()) == len(before)
        assert len(session.scalars(select(Identification)).all()) == len(before)
        for specimen in session.scalars(current_specimens()):
            assert len(specimen.identifications) == 1


def test_settings_are_part_of_what_is_done(segmented: Survey) -> None:
    changed = SegmentSettings(min_length_px=30)
    assert segment_photos(segmented, changed).n_done == 3
    assert segment_photos(segmented, changed).n_done == 0


def test_each_crop_is_embedded_once(segmented: Survey, backbone) -> None:
    steps: list[int] = []
    report = embed_specimens(segmented, backbone, progress=steps.append)
    assert (report.n_done, report.n_skipped) == (14, 0)
    assert sum(steps) == 14
    assert backbone.seen == 14
    again = embed_specimens(segmented, backbone)
    assert (again.n_done, again.n_skipped) == (0, 14)
    assert backbone.seen == 14


def test_a_damaged_crop_is_listed_and_the_others_go_on(segmented: Survey, backbone) -> None:
    victim = sorted(segmented.crops.rglob("*.png"))[0]
    victim.write_bytes(b"damaged")
    report = embed_specimens(segmented, backbone)
    assert report.n_done == 13
    assert [failure.file for failure in report.failures] == [segmented.relative(victim)]
    assert read_failures(segmented.folder) == list(report.failures)


def named(survey: Survey) -> list[tuple]:
    with survey.reading() as session:
        result = []
        for specimen in session.scalars(current_specimens()):
            said = in_force(specimen.identifications)
            assert said is not None
            result.append((specimen.id, said.taxon, said.status, said.probability))
        return result


def test_the_drawn_animals_get_their_names(segmented: Survey, backbone, bundle: Bundle) -> None:
    embed_specimens(segmented, backbone)
    report = identify_specimens(segmented, bundle)
    assert (report.n_done, report.failures) == (14, ())
    taxa = [taxon for _, taxon, _, _ in named(segmented)]
    expected = [sorted(SHAPES)[n % 2] for count in ANIMALS.values() for n in range(count)]
    assert sorted(taxa) == sorted(expected)
    with segmented.reading() as session:
        [model] = session.scalars(select(Model)).all()
        assert model.taxa == sorted(SHAPES)
        for said in session.scalars(select(Identification)):
            assert said.model_id == model.id
            assert sum((said.probabilities or {}).values()) == pytest.approx(1, abs=1e-5)
            assert (said.probabilities or {})[said.taxon or ""] == said.probability


def test_naming_again_adds_nothing_and_another_rate_does(
    segmented: Survey, backbone, bundle: Bundle
) -> None:
    embed_specimens(segmented, backbone)
    identify_specimens(segmented, bundle)
    first = named(segmented)
    again = identify_specimens(segmented, bundle)
    assert (again.n_done, again.n_skipped) == (0, 14)
    assert named(segmented) == first
    assert identify_specimens(segmented, bundle, NamingSettings(unknown_rate=0.5)).n_done == 14
    with segmented.reading() as session:
        assert len(session.scalars(select(Identification)).all()) == 28


def test_a_model_does_not_speak_over_a_person(segmented: Survey, backbone, bundle: Bundle) -> None:
    embed_specimens(segmented, backbone)
    first = rows_of(segmented)[0][0]
    with segmented.writing() as session:
        session.add(
            Identification(
                specimen_id=first, taxon="Carabidae", rank="family", status="validated",
                identified_by="Ada", identified_at="2026-01-01T00:00:00Z",
            )
        )  # fmt: skip
    identify_specimens(segmented, bundle)
    assert named(segmented)[0][:3] == (first, "Carabidae", "validated")
    library = read_library(segmented.folder)
    assert (library.labels, library.rank, library.groups) == (("Carabidae",), "family", ("a",))


def test_specimens_without_features_of_the_model_are_listed(
    segmented: Survey, bundle: Bundle
) -> None:
    report = identify_specimens(segmented, bundle)
    assert (report.n_done, len(report.failures)) == (0, 14)
    assert "berlese embed" in report.failures[0].reason


def test_photos_that_were_never_read_have_no_segmentation(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    with survey.reading() as session:
        assert {photo.segmentation for photo in session.scalars(select(Photo))} == {None}
