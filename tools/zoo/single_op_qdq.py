"""Builds one quantized case from its row."""

from __future__ import annotations

import zlib

import numpy as np

import onnx
from onnx import TensorProto, helper, numpy_helper
from tools.zoo.single_op_graph import finished, reference
from tools.zoo.single_op_qdq_rows import Act, Bias, Const, QdqRow, Step, Weight


def build(row: QdqRow, name: str, signed: bool) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """The model and its inputs; the output is the last QuantizeLinear."""
    graph = _Graph(row.opset, name, signed)
    for key, tensor in row.tensors.items():
        graph.add(key, tensor)
    last = len(row.steps) - 1
    for index, step in enumerate(row.steps):
        graph.step(f"s{index}", step, row.shrink if index == last else 1.0, index == last)
    return graph.model([f"s{last}_q"]), graph.feeds


class _Graph:
    """A graph under construction; `tensor[key]` is the float tensor (behind its DequantizeLinear) to compute with."""

    def __init__(self, opset: int, name: str, signed: bool):
        self.opset, self.name, self.dtype = opset, name, np.dtype(np.int8 if signed else np.uint8)
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.declared, self.constants = [], [], []
        self.feeds: dict[str, np.ndarray] = {}
        self.tensor: dict[str, str] = {}
        self.scale: dict[str, np.ndarray] = {}

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        return finished(self.nodes, self.declared, outputs, self.constants, self.opset, self.name)

    def constant(self, name: str, array) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attrs) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{output}_{op}", **attrs))
        return output

    def add(self, key: str, tensor) -> None:
        """Adds a tensor of the row under its key."""
        if isinstance(tensor, Act):
            self.declared.append(helper.make_tensor_value_info(key, TensorProto.FLOAT, tensor.shape))
            self.feeds[key] = self.rng.uniform(tensor.low, tensor.high, tensor.shape).astype(np.float32)
            self.requantize(key, key, tensor.low, tensor.high)
        elif isinstance(tensor, Weight):
            self.weight(key, tensor)
        elif isinstance(tensor, Bias):
            self.bias(key, tensor)
        elif isinstance(tensor, Const):
            single = len(tensor.values) == 1 and tensor.dtype == "float32"
            self.tensor[key] = self.constant(key, np.array(tensor.values[0] if single else tensor.values, tensor.dtype))

    def requantize(self, key: str, source: str, low: float, high: float) -> None:
        """Q and DQ over [low, high] (zero always inside), after `source`."""
        low, high, limits = min(low, 0.0), max(high, 0.0), np.iinfo(self.dtype)
        scale = np.float32(max(high - low, 1e-12) / 255)
        zero = np.clip(np.rint(limits.min - low / scale), limits.min, limits.max).astype(self.dtype)
        parameters = [self.constant(f"{key}_scale", scale), self.constant(f"{key}_zero", zero)]
        quantized = self.node("QuantizeLinear", [source, *parameters], f"{key}_q")
        self.tensor[key] = self.node("DequantizeLinear", [quantized, *parameters], f"{key}_dq")
        self.scale[key] = scale

    def weight(self, key: str, tensor: Weight) -> None:
        values = (self.rng.standard_normal(tensor.shape) * tensor.deviation).astype(np.float32)
        attrs = {}
        if tensor.unsigned:
            scale = np.float32((values.max() - values.min()) / 255)
            zero = np.rint(-values.min() / scale).astype(np.uint8)
            stored = np.clip(np.rint(values / scale) + zero, 0, 255).astype(np.uint8)
        else:
            others = tuple(a for a in range(values.ndim) if a != tensor.axis) if tensor.axis is not None else None
            scale = (np.abs(values).max(axis=others) / 127).astype(np.float32)
            spread = scale
            if tensor.axis is not None:
                attrs["axis"] = tensor.axis
                spread = scale.reshape([-1 if a == tensor.axis else 1 for a in range(values.ndim)])
            stored, zero = np.clip(np.rint(values / spread), -127, 127).astype(np.int8), np.zeros(scale.shape, np.int8)
        inputs = [self.constant(f"{key}_q", stored), self.constant(f"{key}_scale", scale), self.constant(f"{key}_zero", zero)]
        self.tensor[key] = self.node("DequantizeLinear", inputs, f"{key}_dq", **attrs)
        self.scale[key] = scale

    def bias(self, key: str, tensor: Bias) -> None:
        """Values that matter beside sums of about the size of the input."""
        scale = (self.scale["x"] * self.scale["w"]).astype(np.float32)
        values = self.rng.standard_normal(tensor.size) * self.scale["x"] * 255 * self.scale["w"].mean() * 64
        if not tensor.quantized:
            self.tensor[key] = self.constant(key, values.astype(np.float32))
            return
        stored = np.rint(values / scale).astype(np.int32)
        inputs = [self.constant(f"{key}_q", stored), self.constant(f"{key}_scale", scale),
                  self.constant(f"{key}_zero", np.zeros(scale.shape, np.int32))]  # fmt: skip
        self.tensor[key] = self.node("DequantizeLinear", inputs, f"{key}_dq", **({"axis": 0} if scale.ndim else {}))

    def step(self, key: str, step: Step, shrink: float, last: bool) -> None:
        """One operator, and the quantization after it over the range it really has."""
        result = self.node(step.op, [self.tensor[name] for name in step.inputs], f"{key}_y", **step.attrs)
        if step.keep_float and not last:
            self.tensor[key] = result
            return
        (values,) = reference(self.model([result]), self.feeds)
        self.requantize(key, result, float(values.min()) * shrink, float(values.max()) * shrink)
        if last:
            self.nodes.pop()
