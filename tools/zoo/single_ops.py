"""Single-operator models with inputs and reference outputs: what every backend and every ISA is checked against.

    python -m tools.zoo.single_ops --out models/single_ops     # NAME.onnx and NAME.npz (in_*, out_*, kind) for C++
    for name, model, inputs, expected, kind in single_ops.cases(): ...

`kind` is "fp32" (compare relative to the range), "exact" (integers and booleans), "qdq" (integers, within one quantization
step) or "dynamic_quant" (float, activations quantized at run time). The reference is ONNX Runtime without graph
optimisations: the operators as the standard defines them, one by one.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

import onnx
from onnx import TensorProto, helper, numpy_helper
from tools.zoo import single_op_qdq_rows, single_op_row, single_op_rows
from tools.zoo.single_op_graph import finished, reference
from tools.zoo.single_op_qdq import build as build_qdq


class Case(NamedTuple):
    """One model with everything needed to check a backend on it."""

    name: str
    model: bytes
    inputs: dict[str, np.ndarray]
    expected: list[np.ndarray]
    kind: str


def cases(contains: str = "") -> Iterator[Case]:
    """Every case whose name contains the given text."""
    for row in single_op_rows.rows():
        if contains in row.name:
            yield _float_case(row)
    for row in single_op_qdq_rows.rows():
        for signed in (False, True):
            name = f"qdq_{row.name}_{'s8' if signed else 'u8'}"
            if contains in name:
                model, inputs = build_qdq(row, name, signed)
                yield Case(name, model.SerializeToString(), inputs, reference(model, inputs), "qdq")
    for name, model, inputs in _dynamically_quantized():
        if contains in name:
            yield Case(name, model.SerializeToString(), inputs, reference(model, inputs), "dynamic_quant")


def values(tensor: single_op_row.Tensor, rng: np.random.Generator) -> np.ndarray:
    """The values of a row's tensor."""
    if tensor.values is not None:
        return tensor.values
    if tensor.low is None:
        return rng.standard_normal(tensor.shape).astype(np.float32)
    if tensor.dtype in ("int64", "int32", "bool"):
        return rng.integers(int(tensor.low), int(tensor.high), tensor.shape).astype(tensor.dtype)
    return rng.uniform(tensor.low, tensor.high, tensor.shape).astype(tensor.dtype)


def _float_case(row: single_op_row.Row) -> Case:
    rng = np.random.default_rng(zlib.crc32(row.name.encode()))
    names, feeds, declared, constants = [], {}, [], []
    for index, tensor in enumerate(row.inputs):
        name = "" if tensor is None else f"{'w' if tensor.constant else 'x'}{index}"
        names.append(name)
        if tensor is None:
            continue
        array = values(tensor, rng)
        if tensor.constant:
            constants.append(numpy_helper.from_array(array, name))
        else:
            feeds[name] = array
            shape = [f"{name}_{axis}" for axis in range(array.ndim)] if row.dynamic else array.shape
            declared.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape))
    outputs = [f"y{index}" for index in range(row.outputs)]
    omitted = [""] * row.omitted
    node = helper.make_node(row.op, names, omitted + outputs, name=row.name, **row.attrs)
    model = finished([node], declared, outputs, constants, row.opset, row.name)
    expected = reference(model, feeds)
    kind = "fp32" if any(array.dtype == np.float32 for array in expected) else "exact"
    return Case(row.name, model.SerializeToString(), feeds, expected, kind)


def _dynamically_quantized() -> Iterator[tuple[str, onnx.ModelProto, dict]]:
    """DynamicQuantizeLinear → MatMulInteger → Cast → Mul, as ONNX Runtime's dynamic quantizer writes a MatMul."""
    sizes = (("small", 5, 24, 10, False, 0), ("wide", 3, 256, 300, True, 0), ("one_row", 1, 77, 33, True, 0),
             ("unsigned", 4, 48, 40, False, 128), ("asymmetric", 4, 700, 40, True, 100))  # fmt: skip
    for name, rows, k, n, per_channel, zero in sizes:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        weight = rng.standard_normal((k, n)).astype(np.float32) * 0.2
        scale = (np.abs(weight).max(0) if per_channel else np.abs(weight).max()).astype(np.float32) / np.float32(127)
        kind, lowest, highest = (np.uint8, 0, 255) if zero else (np.int8, -127, 127)
        constants = [
            numpy_helper.from_array(np.clip(np.rint(weight / scale) + zero, lowest, highest).astype(kind), "w"),
            numpy_helper.from_array(np.asarray(scale), "w_scale"),
            numpy_helper.from_array(np.full(scale.shape, zero, kind), "w_zero"),
            numpy_helper.from_array(rng.standard_normal(n).astype(np.float32), "bias"),
        ]
        nodes = [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "x_scale", "x_zero"]),
            helper.make_node("MatMulInteger", ["q", "w", "x_zero", "w_zero"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["x_scale", "w_scale"], ["scale"]),
            helper.make_node("Mul", ["floats", "scale"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["y"]),
        ]
        declared = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", k])]
        feeds = {"x": rng.standard_normal((rows, k)).astype(np.float32)}
        yield f"dynamic_quant_{name}", finished(nodes, declared, ["y"], constants, 17, name), feeds


def save(case: Case, folder: Path) -> None:
    """`NAME.onnx` and `NAME.npz` with in_NAME, out_0, out_1… and kind."""
    (folder / f"{case.name}.onnx").write_bytes(case.model)
    arrays = {f"in_{name}": array for name, array in case.inputs.items()}
    arrays |= {f"out_{index}": array for index, array in enumerate(case.expected)}
    np.savez(folder / f"{case.name}.npz", kind=np.array(case.kind), **arrays)


def main() -> int:
    """Writes all cases, or those whose name contains the given text."""
    parser = argparse.ArgumentParser(prog="python -m tools.zoo.single_ops")
    parser.add_argument("--out", type=Path, default=Path("models/single_ops"))
    parser.add_argument("contains", nargs="?", default="")
    arguments = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    arguments.out.mkdir(parents=True, exist_ok=True)
    count: dict[str, int] = {}
    for case in cases(arguments.contains):
        save(case, arguments.out)
        count[case.kind] = count.get(case.kind, 0) + 1
    print(f"{arguments.out}: {sum(count.values())} cases ({', '.join(f'{n} {kind}' for kind, n in count.items())})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
