"""Small helpers to finish a hand-built graph and to run it as written."""

from __future__ import annotations

import numpy as np
import onnxruntime

import onnx
from onnx import helper


def finished(nodes, declared, outputs, constants, opset: int, name: str) -> onnx.ModelProto:
    """A checked model; output types come from shape inference."""
    imports = [helper.make_opsetid("", opset)]
    ends = [onnx.ValueInfoProto(name=output) for output in outputs]
    graph = helper.make_graph(nodes, name, declared, ends, constants)
    model = helper.make_model(graph, opset_imports=imports, ir_version=max(4, helper.find_min_ir_version_for(imports)))
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for output in inferred.graph.output:
        if not output.type.tensor_type.elem_type:  # GroupNormalization is not inferred; it keeps its input's type
            output.type.CopyFrom(declared[0].type)
    onnx.checker.check_model(inferred)
    return inferred


def reference(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """ONNX Runtime's outputs without any graph optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)
