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
    *(ort_static(base) for base in ("mobilenet_v2", "efficientnet_lite0", "resnet50", "resnet18", "ppocr_rec")),
    ort_static("mobilenet_v2", "int8_ort_s8", activation="QInt8"),
    ort_static("resnet18", "int8_ort_per_tensor", per_channel=False, weight="QUInt8"),
    ort_dynamic("minilm"),
    *(nncf(base) for base in ("efficientnet_lite0", "resnet18")),
)  # fmt: skip


def row(name: str) -> Row:
    """The row called `name`."""
    for candidate in ROWS:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no model '{name}' in tools/zoo/table.py; there are: {', '.join(r.name for r in ROWS)}")
