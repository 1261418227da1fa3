"""The one list of models. A row says what a file is, who makes it and what to feed it; nothing is registered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One ONNX file: `recipe` is `module:function` inside this package, called as `function(row, path, directory)`."""

    name: str
    recipe: str
    feeds: str
    options: dict = field(default_factory=dict)
    base: str = ""


def copied(name: str, source: str, feeds: str) -> Row:
    """A file taken as it is from an installed package."""
    return Row(name, "packaged:copy", feeds, {"source": source})


def torch_model(name: str, module: str, feeds: str, exporter: str, opset: int, **options) -> Row:
    """A PyTorch module (`family:function`), made healthy and exported. Options: see `export.write`."""
    return Row(name, "export:write", feeds, {"module": module, "exporter": exporter, "opset": opset, **options})


def ort_static(base: str, suffix: str = "int8_ort", **options) -> Row:
    """`base` quantized by ONNX Runtime's static quantizer, QDQ form."""
    return Row(f"{base}.{suffix}", "quantized:ort_static", "", options, base)


def ort_dynamic(base: str, **options) -> Row:
    """`base` quantized by ONNX Runtime's dynamic quantizer (DynamicQuantizeLinear + MatMulInteger)."""
    return Row(f"{base}.int8_ort_dynamic", "quantized:ort_dynamic", "", options, base)


def nncf(base: str) -> Row:
    """`base` quantized by NNCF with its defaults."""
    return Row(f"{base}.int8_nncf", "quantized:nncf_static", "", {}, base)


#: Of families that no kernel was written for: `make bench` measures how well the engine generalises.
OTHER_CONVNETS = ("mobilenet_v1", "shufflenet_v2", "squeezenet", "regnet_y_400mf", "resnext26", "efficientnet_v2_front", "unet",
                  "inception", "super_resolution")  # fmt: skip

# Exporters, opsets, dynamic axes and kept batch norms vary on purpose: users bring all of them.
ROWS = (
    copied("ppocr_det", "ch_PP-OCRv4_det_infer.onnx", "ppocr_det"),
    copied("ppocr_rec", "ch_PP-OCRv4_rec_infer.onnx", "ppocr_rec"),
    copied("ppocr_cls", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ppocr_cls"),
    torch_model("efficientnet_lite0", "efficientnet:lite0_pretrained", "lite0_224", "torchscript", 17, healthy=False),
    torch_model("efficientnet_lite0_same", "efficientnet:lite0_same_pretrained", "lite0_224", "torchscript", 17,
                healthy=False),
    torch_model("resnet18", "resnet:resnet18", "imagenet_224", "torchscript", 17, keep_batch_norm=True),
    torch_model("resnet50", "resnet:resnet50", "imagenet_224", "torchscript", 17),
    torch_model("mobilenet_v2", "mobilenet:mobilenet_v2", "imagenet_224", "torchscript", 13, dynamic=False),
    torch_model("minilm", "transformer:minilm_pretrained", "tokens", "torchscript", 17, healthy=False,
                outputs=("last_hidden_state", "sentence_embedding")),
    torch_model("mobilenet_v3_large", "mobilenet:mobilenet_v3_large", "imagenet_224", "torchscript", 14),
    torch_model("efficientnet_b0", "efficientnet:efficientnet_b0", "imagenet_224", "dynamo", 18, dynamic=False),
    torch_model("densenet121", "plain_convnets:densenet121", "imagenet_224", "dynamo", 18),
    torch_model("vgg16_half", "plain_convnets:vgg16_half", "imagenet_224", "torchscript", 11, dynamic=False),
    torch_model("convnext_tiny", "transformer:convnext_tiny", "imagenet_224", "dynamo", 18),
    torch_model("vit_small", "transformer:vit_small", "imagenet_224", "torchscript", 17),
    torch_model("bert_base", "transformer:bert_base", "tokens", "dynamo", 18,
                outputs=("last_hidden_state", "pooler_output")),
    torch_model("yolo_n", "yolo:yolo_n", "yolo_640", "torchscript", 17, dynamic=False),
    *(torch_model(name, f"other_convnets:{name}", "imagenet_224", "torchscript", 17, dynamic=False) for name in OTHER_CONVNETS),
    torch_model("small_net.int8_torch", "fake_quantized:small_net", "small_64", "torchscript", 13, healthy=False),
    torch_model("mobilenet_v2_external", "mobilenet:mobilenet_v2", "imagenet_224", "dynamo", 20, external=True),
    torch_model("resnet18_opset9", "resnet:resnet18", "imagenet_224", "torchscript", 9, dynamic=False),
    *(ort_static(base) for base in ("mobilenet_v2", "efficientnet_lite0", "resnet50", "resnet18", "ppocr_rec",
                                     "mobilenet_v3_large", "efficientnet_b0")),
    *(ort_static(name) for name in OTHER_CONVNETS),
    ort_static("mobilenet_v2", "int8_ort_s8", activation="QInt8"),
    ort_static("resnet18", "int8_ort_per_tensor", per_channel=False, weight="QUInt8"),
    # ONNX Runtime's default above quantizes every Mul, Add and Div too; this is what a careful user asks for.
    ort_static("ppocr_rec", "int8_ort_conv_matmul", ops=("Conv", "MatMul")),
    ort_dynamic("minilm"),
    ort_dynamic("bert_base", per_channel=True),
    *(nncf(base) for base in ("efficientnet_lite0", "resnet18")),
)  # fmt: skip


def row(name: str) -> Row:
    """The row called `name`."""
    for candidate in ROWS:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no model '{name}' in tools/zoo/table.py; there are: {', '.join(r.name for r in ROWS)}")
