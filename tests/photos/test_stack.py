"""A stack of slices becomes one picture near the truth, whatever lies among the slices."""

import cv2
import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.photos.registration import lay_onto
from berlese.photos.stack import METHODS, StackSettings, passes, stack_slices
from tests.photos.scenes import DRIVE, in_place, psnr, stack, texture, write


@pytest.fixture(scope="module")
def scene():
    return stack()


@pytest.fixture(scope="module")
def slices(scene, tmp_path_factory):
    return write(tmp_path_factory.mktemp("slices"), scene.slices)


@pytest.fixture(scope="module")
def stacked(slices):
    return stack_slices(slices)


def test_the_fused_picture_is_nearer_to_the_truth_than_any_slice(scene, stacked):
    truth = scene.sharp
    matrices = [np.linalg.inv(np.vstack([each, [0, 0, 1]]))[:2] for each in scene.motion]
    alone = [
        psnr(cv2.warpAffine(each, matrix, truth.shape[1::-1], flags=cv2.INTER_CUBIC), truth)
        for each, matrix in zip(scene.slices, matrices, strict=True)
    ]
    assert psnr(stacked.pixels, truth) > max(alone) + 3
    assert not stacked.left_out
    assert not stacked.notes


def test_the_depth_map_method_comes_near_the_truth_too(scene, slices):
    assert psnr(stack_slices(slices, StackSettings("depth-map")).pixels, scene.sharp) > 27


def test_the_depth_is_the_true_height_within_half_a_slice(scene, stacked):
    inner = (slice(12, -12), slice(12, -12))
    true = scene.heights * (DRIVE.slices - 1)
    assert np.median(np.abs(stacked.depth - true)[inner]) < 0.5


def test_breathing_and_drift_are_found_within_a_fifth_of_a_pixel(scene, stacked):
    height, width = scene.sharp.shape[:2]
    points = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
    apart = [
        np.hypot(*(each.matrix @ points - true @ points)).mean()
        for each, true in zip(stacked.slices, scene.motion, strict=True)
    ]
    assert np.mean(apart) < 0.2


def test_the_order_in_which_slices_are_given_does_not_matter(slices, stacked):
    mixed = stack_slices([slices[number] for number in (3, 0, 6, 1, 5, 2, 4)])
    assert [each.frame.path for each in mixed.slices] in (slices, slices[::-1])
    assert any("not given in the order of their focus" in note for note in mixed.notes)
    apart = np.abs(mixed.pixels.astype(int) - stacked.pixels)
    assert np.quantile(apart, 0.999) <= 2


def test_the_same_slices_give_the_same_pixels(slices, stacked):
    again = stack_slices(slices)
    np.testing.assert_array_equal(again.pixels, stacked.pixels)
    np.testing.assert_array_equal(again.depth, stacked.depth)


def test_a_slice_blurred_through_is_named_and_left_out(scene, tmp_path):
    pictures = list(scene.slices)
    pictures[3] = cv2.GaussianBlur(pictures[3], (0, 0), 6)
    result = stack_slices(write(tmp_path, pictures))
    assert [error.path.name for error in result.left_out] == ["slice03.png"]
    assert "sharp nowhere" in result.left_out[0].reason
    assert psnr(in_place(result.pixels, scene.sharp), scene.sharp) > 27


def with_a_hand(picture: np.ndarray) -> np.ndarray:
    """Lay something large, near and out of focus over a corner of a slice."""
    cover = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(cover, (picture.shape[1], 40), (75, 40), 20, 0, 360, 1, -1)
    cover = cv2.GaussianBlur(cover, (0, 0), 8)[..., None]
    skin = np.array([205, 160, 140], np.float32)
    return (picture * (1 - cover) + cover * skin).astype(np.uint8)


def test_a_slice_with_a_hand_before_the_lens_is_named_and_left_out(scene, tmp_path):
    pictures = list(scene.slices)
    pictures[4] = with_a_hand(pictures[4])
    result = stack_slices(write(tmp_path, pictures))
    assert [error.path.name for error in result.left_out] == ["slice04.png"]
    assert "a hand or a tool" in result.left_out[0].reason
    assert psnr(in_place(result.pixels, scene.sharp), scene.sharp) > 27


