"""The table of FP32 (and integer) single-operator cases. A row: name, operator, inputs, attributes, opset, outputs.

Inputs: `x` fed at run time, `w` an initializer, both normally distributed; `feed` and `const` give the values. Symbolic
dimensions: a row with `dynamic` declares its fed inputs without sizes.
"""

from __future__ import annotations

import numpy as np

from tools.zoo.single_op_row import Row, const, feed, w, x


def rows() -> list[Row]:
    """The whole table."""
    computing = (_conv, _matmul, _pool, _resize, _elementwise, _activation, _reduce, _normalise, _recurrent)
    moving = (_layout, _select, _shape, _old)
    return [row for group in computing + moving for row in group()]


# name, input shape, weight shape, attributes: shared with the quantized table
CONVOLUTIONS = (
    ("1x1", (2, 16, 7, 9), (24, 16, 1, 1), {}),
    ("1x1_stride2", (1, 16, 9, 9), (8, 16, 1, 1), {"strides": [2, 2]}),
    ("3x3", (1, 8, 12, 10), (16, 8, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("3x3_valid", (1, 3, 9, 9), (5, 3, 3, 3), {}),
    ("3x3_stride2", (1, 3, 15, 17), (32, 3, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("3x3_wide", (1, 64, 14, 14), (64, 64, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("5x5", (1, 4, 11, 11), (6, 4, 5, 5), {"pads": [2, 2, 2, 2]}),
    ("7x7_stride2", (1, 3, 32, 32), (64, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    ("1x7", (1, 8, 9, 20), (8, 8, 1, 7), {"pads": [0, 3, 0, 3]}),
    ("3x3_dilated", (1, 8, 14, 14), (8, 8, 3, 3), {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
    ("3x3_uneven", (1, 4, 17, 13), (6, 4, 3, 3), {"dilations": [1, 2], "strides": [2, 1], "pads": [0, 1, 2, 3]}),
    ("3x3_asymmetric_pads", (1, 8, 16, 16), (12, 8, 3, 3), {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
    ("3x3_same_upper", (1, 4, 10, 10), (4, 4, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("4x4_same_lower", (1, 4, 10, 11), (4, 4, 4, 4), {"auto_pad": "SAME_LOWER", "strides": [3, 3]}),
    ("3x3_auto_valid", (1, 4, 10, 11), (4, 4, 3, 3), {"auto_pad": "VALID"}),
    ("3x3_narrower_than_kernel", (2, 5, 7, 2), (6, 5, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("5x5_batch_uneven", (3, 6, 6, 4), (7, 6, 5, 5), {"pads": [1, 2, 3, 4], "strides": [1, 2]}),
    ("1x5_all_padding", (1, 4, 3, 2), (4, 4, 1, 5), {"pads": [0, 4, 0, 5], "strides": [1, 3]}),
    ("3x3_deep_batch", (2, 64, 30, 27), (64, 64, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("3x3_deep_uneven_pads", (1, 65, 33, 45), (72, 65, 3, 3), {"pads": [2, 0, 1, 2]}),
    ("3x3_groups_of_4", (1, 64, 9, 9), (64, 4, 3, 3), {"group": 16, "pads": [1, 1, 1, 1]}),
    ("3x3_groups_of_6", (2, 36, 8, 8), (24, 6, 3, 3), {"group": 6, "pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("3x3_groups", (1, 12, 8, 8), (8, 3, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    ("1x1_groups", (1, 32, 8, 8), (64, 16, 1, 1), {"group": 2}),
    ("3x3x3", (1, 6, 5, 7, 6), (20, 6, 3, 3, 3), {"pads": [1, 1, 1, 1, 1, 1]}),
    ("2x3x1_uneven", (2, 4, 6, 5, 9), (9, 4, 2, 3, 1), {"strides": [2, 1, 3], "pads": [0, 2, 0, 1, 0, 1]}),
    ("depthwise_3x3", (1, 24, 13, 13), (24, 1, 3, 3), {"group": 24, "pads": [1, 1, 1, 1]}),
    ("depthwise_3x3_stride2", (1, 35, 14, 14), (35, 1, 3, 3), {"group": 35, "pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("depthwise_5x5", (2, 17, 9, 12), (17, 1, 5, 5), {"group": 17, "pads": [2, 2, 2, 2]}),
    ("depthwise_5x5_stride2_same", (1, 16, 15, 14), (16, 1, 5, 5), {"group": 16, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("depthwise_stride_2_1", (1, 64, 12, 20), (64, 1, 3, 3), {"group": 64, "pads": [1, 1, 1, 1], "strides": [2, 1]}),
    ("depthwise_7x7", (1, 32, 10, 10), (32, 1, 7, 7), {"group": 32, "pads": [3, 3, 3, 3]}),
    ("depthwise_dilated", (1, 16, 12, 12), (16, 1, 3, 3), {"group": 16, "pads": [3, 3, 3, 3], "dilations": [3, 3]}),
    ("depthwise_multiplier2", (1, 8, 8, 8), (16, 1, 3, 3), {"group": 8, "pads": [1, 1, 1, 1]}),
    ("whole_window", (2, 8, 6, 6), (10, 8, 6, 6), {}),
    ("one_channel", (1, 1, 10, 10), (1, 1, 3, 3), {"pads": [1, 1, 1, 1]}),
)  # fmt: skip


def _conv():
    for name, shape, weight, attrs in CONVOLUTIONS:
        full = {"kernel_shape": list(weight[2:]), **attrs}
        yield Row(f"conv_{name}", "Conv", (x(*shape), w(*weight), w(weight[0])), full)
    yield Row("conv_no_bias", "Conv", (x(1, 4, 6, 6), w(8, 4, 3, 3)), {})
    yield Row("conv_fed_weight", "Conv", (x(1, 4, 6, 6), x(8, 4, 3, 3)), {"pads": [1, 1, 1, 1]})
    yield Row("conv_dynamic", "Conv", (x(2, 4, 7, 5), w(8, 4, 3, 3)), {"pads": [1, 1, 1, 1]}, dynamic=True)
    yield Row("conv_1d", "Conv", (x(2, 6, 19), w(8, 6, 3), w(8)), {"pads": [1, 1], "strides": [2]})
    yield Row("conv_1d_depthwise", "Conv", (x(1, 6, 20), w(6, 1, 5)), {"group": 6, "pads": [2, 2]})
    yield Row("conv_3d", "Conv", (x(1, 3, 5, 6, 7), w(4, 3, 3, 3, 3)), {"pads": [1] * 6})
    yield Row("conv_3d_one_plane_padded", "Conv", (x(1, 3, 1, 6, 7), w(4, 3, 1, 3, 3)), {"pads": [1] * 6})
    yield Row("conv_3d_plane_in_front", "Conv", (x(1, 4, 1, 2, 5), w(4, 1, 1, 1, 1)), {"pads": [1, 0, 0, 0, 0, 0], "group": 4})
    square = {"kernel_shape": [2, 2], "strides": [2, 2]}
    for name, shape, weight, attrs in (
        ("2x2", (1, 8, 5, 7), (8, 6, 2, 2), square),
        ("3x3_pads", (1, 4, 6, 6), (4, 5, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("output_padding", (1, 4, 6, 6), (4, 5, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ("asymmetric_dilated", (1, 3, 5, 5), (3, 4, 3, 3), {"strides": [1, 2], "pads": [0, 1, 2, 1], "dilations": [2, 1]}),
        ("groups", (1, 8, 4, 4), (8, 2, 3, 3), {"group": 4, "strides": [2, 2]}),
        ("output_shape", (1, 3, 4, 4), (3, 2, 3, 3), {"strides": [2, 2], "output_shape": [9, 8]}),
        ("same_upper", (1, 3, 4, 4), (3, 2, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("1d", (1, 3, 8), (3, 4, 4), {"strides": [2], "pads": [1, 1]}),
    ):  # fmt: skip
        channels = weight[1] * attrs.get("group", 1)
        yield Row(f"convtranspose_{name}", "ConvTranspose", (x(*shape), w(*weight), w(channels)), attrs)


def _matmul():
    for name, a, b in (
        ("2d", (17, 33), (33, 20)), ("batched", (2, 3, 5, 8), (2, 3, 8, 7)), ("broadcast_right", (4, 5, 8), (8, 6)),
        ("broadcast_left", (5, 8), (3, 8, 6)), ("broadcast_both", (2, 1, 4, 6), (1, 3, 6, 5)), ("vector_right", (4, 6), (6,)),
        ("vector_left", (6,), (2, 6, 3)), ("dot", (6,), (6,)), ("one_row", (1, 300), (300, 70)),
        ("one_column", (50, 64), (64, 1)), ("long_k", (3, 1030), (1030, 9)),
    ):  # fmt: skip
        yield Row(f"matmul_{name}", "MatMul", (x(*a), x(*b)))
    yield Row("matmul_constant", "MatMul", (x(2, 9, 48), w(48, 40)))
    yield Row("matmul_constant_left", "MatMul", (w(12, 9), x(2, 9, 5)))
    yield Row("matmul_dynamic", "MatMul", (x(2, 9, 48), w(48, 40)), dynamic=True)
    for trans_a in (0, 1):
        for trans_b in (0, 1):
            a, b = ((7, 12), (12, 7))[trans_a], ((12, 10), (10, 12))[trans_b]
            flags = {"transA": trans_a, "transB": trans_b}
            yield Row(f"gemm_{trans_a}{trans_b}", "Gemm", (x(*a), w(*b), w(10)), flags)
    yield Row("gemm_alpha_beta", "Gemm", (x(7, 12), x(12, 10), x(7, 1)), {"alpha": 0.5, "beta": 2.0})
    yield Row("gemm_no_c", "Gemm", (x(7, 12), w(10, 12)), {"transB": 1})
    yield Row("gemm_scalar_c", "Gemm", (x(7, 12), w(12, 10), const(0.7, "float32")))
    yield Row("gemm_full_c", "Gemm", (x(7, 12), w(12, 10), x(7, 10)), dynamic=True)
    yield Row("einsum_attention", "Einsum", (x(2, 3, 4, 8), x(2, 3, 5, 8)), {"equation": "bhid,bhjd->bhij"})


POOLS = (
    ("2x2", (1, 5, 8, 8), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("3x3_stride2_pad", (1, 8, 13, 13), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("5x5_same", (1, 16, 9, 9), {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]}),
    ("ceil", (1, 4, 10, 12), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("ceil_pad", (1, 4, 10, 11), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
    ("ceil_beyond_input", (1, 4, 7, 6), {"kernel_shape": [9, 9], "strides": [9, 9], "ceil_mode": 1}),
    ("asymmetric", (1, 4, 9, 9), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [0, 0, 1, 1]}),
    ("same_upper", (1, 4, 9, 10), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("same_lower", (1, 4, 9, 10), {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
)


def _pool():
    for name, shape, attrs in POOLS:
        yield Row(f"maxpool_{name}", "MaxPool", (x(*shape),), attrs)
        yield Row(f"avgpool_{name}", "AveragePool", (x(*shape),), attrs)
        yield Row(f"avgpool_{name}_counting_pads", "AveragePool", (x(*shape),), {**attrs, "count_include_pad": 1})
    yield Row("maxpool_dilated", "MaxPool", (x(1, 4, 12, 12),), {"kernel_shape": [3, 3], "dilations": [2, 2]})
    yield Row("maxpool_indices", "MaxPool", (x(1, 2, 6, 6),), {"kernel_shape": [2, 2], "strides": [2, 2]}, outputs=2)
    yield Row("maxpool_1d", "MaxPool", (x(1, 4, 15),), {"kernel_shape": [3], "strides": [2]})
    yield Row("avgpool_1d", "AveragePool", (x(1, 4, 15),), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]})
    yield Row("avgpool_dilated", "AveragePool", (x(1, 4, 12, 12),), {"kernel_shape": [3, 3], "dilations": [2, 2]}, 19)
    yield Row("global_avgpool", "GlobalAveragePool", (x(2, 12, 7, 9),))
    yield Row("global_avgpool_1x1", "GlobalAveragePool", (x(2, 12, 1, 1),))
    yield Row("global_maxpool", "GlobalMaxPool", (x(2, 12, 7, 9),))
    yield Row("lppool", "LpPool", (x(1, 3, 8, 8),), {"kernel_shape": [2, 2], "strides": [2, 2], "p": 2})


def _resize():
    empty = const([], "float32")
    modes = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in modes:
            attrs = {"mode": mode, "coordinate_transformation_mode": coordinates}
            scales = const([1, 1, 2, 1.7], "float32")
            yield Row(f"resize_{mode}_{coordinates}_scales", "Resize", (x(1, 3, 5, 6), empty, scales), attrs)
            sizes = (x(1, 3, 7, 9), empty, None, const([1, 3, 4, 13]))
            yield Row(f"resize_{mode}_{coordinates}_sizes", "Resize", sizes, attrs)
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        attrs = {"mode": "nearest", "nearest_mode": rounding}
        yield Row(f"resize_nearest_{rounding}", "Resize", (x(1, 2, 6, 6), empty, const([1, 1, 0.6, 2.5], "float32")), attrs)
    twice = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    yield Row("resize_twice", "Resize", (x(1, 8, 5, 6), empty, const([1, 1, 2, 2], "float32")), twice)
    yield Row("resize_twice_dynamic", "Resize", (x(1, 8, 5, 6), None, const([1, 1, 2, 2], "float32")), twice, dynamic=True)
    linear = {"mode": "linear"}
    yield Row("resize_linear_1d", "Resize", (x(1, 3, 9), empty, const([1, 1, 2], "float32")), linear)


def _elementwise():
    pairs = (("same", (2, 3, 4, 5), (2, 3, 4, 5)), ("channel", (2, 3, 4, 5), (1, 3, 1, 1)), ("row", (2, 3, 4, 5), (5,)),
             ("scalar", (3, 17), ()), ("both", (4, 1, 6), (1, 5, 6)), ("left", (5,), (2, 3, 5)),
             ("outer", (7, 1), (1, 9)))  # fmt: skip
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Pow"):
        for name, a, b in pairs:
            if op == "PRelu" and name in ("both", "left", "outer"):
                continue
            left = x(*a, low=0.2, high=3) if op == "Pow" else x(*a)
            right = x(*b, low=0.5, high=2) if op in ("Div", "Pow") else x(*b)
            yield Row(f"{op.lower()}_{name}", op, (left, right))
    for op in ("Add", "Mul", "Sub", "Div"):
        yield Row(f"{op.lower()}_constant_channel", op, (x(2, 8, 3, 3), w(8, 1, 1, low=0.5, high=2)), dynamic=True)
        whole = (x(3, 4, low=-9, high=9, dtype="int64"), x(4, low=1, high=5, dtype="int64"))
        yield Row(f"{op.lower()}_int64", op, whole)
    for exponent in (2.0, 0.5, 3.0, -1.0):
        yield Row(f"pow_by_{exponent}", "Pow", (x(3, 9, low=0.1, high=4), const(exponent, "float32")))
    for dtype in ("int32", "int64", "float64"):
        yield Row(f"pow_by_{dtype}", "Pow", (x(3, 9, low=0.1, high=4), const(3, dtype)))
    yield Row("pow_by_int64_fed", "Pow", (x(3, 9), x(9, low=0, high=4, dtype="int64")))
    for op in ("Sum", "Max", "Min", "Mean"):
        yield Row(f"{op.lower()}_three", op, (x(2, 3, 4), x(3, 1), x(4)))
    for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        same = (x(3, 5, low=-3, high=3, dtype="int64"), x(5, low=-3, high=3, dtype="int64"))
        yield Row(f"{op.lower()}_int64", op, same)
        yield Row(f"{op.lower()}_float", op, (x(3, 5), x(3, 1)))
    for op in ("And", "Or", "Xor"):
        yield Row(op.lower(), op, (x(3, 5, low=0, high=2, dtype="bool"), x(5, low=0, high=2, dtype="bool")))
    yield Row("not", "Not", (x(7, low=0, high=2, dtype="bool"),))
    yield Row("mod_int", "Mod", (x(20, low=-9, high=9, dtype="int64"), const(4)))
    yield Row("mod_fmod", "Mod", (x(20), const(0.7, "float32")), {"fmod": 1})
    yield Row("where", "Where", (x(3, 1, 5, low=0, high=2, dtype="bool"), x(3, 4, 5), x(1, 4, 1)))
    yield Row("where_scalar", "Where", (x(3, 5, low=0, high=2, dtype="bool"), x(3, 5), const(-1e9, "float32")))


def _activation():
    for op in ("Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Neg", "Abs", "Floor", "Ceil", "Round", "Sign", "Softplus", "Softsign",
               "HardSwish", "Identity", "Sin", "Cos", "Mish"):  # fmt: skip
        yield Row(op.lower(), op, (x(2, 5, 7, low=-6, high=6),), {}, 18 if op == "Mish" else 17)
    for op in ("Sqrt", "Log", "Reciprocal"):
        yield Row(op.lower(), op, (x(3, 17, low=0.01, high=9),))
    yield Row("round_ties", "Round", (feed([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997]),))
    for op, attrs in (("LeakyRelu", {"alpha": 0.1}), ("Elu", {"alpha": 0.7}), ("Selu", {}), ("Celu", {"alpha": 1.3}),
                      ("HardSigmoid", {"alpha": 0.1666667, "beta": 0.5}), ("HardSigmoid", {}),
                      ("ThresholdedRelu", {"alpha": 0.5})):  # fmt: skip
        yield Row(f"{op.lower()}{'_attrs' if attrs else ''}", op, (x(2, 5, 7, low=-6, high=6),), attrs)
    for approximate in ("none", "tanh"):
        yield Row(f"gelu_{approximate}", "Gelu", (x(4, 33, low=-6, high=6),), {"approximate": approximate}, 20)
    yield Row("isnan", "IsNaN", (feed([1, np.nan, -np.inf, 0]),))
    yield Row("isinf", "IsInf", (feed([1, np.nan, -np.inf, np.inf]),))
    low, high = const(-0.5, "float32"), const(1.0, "float32")
    yield Row("clip", "Clip", (x(3, 20), low, high))
    yield Row("clip_low", "Clip", (x(3, 20), low))
    yield Row("clip_high", "Clip", (x(3, 20), None, high))
    yield Row("clip_int", "Clip", (x(20, low=-9, high=9, dtype="int64"), const(-3), const(4)))
    for axis in (-1, 0, 1, 2):
        for op in ("Softmax", "LogSoftmax"):
            yield Row(f"{op.lower()}_axis{axis}", op, (x(3, 5, 7),), {"axis": axis})
    yield Row("softmax_wide", "Softmax", (x(2, 6625, low=-30, high=30),), {"axis": -1})
    yield Row("softmax_masked", "Softmax", (feed([[0.1, -1e9, 3, -np.inf], [100, 100, -100, 0]]),), {"axis": -1})
    yield Row("hardmax", "Hardmax", (x(3, 5),), {"axis": 1})
    for source, target in (("float32", 7), ("float32", 6), ("float32", 9), ("float32", 10), ("float32", 11)):
        yield Row(f"cast_{source}_to_{target}", "Cast", (x(4, 9, low=-5, high=5, dtype=source),), {"to": target})
    for source, target in (("int64", 1), ("int32", 7), ("bool", 1), ("bool", 7), ("int64", 9), ("int64", 6)):
        yield Row(f"cast_{source}_to_{target}", "Cast", (x(4, 9, low=0, high=2, dtype=source),), {"to": target})


REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
              "ReduceLogSum", "ReduceLogSumExp")  # fmt: skip


def _reduce():
    for op in REDUCTIONS:
        data = x(2, 3, 4, 5, low=0.3, high=2)
        short = op.removeprefix("Reduce").lower()
        for name, axes, keep in (("last", [-1], 1), ("spatial", [2, 3], 0), ("middle", [1], 1), ("outer", [0, 2], 0)):
            yield Row(f"reduce_{short}_{name}", op, (data, const(axes)), {"keepdims": keep}, 18)
            if op != "ReduceSum":
                yield Row(f"reduce_{short}_{name}_attr", op, (data,), {"keepdims": keep, "axes": axes}, 13)
        yield Row(f"reduce_{short}_all", op, (data,), {"keepdims": 0}, 18)
    yield Row("reduce_sum_noop", "ReduceSum", (x(2, 3), const([])), {"noop_with_empty_axes": 1})
    yield Row("reduce_sum_opset11", "ReduceSum", (x(2, 3, 4),), {"axes": [1], "keepdims": 1}, 11)
    for op in ("ArgMax", "ArgMin"):
        for axis, keep in ((0, 1), (-1, 0), (1, 1)):
            yield Row(f"{op.lower()}_axis{axis}", op, (x(3, 4, 5),), {"axis": axis, "keepdims": keep})
    ties = feed([[1, 3, 3, 2], [5, 5, 0, 5]])
    yield Row("argmax_ties", "ArgMax", (ties,), {"axis": 1})
    yield Row("argmax_ties_last", "ArgMax", (ties,), {"axis": 1, "select_last_index": 1})
    for name, attrs in (("plain", {}), ("reverse", {"reverse": 1}), ("exclusive", {"exclusive": 1, "reverse": 1})):
        yield Row(f"cumsum_{name}", "CumSum", (x(3, 5), const(1)), attrs)
    for largest in (0, 1):
        yield Row(f"topk_largest{largest}", "TopK", (x(3, 9), const([4])), {"axis": -1, "largest": largest}, outputs=2)
    yield Row("topk_axis0", "TopK", (x(9, 3), const([2])), {"axis": 0}, outputs=2)


def _recurrent():
    for name, directions, direction, batch, hidden in (
        ("forward", 1, "forward", 1, 20), ("reverse", 1, "reverse", 3, 6), ("both", 2, "bidirectional", 2, 33),
    ):  # fmt: skip
        attrs = {"hidden_size": hidden, "direction": direction}
        weights = (w(directions, 4 * hidden, 7), w(directions, 4 * hidden, hidden))
        sequence, bias = x(5, batch, 7), w(directions, 8 * hidden)
        states = (x(directions, batch, hidden), x(directions, batch, hidden))
        yield Row(f"lstm_{name}", "LSTM", (sequence, *weights), attrs)
        yield Row(f"lstm_{name}_last", "LSTM", (sequence, *weights, bias), attrs, outputs=2, omitted=1)
        yield Row(f"lstm_{name}_states", "LSTM", (sequence, *weights, bias, None, *states), attrs, outputs=3)


def _normalise():
    stats = (w(6), w(6), w(6), w(6, low=0.5, high=2))
    yield Row("batchnorm", "BatchNormalization", (x(2, 6, 4, 5), *stats), {"epsilon": 1e-3})
    yield Row("batchnorm_2d", "BatchNormalization", (x(4, 6), *stats))
    yield Row("batchnorm_training", "BatchNormalization", (x(2, 6, 4, 5), *stats), {"training_mode": 1}, 15, outputs=3)
    yield Row("batchnorm_opset9", "BatchNormalization", (x(2, 6, 4), *stats), {"momentum": 0.8}, 9)
    yield Row("instancenorm", "InstanceNormalization", (x(2, 6, 5, 7), w(6), w(6)), {"epsilon": 1e-3})
    for axis, scale in ((-1, (8,)), (1, (3, 8)), (2, (8,))):
        yield Row(f"layernorm_axis{axis}", "LayerNormalization", (x(2, 3, 8), w(*scale), w(*scale)), {"axis": axis})
    yield Row("layernorm_no_bias", "LayerNormalization", (x(2, 3, 8), w(8)), {"epsilon": 1e-6})
    yield Row("layernorm_wide", "LayerNormalization", (x(7, 768), w(768), w(768)), {"epsilon": 1e-12}, dynamic=True)
    yield Row("rmsnorm_broadcast", "RMSNormalization", (x(2, 3, 8), w(8)), {"axis": 1}, 23)
    yield Row("groupnorm", "GroupNormalization", (x(2, 6, 4, 4), w(6), w(6)), {"num_groups": 3}, 21)
    yield Row("lrn", "LRN", (x(1, 7, 4, 4),), {"size": 5, "alpha": 0.01})
    yield Row("lpnormalization", "LpNormalization", (x(3, 8),), {"axis": 1, "p": 2})
    yield Row("lpnormalization_1", "LpNormalization", (x(2, 5, 8),), {"axis": 1, "p": 1})
    yield Row("lpnormalization_zeros", "LpNormalization", (feed([[0, 0, 0], [3, 0, 4]]),))


def _layout():
    for permutation in ([0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [0, 2, 1, 3], [1, 0, 2, 3]):
        name = "".join(map(str, permutation))
        yield Row(f"transpose_{name}", "Transpose", (x(2, 3, 4, 5),), {"perm": permutation})
    yield Row("transpose_default", "Transpose", (x(2, 3, 4),))
    yield Row("transpose_dynamic", "Transpose", (x(2, 3, 4),), {"perm": [1, 2, 0]}, dynamic=True)
    for axis in (0, 1, -1):
        parts = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
        parts[1][axis] = 5
        yield Row(f"concat_axis{axis}", "Concat", tuple(x(*part) for part in parts), {"axis": axis})
    yield Row("concat_with_constant", "Concat", (w(1, 1, 6), x(1, 4, 6)), {"axis": 1})
    yield Row("split_even", "Split", (x(2, 6, 4),), {"axis": 1}, outputs=3)
    yield Row("split_sizes", "Split", (x(2, 6, 4), const([1, 2, 3])), {"axis": 1}, outputs=3)
    yield Row("split_num_outputs", "Split", (x(2, 7),), {"axis": 1, "num_outputs": 3}, 18, outputs=3)
    for mode in ("constant", "reflect", "edge"):
        yield Row(f"pad_{mode}", "Pad", (x(1, 2, 5, 6), const([0, 0, 1, 2, 0, 0, 2, 3])), {"mode": mode})
    yield Row("pad_wrap", "Pad", (x(2, 5), const([0, 2, 0, 3])), {"mode": "wrap"}, 19)
    yield Row("pad_value", "Pad", (x(2, 3), const([1, 0, 0, 2]), const(0.5, "float32")))
    yield Row("pad_negative", "Pad", (x(4, 6), const([-1, 0, 0, -2])))
    yield Row("pad_axes", "Pad", (x(2, 3, 4), const([1, 2]), None, const([2])), {}, 18)
    yield Row("depthtospace_dcr", "DepthToSpace", (x(1, 12, 3, 4),), {"blocksize": 2})
    yield Row("depthtospace_crd", "DepthToSpace", (x(1, 12, 3, 4),), {"blocksize": 2, "mode": "CRD"})
    yield Row("spacetodepth", "SpaceToDepth", (x(1, 3, 4, 6),), {"blocksize": 2})
    yield Row("tile", "Tile", (x(2, 3), const([2, 3])))
    yield Row("expand", "Expand", (x(3, 1), const([2, 1, 4])))
    yield Row("trilu_lower", "Trilu", (x(2, 4, 5),), {"upper": 0})
    yield Row("trilu_upper_k", "Trilu", (x(4, 5), const(1)))


def _select():
    for name, starts, ends, axes, steps in (
        ("plain", [1, 0], [3, 4], None, None), ("axes", [1], [-1], [2], None), ("steps", [0, 1], [9, 9], [1, 2], [2, 2]),
        ("negative_steps", [-1, 3], [-100, 0], [0, 2], [-1, -2]), ("beyond_end", [2], [2**63 - 1], [-1], [1]),
        ("empty", [2], [2], [1], [1]),
    ):  # fmt: skip
        tail = (const(axes) if axes else None, const(steps) if steps else None)
        yield Row(f"slice_{name}", "Slice", (x(4, 5, 6), const(starts), const(ends), *tail))
    yield Row("slice_fed_bounds", "Slice", (x(4, 5), feed([1], "int64"), feed([3], "int64"), const([0])))
    for axis in (0, 1, -1):
        yield Row(f"gather_axis{axis}", "Gather", (x(4, 5, 6), const([[0, 3], [2, -1]])), {"axis": axis})
    yield Row("gather_scalar", "Gather", (x(4, 5), const(2)), {"axis": 1})
    yield Row("gather_embedding", "Gather", (w(50, 8), x(2, 7, low=0, high=50, dtype="int64")), {"axis": 0}, dynamic=True)
    yield Row("gather_elements", "GatherElements", (x(3, 4), const([[0, 1, 2, 0], [2, -1, 0, 1]])), {"axis": 0})
    yield Row("gather_nd", "GatherND", (x(3, 4, 5), const([[0, 1], [2, 3]])))
    yield Row("gather_nd_batch", "GatherND", (x(2, 4, 5), const([[1], [3]])), {"batch_dims": 1})
    yield Row("scatter_elements", "ScatterElements", (x(3, 4), const([[0, 2]]), x(1, 2)), {"axis": 1})
    yield Row("scatter_nd", "ScatterND", (x(4, 5), const([[1], [3]]), x(2, 5)))
    yield Row("onehot", "OneHot", (const([0, 2, 4, -1]), const(5), const([0, 1], "float32")), {"axis": -1})
    yield Row("onehot_axis0", "OneHot", (feed([0, 2, 4], "int64"), const(5), const([-1, 3], "float32")), {"axis": 0})
    yield Row("nonzero", "NonZero", (feed([[0, 1, 0], [2, 0, 3]]),))


def _shape():
    for name, target in (("flat", [2, -1]), ("keep", [0, 0, -1]), ("explicit", [4, 30]), ("unit", [1, 2, 1, 60])):
        yield Row(f"reshape_{name}", "Reshape", (x(2, 3, 4, 5), const(target)), dynamic=name == "keep")
    yield Row("reshape_fed", "Reshape", (x(2, 6), feed([3, 4], "int64")))
    for axis in (0, 1, 2, -1):
        yield Row(f"flatten_{axis}", "Flatten", (x(2, 3, 4),), {"axis": axis})
    yield Row("squeeze", "Squeeze", (x(1, 3, 1, 5), const([0, 2])))
    yield Row("squeeze_all", "Squeeze", (x(1, 3, 1, 5),))
    yield Row("unsqueeze", "Unsqueeze", (x(3, 5), const([0, -1])))
    yield Row("shape", "Shape", (x(2, 3, 4),), dynamic=True)
    yield Row("shape_part", "Shape", (x(2, 3, 4),), {"start": 1, "end": -1})
    yield Row("size", "Size", (x(2, 3, 4),))
    yield Row("constantofshape", "ConstantOfShape", (const([2, 3]),))
    yield Row("constantofshape_fed", "ConstantOfShape", (feed([2, 3], "int64"),))
    yield Row("range_int", "Range", (const(1), feed(9, "int64"), const(3)))
    yield Row("range_float", "Range", (const(5, "float32"), feed(0), const(-1.5, "float32")))
    yield Row("dropout", "Dropout", (x(3, 4),))
    yield Row("eyelike", "EyeLike", (x(3, 4),), {"k": 1})


def _old():
    """Forms that later opsets replaced."""
    yield Row("old_clip_attrs", "Clip", (x(3, 9),), {"min": -0.5, "max": 0.5}, 10)
    yield Row("old_slice_attrs", "Slice", (x(4, 5, 6),), {"starts": [1, 0], "ends": [3, -1], "axes": [0, 2]}, 9)
    yield Row("old_pad_attrs", "Pad", (x(2, 3),), {"pads": [0, 1, 1, 0], "value": 0.3}, 10)
    yield Row("old_split_attrs", "Split", (x(2, 6),), {"axis": 1, "split": [2, 4]}, 11, outputs=2)
    yield Row("old_squeeze_attrs", "Squeeze", (x(1, 3, 1),), {"axes": [0]}, 11)
    yield Row("old_unsqueeze_attrs", "Unsqueeze", (x(3, 4),), {"axes": [1, 3]}, 11)
    yield Row("old_softmax_flattening", "Softmax", (x(3, 4, 5),), {"axis": 1}, 11)
    yield Row("old_logsoftmax_default_axis", "LogSoftmax", (x(3, 4, 5),), {}, 11)
    yield Row("old_upsample", "Upsample", (x(1, 2, 3, 4), const([1, 1, 2, 3], "float32")), {"mode": "nearest"}, 9)
    yield Row("old_upsample_attr", "Upsample", (x(1, 2, 3, 4),), {"mode": "nearest", "scales": [1.0, 1.0, 2.0, 2.0]}, 8)
    yield Row("old_resize_opset10", "Resize", (x(1, 2, 4, 4), const([1, 1, 2, 2], "float32")), {"mode": "linear"}, 10)
    for scale in (0.6, 1.7):
        scales = const([1, 1, 0.6, scale], "float32")
        yield Row(f"old_resize_nearest_by_{scale}", "Resize", (x(1, 2, 4, 7), scales), {"mode": "nearest"}, 10)
    yield Row("old_topk_opset10", "TopK", (x(3, 9), const([2])), {"axis": 1}, 10, outputs=2)
    yield Row("old_avgpool_opset7", "AveragePool", (x(1, 2, 6, 6),), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, 7)
    yield Row("old_gemm_opset7", "Gemm", (x(3, 4), w(4, 5), w(5)), {}, 7)
    yield Row("old_batchnorm_opset7", "BatchNormalization", (x(2, 3, 4, 4), w(3), w(3), w(3), w(3, low=0.5, high=2)), {}, 7)
    yield Row("old_dropout_opset7", "Dropout", (x(3, 4),), {"ratio": 0.3}, 7)
    yield Row("old_hardswish_opset14", "HardSwish", (x(4, 9, low=-6, high=6),), {}, 14)
    yield Row("old_flatten_opset9", "Flatten", (x(2, 3, 4),), {"axis": 1}, 9)
