"""Networks of timm, open_clip and torchvision with files of weights, against those libraries."""

import numpy as np
import pytest

from berlese.errors import BackboneError
from berlese.features import backbones

pytestmark = pytest.mark.hub
PICTURE = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def expected_of(torch, network, batch):
    with torch.no_grad():
        return network.eval()(torch.from_numpy(batch)).numpy()


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "vit_tiny_patch16_224"])
def test_timm_with_a_file_of_weights(name, torch, tmp_path):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    theirs = timm.create_model(name, pretrained=False)
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    backbone = backbones.load(f"timm:{name}", weights=tmp_path / "w.pth", cache=tmp_path)
    batch = backbone.preprocess(PICTURE)[None]
    theirs.reset_classifier(0)
    expected = expected_of(torch, theirs, batch)
    assert backbone.dim == expected.shape[1] == theirs.num_features
    np.testing.assert_allclose(backbone.embed(batch), expected, atol=1e-4 * np.abs(expected).max())
    settings = timm.data.resolve_model_data_config(theirs)
    assert batch.shape[2:] == settings["input_size"][1:]
    assert backbones.find_exported(backbone.hash, cache=tmp_path).name == f"timm:{name}"


def test_open_clip_with_a_file_of_weights(torch, tmp_path):
    open_clip = pytest.importorskip("open_clip")
    torch.manual_seed(0)
    theirs = open_clip.create_model("ViT-S-32-alt")
    torch.save(theirs.state_dict(), tmp_path / "w.pt")
    name = "open_clip:ViT-S-32-alt"
    backbone = backbones.load(name, weights=tmp_path / "w.pt", cache=tmp_path)
    batch = backbone.preprocess(PICTURE)[None]
    with torch.no_grad():
        expected = theirs.eval().encode_image(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(backbone.embed(batch), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["vgg16", "vgg19", "resnet50"])
def test_torchvisions_files_give_its_features(name, torch, tmp_path):
    models = pytest.importorskip("torchvision").models
    torch.manual_seed(0)
    theirs = getattr(models, name)(weights=None)
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    backbone = backbones.load(name, weights=tmp_path / "w.pth", cache=tmp_path)
    batch = backbone.preprocess(PICTURE)[None]
    if name == "resnet50":
        theirs.fc = torch.nn.Identity()
        expected = expected_of(torch, theirs, batch)
    else:
        expected = expected_of(torch, theirs.features, batch).mean(axis=(2, 3))
    np.testing.assert_allclose(backbone.embed(batch), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timm:no_such_network", "timm cannot make it"),
        ("open_clip:no-such-model/tag", "open_clip cannot make it"),
        ("open_clip:ViT-S-32-alt", "say which weights"),
    ],
)
def test_names_that_lead_nowhere_are_answered(name, words):
    pytest.importorskip("timm")
    with pytest.raises(BackboneError, match=words):
        backbones.load(name)


def test_weights_of_another_network_are_refused(torch, tmp_path):
    timm = pytest.importorskip("timm")
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "w.pth")
    with pytest.raises(BackboneError, match=r"w\.pth: .*timm:resnet34"):
        backbones.load("timm:resnet34", weights=tmp_path / "w.pth", cache=tmp_path)
