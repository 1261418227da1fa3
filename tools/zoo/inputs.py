"""Seeded inputs for every model of the zoo: pictures with edges and smooth shading, and plausible token sequences.

White noise would be wrong for both: a network's first layers average it away, and quantizers then see empty ranges.
"""

from __future__ import annotations

import numpy as np

IMAGENET_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
IMAGENET_SCALE = 1 / np.array([58.395, 57.12, 57.375], np.float32)


def picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One RGB picture (height, width, 3), float32 in 0..255: a smooth background, ellipses and boxes, fine grain."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    image = rng.uniform(40, 200, 3).astype(np.float32) + np.zeros((height, width, 1), np.float32)
    for _ in range(4):
        frequency = rng.uniform(-8, 8, 2) / max(height, width)
        wave = np.sin(2 * np.pi * (frequency[0] * rows + frequency[1] * columns) + rng.uniform(0, 6.3))
        image += wave[..., None] * rng.normal(0, 25, 3)
    for _ in range(int(rng.integers(4, 14))):
        centre = rng.uniform(0, 1, 2) * (height, width)
        radius = rng.uniform(0.04, 0.3, 2) * (height, width)
        down, across = abs(rows - centre[0]) / radius[0], abs(columns - centre[1]) / radius[1]
        inside = (np.maximum(down, across) < 1) if rng.random() < 0.5 else (down**2 + across**2 < 1)
        image[inside] = image[inside] * 0.2 + rng.uniform(0, 255, 3) * 0.8
    image += rng.normal(0, rng.uniform(1, 12), image.shape)
    return np.clip(image, 0, 255).astype(np.float32)


def _pictures(name: str, height: int, width: int, mean, scale, draw=picture):
    """A feed maker for image models: NCHW float32, normalised as (x - mean) * scale."""

    def make(rng: np.random.Generator, batch: int) -> dict[str, np.ndarray]:
        stack = np.stack([draw(rng, height, width) for _ in range(batch)])
        return {name: np.ascontiguousarray(((stack - mean) * scale).transpose(0, 3, 1, 2).astype(np.float32))}

    return make


def text_picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A `picture` of low contrast with dark or light text of one to several lines on it."""
    from PIL import Image, ImageDraw, ImageFont

    dark = rng.random() < 0.7
    background = picture(rng, height, width) * 0.25 + (150 if dark else 20)
    image = Image.fromarray(np.clip(background, 0, 255).astype(np.uint8))
    draw, top = ImageDraw.Draw(image), 2
    while top + 20 < height:
        size = int(rng.integers(18, 38))
        text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM 0123456789.,-"), width // size * 2))
        shade = tuple(int(value) for value in (rng.integers(0, 90, 3) if dark else rng.integers(180, 255, 3)))
        draw.text((4, top), text, shade, ImageFont.load_default(size))
        top += int(size * 1.6)
    return np.asarray(image, np.float32)


def _tokens(vocabulary: int, longest: int = 128):
    """A feed maker for BERT-like models: [CLS] words [SEP] padding, one length per sequence."""

    def make(rng: np.random.Generator, batch: int) -> dict[str, np.ndarray]:
        lengths = rng.integers(6, longest // 2 if batch == 1 else longest, batch)
        width = int(lengths.max())
        # Zipf-like: low ids are frequent words, as in a real vocabulary.
        ids = (1000 + (vocabulary - 1000) * rng.random((batch, width)) ** 3).astype(np.int64)
        mask = (np.arange(width) < lengths[:, None]).astype(np.int64)
        ids[:, 0] = 101
        ids[np.arange(batch), lengths - 1] = 102
        return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}

    return make


KINDS = {
    "imagenet_224": _pictures("input", 224, 224, IMAGENET_MEAN, IMAGENET_SCALE),
    "lite0_224": _pictures("input", 224, 224, 127, 1 / 128),
    "small_64": _pictures("input", 64, 64, IMAGENET_MEAN, IMAGENET_SCALE),
    "yolo_640": _pictures("images", 640, 640, 0, 1 / 255),
    "ppocr_det": _pictures("x", 320, 320, IMAGENET_MEAN, IMAGENET_SCALE, text_picture),
    "ppocr_det_640": _pictures("x", 640, 640, IMAGENET_MEAN, IMAGENET_SCALE, text_picture),
    "ppocr_rec": _pictures("x", 48, 320, 127.5, 1 / 127.5, text_picture),
    "ppocr_cls": _pictures("x", 48, 192, 127.5, 1 / 127.5, text_picture),
    "tokens": _tokens(30522),
}


def feeds_of_kind(kind: str, count: int = 1, batch: int = 1, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """`count` feeds of one of KINDS."""
    rng = np.random.default_rng(seed)
    return [KINDS[kind](rng, batch) for _ in range(count)]


def feeds(name: str, count: int = 1, batch: int = 1, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """`count` seeded feeds for the zoo model `name` (a quantized variant takes those of the model it was made from)."""
    from tools.zoo.table import row

    found = row(name)
    while found.base:
        found = row(found.base)
    return feeds_of_kind(found.feeds, count, batch, seed)
