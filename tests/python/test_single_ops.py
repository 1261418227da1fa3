"""Every single-operator model against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

import tenfold
from tests.python.conftest import cosine, relative_error
from tools.zoo import single_ops

CASES = list(single_ops.cases())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_single_operator(case: single_ops.Case) -> None:
    outputs = tenfold.InferenceSession(case.model, threads=1).run(None, case.inputs)
    for actual, expected in zip(outputs, case.expected, strict=True):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        if case.kind == "exact":
            np.testing.assert_array_equal(actual, expected)
        elif case.kind == "qdq":
            assert np.abs(actual.astype(np.int64) - expected.astype(np.int64)).max(initial=0) <= 1
        elif case.kind == "dynamic_quant":
            assert cosine(actual, expected) >= 0.999
        else:
            assert relative_error(actual, expected) <= 1e-4
