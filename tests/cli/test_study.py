"""`berlese study` on drawn animals: files, resuming, sites, unknowns and clear words."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from berlese.cli import study as glue
from tests.drawing import SHAPES, paper, put_animal, save

FAST = (
    *("--backbone", "efficientnet-lite0", "--quiet", "--replicates", 2),
    *("--epochs", 8, "--dann-epochs", 8, "--hidden", "16,8"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Libraries `here` and `there` of two taxa, unknowns of `there`, and truth.csv of sites."""
    folder = tmp_path_factory.mktemp("libraries")
    rng = np.random.default_rng(0)
    rows = []
    for name, n in (("here", 16), ("there", 12)):
        for taxon in SHAPES:
            for number in range(n):
                image = paper(64, 64, rng)
                put_animal(image, taxon, (32, 32), float(rng.uniform(0, 180)))
                save(folder / name / taxon / f"{number}.png", image)
                rows.append((f"{name}/{taxon}/{number}.png", f"site {number % 4}"))
    for number in range(3):
        save(folder / "there-unknown" / "Quadridae" / f"{number}.png", paper(64, 64, rng))
    with (folder / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "site"), *rows])
    return folder


@pytest.fixture(scope="module")
def studied(home, berlese, tmp_path_factory):
    """A whole small study, and what it printed."""
    out = tmp_path_factory.mktemp("study") / "whole"
    options = ("--sizes", "8,16", "--mixed-sizes", "12,20", "--site-counts", "1,2")
    where = ("study", home / "here", home / "there", "--out", out, *FAST, *options)
    result = berlese(*where, "--json")
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout), where


@pytest.fixture
def undrawn(monkeypatch):
    """Draw no figure: what takes most of the time of so small a study."""
    monkeypatch.setattr(glue, "iter_plates", lambda *_: iter(()))


def timeless(path):
    return pd.read_csv(path).drop(columns="seconds")


def test_a_row_a_training_with_the_promised_columns(studied):
    out, _, _ = studied
    results = pd.read_csv(out / "results.csv")
    assert results.columns[:11].tolist() == [
        *("protocol", "source", "target", "model", "n_train", "replicate", "seed"),
        *("acc_source", "acc_target", "delta", "seconds"),
    ]
    assert set(results["protocol"]) == {"within", "locality", "between", "adaptation"}
    assert set(results["model"]) == {"CNN", "DANN-0.1"}
    np.testing.assert_allclose(
        results["delta"], results["acc_source"] - results["acc_target"], atol=1e-5
    )


def test_every_figure_is_there_in_three_forms_and_the_page_is_one_offline_file(studied):
    out, printed, _ = studied
    names = {path.stem for path in (out / "figures").iterdir()}
    assert {"figure_2", "figure_3", "figure_4", "figure_5", "figure_6"} <= names
    assert {"figure_s2", "figure_s3", "table_s1", "table_s3", "table_s4"} <= names
    for name in names:
        for suffix in ("png", "svg", "csv"):
            assert (out / "figures" / f"{name}.{suffix}").stat().st_size > 0
    page = (out / "study.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == len(names)
    assert "<script" not in page
    assert 'src="http' not in page
    assert 'href="http' not in page
    order = [page.index(f'id="{name}"') for name in ("figure_2", "figure_3", "figure_4")]
    assert order == sorted(order)
    assert str(out / "study.html") == printed["page"]


def test_sites_and_unknowns_are_found_beside_the_libraries(studied):
    out, printed, _ = studied
    leakage = pd.read_csv(out / "leakage.csv")
    by_protocol = leakage.groupby("protocol")["same_site"].mean()
    assert by_protocol["locality"] == 0
    assert by_protocol["within"] > 0.5
    unknowns = pd.read_csv(out / "unknowns.csv")
    assert set(unknowns.loc[unknowns["target"] == "there", "n_unknown"]) == {3}
    assert set(unknowns.loc[unknowns["target"] == "here", "n_unknown"]) == {0}
    assert printed["statistics"]["duplicate_pictures"] == 0


def test_the_same_command_trains_nothing_again(studied, berlese, undrawn):
    out, printed, where = studied
    before = (out / "results.csv").read_bytes()
    again = json.loads(berlese(*where, "--json").stdout)
    assert again["resumed"] == again["trained"] == printed["trained"]
    assert (out / "results.csv").read_bytes() == before


def test_a_study_that_was_stopped_goes_on_to_the_same_results(
    studied, berlese, tmp_path, monkeypatch, undrawn
):
    out, _, where = studied
    stopped = tmp_path / "stopped"
    command = [stopped if argument == out else argument for argument in where]
    train, calls = glue.train_group, []

    def train_three(*arguments, **named):
        calls.append(arguments)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return train(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(glue, "train_group", train_three)
        assert berlese(*command).exit_code != 0
    written = sorted((stopped / "groups").glob("*.npz"))
    assert len(written) == 3
    written[0].write_bytes(b"damaged")
    report = json.loads(berlese(*command, "--json").stdout)
    assert report["resumed"] == 4  # two groups of two heads
    pd.testing.assert_frame_equal(timeless(stopped / "results.csv"), timeless(out / "results.csv"))
    assert (stopped / "by_taxon.csv").read_bytes() == (out / "by_taxon.csv").read_bytes()


def test_another_setting_is_not_taken_for_the_same(studied, berlese, tmp_path, undrawn):
    out, _, where = studied
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    command = [copy if argument == out else argument for argument in where]
    other = json.loads(berlese(*command, "--json", "--seed", 7).stdout)
    assert other["resumed"] == 0
    more = json.loads(berlese(*command, "--json", "--lambda", 0.1, "--lambda", 1).stdout)
    assert more["trained"] - more["resumed"] == 8  # two pairs, two sizes, two replicates
    assert {each["rule"] for each in more["statistics"]["lambda"]} == {
        "most information on unlabelled target pictures"
    }


def test_a_planted_copy_is_reported(home, berlese, tmp_path, undrawn):
    folder = tmp_path / "copied"
    shutil.copytree(home / "here", folder)
    shutil.copy(folder / "Longidae" / "0.png", folder / "Longidae" / "copy.png")
    out = tmp_path / "out"
    command = ("study", folder, "--out", out, *FAST, "--sizes", "20", "--protocols", "within")
    assert berlese(*command).exit_code == 0
    copies = pd.read_csv(out / "duplicates.csv")
    assert copies["copy"].str.endswith("copy.png").tolist() == [True]
    assert "1 image is a copy" in (out / "study.html").read_text(encoding="utf-8")


def test_a_csv_library_brings_its_own_sites(home, berlese, tmp_path, undrawn):
    sheet = tmp_path / "list.csv"
    files = sorted((home / "here").rglob("*.png"))
    rows = [(path, path.parent.name, f"s{at % 5}", f"p{at // 2}") for at, path in enumerate(files)]
    with sheet.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "family", "place", "photo"), *rows])
    columns = ("--taxon", "family", "--site", "place", "--group", "photo")
    command = ("study", sheet, "--out", tmp_path / "out", *FAST, *columns)
    result = berlese(*command, "--protocols", "within,locality", "--sizes", "20")
    assert result.exit_code == 0, result.output
    leakage = pd.read_csv(tmp_path / "out" / "leakage.csv").set_index("protocol")
    assert leakage.loc["within", "same_photo"] > 0
    assert (leakage.loc["locality", "same_site"] == 0).all()


