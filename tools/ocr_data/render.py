"""One labelled line to one picture: font, size, colours, background, rotation, blur, noise, all from one seed."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONT_FOLDERS = [Path("/usr/share/fonts/truetype") / family for family in ("dejavu", "liberation", "freefont")]
NOT_FOR_TEXT = ("MathTeXGyre",)
WIDEST = 320 / 48
# How far every defect goes, relative to what is written below; set so that FP32 PP-OCRv4 reads about 94 % of lines.
DIFFICULTY = 1.15


@dataclass(frozen=True)
class Defects:
    """What is wrong with one picture."""

    contrast: float
    rotation: float
    blur: float
    noise: float
    shrink: float
    jpeg: int

    @staticmethod
    def draw(rng: np.random.Generator) -> Defects:
        """Most lines are slightly damaged, some badly: one severity for the line, one factor for each defect."""
        severity = DIFFICULTY * rng.beta(1.2, 2.2)
        part = rng.uniform(0, 1, 6) * severity
        return Defects(
            contrast=float(190 - 170 * part[0]),
            rotation=float(4 * part[1] * rng.choice((-1, 1))),
            blur=float(2.2 * part[2]),
            noise=float(2 + 50 * part[3]),
            shrink=float(1 - 0.6 * part[4]),
            jpeg=int(95 - 75 * part[5]),
        )


@functools.cache
def fonts() -> tuple[str, ...]:
    """The text fonts of Debian's fonts-dejavu, fonts-liberation and fonts-freefont-ttf."""
    found = sorted(str(path) for folder in FONT_FOLDERS for path in folder.glob("*.ttf"))
    found = [path for path in found if not any(name in path for name in NOT_FOR_TEXT)]
    if not found:
        raise FileNotFoundError("no fonts found: apt-get install fonts-dejavu fonts-liberation fonts-freefont-ttf")
    return tuple(found)


@functools.lru_cache(maxsize=512)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A plain colour, a gradient, or soft blotches, (height, width, 3)."""
    colour = rng.uniform(0, 1, 3) * 60 + rng.choice((30, 110, 180))
    kind = rng.random()
    if kind < 0.4:
        return np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    coarse = (2, 2) if kind < 0.7 else (3, 8)
    blotches = rng.uniform(-1, 1, (*coarse, 3)) * rng.uniform(5, 30) + colour
    return _resized(np.clip(blotches, 0, 255).astype(np.uint8), width, height).astype(np.float32)


def _resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def _text_mask(rng: np.random.Generator, text: str, rotation: float) -> Image.Image:
    """The text as coverage, rotated, with a margin, no wider than the recogniser takes."""
    font = _font(str(rng.choice(fonts())), int(rng.integers(22, 46)))
    left, top, right, bottom = font.getbbox(text)
    margin_x, margin_y = int(rng.integers(2, 10)), int(rng.integers(2, 8))
    mask = Image.new("L", (int(right - left) + 2 * margin_x, int(bottom - top) + 2 * margin_y))
    ImageDraw.Draw(mask).text((margin_x - left, margin_y - top), text, 255, font)
    mask = mask.rotate(rotation, Image.Resampling.BICUBIC, expand=True)
    widest = int(WIDEST * mask.height)
    return mask if mask.width <= widest else mask.resize((widest, mask.height), Image.Resampling.BICUBIC)


def line(text: str, seed: tuple[int, ...]) -> Image.Image:
    """The picture of `text`; the same for the same seed."""
    rng = np.random.default_rng(seed)
    defects = Defects.draw(rng)
    mask = _text_mask(rng, text, defects.rotation)
    background = _background(rng, mask.height, mask.width)
    towards = -1 if background.mean() > 127 else 1
    ink = background.mean((0, 1)) + towards * defects.contrast * rng.uniform(0.85, 1.15, 3)
    cover = np.asarray(mask, np.float32)[..., None] / 255
    pixels = background * (1 - cover) + np.clip(ink, 0, 255) * cover
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    small = tuple(max(8, round(side * defects.shrink)) for side in image.size)
    image = image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(defects.blur))
    noisy = np.asarray(image, np.float32) + rng.normal(0, defects.noise, (*image.size[::-1], 3))
    packed = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(packed, "JPEG", quality=defects.jpeg)
    return Image.open(packed).convert("RGB")
