"""Blocks that several convolutional families share."""

from __future__ import annotations

import torch
from torch import nn


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and an optional activation, padded to keep the size at stride 1."""

    def __init__(self, cin, cout, kernel=1, stride=1, groups=1, act: type[nn.Module] | None = nn.ReLU, eps=1e-5):
        layers: list[nn.Module] = [
            nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(cout, eps=eps),
        ]
        super().__init__(*layers, *([act()] if act else []))


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from its spatial mean."""

    def __init__(self, channels, squeezed, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce, self.act = nn.Conv2d(channels, squeezed, 1), act()
        self.expand, self.gate = nn.Conv2d(squeezed, channels, 1), gate()
        # No norm follows these; gates that swing freely would multiply up over the depth of the network.
        self.reduce.settle_to, self.expand.settle_to, self.expand.settle_around = 1.0, 0.5, 1.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))


class Classifier(nn.Module):
    """Global average pool, optional hidden layers, and the 1,000-way `head` that `healthy` rescales."""

    def __init__(self, channels: int, *hidden: nn.Module, features: int = 0, classes: int = 1000):
        super().__init__()
        self.pool, self.hidden = nn.AdaptiveAvgPool2d(1), nn.Sequential(*hidden)
        self.head = nn.Linear(features or channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.hidden(torch.flatten(self.pool(x), 1)))
