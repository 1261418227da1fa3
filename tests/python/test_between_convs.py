"""Operators inside INT8 networks: what ONNX Runtime computes from the same file, on bytes throughout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tenfold

import onnx
from tests.python.conftest import reference_outputs
from tests.python.test_cli import TOOL
from tests.similarity import cosine
from tools.zoo import between_convs

#: Operators that run in FP32 between DequantizeLinear and QuantizeLinear.
ISLANDS = {
    "einsum": ["MatMul"],
    "softmax_of_channels": ["Softmax"],
}
#: What tenfold's quantizer leaves in FP32.
LEFT_IN_FP32 = {"floor", "maximum", "pow", "round", "sin", "softmax_of_channels", "where"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("between_convs")


def fp32_islands(path: Path) -> list[str]:
    """Operators in FP32 that bytes flow into and out of."""
    told = subprocess.run([TOOL, "inspect", str(path), "--plan", "--json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)["plan"]["fp32_islands"]


@pytest.mark.parametrize("name", between_convs.CASES)
def test_between_convolutions(name: str, folder: Path) -> None:
    path = folder / f"{name}.onnx"
    between_convs.build(name, path)
    feed = {"x": np.random.default_rng(7).standard_normal(between_convs.INPUT).astype(np.float32)}
    expected = reference_outputs(path, feed, fused=False)[0]
    actual = tenfold.InferenceSession(str(path), threads=1).run(None, feed)[0]
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype == np.int64:
        np.testing.assert_array_equal(actual, expected)
    else:
        # Means of two or four bytes often lie halfway between two steps: ONNX Runtime's rounding errors decide which it takes.
        tolerance = 0.03 if name.startswith("resize_linear") else 0.01
        assert np.linalg.norm(actual - expected) <= tolerance * np.linalg.norm(expected)
    assert fp32_islands(path) == ISLANDS.get(name, [])


@pytest.mark.parametrize("name", between_convs.CASES)
def test_quantized_by_tenfold(name: str, folder: Path) -> None:
    source, path = folder / f"{name}.f32.onnx", folder / f"{name}.tenfold.onnx"
    onnx.save(between_convs.float_model(name), source)
    tenfold.quantize_static(source, path, [{"x": sample} for sample in between_convs.pictures(8)], opset=21)
    feed = {"x": np.random.default_rng(7).standard_normal(between_convs.INPUT).astype(np.float32)}
    expected = reference_outputs(source, feed)[0]
    assert cosine(tenfold.InferenceSession(str(path), threads=1).run(None, feed)[0], expected) >= 0.99
    assert bool(fp32_islands(path)) == (name in LEFT_IN_FP32)
