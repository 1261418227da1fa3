"""Dataset manifests over the 1,000 labelled ImageNet pictures, which stay where they are (they are not ours to copy).

    python -m tools.imagenet_data --out models/imagenet

writes `calibration/` (index % 5 == 0) and `evaluation/` (the rest), each with `dataset.json` and `labels.tsv`. The
pictures are looked for in $TENFOLD_TEST_DATA, then in ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

FOLDER = "imagenet-1000"
CROP = 224
MEAN, SCALE = 127.0, 1 / 128
MISSING_EXIT_CODE = 3


def find_pictures() -> Path | None:
    """The folder of pictures, or None. TENFOLD_TEST_DATA may name it or the folder above it."""
    named = os.environ.get("TENFOLD_TEST_DATA")
    roots = [Path(named)] if named else [Path(__file__).resolve().parents[2] / "shared" / "data", Path("../shared/data")]
    for candidate in [path for root in roots for path in (root / FOLDER, root)]:
        if (candidate / "0000.jpg").is_file() or (candidate / "images" / "0000.jpg").is_file():
            return (candidate if (candidate / "0000.jpg").is_file() else candidate / "images").resolve()
    return None


def is_calibration(index: int) -> bool:
    """The split that every published number uses."""
    return index % 5 == 0


def load(path: Path) -> np.ndarray:
    """One picture as EfficientNet-Lite0 takes it: centre crop, RGB, (x - 127) / 128, (3, 224, 224)."""
    from PIL import Image

    with Image.open(path) as image:
        left, top = (image.width - CROP) // 2, (image.height - CROP) // 2
        pixels = np.asarray(image.convert("RGB").crop((left, top, left + CROP, top + CROP)), np.float32)
    return np.ascontiguousarray(((pixels - MEAN) * np.float32(SCALE)).transpose(2, 0, 1))


def calibration_feeds(count: int) -> list[dict[str, np.ndarray]]:
    """`count` feeds spread over the calibration split; empty when the pictures are missing."""
    folder = find_pictures()
    if folder is None:
        return []
    chosen = [index for index in range(1000) if is_calibration(index)]
    chosen = chosen[:: max(1, len(chosen) // count)][:count]
    return [{"input": load(folder / f"{index:04}.jpg")[None]} for index in chosen]


def top1(model: Path, threads: int = 1) -> tuple[int, int]:
    """(right, all) of `model` on the evaluation split through ONNX Runtime."""
    import onnxruntime

    folder = find_pictures()
    if folder is None:
        raise FileNotFoundError(f"no '{FOLDER}' pictures: set TENFOLD_TEST_DATA to the folder that holds them")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options)
    name = session.get_inputs()[0].name
    chosen = [index for index in range(1000) if not is_calibration(index)]
    right = sum(int(session.run(None, {name: load(folder / f"{i:04}.jpg")[None]})[0].argmax()) == i for i in chosen)
    return right, len(chosen)


def write_manifest(out: Path, folder: Path, indices: list[int]) -> None:
    """One dataset folder that refers to the pictures by absolute path."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "labels.tsv").write_text("".join(f"{folder / f'{index:04}.jpg'}\t{index}\n" for index in indices))
    manifest = {
        "kind": "images",
        "labels": "labels.tsv",
        "task": "top1",
        "classes": 1000,
        "input": {
            "height": CROP,
            "width": CROP,
            "mode": "center_crop",
            "color": "RGB",
            "mean": [MEAN] * 3,
            "scale": [SCALE] * 3,
            "layout": "NCHW",
        },
    }
    (out / "dataset.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main() -> int:
    """Writes both manifests; optionally measures a model. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.imagenet_data", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("models/imagenet"))
    parser.add_argument("--measure", type=Path, help="also print the top-1 of this model (onnxruntime)")
    arguments = parser.parse_args()
    folder = find_pictures()
    if folder is None:
        print(f"imagenet_data: no '{FOLDER}' pictures found; set TENFOLD_TEST_DATA to the folder that holds them. "
              "Nothing was written.", file=sys.stderr)  # fmt: skip
        return MISSING_EXIT_CODE
    for name, wanted in (("calibration", True), ("evaluation", False)):
        chosen = [index for index in range(1000) if is_calibration(index) == wanted]
        write_manifest(arguments.out / name, folder, chosen)
        print(f"{arguments.out / name}: {len(chosen)} pictures")
    if arguments.measure:
        right, total = top1(arguments.measure)
        print(f"{arguments.measure.name}: top-1 {100 * right / total:.2f} % ({right} of {total})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
