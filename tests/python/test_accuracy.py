"""EfficientNet-Lite0 on labelled pictures: what INT8 loses. Needs the optional data set (TENFOLD_TEST_DATA)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.conftest import model_path
from tests.python.test_cli import TOOL, tool
from tools import imagenet_data

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built")]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imagenet")
    result = subprocess.run([sys.executable, "-m", imagenet_data.__name__, "--out", folder], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"the labelled pictures are missing: {result.stdout}{result.stderr}")
    return folder


def test_lite0_int8_loses_at_most_half_a_point(tmp_path: Path, pictures: Path) -> None:
    int8 = tmp_path / "int8.onnx"
    model = model_path("efficientnet_lite0")
    quantized = tool("quantize", model, "-o", int8, "--calibration", pictures / "calibration", "--method", "mse", "--samples", "200")
    assert quantized.returncode == 0, quantized.stderr
    result = json.loads(tool("compare", model, int8, "--data", pictures / "evaluation", "--threads", "2", "--json").stdout)
    assert result["samples"] == 800
    assert result["baseline"] == pytest.approx(0.80875)
    assert result["drop"] <= 0.005
