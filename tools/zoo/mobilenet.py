"""MobileNetV2 and MobileNetV3-Large."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import Classifier, ConvNorm, SqueezeExcite


def rounded(channels: float, divisor: int = 8) -> int:
    """To the nearest multiple of `divisor`, but never more than 10 % down."""
    result = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return result + divisor if result < 0.9 * channels else result


class InvertedResidual(nn.Module):
    """1×1 expand, depthwise, optional squeeze-excite, linear 1×1 projection; added to its input where shapes agree."""

    def __init__(self, cin, cout, expanded, kernel, stride, act, excite: nn.Module | None = None, eps=1e-5):
        super().__init__()
        layers = [ConvNorm(cin, expanded, act=act, eps=eps)] if expanded != cin else []
        layers.append(ConvNorm(expanded, expanded, kernel, stride, expanded, act, eps))
        layers += [excite] if excite else []
        self.branch = nn.Sequential(*layers, ConvNorm(expanded, cout, act=None, eps=eps))
        self.residual = cin == cout and stride == 1
        self.branch[-1][1].ends_residual_branch = self.residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x) if self.residual else self.branch(x)


# expansion, channels, repeats, stride of the first
V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

# kernel, expanded, channels, squeeze-excite, activation, stride
V3_LARGE_BLOCKS = (
    (3, 16, 16, False, nn.ReLU, 1), (3, 64, 24, False, nn.ReLU, 2), (3, 72, 24, False, nn.ReLU, 1),
    (5, 72, 40, True, nn.ReLU, 2), (5, 120, 40, True, nn.ReLU, 1), (5, 120, 40, True, nn.ReLU, 1),
    (3, 240, 80, False, nn.Hardswish, 2), (3, 200, 80, False, nn.Hardswish, 1), (3, 184, 80, False, nn.Hardswish, 1),
    (3, 184, 80, False, nn.Hardswish, 1), (3, 480, 112, True, nn.Hardswish, 1), (3, 672, 112, True, nn.Hardswish, 1),
    (5, 672, 160, True, nn.Hardswish, 2), (5, 960, 160, True, nn.Hardswish, 1), (5, 960, 160, True, nn.Hardswish, 1),
)  # fmt: skip


def mobilenet_v2() -> nn.Module:
    """3.5 M parameters, 0.3 GMAC."""
    layers: list[nn.Module] = [ConvNorm(3, 32, 3, 2, act=nn.ReLU6)]
    channels = 32
    for expansion, width, repeats, first_stride in V2_STAGES:
        for index in range(repeats):
            stride = 1 if index else first_stride
            layers.append(InvertedResidual(channels, width, channels * expansion, 3, stride, nn.ReLU6))
            channels = width
    return nn.Sequential(*layers, ConvNorm(channels, 1280, act=nn.ReLU6), Classifier(1280))


def mobilenet_v3_large() -> nn.Module:
    """5.5 M parameters, 0.22 GMAC; HardSwish and squeeze-excite with a HardSigmoid gate."""
    layers: list[nn.Module] = [ConvNorm(3, 16, 3, 2, act=nn.Hardswish, eps=1e-3)]
    channels = 16
    for kernel, expanded, width, excited, act, stride in V3_LARGE_BLOCKS:
        excite = SqueezeExcite(expanded, rounded(expanded / 4), gate=nn.Hardsigmoid) if excited else None
        layers.append(InvertedResidual(channels, width, expanded, kernel, stride, act, excite, eps=1e-3))
        channels = width
    layers.append(ConvNorm(channels, 960, act=nn.Hardswish, eps=1e-3))
    return nn.Sequential(*layers, Classifier(960, nn.Linear(960, 1280), nn.Hardswish(), features=1280))
