"""The command line tool: results on stdout, messages on stderr, documented exit codes, nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import onnx
from onnx import TensorProto, helper, numpy_helper
from tests.python.conftest import model_path
from tools.zoo.inputs import feeds

TOOL = Path(os.environ.get("TENFOLD_CLI", "build/release/apps/cli/tenfold"))
NAME = "resnet18"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built; TENFOLD_CLI names another")


def tool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)


def tensor_dataset(folder: Path, count: int, seed: int) -> Path:
    """Seeded pictures as .npy files, without labels."""
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"kind": "tensors"}))
    for index, feed in enumerate(feeds(NAME, count, seed=seed)):
        np.save(folder / f"{index:03}.npy", next(iter(feed.values())))
    return folder


def test_help_names_every_command() -> None:
    result = tool("--help")
    assert result.returncode == 0
    for command in ("optimize", "quantize", "bench", "eval", "compare", "inspect", "check", "doctor"):
        assert command in result.stdout


def test_doctor_json() -> None:
    found = json.loads(tool("--json", "doctor").stdout)
    assert found["isas"]["ref"] is True
    assert found["peaks"]["fp32_gmacs"] > 0


def test_inspect_counts_operators() -> None:
    found = json.loads(tool("inspect", model_path(NAME), "--json").stdout)
    assert found["before"]["BatchNormalization"] > 0
    assert "BatchNormalization" not in found["after"]


def test_check_and_bench() -> None:
    assert tool("check", model_path(NAME)).returncode == 0
    rows = json.loads(tool("bench", model_path(NAME), "--threads", "1", "--seconds", "1", "--json").stdout)
    assert 0 < rows[0]["min_ms"] <= rows[0]["median_ms"] <= rows[0]["p99_ms"]


def test_bench_remembers_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timings = tmp_path / "timings.json"
    monkeypatch.setenv("TENFOLD_TIMINGS", str(timings))
    bench = ("bench", model_path(NAME), "--threads", "1", "--seconds", "0.2", "--json")
    assert tool(*bench).returncode == 0
    assert not timings.exists()
    assert tool(*bench, "--tune").returncode == 0
    (machine,) = json.loads(timings.read_text())["machines"].items()
    assert "1 threads" in machine[0]
    before = timings.read_text()
    assert tool(*bench, "--tune").returncode == 0
    assert timings.read_text() == before


def test_quantize_compare_and_optimize(tmp_path: Path) -> None:
    calibration, data = tensor_dataset(tmp_path / "calib", 6, 1), tensor_dataset(tmp_path / "eval", 40, 2)
    int8 = tmp_path / "int8.onnx"
    assert tool("quantize", model_path(NAME), "-o", int8, "--calibration", calibration).returncode == 0
    compared = tool("compare", model_path(NAME), int8, "--data", data, "--metric", "cosine", "--max-drop", "20%", "--json")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)["candidate"] > 0.98
    out = tmp_path / "out"
    result = tool("optimize", model_path(NAME), "--data", data, "--calibration", calibration, "--metric", "cosine",
                  "--max-drop", "20%", "--latency", "p50:10000ms", "--threads", "1", "-o", out)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Verdict: met" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == ["model.onnx", "report.json"]
    assert json.loads((out / "report.json").read_text())["verdict"] == "met"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["inspect", "absent.onnx"], 1, "absent.onnx"),
        (["nonsense"], 2, "no command 'nonsense'"),
        (["bench", "MODEL", "--layers", "--load"], 2, "excludes"),
        (["quantize", "MODEL", "-o", "OUT", "--dynamic", "--calibration", "DATA"], 2, "excludes"),
        (["quantize", "MODEL", "-o", "OUT", "--dynamic", "--ops", "MatMul, Softmax"], 2, "'Softmax'"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--max-drop", "1", "-o", "OUT"], 2, "write 1% or 0.01"),
        (["quantize", "MODEL", "-o", "OUT", "--dynamic", "--ops", "Conv"], 2, "'Conv' has no dynamically quantized form"),
        (["quantize", "MODEL", "-o", "OUT", "--calibration", "EMPTY", "--opset", "12"], 2, "operator set 12"),
        (["quantize", "MODEL", "-o", "/proc/x.onnx", "--calibration", "EMPTY"], 1, "/proc/x.onnx"),
        (["run", "MODEL", "--data", "DATA", "--metric", "cosine"], 2, "compares with the FP32 model"),
        (["bench", "MODEL", "--torch", "net.py:Net"], 2, "--compare"),
        (["bench"], 2, "models"),
        (["bench", "MODEL", "--seconds", "nan"], 2, "nan is not a number above 0"),
        (["bench", "MODEL", "--extent", "absent=3"], 2, "absent"),
        (["check", "MODEL", "--extent", "batch=3x"], 2, "name=value"),
        (["check", "MODEL", "--extent", "batch=99999999999999999999"], 2, "name=value"),
        (["inspect", "MODEL", "--extent", "absent=3"], 2, "absent"),
        (["bench", "absent.onnx", "--load"], 1, "absent.onnx"),
        (["bench", "MODEL", "--load", "--extent", "absent=3"], 2, "absent"),
        (["run", "MODEL", "--data", "DATA", "--index", "-1"], 2, "--index: '-1' is not a whole number of 0 or more"),
        (["quantize", "MODEL", "-o", "OUT", "--calibration", "DATA", "--samples", "0"], 2, "whole number of 1 or more"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--latency", "pnan:5ms", "-o", "OUT"], 2, "latency"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--latency", "inf", "-o", "OUT"], 2, "latency"),
        (["quantize", "MODEL", "-o", "OUT"], 2, "--calibration"),
        (["quantize", "MODEL", "-o", "OUT", "--calibration", "DATA", "--method", "magic"], 2, "minmax"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "EMPTY", "--metric", "cosine", "-o", "OUT"], 1, "data"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--metric", "top1", "-o", "OUT"], 1, "labels"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--metric", "cosine", "-o", "/proc/out"], 1, "/proc/out"),
        (["optimize", "MODEL", "--data", "DATA", "--calibration", "DATA", "--max-drop", "many", "-o", "OUT"], 2, "many"),
    ],
)
def test_misuse(tmp_path: Path, words: list[str], code: int, message: str) -> None:
    tensor_dataset(tmp_path / "data", 2, 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "dataset.json").write_text('{"kind": "tensors"}')
    names = {"MODEL": model_path(NAME), "DATA": tmp_path / "data", "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out"}
    result = tool(*(names.get(word, word) for word in words))
    assert result.returncode == code, result.stderr
    assert message in result.stderr + result.stdout
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--extent", "absent=3"], "absent"), (["--extent", "batch=x"], "name=value"), (["--seconds", "nan"], "above 0")],
)
def test_misuse_of_the_comparison(words: list[str], message: str) -> None:
    command = [sys.executable, "-m", "tenfold", "bench", str(model_path(NAME)), *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr


def relu(path: Path, extent: str) -> Path:
    """A model whose input has one symbolic extent."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (extent, 4)) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("how", [[TOOL], [TOOL, "--load"], [sys.executable, "-m", "tenfold"]])
