"""Convolutions with fewer products, against PyTorch's own in double precision."""

import numpy as np
import pytest
import torch
from torch import nn

from berlese.features import architectures
from berlese.features.winograd import FewerProducts, WinogradConvolution, transforms


def filled(module, seed=0):
    """Weights that keep the size of the values, from layer to layer."""
    rng = np.random.default_rng(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            weight = rng.normal(0, (2 / 9 / layer.in_channels) ** 0.5, layer.weight.shape)
            layer.weight.data = torch.from_numpy(weight).float()
            layer.bias.data = torch.from_numpy(rng.normal(0, 0.1, len(layer.bias))).float()
    return module


def test_four_values_of_a_window_are_its_products_with_the_weights():
    rng = np.random.default_rng(0)
    window, weights = rng.normal(size=6), rng.normal(size=3)
    of_window, of_weights, to_values = transforms()
    made = to_values @ (of_weights @ weights * (of_window @ window))
    np.testing.assert_allclose(made, np.convolve(window, weights[::-1], "valid"), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 4, 5, 7, 8, 15, 18])
def test_any_size_of_picture_is_convolved_to_its_edges(size):
    convolution = filled(nn.Conv2d(5, 3, 3, padding=1))
    values = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 5, size, size))).float()
    made = WinogradConvolution(convolution, size)(values.permute(2, 3, 0, 1))
    expected = convolution.double()(values.double()).relu().permute(2, 3, 0, 1)
    np.testing.assert_allclose(made[:size, :size], expected.detach(), atol=3e-6)


def test_only_a_convolution_of_three_by_three_with_its_edge_and_bias_is_taken():
    for other in (
        nn.Conv2d(2, 2, 1),
        nn.Conv2d(2, 2, 3),
        nn.Conv2d(2, 2, 3, padding=1, bias=False),
    ):
        with pytest.raises(ValueError, match="expected one of 3 x 3"):
            WinogradConvolution(other, 8)


@pytest.mark.parametrize("size", [32, 47])
def test_a_vgg_computes_the_same_features_with_fewer_products(size):
    network = filled(architectures.vgg("vgg16"))
    pictures = torch.from_numpy(np.random.default_rng(2).uniform(-1, 1, (2, 3, size, size))).float()
    with torch.no_grad():
        rewritten = FewerProducts(network, size)
        made = rewritten(pictures).numpy()
        expected = architectures.Pooled(network.double())(pictures.double()).numpy()
    kinds = [type(layer) for layer in rewritten.modules()]
    assert kinds.count(nn.Conv2d) == 4  # with less than 256 channels
    assert kinds.count(WinogradConvolution) == 9
    assert expected.std() > 0.01
    assert np.abs(made - expected).max() < 1e-5 * np.abs(expected).max()
