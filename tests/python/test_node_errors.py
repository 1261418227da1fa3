"""What goes wrong inside a model is a typed error that names the node, output or input."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import tenfold

import onnx
from onnx import TensorProto, helper, numpy_helper

TENFOLD = Path("build/release/apps/cli/tenfold")


def saved(folder: Path, op: str, declared: dict[str, tuple], constants: dict[str, list[int]], kind=TensorProto.FLOAT, **attrs) -> Path:
    """A model of one node called 'culprit', whose inputs are those declared and then the int64 constants."""
    node = helper.make_node(op, [*declared, *constants], ["y"], name="culprit", **attrs)
    inputs = [helper.make_tensor_value_info(name, kind, shape) for name, shape in declared.items()]
    outputs = [helper.make_tensor_value_info("y", kind, None)]
    initializers = [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()]
    graph = helper.make_graph([node], "g", inputs, outputs, initializers)
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("op", ["Div", "Mod"])
def test_integers_divided_by_zero(tmp_path: Path, op: str) -> None:
    path = saved(tmp_path, op, {"a": (2,)}, {"b": [1, 0]}, TensorProto.INT64)
    session = tenfold.InferenceSession(path)
    with pytest.raises(tenfold.TenfoldError, match=f"{op} 'culprit'.*zero") as caught:
        session.run(None, {"a": np.array([1, 2])})
    assert caught.value.code == "data error"


def test_constants_divided_by_zero_are_no_misuse_of_the_tool(tmp_path: Path) -> None:
    path = saved(tmp_path, "Div", {}, {"a": [1, 2], "b": [1, 0]}, TensorProto.INT64)
    result = subprocess.run([TENFOLD, "check", path], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Div 'culprit': division of an integer by zero" in result.stderr


@pytest.mark.parametrize(
    ("op", "declared", "constants"),
    [("Expand", (1,), {"shape": [1 << 44]}), ("Pad", (1, 2), {"pads": [0, 0, 1 << 44, 0]})],
)
def test_more_memory_than_there_is(tmp_path: Path, op: str, declared: tuple, constants: dict[str, list[int]]) -> None:
    session = tenfold.InferenceSession(saved(tmp_path, op, {"x": declared}, constants))
    with pytest.raises(tenfold.TenfoldError, match="'y'.*not enough memory"):
        session.run(None, {"x": np.zeros(declared, np.float32)})


def test_pads_beyond_the_limit_of_the_format(tmp_path: Path) -> None:
    path = saved(tmp_path, "MaxPool", {"x": (1, 1, 4, 4)}, {}, kernel_shape=[1, 1], pads=[1 << 40, 0, 0, 0])
    with pytest.raises(tenfold.TenfoldError, match="'culprit'.*pads"):
        tenfold.InferenceSession(path)


def test_declared_dimensions(tmp_path: Path) -> None:
    unknown = tenfold.InferenceSession(saved(tmp_path, "Relu", {"x": (-1, 2)}, {}))  # as some exporters write it
    assert unknown.run(None, {"x": np.zeros((3, 2), np.float32)})[0].shape == (3, 2)
    assert unknown.run(None, {"x": np.zeros((0, 2), np.float32)})[0].shape == (0, 2)
    with pytest.raises(tenfold.TenfoldError, match="'x': dimension 1 is -3"):
        tenfold.InferenceSession(saved(tmp_path, "Relu", {"x": (1, -3)}, {}))


def test_arguments_of_the_wrong_type(tmp_path: Path) -> None:
    path = saved(tmp_path, "Relu", {"x": (2,)}, {})
    for threads in (1.5, "2", 1 << 40, -1):
        with pytest.raises(tenfold.TenfoldError, match="threads must be an integer from 0 to 1024"):
            tenfold.InferenceSession(path, threads=threads)
    for model in (None, 3, 2.5):
        with pytest.raises(tenfold.TenfoldError, match="a path or bytes"):
            tenfold.InferenceSession(model)
    session = tenfold.InferenceSession(bytearray(path.read_bytes()), threads=np.int64(2))
    with pytest.raises(tenfold.TenfoldError, match="input_feed must map names"):
        session.run(None, None)
    for names in ("y", 3):
        with pytest.raises(tenfold.TenfoldError, match="output_names must be a sequence of names"):
            session.run(names, {"x": np.zeros(2, np.float32)})


def test_range_that_never_ends(tmp_path: Path) -> None:
    path = saved(tmp_path, "Range", {}, {"start": 0, "limit": 5, "delta": 0}, TensorProto.INT64)
    with pytest.raises(tenfold.TenfoldError, match="Range 'culprit': the step is 0") as caught:
        tenfold.InferenceSession(path).run(None, {})
    assert caught.value.code == "invalid model"


def test_padded_convolution_of_an_empty_image(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.ones((1, 1, 3, 1), np.float32), "w")
    model = onnx.load(saved(tmp_path, "Conv", {"x": (1, 1, 4, 0)}, {"w": [0]}, pads=[1, 1, 1, 1]))
    model.graph.initializer[0].CopyFrom(weights)
    result = tenfold.InferenceSession(model.SerializeToString()).run(None, {"x": np.zeros((1, 1, 4, 0), np.float32)})[0]
    np.testing.assert_array_equal(result, np.zeros((1, 1, 4, 2), np.float32))
