"""The convolutional networks of the paper as graphs: VGG16, VGG19 and ResNet-50.

Only what makes features: convolutions up to the last feature map, then its mean over the picture.
Parameters are named as in torchvision's files of weights, so that those load as they are. Two
families of files mean two graphs of ResNet-50, see `resnet50`.

Sources: Simonyan and Zisserman 2014 (arXiv:1409.1556); He et al. 2015 (arXiv:1512.03385).
"""

from collections import OrderedDict

from torch import Tensor, nn

VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
VGG_CHANNELS = (64, 128, 256, 512, 512)
RESNET_BLOCKS = (3, 4, 6, 3)
RESNET_CHANNELS = (64, 128, 256, 512)
EXPANSION = 4  # channels of a bottleneck's output over those within


class Pooled(nn.Module):
    """Mean of a network's last feature map over the picture: one value a channel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn (n, 3, size, size) into (n, channels)."""
        return self.network(pictures).mean((2, 3))


def vgg(name: str) -> nn.Module:
    """Build ``vgg16`` or ``vgg19`` up to the last pooling layer (``block5_pool`` in Keras)."""
    layers: list[nn.Module] = []
    n_in = 3
    for convolutions, channels in zip(VGG_BLOCKS[name], VGG_CHANNELS, strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(n_in, channels, 3, padding=1), nn.ReLU(inplace=True)]
            n_in = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(OrderedDict(features=nn.Sequential(*layers)))


class _Bottleneck(nn.Module):
    """Three convolutions past a shortcut."""

    def __init__(self, n_in: int, channels: int, stride: int, *, keras: bool) -> None:
        super().__init__()
        epsilon = 1.001e-5 if keras else 1e-5
        n_out = channels * EXPANSION
        first, second = (stride, 1) if keras else (1, stride)
        self.conv1 = nn.Conv2d(n_in, channels, 1, stride=first, bias=keras)
        self.bn1 = nn.BatchNorm2d(channels, eps=epsilon)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=second, padding=1, bias=keras)
        self.bn2 = nn.BatchNorm2d(channels, eps=epsilon)
        self.conv3 = nn.Conv2d(channels, n_out, 1, bias=keras)
        self.bn3 = nn.BatchNorm2d(n_out, eps=epsilon)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride=stride, bias=keras),
                nn.BatchNorm2d(n_out, eps=epsilon),
            )

    def forward(self, values: Tensor) -> Tensor:
        shortcut = values if self.downsample is None else self.downsample(values)
        values = self.relu(self.bn1(self.conv1(values)))
        values = self.relu(self.bn2(self.conv2(values)))
        return self.relu(self.bn3(self.conv3(values)) + shortcut)


def resnet50(*, keras: bool) -> nn.Module:
    """Build ResNet-50 up to its last feature map, of 2,048 channels.

    Parameters
    ----------
    keras : bool
        As ``keras.applications`` draws it (after the first authors): convolutions have biases,
        a block's stride lies in its first convolution, and normalisation adds 1.001e-5. Without
        it, as torchvision does: no biases, the stride in the second convolution, 1e-5.
    """
    epsilon = 1.001e-5 if keras else 1e-5
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=keras),
        bn1=nn.BatchNorm2d(64, eps=epsilon),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),
    )
    n_in = 64
    for stage, (blocks, channels) in enumerate(
        zip(RESNET_BLOCKS, RESNET_CHANNELS, strict=True), start=1
    ):
        row = []
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            row.append(_Bottleneck(n_in, channels, stride, keras=keras))
            n_in = channels * EXPANSION
        layers[f"layer{stage}"] = nn.Sequential(*row)
    return nn.Sequential(layers)