def test_a_slice_without_light_is_named_and_left_out(scene, tmp_path):
    pictures = list(scene.slices)
    pictures[2] = (pictures[2] * 0.15).astype(np.uint8)
    result = stack_slices(write(tmp_path, pictures))
    assert [error.path.name for error in result.left_out] == ["slice02.png"]
    assert "is dark: 15% as bright" in result.left_out[0].reason
    assert psnr(in_place(result.pixels, scene.sharp), scene.sharp) > 27


def test_slices_of_another_size_or_scene_or_damaged_are_named_and_the_rest_goes_on(
    scene, slices, tmp_path
):
    paths = write(tmp_path, scene.slices)
    cv2.imwrite(str(paths[1]), scene.slices[1][:-20])
    paths[2].write_bytes(paths[2].read_bytes()[:20_000])
    other = texture(*scene.sharp.shape[:2], seed=9)
    cv2.imwrite(str(paths[5]), other)
    result = stack_slices([*paths, tmp_path / "gone.png"])
    reasons = {error.path.name: error.reason for error in result.left_out}
    assert set(reasons) == {"slice01.png", "slice02.png", "slice05.png", "gone.png"}
    assert "208 x 156" in reasons["slice01.png"]
    assert "208 x 176" in reasons["slice01.png"]
    assert "cut off" in reasons["slice02.png"]
    assert "does not show the scene" in reasons["slice05.png"]
    assert "does not exist" in reasons["gone.png"]
    assert len(result.slices) == 4
    assert psnr(in_place(result.pixels, scene.sharp), scene.sharp) > 24


def test_one_slice_is_no_stack(slices, tmp_path):
    with pytest.raises(SettingError, match=r"at least two slices.*got 1 of 1"):
        stack_slices(slices[:1])
    with pytest.raises(SettingError, match=r"got 1 of 2 given.*gone\.png: does not exist"):
        stack_slices([slices[0], tmp_path / "gone.png"])
    with pytest.raises(SettingError, match="at least two slices"):
        stack_slices([slices[0], slices[0]])


def test_sixteen_bits_stay_sixteen_bits_even_where_few_are_used(scene, tmp_path):
    deep = [each.astype(np.uint16) * 16 for each in scene.slices]  # 12 bits in 16
    result = stack_slices(write(tmp_path, deep, ".tif"))
    assert result.pixels.dtype == np.uint16
    assert psnr(result.pixels / 16, scene.sharp) > 27
    assert len(np.unique(result.pixels)) > 500


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bits", [8, 16])
def test_grey_slices_fuse_to_a_grey_picture(scene, tmp_path, method, bits):
    times = 257 if bits == 16 else 1
    kind = np.uint16 if bits == 16 else np.uint8
    grey = [(each.mean(axis=2) * times + 0.5).astype(kind) for each in scene.slices]
    result = stack_slices(write(tmp_path, grey, ".tif"), StackSettings(method))
    assert result.pixels.dtype == kind
    assert result.pixels.shape == (*scene.sharp.shape[:2], 1)
    assert not result.left_out
    truth = scene.sharp.mean(axis=2, keepdims=True)
    assert psnr(result.pixels / times, truth) > 27


def test_slices_in_register_are_left_where_they_are_without_align(scene, tmp_path):
    size = scene.sharp.shape[1::-1]
    laid = [
        lay_onto(each, matrix, size)
        for each, matrix in zip(scene.slices, scene.motion, strict=True)
    ]
    result = stack_slices(write(tmp_path, laid), StackSettings(align=False))
    assert all((each.matrix == np.eye(2, 3)).all() for each in result.slices)
    assert psnr(result.pixels, scene.sharp) > 24


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("align", [True, False])
def test_progress_counts_every_reading_of_a_slice(slices, method, align):
    settings = StackSettings(method, align=align)
    done = []
    stack_slices(slices[:3], settings, done.append)
    assert sum(done) == passes(settings) * 3


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="'pyramid', 'depth-map'"):
        StackSettings("average")
    with pytest.raises(SettingError, match="radius_px"):
        StackSettings(radius_px=0)
