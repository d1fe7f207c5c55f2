"""Photos become part of a survey: once, in their sample, whatever their name."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from berlese.errors import SampleSheetError
from berlese.survey import adding
from berlese.survey.adding import add_photos
from berlese.survey.community import samples_of
from berlese.survey.failures import read_failures
from berlese.survey.removing import remove_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, Sample, UnusablePhoto, current_photos
from tests.drawing import dish, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos of 360 x 360 pixels."""
    for number, name in enumerate(("a.png", "b.PNG", "moor/c.png")):
        save(tmp_path / "photos" / name, dish(number))
    return tmp_path / "photos"


def stored(survey: Survey) -> dict[str, str]:
    """Path to sample of what counts."""
    with survey.reading() as session:
        return {photo.path: photo.sample_id for photo in session.scalars(current_photos())}


def test_folders_are_searched_and_photos_stay_where_they_lie(survey: Survey, photos: Path) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    report = add_photos(survey, [photos])
    assert (report.n_done, report.n_skipped, report.failures) == (3, 0, ())
    assert stored(survey) == {
        "../photos/a.png": "a",
        "../photos/b.PNG": "b",
        "../photos/moor/c.png": "moor",
    }
    assert {path: path.read_bytes() for path in photos.rglob("*.*")} == before
    with survey.reading() as session:
        photo = session.scalars(current_photos()).first()
        assert photo is not None
        assert (photo.width, photo.height) == (360, 360)
        assert photo.size == (photos / "a.png").stat().st_size


def test_what_a_survey_made_is_not_taken_for_photos(photos: Path) -> None:
    with Survey.create(photos / "out") as inner:
        save(inner.crops / "a-0" / "crop.png", dish(8))
        save(inner.folder / "photos" / "d.png", dish(9))
        assert add_photos(inner, [photos]).n_done == 4
        assert set(stored(inner)) == {"../a.png", "../b.PNG", "../moor/c.png", "photos/d.png"}


def test_adding_again_changes_nothing(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    first = stored(survey)
    report = add_photos(survey, [photos, photos / "a.png", photos / "moor"])
    assert (report.n_done, report.n_skipped) == (0, 3)
    assert stored(survey) == first


def test_the_instrument_is_kept_until_another_is_named(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos], instrument="flatbed 1")
    add_photos(survey, [photos])
    add_photos(survey, [photos / "a.png"], instrument="camera 2")
    with survey.reading() as session:
        instruments = [photo.instrument for photo in session.scalars(current_photos())]
    assert instruments == ["camera 2", "flatbed 1", "flatbed 1"]


def test_progress_counts_every_photo(survey: Survey, photos: Path) -> None:
    steps: list[int] = []
    add_photos(survey, [photos], progress=steps.append)
    assert sum(steps) == 3


def test_a_sheet_gives_samples_their_place_and_date(survey: Survey, photos: Path) -> None:
    sheet = photos / "samples.csv"
    sheet.write_text(
        "photo,sample,site,date,latitude,longitude\na.png,S1,Moor,2026-05-31,47.5,8.25\n"
        "b.PNG,S1,Moor,2026-05-31,47.5,8.25\nmoor/c.png,S2,Wood,,,\nz.png,S9,Wood,,,\n"
    )
    report = add_photos(survey, [photos], sheet)
    assert report.notes == ("samples.csv: no photo was given for line 5 ('z.png').",)
    assert list(stored(survey).values()) == ["S1", "S1", "S2"]
    with survey.reading() as session:
        sample = session.get_one(Sample, "S1")
        assert (sample.site, sample.date) == ("Moor", "2026-05-31")
        assert (sample.latitude, sample.longitude) == (47.5, 8.25)
        assert session.get(Sample, "S9") is None


