"""A small network quantized in PyTorch, as quantization-aware training leaves it: FakeQuantize on weights and activations.

Exported, the weights stay FP32 behind a QuantizeLinear / DequantizeLinear pair, unlike what other quantizers write.
"""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.healthy import centre_head
from tools.zoo.inputs import feeds_of_kind

KIND = "small_64"


class ActivationQuant(nn.Module):
    """Per tensor, asymmetric u8; the range is what `observe` saw."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high, self.observing = 0.0, 0.0, False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.observing:
            self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))
            return x
        scale = (self.high - self.low) / 255
        return torch.fake_quantize_per_tensor_affine(x, scale, round(-self.low / scale), 0, 255)


class QuantConv(nn.Module):
    """Convolution with per-channel symmetric s8 weights, optional ReLU, quantized output."""

    def __init__(self, cin, cout, kernel, stride=1, groups=1, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups)
        nn.init.normal_(self.conv.weight, 0, (2 / self.conv.weight[0].numel()) ** 0.5)
        nn.init.normal_(self.conv.bias, 0, 0.1)
        self.register_buffer("scale", self.conv.weight.detach().abs().amax((1, 2, 3)) / 127)
        self.register_buffer("zero", torch.zeros(cout, dtype=torch.int32))
        self.relu, self.out = nn.ReLU() if relu else nn.Identity(), ActivationQuant()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        conv = self.conv
        weight = torch.fake_quantize_per_channel_affine(conv.weight, self.scale, self.zero, 0, -128, 127)
        y = nn.functional.conv2d(x, weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        return self.out(self.relu(y))


class SmallNet(nn.Module):
    """Stem, a depthwise-separable residual block, pool and classifier; every tensor between them quantized."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.stem = ActivationQuant(), QuantConv(3, 24, 3, 2)
        self.expand, self.depthwise = QuantConv(24, 96, 1), QuantConv(96, 96, 5, groups=96)
        self.project, self.sum = QuantConv(96, 24, 1, relu=False), ActivationQuant()
        self.last, self.pool = QuantConv(24, 64, 3, 2), nn.AdaptiveAvgPool2d(1)
        self.pooled, self.head = ActivationQuant(), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(self.enter(x))
        x = self.sum(x + self.project(self.depthwise(self.expand(x))))
        return self.head(torch.flatten(self.pooled(self.pool(self.last(x))), 1))


def small_net() -> nn.Module:
    """Calibrated on seeded pictures."""
    model = SmallNet().eval()
    pictures = torch.from_numpy(feeds_of_kind(KIND, batch=16, seed=3)[0]["input"])
    quants = [module for module in model.modules() if isinstance(module, ActivationQuant)]
    for quant in quants:
        quant.observing = True
    hook = model.head.register_forward_pre_hook(centre_head)
    with torch.no_grad():
        model(pictures)
    hook.remove()
    for quant in quants:
        quant.observing = False
    return model
