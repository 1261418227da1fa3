"""Whole networks against ONNX Runtime: FP32 within 1e-4 of the output range, INT8 with cosine 0.995."""

from __future__ import annotations

import numpy as np
import pytest
import tenfold

from tests.python.conftest import FUSED_INT8_IS_EXACT, model_path, reference_outputs
from tests.similarity import cosine, relative_error
from tools.zoo.inputs import feeds
from tools.zoo.table import ROWS

FP32 = [row.name for row in ROWS if ".int8" not in row.name]
INT8 = [row.name for row in ROWS if ".int8" in row.name]
SAMPLES = 2
KNOWN_GAPS = {
    "ppocr_rec.int8_ort_conv_matmul": "the network multiplies single ties: layer by layer 7 bytes of 22.6 million differ from float64, each by one "
    "step, yet on one sample tenfold is at a cosine of 0.959 to ONNX Runtime without its fusions, which itself is at 0.943 to that with them",
}
if not FUSED_INT8_IS_EXACT:
    KNOWN_GAPS["mobilenet_v3_large.int8_ort"] = (
        "random weights: in FP32 with and without its optimisations ONNX Runtime differs from itself to 0.992, as tenfold does"
    )


@pytest.mark.parametrize("name", FP32)
def test_fp32_agrees_with_onnxruntime(name: str) -> None:
    path = model_path(name)
    session = tenfold.InferenceSession(path, threads=2)
    for feed in feeds(name, SAMPLES):
        for actual, expected in zip(session.run(None, feed), reference_outputs(path, feed), strict=True):
            assert actual.shape == expected.shape
            assert relative_error(actual, expected) <= 1e-4


def int8_models() -> list:
    """Every quantized model; a known gap must fail, so that closing it is noticed."""
    gap = {name: [pytest.mark.xfail(reason=reason, strict=True)] for name, reason in KNOWN_GAPS.items()}
    return [pytest.param(name, marks=gap.get(name, [])) for name in INT8]


@pytest.mark.parametrize("name", int8_models())
def test_int8_follows_onnxruntime(name: str) -> None:
    path = model_path(name)
    session = tenfold.InferenceSession(path, threads=2)
    for feed in feeds(name, SAMPLES):
        for actual, expected in zip(session.run(None, feed), reference_outputs(path, feed, fused=FUSED_INT8_IS_EXACT), strict=True):
            assert actual.shape == expected.shape
            assert cosine(actual, expected) >= 0.995


@pytest.mark.parametrize("name", ["minilm", "resnet18", "ppocr_rec"])
def test_batches_and_sequence_lengths_are_dynamic(name: str) -> None:
    path = model_path(name)
    session = tenfold.InferenceSession(path, threads=1)
    for batch in (1, 3):
        feed = feeds(name, 1, batch=batch)[0]
        for actual, expected in zip(session.run(None, feed), reference_outputs(path, feed), strict=True):
            assert relative_error(actual, expected) <= 1e-4


def test_fp32_is_deterministic() -> None:
    path = model_path("mobilenet_v2")
    feed = feeds("mobilenet_v2", 1)[0]
    first, second = (tenfold.InferenceSession(path, threads=2).run(None, feed)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
