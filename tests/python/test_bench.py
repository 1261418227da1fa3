"""`python -m tenfold bench`: inputs of every type and name, and one message for whatever goes wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tenfold import __main__ as program

import onnx
from onnx import TensorProto, helper

TYPES = ("FLOAT", "DOUBLE", "INT8", "UINT16", "FLOAT16", "INT64")


def reshaped(path: Path, kind: str, name: str = "x") -> Path:
    """A model that any type of element suits."""
    values = [helper.make_tensor_value_info(n, getattr(TensorProto, kind), (1, 4)) for n in (name, "y")]
    graph = helper.make_graph([helper.make_node("Flatten", [name], ["y"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def bench(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["tenfold", "bench", *map(str, words), "--seconds", "0.01"])
    return program.main()


@pytest.mark.parametrize("kind", TYPES)
def test_inputs_of_every_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    code = bench(monkeypatch, reshaped(tmp_path / "m.onnx", kind), "--compare", "onnxruntime", "--json")
    told = capsys.readouterr()
    if kind == "FLOAT16":  # computed in FP32 by tenfold, which ONNX Runtime does not take
        assert (code, len(told.err.splitlines())) == (1, 1)
        assert "onnxruntime cannot run" in told.err
    else:
        assert code == 0, told.err
        assert json.loads(told.out)[0]["engines"]["onnxruntime"]["runs"] >= 5


def test_an_input_named_like_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(monkeypatch, reshaped(tmp_path / "m.onnx", "FLOAT", "file"), "--load", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["engines"]["tenfold"]["create"] > 0


def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "random_feeds", interrupted)
    assert bench(monkeypatch, reshaped(tmp_path / "m.onnx", "FLOAT")) == 1
    assert capsys.readouterr().err == "tenfold: cancelled\n"