def test_a_later_sheet_corrects_samples_and_no_sheet_keeps_them(
    survey: Survey, photos: Path
) -> None:
    sheet = photos / "samples.csv"
    add_photos(survey, [photos / "a.png"])
    sheet.write_text("photo,sample,site\na.png,S1,Moor\n")
    add_photos(survey, [photos / "a.png"], sheet)
    add_photos(survey, [photos / "a.png"])
    assert stored(survey) == {"../photos/a.png": "S1"}
    with survey.reading() as session:
        assert [sample.id for sample in session.query(Sample)] == ["S1"]


def test_a_sheet_that_lacks_a_photo_changes_nothing(survey: Survey, photos: Path) -> None:
    sheet = photos / "samples.csv"
    sheet.write_text("photo,sample\na.png,S1\n")
    with pytest.raises(SampleSheetError, match="2 of 3 photos"):
        add_photos(survey, [photos], sheet)
    assert stored(survey) == {}


def test_two_photos_of_one_name_are_both_kept(survey: Survey, photos: Path) -> None:
    save(photos / "other" / "a.png", dish(7))
    add_photos(survey, [photos / "a.png", photos / "other" / "a.png"])
    assert stored(survey) == {
        "../photos/a.png": "photos/a",
        "../photos/other/a.png": "other/a",
    }


def test_a_copy_is_counted_once_and_named(survey: Survey, photos: Path) -> None:
    shutil.copy(photos / "a.png", photos / "moor" / "copy.png")
    report = add_photos(survey, [photos])
    assert report.n_done == 3
    [failure] = report.failures
    assert failure.file == "../photos/moor/copy.png"
    assert "same content as ../photos/a.png" in failure.reason
    assert read_failures(survey.folder) == [failure]
    assert add_photos(survey, [photos]).failures == (failure,)
    (photos / "moor" / "copy.png").unlink()
    add_photos(survey, [photos])
    assert read_failures(survey.folder) == []


