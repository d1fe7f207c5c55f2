"""Tiles of a known scene become that scene again, from their names or without."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips

from berlese.errors import SettingError
from berlese.photos.reading import open_photo
from berlese.photos.stitch import Stitched, stitch_tiles
from berlese.simulate.tiles import Stage, Tile, iter_tiles
from tests.photos.scenes import psnr, texture

STAGE = Stage(rows=3, columns=3, overlap=0.25, jitter_px=2.0, turn_deg=0.15, noise=1.0)


@pytest.fixture(scope="module")
def scene():
    return texture(460, 520)


@pytest.fixture(scope="module")
def tiles(scene):
    return list(iter_tiles(scene, STAGE, np.random.default_rng(0)))


def save(folder: Path, tiles: list[Tile], names: list[str], scale: int = 1) -> dict[Path, Tile]:
    """Write tiles under names; `scale` above 1 makes 16 bits."""
    written = {}
    for tile, name in zip(tiles, names, strict=True):
        pixels = tile.pixels if scale == 1 else tile.pixels.astype(np.uint16) * scale
        image = pyvips.Image.new_from_array(pixels)
        image = image.copy(interpretation="rgb16") if scale > 1 else image
        image.copy(xres=150.0, yres=150.0).write_to_file(f"{folder / name}")
        written[folder / name] = tile
    return written


def by_grid(tiles: list[Tile]) -> list[str]:
    return [f"r{tile.row:02d}_c{tile.column:02d}.tif" for tile in tiles]


def errors_px(result: Stitched, truth: dict[Path, Tile]) -> np.ndarray:
    """How far each tile's middle lies from its true place, after one rigid move of all."""
    kind = result.placements[0].frame.kind
    middle = np.array([(kind.width - 1) / 2, (kind.height - 1) / 2, 1])
    found = np.array([each.matrix @ middle for each in result.placements])
    true = np.array([truth[each.frame.path].matrix @ middle for each in result.placements])
    found, true = found - found.mean(axis=0), true - true.mean(axis=0)
    left, _, right = np.linalg.svd(found.T @ true)
    return np.hypot(*(found @ (left @ right) - true).T)


