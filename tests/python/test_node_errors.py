"""What goes wrong inside a model is a typed error that names the node, output or input."""

from __future__ import annotations

import re
import subprocess
import sys
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


def model(nodes: list, declared: dict[str, tuple], constants: dict[str, np.ndarray], kind=TensorProto.FLOAT) -> bytes:
    """A model of several nodes with output y."""
    inputs = [helper.make_tensor_value_info(name, kind, shape) for name, shape in declared.items()]
    outputs = [helper.make_tensor_value_info("y", kind, None)]
    initializers = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


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


@pytest.mark.parametrize("op", ["Div", "Mod"])
def test_constants_divided_by_zero(op: str) -> None:
    nodes = [helper.make_node(op, ["a", "b"], ["c"], name="culprit"), helper.make_node("Add", ["x", "c"], ["y"])]
    with pytest.raises(tenfold.TenfoldError, match=f"{op} 'culprit'.*zero") as caught:
        tenfold.InferenceSession(model(nodes, {"x": (2,)}, {"a": np.array([1, 2]), "b": np.array([1, 0])}, TensorProto.INT64))
    assert caught.value.code == "invalid model"


@pytest.mark.parametrize("shape", [[1 << 40, 1 << 40], [1 << 62]])
def test_more_than_can_be_addressed(shape: list[int]) -> None:
    nodes = [helper.make_node("Expand", ["x", "shape"], ["e"], name="culprit"), helper.make_node("ReduceSum", ["e"], ["y"])]
    with pytest.raises(tenfold.TenfoldError, match="Expand 'culprit'.*larger than any memory"):
        tenfold.InferenceSession(model(nodes, {"x": (1,)}, {"shape": np.array(shape)}))


#: Loads a model with no more address space than the process has by then and so many bytes, in a process of its own:
#: memory that earlier tests freed would count otherwise.
LOAD_WITH_LITTLE_MEMORY = """
import resource, sys, tenfold
from pathlib import Path
data = Path(sys.argv[1]).read_bytes()
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_AS)[1]))
try:
    tenfold.InferenceSession(data, threads=1)
except tenfold.TenfoldError as error:
    print(error.code, error, sep=": ")
"""


