"""Small networks of further convolutional families, whose speed no kernel was written for."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import Classifier, ConvNorm, SqueezeExcite
from tools.zoo.resnet import Residual


def mobilenet_v1() -> nn.Module:
    """Depthwise separable convolutions and nothing else (Howard et al. 2017); 0.57 GMAC."""
    layers: list[nn.Module] = [ConvNorm(3, 32, 3, 2)]
    channels = 32
    for cout, stride in (
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ):
        layers += [ConvNorm(channels, channels, 3, stride, channels), ConvNorm(channels, cout)]
        channels = cout
    return nn.Sequential(*layers, Classifier(channels))


class ShuffleUnit(nn.Module):
    """Half of the channels through 1×1, depthwise, 1×1; then both halves interleaved (Ma et al. 2018)."""

    def __init__(self, cin: int, cout: int, stride: int):
        super().__init__()
        half, self.split = cout // 2, stride == 1
        self.branch = nn.Sequential(
            ConvNorm(half if self.split else cin, half),
            ConvNorm(half, half, 3, stride, half, None),
            ConvNorm(half, half),
        )
        self.shortcut = (
            nn.Identity() if self.split else nn.Sequential(ConvNorm(cin, cin, 3, 2, cin, None), ConvNorm(cin, half))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept, changed = x.chunk(2, 1) if self.split else (x, x)
        y = torch.cat((self.shortcut(kept), self.branch(changed)), 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2() -> nn.Module:
    """ShuffleNetV2 1.0; 0.15 GMAC."""
    layers: list[nn.Module] = [ConvNorm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    channels = 24
    for cout, depth in ((116, 4), (232, 8), (464, 4)):
        layers += [ShuffleUnit(channels if i == 0 else cout, cout, 2 if i == 0 else 1) for i in range(depth)]
        channels = cout
    return nn.Sequential(*layers, ConvNorm(464, 1024), Classifier(1024))


class Fire(nn.Module):
    """1×1 squeeze, then 1×1 and 3×3 side by side (Iandola et al. 2016)."""

    def __init__(self, cin: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze, self.one, self.three = (
            ConvNorm(cin, squeezed), ConvNorm(squeezed, expanded), ConvNorm(squeezed, expanded, 3)
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.squeeze(x)
        return torch.cat((self.one(x), self.three(x)), 1)


def squeezenet() -> nn.Module:
    """SqueezeNet 1.1 with batch norm; 0.35 GMAC."""
    fires = (Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2), Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2),
             Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))  # fmt: skip
    return nn.Sequential(ConvNorm(3, 64, 3, 2), nn.MaxPool2d(3, 2), *fires, Classifier(512))


def _grouped(stem: int, widths: tuple[int, ...], depths: tuple[int, ...], group_width: int, ratio: float, excite: bool):
    """Residual bottlenecks whose 3×3 convolutions are grouped."""
    layers: list[nn.Module] = [ConvNorm(3, stem, 3, 2)]
    channels = stem
    for cout, depth in zip(widths, depths, strict=True):
        inner = int(cout * ratio)
        for i in range(depth):
            stride = 2 if i == 0 else 1
            gate = [SqueezeExcite(inner, max(8, channels // 4))] if excite else []
            branch = (ConvNorm(channels, inner), ConvNorm(inner, inner, 3, stride, inner // group_width), *gate,
                      ConvNorm(inner, cout, act=None))  # fmt: skip
            layers.append(Residual(channels, cout, stride, nn.Sequential(*branch)))
            channels = cout
    return nn.Sequential(*layers, Classifier(channels))


def regnet_y_400mf() -> nn.Module:
    """Groups of eight channels and squeeze-excite (Radosavovic et al. 2020); 0.4 GMAC."""
    return _grouped(32, (48, 104, 208, 440), (1, 3, 6, 6), 8, 1.0, True)


def resnext26() -> nn.Module:
    """Groups of 4 to 32 channels, 32 of them (Xie et al. 2017), after a light stem; 2 GMAC."""
    layers: list[nn.Module] = [ConvNorm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage in range(4):
        for index in range(2):
            width = 128 << stage
            stride = 2 if stage and not index else 1
            branch = (
                ConvNorm(channels, width),
                ConvNorm(width, width, 3, stride, 32),
                ConvNorm(width, 2 * width, act=None),
            )
            layers.append(Residual(channels, 2 * width, stride, nn.Sequential(*branch)))
            channels = 2 * width
    return nn.Sequential(*layers, Classifier(channels))


class FusedBlock(nn.Module):
    """3×3 expand and 1×1 project, added to the input where shapes agree (Tan and Le 2021)."""

    def __init__(self, cin: int, cout: int, expansion: int, stride: int):
        super().__init__()
        wide = cin * expansion
        self.branch = nn.Sequential(ConvNorm(cin, wide, 3, stride, act=nn.SiLU), ConvNorm(wide, cout, act=None))
        self.residual = cin == cout and stride == 1
        self.branch[-1][1].ends_residual_branch = self.residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x) if self.residual else self.branch(x)


def efficientnet_v2_front() -> nn.Module:
    """The fused stages of EfficientNetV2-B0, SiLU throughout; 0.4 GMAC."""
    blocks = [ConvNorm(3, 32, 3, 2, act=nn.SiLU), ConvNorm(32, 16, 3, act=nn.SiLU)]
    blocks += [FusedBlock(16, 32, 4, 2), FusedBlock(32, 32, 4, 1), FusedBlock(32, 48, 4, 2), FusedBlock(48, 48, 4, 1)]
    blocks += [FusedBlock(48, 96, 4, 2), FusedBlock(96, 96, 4, 1)]
    return nn.Sequential(*blocks, Classifier(96))


def _pair(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(ConvNorm(cin, cout, 3), ConvNorm(cout, cout, 3))


class UNet(nn.Module):
    """Encoder and decoder with skip connections (Ronneberger et al. 2015), two classes."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128)):
        super().__init__()
        self.down = nn.ModuleList(_pair(cin, cout) for cin, cout in zip((3, *widths), widths, strict=False))
        steps = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(cin, cout, 2, 2) for cin, cout in steps)
        self.up = nn.ModuleList(_pair(2 * cout, cout) for _, cout in steps)
        self.pool, self.head = nn.MaxPool2d(2), nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for i, block in enumerate(self.down):
            x = block(self.pool(x) if i else x)
            skips.append(x)
        for rise, block, skip in zip(self.rise, self.up, skips[-2::-1], strict=True):
            x = block(torch.cat((rise(x), skip), 1))
        return self.head(x)


