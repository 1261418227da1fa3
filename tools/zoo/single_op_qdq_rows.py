"""The table of quantized cases: float in → Q → DQ → operators → Q → integers out, as quantizers write it.

A row chains steps; between two steps the tensor is quantized again unless the step says `keep_float`. Every row is built
with unsigned and with signed 8-bit activations. "One quantization step" is then a difference of one in the output.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.zoo.single_op_rows import CONVOLUTIONS, POOLS


@dataclass(frozen=True)
class Act:
    """A fed tensor, uniform in [low, high), quantized over exactly that range (so the zero point follows from it)."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 3.0


@dataclass(frozen=True)
class Weight:
    """A normally distributed initializer. `axis`: per channel; None: per tensor. `unsigned`: u8 with a zero point."""

    shape: tuple[int, ...]
    axis: int | None = 0
    deviation: float = 0.3
    unsigned: bool = False


@dataclass(frozen=True)
class Bias:
    """int32 at input scale × weight scale, as quantizers write it, or plain float."""

    size: int
    quantized: bool = True


@dataclass(frozen=True)
class Const:
    """A float or int64 initializer that stays as it is."""

    values: tuple
    dtype: str = "float32"


@dataclass(frozen=True)
class Step:
    """One operator. Inputs are keys of the row's tensors, or `s0`, `s1`… for the result of an earlier step."""

    op: str
    inputs: tuple[str, ...]
    attrs: dict = field(default_factory=dict)
    keep_float: bool = False


@dataclass(frozen=True)
class QdqRow:
    """One case. `shrink` < 1 makes the output range too small, so that results saturate."""

    name: str
    tensors: dict
    steps: tuple[Step, ...]
    opset: int = 17
    shrink: float = 1.0


def rows() -> list[QdqRow]:
    """The whole table."""
    return [row for group in (_conv, _scales, _matmul, _binary, _unary, _pool, _move, _patterns) for row in group()]


def _one(name: str, op: str, tensors: dict, opset: int = 17, shrink: float = 1.0, **attrs) -> QdqRow:
    return QdqRow(name, tensors, (Step(op, tuple(tensors), attrs),), opset, shrink)


def _conv():
    for name, shape, weight, attrs in CONVOLUTIONS:
        full = {"kernel_shape": list(weight[2:]), **attrs}
        tensors = {"x": Act(shape), "w": Weight(weight), "b": Bias(weight[0])}
        yield _one(f"conv_{name}", "Conv", tensors, **full)
    plain = {"x": Act((1, 16, 8, 8)), "w": Weight((24, 16, 3, 3))}
    yield _one("conv_no_bias", "Conv", plain)
    yield _one("conv_float_bias", "Conv", {**plain, "b": Bias(24, False)})
    yield _one("conv_per_tensor", "Conv", {"x": Act((1, 16, 8, 8)), "w": Weight((24, 16, 3, 3), None), "b": Bias(24)})
    unsigned = {"x": Act((1, 16, 8, 8)), "w": Weight((24, 16, 3, 3), None, unsigned=True), "b": Bias(24)}
    yield _one("conv_unsigned_weight", "Conv", unsigned)
    deep = {"x": Act((1, 512, 7, 7), 0, 6), "w": Weight((32, 512, 3, 3), 0, 0.05), "b": Bias(32)}
    yield _one("conv_deep", "Conv", deep, pads=[1, 1, 1, 1])
    line = {"x": Act((2, 6, 19)), "w": Weight((8, 6, 3)), "b": Bias(8)}
    yield _one("conv_1d", "Conv", line, pads=[1, 1], strides=[2])
    turned = {"x": Act((1, 8, 5, 7)), "w": Weight((8, 6, 2, 2), None), "b": Bias(6)}
    yield _one("convtranspose", "ConvTranspose", turned, kernel_shape=[2, 2], strides=[2, 2])
    by_filter = {"x": Act((2, 8, 5, 7)), "w": Weight((8, 6, 4, 4), 1), "b": Bias(6)}
    yield _one("convtranspose_per_channel", "ConvTranspose", by_filter, strides=[2, 2], pads=[1, 1, 1, 1])
    groups = {"x": Act((1, 8, 5, 7)), "w": Weight((8, 3, 3, 3), None, unsigned=True), "b": Bias(6)}
    yield _one("convtranspose_groups", "ConvTranspose", groups, strides=[2, 2], group=2)


