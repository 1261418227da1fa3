"""VGG-16 (no batch norm) and DenseNet-121 (batch norm before the convolution, so that it cannot be folded into it)."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import Classifier

VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
DENSENET121_DEPTHS = (6, 12, 24, 16)
GROWTH = 32


class Vgg(nn.Module):
    """3×3 convolutions with bias and ReLU, max pools, three linear layers."""

    def __init__(self, width: float):
        super().__init__()
        layers: list[nn.Module] = []
        cin = 3
        for channels, repeats in VGG16_STAGES:
            for _ in range(repeats):
                layers += [nn.Conv2d(cin, int(channels * width), 3, 1, 1), nn.ReLU()]
                cin = int(channels * width)
            layers.append(nn.MaxPool2d(2))
        self.features, hidden = nn.Sequential(*layers), int(4096 * width)
        self.hidden = nn.Sequential(nn.Linear(cin * 49, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.hidden(torch.flatten(self.features(x), 1)))


def vgg16_half() -> nn.Module:
    """VGG-16 at half width: 35 M parameters instead of 138, 3.9 GMAC."""
    return Vgg(0.5)


def norm_relu_conv(cin: int, cout: int, kernel: int) -> nn.Sequential:
    """DenseNet's order."""
    return nn.Sequential(nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, cout, kernel, padding=kernel // 2, bias=False))


class DenseLayer(nn.Module):
    """Appends GROWTH new channels to its input."""

    def __init__(self, cin: int):
        super().__init__()
        self.branch = nn.Sequential(norm_relu_conv(cin, 4 * GROWTH, 1), norm_relu_conv(4 * GROWTH, GROWTH, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.branch(x)], 1)


def densenet121() -> nn.Module:
    """8 M parameters, 2.8 GMAC."""
    channels = 2 * GROWTH
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
                               nn.MaxPool2d(3, 2, 1)]  # fmt: skip
    for stage, depth in enumerate(DENSENET121_DEPTHS):
        for _ in range(depth):
            layers.append(DenseLayer(channels))
            channels += GROWTH
        if stage + 1 < len(DENSENET121_DEPTHS):
            layers += [norm_relu_conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), Classifier(channels))