def test_an_edited_photo_takes_the_old_ones_place(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    original = (photos / "a.png").read_bytes()
    save(photos / "a.png", dish(9))
    report = add_photos(survey, [photos])
    assert (report.n_done, report.n_skipped) == (1, 2)
    assert "a.png was edited" in report.notes[0]
    assert stored(survey)["../photos/a.png"] == "a"
    assert len(stored(survey)) == 3
    with survey.reading() as session:
        assert session.query(Photo).count() == 4
    (photos / "a.png").write_bytes(original)
    add_photos(survey, [photos])
    with survey.reading() as session:
        assert session.query(Photo).count() == 4


def test_a_photo_overwritten_by_a_copy_of_another_keeps_counting_until_it_is_settled(
    survey: Survey, photos: Path
) -> None:
    add_photos(survey, [photos])
    before = stored(survey)
    original = (photos / "b.PNG").read_bytes()
    shutil.copy(photos / "a.png", photos / "b.PNG")
    for given in (photos, photos / "b.PNG"):
        report = add_photos(survey, [given])
        [failure] = report.failures
        assert failure.file == "../photos/b.PNG"
        assert "same content as ../photos/a.png" in failure.reason
        assert "stays in the table" in failure.reason
        assert report.notes == ()
        assert stored(survey) == before
    assert read_failures(survey.folder) == [failure]
    (photos / "b.PNG").write_bytes(original)
    assert add_photos(survey, [photos]).failures == ()
    assert (stored(survey), read_failures(survey.folder)) == (before, [])
    shutil.copy(photos / "a.png", photos / "b.PNG")
    add_photos(survey, [photos])
    remove_photos(survey, [photos / "b.PNG"])
    assert set(stored(survey)) == {"../photos/a.png", "../photos/moor/c.png"}


def test_a_photo_whose_content_moved_into_anothers_place_takes_it(
    survey: Survey, photos: Path
) -> None:
    add_photos(survey, [photos])
    (photos / "a.png").replace(photos / "b.PNG")
    assert add_photos(survey, [photos]).failures == ()
    assert stored(survey) == {"../photos/b.PNG": "a", "../photos/moor/c.png": "moor"}


def test_a_renamed_photo_stays_the_same_photo(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    (photos / "a.png").rename(photos / "renamed.png")
    report = add_photos(survey, [photos])
    assert report.failures == ()
    assert stored(survey)["../photos/renamed.png"] == "a"
    assert len(stored(survey)) == 3


def test_photos_that_swapped_names_swap_samples_with_their_content(
    survey: Survey, photos: Path
) -> None:
    add_photos(survey, [photos])
    (photos / "a.png").rename(photos / "x")
    (photos / "b.PNG").rename(photos / "a.png")
    (photos / "x").rename(photos / "b.PNG")
    assert add_photos(survey, [photos]).failures == ()
    assert stored(survey) == {
        "../photos/a.png": "b",
        "../photos/b.PNG": "a",
        "../photos/moor/c.png": "moor",
    }


@pytest.mark.parametrize(
    "name", ["sp ace.png", "'q\"uote.png", "new\nline.png", "<b>.png", "ü.png", "🐞.png"]
)
def test_any_name_is_only_a_name(survey: Survey, photos: Path, name: str) -> None:
    save(photos / "odd" / name, dish(5))
    assert add_photos(survey, [photos / "odd" / name]).n_done == 1
    assert stored(survey) == {f"../photos/odd/{name}": Path(name).stem}


def test_bad_files_are_listed_and_the_good_ones_go_on(survey: Survey, photos: Path) -> None:
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("no picture")
    (photos / "dangling.jpg").symlink_to(photos / "nowhere.jpg")
    (photos / "folder.jpg").mkdir()
    given = [*photos.iterdir(), photos / "missing.jpg"]
    report = add_photos(survey, given)
    assert report.n_done == 3
    names = {"empty.jpg", "text.jpg", "dangling.jpg", "folder.jpg", "missing.jpg"}
    assert {Path(failure.file).name for failure in report.failures} == names
    assert {Path(failure.file).name for failure in read_failures(survey.folder)} == names


def test_a_photo_that_was_replaced_by_rubbish_no_longer_counts(
    survey: Survey, photos: Path
) -> None:
    add_photos(survey, [photos])
    (photos / "a.png").write_bytes(b"")
    add_photos(survey, [photos])
    assert "../photos/a.png" not in stored(survey)


def test_a_photo_out_of_reach_keeps_counting(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    before = stored(survey)
    too_large = add_photos(survey, [photos], max_pixels=100)
    (photos / "a.png").unlink()
    gone = add_photos(survey, [photos / "a.png"])
    assert stored(survey) == before
    for report in (too_large, gone):
        assert "stay in the table" in report.failures[0].reason
    assert "--max-pixels" in too_large.failures[0].reason


def test_a_large_photo_that_was_accepted_once_stays_so_unless_a_limit_is_given(
    survey: Survey, photos: Path, monkeypatch
) -> None:
    add_photos(survey, [photos])
    monkeypatch.setattr(adding, "MAX_PIXELS", 100)
    assert add_photos(survey, [photos]).failures == ()
    save(photos / "new.png", dish(9, 2))
    (failure,) = add_photos(survey, [photos]).failures
    assert failure.file.endswith("new.png")


def test_a_sample_whose_photo_cannot_be_read_is_in_the_table(survey: Survey, photos: Path) -> None:
    (photos / "wood").mkdir()
    (photos / "wood" / "broken.jpg").write_bytes(b"no picture")
    add_photos(survey, [photos])
    table = samples_of(survey).set_index("eventID")
    assert (table.loc["wood", "photos"], table.loc["wood", "photosFailed"]) == (1, 1)
    shutil.copy(photos / "a.png", photos / "wood" / "broken.jpg")
    (photos / "a.png").unlink()
    add_photos(survey, [photos / "wood"])
    assert survey.count(select(UnusablePhoto)) == 0


def test_a_mistyped_path_is_a_failure_and_no_sample(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos, photos / "nosuch.png"])
    assert "nosuch" not in set(samples_of(survey)["eventID"])


def test_a_removed_photo_stops_counting_and_comes_back(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    before = stored(survey)
    report = remove_photos(survey, [photos / "a.png", photos / "nosuch.png"])
    assert (report.n_done, len(report.failures)) == (1, 1)
    assert set(stored(survey)) == set(before) - {"../photos/a.png"}
    add_photos(survey, [photos])
    assert stored(survey) == before


def test_removing_a_folder_removes_what_lies_in_it(survey: Survey, photos: Path) -> None:
    add_photos(survey, [photos])
    (photos / "broken.jpg").write_bytes(b"no picture")
    add_photos(survey, [photos])
    remove_photos(survey, [photos])
    assert stored(survey) == {}
    assert read_failures(survey.folder) == []
    assert samples_of(survey).empty


def test_removing_a_folder_leaves_photos_that_lie_elsewhere(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "a.png", dish(0))
    with Survey.create(tmp_path / "work" / "surveys" / "one") as deep:
        save(deep.folder / "photos" / "b.png", dish(1))
        add_photos(deep, [tmp_path / "pictures", deep.folder / "photos"])
        assert set(stored(deep)) == {"../../../pictures/a.png", "photos/b.png"}
        report = remove_photos(deep, [tmp_path / "work" / "surveys"])
        assert (report.n_done, report.failures) == (1, ())
        assert set(stored(deep)) == {"../../../pictures/a.png"}


def test_the_surveys_own_folder_stands_for_the_photos_in_it(survey: Survey) -> None:
    save(survey.folder / "photos" / "a.png", dish(0))
    add_photos(survey, [survey.folder / "photos"])
    report = remove_photos(survey, [survey.folder])
    assert (report.n_done, report.failures) == (1, ())
    assert stored(survey) == {}


def test_a_folder_is_removed_by_another_name_for_it_too(survey: Survey, photos: Path) -> None:
    link = photos.with_name("link")
    link.symlink_to(photos, target_is_directory=True)
    add_photos(survey, [link])
    assert remove_photos(survey, [link / "moor"]).n_done == 1
    assert remove_photos(survey, [link]).n_done == 2
    assert stored(survey) == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows names are always Unicode")
def test_a_name_that_is_not_utf8_is_reported(survey: Survey, photos: Path) -> None:
    raw = os.fsencode(photos) + b"/\xff.png"
    shutil.copy(photos / "a.png", raw)
    report = add_photos(survey, [Path(os.fsdecode(raw))])
    assert "not valid UTF-8" in report.failures[0].reason


def test_a_sheet_of_new_photos_leaves_the_others_where_they_are(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    add_photos(survey, [photos])
    before = stored(survey)
    save(photos / "new.png", dish(9, 2))
    (tmp_path / "new.csv").write_text("photo,sample\nnew.png,N\n", encoding="utf-8")
    report = add_photos(survey, [photos], tmp_path / "new.csv")
    assert stored(survey) == {**before, "../photos/new.png": "N"}
    assert "has no row for 3 of the survey's photos; they keep their samples" in report.notes[0]


def test_a_mistyped_photo_is_told_where_its_sample_has_other_photos(
    survey: Survey, photos: Path
) -> None:
    add_photos(survey, [photos])
    sheet = photos / "samples.csv"
    sheet.write_text("photo,sample\na.png,S1\nb.PNG,S1\nmoor/cc.png,S1\n", encoding="utf-8")
    report = add_photos(survey, [photos], sheet)
    assert report.notes[0] == (
        "samples.csv: no photo was given for line 4 ('moor/cc.png'; perhaps 'c.png')."
    )


def test_a_row_of_a_photo_that_the_survey_has_already_is_no_mistake(
    survey: Survey, photos: Path
) -> None:
    sheet = photos / "samples.csv"
    sheet.write_text("photo,sample\na.png,S1\nb.PNG,S1\nmoor/c.png,S1\n", encoding="utf-8")
    first = add_photos(survey, [photos / "a.png", photos / "moor"], sheet)
    assert first.notes == ("samples.csv: no photo was given for line 3 ('b.PNG').",)
    assert add_photos(survey, [photos / "b.PNG"], sheet).notes == ()


def test_a_sheet_of_new_photos_wipes_nothing_that_is_known_of_their_sample(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.csv"
    rows = "".join(
        f"{each.name},S1,Moor,2024-05-01,47.5,8.25\n" for each in sorted(photos.rglob("*.*"))
    )
    whole.write_text(f"photo,sample,site,date,latitude,longitude\n{rows}", encoding="utf-8")
    add_photos(survey, [photos], whole)
    save(photos / "new.png", dish(9, 2))
    (tmp_path / "new.csv").write_text("photo,sample\nnew.png,S1\n", encoding="utf-8")
    add_photos(survey, [photos], tmp_path / "new.csv")
    with survey.reading() as session:
        sample = session.get(Sample, "S1")
        assert sample is not None
        assert (sample.site, str(sample.date), sample.latitude) == ("Moor", "2024-05-01", 47.5)
        assert len(sample.photos) == 4


WHOLE = "photo,sample,site,event,date,latitude,longitude,habitat"


def described(survey: Survey, photos: Path, tmp_path: Path, header: str, *rows: str) -> list[str]:
    """Add photos with a sheet that has these rows, and give the notes."""
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join([header, *rows]), encoding="utf-8")
    return list(add_photos(survey, [photos], sheet).notes)


def known_of(survey: Survey, sample: str) -> tuple[object, ...]:
    with survey.reading() as session:
        row = session.get(Sample, sample)
        assert row is not None
        return (row.site, row.event, row.date, row.latitude, row.longitude)


@pytest.fixture
def placed(survey: Survey, photos: Path, tmp_path: Path) -> Survey:
    """Sample S1 of two photos, of which everything is known, and another."""
    said = "S1,Moor,E1,2024-05-01,47.5,8.25,bog"
    rows = (f"a.png,{said}", f"b.PNG,{said}", "c.png,S2,,,,,,")
    assert described(survey, photos, tmp_path, WHOLE, *rows) == []
    return survey


def test_a_corrected_sheet_takes_away_what_it_leaves_empty_and_says_so(
    placed: Survey, photos: Path, tmp_path: Path
) -> None:
    rows = ("a.png,S1,,,,,,", "b.PNG,S1,,,,,,bog", "c.png,S2,,,,,,")
    (note,) = described(placed, photos, tmp_path, WHOLE, *rows)
    assert note.startswith("sheet.csv: is empty for site 'Moor' of sample 'S1', event 'E1'")
    assert note.endswith("; taken away.")
    assert known_of(placed, "S1") == ("S1", None, None, None, None)
    assert described(placed, photos, tmp_path, WHOLE, *rows) == []
    with placed.reading() as session:
        said = [each.properties for each in session.scalars(current_photos())]
    assert said == [{"habitat": ""}, {"habitat": "bog"}, {"habitat": ""}]


def test_a_site_can_be_changed_back_to_the_samples_own_name(
    placed: Survey, photos: Path, tmp_path: Path
) -> None:
    rows = ("a.png,S1,S1", "b.PNG,S1,S1", "c.png,S2,S2")
    assert described(placed, photos, tmp_path, "photo,sample,site", *rows) == []
    assert known_of(placed, "S1") == ("S1", "E1", "2024-05-01", 47.5, 8.25)


def test_a_sheet_takes_nothing_away_that_it_has_no_column_for(
    placed: Survey, photos: Path, tmp_path: Path
) -> None:
    rows = ("a.png,S1,2024-06-01,5 h", "b.PNG,S1,,5 h", "c.png,S2,,")
    header = "photo,sample,date,samplingEffort"
    assert described(placed, photos, tmp_path, header, *rows) == []
    assert known_of(placed, "S1") == ("Moor", "E1", "2024-06-01", 47.5, 8.25)
    with placed.reading() as session:
        said = [each.properties for each in session.scalars(current_photos())]
    assert said[0] == {"habitat": "bog", "samplingEffort": "5 h"}


def test_empty_cells_of_new_photos_take_nothing_away_from_their_sample(
    placed: Survey, photos: Path, tmp_path: Path
) -> None:
    save(photos / "new.png", dish(9, 2))
    notes = described(placed, photos, tmp_path, WHOLE, "new.png,S1,,,,,,")
    assert any("site 'Moor' of sample 'S1'" in note and "stays" in note for note in notes)
    assert known_of(placed, "S1") == ("Moor", "E1", "2024-05-01", 47.5, 8.25)
    assert stored(placed)["../photos/new.png"] == "S1"


def test_a_mended_photo_keeps_the_sample_that_its_sheet_gave_it(
    survey: Survey, photos: Path, tmp_path: Path
) -> None:
    broken = photos / "broken.png"
    broken.write_bytes(b"no picture")
    sheet = tmp_path / "sheet.csv"
    rows = "".join(f"{each.name},S2,beech\n" for each in sorted(photos.rglob("*.*")))
    sheet.write_text(f"photo,sample,habitat\n{rows}", encoding="utf-8")
    add_photos(survey, [photos], sheet)
    save(broken, dish(9, 2))
    add_photos(survey, [photos])
    with survey.reading() as session:
        row = session.scalar(select(Photo).where(Photo.path.endswith("broken.png")))
        assert row is not None
        assert row.sample_id == "S2"
        assert row.properties == {"habitat": "beech"}


def test_pictures_that_cannot_be_opened_are_told_unless_a_photo_shows_the_same(
    survey: Survey, photos: Path
) -> None:
    for name in ("a.CR2", "moor/IMG_1.HEIC", ".trash/IMG_2.heic", "notes.txt"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(b"?")
    report = add_photos(survey, [photos])
    assert (report.n_done, report.failures) == (3, ())
    [note] = report.notes
    assert "cannot be opened: 'IMG_1.HEIC'; export them" in note


def test_a_folder_of_pictures_that_cannot_be_opened_says_so(survey: Survey, tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "IMG_1.HEIC").write_bytes(b"?")
    report = add_photos(survey, [tmp_path / "phone"])
    [failure] = report.failures
    assert "'IMG_1.HEIC'; export them as JPEG or TIFF." in failure.reason
    assert report.notes == ()  # said once


def test_what_is_odd_about_new_photos_is_said_once(survey: Survey, photos: Path) -> None:
    twelve_bits = cv2.imread(str(photos / "a.png")).astype(np.uint16) * 16
    for name in ("dim1.png", "dim2.tif"):
        cv2.imwrite(str(photos / name), twelve_bits + (name == "dim2.tif"))
    report = add_photos(survey, [photos])
    assert report.failures == ()
    [note] = report.notes
    assert note.startswith("'dim1.png', 'dim2.tif': is dark, with no pixel of a quarter of white")
    assert "steps of 16" in note
    assert add_photos(survey, [photos]).notes == ()


def test_what_cannot_be_opened_is_named_once_where_folders_overlap(survey, tmp_path):
    folder = tmp_path / "photos"
    save(folder / "moor" / "a.png", dish(0))
    (folder / "moor" / "b.heic").write_bytes(b"x")
    report = add_photos(survey, [folder, folder / "moor"])
    (note,) = [each for each in report.notes if each.startswith("Left out")]
    assert note.count("b.heic") == 1