@pytest.fixture(scope="module")
def stitched(tiles, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    truth = save(folder, tiles, by_grid(tiles))
    return stitch_tiles(list(truth), folder / "out.tif"), truth, folder / "out.tif"


def test_tiles_are_placed_within_a_fifth_of_a_pixel(stitched):
    result, truth, _ = stitched
    assert len(result.placements) == 9
    assert result.grid == "names"
    assert errors_px(result, truth).mean() < 0.2
    assert all(pair.residual_px < 0.5 for pair in result.pairs)
    assert not result.left_out


def test_light_is_evened_and_seams_do_not_show(stitched, scene):
    result, truth, out = stitched
    pixels = open_photo(out).pixels()
    first = result.placements[0]
    true = truth[first.frame.path].matrix
    corner = np.floor(np.concatenate([each.corners() for each in result.placements]).min(axis=0))
    # From the mosaic's pixels to the first tile's, and on to the scene's.
    to_tile = np.linalg.inv(np.vstack([first.matrix, [0, 0, 1]]))
    move = (
        np.vstack([true, [0, 0, 1]]) @ to_tile @ [[1, 0, corner[0]], [0, 1, corner[1]], [0, 0, 1]]
    )
    size = (pixels.shape[1], pixels.shape[0])
    laid = cv2.warpAffine(scene, move[:2], size, flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP)
    gain = laid[60:-60, 60:-60].mean() / pixels[60:-60, 60:-60].mean()
    assert psnr(pixels * gain, laid, border=60) > 30


def test_the_mosaic_is_a_tiled_bigtiff_with_a_pyramid_and_the_scale(stitched):
    _, _, out = stitched
    assert out.read_bytes()[:4] == b"II+\0"
    image = pyvips.Image.new_from_file(f"{out}")
    assert image.get("n-pages") > 1
    half = pyvips.Image.new_from_file(f"{out}", page=1)
    assert abs(half.width - image.width / 2) <= 1
    assert open_photo(out).mm_per_pixel == pytest.approx(1 / 150)
    assert not list(out.parent.glob(".*"))


@pytest.mark.parametrize("names", ["snake", "raster", "letters"])
def test_running_numbers_and_names_that_tell_nothing_give_the_same_places(tiles, tmp_path, names):
    if names == "letters":
        labels = [f"{letter}.tif" for letter in "gacbifhde"]
    else:
        turned = [2 - t.column if t.row % 2 and names == "snake" else t.column for t in tiles]
        labels = [
            f"img{3 * tile.row + column + 8}.tif"
            for tile, column in zip(tiles, turned, strict=True)
        ]
    truth = save(tmp_path, tiles, labels)
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    assert len(result.placements) == 9
    assert result.grid == ("pictures" if names == "letters" else "sequence")
    assert errors_px(result, truth).mean() < 0.2


def test_a_tile_of_another_scene_is_named_and_left_out(tiles, tmp_path):
    truth = save(tmp_path, tiles, by_grid(tiles))
    alien = tmp_path / "r01_c02.tif"
    other = texture(*tiles[0].pixels.shape[:2], seed=7)
    pyvips.Image.new_from_array(other).write_to_file(f"{alien}")
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    assert [error.path for error in result.left_out] == [alien]
    assert "fits nowhere" in result.left_out[0].reason
    assert len(result.placements) == 8
    assert errors_px(result, truth).mean() < 0.2


def test_a_tile_that_shows_nothing_is_placed_by_its_name(tiles, tmp_path):
    truth = save(tmp_path, tiles, by_grid(tiles))
    plain = tmp_path / "r02_c02.tif"
    noise = np.random.default_rng(0).normal(200, 1, tiles[0].pixels.shape).astype(np.uint8)
    pyvips.Image.new_from_array(noise).write_to_file(f"{plain}")
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    assert result.by_name_only == (plain,)
    assert not result.left_out
    assert errors_px(result, truth).max() < 12


def sparse_dish(seed: int) -> np.ndarray:
    """White ground with a few dark animals on it, and nothing else."""
    rng = np.random.default_rng(seed)
    scene = np.full((640, 640, 3), 225, np.uint8)
    for _ in range(60):
        x, y = (int(each) for each in rng.integers(20, 620, 2))
        axes = (int(rng.integers(4, 9)), int(rng.integers(8, 16)))
        shade = int(rng.integers(30, 110))
        cv2.ellipse(scene, (x, y), axes, float(rng.integers(180)), 0, 360, (shade,) * 3, -1)
    return cv2.GaussianBlur(scene, (0, 0), 1.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_tiles_of_a_sparse_dish_in_no_order_are_placed_or_named(tmp_path, seed):
    stage = Stage(rows=4, columns=4, overlap=0.25, jitter_px=2.0, noise=1.5)
    tiles = list(iter_tiles(sparse_dish(seed), stage, np.random.default_rng(seed)))
    order = np.random.default_rng(seed).permutation(16)
    truth = save(tmp_path, tiles, [f"{chr(97 + number)}.tif" for number in order])
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    assert result.grid == "pictures"
    assert len(result.placements) >= 12
    assert len(result.placements) + len(result.left_out) == 16
    doubtful = {error.path for error in result.doubtful}
    sure = [each for each in result.placements if each.frame.path not in doubtful]
    assert len(sure) >= 2
    assert errors_px(replace(result, placements=tuple(sure)), truth).max() < 2


def test_a_tile_that_hardly_shows_anything_where_it_overlaps_is_in_doubt(tiles, tmp_path):
    faint = [replace(tile, pixels=tile.pixels.copy()) for tile in tiles]
    corner = faint[8]
    rows, columns = corner.pixels.shape[:2]
    ground = np.random.default_rng(0).normal(135, 1.0, corner.pixels.shape)
    seen = np.zeros((rows, columns, 1), bool)
    seen[12:34, 12:20] = True  # a speck in the overlap with the tile above and the one beside
    corner.pixels[:] = np.where(seen, corner.pixels, ground)
    truth = save(tmp_path, faint, by_grid(faint))
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    known = {each.frame.path: sd for each, sd in zip(result.placements, result.sd_px, strict=True)}
    last = tmp_path / "r02_c02.tif"
    assert max(sd for path, sd in known.items() if path != last) < 0.6
    named = {error.path for error in (*result.doubtful, *result.left_out)} | {*result.by_name_only}
    assert named == {last}


def test_damaged_and_unlike_tiles_are_named_and_the_rest_goes_on(tiles, tmp_path):
    truth = save(tmp_path, tiles, by_grid(tiles))
    (tmp_path / "r00_c00.tif").write_bytes((tmp_path / "r00_c00.tif").read_bytes()[:9000])
    grey = pyvips.Image.new_from_array(tiles[8].pixels[..., 0])
    grey.write_to_file(f"{tmp_path / 'r02_c02.tif'}")
    result = stitch_tiles([*sorted(truth), tmp_path / "gone.tif"], tmp_path / "out.tif")
    reasons = {error.path.name: error.reason for error in result.left_out}
    assert set(reasons) == {"r00_c00.tif", "r02_c02.tif", "gone.tif"}
    assert "grey" in reasons["r02_c02.tif"]
    assert len(result.placements) == 7
    assert errors_px(result, truth).mean() < 0.2


def test_sixteen_bits_stay_sixteen_bits(tiles, tmp_path):
    truth = save(tmp_path, tiles[:2], by_grid(tiles[:2]), scale=200)
    stitch_tiles(sorted(truth), tmp_path / "out.tif")
    image = pyvips.Image.new_from_file(f"{tmp_path / 'out.tif'}")
    assert image.format == "ushort"
    assert image.interpretation == "rgb16"
    assert image.avg() == pytest.approx(200 * tiles[0].pixels.mean(), rel=0.2)


def test_tiles_that_do_not_overlap_make_no_mosaic_and_leave_no_file(tiles, tmp_path):
    truth = save(tmp_path, [tiles[0], tiles[8]], ["a.tif", "b.tif"])
    with pytest.raises(SettingError, match="at least two tiles that fit together"):
        stitch_tiles(list(truth), tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()
    with pytest.raises(SettingError, match="got 1 of 1"):
        stitch_tiles([tmp_path / "a.tif"], tmp_path / "out.tif")


def test_why_no_two_tiles_fit_is_said_once_and_each_damaged_file_has_a_line(tiles, tmp_path):
    truth = save(tmp_path, [tiles[0], tiles[2], tiles[8]], ["a.tif", "b.tif", "c.tif"])
    (tmp_path / "d.tif").write_bytes(b"no picture")
    with pytest.raises(SettingError) as caught:
        stitch_tiles([*truth, tmp_path / "d.tif"], tmp_path / "out.tif")
    first, *lines = str(caught.value).splitlines()
    assert first.startswith(
        "a mosaic needs at least two tiles that fit together, got 1 of 4 given."
    )
    assert "no two of the 3 that can be read look alike where they might overlap" in first
    assert [line.split(":")[0] for line in lines] == [f"{tmp_path / 'd.tif'}"]


def test_two_tiles_under_each_others_name_are_left_out_with_the_hint(tiles, tmp_path):
    names = by_grid(tiles)
    names[0], names[5] = names[5], names[0]
    truth = save(tmp_path, tiles, names)
    result = stitch_tiles(sorted(truth), tmp_path / "out.tif")
    reasons = {error.path.name: error.reason for error in result.left_out}
    assert {names[0], names[5]} <= set(reasons)
    for reason in reasons.values():
        assert "beside which its name puts it" in reason
        assert "Is its name right" in reason
    assert errors_px(result, truth).mean() < 0.2


def test_the_same_tiles_give_the_same_pixels_in_any_order(tiles, stitched, tmp_path):
    truth = save(tmp_path, tiles, by_grid(tiles))
    stitch_tiles(sorted(truth), tmp_path / "a.tif")
    stitch_tiles(sorted(truth, reverse=True), tmp_path / "b.tif")
    np.testing.assert_array_equal(
        open_photo(tmp_path / "a.tif").pixels(), open_photo(stitched[2]).pixels()
    )
    one, two = (open_photo(tmp_path / name) for name in ("a.tif", "b.tif"))
    assert abs(one.width - two.width) <= 3
