import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.features.embed import embed_files, embed_images
from berlese.features.store import FeatureStore

RED, GREEN, GREY = (255, 127, 127), (127, 255, 127), (191, 191, 191)


def test_pictures_keep_their_order_over_batches(mean_colour):
    shades = range(0, 250, 5)
    images = (np.full((3, 4, 3), shade, np.uint8) for shade in shades)
    finished = []
    features = embed_images(images, mean_colour, batch_size=7, progress=finished.append)
    expected = [[(shade - 127) / 128] * 3 for shade in shades]
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert mean_colour.batches == [7] * 7 + [1]
    assert sum(finished) == 50


def test_no_pictures_give_no_rows(mean_colour):
    assert embed_images([], mean_colour).shape == (0, 3)
    assert embed_files([], mean_colour).features.shape == (0, 3)


@pytest.mark.parametrize("with_store", [False, True])
def test_a_file_that_cannot_be_read_is_listed_and_the_others_go_on(
    tmp_path, plain, mean_colour, with_store
):
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    folder = tmp_path / "a.jpg"
    folder.mkdir()
    paths = [text, plain("red.png", RED), tmp_path / "gone.png", folder, plain("g.png", GREEN)]
    finished = []
    result = embed_files(
        paths,
        mean_colour,
        store=FeatureStore(tmp_path / "store") if with_store else None,
        progress=finished.append,
    )
    assert result.paths_ok == [paths[1], paths[4]]
    np.testing.assert_allclose(result.features, [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert [path for path, _ in result.failures] == [text, tmp_path / "gone.png", folder]
    assert all(reason for _, reason in result.failures)
    assert sum(finished) == 5


def test_a_second_call_computes_only_what_is_new(tmp_path, plain, mean_colour):
    store = FeatureStore(tmp_path / "store")
    first = [plain("red.png", RED), plain("green.png", GREEN)]
    embed_files(first, mean_colour, store=store)
    mean_colour.batches.clear()
    finished = []
    result = embed_files(
        [plain("grey.png", GREY), *first], mean_colour, store=store, progress=finished.append
    )
    assert mean_colour.batches == [1]
    np.testing.assert_allclose(result.features, [[0.5] * 3, [1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert sum(finished) == 3


def test_copies_of_a_picture_are_computed_once(tmp_path, plain, mean_colour):
    paths = [plain("one.png", RED), plain("two.png", RED), plain("other.png", GREEN)]
    finished = []
    result = embed_files(
        paths, mean_colour, store=FeatureStore(tmp_path / "store"), progress=finished.append
    )
    assert mean_colour.batches == [2]
    assert result.paths_ok == paths
    np.testing.assert_allclose(result.features, [[1, 0, 0], [1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert sum(finished) == 3


def test_what_was_computed_before_a_crash_is_kept(tmp_path, plain, mean_colour):
    paths = [plain(f"{at}.png", (at % 256, at // 256, 0)) for at in range(310)]
    store = FeatureStore(tmp_path / "store")
    finished = []

    def crash(count):
        finished.append(count)
        if sum(finished) >= 272:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_files(paths, mean_colour, store=store, progress=crash)
    mean_colour.batches.clear()
    result = embed_files(paths, mean_colour, store=store)
    assert result.failures == []
    assert sum(mean_colour.batches) == 310 - 256
    expected = [(paths.index(path) % 256 - 127) / 128 for path in result.paths_ok]
    np.testing.assert_allclose(result.features[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_threads_are_refused(mean_colour, jobs):
    with pytest.raises(SettingError, match=f"jobs must be an integer of at least 1, got {jobs}"):
        embed_files([], mean_colour, jobs=jobs)
