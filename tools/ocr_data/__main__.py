"""Command line: renders both sets in parallel, and says how much of the evaluation set FP32 reads."""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import shutil
import string
import sys
from pathlib import Path

from tools.ocr_data import render
from tools.ocr_data.evaluate import alphabet, exact_share, read_lines
from tools.ocr_data.texts import texts

# `pad_value` is a pixel value: padding comes before (x - mean) * scale, and becomes 0.
MANIFEST = {
    "kind": "images",
    "labels": "labels.tsv",
    "task": "ctc",
    "input": {
        "height": 48,
        "width": 320,
        "mode": "keep_ratio_pad",
        "color": "BGR",
        "mean": [127.5] * 3,
        "scale": [1 / 127.5] * 3,
        "layout": "NCHW",
        "pad_value": 127.5,
        "interpolation": "bilinear",
    },
}
PRINTABLE = set(string.ascii_letters + string.digits + string.punctuation + " ")


def _save(folder: Path, seed: int, split: int, numbered: tuple[int, str]) -> None:
    index, text = numbered
    render.line(text, (seed, split, index)).save(folder / f"{index:05}.png", compress_level=1)


def write_set(folder: Path, lines: list[str], seed: int, split: int, processes: int) -> None:
    """One dataset folder, replacing what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with multiprocessing.Pool(processes) as pool:
        pool.map(functools.partial(_save, folder, seed, split), list(enumerate(lines)), chunksize=32)
    rows = (f"{index:05}.png\t{text}\n" for index, text in enumerate(lines))
    (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(MANIFEST, indent=2) + "\n")


def main() -> int:
    """Parses the arguments, writes, measures. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.ocr_data", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/ocr"))
    parser.add_argument("--calibration", type=int, default=300, help="lines to calibrate on")
    parser.add_argument("--evaluation", type=int, default=2000, help="lines to judge by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--model", type=Path, default=Path("models/ppocr_rec.onnx"), help="gives the alphabet")
    parser.add_argument("--measure", action="store_true", help="also read the evaluation set with the model")
    arguments = parser.parse_args()
    allowed = PRINTABLE & set(alphabet(arguments.model))
    calibration = texts(arguments.calibration, allowed, arguments.seed)
    evaluation = texts(arguments.evaluation, allowed, arguments.seed + 1, set(calibration))
    for split, (name, lines) in enumerate((("calibration", calibration), ("evaluation", evaluation))):
        write_set(arguments.out / name, lines, arguments.seed, split, arguments.processes)
        print(f"{arguments.out / name}: {len(lines)} lines", flush=True)
    if arguments.measure:
        share = exact_share(read_lines(arguments.model, arguments.out / "evaluation"))
        print(f"{arguments.model.name}: {100 * share:.2f} % of the evaluation lines read exactly")
    return 0


if __name__ == "__main__":
    sys.exit(main())
