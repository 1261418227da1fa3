"""Convolutional INT8 networks give the same bytes on every ISA and for every number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import tenfold

from tests.python.conftest import model_path
from tools.zoo.inputs import feeds

NETWORKS = ["mobilenet_v2.int8_ort", "mobilenet_v2.int8_ort_s8", "resnet18.int8_ort"]


def available_isas() -> list[str]:
    """The ISAs this machine can be forced to; forcing another is an error, never a fallback."""
    found = []
    for isa in ("ref", "avx2", "avx_vnni", "avx512_vnni", "amx"):
        try:
            tenfold.InferenceSession(model_path("small_net.int8_torch"), tenfold.SessionOptions(1, isa))
            found.append(isa)
        except tenfold.TenfoldError as error:
            assert error.code == "unsupported"
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_int8_is_bit_identical(name: str) -> None:
    path = model_path(name)
    feed = feeds(name, 1)[0]
    reference = tenfold.InferenceSession(path, tenfold.SessionOptions(1)).run(None, feed)
    for isa in available_isas():
        for threads in (1, 2, 3):
            outputs = tenfold.InferenceSession(path, tenfold.SessionOptions(threads, isa)).run(None, feed)
            for actual, expected in zip(outputs, reference, strict=True):
                np.testing.assert_array_equal(actual, expected, err_msg=f"{isa}, {threads} threads")


def test_unknown_isa_is_an_error() -> None:
    with pytest.raises(tenfold.TenfoldError, match="unknown ISA"):
        tenfold.InferenceSession(model_path("small_net.int8_torch"), tenfold.SessionOptions(1, "sse9"))
