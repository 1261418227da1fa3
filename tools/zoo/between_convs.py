"""Operators between two convolutions, quantized by ONNX Runtime: what INT8 networks of any family are made of.

`CASES` maps a name to a `Middle`; `float_model(name)` is the FP32 model, `build(name, path)` writes the quantized one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, EXTENT = 16, 32
INPUT = (1, 3, EXTENT, EXTENT)


@dataclass(frozen=True)
class Middle:
    """Nodes from `a` (16 channels of 32 x 32) to `b`, and the constants they name."""

    nodes: tuple[onnx.NodeProto, ...]
    constants: dict[str, np.ndarray]
    convolved: bool = True  # whether a convolution follows


def _case(*nodes: tuple, convolved: bool = True, **constants: object) -> Middle:
    """Nodes as (operator, inputs, outputs, attributes), names separated by spaces and `_` for an omitted input."""
    made = tuple(
        helper.make_node(op, ["" if name == "_" else name for name in inputs.split()], outputs.split(), **(attributes[0] if attributes else {}))
        for op, inputs, outputs, *attributes in nodes
    )
    return Middle(made, {name: np.asarray(value) for name, value in constants.items()}, convolved)


def _unary(op: str, **attributes: object) -> Middle:
    return _case((op, "a", "b", attributes))


def _f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def _i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _random(*shape: int, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(sum(shape)).standard_normal(shape) * scale).astype(np.float32)


def _by_channel(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, CHANNELS, dtype=np.float32)


def _resizes() -> dict[str, Middle]:
    scales = {"up": _f32(1, 1, 2, 2), "down": _f32(1, 1, 0.5, 0.5), "odd": _f32(1, 1, 1.4, 2.7), "rows": _f32(1, 1, 3, 1), "columns": _f32(1, 1, 1, 3)}
    cases = {
        f"resize_{mode}_{name}": _case(("Resize", "a _ s", "b", {"mode": mode}), s=scale)
        for mode in ("nearest", "linear", "cubic")
        for name, scale in scales.items()
    }
    for coordinates in ("align_corners", "asymmetric", "pytorch_half_pixel"):
        attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
        cases[f"resize_linear_{coordinates}"] = _case(("Resize", "a _ _ s", "b", attributes), s=_i64(1, CHANNELS, 50, 47))
    return cases


def _activations() -> dict[str, Middle]:
    names = (
        "Relu Sigmoid Tanh HardSwish HardSigmoid Elu Selu Celu LeakyRelu Softplus Mish Gelu Softsign Erf Abs Exp Neg Sin Round Floor ThresholdedRelu"
    ).split()
    cases = {name.lower(): _unary(name) for name in names}
    cases["silu"] = _case(("Sigmoid", "a", "t"), ("Mul", "a t", "b"))
    cases["gelu_by_erf"] = _case(
        ("Div", "a root", "t"), ("Erf", "t", "u"), ("Add", "u one", "v"), ("Mul", "a v", "w"), ("Mul", "w half", "b"),
        root=np.float32(2**0.5), one=np.float32(1), half=np.float32(0.5),
    )  # fmt: skip
    cases["hard_swish_by_clip"] = _case(
        ("Add", "a three", "t"), ("Clip", "t zero six", "u"), ("Mul", "a u", "v"), ("Div", "v six", "b"),
        three=np.float32(3), zero=np.float32(0), six=np.float32(6),
    )  # fmt: skip
    cases["clip"] = _case(("Clip", "a zero six", "b"), zero=np.float32(0), six=np.float32(6))
    cases["pow"] = _case(("Pow", "a k", "b"), k=np.float32(2))
    cases["where"] = _case(("Greater", "a k", "m"), ("Where", "m a k", "b"), k=np.float32(0.3))
    return cases


def _by_channels() -> dict[str, Middle]:
    image = (CHANNELS, 1, 1)
    return {
        "prelu": _case(("PRelu", "a k", "b"), k=_by_channel(-0.2, 0.6).reshape(image)),
        "batch_normalization": _case(
            ("Relu", "a", "t"), ("BatchNormalization", "t g h m v", "b"),
            g=_by_channel(0.5, 2), h=_by_channel(-1, 1), m=_by_channel(-0.5, 0.5), v=_by_channel(0.2, 2),
        ),
        "scale_and_shift": _case(("Mul", "a g", "t"), ("Add", "t h", "b"), g=_by_channel(0.5, 2).reshape(image), h=_by_channel(-1, 1).reshape(1, *image)),
        "add_image": _case(("Add", "a k", "b"), k=_random(1, CHANNELS, EXTENT, EXTENT)),
        "mean_of_channels": _case(("ReduceMean", "a k", "b"), k=_i64(1)),
        "cbam": _case(("ReduceMax", "a k", "t"), ("ReduceMean", "a k", "u"), ("Concat", "t u", "b", {"axis": 1}), k=_i64(1)),
        "largest_of_channels_flat": _case(("ReduceMax", "a k", "b", {"keepdims": 0}), k=_i64(1), convolved=False),
        "squeeze_excite": _case(
            ("GlobalAveragePool", "a", "t"), ("Conv", "t w1", "u", {"kernel_shape": [1, 1]}), ("Relu", "u", "v"),
            ("Conv", "v w2", "w", {"kernel_shape": [1, 1]}), ("HardSigmoid", "w", "s"), ("Mul", "a s", "b"),
            w1=_random(4, CHANNELS, 1, 1), w2=_random(CHANNELS, 4, 1, 1),
        ),
        "softmax_of_channels": _unary("Softmax", axis=1),
        "instance_normalization": _case(("InstanceNormalization", "a g h", "b"), g=_by_channel(0.5, 2), h=_by_channel(-1, 1)),
    }  # fmt: skip


def _movement() -> dict[str, Middle]:
    pads = _i64(0, 0, 1, 2, 0, 0, 2, 1)
    bounds = {"k": _i64(2, 3), "e": _i64(30, 29), "d": _i64(2, 3)}
    grouped, whole = _i64(1, 2, 8, EXTENT, EXTENT), _i64(1, CHANNELS, EXTENT, EXTENT)
    return {
        "pad_constant": _case(("Pad", "a k", "b"), k=pads),
        "pad_reflect": _case(("Pad", "a k", "b", {"mode": "reflect"}), k=pads),
        "pad_edge": _case(("Pad", "a k", "b", {"mode": "edge"}), k=pads),
        "depth_to_space": _unary("DepthToSpace", blocksize=2),
        "depth_to_space_crd": _unary("DepthToSpace", blocksize=2, mode="CRD"),
        "space_to_depth": _unary("SpaceToDepth", blocksize=2),
        "concat": _case(("Relu", "a", "t"), ("Concat", "a t", "b", {"axis": 1})),
        "split": _case(("Split", "a", "t u", {"axis": 1, "num_outputs": 2}), ("Relu", "t", "v"), ("Concat", "v u", "b", {"axis": 1})),
        "slice": _case(("Slice", "a k e d", "b"), **bounds),
        "slice_steps": _case(("Slice", "a k e d s", "b"), **bounds, s=_i64(2, 2)),
        "flip": _case(("Slice", "a k e d s", "b"), k=_i64(-1), e=_i64(-100), d=_i64(3), s=_i64(-1)),
        "shuffle": _case(("Reshape", "a k", "t"), ("Transpose", "t", "u", {"perm": [0, 2, 1, 3, 4]}), ("Reshape", "u s", "b"), k=grouped, s=whole),
        "transpose": _unary("Transpose", perm=[0, 1, 3, 2]),
        "gather": _case(("Gather", "a k", "b", {"axis": 1}), k=_i64(*range(CHANNELS - 1, -1, -1))),
        "tile": _case(("Tile", "a k", "b"), k=_i64(1, 2, 1, 1)),
        "expand": _case(("GlobalAveragePool", "a", "t"), ("Expand", "t k", "b"), k=whole),
        "positions": _case(("ArgMax", "a", "b", {"axis": 1}), convolved=False),
        "positions_flat": _case(("ArgMax", "a", "b", {"axis": 1, "keepdims": 0}), convolved=False),
    }


def _pools_and_products() -> dict[str, Middle]:
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    return {
        "average_pool": _unary("AveragePool", **window),
        "max_pool": _unary("MaxPool", **window, strides=[2, 2]),
        "global_average_pool": _unary("GlobalAveragePool"),
        "global_max_pool": _unary("GlobalMaxPool"),
        "largest_pixels": _case(("ReduceMax", "a k", "t"), ("Mul", "a t", "b"), k=_i64(2, 3)),
        "mul": _case(("AveragePool", "a", "t", window), ("Mul", "a t", "b")),
        "sub": _case(("Relu", "a", "t"), ("Sub", "a t", "b")),
        "maximum": _case(("Neg", "a", "t"), ("Max", "a t", "b")),
        "sum": _case(("Neg", "a", "t"), ("Abs", "a", "u"), ("Sum", "a t u", "b")),
        "transposed_convolution": _case(
            ("ConvTranspose", "a k", "b", {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}), k=_random(CHANNELS, CHANNELS, 4, 4, scale=0.1)
        ),
        "dilated_convolution": _case(
            ("Conv", "a k", "b", {"kernel_shape": [3, 3], "dilations": [2, 2], "pads": [2, 2, 2, 2]}), k=_random(CHANNELS, CHANNELS, 3, 3, scale=0.1)
        ),
        "convolution_1d": _case(
            ("Reshape", "a k", "t"), ("Conv", "t w1", "u", {"kernel_shape": [3], "pads": [1, 1]}), ("Relu", "u", "v"), ("Reshape", "v s", "b"),
            k=_i64(1, CHANNELS, EXTENT * EXTENT), s=_i64(1, CHANNELS, EXTENT, EXTENT), w1=_random(CHANNELS, CHANNELS, 3, scale=0.1),
        ),
        "einsum": _case(("Einsum", "a k", "b", {"equation": "nchw,cd->ndhw"}), k=_random(CHANNELS, CHANNELS, scale=0.2)),
        "classifier": _case(
            ("GlobalAveragePool", "a", "t"), ("Flatten", "t", "u"), ("Gemm", "u k", "b", {"transB": 1}), k=_random(10, CHANNELS), convolved=False
        ),
    }  # fmt: skip


CASES = {**_resizes(), **_activations(), **_by_channels(), **_movement(), **_pools_and_products()}


def float_model(name: str) -> onnx.ModelProto:
    """The FP32 model."""
    middle = CASES[name]
    constants = {"first": _random(CHANNELS, *INPUT[1:2], 3, 3, scale=0.3), **middle.constants}
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [helper.make_node("Conv", ["x", "first"], ["a"], **window), *middle.nodes]
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, INPUT)], [])
    output = TensorProto.INT64 if middle.nodes[-1].op_type == "ArgMax" else TensorProto.FLOAT
    graph.output.append(helper.make_tensor_value_info("b", output, None))
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    if middle.convolved:
        dims = inferred.graph.output[0].type.tensor_type.shape.dim
        inferred.graph.initializer.append(numpy_helper.from_array(_random(8, dims[1].dim_value, 3, 3, scale=0.1), "second"))
        inferred.graph.node.append(helper.make_node("Conv", ["b", "second"], ["y"], **window))
        inferred.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, None))
        inferred = onnx.shape_inference.infer_shapes(inferred, strict_mode=True)
    onnx.checker.check_model(inferred)
    return inferred


def pictures(count: int) -> list[np.ndarray]:
    """Seeded noise to calibrate with."""
    return list(_random(count, *INPUT))


class _Reader:
    """ONNX Runtime's calibration reader."""

    def __init__(self) -> None:
        self._samples = iter(pictures(4))

    def get_next(self) -> dict | None:
        sample = next(self._samples, None)
        return None if sample is None else {"x": sample}


def build(name: str, path: Path) -> None:
    """The quantized model: QDQ, u8 activations, s8 weights by channel."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    logging.getLogger().setLevel(logging.ERROR)
    quantize_static(
        float_model(name), str(path), _Reader(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True
    )
