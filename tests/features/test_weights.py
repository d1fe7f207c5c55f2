"""The paper's networks from files of weights, against convolutions written out in NumPy."""

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from berlese.errors import BackboneError, MissingPackageError
from berlese.features import architectures, backbones, sources
from berlese.features.weights import load_into, read_weights

SIDE = 32  # pixels: five poolings leave one


def convolved(values, kernel, bias, stride=1):
    """A convolution with 'same' padding, of (channels, y, x), kernels (out, in, y, x)."""
    size = kernel.shape[2]
    padded = np.pad(values, ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return np.einsum("cyxij,ocij->oyx", windows, kernel, optimize=True) + bias[:, None, None]


def pooled(values, size=2, stride=2, pad=0):
    padded = np.pad(values, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].max(axis=(3, 4))


def vgg_by_hand(pictures, state, blocks):
    features = []
    for values in pictures:
        index = 0
        for convolutions in blocks:
            for _ in range(convolutions):
                kernel, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
                values = np.maximum(convolved(values, kernel, bias), 0)
                index += 2
            values = pooled(values)
            index += 1
        features.append(values.mean(axis=(1, 2)))
    return np.array(features)


def normalised(values, state, name, epsilon):
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scale = state[f"{name}.weight"] / np.sqrt(variance + epsilon)
    return values * scale[:, None, None] + (state[f"{name}.bias"] - mean * scale)[:, None, None]


def resnet_by_hand(values, state, *, keras):
    epsilon = 1.001e-5 if keras else 1e-5

    def unit(values, name, norm, stride=1):
        kernel = state[f"{name}.weight"]
        bias = state.get(f"{name}.bias", np.zeros(len(kernel)))
        return normalised(convolved(values, kernel, bias, stride), state, norm, epsilon)

    values = np.maximum(unit(values, "conv1", "bn1", 2), 0)
    values = pooled(values, 3, 2, 1)
    for stage, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            at = f"layer{stage}.{block}."
            shortcut = values
            if block == 0:
                shortcut = unit(values, f"{at}downsample.0", f"{at}downsample.1", stride)
            first, second = (stride, 1) if keras else (1, stride)
            inner = np.maximum(unit(values, f"{at}conv1", f"{at}bn1", first), 0)
            inner = np.maximum(unit(inner, f"{at}conv2", f"{at}bn2", second), 0)
            values = np.maximum(unit(inner, f"{at}conv3", f"{at}bn3") + shortcut, 0)
    return values.mean(axis=(1, 2))


def random_state_of(network, seed=0):
    """Weights that keep the size of values through the layers."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, value in network.state_dict().items():
        shape = tuple(value.shape)
        if name.endswith("num_batches_tracked"):
            continue
        if len(shape) == 4:
            values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        elif name.endswith("running_var"):
            values = rng.uniform(0.5, 2, shape)
        else:
            values = rng.normal(0.2, 0.1, shape)
        state[name] = values.astype(np.float32)
    return state


def network_of(name, *, keras=False):
    return architectures.resnet50(keras=keras) if name == "resnet50" else architectures.vgg(name)


def write_pth(path, state, **also):
    torch.save({key: torch.from_numpy(value) for key, value in {**state, **also}.items()}, path)
    return path


LEAVES = {
    "weight": "kernel", "bias": "bias", "gamma": "gamma", "beta": "beta",
    "running_mean": "moving_mean", "running_var": "moving_variance",
}  # fmt: skip


def keras_layers(name):
    """Layers of keras.applications by hand: ours, theirs, and whether they normalise."""
    if name == "vgg19":
        counts = (2, 2, 4, 4, 4)
        theirs = [f"block{b}_conv{c}" for b, n in enumerate(counts, 1) for c in range(1, n + 1)]
        ours = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
        return [(f"features.{at}", layer, False) for at, layer in zip(ours, theirs, strict=True)]
    layers = [("conv1", "conv1_conv", False), ("bn1", "conv1_bn", True)]
    for stage, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            ours, theirs = f"layer{stage}.{block}.", f"conv{stage + 1}_block{block + 1}_"
            if block == 0:
                layers.append((f"{ours}downsample.0", f"{theirs}0_conv", False))
                layers.append((f"{ours}downsample.1", f"{theirs}0_bn", True))
            for n in "123":
                layers.append((f"{ours}conv{n}", f"{theirs}{n}_conv", False))
                layers.append((f"{ours}bn{n}", f"{theirs}{n}_bn", True))
    return layers


def write_keras(path, name, state, layout="keras 2"):
    """Write HDF5 as Keras does; kernels are (y, x, in, out) there."""
    with h5py.File(path, "w") as file:
        for ours, theirs, normalises in keras_layers(name):
            order = ["weight", "bias"] + (["running_mean", "running_var"] if normalises else [])
            for number, parameter in enumerate(order):
                values = state[f"{ours}.{parameter}"]
                values = values.transpose(2, 3, 1, 0) if values.ndim == 4 else values
                leaf = {"weight": "gamma", "bias": "beta"} if normalises else {}
                leaf = LEAVES[leaf.get(parameter, parameter)]
                if layout == "keras 2":
                    where = f"{theirs}/{theirs}/{leaf}:0"
                elif layout == "keras 1":
                    where = f"{theirs}/{theirs}_{'W' if leaf == 'kernel' else 'b'}_1:0"
                else:
                    where = f"layers/layer_{ours.replace('.', '_')}/vars/{number}"
                file[where] = values
                if layout == "keras 3":
                    file[where].parent.attrs["name"] = theirs
    return path


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    return rng.normal(0, 50, (2, 3, SIDE, SIDE)).astype(np.float32)


def features_of(name, path, pictures, *, keras):
    network = network_of(name, keras=keras)
    load_into(network, read_weights(path, name), path, name)
    with torch.no_grad():
        return architectures.Pooled(network.eval())(torch.from_numpy(pictures)).numpy()


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_vgg_is_what_its_convolutions_give(name, pictures, tmp_path):
    state = random_state_of(network_of(name))
    path = write_pth(tmp_path / "w.pth", state, **{"classifier.0.weight": np.zeros((2, 2), "f")})
    expected = vgg_by_hand(pictures, state, architectures.VGG_BLOCKS[name])
    features = features_of(name, path, pictures, keras=False)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4 * expected.std())
    assert expected.std() > 0.1


@pytest.mark.parametrize("keras", [True, False], ids=["as Keras", "as torchvision"])
def test_resnet50_is_what_its_convolutions_give(keras, pictures, tmp_path):
    state = random_state_of(network_of("resnet50", keras=keras))
    if keras:
        path = write_keras(tmp_path / "w.h5", "resnet50", state)
    else:
        path = write_pth(tmp_path / "w.pth", state)
    expected = np.array([resnet_by_hand(each, state, keras=keras) for each in pictures])
    features = features_of("resnet50", path, pictures, keras=keras)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.parametrize("layout", ["keras 1", "keras 2", "keras 3"])
def test_every_layout_of_keras_holds_the_same_weights(layout, tmp_path):
    state = random_state_of(network_of("vgg19"))
    read = read_weights(write_keras(tmp_path / "w.h5", "vgg19", state, layout), "vgg19")
    assert set(read) == set(state)
    for name, values in state.items():
        np.testing.assert_array_equal(read[name], values)


def test_safetensors_are_read(tmp_path):
    state = random_state_of(network_of("vgg16"))
    save_file(state, tmp_path / "w.safetensors")
    assert set(read_weights(tmp_path / "w.safetensors", "vgg16")) == set(state)


def drop(state, key):
    return {name: value for name, value in state.items() if name != key}


def another_network(folder, state):
    resnet = random_state_of(network_of("resnet50", keras=True))
    return write_keras(folder / "w.h5", "resnet50", resnet)


def a_layer_more(folder, state):
    return write_pth(folder / "w.pth", state, **{"features.99.bias": np.zeros(3, "f")})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p, s: write_pth(p / "w.pth", drop(s, "features.2.bias")), "no features.2.bias"),
        (lambda p, s: write_pth(p / "w.pth", {**s, "features.0.bias": np.zeros(3, "f")}), "shape"),
        (a_layer_more, "another"),
        (another_network, "no layer block1_conv1"),
    ],
    ids=["a layer less", "another shape", "a layer more", "another network"],
)
def test_weights_that_do_not_fit_are_refused_by_layer(spoil, words, tmp_path):
    path = spoil(tmp_path, random_state_of(network_of("vgg16")))
    with pytest.raises(BackboneError, match=words) as caught:
        load_into(network_of("vgg16"), read_weights(path, "vgg16"), path, "vgg16")
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.pth", b""),
        ("text.pth", b"these are no weights"),
        ("cut.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 40),
        ("not.safetensors", b"\xff" * 100),
    ],
)
def test_a_file_that_holds_no_weights_is_named(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BackboneError, match=name):
        read_weights(tmp_path / name, "vgg19")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    import pickle

    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"x": print}))
    with pytest.raises(BackboneError, match=r"bad\.pth"):
        read_weights(tmp_path / "bad.pth", "vgg19")


@pytest.fixture(scope="module")
def vgg16_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    return write_pth(path, random_state_of(network_of("vgg16")))


def test_a_network_with_a_file_of_weights_is_a_backbone_and_found_again(vgg16_file, tmp_path):
    backbone = backbones.load("vgg16", weights=vgg16_file, cache=tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    batch = backbone.preprocess(picture)[None]
    assert batch.shape == (1, 3, 255, 255)
    features = backbone.embed(batch)
    assert features.shape == (1, backbone.dim) == (1, 512)
    again = backbones.find_exported(backbone.hash, cache=tmp_path)
    assert again is not None
    assert (again.name, again.preprocess) == ("vgg16", backbone.preprocess)
    np.testing.assert_array_equal(again.embed(batch), features)
    assert backbones.find_exported("0" * 64, cache=tmp_path) is None


def test_the_file_decides_about_the_colours(tmp_path, vgg16_file):
    keras = write_keras(tmp_path / "w.h5", "vgg19", random_state_of(network_of("vgg19")))
    picture = np.full((255, 255, 3), (200, 100, 50), np.uint8)
    planes = sources.find_recipe("vgg19", keras).preprocess(picture)
    np.testing.assert_allclose(planes[:, 0, 0], [50 - 103.939, 100 - 116.779, 200 - 123.68])
    planes = sources.find_recipe("vgg16", vgg16_file).preprocess(picture)
    expected = [
        (200 / 255 - 0.485) / 0.229,
        (100 / 255 - 0.456) / 0.224,
        (50 / 255 - 0.406) / 0.225,
    ]
    np.testing.assert_allclose(planes[:, 0, 0], expected, rtol=1e-5)


def test_other_weights_are_another_backbone(tmp_path, vgg16_file):
    other = write_pth(tmp_path / "other.pth", random_state_of(network_of("vgg16"), seed=1))
    facts = [sources.find_recipe("vgg16", path).facts for path in (vgg16_file, other)]
    assert facts[0] != facts[1]


@pytest.mark.parametrize("name", ["vgg19", "timm:resnet18", "open_clip:ViT-B-32/openai"])
def test_without_weights_and_extra_the_way_out_is_named(name, monkeypatch):
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    with pytest.raises(MissingPackageError, match=r"berlese\[hub\]"):
        sources.find_recipe(name)


def test_weights_for_a_backbone_that_brings_its_own_are_refused(vgg16_file, tmp_path):
    with pytest.raises(BackboneError, match="leave --weights out"):
        sources.find_recipe("efficientnet-lite2", vgg16_file)
    with pytest.raises(BackboneError, match="does not exist"):
        sources.find_recipe("vgg19", tmp_path / "none.h5")