def _scales():
    """Extreme scales and zero points, and saturation."""
    ranges = {"zero_point_lowest": (0, 5), "zero_point_highest": (-5, 0), "tiny_scale": (-1e-5, 2e-5),
              "huge_scale": (-3e4, 5e4), "uneven": (-0.01, 6)}  # fmt: skip
    for name, (low, high) in ranges.items():
        act = Act((1, 16, 8, 8), low, high)
        yield _one(f"conv_{name}", "Conv", {"x": act, "w": Weight((24, 16, 3, 3)), "b": Bias(24)}, pads=[1, 1, 1, 1])
        yield _one(f"depthwise_{name}", "Conv", {"x": act, "w": Weight((16, 1, 3, 3))}, group=16, pads=[1, 1, 1, 1])
        yield _one(f"add_{name}", "Add", {"x": act, "y": Act((1, 16, 8, 8), -1, 1)})
        yield _one(f"sigmoid_{name}", "Sigmoid", {"x": act})
    tensors = {"x": Act((1, 16, 8, 8)), "w": Weight((24, 16, 1, 1)), "b": Bias(24)}
    yield _one("conv_saturating", "Conv", tensors, shrink=0.2)
    yield _one("add_saturating", "Add", {"x": Act((2, 9)), "y": Act((2, 9), -4, 4)}, shrink=0.3)
    yield _one("matmul_saturating", "MatMul", {"x": Act((4, 32)), "w": Weight((32, 20), 1)}, shrink=0.2)
    yield _one("conv_tiny_weights", "Conv", {"x": Act((1, 16, 6, 6)), "w": Weight((8, 16, 3, 3), 0, 1e-6), "b": Bias(8)})


def _matmul():
    yield _one("matmul_weight", "MatMul", {"x": Act((3, 17, 48)), "w": Weight((48, 40), 1)})
    yield _one("matmul_weight_per_tensor", "MatMul", {"x": Act((17, 48)), "w": Weight((48, 40), None)})
    yield _one("matmul_weight_unsigned", "MatMul", {"x": Act((17, 48)), "w": Weight((48, 40), None, unsigned=True)})
    yield _one("matmul_activations", "MatMul", {"x": Act((2, 3, 9, 16)), "y": Act((2, 3, 16, 11), -1, 2)})
    yield _one("matmul_broadcast", "MatMul", {"x": Act((2, 9, 16)), "y": Act((16, 11), -1, 2)})
    yield _one("matmul_one_row", "MatMul", {"x": Act((1, 333)), "w": Weight((333, 77), 1)})
    biased = {"x": Act((5, 64)), "w": Weight((64, 30), 1), "b": Const(tuple(range(30)))}
    yield QdqRow("matmul_add_bias", biased, (Step("MatMul", ("x", "w"), {}, True), Step("Add", ("s0", "b"))))
    yield _one("gemm", "Gemm", {"x": Act((7, 64)), "w": Weight((64, 30), 1), "b": Bias(30)})
    yield _one("gemm_transposed", "Gemm", {"x": Act((1, 128)), "w": Weight((100, 128), 0), "b": Bias(100)}, transB=1)
    yield _one("gemm_per_tensor", "Gemm", {"x": Act((4, 64)), "w": Weight((30, 64), None), "b": Bias(30)}, transB=1)
    yield _one("gemm_no_bias", "Gemm", {"x": Act((4, 64)), "w": Weight((30, 64))}, transB=1)


def _binary():
    whole, other = Act((2, 8, 5, 6)), Act((2, 8, 5, 6), -1, 5)
    for op in ("Add", "Mul", "Sub", "Div"):
        low = 0.5 if op == "Div" else -1
        yield _one(f"{op.lower()}_same", op, {"x": whole, "y": Act((2, 8, 5, 6), low, 5)})
        yield _one(f"{op.lower()}_channel", op, {"x": whole, "y": Act((2, 8, 1, 1), 0.2, 1)})
        yield _one(f"{op.lower()}_scalar_constant", op, {"x": whole, "w": Weight((1,), None, 2.0)})
        yield _one(f"{op.lower()}_row_constant", op, {"x": Act((4, 9)), "w": Weight((9,), None, 2.0)})
    yield QdqRow("add_itself", {"x": whole}, (Step("Add", ("x", "x")),))
    yield _one("max", "Max", {"x": whole, "y": other})
    yield _one("min", "Min", {"x": whole, "y": other})
    yield _one("concat_channels", "Concat", {"x": whole, "y": Act((2, 3, 5, 6), 0, 1), "z": Act((2, 4, 5, 6), -9, 9)}, axis=1)
    yield _one("concat_last", "Concat", {"x": Act((2, 5)), "y": Act((2, 3), -1, 1)}, axis=-1)


