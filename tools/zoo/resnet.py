"""ResNet-18 and ResNet-50 (stride in the 3×3 convolution, as trained everywhere today)."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import Classifier, ConvNorm


class Residual(nn.Module):
    """A branch added to its input, which is projected where the shape changes."""

    def __init__(self, cin: int, cout: int, stride: int, branch: nn.Sequential):
        super().__init__()
        self.branch = branch
        self.branch[-1][1].ends_residual_branch = True
        same = cin == cout and stride == 1
        self.shortcut = nn.Identity() if same else ConvNorm(cin, cout, 1, stride, act=None)
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.branch(x) + self.shortcut(x))


def basic(cin: int, width: int, stride: int) -> Residual:
    """Two 3×3 convolutions."""
    return Residual(cin, width, stride, nn.Sequential(ConvNorm(cin, width, 3, stride), ConvNorm(width, width, 3, act=None)))


def bottleneck(cin: int, width: int, stride: int) -> Residual:
    """1×1 down, 3×3, 1×1 up to four times the width."""
    branch = (ConvNorm(cin, width), ConvNorm(width, width, 3, stride), ConvNorm(width, 4 * width, act=None))
    return Residual(cin, 4 * width, stride, nn.Sequential(*branch))


def _resnet(block, expansion: int, depths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = [ConvNorm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, depth in enumerate(depths):
        for index in range(depth):
            layers.append(block(channels, 64 << stage, 2 if stage and not index else 1))
            channels = (64 << stage) * expansion
    return nn.Sequential(*layers, Classifier(channels))


def resnet18() -> nn.Module:
    """11.7 M parameters, 1.8 GMAC."""
    return _resnet(basic, 1, (2, 2, 2, 2))


def resnet50() -> nn.Module:
    """25.6 M parameters, 4.1 GMAC."""
    return _resnet(bottleneck, 4, (3, 4, 6, 3))
