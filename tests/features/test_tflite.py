from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from berlese.errors import BackboneError
from berlese.features.backbones import load
from berlese.features.embed import embed_files
from berlese.features.tflite import TfliteNetwork
from berlese.photos.reading import decode_image

IMAGENET = "weights/mobilenet_v2_1.0_224_quant.tflite"
INSECTS = "weights/mobilenet_v2_1.0_224_inat_insect_quant.tflite"


def scores(file: Path, picture: Path, tmp_path: Path) -> np.ndarray:
    network = TfliteNetwork.read(file)
    network.write_onnx(tmp_path / "scores.onnx", network.scores)
    session = onnxruntime.InferenceSession(str(tmp_path / "scores.onnx"))
    backbone = load(f"tflite:{file}")
    batch = backbone.preprocess(decode_image(picture))[None]
    return session.run(None, {"pictures": batch})[0][0]


@pytest.mark.parametrize(
    ("weights", "labels", "picture", "expected"),
    [
        (IMAGENET, "imagenet_labels.txt", "Coleoptera/0028.jpg", "ladybug"),
        (IMAGENET, "imagenet_labels.txt", "Odonata/0078.jpg", "dragonfly"),
        (IMAGENET, "imagenet_labels.txt", "Orthoptera/0094.jpg", "grasshopper"),
        (INSECTS, "inat_insect_labels.txt", "Odonata/0096.jpg", "Pachydiplax longipennis"),
        (INSECTS, "inat_insect_labels.txt", "Diptera/0180.jpg", "Aedes albopictus"),
    ],
)
def test_a_converted_network_recognises_what_a_person_sees(
    shared_data, tmp_path, weights, labels, picture, expected
):
    found = scores(shared_data / weights, shared_data / "insects/web" / picture, tmp_path)
    names = (shared_data / "weights" / labels).read_text(encoding="utf-8").splitlines()
    assert names[int(found.argmax())].startswith(expected)
    assert found.max() > 0.9
    assert found.sum() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("weights", [IMAGENET, INSECTS])
def test_features_are_the_values_before_the_classifying_layer(shared_data, weights):
    backbone = load(f"tflite:{shared_data / weights}", threads=1)
    files = sorted((shared_data / "insects/web/Odonata").glob("*.jpg"))[:3]
    result = embed_files(files, backbone)
    assert result.features.shape == (3, 1280)
    assert result.features.min() == 0
    assert result.features.max() <= 6  # ReLU6, as the range of the 8 bits says
    assert backbone.preprocess.describe()["mean"] == 128
    assert backbone.preprocess.describe()["divisor"] == 128


def test_an_operator_that_is_not_supported_is_named(shared_data, monkeypatch):
    from berlese.features import tflite as module

    content = (shared_data / IMAGENET).read_bytes()
    without = {k: v for k, v in module.SUPPORTED.items() if v.__name__ != "_addition"}
    monkeypatch.setattr(module, "SUPPORTED", without)
    with pytest.raises(BackboneError, match=r"uses ADD, .*supported operators are AVERAGE_POOL"):
        TfliteNetwork(Path("network.tflite"), content)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.99])
def test_a_file_cut_off_anywhere_is_refused(shared_data, share):
    content = (shared_data / IMAGENET).read_bytes()
    with pytest.raises(BackboneError, match=r"cut\.tflite: is damaged|no mark TFL3"):
        TfliteNetwork(Path("cut.tflite"), content[: int(share * len(content))])


def test_other_files_are_refused_by_name(tmp_path):
    text = tmp_path / "text.tflite"
    text.write_text("not a network")
    with pytest.raises(BackboneError, match="is no TensorFlow Lite file"):
        load(f"tflite:{text}")
    with pytest.raises(BackboneError, match="cannot be read"):
        load(f"tflite:{tmp_path / 'absent.tflite'}")