def unet() -> nn.Module:
    """1.4 GMAC at 224 × 224."""
    return UNet()


class Inception(nn.Module):
    """1×1, 3×3, 5×5 as 7×1 after 1×7, and pooled branches side by side (Szegedy et al. 2015)."""

    def __init__(self, cin: int, width: int):
        super().__init__()
        self.one = ConvNorm(cin, width)
        self.three = nn.Sequential(ConvNorm(cin, width), ConvNorm(width, 2 * width, 3))
        separable = [
            nn.Conv2d(width, width, (1, 7), padding=(0, 3)),
            nn.ReLU(),
            nn.Conv2d(width, width, (7, 1), padding=(3, 0)),
        ]
        self.seven = nn.Sequential(ConvNorm(cin, width), *separable, nn.ReLU())
        self.pool = nn.Sequential(nn.AvgPool2d(3, 1, 1), ConvNorm(cin, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in (self.one, self.three, self.seven, self.pool)], 1)


def inception() -> nn.Module:
    """Three sizes of Inception blocks; 0.6 GMAC."""
    stem = (ConvNorm(3, 32, 3, 2), ConvNorm(32, 64, 3), nn.MaxPool2d(3, 2, 1))
    blocks = (Inception(64, 32), Inception(160, 40), nn.MaxPool2d(3, 2, 1), Inception(200, 64), Inception(320, 64),
              nn.MaxPool2d(3, 2, 1), Inception(320, 96))  # fmt: skip
    return nn.Sequential(*stem, *blocks, Classifier(480))


def super_resolution() -> nn.Module:
    """Twice the size through pixel shuffle (Shi et al. 2016)."""
    wide = (nn.Conv2d(3, 64, 5, padding=2), nn.ReLU(), nn.Conv2d(64, 32, 3, padding=1), nn.ReLU())
    return nn.Sequential(*wide, nn.Conv2d(32, 12, 3, padding=1), nn.PixelShuffle(2))
