"""Loading times: fresh processes, sensible figures, through Python and the tool."""

from __future__ import annotations

import json

import pytest
import tenfold
from tenfold import loading

from tests.python.conftest import model_path
from tests.python.test_cli import TOOL, tool
from tools.zoo.inputs import feeds

NAME = "mobilenet_v2.int8_ort"


def test_figures_of_one_model() -> None:
    result = loading.measure(str(model_path(NAME)), ["tenfold"], 1, 0, feeds=feeds(NAME, 1)[0])
    figures = result["engines"]["tenfold"]
    assert figures["runs"] == loading.MIN_ROUNDS
    assert 0 < figures["create"] < figures["first_result"]
    assert 1 < figures["peak_mb"] < 100
    assert loading.ratio_to_creation(result) is None
    assert NAME in loading.table([result])


def test_ratio_is_to_the_quickest_creation() -> None:
    figures = {"tenfold": (3.0, 5.0), "onnxruntime": (20.0, 24.0), "openvino": (90.0, 95.0)}
    engines = {name: {"create": c, "first_result": f, "peak_mb": 9.0} for name, (c, f) in figures.items()}
    assert loading.ratio_to_creation({"engines": engines}) == 0.25


def test_unknown_engine_and_failing_process() -> None:
    with pytest.raises(tenfold.TenfoldError, match="torch"):
        loading.measure(str(model_path(NAME)), ["tenfold", "torch"], 1, 0, feeds={})
    with pytest.raises(tenfold.TenfoldError, match="absent"):
        loading.measure("absent.onnx", ["tenfold"], 1, 0, feeds=feeds(NAME, 1)[0])


@pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built; TENFOLD_CLI names another")
def test_tool() -> None:
    row = json.loads(tool("bench", model_path(NAME), "--load", "--threads", "1", "--seconds", "0.1", "--json").stdout)[0]
    assert 0 < row["create_ms"] < row["first_result_ms"]
    assert row["peak_mb"] > 1
    assert row["runs"] >= 5
