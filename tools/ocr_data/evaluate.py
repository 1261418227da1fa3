"""The reference evaluator: a recogniser on a dataset folder through ONNX Runtime, judged by lines read exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np


def alphabet(model: Path) -> list[str]:
    """Class index to character: blank first, then the model's own list, then the space that PP-OCR appends."""
    import onnxruntime

    meta = onnxruntime.InferenceSession(str(model)).get_modelmeta().custom_metadata_map
    return ["", *meta["character"].splitlines(), " "]


def bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resized with pixel centres at halves and borders repeated, nothing averaged away (what OpenCV calls INTER_LINEAR)."""

    def taps(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, size - 1), (at - low).astype(np.float32)

    pixels = image.astype(np.float32)
    low, high, part = taps(image.shape[0], height)
    pixels = pixels[low] * (1 - part[:, None, None]) + pixels[high] * part[:, None, None]
    low, high, part = taps(image.shape[1], width)
    return pixels[:, low] * (1 - part[None, :, None]) + pixels[:, high] * part[None, :, None]


def prepared(path: Path, spec: dict) -> np.ndarray:
    """One picture as `dataset.json` says: height fixed, ratio kept, normalised, padded on the right. (3, height, width)."""
    from PIL import Image

    with Image.open(path) as opened:
        image = np.asarray(opened.convert("RGB"))
    if spec["color"] == "BGR":
        image = image[..., ::-1]
    width = min(spec["width"], math.ceil(spec["height"] * image.shape[1] / image.shape[0]))
    padded = np.full((spec["height"], spec["width"], 3), spec["pad_value"], np.float32)
    padded[:, :width] = bilinear(image, spec["height"], width)
    normal = (padded - np.float32(spec["mean"])) * np.float32(spec["scale"])
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def decoded(probabilities: np.ndarray, characters: list[str]) -> str:
    """Greedy CTC: best class at every step, repeats joined, blanks dropped."""
    best = probabilities.argmax(-1)
    keep = np.concatenate([[True], best[1:] != best[:-1]]) & (best != 0)
    return "".join(characters[index] for index in best[keep])


def read_lines(model: Path, folder: Path, threads: int = 1, batch: int = 8) -> list[tuple[str, str]]:
    """(label, what the model read) for every picture of a dataset folder."""
    import onnxruntime

    spec = json.loads((folder / "dataset.json").read_text())
    rows = [row.split("\t") for row in (folder / spec["labels"]).read_text(encoding="utf-8").splitlines()]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options)
    name, characters, results = session.get_inputs()[0].name, alphabet(model), []
    for first in range(0, len(rows), batch):
        chunk = rows[first : first + batch]
        images = np.stack([prepared(folder / file, spec["input"]) for file, _ in chunk])
        outputs = session.run(None, {name: images})[0]
        results += [(label, decoded(output, characters)) for (_, label), output in zip(chunk, outputs)]
    return results


def exact_share(results: list[tuple[str, str]]) -> float:
    """The share of lines read without any error."""
    return sum(label == text for label, text in results) / len(results)
