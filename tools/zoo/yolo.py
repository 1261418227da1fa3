"""A YOLO-style detector: CSP backbone, SPPF, path-aggregation neck, anchor-free head decoded to boxes inside the graph."""

from __future__ import annotations

import torch
from torch import nn

from tools.zoo.layers import ConvNorm

CLASSES = 80
BINS = 16
STRIDES = (8, 16, 32)


def conv(cin: int, cout: int, kernel: int = 1, stride: int = 1) -> ConvNorm:
    """Convolution, batch norm, SiLU."""
    return ConvNorm(cin, cout, kernel, stride, act=nn.SiLU, eps=1e-3)


class Bottleneck(nn.Module):
    """Two 3×3 convolutions, added to the input where `shortcut`."""

    def __init__(self, channels: int, shortcut: bool):
        super().__init__()
        self.branch = nn.Sequential(conv(channels, channels, 3), conv(channels, channels, 3))
        self.branch[-1][1].ends_residual_branch = shortcut
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x) if self.shortcut else self.branch(x)


class Csp(nn.Module):
    """Splits the channels, runs one half through bottlenecks, and joins every intermediate."""

    def __init__(self, cin: int, cout: int, depth: int, shortcut: bool = True):
        super().__init__()
        self.half = cout // 2
        self.enter, self.leave = conv(cin, cout), conv((2 + depth) * self.half, cout)
        self.blocks = nn.ModuleList(Bottleneck(self.half, shortcut) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = list(self.enter(x).split((self.half, self.half), 1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Sppf(nn.Module):
    """Three chained 5×5 max pools: three pooling sizes for the price of one."""

    def __init__(self, channels: int):
        super().__init__()
        self.enter, self.leave = conv(channels, channels // 2), conv(channels * 2, channels)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Head(nn.Module):
    """Per level: box-edge distributions and class scores; decoded to (batch, 4 + classes, cells), boxes as cx, cy, w, h."""

    def __init__(self, widths: tuple[int, ...], size: int):
        super().__init__()
        box, score = max(16, widths[0] // 4, 4 * BINS), max(widths[0], CLASSES)
        self.box = nn.ModuleList(
            nn.Sequential(conv(w, box, 3), conv(box, box, 3), nn.Conv2d(box, 4 * BINS, 1)) for w in widths
        )
        self.score = nn.ModuleList(
            nn.Sequential(conv(w, score, 3), conv(score, score, 3), nn.Conv2d(score, CLASSES, 1)) for w in widths
        )
        centres, strides = [], []
        for stride in STRIDES:
            steps = torch.arange(size // stride) + 0.5
            down, across = torch.meshgrid(steps, steps, indexing="ij")
            centres.append(torch.stack([across, down]).reshape(2, -1))
            strides.append(torch.full((1, steps.numel() ** 2), float(stride)))
        self.register_buffer("centres", torch.cat(centres, 1)[None], persistent=False)
        self.register_buffer("strides", torch.cat(strides, 1), persistent=False)
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32).reshape(1, BINS, 1, 1), persistent=False)

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        edges = torch.cat([box(x).flatten(2) for box, x in zip(self.box, levels)], 2)
        scores = torch.cat([score(x).flatten(2) for score, x in zip(self.score, levels)], 2)
        probabilities = edges.reshape(edges.shape[0], 4, BINS, -1).transpose(1, 2).softmax(1)
        distances = (probabilities * self.bins).sum(1)
        near, far = distances.chunk(2, 1)
        low, high = self.centres - near, self.centres + far
        boxes = torch.cat([(low + high) / 2, high - low], 1) * self.strides
        return torch.cat([boxes, scores.sigmoid()], 1)


class Yolo(nn.Module):
    """Backbone, neck and head at the widths of the smallest published size."""

    def __init__(self, size: int = 640, widths=(16, 32, 64, 128, 256)):
        super().__init__()
        w0, w1, w2, w3, w4 = widths
        self.stem = nn.Sequential(conv(3, w0, 3, 2), conv(w0, w1, 3, 2), Csp(w1, w1, 1))
        self.level3 = nn.Sequential(conv(w1, w2, 3, 2), Csp(w2, w2, 2))
        self.level4 = nn.Sequential(conv(w2, w3, 3, 2), Csp(w3, w3, 2))
        self.level5 = nn.Sequential(conv(w3, w4, 3, 2), Csp(w4, w4, 1), Sppf(w4))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.down4, self.down3 = Csp(w4 + w3, w3, 1, False), Csp(w3 + w2, w2, 1, False)
        self.stride3, self.up4 = conv(w2, w2, 3, 2), Csp(w2 + w3, w3, 1, False)
        self.stride4, self.up5 = conv(w3, w3, 3, 2), Csp(w3 + w4, w4, 1, False)
        self.detect = Head((w2, w3, w4), size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        p3 = self.level3(self.stem(images))
        p4 = self.level4(p3)
        p5 = self.level5(p4)
        n4 = self.down4(torch.cat([self.up(p5), p4], 1))
        n3 = self.down3(torch.cat([self.up(n4), p3], 1))
        m4 = self.up4(torch.cat([self.stride3(n3), n4], 1))
        m5 = self.up5(torch.cat([self.stride4(m4), p5], 1))
        return self.detect([n3, m4, m5])


def yolo_n() -> nn.Module:
    """3.2 M parameters, 4.4 GMAC at 640×640."""
    return Yolo()