def test_an_unreadable_picture_is_named_and_the_rest_goes_on(home, berlese, tmp_path, undrawn):
    folder = tmp_path / "damaged"
    shutil.copytree(home / "here", folder)
    (folder / "Longidae" / "bad.png").write_bytes(b"no picture")
    command = ("study", folder, "--out", tmp_path / "out", *FAST, "--protocols", "within")
    result = berlese(*command, "--sizes", "20")
    assert result.exit_code == 1
    assert "bad.png" in (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8")


def one_taxon_more(folder):
    shutil.copytree(folder / "here" / "Longidae", folder / "there" / "Tertidae")


def one_picture_a_taxon(folder):
    for number in range(10):
        place = folder / "there" / f"Taxon{number}idae"
        place.mkdir()
        shutil.copy(folder / "here" / "Longidae" / f"{number}.png", place)
    for taxon in SHAPES:
        for path in sorted((folder / "there" / taxon).iterdir())[1:]:
            path.unlink()


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (one_taxon_more, (), "there has 16 pictures of taxa that here lacks (Tertidae)"),
        (one_picture_a_taxon, (), "there: it has one picture a taxon"),
        (None, ("--sizes", "8,5000"), "5000 pictures to train on were asked for, but 27 are left"),
        (None, ("--protocols", "locality", "--site-counts", "2,40"), "40 sites to train on"),
        (None, ("--replicates", 1), "One replicate: there is no spread"),
    ],
    ids=["foreign taxon", "one a taxon", "too large", "too few sites", "one replicate"],
)
def test_what_the_data_do_not_allow_is_said_and_the_rest_runs(
    home, berlese, tmp_path, undrawn, change, options, said
):
    folder = tmp_path / "libraries"
    shutil.copytree(home, folder)
    if change is not None:
        change(folder)
    small = ("--sizes", "8") if "--sizes" not in options else ()
    protocols = ("--protocols", "within,between,unknowns") if "--protocols" not in options else ()
    command = ("study", folder / "here", folder / "there", "--out", tmp_path / "out", *FAST)
    result = berlese(*command, *small, *protocols, *options)
    assert result.exit_code == 0, result.output
    assert said in result.output
    assert len(pd.read_csv(tmp_path / "out" / "results.csv"))
    assert said in (tmp_path / "out" / "study.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--protocols", "guess"), "protocol 'guess' is unknown"),
        (("--pairs", "here-there"), "--pairs must be SOURCE:TARGET"),
        (("--pairs", "here:elsewhere"), "no data set is called 'elsewhere'"),
        (("--sizes", "many"), "--sizes must be integers"),
        (("--unknowns", "gone"), "gone: does not exist"),
        (("--sites", "gone.csv"), "gone.csv: cannot be read"),
        (("--split", "even"), "split must be one of"),
    ],
)
def test_wrong_options_are_refused_in_one_line(home, berlese, tmp_path, options, said):
    result = berlese("study", home / "here", "--out", tmp_path / "out", *FAST, *options)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "out").exists()