def test_an_extent_of_one_of_the_models(tmp_path: Path, how: list[str]) -> None:
    models = [relu(tmp_path / f"{name}.onnx", name) for name in ("N", "M")]
    program, options = ([how[0]], how[1:]) if how[0] == TOOL else (how, [])
    command = [*program, "bench", *models, "--seconds", "0.1", "--threads", "1", *options, "--extent"]
    for extent, code in (("N=2", 0), ("M=2", 0), ("K=2", 2)):
        result = subprocess.run([*command, extent], capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == code, result.stderr
    assert "no input has an extent" in result.stderr


def test_optimize_never_overwrites_its_model(tmp_path: Path) -> None:
    model = relu(tmp_path / "model.onnx", "N")
    before = model.read_bytes()
    (tmp_path / "link").symlink_to(tmp_path)
    for out in (tmp_path, tmp_path / "link"):
        result = tool("optimize", model, "--data", "absent", "--calibration", "absent", "-o", out)
        assert result.returncode == 2
        assert "model.onnx: is the model to be read" in result.stderr
    assert model.read_bytes() == before


def test_constants_that_cannot_be_computed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Div", ["a", "b"], ["c"], name="ratio"), helper.make_node("Add", ["x", "c"], ["y"])]
    values = [helper.make_tensor_value_info(name, TensorProto.INT64, (2,)) for name in ("x", "y")]
    constants = [numpy_helper.from_array(np.array(data), name) for name, data in (("a", [1, 2]), ("b", [1, 0]))]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "zero.onnx")
    result = tool("check", tmp_path / "zero.onnx")
    assert result.returncode == 1, result.stderr  # the model is at fault, not its user
    assert "Div 'ratio'" in result.stderr


def test_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    calibration, data = tensor_dataset(tmp_path / "calib", 4, 1), tensor_dataset(tmp_path / "eval", 60, 2)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [TOOL, "optimize", model_path(NAME), "--data", data, "--calibration", calibration, "--metric", "cosine", "-o", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cancelled" in stderr
    assert not out.exists() or list(out.iterdir()) == []


def test_interrupt_stops_what_does_not_ask(tmp_path: Path) -> None:
    process = subprocess.Popen([TOOL, "check", model_path("resnet50")], stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)  # loading, or the scalar reference, which takes seconds
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=2)
    assert (process.returncode, stderr) == (1, "tenfold: cancelled\n")


def test_output_that_cannot_be_written() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([TOOL, "inspect", model_path(NAME)], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "output" in result.stderr


def test_options_that_repeat_leave_the_model_alone(tmp_path: Path) -> None:
    result = tool("quantize", "--dynamic", "--exclude", "absent", model_path(NAME), "-o", tmp_path / "x.onnx")
    assert result.returncode == 2
    assert "absent" in result.stderr
    assert "required" not in result.stderr