UNARY = (("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"alpha": 0.1}), ("HardSigmoid", {"alpha": 1 / 6}),
         ("HardSwish", {}), ("Elu", {}), ("Exp", {}), ("Softplus", {}), ("Abs", {}), ("Neg", {}), ("Erf", {}),
         ("Softmax", {"axis": -1}), ("Softmax", {"axis": 1}))  # fmt: skip


def _unary():
    for op, attrs in UNARY:
        name = op.lower() + (f"_axis{attrs['axis']}" if "axis" in attrs else "")
        yield _one(name, op, {"x": Act((2, 7, 33), -5, 5)}, **attrs)
    yield _one("softmax_wide", "Softmax", {"x": Act((3, 1000), -8, 8)}, axis=-1)
    yield _one("sqrt", "Sqrt", {"x": Act((2, 50), 0, 9)})
    yield _one("gelu", "Gelu", {"x": Act((2, 50), -5, 5)}, 20)
    yield _one("gelu_tanh", "Gelu", {"x": Act((2, 50), -5, 5)}, 20, approximate="tanh")
    yield _one("clip", "Clip", {"x": Act((2, 50), -5, 9), "low": Const((0.0,)), "high": Const((6.0,))})
    yield _one("layernorm", "LayerNormalization", {"x": Act((4, 96)), "g": Weight((96,), None), "b": Const((0.1,) * 96)})
    normed = {"x": Act((2, 4, 6, 6)), "g": Const((1.0, 2.0, 0.5, 1.5)), "b": Const((0.0,) * 4)}
    yield _one("instancenorm", "InstanceNormalization", normed)


def _pool():
    for name, shape, attrs in POOLS:
        yield _one(f"maxpool_{name}", "MaxPool", {"x": Act(shape)}, **attrs)
        yield _one(f"avgpool_{name}", "AveragePool", {"x": Act(shape)}, **attrs)
    yield _one("avgpool_counting_pads", "AveragePool", {"x": Act((1, 4, 9, 9), 1, 5)}, kernel_shape=[3, 3], pads=[1, 1, 1, 1],
               count_include_pad=1)  # fmt: skip
    yield _one("global_avgpool", "GlobalAveragePool", {"x": Act((2, 40, 7, 7))})
    yield _one("global_maxpool", "GlobalMaxPool", {"x": Act((2, 40, 7, 7))})
    yield _one("reducemean_spatial", "ReduceMean", {"x": Act((2, 40, 7, 7)), "a": Const((2, 3), "int64")}, 18, keepdims=1)
    yield _one("reducemean_last", "ReduceMean", {"x": Act((2, 7, 40)), "a": Const((-1,), "int64")}, 18, keepdims=0)
    for mode in ("nearest", "linear"):
        for coordinates in ("asymmetric", "half_pixel", "align_corners"):
            tensors = {"x": Act((1, 5, 6, 7)), "roi": Const(()), "scales": Const((1.0, 1.0, 2.0, 2.0))}
            yield _one(f"resize_{mode}_{coordinates}", "Resize", tensors, mode=mode,
                       coordinate_transformation_mode=coordinates)  # fmt: skip


def _move():
    """Operators that only move values: the result is exact."""
    picture = Act((2, 6, 4, 5))
    yield _one("transpose", "Transpose", {"x": picture}, perm=[0, 2, 3, 1])
    yield _one("reshape", "Reshape", {"x": picture, "to": Const((2, 3, -1), "int64")})
    yield _one("flatten", "Flatten", {"x": picture}, axis=1)
    yield _one("squeeze", "Squeeze", {"x": Act((2, 6, 1, 1)), "axes": Const((2, 3), "int64")})
    yield _one("unsqueeze", "Unsqueeze", {"x": Act((2, 6)), "axes": Const((-1,), "int64")})
    bounds = {key: Const(value, "int64") for key, value in (("from", (1,)), ("to", (5,)), ("axes", (1,)))}
    yield _one("slice", "Slice", {"x": picture, **bounds})
    yield _one("gather", "Gather", {"x": picture, "at": Const((3, 0), "int64")}, axis=1)
    yield _one("pad", "Pad", {"x": picture, "by": Const((0, 0, 1, 1, 0, 0, 2, 0), "int64")})
    yield _one("depthtospace", "DepthToSpace", {"x": Act((1, 8, 3, 3))}, blocksize=2)
    yield _one("identity_other_scale", "Identity", {"x": picture}, shrink=0.7)


def _patterns():
    """Several operators that engines fuse."""
    conv = {"x": Act((1, 12, 9, 9)), "w": Weight((12, 12, 3, 3)), "b": Bias(12)}
    same, inputs = {"pads": [1, 1, 1, 1]}, ("x", "w", "b")
    for keep in (True, False):
        tail, first = "" if keep else "_requantized", Step("Conv", inputs, same, keep)
        yield QdqRow(f"conv_relu{tail}", conv, (first, Step("Relu", ("s0",))))
        yield QdqRow(f"conv_leakyrelu{tail}", conv, (first, Step("LeakyRelu", ("s0",), {"alpha": 0.1})))
        yield QdqRow(f"conv_hardswish{tail}", conv, (first, Step("HardSwish", ("s0",))))
        yield QdqRow(f"conv_add{tail}", conv, (first, Step("Add", ("s0", "x"))))
        yield QdqRow(f"conv_add_relu{tail}", conv, (first, Step("Add", ("s0", "x"), {}, keep), Step("Relu", ("s1",))))
        gate = Step("Sigmoid", ("s0",), {}, keep)
        yield QdqRow(f"conv_silu{tail}", conv, (first, gate, Step("Mul", ("s0", "s1"))))
        gate = Step("Sigmoid", ("x",), {}, keep)
        yield QdqRow(f"silu{tail}", {"x": Act((2, 90), -6, 6)}, (gate, Step("Mul", ("x", "s0"))))
        gate = Step("HardSigmoid", ("x",), {"alpha": 1 / 6}, keep)
        yield QdqRow(f"hardswish_pattern{tail}", {"x": Act((2, 90), -6, 6)}, (gate, Step("Mul", ("x", "s0"))))
    clip = {**conv, "low": Const((0.0,)), "high": Const((1.5,))}
    yield QdqRow("conv_clip", clip, (Step("Conv", inputs, same, True), Step("Clip", ("s0", "low", "high"))))
    excite = {"x": Act((1, 12, 9, 9)), "w": Weight((12, 12, 1, 1)), "b": Bias(12)}
    gate = (Step("GlobalAveragePool", ("x",)), Step("Conv", ("s0", "w", "b")), Step("Sigmoid", ("s1",)))
    yield QdqRow("squeeze_excite", excite, (*gate, Step("Mul", ("x", "s2"))))
    two = {"x": Act((1, 16, 8, 8)), "w": Weight((32, 16, 1, 1)), "b": Bias(32), "v": Weight((32, 1, 3, 3))}
    chain = (Step("Conv", ("x", "w", "b"), {}), Step("Conv", ("s0", "v"), {"group": 32, "pads": [1, 1, 1, 1]}))
    yield QdqRow("pointwise_depthwise", two, chain)
    shuffled = {"x": Act((1, 12, 9, 9)), "w": Weight((12, 12, 3, 3)), "b": Bias(12)}
    for mode in ("DCR", "CRD"):
        up = (Step("Conv", inputs, same, True), Step("DepthToSpace", ("s0",), {"blocksize": 2, "mode": mode}))
        yield QdqRow(f"conv_depthtospace_{mode.lower()}", shuffled, up)
    attention = {"q": Act((1, 2, 9, 16)), "k": Act((1, 2, 16, 9)), "v": Act((1, 2, 9, 16))}
    steps = (Step("MatMul", ("q", "k")), Step("Softmax", ("s0",), {"axis": -1}), Step("MatMul", ("s1", "v")))
    yield QdqRow("attention", attention, steps)