@pytest.mark.parametrize(
    ("extra", "message"),
    [(32 << 20, "there is not enough memory for the model"), (192 << 20, "('w'|'culprit'): there is not enough memory")],
)
def test_memory_that_runs_out(tmp_path: Path, extra: int, message: str) -> None:
    """First for the copy of the model's 128 MiB, then for its weights: aligned, if need be, or as kernels take them."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="culprit")
    path = tmp_path / "model.onnx"
    path.write_bytes(model([node], {"x": (1, 4096)}, {"w": np.ones((4096, 8192), np.float32)}))
    command = [sys.executable, "-c", LOAD_WITH_LITTLE_MEMORY, path, str(extra)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.match(f"unsupported: .*{message}", result.stdout)


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


@pytest.mark.parametrize("pad", [1 << 62, -(1 << 62)])
def test_a_pad_is_not_cut_to_what_fits(tmp_path: Path, pad: int) -> None:
    path = saved(tmp_path, "Pad", {"x": (1, 2)}, {"pads": [0, 0, pad, 0]})
    with pytest.raises(tenfold.TenfoldError, match=f"Pad 'culprit': .*{str(pad)[:12]}"):
        tenfold.InferenceSession(path)


def test_a_pad_that_no_window_takes_stays_a_pad() -> None:
    nodes = [helper.make_node("Pad", ["x", "pads"], ["p"], name="culprit"), helper.make_node("Conv", ["p", "w"], ["y"], name="conv")]
    constants = {"pads": np.array([0, 0, 1 << 39, 0, 0, 0, 0, 0]), "w": np.ones((1, 1, 1, 1), np.float32)}
    with pytest.raises(tenfold.TenfoldError, match="Pad 'culprit': there is not enough memory"):
        tenfold.InferenceSession(model(nodes, {"x": (1, 1, 4, 4)}, constants))


@pytest.mark.parametrize(("x", "w"), [((2, 0), (0, 3)), ((2, 4), (4, 0)), ((0, 4), (4, 3)), ((5, 0, 4), (4, 3))])
@pytest.mark.parametrize("symbolic", [False, True])
def test_products_of_nothing(x: tuple[int, ...], w: tuple[int, int], symbolic: bool) -> None:
    declared = tuple(f"d{axis}" for axis in range(len(x))) if symbolic else x
    data = model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": declared}, {"w": np.ones(w, np.float32)})
    result = tenfold.InferenceSession(data).run(None, {"x": np.ones(x, np.float32)})[0]
    np.testing.assert_array_equal(result, np.zeros((*x[:-1], w[1]), np.float32))


def test_flattening_an_empty_batch() -> None:
    data = model([helper.make_node("Flatten", ["x"], ["y"])], {"x": ("n", "c", "h")}, {})
    assert tenfold.InferenceSession(data).run(None, {"x": np.ones((0, 3, 8), np.float32)})[0].shape == (0, 24)


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
    for feed in (None, "abc", [[1, 2], [3]], object()):
        with pytest.raises(tenfold.TenfoldError, match="'x'") as caught:
            session.run(None, {"x": feed})
        assert caught.value.code == "invalid argument"
    with pytest.raises(tenfold.TenfoldError, match="unknown"):
        session.run(None, {"x": np.zeros(2, np.float32), 1: 2, "z": 3})
    with pytest.raises(tenfold.TenfoldError, match="no outputs"):
        session.run([["y"]], {"x": np.zeros(2, np.float32)})
    for options, message in ((3, "sess_options"), (tenfold.SessionOptions(isa=None), "isa must be a name, not None")):
        with pytest.raises(tenfold.TenfoldError, match=message):
            tenfold.InferenceSession(path, options)
    for names in ("y", 3, np.array(["y", "y"])):
        with pytest.raises(tenfold.TenfoldError, match="output_names must be a sequence of names"):
            session.run(names, {"x": np.zeros(2, np.float32)})


GOOD = {"x": np.zeros(2, np.float32)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threads": 1.5}, "threads"),
        ({"threads": "2"}, "threads"),
        ({"threads": 1 << 40}, "threads"),
        ({"max_drop": float("nan")}, "max_drop"),
        ({"latency_ms": None}, "latency_ms"),
        ({"metric": None}, "metric"),
        ({"calibration": None}, "calibration"),
        ({"calibration": [None]}, "feed"),
        ({"calibration": [{"x": None}]}, "'x'"),
        ({"data": None}, "data"),
        ({"data": [GOOD]}, "pair"),
        ({"data": [(None, 0)]}, "feed"),
        ({"out": None}, "out"),
    ],
)
def test_arguments_of_the_search(tmp_path: Path, arguments: dict, message: str) -> None:
    path = saved(tmp_path, "Relu", {"x": (2,)}, {})
    good = {"data": [(GOOD, 0)], "calibration": [GOOD], "metric": lambda outputs, label: 1.0, "out": tmp_path / "out"}
    with pytest.raises(tenfold.TenfoldError, match=message) as caught:
        tenfold.optimize(path, **(good | arguments))
    assert caught.value.code == "invalid argument"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": None}, "data"),
        ({"data": [None]}, "feed"),
        ({"model": None}, "model"),
        ({"method": None}, "method"),
        ({"opset": "17"}, "opset"),
        ({"exclude": "culprit"}, "exclude"),
    ],
)
def test_arguments_of_quantization(tmp_path: Path, arguments: dict, message: str) -> None:
    good = {"model": saved(tmp_path, "Relu", {"x": (2,)}, {}), "out": tmp_path / "out.onnx", "data": [GOOD]}
    with pytest.raises(tenfold.TenfoldError, match=message) as caught:
        tenfold.quantize_static(**(good | arguments))
    assert caught.value.code == "invalid argument"


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
