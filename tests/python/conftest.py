"""What the Python tests share: models built on demand and ONNX Runtime as the reference."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tools.zoo.make import make

os.environ["TENFOLD_TIMINGS"] = ""  # no test reads or writes this user's cache
MODELS = Path(os.environ.get("TENFOLD_MODELS", "models"))


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of built models."""
    return MODELS


def _has_vnni() -> bool:
    """Whether this CPU has an exact u8 x s8 product, which ONNX Runtime's integer kernels need to be exact."""
    info = Path("/proc/cpuinfo").read_text()
    return "avx512_vnni" in info or "avx_vnni" in info


#: ONNX Runtime with its fusions is the reference for INT8 networks; without VNNI its sums saturate (on a Zen 3 the cosine
#: between ONNX Runtime with and without fusions is 0.99 on ResNet-50, 0.82 on MobileNetV2, -0.17 on EfficientNet-B0), and
#: the file run operator by operator in FP32 is the reference.
FUSED_INT8_IS_EXACT = _has_vnni()


def model_path(name: str) -> Path:
    """The ONNX file of a zoo model, built if need be."""
    make(name, MODELS)
    return MODELS / f"{name}.onnx"


def reference_outputs(path: Path, feeds: dict[str, np.ndarray], *, fused: bool = True) -> list[np.ndarray]:
    """What ONNX Runtime computes, on one thread.

    With `fused` false it runs a QDQ model operator by operator in FP32, as the file says.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options).run(None, feeds)
