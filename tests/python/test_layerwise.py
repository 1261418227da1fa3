"""Every layer of a quantized network, fed with the bytes that ONNX Runtime computed up to there, within one step.

A network may multiply single steps at ties until whole outputs differ; its layers cannot hide behind that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tenfold

import onnx
from onnx import helper
from tests.python.conftest import model_path
from tools.zoo.inputs import feeds

#: Share of bytes that may differ (by one step): sums that lie on a tie before they are rounded.
TIES = 1e-5


class Network:
    """A QDQ model as layers: what lies between one quantized tensor and those before it."""

    def __init__(self, path: Path):
        self.graph = onnx.load(path).graph
        self.opsets = onnx.load(path, load_external_data=False).opset_import
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        self.producer = {output: node for node in self.graph.node for output in node.output}
        self.quantized = [node.output[0] for node in self.graph.node if node.op_type == "QuantizeLinear"]

    def model(self, nodes, inputs, outputs, constants) -> bytes:
        """Nodes as a model of their own."""
        graph = helper.make_graph(nodes, "layer", inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=self.opsets, ir_version=8).SerializeToString()

    def byte_type(self, name: str) -> int:
        """Of a quantized tensor, from its zero point."""
        return self.constants[self.producer[name].input[2]].data_type

    def bytes_of(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every quantized tensor, operator by operator."""
        outputs = [helper.make_tensor_value_info(name, self.byte_type(name), None) for name in self.quantized]
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        whole = self.model(self.graph.node, self.graph.input, outputs, self.graph.initializer)
        return dict(zip(self.quantized, onnxruntime.InferenceSession(whole, options).run(None, feed), strict=True)) | feed

    def layer(self, name: str, known: dict[str, np.ndarray]) -> tuple[bytes, dict[str, np.ndarray]]:
        """The model that makes one quantized tensor, and what it reads."""
        nodes, reads, constants, seen = [], {}, [], set()

        def visit(value: str) -> None:
            if not value or value in seen:
                return
            seen.add(value)
            if value in self.constants:
                constants.append(self.constants[value])
            elif value in known and value != name:
                reads[value] = known[value]
            else:
                node = self.producer[value]
                for read in node.input:
                    visit(read)
                if node not in nodes:
                    nodes.append(node)

        visit(name)
        inputs = [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for key, array in reads.items()]
        output = helper.make_tensor_value_info(name, self.byte_type(name), None)
        return self.model(nodes, inputs, [output], constants), reads


@pytest.mark.parametrize("name", ["ppocr_rec.int8_ort_conv_matmul", "mobilenet_v3_large.int8_ort", "unet.int8_ort", "regnet_y_400mf.int8_ort"])
def test_every_layer_within_one_step(name: str) -> None:
    network = Network(model_path(name))
    known = network.bytes_of(feeds(name, 1)[0])
    differing = total = 0
    for tensor in network.quantized:
        model, reads = network.layer(tensor, known)
        (actual,) = tenfold.InferenceSession(model, threads=1).run(None, reads)
        difference = np.abs(actual.astype(int) - known[tensor].astype(int))
        assert difference.max(initial=0) <= 1, tensor
        differing += np.count_nonzero(difference)
        total += difference.size
    assert differing <= TIES * total
