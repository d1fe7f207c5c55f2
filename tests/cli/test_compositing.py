"""`berlese stack` and `berlese stitch` from the command line: files, exit codes, words."""

import csv
import json

import numpy as np
import pytest
import pyvips

from berlese.photos.reading import open_photo
from berlese.simulate.tiles import Stage, iter_tiles
from tests.photos.scenes import psnr, stack, texture, write


@pytest.fixture(scope="module")
def scene():
    return stack()


@pytest.fixture(scope="module")
def slices(scene, tmp_path_factory):
    return write(tmp_path_factory.mktemp("slices"), scene.slices, ".tif", xres=200.0, yres=200.0)


def test_a_folder_of_slices_becomes_a_picture_and_a_depth_map(scene, slices, berlese, tmp_path):
    out, depth = tmp_path / "fused.tif", tmp_path / "depth.tif"
    result = berlese(
        *("stack", slices[0].parent, "--out", out, "--depth-map", depth, "--step-mm", "0.05"),
        *("--json", "--quiet"),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [each["file"] for each in told["slices"]] == [str(path) for path in slices]
    assert told["middle"] == str(slices[3])
    assert told["depth_unit"] == "mm"
    assert told["slices"][6]["scale"] == pytest.approx(1.002**3, abs=0.002)
    photo = open_photo(out)
    assert psnr(photo.pixels(), scene.sharp) > 27
    assert photo.mm_per_pixel == pytest.approx(1 / 200)
    heights = pyvips.Image.new_from_file(f"{depth}").numpy().squeeze()
    assert np.median(np.abs(heights - 0.05 * 6 * scene.heights)) < 0.03


def test_a_bad_slice_is_named_the_rest_goes_on_and_the_exit_code_is_1(slices, berlese, tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"II*\0 and no more")
    out = tmp_path / "fused.png"
    result = berlese("stack", *slices, tmp_path / "bad.tif", "--out", out, "--quiet")
    assert result.exit_code == 1
    assert out.is_file()
    assert "bad.tif" in result.stderr
    assert "from 7 slices" in result.stdout


def test_one_slice_writes_nothing_and_the_exit_code_is_2(slices, berlese, tmp_path):
    result = berlese("stack", slices[0], "--out", tmp_path / "fused.png")
    assert result.exit_code == 2
    assert "at least two slices" in result.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "a.gif"], "ends in .tif"),
        (["--out", "a.png", "--depth-map", "b.png"], "heights are numbers"),
        (["--out", "a.png", "--method", "mean"], "'pyramid', 'depth-map'"),
        (["--out", "a.png", "--step-mm", "-1"], "--step-mm"),
        (["--out", "no/such/a.png"], "its folder does not exist"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(
    slices, berlese, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    result = berlese("stack", *slices, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not any(tmp_path.iterdir())


def test_slices_and_finished_pictures_are_never_written_over(slices, berlese, tmp_path):
    before = slices[0].read_bytes()
    result = berlese("stack", *slices, "--out", slices[0], "--overwrite")
    assert result.exit_code == 2
    assert "is one of the inputs" in result.stderr
    assert slices[0].read_bytes() == before
    (tmp_path / "a.png").write_bytes(b"mine")
    result = berlese("stack", *slices, "--out", tmp_path / "a.png")
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert (tmp_path / "a.png").read_bytes() == b"mine"


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    stage = Stage(rows=2, columns=3, overlap=0.25, jitter_px=2.0)
    paths = []
    for tile in iter_tiles(texture(300, 420), stage, np.random.default_rng(0)):
        paths.append(folder / f"x{tile.column}_y{tile.row}.png")
        pyvips.Image.new_from_array(tile.pixels).write_to_file(f"{paths[-1]}")
    return paths


def test_a_folder_of_tiles_becomes_a_mosaic_and_a_table_of_pairs(tiles, berlese, tmp_path):
    out = tmp_path / "mosaic.tif"
    result = berlese("stitch", tiles[0].parent, "--out", out, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert len(told["tiles"]) == 6
    assert told["grid"] == "names"
    assert told["residual_px"]["largest"] < 0.5
    photo = open_photo(out)
    assert (photo.width, photo.height) == (told["width"], told["height"])
    assert 350 < photo.width <= 420
    with (tmp_path / "mosaic.pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == told["pairs"] >= 7
    assert {"x0_y0.png", "x1_y0.png"} in [{row["first"], row["second"]} for row in rows]
    assert all(0 <= float(row["residual_px"]) < 0.5 for row in rows)


def test_a_tile_that_fits_nowhere_is_named_and_the_exit_code_is_1(tiles, berlese, tmp_path):
    stray = tmp_path / "x2_y7.png"
    pyvips.Image.new_from_array(texture(120, 150, seed=8)).write_to_file(f"{stray}")
    result = berlese("stitch", *tiles, stray, "--out", tmp_path / "mosaic.tif", "--quiet")
    assert result.exit_code == 1
    assert "x2_y7.png: fits nowhere" in result.stderr
    assert "from 6 tiles" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "mosaic.png"], "ends in .tif"),
        (["--out", "no/such/mosaic.tif"], "its folder does not exist"),
    ],
)
def test_a_mosaic_that_cannot_be_written_is_said_before_any_work(
    tiles, berlese, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    result = berlese("stitch", *tiles, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not any(tmp_path.iterdir())


def test_one_tile_is_no_mosaic_and_a_finished_one_is_kept(tiles, berlese, tmp_path):
    out = tmp_path / "mosaic.tif"
    result = berlese("stitch", tiles[0], "--out", out)
    assert result.exit_code == 2
    assert "at least two tiles" in result.stderr
    out.write_bytes(b"mine")
    result = berlese("stitch", *tiles, "--out", out)
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert out.read_bytes() == b"mine"
