"""Every verb on small drawn surveys: what it writes, prints and leaves with."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from berlese import __version__
from berlese.exchange.coco import read_coco
from tests.drawing import SHAPES, dish, paper, put_animal, save


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def photos_once(tmp_path_factory):
    """Two sites with a dish each: four animals on one, six on the other, both taxa in turn."""
    folder = tmp_path_factory.mktemp("sites")
    for number, (site, animals) in enumerate([("meadow", 4), ("wood", 6)], start=1):
        save(folder / "photos" / site / f"{number}.png", dish(number, animals))
    return folder / "photos"


@pytest.fixture
def photos(photos_once, tmp_path):
    """Those photos, to be changed at will."""
    return shutil.copytree(photos_once, tmp_path / "photos", dirs_exist_ok=True)


@pytest.fixture(scope="session")
def ran_once(photos_once, bundle, berlese):
    """What `berlese run` printed of the photos, and its survey; not to be changed."""
    survey = photos_once.parent / "survey"
    result = berlese("run", photos_once, "--model", bundle, "--out", survey)
    assert result.exit_code == 0, result.output
    return result.stdout, survey


@pytest.fixture
def ran(ran_once, photos, tmp_path):
    """That survey, to be changed at will."""
    return shutil.copytree(ran_once[1], tmp_path / "survey")


def test_the_verbs_one_by_one_give_what_run_gives(photos, bundle, ran_once, berlese, tmp_path):
    survey, (_, whole) = tmp_path / "steps", ran_once
    commands = [
        ("init", survey, "--name", "Steps"),
        ("add", survey, photos),
        ("segment", survey),
        ("embed", survey, "--backbone", "efficientnet-lite0"),
        ("predict", bundle, survey),
        ("table", survey),
        ("report", survey),
    ]
    for command in commands:
        result = berlese(*command)
        assert result.exit_code == 0, (command, result.output)
    for name in ("community.csv", "community_long.csv"):
        assert (survey / "exports" / name).read_bytes() == (whole / "exports" / name).read_bytes()
    rows = read_csv(survey / "exports" / "community.csv")
    counts = {row["locationID"]: [int(row[taxon]) for taxon in SHAPES] for row in rows}
    unknown = sum(int(row["unknown"]) for row in rows)
    assert set(counts) == {"meadow", "wood"}
    assert sum(map(sum, counts.values())) + unknown == 10
    assert "Steps" in (survey / "exports" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["add", "segment", "embed", "predict"])
def test_a_step_done_twice_does_nothing_the_second_time(verb, photos, ran, bundle, berlese):
    arguments = {
        "add": ("add", ran, photos),
        "segment": ("segment", ran),
        "embed": ("embed", ran, "--backbone", "efficientnet-lite0"),
        "predict": ("predict", bundle, ran),
    }[verb]
    result = berlese(*arguments, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["done"] == 0
    assert report["skipped"] == (2 if verb in ("add", "segment") else 10)


def test_run_prints_the_table_and_where_it_lies(ran_once):
    printed, survey = ran_once
    assert "2 photos, 10 animals" in printed
    assert "meadow" in printed
    assert str(survey / "exports" / "report.html") in printed
    page = (survey / "exports" / "report.html").read_text(encoding="utf-8")
    assert "not finished" not in page  # of the run that wrote it


def test_run_says_before_the_table_how_far_the_photos_are_from_the_library(ran_once):
    printed, survey = ran_once
    said = "10 animals are too few"
    assert printed.index(said) < printed.index("Animals by site")
    assert "berlese plan survey --out review.csv --count 10" in printed
    domain = json.loads((survey / "summary.json").read_text(encoding="utf-8"))["domain"]
    assert (domain["verdict"], domain["animals"], domain["error"]) == ("not known", 10, None)
    assert said in domain["headline"]
    page = (survey / "exports" / "report.html").read_text(encoding="utf-8")
    assert page.index(said) < page.index("Community table")


def test_many_sites_are_summed_on_the_terminal(bundle, berlese, tmp_path):
    for site in range(7):
        save(tmp_path / "photos" / f"site-{site}" / f"{site}.png", dish(site, 1))
    survey = tmp_path / "survey"
    result = berlese("run", tmp_path / "photos", "--model", bundle, "--out", survey)
    assert result.exit_code == 0, result.output
    assert "site-3" not in result.stdout
    assert "sites" in result.stdout
    assert len(read_csv(survey / "exports" / "community.csv")) == 7


def test_run_needs_a_library_or_a_model(photos, berlese, tmp_path):
    result = berlese("run", photos, "--out", tmp_path / "survey")
    assert result.exit_code == 2
    assert "--library" in result.output
    assert "--model" in result.output


def test_summary_says_what_was_done(photos, library, berlese, tmp_path):
    survey = tmp_path / "survey"
    options = ("--backbone", "efficientnet-lite0", "--seed", "7", "--json", "--quiet")
    result = berlese("run", photos, "--library", library, "--out", survey, *options)
    assert result.exit_code == 0, result.output
    summary = json.loads((survey / "summary.json").read_text(encoding="utf-8"))
    assert summary == json.loads(result.stdout)
    assert (summary["photos"], summary["specimens"], summary["failures"]) == (2, 10, 0)
    assert summary["identified"] + summary["unknown"] == 10
    assert summary["settings"]["seed"] == 7
    assert {"segment", "embed", "train"} <= set(summary["seconds"])


def test_photos_are_segmented_into_a_folder(photos, berlese, tmp_path):
    out = tmp_path / "found"
    result = berlese("segment", photos, "--out", out)
    assert result.exit_code == 0, result.output
    described = {photo.file_name: photo for photo in read_coco(out / "specimens.json")}
    assert {name: len(photo.specimens) for name, photo in described.items()} == {
        "meadow/1.png": 4,
        "wood/2.png": 6,
    }
    assert len(list(out.glob("crops/*/*.png"))) == 10
    assert len(list(out.glob("overlays/*.jpg"))) == 2
    again = berlese("segment", photos, "--out", out)
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    assert berlese("segment", photos, "--out", out, "--overwrite").exit_code == 0


def test_the_limit_of_pixels_holds_for_a_survey_too(photos, berlese, tmp_path):
    assert berlese("init", tmp_path / "survey").exit_code == 0
    assert berlese("add", tmp_path / "survey", photos).exit_code == 0
    refused = berlese("segment", tmp_path / "survey", "--max-pixels", 1000)
    assert refused.exit_code == 2
    assert "raise max_pixels (--max-pixels 129600)" in refused.output
    assert berlese("segment", tmp_path / "survey").exit_code == 0


def test_segmenting_photos_needs_a_folder_to_write_to(photos, berlese):
    result = berlese("segment", photos)
    assert result.exit_code == 2
    assert "--out" in result.output


def test_smaller_animals_are_left_out_on_request(photos, berlese, tmp_path):
    out = tmp_path / "found"
    assert berlese("segment", photos, "--out", out, "--min-length-px", 300).exit_code == 0
    assert sum(len(photo.specimens) for photo in read_coco(out / "specimens.json")) == 0


def test_pictures_are_named_into_a_csv_file(bundle, berlese, tmp_path):
    rng = np.random.default_rng(5)
    for taxon in SHAPES:
        image = paper(64, 64, rng)
        put_animal(image, taxon, (32, 32), 30)
        save(tmp_path / "crops" / f"{taxon}.png", image)
    out = tmp_path / "names.csv"
    result = berlese("predict", bundle, tmp_path / "crops", "--out", out, "--probabilities")
    assert result.exit_code == 0, result.output
    for row in read_csv(out):
        assert row["taxon"] == row["file"].rpartition("/")[2].removesuffix(".png")
        assert sum(float(row[taxon]) for taxon in SHAPES) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(float(row[taxon]) for taxon in SHAPES)
    assert berlese("predict", bundle, tmp_path / "crops", "--out", out).exit_code == 2


def test_a_picture_unlike_the_library_has_no_taxon_but_the_best_one_beside(
    bundle, berlese, tmp_path
):
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    save(tmp_path / "crops" / "strange.png", noise)
    out = tmp_path / "names.csv"
    command = ("predict", bundle, tmp_path / "crops", "--out", out, "--unknown-threshold", "1")
    result = berlese(*command, "--unknown-score", "softmax")
    assert result.exit_code == 0, result.output
    (row,) = read_csv(out)
    assert (row["taxon"], row["status"]) == ("unknown", "unknown")
    assert row["bestTaxon"] in SHAPES
    assert 0 < float(row["probability"]) <= 1
    assert f"{out}: 0 with a name, 1 unknown" in result.output


def test_evaluation_by_folds_and_on_the_library_itself(bundle, library, berlese, tmp_path):
    for name, options in (("same", ()), ("folds", ("--folds", "4"))):
        out = tmp_path / name
        result = berlese("evaluate", bundle, library, "--out", out, "--json", "--quiet", *options)
        assert result.exit_code == 0, result.output
        written = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
        assert written == json.loads(result.stdout)
        assert written["n"] == 16
        assert [int(row["n"]) for row in read_csv(out / "by_taxon.csv")] == [8, 8]
        assert (
            sum(int(row[taxon]) for row in read_csv(out / "confusion.csv") for taxon in SHAPES)
            == 16
        )


def test_a_bundle_is_not_overwritten_unasked(bundle, library, berlese):
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    result = berlese("train", library, "--out", bundle)
    assert result.exit_code == 2
    assert "--overwrite" in result.output
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_a_survey_is_not_made_twice(berlese, tmp_path):
    assert berlese("init", tmp_path / "survey").exit_code == 0
    result = berlese("init", tmp_path / "survey")
    assert result.exit_code == 2
    assert "survey" in result.output


def test_simulated_photos_come_with_their_truth(berlese, tmp_path):
    out = tmp_path / "simulated"
    options = ("--photos", 1, "--animals", 5, "--sites", 1, "--library", 1, "--seed", 3)
    result = berlese("simulate", "photos", "--out", out, *options)
    assert result.exit_code == 0, result.output
    (photo,) = read_coco(out / "truth.json")
    assert len(photo.specimens) == 5
    assert (out / photo.file_name).is_file()
    assert [row["photo"] for row in read_csv(out / "samples.csv")] == [photo.file_name]
    assert len(list((out / "library").glob("*/*.jpg"))) == 12
    again = berlese("simulate", "photos", "--out", out, *options)
    assert again.exit_code == 2
    assert "--overwrite" in again.output


def test_doctor_and_backbones_list_the_default(berlese):
    result = berlese("doctor", "--json")
    assert result.exit_code == 0, result.output
    checks = json.loads(result.stdout)["checks"]
    assert all(check["in_order"] or check["advice"] for check in checks)
    rows = json.loads(berlese("backbones", "--json").stdout)["backbones"]
    assert {row["name"]: row["available"] for row in rows}["efficientnet-lite2"] is True
    assert "efficientnet-lite2" in berlese("backbones").stdout
    assert "libvips" in berlese("doctor").stdout


def test_help_loads_no_heavy_library():
    script = (
        "import sys; sys.argv = ['berlese', '--help']\n"
        "from berlese.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'sklearn', 'cv2', 'onnxruntime', 'pyvips', 'sqlalchemy'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "LOADED []" in result.stdout


def test_the_version_is_printed(berlese):
    assert berlese("--version").stdout.strip() == f"berlese {__version__}"


def test_table_by_site_has_a_row_a_site(ran, berlese):
    result = berlese("table", ran, "--by", "site")
    assert result.exit_code == 0, result.output
    rows = read_csv(ran / "exports" / "community.csv")
    assert [row["locationID"] for row in rows] == ["meadow", "wood"]
    assert "eventID" not in rows[0]


@pytest.mark.parametrize("verb", ["segment", "embed", "table", "report"])
def test_a_folder_that_is_no_survey_is_named(verb, berlese, tmp_path):
    (tmp_path / "not-one").mkdir()
    result = berlese(verb, tmp_path / "not-one")
    assert result.exit_code == 2
    assert "not-one" in result.output


def test_a_survey_stands_alone(photos, ran, bundle, berlese, tmp_path):
    for command in (
        ("segment", ran, "--out", tmp_path / "out"),
        ("predict", bundle, ran, photos, "--out", tmp_path / "names.csv"),
    ):
        result = berlese(*command)
        assert result.exit_code == 2, result.output
        assert "is a survey" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--model", "--library", "--samples"])
def test_a_run_that_cannot_begin_leaves_nothing(option, photos, bundle, berlese, tmp_path):
    model = () if option == "--model" else ("--model", bundle)
    if option == "--library":
        model = ()
    out = tmp_path / "survey"
    result = berlese("run", photos, *model, option, tmp_path / "nosuch", "--out", out)
    assert result.exit_code == 2, result.output
    assert "nosuch: does not exist" in result.output
    assert not out.exists()


def test_a_run_with_a_wrong_sheet_leaves_nothing(photos, bundle, berlese, tmp_path):
    (tmp_path / "s.csv").write_text("photo,sample,date\n1.png,S,5/1/2024\n", encoding="utf-8")
    out = tmp_path / "survey"
    options = ("--samples", tmp_path / "s.csv", "--out", out)
    result = berlese("run", photos, "--model", bundle, *options)
    assert result.exit_code == 2, result.output
    assert "'5/1/2024'" in result.output
    assert not out.exists()


def test_a_run_without_a_photo_leaves_nothing(bundle, berlese, tmp_path):
    out = tmp_path / "survey"
    result = berlese("run", tmp_path / "nosuch.jpg", "--model", bundle, "--out", out)
    assert result.exit_code == 2, result.output
    assert not out.exists()


def test_what_the_system_refuses_is_told_in_one_line(library, berlese, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "model"
    result = berlese("train", library, "--out", out, "--backbone", "efficientnet-lite0")
    assert result.exit_code == 2, result.output
    assert str(tmp_path / "file") in result.output
    assert "Traceback" not in result.output


def test_removed_photos_leave_the_table_and_can_be_added_again(photos, ran, berlese):
    before = (ran / "exports" / "community.csv").read_bytes()
    result = berlese("remove", ran, photos / "wood", "--json")
    assert json.loads(result.stdout)["done"] == 1
    assert berlese("table", ran).exit_code == 0
    assert [row["locationID"] for row in read_csv(ran / "exports" / "community.csv")] == ["meadow"]
    assert berlese("add", ran, photos).exit_code == 0
    assert berlese("table", ran).exit_code == 0
    assert (ran / "exports" / "community.csv").read_bytes() == before


def test_photos_that_wait_are_not_called_failed(photos, berlese, tmp_path):
    survey = tmp_path / "survey"
    assert berlese("init", survey).exit_code == 0
    assert berlese("add", survey, photos).exit_code == 0
    result = berlese("table", survey)
    assert result.exit_code == 0, result.output
    assert "2 photos are not searched for animals yet: berlese segment" in result.stdout
    assert "could not be used" not in result.stdout


def test_run_tells_what_is_odd_about_the_sheet(photos, bundle, berlese, tmp_path):
    text = "photo,sample,samplingEffort\n1.png,S,4\n2.png,S,5\nnosuch.png,T,4\n"
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    options = ("--samples", tmp_path / "s.csv", "--out", tmp_path / "survey", "--quiet")
    result = berlese("run", photos, "--model", bundle, *options)
    assert result.exit_code == 0, result.output
    assert "no photo was given for line 4" in result.stdout
    assert "several values of samplingEffort" in result.stdout


@pytest.mark.parametrize("sheet", ["nosuch.csv", "photos"])
def test_a_sheet_that_cannot_be_read_is_called_so(sheet, photos, berlese, tmp_path):
    assert berlese("init", tmp_path / "survey").exit_code == 0
    result = berlese("add", tmp_path / "survey", photos, "--samples", tmp_path / sheet)
    assert result.exit_code == 2
    assert f"{sheet}: cannot be read" in result.output
    assert "has room" not in result.output


def test_table_says_what_is_missing(photos, bundle, berlese, tmp_path):
    survey = tmp_path / "survey"
    (photos / "wood" / "broken.jpg").write_bytes(b"no picture")
    assert berlese("run", photos, "--model", bundle, "--out", survey, "--quiet").exit_code == 1
    result = berlese("table", survey)
    assert result.exit_code == 0
    assert "1 photos of 1 samples could not be used" in result.stdout
    row = next(r for r in read_csv(survey / "exports" / "community.csv") if r["eventID"] == "wood")
    assert (row["photos"], row["photosFailed"]) == ("2", "1")


def test_run_names_the_library_pictures_that_it_leaves_out(photos, library, tmp_path, berlese):
    shutil.copytree(library, tmp_path / "library")
    taxon = next((tmp_path / "library").iterdir())
    (taxon / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    survey = tmp_path / "survey"
    options = ["--backbone", "efficientnet-lite0", "--quiet"]
    result = berlese("run", photos, "--library", tmp_path / "library", "--out", survey, *options)
    assert result.exit_code == 1
    assert "cut.jpg (library): is cut off" in result.output
    summary = json.loads((survey / "summary.json").read_text(encoding="utf-8"))
    [failure] = summary["library_failures"]
    assert failure["file"] == str(taxon / "cut.jpg")
    assert failure["reason"].startswith("is cut off")
